"""Colour: edits of each pixel's hue and saturation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..transform import Random, Transform, apply_lut, blur, colour, family, luma, mix, ramp, sign, vivid


def grey_rotation(angle: float) -> Tensor:
    """``[3, 3]``: the rotation of RGB about the grey axis."""
    c, s = math.cos(angle), math.sin(angle) / math.sqrt(3)
    third = (1 - c) / 3
    return torch.tensor(
        [
            [c + third, third - s, third + s],
            [third + s, c + third, third - s],
            [third - s, third + s, c + third],
        ]
    )


def recolour(matrix: Tensor, image: Tensor) -> Tensor:
    return (matrix @ image.flatten(1)).view_as(image)


@family("colour")
def tint(rng: Random) -> Transform:
    filter_colour, share = colour(rng, 0.2, 1) * 1.3, rng.uniform(0.3, 0.9)
    return lambda u: mix(u, u * filter_colour, share)


@family("colour")
def saturation(rng: Random) -> Transform:
    factor = rng.uniform(0, 0.6) if rng.random() < 0.5 else rng.uniform(1.4, 2.5)
    return lambda u: mix(luma(u), u, factor)


@family("colour")
def hue(rng: Random) -> Transform:
    matrix = grey_rotation(rng.uniform(0.5, 5.8))
    return lambda u: recolour(matrix, u)


@family("colour")
def channel_mix(rng: Random) -> Transform:
    matrix = torch.tensor(rng.dirichlet([0.6] * 3, 3), dtype=torch.float32)
    return lambda u: recolour(matrix, u)


@family("colour")
def channel_swap(rng: Random) -> Transform:
    order = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]][int(rng.integers(5))]
    return lambda u: u[order]


@family("colour")
def duotone(rng: Random) -> Transform:
    dark, light = colour(rng, 0, 0.5), colour(rng, 0.5, 1)
    return lambda u: mix(dark, light, luma(u))


@family("colour")
def tritone(rng: Random) -> Transform:
    dark, middle, light = colour(rng, 0, 0.4), colour(rng, 0.2, 0.8), colour(rng, 0.6, 1)

    def apply(u: Tensor) -> Tensor:
        y = luma(u)
        return torch.where(y < 0.5, mix(dark, middle, y * 2), mix(middle, light, y * 2 - 1))

    return apply


@family("colour")
def sepia(rng: Random) -> Transform:
    share = rng.uniform(0.5, 1)
    brown = torch.tensor([1.07, 0.93, 0.72]).view(3, 1, 1) * rng.uniform(0.9, 1.1)
    return lambda u: mix(u, luma(u) * brown, share)


@family("colour")
def black_and_white(rng: Random) -> Transform:
    weights = torch.tensor(rng.dirichlet([1] * 3), dtype=torch.float32).view(3, 1, 1)
    contrast = rng.uniform(0.8, 1.6)
    return lambda u: (((u * weights).sum(0, keepdim=True) - 0.5) * contrast + 0.5).expand_as(u)


@family("colour")
def colour_pop(rng: Random) -> Transform:
    """Grey but for one hue."""
    kept = vivid(rng)
    kept = kept / kept.norm()
    width = rng.uniform(0.1, 0.25)

    def apply(u: Tensor) -> Tensor:
        likeness = (u * kept).sum(0, keepdim=True) / (u.norm(dim=0, keepdim=True) + 1e-3)
        return mix(luma(u), u, ramp(likeness - 0.86, width))

    return apply


@family("colour")
def temperature(rng: Random) -> Transform:
    amount = rng.uniform(0.15, 0.5) * sign(rng)
    gains = torch.tensor([1 + amount, 1.0, 1 - amount]).view(3, 1, 1)
    return lambda u: u * gains


@family("colour")
def colour_replace(rng: Random) -> Transform:
    """One range of hues becomes another; the rest stays."""
    centre, turn, width = rng.uniform(0, 2 * math.pi), rng.uniform(0.8, 2.6) * sign(rng), rng.uniform(0.5, 1.0)
    matrix = grey_rotation(turn)

    def apply(u: Tensor) -> Tensor:
        x = u[0:1] - 0.5 * (u[1:2] + u[2:3])
        y = 0.8660 * (u[1:2] - u[2:3])
        chroma = (x * x + y * y + 1e-8).sqrt()
        likeness = (x * math.cos(centre) + y * math.sin(centre)) / chroma
        mask = ramp(likeness - math.cos(width), 0.3) * ramp(chroma - 0.08, 0.08)
        return mix(u, recolour(matrix, u), mask)

    return apply


@family("colour")
def palette(rng: Random) -> Transform:
    """Every pixel takes the nearest of a few colours, ordered from dark to light."""
    count = int(rng.integers(4, 8))
    levels = torch.linspace(0.08, 0.92, count)
    swatches = torch.cat([colour(rng) for _ in range(count)], dim=2)[:, 0].T
    swatches = (swatches - swatches.mean(1, keepdim=True)) * 0.6 + levels[:, None]
    swatches = swatches.clamp(0, 1)

    def apply(u: Tensor) -> Tensor:
        smooth = blur(u, 0.004).flatten(1)
        # The nearest by |u - s|^2, whose |u|^2 is the same for all.
        scores = swatches @ smooth - 0.5 * swatches.square().sum(1, keepdim=True)
        return swatches[scores.argmax(0)].T.reshape(u.shape)

    return apply


@family("colour")
def bleach_bypass(rng: Random) -> Transform:
    """A silvery print: a grey picture overlaid, less colour, more contrast."""
    share, grey = rng.uniform(0.5, 1), rng.uniform(0.3, 0.7)

    def apply(u: Tensor) -> Tensor:
        y = luma(u)
        overlaid = torch.where(y < 0.5, 2 * u * y, 1 - 2 * (1 - u) * (1 - y))
        return mix(u, mix(overlaid, luma(overlaid), grey), share)

    return apply


@family("colour")
def cross_process(rng: Random) -> Transform:
    """Each channel through its own S-curve or its inverse, as with film in the wrong bath."""
    steps = torch.linspace(0, 1, 17)
    tables = []
    for _ in range(3):
        bend, lift = rng.uniform(-0.9, 0.9), rng.uniform(-0.12, 0.12)
        tables.append(steps + bend * 0.32 * torch.sin(2 * math.pi * steps) * -0.5 + lift * (1 - steps))
    table = torch.stack(tables)
    return lambda u: apply_lut(u, table)


@family("colour")
def heat_map(rng: Random) -> Transform:
    """Luma read through a scale of four to six vivid colours."""
    count = int(rng.integers(4, 7))
    table = torch.cat([vivid(rng, rng.uniform(0.6, 1)) for _ in range(count)], dim=2)[:, 0]
    table = table * torch.linspace(0.35, 1, count)
    return lambda u: apply_lut(luma(u).expand_as(u), table)


@family("colour")
def infrared(rng: Random) -> Transform:
    """Greens turn to snow or to pink, blues darken."""
    foliage = torch.tensor([1.0, rng.uniform(0.5, 0.95), rng.uniform(0.6, 0.95)]).view(3, 1, 1)
    gain = rng.uniform(1.5, 2.2)

    def apply(u: Tensor) -> Tensor:
        green = (u[1:2] - 0.5 * (u[0:1] + u[2:3])).clamp_min(0)
        blue = (u[2:3] - 0.6 * u[1:2] - 0.4 * u[0:1]).clamp_min(0)
        grey = luma(u) * (1 - 0.7 * blue)
        return mix(grey, foliage * (luma(u) + 0.35).clamp_max(1), (green * 3 * gain).clamp(0, 1))

    return apply
