"""The anchor's local lookups: tables of 16 x 16 values a channel, indexed by a pixel and by how it differs from
what is around it.

Definitions: docs/architecture.md, "Local lookup". Images are ``[n, 3, S, S]`` in 0..1, on any device; sums and
solutions are double.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from .lookup import RIDGES, SLOPE, luma

SIDE = 16
KNOTS = SIDE * SIDE
CELLS = (SIDE - 1) ** 2
BEND = 0.15  # a difference of this much is half way to the last knot
FIRST_RIDGE = RIDGES[1]
SIGMAS = (1, 2, 4, 8, 16)
KINDS = tuple(f"local {of} {sigma}" for of in ("channel", "luma") for sigma in SIGMAS)


def sigma_of(kind: str) -> int:
    """The width of a kind's blur in 1/256 of the image."""
    return int(kind.split()[2])


def indices(kind: str, image: Tensor, around: Tensor) -> tuple[Tensor, Tensor]:
    """The value and the bent difference that a table of this kind is indexed with, both in 0..1: ``[n, 3, S, S]``,
    or ``[n, 1, S, S]`` where the channels share them. ``around`` is the image, blurred by the kind's sigma."""
    if " luma " in kind:
        image, around = luma(image), luma(around)
    off = image - around
    return image.clamp(0, 1), 0.5 + 0.5 * off / (off.abs() + BEND)


def cells(value: Tensor) -> tuple[Tensor, Tensor]:
    """The knot before and the rest, 0..1, of positions along an axis."""
    at = value * (SIDE - 1)
    low = at.floor().clamp_max(SIDE - 2)
    return low.long(), at - low


def look_up(table: Tensor, value: Tensor, off: Tensor) -> Tensor:
    """``table [n, 256, 3]`` (value-major) at the indices, bilinear between knots, clamped: ``[n, 3, S, S]``."""
    count, _, height, width = value.shape
    (i, s), (j, t) = (cells(x.expand(-1, 3, -1, -1).flatten(2)) for x in (value, off))
    values, first = table.transpose(1, 2), i * SIDE + j

    def row(knot: Tensor) -> Tensor:
        return values.gather(2, knot) * (1 - t) + values.gather(2, knot + 1) * t

    result = row(first) * (1 - s) + row(first + SIDE) * s
    return result.reshape(count, 3, height, width).clamp(0, 1)


@cache
def penalty(device: torch.device) -> Tensor:
    """Bends and twists squared + SLOPE slopes squared, ``[256, 256]``."""
    eye = torch.eye(SIDE, dtype=torch.float64)
    slope, bend = eye.diff(dim=0), eye.diff(n=2, dim=0)
    terms = ((bend, eye, 1), (eye, bend, 1), (slope, slope, 2), (slope, eye, SLOPE), (eye, slope, SLOPE))
    result = sum(weight * (k.T @ k) for k, weight in ((torch.kron(one, other), w) for one, other, w in terms))
    return result.to(device)


@dataclass(frozen=True)
class Sums:
    """Normal equations of tables by fold, whose unknown is the table less the value: ``matrix [m, folds, 256,
    256]`` and, of the k channels that share it, ``right [m, folds, 256, k]``; ``square [m]`` is the sum of what
    they have to explain."""

    matrix: Tensor
    right: Tensor
    square: Tensor


def sums(value: Tensor, off: Tensor, edited: Tensor, fold: Tensor, folds: int) -> Sums:
    """``value`` and ``off [m, P]``, ``edited [m, k, P]``, ``fold [P]``."""
    count, channels = edited.shape[:2]
    value, off = value.double(), off.double()
    (i, s), (j, t) = cells(value), cells(off)
    y = edited.double() - value[:, None]
    rows = torch.arange(count, device=value.device)[:, None]
    cell = ((rows * folds + fold) * CELLS + i * (SIDE - 1) + j).flatten()

    def total(weights: Tensor) -> Tensor:
        return torch.bincount(cell, weights.flatten(), count * folds * CELLS).reshape(count, folds, CELLS)

    # A corner's weight is a product of 1 - r or r along each axis, so products of two are of these moments.
    powers = [torch.ones_like(s), s, s * s], [torch.ones_like(t), t, t * t]
    moments = torch.stack([total(p * q) for p in powers[0] for q in powers[1]], -1)
    both = value.new_tensor([[[1, -2, 1], [0, 1, -1]], [[0, 1, -1], [0, 0, 1]]])
    products = torch.einsum("acp,bdq->abcdpq", both, both).reshape(16, 9)
    corner = torch.tensor([0, 1, SIDE, SIDE + 1], device=value.device)
    first = torch.arange(SIDE - 1, device=value.device)
    first = (first[:, None] * SIDE + first).flatten()
    place = ((first + corner[:, None])[:, None] * KNOTS + (first + corner[:, None])).reshape(-1)
    matrix = value.new_zeros(count, folds, KNOTS * KNOTS)
    matrix.index_add_(2, place, (moments @ products.T).transpose(2, 3).flatten(2))

    weight = torch.stack([(1 - s) * (1 - t), (1 - s) * t, s * (1 - t), s * t])
    right = value.new_zeros(count, folds, KNOTS, channels)
    for k in range(channels):
        for c in range(4):
            right[..., k].index_add_(2, first + corner[c], total(weight[c] * y[:, k]))
    return Sums(matrix.unflatten(2, (KNOTS, KNOTS)), right, y.square().sum((1, 2)))


