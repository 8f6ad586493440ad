"""The photographs that pictures in docs/ may show: those of the app's samples, free to publish with
credit (public/samples/CREDITS.md, docs/credits.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .images import crop
from .photos import classify

SAMPLES = Path(__file__).resolve().parents[3] / "public" / "samples"


@dataclass(frozen=True)
class Published:
    """``file`` is below public/samples, ``name`` the photograph's name among data/photos."""

    file: str
    name: str

    @property
    def split(self) -> str:
        return classify(self.name)[1]


PHOTOGRAPHS = (
    Published("warm/a.jpg", "backgrounds-aitzgorri_by_Aitzol_Berasategi"),
    Published("warm/b.jpg", "backgrounds-picosdeeuropa_by_Aitzol_Berasategi"),
    Published("snowfall/a.jpg", "backgrounds-life_by_Aitzol_Berasategi"),
    Published("sketch/b.jpg", "backgrounds-friends_by_Aitzol_Berasategi"),
    Published("kaleidoscope/a.jpg", "backgrounds-sunset_by_Aitzol_Berasategi"),
    Published("kaleidoscope/b.jpg", "backgrounds-Wine_by_Jakkub_Mede"),
    Published("noir/a.jpg", "backgrounds-Picture_1A_by_freespace"),
    Published("noir/b.jpg", "backgrounds-Picture_0B_by_freespace"),
    Published("sketch/a.jpg", "backgrounds-seeding_by_Clements_Engelhardt"),
)
# Never trained on.
HELD_OUT = tuple(p for p in PHOTOGRAPHS if p.split == "held_out")


@cache
def opened(file: str) -> Tensor:
    """uint8 ``[3, H, W]`` of a file below public/samples."""
    array = np.asarray(Image.open(SAMPLES / file).convert("RGB"))
    return torch.from_numpy(array.copy()).permute(2, 0, 1).contiguous()


def crops(rng: np.random.Generator, size: int, photographs: tuple[Published, ...], count: int) -> list[Tensor]:
    """Crops ``[3, S, S]`` of ``count`` different photographs, as the engine squashes them to a square."""
    chosen = rng.permutation(len(photographs))[:count]
    return [crop(rng, opened(photographs[k].file), size) for k in chosen]


def save_within(page: Image.Image, path: Path, limit: int) -> None:
    """A JPEG of at most ``limit`` bytes."""
    for quality in range(92, 20, -3):
        page.save(path, "JPEG", quality=quality, optimize=True, progressive=True)
        if path.stat().st_size <= limit:
            return
    raise ValueError(f"{path.name} does not fit in {limit} bytes")
