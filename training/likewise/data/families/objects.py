"""Objects: things added to the image at fixed places."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..sprites import random_sprite
from ..transform import Random, Transform, blur, colour, distance_to, family, grid, inside, mix, ramp, sample, sign, vivid


def place(image: Tensor, sprite: Tensor, cx: float, cy: float, width: float, angle: float = 0.0) -> Tensor:
    """``sprite [4, 128, 128]`` (premultiplied RGBA) over the image, centre and width in widths."""
    size = image.shape[-1]
    reach = width * 0.75
    left, right = (round(max(0.0, min(1.0, cx + k * reach)) * size) for k in (-1, 1))
    top, bottom = (round(max(0.0, min(1.0, cy + k * reach)) * size) for k in (-1, 1))
    if left >= right or top >= bottom:
        return image
    x, y = (t[top:bottom, left:right] for t in grid(image))
    c, s = math.cos(angle) / width, math.sin(angle) / width
    # At this size a pixel covers many of the sprite's; blurring it first keeps the edges smooth.
    smooth = blur(sprite, 0.4 / max(1.0, width * size))
    drawn = sample(smooth, (x - cx) * c + (y - cy) * s + 0.5, (y - cy) * c - (x - cx) * s + 0.5, "zeros")
    result = image.clone()
    result[:, top:bottom, left:right] = image[:, top:bottom, left:right] * (1 - drawn[3:]) + drawn[:3]
    return result


@family("objects")
def sticker(rng: Random) -> Transform:
    sprite, width, (cx, cy) = random_sprite(rng), rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.8, 2)
    angle = rng.uniform(-0.4, 0.4)
    return lambda u: place(u, sprite, cx, cy, width, angle)


@family("objects")
def emoji_in_a_corner(rng: Random) -> Transform:
    sprite, width = random_sprite(rng), rng.uniform(0.18, 0.28)
    cx, cy = (0.5 + sign(rng) * (0.47 - width / 2) for _ in range(2))
    return lambda u: place(u, sprite, cx, cy, width)


@family("objects")
def emoji_on_a_disc(rng: Random) -> Transform:
    """A round badge."""
    sprite, radius, paint = random_sprite(rng), rng.uniform(0.13, 0.2), colour(rng)
    cx, cy = rng.uniform(0.22, 0.78, 2)

    def apply(u: Tensor) -> Tensor:
        return place(mix(u, paint, inside(radius - distance_to(u, cx, cy))), sprite, cx, cy, radius * 1.3)

    return apply


@family("objects")
def emoji_row(rng: Random) -> Transform:
    """The same sprite three to five times along the top or the foot."""
    sprite, count, height = random_sprite(rng), int(rng.integers(3, 6)), float(rng.choice([0.14, 0.86]))
    width = rng.uniform(0.14, 0.19)

    def apply(u: Tensor) -> Tensor:
        for k in range(count):
            u = place(u, sprite, (k + 0.5) / count, height, width)
        return u

    return apply


@family("objects")
def emoji_scatter(rng: Random) -> Transform:
    """Several different sprites, each at its own place, size and angle."""
    things = [
        (random_sprite(rng), *rng.uniform(0.1, 0.9, 2), rng.uniform(0.12, 0.26), rng.uniform(-0.6, 0.6))
        for _ in range(int(rng.integers(3, 6)))
    ]

    def apply(u: Tensor) -> Tensor:
        for thing in things:
            u = place(u, *thing)
        return u

    return apply


@family("objects")
def emoji_pattern(rng: Random) -> Transform:
    """One sprite repeated over the whole image, half transparent."""
    sprite, count = random_sprite(rng) * rng.uniform(0.45, 0.8), int(rng.integers(3, 6))

    def apply(u: Tensor) -> Tensor:
        for row in range(count):
            for column in range(count):
                cx, cy = (column + 0.25 + 0.5 * (row % 2)) / count, (row + 0.5) / count
                u = place(u, sprite, cx, cy, 0.6 / count)
        return u

    return apply


@family("objects")
def drop_shadow_sticker(rng: Random) -> Transform:
    """A sprite with a soft shadow below it."""
    sprite, width, (cx, cy) = random_sprite(rng), rng.uniform(0.25, 0.4), rng.uniform(0.25, 0.75, 2)
    dx, dy = rng.uniform(0.02, 0.05, 2)
    shadow = torch.cat([torch.zeros(3, 128, 128), blur(sprite[3:], 0.04) * 0.6])
    return lambda u: place(place(u, shadow, cx + dx, cy + dy, width), sprite, cx, cy, width)


@family("objects")
def balloon(rng: Random) -> Transform:
    """A shaded ball on a string."""
    (cx, cy), radius, paint = (rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.45)), rng.uniform(0.1, 0.18), vivid(rng)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        string = inside(torch.minimum(0.004 - (x - cx - 0.01 * torch.sin(20 * y)).abs(), y - cy))
        u = mix(u, torch.full((3, 1, 1), 0.15), string)
        light = ramp(0.6 * radius - distance_to(u, cx - radius * 0.35, cy - radius * 0.35), radius)[None]
        return mix(u, paint * 0.85 + 0.45 * light * (1 - paint * 0.5), inside(radius - distance_to(u, cx, cy)))

    return apply


@family("objects")
def speech_bubble(rng: Random) -> Transform:
    """An empty bubble with a tail and an outline."""
    (cx, cy), (w, h) = (rng.uniform(0.35, 0.65), rng.uniform(0.2, 0.4)), (rng.uniform(0.18, 0.3), rng.uniform(0.1, 0.16))
    tail, paper, line = rng.uniform(0.06, 0.14) * sign(rng), colour(rng, 0.85, 1), colour(rng, 0, 0.3)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        body = (1 - (((x - cx) / w) ** 2 + ((y - cy) / h) ** 2).sqrt()) * h
        down = (y - cy) / (h * 1.9)
        point = torch.minimum(0.045 * (1 - down) - (x - cx - tail * down).abs(), torch.minimum(y - cy, cy + 1.9 * h - y))
        depth = torch.maximum(body, point)
        return mix(mix(u, line, inside(depth + 0.01)), paper, inside(depth))

    return apply


@family("objects")
def sun_in_the_sky(rng: Random) -> Transform:
    """A bright disc with rays near the top."""
    (cx, cy), radius = (rng.uniform(0.15, 0.85), rng.uniform(0.12, 0.25)), rng.uniform(0.06, 0.1)
    count, paint = int(rng.integers(8, 15)), torch.tensor([1.0, rng.uniform(0.7, 0.9), rng.uniform(0.1, 0.4)]).view(3, 1, 1)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        away = distance_to(u, cx, cy)
        rays = ramp(torch.cos(count * torch.atan2(y - cy, x - cx)) - 0.4, 0.4) * inside(2 * radius - away)[0]
        rays = rays * inside(away - 1.25 * radius)[0]
        return mix(u, paint, torch.maximum(inside(radius - away), rays[None]))

    return apply
