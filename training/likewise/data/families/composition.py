"""Composition: frames, masks, overlays and text at fixed places."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..transform import (
    Random,
    Transform,
    blur,
    colour,
    distance_to,
    family,
    grid,
    inside,
    luma,
    mix,
    ramp,
    sample,
    turned,
)

LETTERS = list("ABCDEFGHKLMNOPRSTUVXYZ0123456789")


def to_edge(image: Tensor) -> Tensor:
    """Distance ``[H, W]`` to the nearest edge of the image."""
    x, y = grid(image)
    return torch.minimum(torch.minimum(x, 1 - x), torch.minimum(y, 1 - y))


def rectangle(image: Tensor, left: float, top: float, right: float, bottom: float) -> Tensor:
    """Distance ``[H, W]`` into a rectangle, positive inside."""
    x, y = grid(image)
    return torch.minimum(torch.minimum(x - left, right - x), torch.minimum(y - top, bottom - y))


def overlay(mask: Tensor) -> Transform:
    """Reads a ``[256, 256]`` mask at an image's size as ``[1, H, W]``."""
    return lambda u: F.adaptive_avg_pool2d(mask[None], u.shape[-2:]) if u.shape[-1] < 256 else F.interpolate(
        mask[None, None], size=u.shape[-2:], mode="bilinear", align_corners=False
    )[0]


def word(rng: Random, low: int = 2, high: int = 7) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(int(rng.integers(low, high))))


def lettering(text: str, x: float, y: float, height: float, anchor: str = "la") -> Tensor:
    """Coverage ``[256, 256]`` of text; place and height in widths."""
    image = Image.new("L", (256, 256), 0)
    font = ImageFont.load_default(round(height * 256))
    ImageDraw.Draw(image).text((x * 256, y * 256), text, fill=255, font=font, anchor=anchor)
    return torch.from_numpy(np.array(image)).float() / 255


@family("composition")
def border(rng: Random) -> Transform:
    width, paint = rng.uniform(0.03, 0.1), colour(rng)
    return lambda u: mix(u, paint, inside(width - to_edge(u)))


@family("composition")
def inner_line(rng: Random) -> Transform:
    inset, half, paint = rng.uniform(0.05, 0.14), rng.uniform(0.004, 0.012), colour(rng)
    return lambda u: mix(u, paint, inside(half - (to_edge(u) - inset).abs()))


@family("composition")
def polaroid(rng: Random) -> Transform:
    paper, side, foot = colour(rng, 0.85, 1), rng.uniform(0.04, 0.08), rng.uniform(0.15, 0.25)
    return lambda u: mix(paper, u, inside(rectangle(u, side, side, 1 - side, 1 - foot)))


@family("composition")
def framed_smaller(rng: Random) -> Transform:
    """The whole image, smaller, on a coloured mount."""
    size, paper = rng.uniform(0.6, 0.85), colour(rng)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        small = sample(u, (x - 0.5) / size + 0.5, (y - 0.5) / size + 0.5)
        return mix(paper, small, inside(to_edge(u) - (1 - size) / 2))

    return apply


@family("composition")
def blurred_mount(rng: Random) -> Transform:
    """The image, smaller, on a blurred copy of itself."""
    size, sigma, dim = rng.uniform(0.5, 0.8), rng.uniform(0.025, 0.05), rng.uniform(0.5, 1.1)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        small = sample(u, (x - 0.5) / size + 0.5, (y - 0.5) / size + 0.5)
        return mix(blur(u, sigma) * dim, small, inside(to_edge(u) - (1 - size) / 2))

    return apply


@family("composition")
def letterbox(rng: Random) -> Transform:
    height, paint, upright = rng.uniform(0.08, 0.2), colour(rng, 0, 0.2), rng.random() < 0.3

    def apply(u: Tensor) -> Tensor:
        t = grid(u)[0 if upright else 1]
        return mix(u, paint, inside(height - torch.minimum(t, 1 - t)))

    return apply


