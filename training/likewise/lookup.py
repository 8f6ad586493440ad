"""The anchor's lookups: tables of 256 values a channel, indexed by one value of a pixel.

Definitions: docs/architecture.md, "Lookup". Images are ``[n, 3, S, S]`` in 0..1, phi ``[n, 82, S, S]``,
on any device; sums and solutions are double.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

KNOTS = 256
RIDGES = (1e-6, 1e-4, 1e-2)
SLOPE = 1e-3  # what a slope other than 1 costs beside a bend: where nothing was seen, slopes last some 32 knots
GRADIENT_GAIN = 4.0
BLUR, GRADIENT = 46, 60  # features: the finest blur, the gradient's length

KINDS = ("channel", "luma", "soft channel", "soft luma", "gradient")

# What programs make greys with: Rec. 601, Rec. 709, and the mean.
LUMAS = ((0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722), (1 / 3, 1 / 3, 1 / 3))


def luma(image: Tensor, weights: Tensor | None = None) -> Tensor:
    """``[n, 1, S, S]``, with ``weights [n, 3]`` or those of Rec. 601."""
    r, g, b = LUMAS[0] if weights is None else weights[..., None, None, None].unbind(1)
    return r * image[:, 0:1] + g * image[:, 1:2] + b * image[:, 2:3]


def index(kind: str, image: Tensor, phi: Tensor, lumas: Tensor | None = None) -> Tensor:
    """What a table of this kind is indexed with, in 0..1: ``[n, 3, S, S]``, or ``[n, 1, S, S]`` where the
    channels share it. ``lumas [n, 3]`` as of `luma`."""
    soft = phi[:, BLUR : BLUR + 3]
    if kind == "channel":
        q = image
    elif kind == "luma":
        q = luma(image, lumas)
    elif kind == "soft channel":
        q = soft
    elif kind == "soft luma":
        q = luma(soft, lumas)
    else:
        q = GRADIENT_GAIN * phi[:, GRADIENT : GRADIENT + 1]
    return q.clamp(0, 1)


def look_up(table: Tensor, q: Tensor) -> Tensor:
    """``table [n, 256, 3]`` at ``q``, linear between knots, clamped: ``[n, 3, S, S]``."""
    count, _, height, width = q.shape
    at = q.expand(-1, 3, -1, -1).flatten(2) * (KNOTS - 1)
    low = at.floor().clamp_max(KNOTS - 2)
    rest, first, values = at - low, low.long(), table.transpose(1, 2)
    result = values.gather(2, first) * (1 - rest) + values.gather(2, first + 1) * rest
    return result.reshape(count, 3, height, width).clamp(0, 1)


@cache
def penalty() -> tuple[Tensor, Tensor, Tensor]:
    """Main, first and second diagonal of bends squared + SLOPE slopes squared, each ``[256]``."""
    slopes = torch.eye(KNOTS, dtype=torch.float64).diff(dim=0)
    bends = slopes.diff(dim=0)
    matrix = bends.T @ bends + SLOPE * slopes.T @ slopes
    padded = torch.nn.functional.pad(matrix, (0, 2))
    return padded.diagonal(), padded.diagonal(1), padded.diagonal(2)


def solve_banded(main: Any, first: Any, second: Any, right: Any) -> Any:
    """Symmetric positive definite systems with two bands beside the diagonal, ``[256, M]`` each (arrays or
    tensors); ``first[i]`` joins unknowns i and i + 1. All are overwritten, ``right`` with the solutions."""
    for i in range(KNOTS - 1):
        near = first[i] / main[i]
        main[i + 1] -= near * first[i]
        right[i + 1] -= near * right[i]
        if i < KNOTS - 2:
            far = second[i] / main[i]
            first[i + 1] -= near * second[i]
            main[i + 2] -= far * second[i]
            right[i + 2] -= far * right[i]
            second[i] = far
        first[i] = near
    right /= main
    right[KNOTS - 2] -= first[KNOTS - 2] * right[KNOTS - 1]
    for i in range(KNOTS - 3, -1, -1):
        right[i] -= first[i] * right[i + 1] + second[i] * right[i + 2]
    return right


@dataclass(frozen=True)
class Sums:
    """The normal equations of one kind's tables by fold, ``[n, folds, 3, 256]``, whose unknown is the table
    less the identity; ``square [n]`` is the sum of what it has to explain, (a' - q)^2."""

    main: Tensor
    first: Tensor
    right: Tensor
    square: Tensor


def picked(kinds: list[Sums], which: Tensor) -> Sums:
    """Of each pair the sums of the kind that ``which [n]`` names."""
    rows = torch.arange(len(which), device=which.device)
    parts = ("main", "first", "right", "square")
    return Sums(*(torch.stack([getattr(kind, part) for kind in kinds], 1)[rows, which] for part in parts))


def sums(q: Tensor, edited: Tensor, fold: Tensor, folds: int) -> Sums:
    """``q`` as `index` gives it, ``fold [S, S]``."""
    count, channels = q.shape[:2]
    y = (edited - q).flatten(2).double()
    at = q.flatten(2).double() * (KNOTS - 1)
    low = at.long().clamp_max(KNOTS - 2)
    rest = at - low

    def total(weights: Tensor | None, key: Tensor) -> Tensor:
        rows = torch.arange(count * key.shape[1], device=q.device).reshape(count, -1, 1)
        flat = ((rows * folds + fold.flatten()) * KNOTS + key).flatten()
        found = torch.bincount(flat, None if weights is None else weights.flatten(), rows.numel() * folds * KNOTS)
        return found.double().reshape(count, -1, folds, KNOTS).transpose(1, 2)

    def shifted(values: Tensor) -> Tensor:
        return torch.nn.functional.pad(values[..., :-1], (1, 0))

    one, t, tt = total(None, low), total(rest, low), total(rest * rest, low)
    low = low.expand(-1, 3, -1)
    sum_y, sum_ty = total(y, low), total(y * rest, low)
    shape = (-1, -1, 3, -1)
    return Sums(
        (one - 2 * t + tt + shifted(tt)).expand(shape),
        (t - tt).expand(shape),
        sum_y - sum_ty + shifted(sum_ty),
        y.square().sum((1, 2)),
    )


def solve(main: Tensor, first: Tensor, right: Tensor, ridge: Tensor) -> Tensor:
    """Tables less the identity ``[..., 256]`` of equations that are divided by the number of pixels."""
    diagonals = [ridge[..., None] * band.to(main.device) for band in penalty()]
    bands = [main + diagonals[0], first + diagonals[1], diagonals[2], right]
    shape = torch.broadcast_shapes(*(band.shape for band in bands))
    columns = [band.expand(shape).reshape(-1, KNOTS).T.clone(memory_format=torch.contiguous_format) for band in bands]
    if main.is_cpu:
        columns = [column.numpy() for column in columns]  # small steps cost a quarter
    return torch.as_tensor(solve_banded(*columns)).T.reshape(shape)


def scores(kinds: list[Sums], pixels: int) -> tuple[Tensor, Tensor]:
    """Cross-validated mean square error of every kind and the ridge that gives it (the larger on ties),
    ``[n, kinds]``."""
    main, first, right = (torch.stack([getattr(k, name) for k in kinds], 1) for name in ("main", "first", "right"))
    square = torch.stack([k.square for k in kinds], 1)
    folds = main.shape[2]
    kept = [(x.sum(2, keepdim=True) - x)[:, :, None] / (pixels * (folds - 1) / folds) for x in (main, first, right)]
    ridges = torch.tensor(RIDGES, dtype=torch.float64, device=main.device)
    t = solve(*kept, ridges[:, None, None])
    error = (t * t * main[:, :, None]).sum((-1, -2, -3)) - 2 * (t * right[:, :, None]).sum((-1, -2, -3))
    error += 2 * (t[..., :-1] * t[..., 1:] * first[:, :, None, ..., :-1]).sum((-1, -2, -3))
    score = ((square[..., None] + error) / (3 * pixels)).clamp_min(0).flip(-1)
    best, at = score.min(-1)
    return best, ridges.flip(0)[at]


def tables(kind: Sums, ridge: Tensor, pixels: int) -> Tensor:
    """The tables ``[n, 256, 3]`` fitted to all pixels, ``ridge [n]``."""
    main, first, right = (x.sum(1) / pixels for x in (kind.main, kind.first, kind.right))
    identity = torch.linspace(0, 1, KNOTS, dtype=torch.float64, device=main.device)
    return (solve(main, first, right, ridge[:, None]) + identity).transpose(1, 2).float()
