"""Drawing: edits that redraw the image from its edges, its tones or both."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..transform import (
    Random,
    Transform,
    axes,
    blur,
    cells,
    colour,
    edge_strength,
    family,
    fractal_noise,
    gradient,
    grid,
    luma,
    mix,
    noise,
    ramp,
    turned,
    vivid,
)


@family("drawing")
def edges(rng: Random) -> Transform:
    gain, dark, light, on_paper = rng.uniform(6, 14), colour(rng, 0, 0.3), colour(rng, 0.6, 1), rng.random() < 0.5
    ground, line = (light, dark) if on_paper else (dark, light)
    return lambda u: mix(ground, line, (edge_strength(u) * gain).clamp(0, 1))


@family("drawing")
def neon(rng: Random) -> Transform:
    """Edges in the image's own colours, shining on a dark ground."""
    gain, dark, glow = rng.uniform(8, 16), rng.uniform(0.05, 0.25), rng.uniform(0.4, 0.8)

    def apply(u: Tensor) -> Tensor:
        hue = u / u.amax(0, keepdim=True).clamp_min(0.1)
        lines = (edge_strength(u) * gain).clamp(0, 1) * hue
        return u * dark + lines + glow * blur(lines, 0.015)

    return apply


@family("drawing")
def blueprint(rng: Random) -> Transform:
    """Pale lines and a grid on a deep colour."""
    gain, ground, count = rng.uniform(7, 14), vivid(rng, 0.5) * 0.8 + 0.05, int(rng.integers(6, 14))

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        away = torch.minimum((x * count % 1 - 0.5).abs(), (y * count % 1 - 0.5).abs()) / count
        ruled = ramp(0.003 - away, 0.006)[None] * 0.3
        return mix(ground, torch.full((3, 1, 1), 0.95), torch.maximum(ruled, (edge_strength(u) * gain).clamp(0, 1)))

    return apply


@family("drawing")
def pencil_sketch(rng: Random) -> Transform:
    sigma, paper, power = rng.uniform(0.01, 0.03), colour(rng, 0.85, 1), rng.uniform(1, 2)

    def apply(u: Tensor) -> Tensor:
        y = luma(u)
        return (y / blur(y, sigma).clamp_min(0.05)).clamp(1e-4, 1) ** power * paper

    return apply


@family("drawing")
def coloured_pencil(rng: Random) -> Transform:
    """Paper shows through; each tone is divided by its surroundings."""
    sigma, share = rng.uniform(0.015, 0.03), rng.uniform(0.35, 0.65)
    strokes, amount = noise(rng, 96), rng.uniform(0.03, 0.06)

    def apply(u: Tensor) -> Tensor:
        lines = (u / blur(u, sigma).clamp_min(0.08)).clamp(0, 1)
        return mix(lines, 1 - (1 - u) * 0.7, share) + amount * strokes(u)

    return apply


@family("drawing")
def ink(rng: Random) -> Transform:
    """Black where darker than the surroundings."""
    sigma, offset = rng.uniform(0.012, 0.03), rng.uniform(-0.01, 0.04)
    dark, light = colour(rng, 0, 0.25), colour(rng, 0.8, 1)

    def apply(u: Tensor) -> Tensor:
        y = blur(luma(u), 0.003)
        return mix(dark, light, ramp(y - blur(y, sigma) + offset, 0.06))

    return apply


@family("drawing")
def contour_lines(rng: Random) -> Transform:
    """Lines where the blurred luma crosses evenly spaced levels."""
    count, line, ground = int(rng.integers(4, 9)), colour(rng, 0, 0.4), colour(rng, 0.7, 1)

    def apply(u: Tensor) -> Tensor:
        y = blur(luma(u), 0.014)
        dx, dy = gradient(u, 0.014)
        slope = (dx * dx + dy * dy).sqrt().clamp_min(0.002)
        level = (y * count) % 1
        away = torch.minimum(level, 1 - level) / count / slope
        return mix(line, ground, ramp(away - 0.8, 1.2))

    return apply


