"""The anchor's correspondences: for each place of a' the place of a that it shows, where no smooth warp says.

Definitions: docs/architecture.md, "Correspondences". PatchMatch with affine patches: cells each hold a match from
places of a' to places of a, take over their neighbours' matches where those fit better, try random ones, and
refine theirs by Gauss-Newton, from coarse to fine. Positions are 2 * place - 1, (x, y); a match is a position
``[2]`` of the cell's centre and the slopes ``[2, 2]`` about it. One pair at a time, on any device.
Source: Barnes et al. 2009 and 2010, PatchMatch and its generalised form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .noise import words

SEED = 1
REACH = 3  # a patch is 7 x 7 pixels of its level
AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True)
class Level:
    """How many pixels of the picture a cell is wide, which squared error counts half, how many rounds there are, and
    from how many cells away matches are taken over. ``unlike`` is what a match costs that none of the cells around
    it agrees with, to a pixel: where nothing is to be seen, what is near decides. Before the finest level it would
    keep new matches from spreading."""

    cell: int
    flaw: float
    rounds: int
    strides: tuple[int, ...]
    unlike: float


COARSEST = Level(cell=8, flaw=2e-3, rounds=8, strides=(4, 1), unlike=0.0)
FINER = (
    Level(cell=4, flaw=5e-4, rounds=2, strides=(4, 1), unlike=0.0),
    Level(cell=4, flaw=5e-4, rounds=2, strides=(8, 4, 2, 1), unlike=0.1),
)
FINEST = FINER[-1]
RANDOM = 24
# At the coarsest level: a mean cost, a share of the squared error of a as it is that is left, and a share of flat
# places found, above which nothing more is tried.
HOPELESS = (0.65, 0.8, 0.6)
GAIN = 1e-6
TRUSTED = 0.05  # a difference that has a quarter of its weight in a Gauss-Newton step
DAMPING = (1e-2, 1e-3, 1e-6)
SHRUNK = 0.3  # a match that shrinks something to less than this has found a flat place, not a place
SHRUNK_SHARE = 0.4  # at the most, of the cells that read elsewhere: paint is flat places from all over a
MOVED = 1.5  # pixels

TURNS = torch.tensor(
    [
        [[-1.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, -1.0]],
        [[-1.0, 0.0], [0.0, -1.0]],
        [[0.0, 1.0], [1.0, 0.0]],
        [[0.0, -1.0], [1.0, 0.0]],
        [[0.0, 1.0], [-1.0, 0.0]],
        [[0.0, -1.0], [-1.0, 0.0]],
    ]
)


def read(image: Tensor, positions: Tensor) -> Tensor:
    """Bilinear samples of ``[C, S, S]`` at ``[..., 2]``, mirrored outside: ``[C, ...]``."""
    flat = positions.reshape(1, -1, 1, 2)
    found = F.grid_sample(image[None], flat, mode="bilinear", padding_mode="reflection", align_corners=False)
    return found.reshape(len(image), *positions.shape[:-1])


def mapped(positions: Tensor, slopes: Tensor, offsets: Tensor) -> Tensor:
    """Matches ``[n, 2]``, ``[n, 2, 2]`` at ``offsets`` from their centres, ``[n, 2]`` or ``[n, K, 2]``."""
    return positions.view(-1, *(1,) * (offsets.ndim - 2), 2) + torch.einsum("nij,n...j->n...i", slopes, offsets)


@lru_cache(maxsize=8)
def centres(cells: int, device: torch.device) -> Tensor:
    """Positions ``[cells * cells, 2]``, row by row."""
    axis = (torch.arange(cells, device=device) + 0.5) / cells * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def sloped(image: Tensor) -> Tensor:
    """``[9, S, S]``: the image and its derivatives along x and y per unit of position."""
    padded = F.pad(image[None], (1, 1, 1, 1), mode="replicate")[0]
    unit = image.shape[-1] / 4
    across, down = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2], padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return torch.cat([image, across * unit, down * unit])


class Search:
    """The cells of one level and the best match of each so far."""

    def __init__(self, a: Tensor, edited: Tensor, cells: int, level: Level) -> None:
        size, device = a.shape[-1], a.device
        self.sloped, self.cells, self.level = sloped(a), cells, level
        self.centres = centres(cells, device)
        self.all = torch.arange(cells * cells, device=device)
        self.row, self.column = self.all // cells, self.all % cells
        self.halves = [self.all[(self.row + self.column) % 2 == k] for k in range(2)]
        axis = torch.arange(-REACH, REACH + 1, device=device) * (2 / size)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        self.patch = torch.stack([x, y], -1).reshape(-1, 2)
        self.edited = read(edited, self.centres[:, None] + self.patch)

    def begin(self, positions: Tensor, slopes: Tensor) -> None:
        self.positions, self.slopes = positions.clone(), slopes.clone()
        self.costs = self.cost(self.all, positions, slopes)

    def errors(self, rows: Tensor, positions: Tensor, slopes: Tensor) -> Tensor:
        """The squared errors ``[n, 49]`` of matches for the cells ``rows``, means over channels."""
        found = read(self.sloped[:3], mapped(positions, slopes, self.patch.expand(len(rows), -1, -1)))
        return (found - self.edited[:, rows]).square().mean(0)

    def cost(self, rows: Tensor, positions: Tensor, slopes: Tensor) -> Tensor:
        error = self.errors(rows, positions, slopes)
        return (error / (error + self.level.flaw)).mean(-1)

    def error(self) -> float:
        """The mean square error that the matches leave."""
        return float(self.errors(self.all, self.positions, self.slopes).mean())

    def shrunk(self) -> float:
        """Of the cells that read elsewhere, the share whose match shrinks something to next to nothing."""
        moved = (self.positions - self.centres).abs().amax(-1) > MOVED * 2 / self.sloped.shape[-1]
        shrunk = torch.linalg.svdvals(self.slopes[moved])[:, 1] < SHRUNK
        return float(shrunk.float().sum()) / max(1, len(shrunk))

    def offer(self, rows: Tensor, positions: Tensor, slopes: Tensor, more: Tensor | float = 0.0) -> None:
        """Matches for the cells ``rows``, taken where they cost less, ``more`` added, and stay inside."""
        cost = self.cost(rows, positions, slopes)
        taken = (positions.abs() <= 1).all(-1) & (cost + more < self.costs[rows] - GAIN)
        rows = rows[taken]
        self.positions[rows], self.slopes[rows], self.costs[rows] = positions[taken], slopes[taken], cost[taken]

    def beside(self, right: int, down: int) -> Tensor:
        """The cell so far from each, clamped to the edge."""
        row, column = self.row + down, self.column + right
        return row.clamp(0, self.cells - 1) * self.cells + column.clamp(0, self.cells - 1)

    def carried(self, others: Tensor, places: Tensor) -> Tensor:
        """What the matches of ``others`` say of ``places``."""
        return mapped(self.positions[others], self.slopes[others], places - self.centres[others])

    def unlike(self, rows: Tensor, positions: Tensor) -> Tensor:
        """The share of the cells around each that say something else of its centre, by more than a pixel."""
        far = 2 / self.sloped.shape[-1]
        said = (self.carried(self.beside(*step)[rows], self.centres[rows]) for step in AROUND)
        return torch.stack([((each - positions).abs().amax(-1) > far).float() for each in said]).mean(0)

    def propagate(self) -> None:
        """Offer every cell the matches of others, carried on to it; cells of one colour of a chessboard together."""
        for stride in self.level.strides:
            for step in ((stride, 0), (-stride, 0), (0, stride), (0, -stride)):
                others = self.beside(*step)
                for half in self.halves:
                    other = others[half]
                    positions = self.carried(other, self.centres[half])
                    more = 0.0
                    if self.level.unlike:
                        more = self.level.unlike * (self.unlike(half, positions) - self.unlike(half, self.positions[half]))
                    self.offer(half, positions, self.slopes[other], more)

    def improve(self) -> None:
        """Offer every cell what a Gauss-Newton step makes of its match."""
        offsets = self.patch.expand(len(self.all), -1, -1)
        found = read(self.sloped, mapped(self.positions, self.slopes, offsets))
        value, across, down = found.split(3)
        rest = self.edited - value
        weight = 1 / (1 + rest.square().mean(0) / TRUSTED**2).square()
        unit = self.patch.max()
        basis = torch.cat([torch.ones_like(self.patch[:, :1]), self.patch / unit], 1)
        products = torch.einsum("ki,kj->kij", basis, basis).flatten(1)

        def moments(one: Tensor, other: Tensor) -> Tensor:
            return (((one * other).sum(0) * weight) @ products).unflatten(-1, (3, 3))

        xx, xy, yy = moments(across, across), moments(across, down), moments(down, down)
        normal = torch.cat([torch.cat([xx, xy], -1), torch.cat([xy, yy], -1)], -2).double()
        right = torch.cat([((slope * rest).sum(0) * weight) @ basis for slope in (across, down)], -1).double()
        main = torch.diagonal(normal, dim1=1, dim2=2)
        own, mean, least = DAMPING
        normal = normal + torch.diag_embed(own * main + mean * main.mean(-1, keepdim=True) + least)
        change = torch.linalg.solve(normal, right[..., None])[..., 0].float().unflatten(-1, (2, 3))
        # Four pixels at the most, and slopes by 0.3.
        far = 8 / self.sloped.shape[-1]
        positions = self.positions + change[..., 0].clamp(-far, far)
        self.offer(self.all, positions, self.slopes + (change[..., 1:] / unit).clamp(-0.3, 0.3))


class Draws:
    """Numbers in -1..1 for every cell, the same ones in the engine."""

    def __init__(self, cells: int, device: torch.device) -> None:
        self.cells, self.device, self.drawn = cells * cells, device, 0

    def take(self, each: int) -> Tensor:
        """``[each, cells]``, a cell's numbers in a row."""
        count = each * self.cells
        found = words(SEED, self.drawn, count) / 2**31 - 1
        self.drawn += count
        return torch.from_numpy(found).float().to(self.device).view(self.cells, each).T


