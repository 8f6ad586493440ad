"""Detail: edits of sharpness, resolution and noise."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..transform import (
    Random,
    Transform,
    blur,
    cells,
    distance_to,
    family,
    grid,
    luma,
    mix,
    noise,
    ramp,
    sample,
)


@family("detail")
def gaussian_blur(rng: Random) -> Transform:
    sigma = rng.uniform(0.006, 0.03)
    return lambda u: blur(u, sigma)


@family("detail")
def sharpen(rng: Random) -> Transform:
    sigma, amount = rng.uniform(0.006, 0.014), rng.uniform(1, 3)
    return lambda u: u + amount * (u - blur(u, sigma))


@family("detail")
def high_pass(rng: Random) -> Transform:
    """Only what is finer than a scale, on grey."""
    sigma, amount, grey = rng.uniform(0.01, 0.04), rng.uniform(1.2, 2.5), rng.uniform(0.4, 0.6)
    return lambda u: grey + amount * (u - blur(u, sigma))


@family("detail")
def pixelate(rng: Random) -> Transform:
    count = int(rng.choice([8, 16, 32, 32, 64]))
    return lambda u: cells(u, count)


@family("detail")
def low_resolution(rng: Random) -> Transform:
    """Made small and large again, smoothly."""
    count = int(rng.choice([16, 24, 32]))

    def apply(u: Tensor) -> Tensor:
        small = F.adaptive_avg_pool2d(u[None], count)
        return F.interpolate(small, size=u.shape[-2:], mode="bilinear", align_corners=False)[0]

    return apply


@family("detail")
def partial_mosaic(rng: Random) -> Transform:
    """A disc or a rectangle of cells, as over a face."""
    (cx, cy), (w, h) = rng.uniform(0.3, 0.7, 2), rng.uniform(0.12, 0.3, 2)
    count, disc = int(rng.choice([16, 32])), rng.random() < 0.5

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        if disc:
            mask = (((x - cx) / w) ** 2 + ((y - cy) / h) ** 2) < 1
        else:
            mask = ((x - cx).abs() < w) & ((y - cy).abs() < h)
        return torch.where(mask[None], cells(u, count), u)

    return apply


@family("detail")
def grain(rng: Random) -> Transform:
    pattern, amount = noise(rng, 128), rng.uniform(0.04, 0.11)
    return lambda u: u + amount * pattern(u)


@family("detail")
def colour_noise(rng: Random) -> Transform:
    pattern, amount = noise(rng, int(rng.choice([64, 96, 128])), 3), rng.uniform(0.06, 0.15)
    return lambda u: u + amount * pattern(u)


@family("detail")
def motion_blur(rng: Random) -> Transform:
    angle, reach = rng.uniform(0, math.pi), rng.uniform(0.015, 0.05)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        total = torch.zeros_like(u)
        for k in range(-3, 4):
            step = reach * k / 3
            total += sample(u, x + step * math.cos(angle), y + step * math.sin(angle))
        return total / 7

    return apply


@family("detail")
def zoom_blur(rng: Random) -> Transform:
    (cx, cy), reach = rng.uniform(0.35, 0.65, 2), rng.uniform(0.08, 0.2)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        total = torch.zeros_like(u)
        for k in range(7):
            scale = 1 - reach * k / 6
            total += sample(u, (x - cx) * scale + cx, (y - cy) * scale + cy)
        return total / 7

    return apply


@family("detail")
def tilt_shift(rng: Random) -> Transform:
    """A sharp band, blurred above and below."""
    sigma, height, half = rng.uniform(0.012, 0.03), rng.uniform(0.3, 0.7), rng.uniform(0.08, 0.15)
    return lambda u: mix(u, blur(u, sigma), (((grid(u)[1] - height).abs() - half) / 0.2).clamp(0, 1)[None])


@family("detail")
def sharp_centre(rng: Random) -> Transform:
    """Blurred but for a disc."""
    (cx, cy), radius, sigma = rng.uniform(0.35, 0.65, 2), rng.uniform(0.15, 0.3), rng.uniform(0.012, 0.03)
    return lambda u: mix(u, blur(u, sigma), ramp(distance_to(u, cx, cy) - radius, 0.15)[None])


@family("detail")
def smooth(rng: Random) -> Transform:
    """Small differences vanish, large ones stay."""
    sigma, level = rng.uniform(0.01, 0.02), rng.uniform(0.06, 0.14)

    def apply(u: Tensor) -> Tensor:
        base = blur(u, sigma)
        rest = u - base
        return base + rest * ramp(rest.abs().amax(0, keepdim=True) - level, level)

    return apply


@family("detail")
def soft_colours(rng: Random) -> Transform:
    """The colours run, the lightness stays sharp."""
    sigma, factor = rng.uniform(0.03, 0.08), rng.uniform(1, 1.6)

    def apply(u: Tensor) -> Tensor:
        y = luma(u)
        return y + factor * blur(u - y, sigma)

    return apply
