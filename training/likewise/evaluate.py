"""How good a pack is, on photographs that no training run saw: docs/evaluation.md and .json.

    npm run evaluate
    python -m likewise.evaluate --pack ../public/packs/studio --rival "LoRA 4=runs/packs/lora4"
    python -m likewise.evaluate --families wave swirl --compositions 0 --behaviour 0 --out runs/some

The exported graphs are run with ONNX Runtime and weights merged as the engine merges them, so what is
measured is what ships, against b as it is, the anchor, the base without a basis, and packs with another
basis on the same base. Stopped, it goes on where it was: finished parts are in --checkpoints. The
pictures are fetched first where they are not there (likewise.data.photos).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from .data import photos
from .data.families import FAMILIES
from .measure import SPLITS, Bench, Plan, measure_all
from .report import as_json, markdown
from .results import gather, take_over

TRAINING = Path(__file__).resolve().parents[1]
RIVALS = {"LoRA of rank r": "lora4", "LoRA of as many parameters": "lora128"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=TRAINING.parent / "public" / "packs" / "studio")
    parser.add_argument(
        "--rival",
        action="append",
        metavar="NAME=FOLDER",
        help="default: runs/packs/lora4 and lora128, where they are there",
    )
    parser.add_argument("--rivals-on", nargs="*", default=list(SPLITS), choices=SPLITS)
    parser.add_argument("--per-family", type=int, default=50)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES, help="these alone; see --out")
    parser.add_argument("--compositions", type=int, default=100, help="so many for each split")
    parser.add_argument("--behaviour", type=int, default=1, help="quadruples of a family; 0: no behaviour")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=TRAINING.parent / "docs")
    parser.add_argument("--checkpoints", type=Path, default=TRAINING / "runs" / "evaluation")
    return parser.parse_args()


def rivals_of(named: list[str] | None) -> tuple[tuple[str, Path], ...]:
    if named is not None:
        pairs = (text.partition("=") for text in named)
        return tuple((name, Path(folder)) for name, _, folder in pairs)
    found = ((name, TRAINING / "runs" / "packs" / folder) for name, folder in RIVALS.items())
    return tuple((name, folder) for name, folder in found if (folder / "manifest.json").exists())


def check(bench: Bench) -> None:
    """A rival differs in its basis alone."""

    def base(manifest: dict) -> object:
        weights = {manifest["denoiser"]["weights"], *manifest["denoiser"]["graphs"].values()}
        return {f["path"]: f["sha256"] for f in manifest["files"] if f["path"] in weights}

    for name, pack in bench.rivals.items():
        if base(pack.manifest) != base(bench.pack.manifest):
            raise SystemExit(f"{name}: its denoiser is not that of the pack; a rival differs in its basis alone")


def main() -> None:
    arguments = parse()
    if not photos.index():
        photos.fetch()
    plan = Plan(
        pack=arguments.pack.resolve(),
        rivals=rivals_of(arguments.rival),
        rivals_on=tuple(arguments.rivals_on),
        per_family=arguments.per_family,
        families=tuple(arguments.families),
        compositions=arguments.compositions,
        behaviour=arguments.behaviour,
        folder=arguments.checkpoints,
    )
    bench = Bench(plan)
    check(bench)

    def log(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    measure_all(plan, bench, arguments.processes, log)
    results = gather(plan, bench)
    earlier = arguments.out / "evaluation.json"
    if earlier.exists():
        take_over(results, json.loads(earlier.read_text()))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "evaluation.md").write_text(markdown(results))
    earlier.write_text(as_json(results))
    log(f"wrote evaluation.md and evaluation.json in {arguments.out}")


if __name__ == "__main__":
    main()