def turned(angle: Tensor, scale: Tensor) -> Tensor:
    """``[n, 2, 2]``"""
    cos, sin = angle.cos() * scale, angle.sin() * scale
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)


def anywhere(search: Search, draws: Draws) -> None:
    """Offer every cell a random place, turned, scaled and perhaps mirrored."""
    angle, scale, side, x, y = draws.take(5)
    slopes = turned(angle * math.pi, (1.2 * scale).exp())
    slopes = torch.where((side < 0)[:, None, None], slopes @ TURNS[0].to(slopes), slopes)
    search.offer(search.all, torch.stack([x, y], -1), slopes)


def nearby(search: Search, draws: Draws, reach: float) -> None:
    """Offer every cell its own match moved, turned and scaled a little."""
    angle, scale, x, y = draws.take(4) * reach
    slopes = turned(angle * math.pi, scale.exp()) @ search.slopes
    search.offer(search.all, search.positions + torch.stack([x, y], -1), slopes)


def begin(a: Tensor, edited: Tensor, cells: int) -> Search | None:
    """The coarsest level's cells, matched from nothing, or None where there is no hope."""
    search = Search(a, edited, cells, COARSEST)
    still = torch.eye(2, device=a.device).expand(len(search.all), 2, 2)
    search.begin(search.centres, still)
    before = search.error()
    for turn in TURNS.to(a.device):
        search.offer(search.all, search.centres @ turn.T, turn.expand_as(still))
    draws = Draws(cells, a.device)
    for _ in range(RANDOM):
        anywhere(search, draws)
    for _ in range(COARSEST.rounds):
        search.propagate()
        for k in range(1, 5):
            nearby(search, draws, 0.5**k)
        anywhere(search, draws)
        search.improve()
        search.improve()
    left = search.error() / max(before, 1e-9)
    hopeless = any(value > most for value, most in zip((float(search.costs.mean()), left, search.shrunk()), HOPELESS))
    return None if hopeless else search


