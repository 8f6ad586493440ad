"""The anchor's warp: where in u each place reads, fitted to a pair by Gauss-Newton from coarse to fine, or found
place by place (patch_match.py).

Definitions: docs/architecture.md, "Warp". Images are ``[n, 3, S, S]`` in 0..1; positions p = 2 * place - 1;
coefficients ``[n, 2, K]`` are those of the displacement s(p) - p, along x and along y, of the monomials
x^i y^j in the order of `exponents`. On any device; normal equations are solved in double precision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from . import cells as cell_means
from . import patch_match
from .cells import Cells

DEGREE = 5
COEFFICIENTS = (DEGREE + 1) * (DEGREE + 2) // 2
COARSEST = 32
# Of every level after the coarsest: how many steps. The finest needs few, it starts within a pixel.
STEPS = (8, 5, 3)
CHANNEL_STEPS = (8, 8, 5, 3)  # of every level, for channels apart
APART = 0.5  # pixels of S that two channels must read apart, at the least
KEPT = (8, 3, 1)  # candidates that go on after degree 1, after degree 3 and after the second level
FLAW = 0.01  # a squared error that counts half
DAMPING = 1e-3
LEAST_INSIDE = 0.2
OUTSIDE_COSTS = 0.15

OUTSIDE = ("mirror", "wrap", "colour")


def exponents(degree: int) -> list[tuple[int, int]]:
    """(i, j) of every x^i y^j up to ``degree``, by degree and then by j."""
    return [(n - j, j) for n in range(degree + 1) for j in range(n + 1)]


@lru_cache(maxsize=8)
def starts() -> Tensor:
    """``[35, 2, 3]``: stretched, turned and shifted ones."""
    found = []
    for across in (0.6, 1.0, 1.5):
        for down in (0.6, 1.0, 1.5):
            for angle in (-0.3, 0.0, 0.3):
                c, s = math.cos(angle), math.sin(angle)
                found.append([[0, across * c - 1, -down * s], [0, across * s, down * c - 1]])
    found += [[[x, 0, 0], [y, 0, 0]] for x in (-0.4, 0.0, 0.4) for y in (-0.4, 0.0, 0.4) if x or y]
    return torch.tensor(found)


@lru_cache(maxsize=32)
def powers(size: int, degree: int, device: torch.device) -> Tensor:
    """``[S, degree + 1]``: the positions of an axis to every power."""
    axis = (torch.arange(size, dtype=torch.float32, device=device) + 0.5) / size * 2 - 1
    return axis[:, None] ** torch.arange(degree + 1, device=device)


def degree_of(coefficients: Tensor) -> int:
    return math.isqrt(2 * coefficients.shape[-1]) - 1


def positions(coefficients: Tensor, size: int) -> Tensor:
    """Where every pixel reads, ``[n, S, S, 2]`` as (x, y)."""
    degree = degree_of(coefficients)
    i, j = (list(k) for k in zip(*exponents(degree)))
    grid = coefficients.new_zeros(len(coefficients), 2, degree + 1, degree + 1)
    grid[:, :, j, i] = coefficients
    axis = powers(size, degree, coefficients.device)
    own = powers(size, 1, coefficients.device)[:, 1]
    moved = axis @ grid @ axis.T + torch.stack([own.expand(size, size), own[:, None].expand(size, size)])
    return moved.permute(0, 2, 3, 1)


def read(image: Tensor, where: Tensor) -> Tensor:
    """Bilinear samples, mirrored outside: ``[n, C, S, S]``."""
    return F.grid_sample(image, where, mode="bilinear", padding_mode="reflection", align_corners=False)


def with_slopes(image: Tensor) -> Tensor:
    """``[n, 9, S, S]``: the image and its derivatives along x and y per unit of p."""
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    unit = image.shape[-1] / 4
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) * unit
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) * unit
    return torch.cat([image, across, down], dim=1)


def improve(sloped: Tensor, edited: Tensor, coefficients: Tensor, degree: int, steps: int) -> tuple[Tensor, Tensor]:
    """Up to ``steps`` Gauss-Newton steps of candidates ``[n, 2, K]`` with robust weights: the least cost met
    ``[n]``, and the coefficients that had it."""
    count, size = len(edited), edited.shape[-1]
    i, j = (torch.tensor(k, device=edited.device) for k in zip(*exponents(degree)))
    at = F.pad(coefficients, (0, len(i) - coefficients.shape[-1]))
    axis = powers(size, 2 * degree, edited.device)
    short = axis[:, : degree + 1]
    least, best = edited.new_full((count,), torch.inf), at
    for step in range(steps + 1):
        where = positions(at, size)
        inside = (where.abs() <= 1).all(-1, keepdim=True).permute(0, 3, 1, 2).float()
        moved, across, down = read(sloped, where).split(3, dim=1)
        rest = edited - moved
        error = rest.square().mean(1, keepdim=True)
        pixels = inside.sum((1, 2, 3))
        share = pixels / size**2
        cost = (error / (error + FLAW) * inside).sum((1, 2, 3)) / pixels.clamp_min(1) + OUTSIDE_COSTS * (1 - share)
        cost = cost.where(share >= LEAST_INSIDE, torch.inf)
        better = cost < least
        least, best = cost.where(better, least), at.where(better[:, None, None], best)
        if step == steps:
            break
        scale = ((error * inside).sum((1, 2, 3)) / pixels.clamp_min(1)).clamp(0.02**2, 0.15**2).view(-1, 1, 1, 1)
        weight = inside / (1 + error / scale).square()
        # Products of the monomials are monomials too: the normal equations are made of moments.
        products = torch.stack([(u * v * weight).sum(1) for u, v in ((across, across), (across, down), (down, down))], 1)
        moments = (axis.T @ products @ axis).double()
        xx, xy, yy = moments[:, :, j[:, None] + j, i[:, None] + i].unbind(1)
        normal = torch.cat([torch.cat([xx, xy], 2), torch.cat([xy, yy], 2)], 1)
        right = torch.stack([(u * rest * weight).sum(1) for u in (across, down)], 1)
        right = (short.T @ right @ short).double()[:, :, j, i].flatten(1)
        main = torch.diagonal(normal, dim1=1, dim2=2)
        normal = normal + torch.diag_embed(DAMPING * main + 1e-6 * main.mean(1, keepdim=True) + 1e-9)
        change = torch.linalg.solve(normal, right).reshape(count, 2, -1).float()
        at = at + change.clamp(-0.5, 0.5)
    return least, best


def matched(a: Tensor, edited: Tensor) -> Tensor:
    """``a`` with each channel's histogram of 256 bins that of a'."""
    bins = 256
    value = torch.linspace(0, 1, bins, device=a.device)
    keys = (torch.stack([a, edited]) * (bins - 1)).round().long().flatten(3)
    counts = torch.zeros(*keys.shape[:3], bins, device=a.device).scatter_add_(3, keys, torch.ones_like(keys, dtype=torch.float32))
    # The share of pixels below the middle of every bin.
    below, target = ((counts.cumsum(3) - counts / 2) / keys.shape[3]).unbind()
    after = torch.searchsorted(target, below).clamp(1, bins - 1)
    low, high = target.gather(2, after - 1), target.gather(2, after)
    share = ((below - low) / (high - low).clamp_min(1e-9)).clamp(0, 1)
    table = value[after - 1] + share * (value[1] - value[0])
    return table.gather(2, keys[0]).view_as(a)


@torch.no_grad()
def search(sources: Tensor, edited: Tensor) -> tuple[Tensor, Tensor]:
    """Of m pictures to read from ``[n, m, 3, S, S]``: the one ``[n]`` and the coefficients ``[n, 2, 21]``
    that make a' best."""
    count, ways = sources.shape[:2]
    levels = [(sources, edited)]
    while levels[-1][0].shape[-1] >= 2 * COARSEST:
        u, v = levels[-1]
        levels.append((F.avg_pool2d(u.flatten(0, 1), 2).unflatten(0, (count, ways)), F.avg_pool2d(v, 2)))
    row = torch.arange(count, device=edited.device)[:, None]
    made = starts().to(edited.device)
    way = torch.arange(ways, device=edited.device).repeat_interleave(len(made)).expand(count, -1)
    at = made.repeat(ways, 1, 1).expand(count, -1, -1, -1)

    def refine(level: int, degree: int, steps: int, kept: int) -> None:
        nonlocal way, at
        u, v = levels[level]
        each = way.shape[1]
        sloped = with_slopes(u.flatten(0, 1)).unflatten(0, (count, ways))[row, way]
        cost, better = improve(sloped.flatten(0, 1), v.repeat_interleave(each, 0), at.flatten(0, 1), degree, steps)
        order = cost.view(count, each).topk(min(kept, each), largest=False).indices
        way, at = way.gather(1, order), better.unflatten(0, (count, each))[row, order]

    refine(-1, 1, 6, KEPT[0])
    refine(-1, 3, 8, KEPT[1])
    for level, steps in zip(reversed(range(len(levels) - 1)), STEPS):
        refine(level, DEGREE, steps, KEPT[2])
    if len(levels) == 1:
        refine(0, DEGREE, 0, KEPT[2])
    return way[:, 0], at[:, 0]


