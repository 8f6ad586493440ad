"""Source images, float32 ``[3, S, S]`` in 0..1: crops of photographs and of artwork, and procedural
pictures. The held-out split has photographs of its own and no artwork."""

from __future__ import annotations

import math
from functools import cache
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from . import photos
from .families.objects import place
from .sprites import random_sprite, sprites_of
from .transform import grid, luma, mix

Random = np.random.Generator


@cache
def picture(file: str) -> Tensor:
    """uint8 ``[3, H, W]`` of a file in data/photos."""
    array = np.asarray(Image.open(photos.FOLDER / file).convert("RGB"))
    return torch.from_numpy(array.copy()).permute(2, 0, 1).contiguous()


@cache
def files(kind: str, split: str) -> tuple[str, ...]:
    return tuple(p.file for p in photos.index() if p.kind == kind and p.split == split)


def choose(rng: Random, names: tuple[str, ...]) -> str:
    return names[int(rng.integers(len(names)))]


def crop(rng: Random, image: Tensor, size: int) -> Tensor:
    """A random crop of a uint8 picture ``[3, H, W]``, squashed by 0.7 to 1.4 to a square, as the engine
    squashes any photograph to the model's size."""
    _, height, width = image.shape
    side = min(height, width) * rng.uniform(0.4, 1.0)
    squash = math.exp(rng.uniform(-0.36, 0.34))
    h, w = min(height, round(side / squash**0.5)), min(width, round(side * squash**0.5))
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    piece = image[:, y : y + h, x : x + w][None]
    out = F.interpolate(piece, size=(size, size), mode="bilinear", antialias=True)[0].float() / 255
    return out.flip(2) if rng.random() < 0.5 else out


def jitter(rng: Random, image: Tensor) -> Tensor:
    """Another camera's white balance, exposure and saturation."""
    gains = torch.from_numpy(rng.uniform(0.85, 1.15, 3).astype(np.float32)).view(3, 1, 1)
    return mix(luma(image), image, rng.uniform(0.7, 1.25)) * gains * rng.uniform(0.8, 1.2)


def smooth_noise(rng: Random, size: int, channels: int, slope: float) -> Tensor:
    """Octaves of noise, each ``slope`` times as strong as the one before; ``[channels, S, S]``, 0..1."""
    total = torch.zeros(channels, size, size)
    count, weight = 2, 1.0
    while count <= size:
        octave = torch.from_numpy(rng.normal(size=(1, channels, count, count)).astype(np.float32))
        total += weight * F.interpolate(octave, size=(size, size), mode="bilinear", align_corners=False)[0]
        count, weight = count * 2, weight * slope
    low, high = total.amin((1, 2), keepdim=True), total.amax((1, 2), keepdim=True)
    return (total - low) / (high - low)


def fractal(rng: Random, size: int) -> Tensor:
    base = smooth_noise(rng, size, 3, rng.uniform(0.4, 0.8))
    matrix = torch.from_numpy(rng.dirichlet([0.5] * 3, 3).astype(np.float32))
    return torch.einsum("ij,jhw->ihw", matrix, base)


def shade(rng: Random, size: int) -> Tensor:
    """A linear or radial gradient between two or three colours."""
    colours = [torch.from_numpy(rng.uniform(0, 1, 3).astype(np.float32)).view(3, 1, 1) for _ in range(3)]
    x, y = grid(torch.empty(3, size, size))
    angle, (cx, cy) = rng.uniform(0, 2 * math.pi), rng.uniform(0, 1, 2)
    if rng.random() < 0.6:
        t = ((x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle) + 0.6).clamp(0, 1.2) / 1.2
    else:
        t = (((x - cx) ** 2 + (y - cy) ** 2).sqrt() / rng.uniform(0.5, 1.2)).clamp(0, 1)
    middle = rng.uniform(0.3, 0.7)
    near, far = (t / middle).clamp(0, 1), ((t - middle) / (1 - middle)).clamp(0, 1)
    return mix(mix(colours[0], colours[1], near[None]), colours[2], far[None])


def dead_leaves(rng: Random, size: int) -> Tensor:
    """Discs or rectangles that hide each other, areas by a power law, as objects in the world are."""
    canvas = Image.new("RGB", (2 * size, 2 * size), tuple(int(v) for v in rng.integers(0, 256, 3)))
    draw, boxes = ImageDraw.Draw(canvas), rng.random() < 0.3
    count = int(rng.integers(60, 200))
    radii = 2 * size * 0.012 / np.sqrt(rng.uniform(0.002, 1, count))
    centre, spread = rng.uniform(40, 215, 3), rng.uniform(20, 80)
    for r in radii:
        x, y = rng.uniform(0, 2 * size, 2)
        fill = tuple(int(v) for v in np.clip(centre + spread * rng.normal(size=3), 0, 255))
        (draw.rectangle if boxes else draw.ellipse)([x - r, y - r, x + r, y + r * rng.uniform(0.4, 1)], fill=fill)
    return textured(rng, canvas, size)