def dots(image: Tensor, count: float, angle: float) -> Tensor:
    """A screen of dots ``[1, H, W]`` in 0..1, ``count`` a width, that a tone is compared with."""
    along, across = turned(image, angle)
    return (0.5 + 0.5 * torch.sin(2 * math.pi * count * along) * torch.sin(2 * math.pi * count * across))[None]


@family("drawing")
def halftone(rng: Random) -> Transform:
    count, angle = rng.uniform(10, 22), rng.uniform(0, math.pi / 2)
    dark, light = colour(rng, 0, 0.3), colour(rng, 0.8, 1)
    return lambda u: mix(dark, light, ramp(blur(luma(u), 0.006) - dots(u, count, angle), 0.3))


@family("drawing")
def colour_halftone(rng: Random) -> Transform:
    """A screen for each channel, turned against each other."""
    count, start = rng.uniform(10, 20), rng.uniform(0, 1.5)

    def apply(u: Tensor) -> Tensor:
        screens = torch.cat([dots(u, count, start + k * 0.52) for k in range(3)])
        return ramp(blur(u, 0.005) - screens, 0.3)

    return apply


@family("drawing")
def line_screen(rng: Random) -> Transform:
    """Engraving: parallel lines that swell with the dark."""
    count, angle = rng.uniform(14, 30), rng.uniform(0, math.pi)
    dark, light = colour(rng, 0, 0.35), colour(rng, 0.75, 1)

    def apply(u: Tensor) -> Tensor:
        lines = 0.5 + 0.45 * torch.sin(2 * math.pi * count * turned(u, angle)[0])[None]
        return mix(dark, light, ramp(blur(luma(u), 0.006) - lines, 0.35))

    return apply


@family("drawing")
def stipple(rng: Random) -> Transform:
    """Tone as the density of random specks."""
    dark, light = colour(rng, 0, 0.3), colour(rng, 0.8, 1)
    specks = noise(rng, 96)
    return lambda u: mix(dark, light, ramp(luma(u) - 0.5 - 0.28 * specks(u), 0.15))


@family("drawing")
def hatching(rng: Random) -> Transform:
    """Up to three layers of strokes as it gets darker."""
    count, angle, dark = rng.uniform(14, 26), rng.uniform(0, math.pi), colour(rng, 0, 0.3)

    def apply(u: Tensor) -> Tensor:
        y = blur(luma(u), 0.006)
        paper = torch.ones_like(y)
        for k, level in enumerate((0.75, 0.5, 0.25)):
            strokes = torch.sin(2 * math.pi * count * turned(u, angle + k)[0])[None]
            paper = paper * (1 - ramp(level - y, 0.15) * ramp(strokes, 0.8) * 0.8)
        return mix(dark, torch.ones(3, 1, 1), paper)

    return apply


@family("drawing")
def emboss(rng: Random) -> Transform:
    angle, gain, ground = rng.uniform(0, 2 * math.pi), rng.uniform(4, 12), colour(rng, 0.4, 0.6)

    def apply(u: Tensor) -> Tensor:
        dx, dy = gradient(u)
        return ground + gain * (dx * math.cos(angle) + dy * math.sin(angle))

    return apply


@family("drawing")
def relief(rng: Random) -> Transform:
    """Lit from one side as if light were height, in its own colours."""
    angle, gain = rng.uniform(0, 2 * math.pi), rng.uniform(4, 10)

    def apply(u: Tensor) -> Tensor:
        dx, dy = gradient(u, 0.006)
        return u * (1 + gain * 1.5 * (dx * math.cos(angle) + dy * math.sin(angle)))

    return apply


@family("drawing")
def cartoon(rng: Random) -> Transform:
    count, gain = int(rng.integers(3, 6)), rng.uniform(8, 16)

    def apply(u: Tensor) -> Tensor:
        flat = (blur(u, 0.008) * count).round() / count
        return flat * (1 - (edge_strength(u) * gain - 0.4).clamp(0, 1))

    return apply


