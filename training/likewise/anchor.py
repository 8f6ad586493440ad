"""The anchor: a closed-form fit of a -> a', evaluated on any image.

The definitions are those of docs/architecture.md; the engine implements the same ones.
Images are float32 ``[B, 3, S, S]`` in 0..1 (sRGB-encoded values as they are).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from . import lookup

FEATURES = 82
COLUMNS = FEATURES + 3
BLOCKS = 4
FOLDS = 4
TONE_KNOTS = (0.2, 0.4, 0.6, 0.8)
BLUR_SIGMAS = (1.0, 2.0, 4.0, 8.0)
RIDGES = (1e-6, 1e-4, 1e-2)
ACCEPT = 0.8  # a fit that leaves more than this share of (a' - a)^2 explains nothing
TIE = 1.1  # an earlier candidate wins while its score is within this factor of the best
FLOOR = 1e-6

COLOUR = tuple(range(10))
TONE = tuple(range(22))
POSITION = tuple(range(22, 46))
DETAIL = tuple(range(46, 61))
COPIES = tuple(range(61, 82))
GROUPS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("none", ()),
    ("colour", COLOUR),
    ("tone", TONE),
    ("copies", COLOUR + COPIES),
    ("detail", TONE + DETAIL),
    ("light", TONE + POSITION),
    ("full", TONE + POSITION + DETAIL),
)
# Every candidate, in order of preference: features go on better than tables where a has no pixels, but
# weights of a gradient, which is rarely large, go on worse than its table.
ORDER = ("none", "colour", "tone", "copies", "gradient", "detail", "light", "full", *lookup.KINDS[:-1])


@lru_cache(maxsize=32)
def blur_matrix(count: int, sigma: float, device: torch.device) -> Tensor:
    """``[count, count]``: the Gaussian of ``sigma`` pixels along one axis, taps to ceil(3 sigma), edges clamped."""
    radius = math.ceil(3 * sigma)
    offsets = torch.arange(-radius, radius + 1, device=device)
    kernel = torch.exp(-(offsets.float() ** 2) / (2 * sigma * sigma))
    place = (torch.arange(count, device=device)[:, None] + offsets).clamp(0, count - 1)
    matrix = torch.zeros(count, count, device=device)
    return matrix.scatter_add_(1, place, (kernel / kernel.sum()).expand(count, -1))


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Separable Gaussian of ``image [..., H, W]``. As matrix products: on a CPU several times faster
    than convolutions of one channel."""
    height, width = image.shape[-2:]
    across = image @ blur_matrix(width, sigma, image.device).T
    return blur_matrix(height, sigma, image.device) @ across


def features(image: Tensor) -> Tensor:
    """The anchor's features of ``image [B, 3, S, S]``: ``[B, 82, S, S]``."""
    batch, _, size, _ = image.shape
    r, g, b = image[:, 0:1], image[:, 1:2], image[:, 2:3]
    one = torch.ones_like(r)
    columns = [one, image, image * image, r * g, r * b, g * b]
    knots = torch.tensor(TONE_KNOTS, dtype=image.dtype, device=image.device).view(1, 1, -1, 1, 1)
    columns.append((image.unsqueeze(2) - knots).clamp_min(0).flatten(1, 2))

    axis = 2 * (torch.arange(size, dtype=image.dtype, device=image.device) + 0.5) / size - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    base = torch.cat([one, image], dim=1)
    for q in (x, y, x * x, y * y, x * y, (x * x + y * y) ** 2):
        columns.append(base * q)

    for sigma in BLUR_SIGMAS:
        columns.append(gaussian_blur(image, sigma * size / 256))
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    padded = F.pad(luma, (1, 1, 1, 1), mode="replicate")
    scale = size / 256
    dx = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2 * scale
    dy = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2 * scale
    columns += [dx, dy, torch.sqrt(dx * dx + dy * dy + 1e-8)]

    # Where a copy reads, (u, v) being (column, row): flips and quarter turns are exact at S x S.
    transposed = image.transpose(2, 3)
    columns += [
        image.flip(3),  # (1-u, v)
        image.flip(2),  # (u, 1-v)
        image.flip((2, 3)),  # (1-u, 1-v)
        transposed.flip(2),  # (v, 1-u)
        transposed.flip(3),  # (1-v, u)
        transposed,  # (v, u)
        transposed.flip((2, 3)),  # (1-v, 1-u)
    ]
    return torch.cat(columns, dim=1)


def gram(phi: Tensor, difference: Tensor) -> Tensor:
    """Gram matrices ``[B, 16, 85, 85]`` of the columns [phi | difference] per block (row * 4 + column)."""
    columns = torch.cat([phi, difference], dim=1)
    batch, count, size, _ = columns.shape
    side = size // BLOCKS
    tiles = columns.reshape(batch, count, BLOCKS, side, BLOCKS, side)
    tiles = tiles.permute(0, 2, 4, 1, 3, 5).reshape(batch * BLOCKS * BLOCKS, count, side * side)
    return torch.bmm(tiles, tiles.transpose(1, 2)).reshape(batch, BLOCKS * BLOCKS, count, count)


@dataclass(frozen=True)
class Anchor:
    """A fitted anchor: the name of its group, ``weights [82, 3]`` (zero outside the group) and, for a
    lookup, its ``table [256, 3]``."""

    group: str
    weights: Tensor
    table: Tensor | None = None