def match(a: Tensor, edited: Tensor) -> Search | None:
    """The finest level's cells with their matches of a pair ``[3, S, S]``, or None where there is no hope."""
    size = a.shape[-1]
    pairs = [(a, edited)]
    for _ in FINER:
        pairs.append(tuple(F.avg_pool2d(u[None], 2)[0] for u in pairs[-1]))
    search = begin(*pairs[-1], size // COARSEST.cell)
    if search is None:
        return None
    for (u, v), level in zip(pairs[-2::-1], FINER):
        finer = Search(u, v, size // level.cell, level)
        ratio = finer.cells // search.cells
        parent = finer.row // ratio * search.cells + finer.column // ratio
        finer.begin(search.carried(parent, finer.centres), search.slopes[parent])
        search = finer
        for _ in range(level.rounds):
            search.propagate()
            search.improve()
            search.improve()
    search.propagate()
    return search


def of_pixels(search: Search, a: Tensor, edited: Tensor) -> Tensor:
    """Every pixel's match, ``[6, S, S]``: x, y, and the slopes row by row; of the 3 x 3 cells around it the one
    that fits best near it."""
    size, cells = a.shape[-1], search.cells
    own = centres(size, a.device)
    at = torch.arange(size * size, device=a.device)
    row, column = at // size * cells // size, at % size * cells // size
    least, best = torch.full((size * size,), torch.inf, device=a.device), a.new_zeros(size * size, 6)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            cell = (row + down).clamp(0, cells - 1) * cells + (column + right).clamp(0, cells - 1)
            offsets = own - search.centres[cell]
            positions = mapped(search.positions[cell], search.slopes[cell], offsets)
            error = (read(a, positions) - edited.flatten(1)).square().mean(0)
            error = (error / (error + FINEST.flaw)).view(1, 1, size, size)
            cost = F.avg_pool2d(error, 5, 1, 2, count_include_pad=False).flatten()
            cost = cost + 0.01 * (offsets * cells / 2).abs().amax(-1)
            better = cost < least
            least = cost.where(better, least)
            best[better] = torch.cat([positions, search.slopes[cell].flatten(1)], 1)[better]
    return best.T.reshape(6, size, size)


@torch.no_grad()
def fit(a: Tensor, edited: Tensor) -> Tensor | None:
    """The matches ``[6, S, S]`` of a pair ``[3, S, S]``, or None where a' does not look like a, rearranged."""
    found = match(a, edited)
    if found is None or found.shrunk() > SHRUNK_SHARE:
        return None
    return of_pixels(found, a, edited)


def apply(u: Tensor, matches: Tensor) -> Tensor:
    """``u [3, S, S]`` read where ``matches [6, S, S]`` say."""
    return read(u, matches[:2].permute(1, 2, 0))