@family("composition")
def stripes(rng: Random) -> Transform:
    count, angle, paint, share = rng.uniform(4, 14), rng.uniform(0, math.pi), colour(rng), rng.uniform(0.4, 1)
    return lambda u: mix(u, paint, share * ramp(torch.sin(2 * math.pi * count * turned(u, angle)[0]), 0.3)[None])


@family("composition")
def circle_mask(rng: Random) -> Transform:
    (cx, cy), radius, paint = rng.uniform(0.4, 0.6, 2), rng.uniform(0.25, 0.45), colour(rng)
    way = -1 if rng.random() < 0.3 else 1
    return lambda u: mix(u, paint, inside(way * (distance_to(u, cx, cy) - radius)))


@family("composition")
def rounded_corners(rng: Random) -> Transform:
    radius, inset, paint = rng.uniform(0.08, 0.3), rng.uniform(0, 0.05), colour(rng)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        reach = 0.5 - inset - radius
        dx, dy = ((x - 0.5).abs() - reach).clamp_min(0), ((y - 0.5).abs() - reach).clamp_min(0)
        return mix(paint, u, inside(radius - (dx * dx + dy * dy).sqrt()))

    return apply


@family("composition")
def overlay_shape(rng: Random) -> Transform:
    (cx, cy), (w, h) = rng.uniform(0.15, 0.85, 2), rng.uniform(0.08, 0.3, 2)
    paint, share, disc = colour(rng), rng.uniform(0.5, 1), rng.random() < 0.5

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        if disc:
            depth = (1 - (((x - cx) / w) ** 2 + ((y - cy) / h) ** 2).sqrt()) * min(w, h)
        else:
            depth = torch.minimum(w - (x - cx).abs(), h - (y - cy).abs())
        return mix(u, paint, share * inside(depth))

    return apply


@family("composition")
def split_colour(rng: Random) -> Transform:
    """Each side of a line through the middle has its own filter."""
    angle, first, second = rng.uniform(0, 2 * math.pi), colour(rng, 0.2, 1.3), colour(rng, 0.2, 1.3)
    return lambda u: u * mix(first, second, inside(turned(u, angle)[0]))


@family("composition")
def half_edited(rng: Random) -> Transform:
    """One half grey, negative or pale; the other untouched."""
    angle, kind = rng.choice(4) * math.pi / 2, int(rng.integers(3))

    def apply(u: Tensor) -> Tensor:
        other = (luma(u).expand_as(u), 1 - u, u * 0.5 + 0.5)[kind]
        return mix(u, other, inside(turned(u, angle)[0]))

    return apply


@family("composition")
def checker(rng: Random) -> Transform:
    count, paint, share = int(rng.integers(2, 6)), colour(rng), rng.uniform(0.4, 0.9)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        return mix(u, paint, (((x * count).floor() + (y * count).floor()) % 2)[None] * share)

    return apply


@family("composition")
def grid_lines(rng: Random) -> Transform:
    count, half, paint = int(rng.integers(3, 9)), rng.uniform(0.003, 0.01), colour(rng)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        # Lines at k / count, none of them on the image's edge.
        away = [(t * count - (t * count).round().clamp(1, count - 1)).abs() / count for t in (x, y)]
        return mix(u, paint, inside(half - torch.minimum(*away)))

    return apply


@family("composition")
def polka_dots(rng: Random) -> Transform:
    count, size, paint, share = int(rng.integers(4, 10)), rng.uniform(0.15, 0.35), colour(rng), rng.uniform(0.5, 1)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        row = (y * count).floor()
        dx, dy = (x * count + 0.5 * (row % 2)) % 1 - 0.5, (y * count) % 1 - 0.5
        return mix(u, paint, share * inside((size - (dx * dx + dy * dy).sqrt()) / count))

    return apply


@family("composition")
def corner_wedge(rng: Random) -> Transform:
    """A triangle of colour over one corner."""
    angle, start = math.pi / 4 + math.pi / 2 * int(rng.integers(4)), rng.uniform(0.2, 0.45)
    paint, share = colour(rng), rng.uniform(0.6, 1)
    return lambda u: mix(u, paint, share * inside(turned(u, angle)[0] - start))


