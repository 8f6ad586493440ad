"""Quadruples made ahead of training, in shards.

    python -m likewise.data.cache --size 128 --count 40000 --splits base --out data/cache/base128
    python -m likewise.data.cache --size 256 --evaluation 12 --out data/cache/eval256
    python -m likewise.data.cache --size 128 --evaluation 2 --splits base --seed 9 --out data/cache/validation128

A shard is ``shard-00000.images.npy`` uint8 ``[n, 4, 3, S, S]`` (a, a', b, b'), or ``[n, 2 + 2P, 3, S, S]``
with ``--pairs P``, those beyond the first after b'; it has ``.families.npy``
int16 ``[n]`` beside it, indices into families.json. A finished shard is never made again, and a
folder made with other families is refused.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from itertools import islice
from pathlib import Path
from typing import Iterable

import numpy as np
import torch

from .families import FAMILIES
from .quadruples import LABELS, Quadruple, evaluation_quadruples, sample_quadruple

SHARD = 512


def images_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05}.images.npy"


def write(folder: Path, number: int, quadruples: Iterable[Quadruple]) -> None:
    images, families = [], []
    for q in quadruples:
        images.append(q.bytes().numpy())
        families.append(LABELS.index(q.label))
    np.save(folder / f"shard-{number:05}.families.npy", np.array(families, dtype=np.int16))
    # The images come last and by rename: their presence says that the shard is whole.
    temporary = folder / f"shard-{number:05}.tmp"
    with open(temporary, "wb") as file:
        np.save(file, np.stack(images))
    os.replace(temporary, images_path(folder, number))


def one_thread() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def make_shard(job: tuple[Path, int, int, int, int, tuple[str, ...], tuple[str, ...], int]) -> tuple[int, float]:
    """Make one shard unless it is there; returns its number and the seconds it took."""
    folder, number, count, size, seed, splits, names, pairs = job
    began = time.time()
    if not images_path(folder, number).exists():
        rng = np.random.default_rng([seed, number])
        made = (sample_quadruple(rng, size, set(splits), names=names, pairs=pairs) for _ in range(count))
        write(folder, number, made)
    return number, time.time() - began


def prepare(folder: Path) -> None:
    """Create the folder and its lists, or check that it was made with the same families."""
    folder.mkdir(parents=True, exist_ok=True)
    names = folder / "families.json"
    if names.exists() and json.loads(names.read_text()) != LABELS:
        raise SystemExit(f"{folder.name} was made with other families; choose another folder")
    names.write_text(json.dumps(LABELS))


def make_evaluation(folder: Path, size: int, per_family: int, seed: int, splits: Iterable[str]) -> None:
    """``per_family`` quadruples of every family of ``splits``, on held-out photographs."""
    names = [name for name, family in FAMILIES.items() if family.split in set(splits)]
    quadruples = evaluation_quadruples(size, per_family, seed, names=names)
    for number in range(-(-len(names) * per_family // SHARD)):
        write(folder, number, islice(quadruples, SHARD))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--evaluation", type=int, default=0, help="so many per family, on held-out photographs")
    splits = ["base", "basis", "held_out"]
    parser.add_argument("--splits", nargs="+", choices=splits, help="default: base; all of them with --evaluation")
    parser.add_argument("--families", nargs="+", default=[], help="these alone, as often as each is named")
    parser.add_argument("--pairs", type=int, default=1, help="pairs of an edit, of which training draws one or more")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    out: Path = arguments.out
    prepare(out)
    if arguments.evaluation:
        one_thread()
        make_evaluation(out, arguments.size, arguments.evaluation, arguments.seed, arguments.splits or splits)
        return
    chosen, names = tuple(arguments.splits or splits[:1]), tuple(arguments.families)
    if unknown := set(names) - set(FAMILIES):
        raise SystemExit(f"no such family: {', '.join(sorted(unknown))}")
    left = arguments.count
    jobs = []
    while left > 0:
        number = arguments.first + len(jobs)
        jobs.append((out, number, min(SHARD, left), arguments.size, arguments.seed, chosen, names, arguments.pairs))
        left -= SHARD
    with multiprocessing.Pool(arguments.workers, one_thread) as pool:
        for number, seconds in pool.imap_unordered(make_shard, jobs):
            print(f"shard {number}: {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