@family("drawing")
def comic(rng: Random) -> Transform:
    """Vivid flat colours, dots in the middle tones, black lines."""
    gain, count, angle = rng.uniform(7, 12), rng.uniform(12, 22), rng.uniform(0, 1.5)

    def apply(u: Tensor) -> Tensor:
        base = blur(u, 0.006)
        y = luma(base)
        flat = ((y + 1.8 * (base - y)) * 3).round() / 3
        flat = flat * (1 - 0.35 * ramp(dots(u, count, angle) - 0.6, 0.2) * ramp(0.55 - y, 0.2))
        return flat * (1 - (edge_strength(u) * gain - 0.3).clamp(0, 1))

    return apply


def dilate(image: Tensor, radius: int) -> Tensor:
    """Largest value within a square of ``radius`` pixels, one axis after the other."""
    wide = F.max_pool2d(image[None], (1, 2 * radius + 1), 1, (0, radius))
    return F.max_pool2d(wide, (2 * radius + 1, 1), 1, (radius, 0))[0]


@family("drawing")
def oil(rng: Random) -> Transform:
    """Blobs of paint: light spreads, tones come in steps."""
    width, count = rng.uniform(0.008, 0.016), int(rng.integers(5, 9))

    def apply(u: Tensor) -> Tensor:
        radius = max(1, round(width * u.shape[-1]))
        paint = blur(dilate(u, radius), width * 0.6)
        return mix(paint, (paint * count).round() / count, 0.7)

    return apply


@family("drawing")
def painting(rng: Random) -> Transform:
    """Kuwahara: each pixel takes the mean of the calmest of four squares around it."""
    width = rng.uniform(0.014, 0.024)

    def apply(u: Tensor) -> Tensor:
        radius = max(1, round(width * u.shape[-1]))
        y = luma(u)
        stack = F.pad(torch.cat([u, y * y, y])[None], (radius,) * 4, mode="replicate")
        means = F.avg_pool2d(stack, radius + 1, 1)[0]
        size, best, lowest = u.shape[-1], None, None
        for top in (0, radius):
            for left in (0, radius):
                square = means[:, top : top + u.shape[-2], left : left + size]
                variance = square[3:4] - square[4:5] ** 2
                if best is None:
                    best, lowest = square[:3], variance
                else:
                    best = torch.where(variance < lowest, square[:3], best)
                    lowest = torch.minimum(variance, lowest)
        return best

    return apply


@family("drawing")
def watercolour(rng: Random) -> Transform:
    """Washes with darker rims, uneven pigment, white paper."""
    pattern, count, lift = fractal_noise(rng, 4), int(rng.integers(4, 7)), rng.uniform(0.1, 0.25)

    def apply(u: Tensor) -> Tensor:
        wash = blur(u, 0.012)
        wash = mix(wash, (wash * count).round() / count, 0.5)
        rims = edge_strength(wash, 0.005) * 5
        return 1 - (1 - wash) * (1 - lift) * (1 + 0.3 * pattern(u) + rims)

    return apply


@family("drawing")
def pixel_art(rng: Random) -> Transform:
    """Large pixels of few levels, more saturated."""
    count, steps, factor = int(rng.choice([16, 32, 32, 64])), int(rng.integers(3, 6)), rng.uniform(1.1, 1.6)

    def apply(u: Tensor) -> Tensor:
        blocks = cells(u, count)
        y = luma(blocks)
        return ((y + factor * (blocks - y)).clamp(0, 1) * (steps - 1)).round() / (steps - 1)

    return apply


@family("drawing")
def ordered_dither(rng: Random) -> Transform:
    """Two levels a channel, or two colours, through a 4 x 4 threshold matrix on coarse pixels."""
    count = int(rng.choice([64, 128]))
    dark, light, coloured = colour(rng, 0, 0.3), colour(rng, 0.75, 1), rng.random() < 0.4
    two = torch.tensor([[0, 2], [3, 1]])
    four = torch.cat([torch.cat([4 * two, 4 * two + 2], 1), torch.cat([4 * two + 3, 4 * two + 1], 1)])

    def apply(u: Tensor) -> Tensor:
        x, y = axes(*u.shape[-2:])
        level = (four[(y * count).long() % 4, (x * count).long() % 4].float() + 0.5)[None] / 16
        blocks = cells(u, count)
        if coloured:
            return (blocks > level).float()
        return mix(dark, light, (luma(blocks) > level).float())

    return apply
