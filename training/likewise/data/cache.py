"""Quadruples made ahead of training, in shards of 256.

    python -m likewise.data.cache --size 128 --count 40000 --splits base --out data/cache/base128
    python -m likewise.data.cache --size 256 --evaluation 8 --out data/cache/eval256

A shard is ``shard-00000.images.npy`` uint8 ``[n, 4, 3, S, S]`` with ``.families.npy`` int16 ``[n]``
beside it, indices into families.json. A finished shard is never made again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from pathlib import Path
from typing import Iterable

import numpy as np
import torch

from .families import FAMILIES
from .quadruples import LABELS, Quadruple, evaluation_quadruples, sample_quadruple

SHARD = 256


def write(folder: Path, number: int, quadruples: Iterable[Quadruple]) -> None:
    images, families = [], []
    for q in quadruples:
        images.append((torch.stack([q.a, q.a2, q.b, q.b2]) * 255).round().byte().numpy())
        families.append(LABELS.index(q.family))
    np.save(folder / f"shard-{number:05}.families.npy", np.array(families, dtype=np.int16))
    # The images come last and by rename: their presence says that the shard is whole.
    temporary = folder / f"shard-{number:05}.tmp"
    with open(temporary, "wb") as file:
        np.save(file, np.stack(images))
    os.replace(temporary, folder / f"shard-{number:05}.images.npy")


def make_shard(job: tuple[Path, int, int, int, frozenset[str]]) -> int:
    folder, number, size, seed, splits = job
    torch.set_num_threads(1)
    if not (folder / f"shard-{number:05}.images.npy").exists():
        rng = np.random.default_rng([seed, number])
        write(folder, number, (sample_quadruple(rng, size, set(splits)) for _ in range(SHARD)))
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--evaluation", type=int, default=0, help="so many per family, on held-out photographs")
    parser.add_argument("--splits", nargs="+", default=["base"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    (out / "families.json").write_text(json.dumps(LABELS))
    (out / "splits.json").write_text(json.dumps({name: family.split for name, family in FAMILIES.items()}))
    if arguments.evaluation:
        torch.set_num_threads(1)
        write(out, 0, evaluation_quadruples(arguments.size, arguments.evaluation, arguments.seed))
        return
    shards = range(arguments.first, arguments.first + -(-arguments.count // SHARD))
    jobs = [(out, n, arguments.size, arguments.seed, frozenset(arguments.splits)) for n in shards]
    with multiprocessing.Pool(arguments.workers) as pool:
        for number in pool.imap(make_shard, jobs):
            print(f"shard {number}", flush=True)


if __name__ == "__main__":
    main()
