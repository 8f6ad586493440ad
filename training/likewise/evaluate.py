"""Decibels per family on held-out photographs: copy of b, the anchor alone, the model.

    python -m likewise.evaluate --cache data/cache/eval256 --pack ../public/packs/studio --json eval.json

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
from .loader import anchors_path, families_path, shard_paths
from .pack import Pack


def decibels(x: Tensor, truth: Tensor) -> float:
    return float(-10 * torch.log10((x - truth).square().mean().clamp_min(1e-6)))


def table(rows: dict[str, list[tuple[float, float, float]]], splits: dict[str, str]) -> str:
    """Markdown: one line a family, sorted by split and name, then the means."""
    lines = ["| family | split | n | copy | anchor | model | model − anchor |", "|---|---|---|---|---|---|---|"]
    everything = []
    for name in sorted(rows, key=lambda n: (splits.get(n, ""), n)):
        values = np.array(rows[name])
        everything.append(values)
        copy, anchor, model = values.mean(0)
        lines.append(
            f"| {name} | {splits.get(name, '')} | {len(values)} | {copy:.2f} | {anchor:.2f} | {model:.2f} | {model - anchor:+.2f} |"
        )
    for split in sorted({*splits.values()}):
        chosen = [np.array(rows[n]) for n in rows if splits.get(n) == split]
        if chosen:
            mean = np.concatenate(chosen).mean(0)
            lines.append(
                f"| **{split}** | | | {mean[0]:.2f} | {mean[1]:.2f} | {mean[2]:.2f} | {mean[2] - mean[1]:+.2f} |"
            )
    mean = np.concatenate(everything).mean(0)
    lines.append(f"| **all** | | | {mean[0]:.2f} | {mean[1]:.2f} | {mean[2]:.2f} | {mean[2] - mean[1]:+.2f} |")
    return "\n".join(lines)


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
    splits = json.loads((arguments.cache / "splits.json").read_text())
    rows: dict[str, list[tuple[float, float, float]]] = {}
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
    text = table(rows, splits)
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps({"steps": steps, "splits": splits, "rows": rows}))


if __name__ == "__main__":
    main()