def chosen(values: list[Any], rows: slice | list[int]) -> list[Any]:
    return values[rows] if isinstance(rows, slice) else [values[k] for k in rows]


@dataclass(frozen=True)
class Warps:
    """Warps of n pictures: ``coefficients [n, 2, 21]``, which of `OUTSIDE` is read outside u (None where
    there is no warp) and, for *colour*, which ``colour [n, 3]``; or, in place of the coefficients, correspondences,
    ``matches [6, S, S]``, or cells, or coefficients of each channel's own, ``channels [3, 2, 3]``."""

    coefficients: Tensor
    outside: list[str | None]
    colour: Tensor
    matches: list[Tensor | None]
    cells: list[Cells | None]
    channels: list[Tensor | None]

    def rows(self) -> list[int]:
        """Where there is a warp."""
        return [k for k, outside in enumerate(self.outside) if outside]

    def part(self, rows: slice | list[int]) -> Warps:
        outside, *others = (chosen(v, rows) for v in (self.outside, self.matches, self.cells, self.channels))
        return Warps(self.coefficients[rows], outside, self.colour[rows], *others)

    def put(self, rows: list[int], others: Warps) -> None:
        for k, row in enumerate(rows):
            self.outside[row], self.matches[row] = others.outside[k], others.matches[k]
            self.cells[row], self.channels[row] = others.cells[k], others.channels[k]
        self.coefficients[rows], self.colour[rows] = others.coefficients, others.colour