def scene(rng: Random, size: int) -> Tensor:
    """A sky and a ground with polygons, discs, strokes and words on them."""
    top = (shade(rng, size) * 255).byte().permute(1, 2, 0).numpy()
    canvas = Image.fromarray(np.ascontiguousarray(top)).resize((2 * size, 2 * size))
    draw = ImageDraw.Draw(canvas)
    if rng.random() < 0.6:
        ground = tuple(int(v) for v in rng.integers(0, 256, 3))
        horizon, steps = rng.uniform(0.4, 0.85) * 2 * size, np.linspace(0, 2 * size, 12)
        hills = horizon + np.cumsum(rng.normal(size=12)) * size * rng.uniform(0, 0.08)
        draw.polygon([*zip(steps, hills), (2 * size, 2 * size), (0, 2 * size)], fill=ground)
    for _ in range(int(rng.integers(3, 30))):
        fill = tuple(int(v) for v in rng.integers(0, 256, 3))
        x, y = rng.uniform(0, 2 * size, 2)
        r = 2 * size * rng.uniform(0.02, 0.25)
        shape = rng.integers(4)
        if shape == 0:
            draw.ellipse([x - r, y - r, x + r, y + r * rng.uniform(0.3, 1)], fill=fill)
        elif shape == 1:
            corners = rng.uniform(-1, 1, (int(rng.integers(3, 7)), 2)) * r + (x, y)
            draw.polygon([(float(u), float(v)) for u, v in corners], fill=fill)
        elif shape == 2:
            draw.line([x, y, *rng.uniform(0, 2 * size, 2)], fill=fill, width=int(rng.integers(1, 12)))
        else:
            word = "".join(rng.choice(list("abcdefghkmnopstuvwxyz"), int(rng.integers(2, 7))))
            draw.text((x, y), word, fill=fill, font=ImageFont.load_default(int(size * rng.uniform(0.1, 0.45))))
    return textured(rng, canvas, size)


def textured(rng: Random, canvas: Image.Image, size: int) -> Tensor:
    """The canvas at ``size``, half of the time under uneven light."""
    out = torch.from_numpy(np.asarray(canvas.resize((size, size), Image.Resampling.BOX)).copy())
    out = out.permute(2, 0, 1).float() / 255
    return out * (0.7 + 0.6 * smooth_noise(rng, size, 1, 0.6)) if rng.random() < 0.5 else out


def sprites(rng: Random, size: int) -> Tensor:
    """One to six emoji on a gradient or on noise."""
    image = shade(rng, size) if rng.random() < 0.6 else fractal(rng, size)
    for _ in range(int(rng.integers(1, 7))):
        cx, cy = rng.uniform(0.1, 0.9, 2)
        image = place(image, random_sprite(rng), cx, cy, rng.uniform(0.15, 0.6), rng.uniform(-0.5, 0.5))
    return image


PROCEDURAL: tuple[Callable[[Random, int], Tensor], ...] = (dead_leaves, fractal, shade, scene, sprites)
SHARES = (0.25, 0.2, 0.1, 0.25, 0.2)


def photograph(rng: Random, size: int, split: str) -> Tensor | None:
    """A crop of a photograph of the split; None where none were fetched."""
    names = files("photograph", split)
    return crop(rng, picture(choose(rng, names)), size) if names else None


def procedural(rng: Random, size: int, split: str = "train") -> Tensor:
    with sprites_of(split):
        image = PROCEDURAL[int(rng.choice(len(PROCEDURAL), p=SHARES))](rng, size)
    return image.clamp(0, 1)


def source(rng: Random, size: int, split: str = "train", only_photographs: bool = False) -> Tensor:
    """One source image: 65 % photographs, 8 % artwork, the rest procedural. Where the pictures were
    not fetched all are procedural."""
    draw = 0.0 if only_photographs else rng.random()
    image: Tensor | None = None
    if draw < 0.65:
        image = photograph(rng, size, split)
    elif draw < 0.73 and files("artwork", split):
        image = crop(rng, picture(choose(rng, files("artwork", split))), size)
    if image is None:
        image = procedural(rng, size, split)
    if not only_photographs and rng.random() < 0.5:
        image = jitter(rng, image)
    return image.clamp(0, 1)


def two_crops(rng: Random, size: int, split: str) -> tuple[Tensor, Tensor]:
    """Two crops of one photograph; two procedural images where none were fetched."""
    names = files("photograph", split)
    if not names:
        return procedural(rng, size, split), procedural(rng, size, split)
    chosen = picture(choose(rng, names))
    return crop(rng, chosen, size), crop(rng, chosen, size)
