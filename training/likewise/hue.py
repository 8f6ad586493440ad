"""The anchor's hue lookup: a table of what a unit of chroma does, by hue and lightness, on top of weights.

Definitions: docs/architecture.md, "Hue lookup". Images are ``[n, 3, S, S]`` in 0..1, phi ``[n, 82, S, S]``, on any
device; sums and solutions are double.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from .lookup import RIDGES, SLOPE

KIND = "hue"
HUES, LIGHTS = 24, 9
KNOTS = HUES * LIGHTS
FEATURES = (4, 22)  # 1, r, g, b, which go on best to hues that a lacks, or, where that leaves too much, those of *tone*
UNKNOWNS = KNOTS + FEATURES[-1]  # the table's, then the weights
SMALL = 0.1  # what a value other than 0 costs beside a bend: hues that a lacks are left to the weights
FIRST_RIDGE = RIDGES[0]


def places(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Chroma, hue in 0..24 and lightness in 0..8 of each pixel, ``[n, P]``; the hue of greys is 0."""
    r, g, b = image.flatten(2).unbind(1)
    most, least = image.flatten(2).amax(1), image.flatten(2).amin(1)
    chroma = most - least
    over = 1 / torch.where(chroma > 0, chroma, 1)
    sixth = torch.where(most == r, (g - b) * over, torch.where(most == g, 2 + (b - r) * over, 4 + (r - g) * over))
    return chroma, sixth.where(sixth >= 0, sixth + 6) * (HUES / 6), (most + least) * ((LIGHTS - 1) / 2)


def corners(image: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The four knots ``[n, P]`` of each pixel and what they weigh: bilinear, times chroma."""
    chroma, hue, light = places(image)
    before = hue.floor().clamp_max(HUES - 1)
    low = light.floor().clamp_max(LIGHTS - 2)
    s, t = hue - before, light - low
    i, j = before.long(), low.long()
    after = (i + 1) % HUES
    return [
        (i * LIGHTS + j, chroma * (1 - s) * (1 - t)),
        (i * LIGHTS + j + 1, chroma * (1 - s) * t),
        (after * LIGHTS + j, chroma * s * (1 - t)),
        (after * LIGHTS + j + 1, chroma * s * t),
    ]


def look_up(table: Tensor, image: Tensor) -> Tensor:
    """Chroma times ``table [n, 216, 3]`` (hue-major): ``[n, 3, S, S]``, not clamped."""
    values = table.transpose(1, 2)
    parts = [values.gather(2, knot[:, None].expand(-1, 3, -1)) * weight[:, None] for knot, weight in corners(image)]
    return torch.stack(parts).sum(0).reshape(image.shape)


@cache
def penalty(device: torch.device) -> Tensor:
    """Bends and twists squared + SLOPE slopes squared + SMALL values squared of the table, and weights squared but that
    of 1: ``[238, 238]``. Hues go round."""
    around, up = torch.eye(HUES, dtype=torch.float64), torch.eye(LIGHTS, dtype=torch.float64)
    step = around.roll(1, 1) - around
    bend = step @ step
    slope, bow = up.diff(dim=0), up.diff(n=2, dim=0)
    terms = ((bend, up, 1), (around, bow, 1), (step, slope, 2), (step, up, SLOPE), (around, slope, SLOPE), (around, up, SMALL))
    result = torch.eye(UNKNOWNS, dtype=torch.float64)
    result[KNOTS, KNOTS] = 0
    result[:KNOTS, :KNOTS] = sum(
        weight * (k.T @ k) for k, weight in ((torch.kron(one, other), w) for one, other, w in terms)
    )
    return result.to(device)


def sums(image: Tensor, edited: Tensor, phi: Tensor, fold: Tensor, folds: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of one pair the normal equations by fold of table and weights, ``[folds, 238, 238]`` and ``[folds, 238, 3]``, and
    the sum of what they have to explain."""
    pixels = fold.numel()
    columns = image.new_zeros(UNKNOWNS, pixels, dtype=torch.float64)
    columns[KNOTS:] = phi[0, : FEATURES[-1]].flatten(1)
    at = torch.arange(pixels, device=image.device)
    for knot, weight in corners(image.double()):
        columns[knot[0], at] = weight[0]
    y = (edited - image).flatten(2)[0].double()
    members = [fold.flatten() == k for k in range(folds)]
    parts = [(columns[:, own], y[:, own]) for own in members]
    return torch.stack([x @ x.T for x, _ in parts]), torch.stack([x @ y.T for x, y in parts]), y.square().sum()


def solve(matrix: Tensor, right: Tensor, ridge: float) -> Tensor:
    size = matrix.shape[-1]
    return torch.cholesky_solve(right, torch.linalg.cholesky(matrix + ridge * penalty(matrix.device)[:size, :size]))


def left(matrix: Tensor, right: Tensor, square: Tensor, found: Tensor) -> Tensor:
    return square + (found * (matrix @ found - 2 * right)).sum()


def scored(
    every: tuple[Tensor, Tensor, Tensor], unknowns: int, pixels: int, folds: int, bound: float
) -> tuple[float, Tensor] | None:
    """With the first ``unknowns`` of the sums ``every``: the cross-validated mean square error and the solution
    ``[unknowns, 3]``, or None where the error is above ``bound``."""
    matrix, right, square = every[0][:, :unknowns, :unknowns], every[1][:, :unknowns], every[2]
    kept = [(x.sum(0) - x) / (pixels * (folds - 1) / folds) for x in (matrix, right)]
    score, best = float("inf"), RIDGES[0]
    for ridge in RIDGES:
        error = float(left(matrix, right, square, solve(*kept, ridge)))
        if error <= score:  # the larger ridge on ties
            score, best = error, ridge
    score = max(score, 0) / (3 * pixels)
    if score > bound:
        return None
    return score, solve(matrix.sum(0) / pixels, right.sum(0) / pixels, best).float()


def fit(
    image: Tensor, edited: Tensor, phi: Tensor, fold: Tensor, folds: int, bounds: Sequence[float]
) -> tuple[float, Tensor, Tensor] | None:
    """Of one pair ``[1, 3, S, S]`` the cross-validated mean square error, weights ``[4 or 22, 3]`` and table
    ``[216, 3]``, or None where the error is above ``bounds``, one for each number of weights."""
    few = [x[..., ::2, ::2] for x in (image, edited, phi)]
    pixels = few[0][0, 0].numel()
    matrix, right, square = sums(*few, torch.zeros(pixels, dtype=torch.long, device=image.device), 1)
    if float(left(matrix, right, square, solve(matrix / pixels, right / pixels, FIRST_RIDGE))) > 3 * pixels * max(bounds):
        return None
    every = sums(image, edited, phi, fold, folds)
    for features, bound in zip(FEATURES, bounds):
        if (found := scored(every, KNOTS + features, fold.numel(), folds, bound)) is not None:
            score, best = found
            return score, best[KNOTS:], best[:KNOTS]
    return None
