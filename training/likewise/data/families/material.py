"""Material: surfaces the image is printed on, screens and lenses it is seen through, weather."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..transform import (
    Random,
    Transform,
    blur,
    colour,
    distance_to,
    family,
    fractal_noise,
    grid,
    luma,
    mix,
    noise,
    ramp,
    sample,
    turned,
)


def specks(rng: Random, count: int, low: float, high: float) -> Tensor:
    """Fixed Gaussian specks as a mask ``[1, 256, 256]`` in 0..1; radii in widths."""
    mask = torch.zeros(256, 256)
    for x, y, r in zip(*rng.uniform(0, 256, (2, count)), rng.uniform(low, high, count) * 256):
        reach = int(3 * r) + 1
        left, right = max(0, int(x) - reach), min(256, int(x) + reach + 1)
        top, bottom = max(0, int(y) - reach), min(256, int(y) + reach + 1)
        dx = (torch.arange(left, right) + 0.5 - x) ** 2
        dy = (torch.arange(top, bottom) + 0.5 - y) ** 2
        spot = torch.exp(-(dy[:, None] + dx[None]).float() / (r * r))
        mask[top:bottom, left:right] = torch.maximum(mask[top:bottom, left:right], spot)
    return mask[None]


def strokes(rng: Random, count: int, angle: float, spread: float, length: float, width: float) -> Tensor:
    """Fixed straight strokes as a mask ``[1, 256, 256]``; lengths and widths in widths."""
    mask = torch.zeros(256, 256)
    ends = rng.uniform(0, 1, (count, 2))
    for x, y in ends:
        turn, reach = angle + rng.normal() * spread, length * rng.uniform(0.5, 1) * 128
        t = torch.linspace(-1, 1, max(2, int(4 * reach)))
        column = (x * 256 + t * reach * math.cos(turn)).long()
        row = (y * 256 + t * reach * math.sin(turn)).long()
        keep = (column >= 0) & (column < 256) & (row >= 0) & (row < 256)
        mask[row[keep], column[keep]] = rng.uniform(0.5, 1)
    soft = blur(mask[None], width)
    return (soft / soft.max().clamp_min(1e-3) * 1.3).clamp(0, 1)


def at_size(mask: Tensor, image: Tensor) -> Tensor:
    """A ``[1, 256, 256]`` mask at an image's size."""
    if image.shape[-1] == 256:
        return mask
    return torch.nn.functional.interpolate(
        mask[None], size=image.shape[-2:], mode="bilinear", align_corners=False, antialias=True
    )[0]


@family("material")
def paper(rng: Random) -> Transform:
    fine, coarse = noise(rng, 128), noise(rng, 16)
    amount, tone = rng.uniform(0.06, 0.15), colour(rng, 0.85, 1)
    return lambda u: u * tone * (1 + amount * (0.5 * fine(u) + 0.7 * coarse(u)))


@family("material")
def canvas(rng: Random) -> Transform:
    count, amount = int(rng.integers(20, 40)), rng.uniform(0.1, 0.25)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        weave = torch.sin(2 * math.pi * count * x) * torch.sin(2 * math.pi * count * y)
        return u * (1 + amount * weave[None])

    return apply


@family("material")
def brushed_metal(rng: Random) -> Transform:
    """Fine streaks one way, colour mostly gone."""
    pattern, amount, grey = noise(rng, 128), rng.uniform(0.2, 0.45), rng.uniform(0.5, 0.9)
    tone, upright = colour(rng, 0.8, 1), rng.random() < 0.5

    def apply(u: Tensor) -> Tensor:
        streaks = pattern(u)
        streaks = streaks.cumsum(1 if upright else 2)
        streaks = streaks - blur(streaks, 0.03)
        streaks = streaks / streaks.std().clamp_min(1e-3)
        return mix(u, luma(u), grey) * tone * (1 + amount * 0.35 * streaks)

    return apply


@family("material")
def crumpled_paper(rng: Random) -> Transform:
    """Facets of light and shade with creases between them."""
    folds = [(rng.uniform(0, 2 * math.pi), rng.uniform(-0.45, 0.45), rng.uniform(0.04, 0.14)) for _ in range(11)]
    tone = colour(rng, 0.9, 1)

    def apply(u: Tensor) -> Tensor:
        shade = torch.zeros_like(grid(u)[0])
        for angle, offset, depth in folds:
            side = turned(u, angle)[0] - offset
            shade = shade + depth * (ramp(side, 0.012) * 2 - 1) * torch.exp(-side.abs() * 6)
        return u * tone * (1 + shade[None])

    return apply


@family("material")
def scanlines(rng: Random) -> Transform:
    count, amount, tone = int(rng.integers(20, 40)), rng.uniform(0.25, 0.55), colour(rng, 0.8, 1.15)
    return lambda u: u * tone * (1 - amount * (0.5 + 0.5 * torch.sin(2 * math.pi * count * grid(u)[1]))[None])


@family("material")
def chromatic_aberration(rng: Random) -> Transform:
    reach, angle = rng.uniform(0.006, 0.02), rng.uniform(0, 6.3)
    dx, dy = reach * math.cos(angle), reach * math.sin(angle)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        return torch.cat([sample(u[0:1], x + dx, y + dy), u[1:2], sample(u[2:3], x - dx, y - dy)])

    return apply