def fold_of_block() -> Tensor:
    return torch.tensor([(i + 2 * j) % FOLDS for j in range(BLOCKS) for i in range(BLOCKS)])


def fold_of_pixel(size: int) -> Tensor:
    side = torch.arange(size) * BLOCKS // size
    return fold_of_block()[side[:, None] * BLOCKS + side]


def fit(image: Tensor, edited: Tensor, phi: Tensor, blocks: Tensor) -> Anchor:
    """Choose group and ridge by cross-validation over blocks, then refit on all of them.

    One pair ``[3, S, S]``, its ``phi [82, S, S]`` and ``blocks [16, 85, 85]``; solved in double
    precision. Source: docs/architecture.md, "Anchor fit".
    """
    blocks = blocks.double()
    size = image.shape[-1]
    pixels = size * size
    total = blocks.sum(0)
    energy = float(torch.diagonal(total)[FEATURES:].sum()) / (3 * pixels)
    nothing = Anchor("none", torch.zeros(FEATURES, 3))
    if energy < FLOOR:
        return nothing
    fold = fold_of_block()
    held = torch.stack([blocks[fold == k].sum(0) for k in range(FOLDS)])
    groups = dict(GROUPS)
    scores = {name: cross_validate(total, held, columns, pixels) for name, columns in GROUPS[1:]}
    pair = image[None], phi[None]
    sums = [lookup.sums(lookup.index(k, *pair), edited[None], fold_of_pixel(size), FOLDS) for k in lookup.KINDS]
    looked_up = zip(*(values[0].tolist() for values in lookup.scores(sums, pixels)))
    scores |= {"none": (energy, 0.0), **dict(zip(lookup.KINDS, looked_up))}

    lowest = min(score for score, _ in scores.values())
    name = next(name for name in ORDER if scores[name][0] <= TIE * lowest + FLOOR)
    if name == "none" or lowest > ACCEPT * energy:
        return nothing
    ridge = torch.tensor([scores[name][1]], dtype=torch.float64)
    if name in lookup.KINDS:
        return Anchor(name, nothing.weights, lookup.tables(sums[lookup.KINDS.index(name)], ridge, pixels)[0])
    index = torch.tensor(groups[name])
    diagonal = ridge.repeat(len(index))
    diagonal[0] = 0
    xx = total[index][:, index] / pixels + torch.diag(diagonal)
    xy = total[index, FEATURES:] / pixels
    weights = torch.zeros(FEATURES, 3, dtype=torch.float64)
    weights[index] = torch.cholesky_solve(xy, torch.linalg.cholesky(xx))
    return Anchor(name, weights.float())


def cross_validate(total: Tensor, held: Tensor, columns: tuple[int, ...], pixels: int) -> tuple[float, float]:
    """Mean square error of a group on held-out folds with its best ridge (the larger on ties), and that ridge."""
    kept = total - held
    pixels_kept = pixels * (FOLDS - 1) / FOLDS
    index = torch.tensor(columns)
    best: tuple[float, float] = (math.inf, 0.0)
    ridge_diagonal = torch.ones(len(columns), dtype=torch.float64)
    ridge_diagonal[0] = 0
    xx = kept[:, index][:, :, index] / pixels_kept
    xy = kept[:, index, FEATURES:] / pixels_kept
    held_xx = held[:, index][:, :, index]
    held_xy = held[:, index, FEATURES:]
    held_yy = torch.diagonal(held, dim1=1, dim2=2)[:, FEATURES:].sum()
    for ridge in RIDGES:
        factor, info = torch.linalg.cholesky_ex(xx + torch.diag(ridge * ridge_diagonal))
        if bool((info != 0).any()):
            continue
        w = torch.cholesky_solve(xy, factor)
        error = held_yy - 2 * (w * held_xy).sum() + (w * (held_xx @ w)).sum()
        # The Gram matrices are float32: a perfect fit can come out a little below zero.
        score = max(0.0, float(error) / (3 * pixels))
        if score <= best[0]:
            best = (score, ridge)
    return best


def apply(image: Tensor, phi: Tensor, anchor: Anchor) -> Tensor:
    """``anchor(image)`` for one image ``[3, S, S]`` with ``phi [82, S, S]``."""
    if anchor.table is not None:
        q = lookup.index(anchor.group, image[None], phi[None])
        return lookup.look_up(anchor.table[None], q)[0]
    _, height, width = image.shape
    active = torch.nonzero(anchor.weights.abs().sum(1) > 0).flatten()
    if active.numel() == 0:
        return image.clone()
    delta = anchor.weights[active].T @ phi[active].reshape(active.numel(), -1)
    return (image + delta.reshape(3, height, width)).clamp(0, 1)


@torch.no_grad()
def anchors(a: Tensor, a2: Tensor, b: Tensor) -> tuple[Tensor, Tensor, list[Anchor]]:
    """Fit each pair and evaluate: (anchor(a), anchor(b), fits), images ``[B, 3, S, S]``."""
    phi_a = features(a)
    blocks = gram(phi_a, a2 - a)
    fits = [fit(*pair) for pair in zip(a, a2, phi_a, blocks)]
    phi_b = features(b)
    on_a = torch.stack([apply(u, p, f) for u, p, f in zip(a, phi_a, fits)])
    on_b = torch.stack([apply(u, p, f) for u, p, f in zip(b, phi_b, fits)])
    return on_a, on_b, fits
