"""What each element of a pack's basis does: a picture of it alone, and which edits give it weight.

    python -m likewise.elements --pack ../public/packs/studio --names names.json
    python -m likewise.export --checkpoint ... --out ../public/packs/studio --names names.json

docs/elements.jpg: one photograph under each element alone (its coefficient 1 in every target, all others
0) for three pairs that show no edit in particular but leave the gate open: grain, frost, blotches. Of each
element first b' for grain, then how b' differs from that of all elements alike, eight times as strong,
for each pair.

An element's share of an edit is its coefficient, mean over targets; its lift in a group of families is
its mean share there over its mean share everywhere. An element is named after the group where its lift
is greatest if that is at least 1.5 and its interval is above 1: a bootstrap over families, 95 % after
Bonferroni for the nine groups it was chosen from. The families of the group with the greatest lift
follow in brackets. An element of no such group has no name: null.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .anchor import anchors
from .data.families import FAMILIES
from .data.images import crop, smooth_noise
from .data.published import HELD_OUT, opened, save_within
from .data.quadruples import evaluation_quadruples, rounded
from .data.transform import grid, sample
from .engine import ROOT
from .export import SIZE
from .metrics import psnr
from .pack import Pack

LIFT, RESAMPLES, NAMED, AMPLIFIED = 1.5, 2000, 2, 8
SIDE, GAP, LINE, ACROSS = 96, 4, 30, 9
LIMIT = 500_000

Random = np.random.Generator


def normal(rng: Random, channels: int) -> Tensor:
    return torch.from_numpy(rng.normal(size=(channels, SIZE, SIZE)).astype(np.float32))


def grain(rng: Random, image: Tensor) -> Tensor:
    return image + 0.06 * normal(rng, 1)


def frost(rng: Random, image: Tensor) -> Tensor:
    """Every pixel from a place about three pixels away."""
    x, y = grid(image)
    dx, dy = 0.01 * normal(rng, 2)
    return sample(image, x + dx, y + dy)


def blotches(rng: Random, image: Tensor) -> Tensor:
    return image + 0.5 * (smooth_noise(rng, SIZE, 1, 0.9) - 0.5)


PAIRS: tuple[Callable[[Random, Tensor], Tensor], ...] = (grain, frost, blotches)


@dataclass(frozen=True)
class Finding:
    """What the statistics say of one element; ``low`` and ``high`` bound ``lift``."""

    share: float
    group: str
    lift: float
    low: float
    high: float
    families: list[str]
    name: str | None


def shares(pack: Pack, per_family: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Families and each one's mean share of every element ``[families, N]``."""
    sums: dict[str, np.ndarray] = {}
    for q in evaluation_quadruples(SIZE, per_family, seed):
        c = np.abs(pack.coefficients(q.a[None], q.a2[None], q.b[None])).mean(0)
        sums[q.family] = sums.get(q.family, 0) + c / per_family
    return list(sums), np.stack(list(sums.values()))


def findings(names: list[str], share: np.ndarray, seed: int) -> list[Finding]:
    """One per element, of ``share [families, N]``."""
    rng = np.random.default_rng(seed)
    groups = list(dict.fromkeys(FAMILIES[n].group for n in names))
    members = [np.array([i for i, n in enumerate(names) if FAMILIES[n].group == group]) for group in groups]
    overall = share.mean(0)
    lifts = np.stack([share[rows].mean(0) for rows in members]) / overall
    drawn = np.empty((RESAMPLES, *lifts.shape))
    for k in range(RESAMPLES):
        again = [rng.choice(rows, len(rows)) for rows in members]
        drawn[k] = np.stack([share[rows].mean(0) for rows in again]) / share[np.concatenate(again)].mean(0)
    tail = 0.05 / len(groups) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    result = []
    for n in range(share.shape[1]):
        g = int(lifts[:, n].argmax())
        order = members[g][np.argsort(-share[members[g], n])]
        best = [names[i] for i in order[:NAMED]]
        real = lifts[g, n] >= LIFT and low[g, n] > 1
        name = f"{groups[g]} ({', '.join(best)})" if real else None
        values = (float(round(v[g, n], 3)) for v in (lifts, low, high))
        result.append(Finding(float(round(overall[n], 4)), groups[g], *values, best, name))
    return result


def table(found: list[Finding]) -> str:
    rows = ["| element | mean share | greatest lift in | lift | interval | name |", "|---|---|---|---|---|---|"]
    for n, f in enumerate(found):
        rows.append(
            f"| {n + 1} | {f.share:.4f} | {f.group} | {f.lift:.2f} | {f.low:.2f} to {f.high:.2f} | {f.name or 'none'} |"
        )
    return "\n".join(rows)


def pasted(image: Tensor) -> Image.Image:
    pixels = (image * 255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def page(pack: Pack, found: list[Finding], seed: int) -> Image.Image:
    """First b, then b' of all elements alike for each pair, then every element alone."""
    rng = np.random.default_rng(seed)
    a, b = (rounded(crop(rng, opened(p.file), SIZE))[None] for p in (HELD_OUT[1], HELD_OUT[0]))
    targets, elements = len(pack.manifest["targets"]), pack.manifest["basis"]["elements"]
    cases = []
    for pair in PAIRS:
        a2 = rounded(pair(rng, a[0]))[None]
        cases.append((a2, *anchors(a, a2, b)[:2]))

    def run(coefficients: np.ndarray) -> list[Tensor]:
        return [pack.run(a, a2, b, on_a, on_b, coefficients, pack.steps)[0] for a2, on_a, on_b in cases]

    even = run(np.full((targets, elements), 1 / elements, np.float32))
    columns = [("b; all alike for\ngrain, frost, blotches", [b[0], *even])]
    for n in range(elements):
        alone = np.zeros((targets, elements), np.float32)
        alone[:, n] = 1
        images = run(alone)
        far = np.mean([psnr(x, y) for x, y in zip(images, even)])
        differences = [0.5 + AMPLIFIED * (x - y) for x, y in zip(images, even)]
        columns.append((f"{n + 1}: {far:.0f} dB apart\n{found[n].name or ''}", [images[0], *differences]))
    row = LINE + (1 + len(cases)) * (SIDE + 2) + GAP
    sheet = Image.new("RGB", (ACROSS * (SIDE + GAP) + GAP, row * -(-len(columns) // ACROSS)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    for k, (label, images) in enumerate(columns):
        x, y = GAP + k % ACROSS * (SIDE + GAP), k // ACROSS * row
        draw.multiline_text((x, y + 4), label, fill=(60, 60, 60), font=font)
        for at, image in enumerate(images):
            sheet.paste(pasted(image), (x, y + LINE + at * (SIDE + 2)))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "elements.jpg")
    parser.add_argument("--names", type=Path, help="where to write the list for likewise.export --names")
    parser.add_argument("--per-family", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pack = Pack(arguments.pack, threads=1)
    families, share = shares(pack, arguments.per_family, arguments.seed)
    found = findings(families, share, arguments.seed)
    print(table(found))
    if arguments.names:
        arguments.names.write_text(json.dumps([f.name for f in found], indent=1) + "\n")
    save_within(page(pack, found, arguments.seed), arguments.out, LIMIT)


if __name__ == "__main__":
    main()
