"""Source images: crops of photographs and artwork, and procedural pictures, float32 [3, S, S] in 0..1."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from . import photos

EMOJI = [
    chr(c)
    for c in (*range(0x1F400, 0x1F43F), *range(0x1F330, 0x1F36F), *range(0x1F600, 0x1F637), *range(0x1F680, 0x1F6A5))
]
HELD_OUT_EMOJI = frozenset(EMOJI[::5])


@cache
def picture(file: str) -> Tensor:
    """uint8 ``[3, H, W]`` of a file in data/photos."""
    array = np.asarray(Image.open(photos.FOLDER / file).convert("RGB"))
    return torch.from_numpy(array.copy()).permute(2, 0, 1).contiguous()


@cache
def files(kind: str, split: str) -> tuple[str, ...]:
    return tuple(p.file for p in photos.index() if p.kind == kind and p.split == split)


@cache
def sprite(character: str) -> Tensor:
    """An emoji, float32 RGBA ``[4, 128, 128]`` (premultiplied)."""
    font = ImageFont.truetype(str(photos.FOLDER / photos.EMOJI_FONT), 109)
    image = Image.new("RGBA", (136, 128), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((0, 0), character, font=font, embedded_color=True)
    array = torch.from_numpy(np.asarray(image.resize((128, 128))).copy()).float().permute(2, 0, 1) / 255
    return torch.cat([array[:3] * array[3:], array[3:]])


def random_sprite(rng: np.random.Generator, held_out: bool = False) -> Tensor:
    """A sprite of the split; a soft disc where the emoji font was not fetched."""
    if not (photos.FOLDER / photos.EMOJI_FONT).exists():
        axis = torch.linspace(-1, 1, 128)
        alpha = ((0.8 - (axis[:, None] ** 2 + axis[None, :] ** 2).sqrt()) * 20).clamp(0, 1)[None]
        return torch.cat([torch.tensor(rng.uniform(0, 1, 3), dtype=torch.float32).view(3, 1, 1) * alpha, alpha])
    choices = [c for c in EMOJI if (c in HELD_OUT_EMOJI) == held_out]
    return sprite(choices[int(rng.integers(len(choices)))])


def crop(rng: np.random.Generator, image: Tensor, size: int) -> Tensor:
    """A random crop of a uint8 picture, squashed to a square as the engine does with any photograph."""
    _, height, width = image.shape
    scale = rng.uniform(0.45, 1.0)
    aspect = np.exp(rng.uniform(-0.35, 0.35))
    side = min(height, width) * scale
    h, w = min(height, int(side / aspect**0.5)), min(width, int(side * aspect**0.5))
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    piece = image[:, y : y + h, x : x + w][None]
    out = F.interpolate(piece, size=(size, size), mode="bilinear", antialias=True)[0].float() / 255
    return out.flip(2) if rng.random() < 0.5 else out


def smooth_noise(rng: np.random.Generator, size: int, channels: int, slope: float) -> Tensor:
    """Fractal noise by summed octaves, unit range."""
    total = torch.zeros(channels, size, size)
    cells, weight = 2, 1.0
    while cells <= size:
        octave = torch.from_numpy(rng.normal(size=(1, channels, cells, cells)).astype(np.float32))
        total += weight * F.interpolate(octave, size=(size, size), mode="bilinear", align_corners=False)[0]
        cells, weight = cells * 2, weight * slope
    low, high = total.amin((1, 2), keepdim=True), total.amax((1, 2), keepdim=True)
    return (total - low) / (high - low)


def fractal(rng: np.random.Generator, size: int) -> Tensor:
    base = smooth_noise(rng, size, 3, rng.uniform(0.4, 0.8))
    matrix = torch.from_numpy(rng.dirichlet([0.5] * 3, 3).astype(np.float32))
    return torch.einsum("ij,jhw->ihw", matrix, base).clamp(0, 1)


def scene(rng: np.random.Generator, size: int) -> Tensor:
    """Leaves, polygons, strokes and text over a gradient: flat regions with crisp occlusions."""
    a, b = (torch.from_numpy(rng.uniform(0, 1, 3).astype(np.float32)).view(3, 1, 1) for _ in range(2))
    ramp = torch.linspace(0, 1, size).view(1, size, 1).expand(1, size, size)
    array = ((a + (b - a) * ramp) * 255).byte().permute(1, 2, 0).numpy()
    image = Image.fromarray(np.ascontiguousarray(array)).resize((size * 2, size * 2))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 40))):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        x, y = rng.uniform(0, 2 * size, 2)
        r = 2 * size * rng.uniform(0.02, 0.25)
        shape = rng.integers(4)
        if shape == 0:
            draw.ellipse([x - r, y - r, x + r, y + r * rng.uniform(0.3, 1)], fill=colour)
        elif shape == 1:
            corners = [
                (float(x + r * dx), float(y + r * dy)) for dx, dy in rng.uniform(-1, 1, (int(rng.integers(3, 7)), 2))
            ]
            draw.polygon(corners, fill=colour)
        elif shape == 2:
            draw.line([x, y, *rng.uniform(0, 2 * size, 2)], fill=colour, width=int(rng.integers(1, 12)))
        else:
            word = "".join(rng.choice(list("abcdefghkmnopstuvwxyz"), int(rng.integers(2, 7))))
            draw.text((x, y), word, fill=colour, font=ImageFont.load_default(int(rng.uniform(14, 60))))
    out = torch.from_numpy(np.asarray(image.resize((size, size), Image.Resampling.BOX)).copy())
    out = out.permute(2, 0, 1).float() / 255
    if rng.random() < 0.5:
        out = out * (0.7 + 0.6 * smooth_noise(rng, size, 1, 0.6))
    return out.clamp(0, 1)


def source(rng: np.random.Generator, size: int, split: str = "train", only_photographs: bool = False) -> Tensor:
    """One source image. Two in three are photographs where they were fetched."""
    pictures = files("photograph", split)
    draw = 0.0 if only_photographs else rng.random()
    if draw < 0.66 and pictures:
        image = crop(rng, picture(pictures[int(rng.integers(len(pictures)))]), size)
    elif draw < 0.78 and split == "train" and files("artwork", split):
        art = files("artwork", split)
        image = crop(rng, picture(art[int(rng.integers(len(art)))]), size)
    elif draw < 0.88:
        image = fractal(rng, size)
    else:
        image = scene(rng, size)
    if not only_photographs and rng.random() < 0.5:
        gain = torch.from_numpy(rng.uniform(0.7, 1.25, 3).astype(np.float32)).view(3, 1, 1)
        image = image * gain
    return image.clamp(0, 1)
