"""The training data at a glance, docs/data.jpg: every family once, a beside a', by group; then what is
made of families, and the sources that are drawn.

    python -m likewise.data.overview --out ../docs/data.jpg

The photographs are those that may be published (docs/credits.md); training has many more.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .families import FAMILIES
from .images import PROCEDURAL
from .published import PHOTOGRAPHS, crops, save_within
from .quadruples import COMPOSITION, IDENTITY, Edit, draw_edit, names_in, partial, quadruple

ACROSS, SIDE, GAP, LINE = 6, 84, 8, 15
LIMIT = 600_000
MARKS = {"base": "", "basis": " (basis)", "held_out": " (held out)"}


@dataclass(frozen=True)
class Tile:
    name: str
    images: tuple[Tensor, ...]


def tile(rng: np.random.Generator, edit: Edit, name: str) -> Tile:
    # Drawn at twice the size: the families' finest lines are meant for 256 pixels.
    a, b = crops(rng, 2 * SIDE, PHOTOGRAPHS, 2)
    shown = quadruple(edit, a, b)
    return Tile(name, (shown.a, shown.a2))


def of_group(group: str, seed: int) -> list[Tile]:
    tiles = []
    for name, family in FAMILIES.items():
        if family.group == group:
            rng = np.random.default_rng([seed, *name.encode()])
            tiles.append(tile(rng, Edit(family.make(rng), name, group), name + MARKS[family.split]))
    return tiles


def drawn(seed: int, count: int, wanted: Callable[[Edit], bool]) -> list[Tile]:
    """The first ``count`` edits that training would draw and that are ``wanted``."""
    rng, tiles = np.random.default_rng(seed), []
    while len(tiles) < count:
        edit = draw_edit(rng, frozenset(("base", "basis")))
        if wanted(edit):
            tiles.append(tile(rng, edit, edit.family.removeprefix("-").replace("+", ", ")))
    return tiles


def parts(seed: int, count: int) -> list[Tile]:
    rng, names, tiles = np.random.default_rng(seed), names_in(frozenset(("base", "basis"))), []
    while len(tiles) < count:
        family = FAMILIES[names[int(rng.integers(len(names)))]]
        share = float(rng.uniform(0.3, 0.85))
        if family.group != "geometry":
            edit = Edit(partial(family.make(rng), share), family.name, family.group)
            tiles.append(tile(rng, edit, f"{100 * share:.0f} % of {family.name}"))
    return tiles


def procedural(seed: int) -> list[Tile]:
    names = [draw.__name__.replace("_", " ") for draw in PROCEDURAL]
    random = [np.random.default_rng([seed, k]) for k in range(2)]
    return [Tile(n, tuple(draw(rng, 2 * SIDE) for rng in random)) for n, draw in zip(names, PROCEDURAL)]


def sections(seed: int) -> list[tuple[str, list[Tile]]]:
    groups = list(dict.fromkeys(family.group for family in FAMILIES.values()))
    return [
        *((f"{group.capitalize()}: a, a'", of_group(group, seed)) for group in groups),
        ("Two or three families in a row", drawn(seed, 12, lambda e: e.group == COMPOSITION)),
        ("A family shown backwards", drawn(seed + 1, 6, lambda e: e.backwards)),
        ("Part of a family", parts(seed + 2, 6)),
        ("Nothing at all", drawn(seed + 3, 1, lambda e: e.group == IDENTITY)),
        ("Sources that are drawn, two of each kind", procedural(seed + 4)),
    ]


def pasted(image: Tensor) -> Image.Image:
    pixels = (image * 255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def fitting(name: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(name) <= width:
        return name
    while font.getlength(name + "...") > width:
        name = name[:-1]
    return name + "..."


def page(content: list[tuple[str, list[Tile]]]) -> Image.Image:
    head, row = 30, SIDE + LINE + GAP
    width = 2 * SIDE + GAP + 2
    height = sum(head + row * -(-len(tiles) // ACROSS) for _, tiles in content)
    sheet = Image.new("RGB", (ACROSS * width + GAP, height + GAP), "white")
    draw, small, large = ImageDraw.Draw(sheet), ImageFont.load_default(11), ImageFont.load_default(15)
    y = 0
    for title, tiles in content:
        draw.text((GAP, y + 8), title, fill="black", font=large)
        y += head
        for k, shown in enumerate(tiles):
            x, top = GAP + k % ACROSS * width, y + k // ACROSS * row
            draw.text((x, top), fitting(shown.name, small, 2 * SIDE), fill=(60, 60, 60), font=small)
            for at, image in enumerate(shown.images):
                sheet.paste(pasted(image), (x + at * (SIDE + 2), top + LINE))
        y += row * -(-len(tiles) // ACROSS)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    save_within(page(sections(arguments.seed)), arguments.out, LIMIT)
    print(f"{arguments.out.name}: {arguments.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
