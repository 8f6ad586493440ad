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


def indices(kind: str, image: Tensor, around: Tensor, lumas: Tensor) -> tuple[Tensor, Tensor]:
    """The value and the bent difference that a table of this kind is indexed with, both in 0..1: ``[n, 3, S, S]``,
    or ``[n, 1, S, S]`` where the channels share them. ``around`` is the image, blurred by the kind's sigma;
    ``lumas [n, 3]`` are the weights of its luma."""
    if " luma " in kind:
        image, around = luma(image, lumas), luma(around, lumas)
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


def solve(matrix: Tensor, right: Tensor, ridge: float | Tensor) -> Tensor:
    """Tables less the value of equations that are divided by the number of pixels."""
    return torch.cholesky_solve(right, torch.linalg.cholesky(matrix + ridge * penalty(matrix.device)))


def left(system: Sums, table: Tensor) -> Tensor:
    """Squared error ``[m]`` of tables less the value ``[m, folds or 1, 256, k]``, a sum over pixels and channels."""
    return system.square + (table * (system.matrix @ table - 2 * system.right)).sum((1, 2, 3))


def held_out(system: Sums, ridge: float, pixels: int) -> Tensor:
    """Cross-validated squared error ``[m]``, a sum over pixels and channels."""
    folds = system.matrix.shape[1]
    kept = [(x.sum(1, keepdim=True) - x) / (pixels * (folds - 1) / folds) for x in (system.matrix, system.right)]
    return left(system, solve(*kept, ridge))


def edited(of: str, u2: Tensor) -> Tensor:
    """``u2 [n, 3, S, S]`` by what shares a system: ``[n, 3, P]`` or ``[3 n, 1, P]``."""
    return u2.flatten(2) if of == "luma" else u2.flatten(2).flatten(0, 1)[:, None]


def positions(of: str, u: Tensor, around: Tensor, lumas: Tensor) -> list[Tensor]:
    """`indices` of pictures ``[n, 3, S, S]``, a row for every system."""
    return [x.flatten(2).flatten(0, 1) for x in indices(f"local {of} 0", u, around, lumas)]


def first_look(of: str, u: Tensor, u2: Tensor, around: Tensor, lumas: Tensor) -> tuple[Tensor, Tensor]:
    """The place in `SIGMAS` of the kind ``of`` channel or luma of least mean square error on each pair itself, at
    every second pixel each way, and that error, ``[n]``; ``around [sigmas, n, 3, S, S]``."""
    u, u2, around = u[..., ::2, ::2], u2[..., ::2, ::2], around[..., ::2, ::2]
    pixels, count, errors = u[0, 0].numel(), len(u), []
    fold, shown = torch.zeros(pixels, dtype=torch.long, device=u.device), edited(of, u2)
    for soft in around:
        system = sums(*positions(of, u, soft, lumas), shown, fold, 1)
        error = left(system, solve(system.matrix / pixels, system.right / pixels, FIRST_RIDGE))
        errors.append(error.reshape(count, -1).sum(1) / (3 * pixels))
    least, at = torch.stack(errors).min(0)
    return at, least


def fit(
    u: Tensor, u2: Tensor, around: Tensor, lumas: Tensor, fold: Tensor, folds: int, bound: Tensor
) -> tuple[Tensor, list[str], Tensor]:
    """The best local lookups of pairs ``[n, 3, S, S]``: the cross-validated mean square error ``[n]``, infinite
    where it is above ``bound [n]``, the kinds, and the tables ``[n, 256, 3]``. ``around`` are the blurs of u by
    `SIGMAS`, ``[sigmas, n, 3, S, S]``, ``lumas [n, 3]`` the weights of its luma."""
    pixels, count = fold.numel(), len(u)
    score = torch.full((count,), torch.inf, dtype=torch.float64, device=u.device)
    kinds, found = [""] * count, u.new_zeros(count, KNOTS, 3)
    looked = {of: first_look(of, u, u2, around, lumas) for of in ("channel", "luma")}
    first, systems = score.new_full((2, count), torch.inf), {}
    for place, (of, (at, error)) in enumerate(looked.items()):
        if rows := (error <= bound).nonzero().flatten().tolist():
            index = positions(of, u[rows], around[at[rows], rows], lumas[rows])
            systems[of] = rows, sums(*index, edited(of, u2[rows]), fold.flatten(), folds)
            first[place, rows] = held_out(systems[of][1], FIRST_RIDGE, pixels).reshape(len(rows), -1).sum(1)
    better = first.argmin(0).tolist()
    for place, (of, (rows, system)) in enumerate(systems.items()):
        mine = [k for k, row in enumerate(rows) if better[row] == place]
        if not mine:
            continue
        each = 1 if of == "luma" else 3
        place_of = [k * each + c for k in mine for c in range(each)]
        part = Sums(system.matrix[place_of], system.right[place_of], system.square[place_of])
        own = [rows[k] for k in mine]
        tried = {FIRST_RIDGE: first[place, own]}
        for ridge in RIDGES:
            if ridge not in tried:
                tried[ridge] = held_out(part, ridge, pixels).reshape(len(mine), -1).sum(1)
        # The larger ridge on ties.
        least, last = torch.stack([tried[ridge] for ridge in reversed(RIDGES)]).min(0)
        error = least.clamp_min(0) / (3 * pixels)
        score[own] = error.where(error <= bound[own], torch.inf)
        ridge = torch.tensor(RIDGES, dtype=torch.float64, device=u.device).flip(0)[last].repeat_interleave(each)
        less = solve(part.matrix.sum(1) / pixels, part.right.sum(1) / pixels, ridge[:, None, None])
        table = less if of == "luma" else less[..., 0].unflatten(0, (-1, 3)).transpose(1, 2)
        knots = torch.linspace(0, 1, SIDE, dtype=torch.float64, device=u.device).repeat_interleave(SIDE)
        found[own] = (table + knots[:, None]).float()
        for k, row in enumerate(own):
            kinds[row] = f"local {of} {SIGMAS[int(looked[of][0][row])]}"
    return score, kinds, found