def still(count: int, device: torch.device) -> Warps:
    """No warps."""
    zeros = torch.zeros(count, 2, COEFFICIENTS, device=device)
    return Warps(zeros, [None] * count, zeros[:, 0, :3].clone(), *([None] * count for _ in range(3)))


def of_matches(matches: list[Tensor]) -> Warps:
    """Correspondences, ``[6, S, S]`` each; they read outside as if mirrored."""
    none = still(len(matches), matches[0].device)
    return replace(none, outside=["mirror"] * len(matches), matches=list(matches))


def of_cells(cells: Cells, device: torch.device) -> Warps:
    """One picture's cells."""
    return replace(still(1, device), outside=["mirror"], cells=[cells])


def of_channels(channels: list[Tensor]) -> Warps:
    """Channels apart, ``[3, 2, 3]`` each; they read outside as if mirrored."""
    none = still(len(channels), channels[0].device)
    return replace(none, outside=["mirror"] * len(channels), channels=list(channels))


def apply(u: Tensor, warps: Warps) -> Tensor:
    """``u`` read where the warps say."""
    size = u.shape[-1]
    where = positions(warps.coefficients, size)
    wrapped = torch.tensor([outside == "wrap" for outside in warps.outside], device=u.device).view(-1, 1, 1, 1)
    moved = read(u, torch.where(wrapped, (where + 1) % 2 - 1, where))
    painted = torch.tensor([outside == "colour" for outside in warps.outside], device=u.device).view(-1, 1, 1, 1)
    # Coverage by whole pixels of u, half a pixel beyond its edge none.
    within = ((1 - where.abs()).amin(-1) * size / 2 + 0.5).clamp(0, 1)[:, None]
    colour = warps.colour[:, :, None, None]
    result = torch.where(painted, colour + (moved - colour) * within, moved)
    for k, matches in enumerate(warps.matches):
        if matches is not None:
            result[k] = patch_match.apply(u[k], matches)
    for k, cells in enumerate(warps.cells):
        if cells is not None:
            result[k] = cell_means.apply(u[k], cells)
    for k, channels in enumerate(warps.channels):
        if channels is not None:
            result[k] = read(u[k][:, None], positions(channels, size))[:, 0]
    return result