@family("material")
def anaglyph(rng: Random) -> Transform:
    """Red from the left eye, cyan from the right, of a grey or a coloured image."""
    reach, grey = rng.uniform(0.012, 0.03), rng.uniform(0, 1)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        v = mix(u, luma(u), grey)
        return torch.cat([sample(v[0:1], x + reach, y), sample(v[1:3], x - reach, y)])

    return apply


@family("material")
def glitch(rng: Random) -> Transform:
    """Bands slid sideways, their red and blue further."""
    bands = [(rng.uniform(0, 0.9), rng.uniform(0.03, 0.12), rng.uniform(-0.1, 0.1)) for _ in range(5)]

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        push = torch.zeros_like(y)
        for top, height, reach in bands:
            push = torch.where((y >= top) & (y < top + height), reach, push)
        return torch.cat([sample(u[k : k + 1], x + push * (0.6 + 0.4 * k), y, "reflection") for k in range(3)])

    return apply


@family("material")
def crt(rng: Random) -> Transform:
    """An old tube: bulging, striped, dark at the rim, phosphor columns."""
    count, bend, amount = int(rng.integers(20, 36)), rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.5)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        d = (x - 0.5) ** 2 + (y - 0.5) ** 2
        px, py = (x - 0.5) * (1 + bend * d) + 0.5, (y - 0.5) * (1 + bend * d) + 0.5
        lines = 1 - amount * (0.5 + 0.5 * torch.sin(2 * math.pi * count * py))
        columns = torch.stack([1 + 0.2 * torch.sin(2 * math.pi * (x * 32 + k / 3)) for k in range(3)])
        return sample(u, px, py, "zeros") * lines * columns * (1.15 - 0.9 * d)

    return apply


@family("material")
def snow(rng: Random) -> Transform:
    mask = specks(rng, int(rng.integers(50, 130)), 0.005, 0.016)
    return lambda u: mix(u, torch.full((3, 1, 1), 0.97), at_size(mask, u) * 0.9)


@family("material")
def rain(rng: Random) -> Transform:
    angle, count = math.pi / 2 + rng.uniform(-0.4, 0.4), int(rng.integers(60, 140))
    mask, grey, share = strokes(rng, count, angle, 0.02, 0.16, 0.0025), rng.uniform(0.15, 0.4), rng.uniform(0.45, 0.75)
    return lambda u: mix(mix(u, luma(u), grey) * 0.85, torch.full((3, 1, 1), 0.9), at_size(mask, u) * share)


@family("material")
def dust_and_scratches(rng: Random) -> Transform:
    mask = torch.maximum(
        specks(rng, int(rng.integers(25, 60)), 0.002, 0.008),
        strokes(rng, int(rng.integers(4, 10)), rng.uniform(0, math.pi), 0.3, 0.6, 0.002),
    )
    paint, share = torch.full((3, 1, 1), float(rng.choice([0.05, 0.95]))), rng.uniform(0.6, 0.95)
    return lambda u: mix(u, paint, at_size(mask, u) * share)


@family("material")
def stains(rng: Random) -> Transform:
    """Rings and blots of one brown or ink."""
    blots = [(*rng.uniform(0.1, 0.9, 2), rng.uniform(0.06, 0.18)) for _ in range(int(rng.integers(2, 5)))]
    paint = torch.tensor([0.55, 0.38, 0.22]).view(3, 1, 1) * rng.uniform(0.8, 1.3)

    def apply(u: Tensor) -> Tensor:
        for cx, cy, radius in blots:
            away = distance_to(u, cx, cy)[None]
            rim = torch.exp(-(((away - radius) / 0.012) ** 2)) * 0.55
            u = u * (1 - (1 - paint) * (rim + 0.25 * ramp(radius - away, 0.02)).clamp(0, 1))
        return u

    return apply


@family("material")
def wet_glass(rng: Random) -> Transform:
    """Blurred glass with clear drops that bend what is behind them."""
    drops = [(*rng.uniform(0.05, 0.95, 2), rng.uniform(0.03, 0.08)) for _ in range(12)]
    sigma = rng.uniform(0.01, 0.02)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        out, veiled = blur(u, sigma) * 0.9 + 0.06, u
        for cx, cy, radius in drops:
            away = distance_to(u, cx, cy)
            seen = sample(veiled, cx - (x - cx) * 1.5, cy - (y - cy) * 1.5, "reflection")
            out = mix(out, seen * 1.08, ramp(radius - away, 0.01)[None])
        return out

    return apply


@family("material")
def old_film(rng: Random) -> Transform:
    """Brown, uneven, scratched from top to bottom."""
    mask = strokes(rng, int(rng.integers(3, 8)), math.pi / 2, 0.005, 2.0, 0.002)
    mask = torch.maximum(mask, specks(rng, 20, 0.003, 0.007))
    cloud, pattern = fractal_noise(rng), noise(rng, 128)
    brown = torch.tensor([1.05, 0.92, 0.7]).view(3, 1, 1) * rng.uniform(0.9, 1.05)

    def apply(u: Tensor) -> Tensor:
        print_ = luma(u) * brown * (1 + 0.25 * cloud(u)) + 0.05 * pattern(u)
        return mix(print_, torch.full((3, 1, 1), 0.95), at_size(mask, u) * 0.7)

    return apply
