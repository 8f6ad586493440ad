"""Decibels per family on held-out photographs: copy of b, the anchor alone, the model.

    python -m likewise.data.cache --size 256 --evaluation 6 --out data/cache/eval256
    python -m likewise.evaluate --cache data/cache/eval256 --pack ../public/packs/studio > ../docs/evaluation.md

Runs the pack's exported graphs with ONNX Runtime, the weights merged as the engine merges them, so
what is measured is what ships. Noise comes from the engine's own generator, seed 0.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .anchor import anchors
from .data.families import FAMILIES
from .loader import families_path, shard_paths
from .pack import Pack


def decibels(x: Tensor, truth: Tensor) -> float:
    return float(-10 * torch.log10((x - truth).square().mean().clamp_min(1e-6)))


Rows = dict[str, list[tuple[float, float, float]]]
HEADER = "| {0} | n | copy | anchor | model | model − anchor |\n|---|---|---|---|---|---|"


def line(name: str, values: np.ndarray) -> str:
    """One row of a table; ``values [n, 3]`` dB. ± is 95 % of the mean's normal approximation."""
    copy, anchor, model = values.mean(0)
    gain = values[:, 2] - values[:, 1]
    margin = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0.0
    return f"| {name} | {len(values)} | {copy:.2f} | {anchor:.2f} | {model:.2f} | {gain.mean():+.2f} ± {margin:.2f} |"


def report(rows: Rows, steps: int, pack: str) -> str:
    """Markdown: means by split and by group, then every family."""

    def joined(chosen: list[str]) -> np.ndarray:
        return np.concatenate([np.array(rows[name]) for name in chosen])

    gains = {name: float(np.mean([m - a for _, a, m in values])) for name, values in rows.items()}
    worst = min(gains, key=gains.__getitem__)
    parts = [
        f"# Evaluation of the pack {pack}",
        "",
        "Written by a command; its two lines are at the head of `training/likewise/evaluate.py`.",
        "",
        "PSNR in dB at 256 × 256 on photographs that no training run saw, a and b two different ones. *copy* is b",
        "unchanged, *anchor* the closed-form fit alone, *model* the whole: the pack's exported graphs, weights merged as",
        f"the engine merges them, {steps} steps, seed 0. Families marked *base* were trained in both stages, *basis* in",
        "the second only, *held_out* in none. The last column is the mean gain over the anchor with its 95 % interval.",
        "",
        f"{sum(map(len, rows.values()))} quadruples of {len(rows)} families. Worst family against the anchor: {worst},"
        f" {gains[worst]:+.2f} dB. Families more than 1 dB below it: {sum(g < -1 for g in gains.values())}.",
        "",
        HEADER.format("split"),
        *(
            line(split, joined([n for n in rows if FAMILIES[n].split == split]))
            for split in ("base", "basis", "held_out")
        ),
        line("**all**", joined(list(rows))),
        "",
        HEADER.format("group"),
    ]
    for group in sorted({FAMILIES[name].group for name in rows}):
        parts.append(line(group, joined([n for n in rows if FAMILIES[n].group == group])))
    parts += ["", HEADER.format("family")]
    for name in sorted(rows, key=lambda n: (FAMILIES[n].split, n)):
        parts.append(line(f"{name} ({FAMILIES[name].split})", np.array(rows[name])))
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=0, help="default: the manifest's")
    parser.add_argument("--per-family", type=int, default=0, help="default: all there are")
    parser.add_argument("--no-basis", action="store_true", help="the frozen base alone")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    pack = Pack(arguments.pack)
    steps = arguments.steps or pack.manifest["sampler"]["steps"]
    names = json.loads((arguments.cache / "families.json").read_text())
    rows: Rows = {}
    for shard in shard_paths(arguments.cache):
        images, families = np.load(shard, mmap_mode="r"), np.load(families_path(shard))
        for sample, family in zip(images, families):
            name = names[family]
            if arguments.per_family and len(rows.get(name, [])) >= arguments.per_family:
                continue
            a, a2, b, b2 = (torch.from_numpy(u.copy()).float()[None] / 255 for u in sample)
            on_a, on_b, _ = anchors(a, a2, b)
            coefficients = None if arguments.no_basis else pack.coefficients(a, a2, b)
            drawn = pack.run(a, a2, b, on_a, on_b, coefficients, steps)
            rows.setdefault(name, []).append((decibels(b, b2), decibels(on_b, b2), decibels(drawn, b2)))
    print(report(rows, steps, f"{pack.manifest['id']} {pack.manifest['version']}"))
    if arguments.json:
        arguments.json.write_text(json.dumps({"steps": steps, "rows": rows}))


if __name__ == "__main__":
    main()