@torch.no_grad()
def fit_channels(a: Tensor, edited: Tensor, most: float) -> list[Tensor | None]:
    """Where each channel of a' reads the same channel of a, or of a with the histograms of a', ``[3, 2, 3]`` for each
    pair; None where all read alike, or where that leaves more than a share ``most`` of the squared error."""
    count, size = len(a), a.shape[-1]
    sources = torch.stack([a, matched(a, edited)])
    levels = [tuple(v.flatten(0, 2)[:, None].expand(-1, 3, -1, -1) for v in (sources, edited.expand_as(sources)))]
    while levels[-1][0].shape[-1] >= 2 * COARSEST:
        levels.append(tuple(F.avg_pool2d(v, 2) for v in levels[-1]))
    at, cost = a.new_zeros(6 * count, 2, 3), a.new_zeros(6 * count)
    for (u, v), steps in zip(reversed(levels), CHANNEL_STEPS):
        cost, at = improve(with_slopes(u), v, at, 1, steps)
    way = cost.view(2, count, 3).sum(2).argmin(0)
    row = torch.arange(count, device=a.device)
    source, found = sources[way, row], at.view(2, count, 3, 2, 3)[way, row]
    moved = read(source.flatten(0, 1)[:, None], positions(found.flatten(0, 1), size)).view_as(a)
    left, before = ((u - edited).square().mean((1, 2, 3)) for u in (moved, source))
    # The furthest that two channels are apart is at a corner.
    reach = (found[:, :, None] - found[:, None]).abs().sum(-1).amax((1, 2, 3)) * size / 2
    taken = (reach >= APART) & (left <= most * before)
    return [found[k] if taken[k] else None for k in range(count)]


@torch.no_grad()
def fit(a: Tensor, edited: Tensor) -> tuple[Warps, Tensor]:
    """The warp of every pair, and the share ``[n]`` of the squared error that it leaves where it was found:
    reading from a, or from a with the histograms of a'."""
    sources = torch.stack([a, matched(a, edited)], dim=1)
    way, coefficients = search(sources, edited)
    source = sources[torch.arange(len(a), device=a.device), way]
    away = (positions(coefficients, a.shape[-1]).abs() > 1).any(-1)[:, None].float()
    colour = (edited * away).sum((2, 3)) / away.sum((2, 3)).clamp_min(1)
    none = still(len(a), a.device)
    tried = [replace(none, coefficients=coefficients, outside=[name] * len(a), colour=colour) for name in OUTSIDE]
    error = torch.stack([(apply(source, warps) - edited).square().mean((1, 2, 3)) for warps in tried])
    best = error.argmin(0)
    before = (source - edited).square().mean((1, 2, 3)).clamp_min(1e-9)
    outside = [OUTSIDE[k] for k in best.tolist()]
    return replace(none, coefficients=coefficients, outside=outside, colour=colour), error.amin(0) / before
