"""Successes beside failures, docs/results.jpg: a, a', b, anchor(b), b', truth.

    python -m likewise.pictures --pack ../public/packs/studio

Which edits are shown is a rule, not a choice. The evaluation (docs/evaluation.json) ranks the families
by their mean gain over the anchor in PSNR. Of each group are shown the trained family and the held-out
family that are the median of theirs (the lower of two); at the end, of all others, the three of the
lowest gain. Of a family it is the quadruple of median gain among ``--per-family`` on the published
photographs that no training run saw.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .anchor import anchors
from .data.families import FAMILIES
from .data.published import HELD_OUT, crops, save_within
from .data.quadruples import Edit, Quadruple, quadruple
from .data.sprites import sprites_of
from .engine import ROOT
from .export import SIZE
from .metrics import psnr
from .pack import Pack

COLUMNS = ("a", "a'", "b", "anchor of b", "b', made by the pack", "the truth")
SIDE, GAP, LINE = 150, 4, 18
LIMIT = 500_000
WORST = 3

# PSNR in dB of b, of its anchor and of b' against the truth.
Figures = tuple[float, float, float]


def made(name: str, k: int, seed: int) -> Quadruple:
    """The family's quadruple number ``k``, always the same."""
    rng = np.random.default_rng([seed, k, *name.encode()])
    family = FAMILIES[name]
    with sprites_of("held_out"):
        edit = Edit(family.make(rng), name, family.group)
    return quadruple(edit, *crops(rng, SIZE, HELD_OUT, 2))


def drawn(pack: Pack, q: Quadruple) -> tuple[Tensor, Tensor]:
    """(anchor(b), b') ``[3, S, S]``."""
    a, a2, b = q.a[None], q.a2[None], q.b[None]
    on_a, on_b, _ = anchors(a, a2, b)
    return on_b[0], pack.run(a, a2, b, on_a, on_b, pack.coefficients(a, a2, b), pack.steps)[0]


def gains(evaluation: Path) -> dict[str, float]:
    """Mean gain over the anchor in dB, per family."""
    families = json.loads(evaluation.read_text())["families"]

    def mean(row: dict, column: str) -> float:
        return float(np.mean(row["columns"][column]["psnr"]))

    return {name: mean(row, "model") - mean(row, "anchor") for name, row in families.items()}


def chosen(gain: dict[str, float]) -> list[tuple[str, list[str]]]:
    """By the rule above: per heading, families."""
    result = []
    for group in dict.fromkeys(family.group for family in FAMILIES.values()):
        shown = []
        for split in ("base", "held_out"):
            names = [n for n in gain if FAMILIES[n].group == group and FAMILIES[n].split == split]
            if names:
                names.sort(key=gain.__getitem__)
                shown.append(names[(len(names) - 1) // 2])
        result.append((group.capitalize(), shown))
    seen = {name for _, shown in result for name in shown}
    worst = sorted(gain.keys() - seen, key=gain.__getitem__)[:WORST]
    return [*result, ("Of the others the three families of the lowest gain", worst)]


def median(pack: Pack, name: str, per_family: int, seed: int) -> tuple[list[Tensor], Figures]:
    """The six images of a row, and their figures."""
    rows = []
    for k in range(per_family):
        q = made(name, k, seed)
        on_b, b2 = drawn(pack, q)
        copy, anchor, model = (psnr(u, q.b2) for u in (q.b, on_b, b2))
        rows.append(([q.a, q.a2, q.b, on_b, b2, q.b2], (copy, anchor, model)))
    rows.sort(key=lambda row: row[1][2] - row[1][1])
    return rows[(len(rows) - 1) // 2]


def pasted(image: Tensor) -> Image.Image:
    pixels = (image * 255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def page(pack: Pack, content: list[tuple[str, list[str]]], per_family: int, seed: int) -> Image.Image:
    rows = sum(len(shown) for _, shown in content)
    head = 26
    sheet = Image.new(
        "RGB",
        (len(COLUMNS) * (SIDE + GAP) + GAP, LINE + head * len(content) + rows * (SIDE + LINE + GAP)),
        "white",
    )
    draw, small, large = ImageDraw.Draw(sheet), ImageFont.load_default(12), ImageFont.load_default(15)
    for k, name in enumerate(COLUMNS):
        draw.text((GAP + k * (SIDE + GAP), 2), name, fill="black", font=small)
    y = LINE
    for title, shown in content:
        draw.text((GAP, y + 5), title, fill="black", font=large)
        y += head
        for name in shown:
            images, (copy, anchor, model) = median(pack, name, per_family, seed)
            split = {"base": "trained", "basis": "trained in the basis", "held_out": "held out"}[FAMILIES[name].split]
            text = f"{name} ({split}): b {copy:.1f} dB, its anchor {anchor:.1f}, b' {model:.1f}"
            draw.text((GAP, y), text, fill=(60, 60, 60), font=small)
            y += LINE
            for at, image in enumerate(images):
                sheet.paste(pasted(image), (GAP + at * (SIDE + GAP), y))
            y += SIDE + GAP
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results.jpg")
    parser.add_argument("--per-family", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluation", type=Path, default=ROOT / "docs" / "evaluation.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    content = chosen(gains(arguments.evaluation))
    sheet = page(Pack(arguments.pack, threads=1), content, arguments.per_family, arguments.seed)
    save_within(sheet, arguments.out, LIMIT)
    print(f"{arguments.out.name}: {arguments.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
