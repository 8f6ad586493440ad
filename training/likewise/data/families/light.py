"""Light: edits that depend on the place in the image."""

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
    ramp,
    turned,
    vivid,
)


def screen(image: Tensor, light: Tensor) -> Tensor:
    return 1 - (1 - image) * (1 - light.clamp(0, 1))


def spot(image: Tensor, cx: float, cy: float, width: float) -> Tensor:
    """A Gaussian ``[1, H, W]`` of 1 at its centre."""
    return torch.exp(-(distance_to(image, cx, cy)[None] ** 2) / (2 * width * width))


@family("light")
def vignette(rng: Random) -> Transform:
    strength, start, dark = rng.uniform(0.5, 1.2), rng.uniform(0.15, 0.4), colour(rng, 0, 0.15)

    def apply(u: Tensor) -> Tensor:
        mask = (strength * (distance_to(u, 0.5, 0.5) - start) / 0.5).clamp(0, 1)[None]
        return mix(u, dark, mask)

    return apply


@family("light")
def gradient_light(rng: Random) -> Transform:
    angle, first, second = rng.uniform(0, 2 * math.pi), colour(rng, 0.3, 1.5), colour(rng, 0.3, 1.5)
    return lambda u: u * mix(first, second, (turned(u, angle)[0] + 0.5).clamp(0, 1)[None])


@family("light")
def light_leak(rng: Random) -> Transform:
    cx, cy, width = float(rng.integers(2)), rng.uniform(0, 1), rng.uniform(0.2, 0.5)
    warm = colour(rng, 0.1, 0.7) * rng.uniform(0.5, 1)
    warm[0] = rng.uniform(0.6, 1)
    return lambda u: screen(u, spot(u, cx, cy, width) * warm)


@family("light")
def spotlight(rng: Random) -> Transform:
    (cx, cy), width, dim = rng.uniform(0.25, 0.75, 2), rng.uniform(0.15, 0.35), rng.uniform(0.15, 0.5)
    return lambda u: u * (dim + (1.3 - dim) * spot(u, cx, cy, width))


@family("light")
def glow(rng: Random) -> Transform:
    """Bloom: what is bright spills over."""
    width, strength = rng.uniform(0.02, 0.06), rng.uniform(0.5, 1.1)
    return lambda u: screen(u, strength * blur((u - 0.3).clamp_min(0), width))


@family("light")
def dream(rng: Random) -> Transform:
    """A soft-focus copy over the sharp one."""
    width, share, lift = rng.uniform(0.015, 0.04), rng.uniform(0.4, 0.75), rng.uniform(0, 0.1)
    return lambda u: mix(u, screen(blur(u, width), u * 0.5) + lift, share)


@family("light")
def fog(rng: Random) -> Transform:
    veil, strength, height = colour(rng, 0.6, 0.95), rng.uniform(0.5, 0.9), rng.uniform(0.2, 0.8)

    def apply(u: Tensor) -> Tensor:
        mask = (strength * (1 - (grid(u)[1] - height).abs() * 1.2)).clamp(0, 1)[None]
        return mix(blur(u, 0.004), veil, mask)

    return apply


@family("light")
def clouds(rng: Random) -> Transform:
    """Patches of mist, in the same places on every image."""
    pattern, veil, strength = fractal_noise(rng), colour(rng, 0.75, 1), rng.uniform(0.5, 0.9)
    return lambda u: mix(u, veil, strength * ramp(pattern(u) - 0.1, 1.2))


@family("light")
def night(rng: Random) -> Transform:
    moon = torch.tensor([0.25, 0.35, 0.7]).view(3, 1, 1) * rng.uniform(0.7, 1.1)
    power = rng.uniform(1.1, 1.5)
    return lambda u: luma(u).clamp_min(1e-4) ** power * moon * 1.1 + u * 0.12


@family("light")
def golden_hour(rng: Random) -> Transform:
    """Warm low sun from one side, cool shade on the other."""
    angle, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1)
    sun = torch.tensor([1.35, 1.05, rng.uniform(0.5, 0.75)]).view(3, 1, 1)
    shade = torch.tensor([0.6, 0.65, rng.uniform(0.8, 1.0)]).view(3, 1, 1)

    def apply(u: Tensor) -> Tensor:
        return mix(u, u * mix(shade, sun, ramp(turned(u, angle)[0], 1.2)[None]), strength)

    return apply


@family("light")
def sun_flare(rng: Random) -> Transform:
    """A small sun with a wide halo and discs on the line through the centre."""
    cx, cy = rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.4)
    warm = torch.tensor([1.0, 0.9, 0.65]).view(3, 1, 1)
    discs = [(rng.uniform(0.4, 1.6), rng.uniform(0.02, 0.07), vivid(rng)) for _ in range(4)]

    def apply(u: Tensor) -> Tensor:
        light = warm * (spot(u, cx, cy, 0.05) * 1.2 + spot(u, cx, cy, 0.2) * 0.6)
        for along, radius, tone in discs:
            away = distance_to(u, cx + (0.5 - cx) * along, cy + (0.5 - cy) * along)
            light = light + 0.3 * tone * ramp(radius - away, 0.02)[None]
        return screen(u, light)

    return apply


@family("light")
def window_light(rng: Random) -> Transform:
    """Slanting bars of light, as through a blind."""
    angle, count, soft = rng.uniform(0, math.pi), rng.uniform(3, 8), rng.uniform(0.4, 1)
    dim, warm = rng.uniform(0.35, 0.65), torch.tensor([1.25, 1.15, 0.95]).view(3, 1, 1)

    def apply(u: Tensor) -> Tensor:
        bars = ramp(torch.sin(2 * math.pi * count * turned(u, angle)[0]), soft)[None]
        return u * mix(torch.full((3, 1, 1), dim), warm, bars)

    return apply


@family("light")
def shade_from_an_edge(rng: Random) -> Transform:
    """One side sinks into a colour."""
    angle, start, deep = rng.uniform(0, 2 * math.pi), rng.uniform(-0.3, 0.1), colour(rng, 0, 0.35)
    return lambda u: mix(u, deep, ((turned(u, angle)[0] - start) * 1.8).clamp(0, 0.95)[None])


@family("light")
def coloured_lamps(rng: Random) -> Transform:
    """Two lamps of different colours in a darkened room."""
    lamps = [(*rng.uniform(0, 1, 2), rng.uniform(0.25, 0.5), vivid(rng)) for _ in range(2)]
    dim = rng.uniform(0.3, 0.6)

    def apply(u: Tensor) -> Tensor:
        light = torch.full((3, 1, 1), dim)
        for cx, cy, width, tone in lamps:
            light = light + spot(u, cx, cy, width) * (tone * 0.8 + 0.2)
        return u * light

    return apply


@family("light")
def bokeh(rng: Random) -> Transform:
    """Pale discs of light out of focus, in fixed places."""
    discs = []
    for _ in range(9):
        pale = mix(vivid(rng), torch.ones(3, 1, 1), 0.4)
        discs.append((*rng.uniform(0, 1, 2), rng.uniform(0.03, 0.09), pale))
    strength = rng.uniform(0.35, 0.6)

    def apply(u: Tensor) -> Tensor:
        light = torch.zeros(3, 1, 1)
        for cx, cy, radius, tone in discs:
            light = light + strength * tone * ramp(radius - distance_to(u, cx, cy), 0.012)[None]
        return screen(u, light)

    return apply