def solve(matrix: Tensor, right: Tensor, ridge: float) -> Tensor:
    """Tables less the value of equations that are divided by the number of pixels."""
    return torch.cholesky_solve(right, torch.linalg.cholesky(matrix + ridge * penalty(matrix.device)))


def left(system: Sums, table: Tensor) -> Tensor:
    """Squared error ``[m]`` of tables less the value ``[m, folds or 1, 256, k]``, a sum over pixels and channels."""
    return system.square + (table * (system.matrix @ table - 2 * system.right)).sum((1, 2, 3))


def held_out(system: Sums, ridge: float, pixels: int) -> float:
    """Cross-validated squared error, a sum over pixels and channels."""
    folds = system.matrix.shape[1]
    kept = [(x.sum(1, keepdim=True) - x) / (pixels * (folds - 1) / folds) for x in (system.matrix, system.right)]
    return float(left(system, solve(*kept, ridge)).sum())


def first_look(of: str, u: Tensor, u2: Tensor, around: list[Tensor]) -> tuple[str, float]:
    """The kind ``of`` channel or luma of least mean square error on the pair itself, at every second pixel each
    way, and that error."""
    u, u2, around = u[:, ::2, ::2], u2[:, ::2, ::2], [soft[:, ::2, ::2] for soft in around]
    pixels, kinds = u[0].numel(), [kind for kind in KINDS if f" {of} " in kind]
    looked = [indices(kind, u[None], soft[None]) for kind, soft in zip(kinds, around)]
    value, off = (torch.cat([x[k][0] for x in looked]).flatten(1) for k in range(2))
    fold = torch.zeros(pixels, dtype=torch.long, device=u.device)
    system = sums(value, off, edited(of, u2).repeat(len(kinds), 1, 1), fold, 1)
    error = left(system, solve(system.matrix / pixels, system.right / pixels, FIRST_RIDGE))
    least, at = (error.reshape(len(kinds), -1).sum(1) / (3 * pixels)).min(0)
    return kinds[int(at)], float(least)


def edited(of: str, u2: Tensor) -> Tensor:
    """``u2 [3, S, S]`` by what shares a system: ``[1, 3, P]`` or ``[3, 1, P]``."""
    return u2.flatten(1)[None] if of == "luma" else u2.flatten(1)[:, None]


def fit(
    u: Tensor, u2: Tensor, around: list[Tensor], fold: Tensor, folds: int, bound: float
) -> tuple[float, str, Tensor] | None:
    """The best local lookup of one pair ``[3, S, S]``: its cross-validated mean square error, its kind and its
    table ``[256, 3]``; None where that is above ``bound``. ``around`` are the blurs of u by SIGMAS."""
    pixels, systems, scores = fold.numel(), {}, {}
    for of in ("channel", "luma"):
        kind, error = first_look(of, u, u2, around)
        if error > bound:
            continue
        value, off = (x[0].flatten(1) for x in indices(kind, u[None], around[SIGMAS.index(sigma_of(kind))][None]))
        systems[kind] = sums(value, off, edited(of, u2), fold.flatten(), folds)
        scores[kind] = held_out(systems[kind], FIRST_RIDGE, pixels)
    if not scores:
        return None
    kind = min(scores, key=lambda name: scores[name])
    system, tried = systems[kind], {FIRST_RIDGE: scores[kind]}
    for ridge in RIDGES:
        tried.setdefault(ridge, held_out(system, ridge, pixels))
    ridge = min(reversed(RIDGES), key=lambda r: tried[r])
    score = max(0.0, tried[ridge]) / (3 * pixels)
    if score > bound:
        return None
    less = solve(system.matrix.sum(1) / pixels, system.right.sum(1) / pixels, ridge)
    table = less[0] if " luma " in kind else less[..., 0].T
    knots = torch.linspace(0, 1, SIDE, dtype=torch.float64, device=u.device).repeat_interleave(SIDE)
    return score, kind, (table + knots[:, None]).float()