@family("composition")
def corner_ribbon(rng: Random) -> Transform:
    """A band across a corner with an edge of another colour."""
    angle, start = math.pi / 4 + math.pi / 2 * int(rng.integers(4)), rng.uniform(0.3, 0.45)
    half, paint, rim = rng.uniform(0.04, 0.08), colour(rng, 0.2, 1), colour(rng, 0, 0.6)

    def apply(u: Tensor) -> Tensor:
        away = (turned(u, angle)[0] - start).abs()
        return mix(mix(u, rim, inside(half + 0.015 - away)), paint, inside(half - away))

    return apply


@family("composition")
def text(rng: Random) -> Transform:
    mask = overlay(lettering(word(rng), rng.uniform(0.04, 0.4), rng.uniform(0.04, 0.7), rng.uniform(0.11, 0.3)))
    paint = colour(rng)
    return lambda u: mix(u, paint, mask(u))


@family("composition")
def text_band(rng: Random) -> Transform:
    """A caption on a coloured band."""
    top, height = float(rng.choice([0.04, 0.4, 0.76])), rng.uniform(0.14, 0.2)
    band, ink, share = colour(rng), colour(rng), rng.uniform(0.6, 1)
    ink = ink if (luma(ink) - luma(band)).abs() > 0.3 else (luma(band) < 0.5).float().expand(3, 1, 1)
    mask = overlay(lettering(word(rng, 3, 9), 0.5, top + height / 2, height * 0.7, "mm"))

    def apply(u: Tensor) -> Tensor:
        return mix(mix(u, band, share * inside(rectangle(u, -1, top, 2, top + height))), ink, mask(u))

    return apply


@family("composition")
def watermark(rng: Random) -> Transform:
    """A faint word repeated over the whole image, aslant."""
    letters, share = word(rng, 3, 6), rng.uniform(0.25, 0.5)
    tile = Image.new("L", (512, 512), 0)
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(int(rng.uniform(34, 60)))
    step = int(rng.uniform(90, 130))
    for row in range(6):
        for column in range(4):
            draw.text((column * 160 + row % 2 * 80 - 40, row * step), letters, fill=255, font=font)
    turned_tile = tile.rotate(float(rng.uniform(15, 40)), Image.Resampling.BICUBIC).crop((128, 128, 384, 384))
    mask = overlay(torch.from_numpy(np.array(turned_tile)).float() / 255)
    paint = torch.full((3, 1, 1), float(rng.choice([0.0, 1.0])))
    return lambda u: mix(u, paint, share * mask(u))


@family("composition")
def film_strip(rng: Random) -> Transform:
    """Dark bands with holes along two sides."""
    width, count, upright = rng.uniform(0.1, 0.15), int(rng.integers(6, 11)), rng.random() < 0.5
    paint, hole = colour(rng, 0, 0.15), colour(rng, 0.7, 1)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u) if upright else grid(u)[::-1]
        away = torch.minimum(x, 1 - x)
        depth = torch.minimum(width * 0.25 - (away - width / 2).abs(), (0.25 - ((y * count) % 1 - 0.5).abs()) / count)
        return mix(mix(u, paint, inside(width - away)), hole, inside(depth))

    return apply


@family("composition")
def torn_edge(rng: Random) -> Transform:
    """A ragged strip of paper along one side."""
    side, height, paper = int(rng.integers(4)), rng.uniform(0.1, 0.25), colour(rng, 0.75, 1)
    waves = [(rng.uniform(2, 30), rng.uniform(0, 6.3)) for _ in range(6)]

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        along, away = ((x, y), (x, 1 - y), (y, x), (y, 1 - x))[side]
        ragged = sum(torch.sin(along * f + p) for f, p in waves) * 0.008
        return mix(u, paper, inside(height + ragged - away))

    return apply
