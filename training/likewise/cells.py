"""The anchor's cells: a picture read as the means of a grid's cells, as pixelation does.

Definitions: docs/architecture.md, "Cells". Images are ``[3, S, S]`` in 0..1, on any device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CALM = 0.25  # a quantile of the steps from column to column, which are within cells
STEP = (4.0, 0.15, 0.004)  # a step between cells: times that, of the mean of the largest few, and at least
UNEVEN = 0.75  # pixels that a line of the grid may be off
LEAST = 2  # pixels of a cell
FEWEST, MOST = 4, 1024  # cells an axis


@dataclass(frozen=True)
class Cells:
    """Cells along x and y: their ``pitch`` and where one begins, ``origin``, in parts of the picture."""

    pitch: tuple[float, float]
    origin: tuple[float, float]

    def index(self, axis: int, at: Tensor) -> Tensor:
        """Which cell places ``at`` are in, from 0 on."""
        cell = ((at - self.origin[axis]) / self.pitch[axis]).floor()
        return (cell - cell.min()).long()

    def middles(self, at: Tensor) -> Tensor:
        """The middles of the cells that places ``[S]`` are in, ``[2, S]``."""
        rows = []
        for pitch, origin in zip(self.pitch, self.origin):
            rows.append((((at - origin) / pitch).floor() + 0.5) * pitch + origin)
        return torch.stack(rows)

    def lattice(self, period: int) -> Tensor:
        """Frequencies ``[2, 2]`` of what repeats every so many cells."""
        return torch.diag(1 / (period * torch.tensor(self.pitch, dtype=torch.float64)))


def apply(u: Tensor, cells: Cells) -> Tensor:
    """Every pixel the mean of its cell."""
    size = u.shape[-1]
    at = (torch.arange(size, dtype=torch.float64, device=u.device) + 0.5) / size
    means = []
    for axis in range(2):
        index = cells.index(axis, at)
        inside = torch.nn.functional.one_hot(index).to(u.dtype)
        means.append(inside @ (inside / inside.sum(0)).T)
    return means[1] @ u @ means[0].T


def grid(u2: Tensor) -> tuple[float, float] | None:
    """Pitch and origin along the last axis of ``u2 [3, H, W]``, in parts of it, or None where there is no grid."""
    count = u2.shape[-1]
    steps = (u2[..., 1:] - u2[..., :-1]).abs().mean((0, 1)).double()
    times, part, least = STEP
    largest = float(steps.sort().values[1 - FEWEST :].mean())
    # A JPEG has smaller steps beside a large one.
    padded = torch.nn.functional.pad(steps, (1, 1))
    high = (steps >= padded[:-2]) & (steps >= padded[2:])
    high &= steps > max(times * float(steps.quantile(CALM)), part * largest, least)
    lines = high.nonzero().flatten() + 1
    if len(lines) < FEWEST - 1:
        return None
    gaps = lines.diff().double()
    pitch = float(gaps.median())
    if pitch < LEAST:
        return None
    # Lines that cannot be seen are skipped: each gap is of so many cells.
    number = torch.cat([gaps.new_zeros(1), (gaps / pitch).round().clamp_min(1).cumsum(0)])
    number_off, lines_off = number - number.mean(), lines - lines.double().mean()
    pitch = float((number_off * lines_off).sum() / number_off.square().sum())
    origin = float(lines.double().mean() - pitch * number.mean())
    if pitch < LEAST or not FEWEST <= count / pitch <= MOST:
        return None
    if float((lines - origin - pitch * number).abs().max()) > UNEVEN:
        return None
    # Where it is a whole number of pixels, to the last digit.
    if abs(pitch - round(pitch)) * len(number) < 0.5:
        pitch, origin = round(pitch), round(origin)
    return pitch / count, (origin % pitch) / count


def find(u2: Tensor) -> Cells | None:
    """The cells of a' ``[3, H, W]``, or None."""
    across, down = grid(u2), grid(u2.transpose(1, 2))
    if across is None or down is None:
        return None
    return Cells((across[0], down[0]), (across[1], down[1]))
