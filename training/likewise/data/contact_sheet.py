"""A PNG to look the families over: a column a family, rows a, a', b, b'.

    python -m likewise.data.contact_sheet --out sheet.png --group colour --seed 3
    python -m likewise.data.contact_sheet --out sheet.png --cache data/cache/base128
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from .families import FAMILIES
from .images import source
from .quadruples import Edit, quadruple

Column = tuple[str, np.ndarray]


def of_families(names: list[str], size: int, seed: int, split: str) -> list[Column]:
    """One column a family, uint8 ``[4, S, S, 3]``."""
    columns = []
    for name in names:
        rng = np.random.default_rng([seed, *name.encode()])
        family = FAMILIES[name]
        q = quadruple(
            Edit(family.make(rng), name, family.group), *(source(rng, size, split, True) for _ in range(2))
        )
        stack = (torch.stack([q.a, q.a2, q.b, q.b2]) * 255).round().byte()
        columns.append((f"{name} ({family.split})", stack.permute(0, 2, 3, 1).numpy()))
    return columns


def of_cache(folder: Path, count: int, seed: int) -> list[Column]:
    """Random quadruples of a cache."""
    names = json.loads((folder / "families.json").read_text())
    shards = sorted(folder.glob("shard-*.images.npy"))
    rng = np.random.default_rng(seed)
    columns = []
    for _ in range(count):
        shard = shards[int(rng.integers(len(shards)))]
        images = np.load(shard, mmap_mode="r")
        families = np.load(shard.with_name(shard.name.replace(".images.", ".families.")))
        k = int(rng.integers(len(images)))
        columns.append((names[families[k]], np.array(images[k]).transpose(0, 2, 3, 1)))
    return columns


def sheet(columns: list[Column], across: int) -> Image.Image:
    """Columns side by side, ``across`` of them to a band."""
    size, head, gap = columns[0][1].shape[1], 12, 4
    bands = -(-len(columns) // across)
    height = head + 4 * size + gap
    page = Image.new("RGB", (across * (size + gap), bands * height), "white")
    draw = ImageDraw.Draw(page)
    for k, (name, stack) in enumerate(columns):
        x, y = k % across * (size + gap), k // across * height
        draw.text((x, y), name, fill="black")
        for row in range(4):
            page.paste(Image.fromarray(np.ascontiguousarray(stack[row])), (x, y + head + row * size))
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--across", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--group", help="only this group's families")
    parser.add_argument("--photographs", default="held_out", choices=["train", "held_out"])
    parser.add_argument("--cache", type=Path, help="quadruples of a cache instead")
    parser.add_argument("--count", type=int, default=36, help="how many of a cache")
    arguments = parser.parse_args()
    if arguments.cache:
        columns = of_cache(arguments.cache, arguments.count, arguments.seed)
    else:
        names = [n for n, f in FAMILIES.items() if arguments.group in (None, f.group)]
        columns = of_families(names, arguments.size, arguments.seed, arguments.photographs)
    sheet(columns, arguments.across).save(arguments.out)


if __name__ == "__main__":
    main()
