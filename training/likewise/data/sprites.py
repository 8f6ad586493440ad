"""Emoji as sprites: float32 RGBA ``[4, 128, 128]`` in 0..1, premultiplied."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Iterator

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from . import photos

RANGES = ((0x1F330, 0x1F37D), (0x1F400, 0x1F43F), (0x1F600, 0x1F638), (0x1F680, 0x1F6A6), (0x1F980, 0x1F9AF))
EMOJI = tuple(chr(code) for first, last in RANGES for code in range(first, last))
HELD_OUT_EMOJI = frozenset(EMOJI[::5])

_split = "train"


@contextmanager
def sprites_of(split: str) -> Iterator[None]:
    """Within it, ``random_sprite`` draws from ``split``: a family has no other way to know which."""
    global _split
    before, _split = _split, split
    try:
        yield
    finally:
        _split = before


@cache
def font_path() -> Path | None:
    """The emoji font as fetched or as installed; None where there is neither."""
    places = (photos.FOLDER / photos.EMOJI_FONT, photos.INSTALLED_FONT)
    return next((p for p in places if p.exists()), None)


@cache
def sprite(character: str) -> Tensor:
    # 109 is the only size the font's bitmaps come in.
    font = ImageFont.truetype(str(font_path()), 109)
    image = Image.new("RGBA", (136, 128), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((0, 0), character, font=font, embedded_color=True)
    square = image.resize((128, 128), Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.asarray(square).copy()).float().permute(2, 0, 1) / 255
    return torch.cat([values[:3] * values[3:], values[3:]])


def disc(rng: np.random.Generator) -> Tensor:
    """A stand-in where no emoji font is: a disc of one colour."""
    axis = torch.linspace(-1, 1, 128)
    alpha = ((0.8 - (axis[:, None] ** 2 + axis[None] ** 2).sqrt()) * 20).clamp(0, 1)[None]
    return torch.cat([torch.tensor(rng.uniform(0, 1, 3), dtype=torch.float32).view(3, 1, 1) * alpha, alpha])


def random_sprite(rng: np.random.Generator) -> Tensor:
    if font_path() is None:
        return disc(rng)
    choices = [c for c in EMOJI if (c in HELD_OUT_EMOJI) == (_split == "held_out")]
    return sprite(choices[int(rng.integers(len(choices)))])
