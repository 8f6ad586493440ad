"""Quadruples and their anchors, made ahead of training or beside it, in shards.

    python -m likewise.data.cache --size 128 --count 40000 --splits base --out data/cache/base128
    python -m likewise.data.cache --size 256 --evaluation 12 --out data/cache/eval256
    python -m likewise.data.cache --size 128 --evaluation 2 --splits base --seed 9 --out data/cache/validation128

A shard of n quadruples is three files: ``shard-00000.images.npy`` uint8 ``[n, 4, 3, S, S]`` (a, a', b, b'), or
``[n, 2 + 2P, 3, S, S]`` with ``--pairs P``, those beyond the first after b'; ``.families.npy`` int16 ``[n]``,
indices into families.json; and ``.anchors.npy``, uint8 ``[n, 4, 3, S, S]``, the anchors of the pair (a, a') on
a and on b, then those of the pair (b, b') on b and on a, so that each quadruple serves in both directions, then
that of each further pair on its own picture. A finished shard is never made again, and a folder made with other
families is refused.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Iterable

import numpy as np
import torch
from torch import Tensor

from ..anchor import apply, features, fit_all
from .families import FAMILIES
from .quadruples import LABELS, Quadruple, evaluation_quadruples, sample_quadruple

SHARD = 64  # quadruples
TOGETHER = 4  # families in a shard of an evaluation
CHUNKS = {"cpu": 1, "cuda": 8}  # quadruples whose anchors are fitted together


def images_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05}.images.npy"


def shard_paths(folder: Path) -> list[Path]:
    """The images of every finished shard, in order."""
    return sorted(folder.glob("shard-*.images.npy"))


def anchors_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace(".images.npy", ".anchors.npy"))


def families_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace(".images.npy", ".families.npy"))


def anchor_uses(pairs: int) -> list[tuple[int, int]]:
    """Which pair's anchor on which pair's image, in the order in which a shard has them."""
    return [(0, 0), (0, 1), (1, 1), (1, 0), *((k, k) for k in range(2, pairs))]


@torch.no_grad()
def anchors_of(images: Tensor, still: bool = False) -> Tensor:
    """The anchors of quadruples uint8 ``[n, 4 or more, 3, S, S]`` in the order of `anchor_uses`, on their device;
    ``still``: see `fit_all`."""
    count, pairs = len(images), images.shape[1] // 2
    u, u2 = (images[:, k::2].transpose(0, 1).flatten(0, 1).float() / 255 for k in range(2))
    phi = features(u)
    fits, rows = fit_all(u, u2, phi, still), [slice(k * count, (k + 1) * count) for k in range(pairs)]
    uses = [(rows[pair], rows[other]) for pair, other in anchor_uses(pairs)]
    made = [apply(u[other], phi[other], fits.part(pair)) for pair, other in uses]
    return (torch.stack(made, dim=1) * 255).round().byte()


def save(path: Path, array: np.ndarray) -> None:
    """By rename, so that a file that is there is whole."""
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        np.save(file, array)
    os.replace(temporary, path)


def unanchored(images: Tensor) -> Tensor:
    """Each picture in the place of its anchor, for runs without one."""
    return torch.stack([images[:, 2 * other] for _, other in anchor_uses(images.shape[1] // 2)], dim=1)


def write(
    folder: Path,
    number: int,
    quadruples: Iterable[Quadruple],
    device: str = "cpu",
    still: bool = False,
    bare: bool = False,
) -> None:
    images, families = [], []
    for q in quadruples:
        images.append(q.bytes())
        families.append(LABELS.index(q.label))
    chunks = torch.stack(images).split(CHUNKS[device])
    path = images_path(folder, number)
    save(families_path(path), np.array(families, dtype=np.int16))
    anchors = [unanchored(chunk) if bare else anchors_of(chunk.to(device), still).cpu() for chunk in chunks]
    save(anchors_path(path), torch.cat(anchors).numpy())
    # The images come last: their presence says that the shard is whole.
    save(path, torch.stack(images).numpy())


def one_thread() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def make_shard(job: tuple[int, int, argparse.Namespace]) -> tuple[int, float]:
    """Make one shard of so many quadruples unless it is there; returns its number and the seconds it took."""
    number, count, asked = job
    began = time.time()
    if not images_path(asked.out, number).exists():
        rng = np.random.default_rng([asked.seed, number])
        of = {"split_families": set(asked.splits), "names": tuple(asked.families), "pairs": asked.pairs}
        made = (sample_quadruple(rng, asked.size, **of) for _ in range(count))
        write(asked.out, number, made, asked.device, asked.still, asked.bare)
    return number, time.time() - began


def prepare(folder: Path) -> None:
    """Create the folder and its lists, or check that it was made with the same families."""
    folder.mkdir(parents=True, exist_ok=True)
    names = folder / "families.json"
    if names.exists() and json.loads(names.read_text()) != LABELS:
        raise SystemExit(f"{folder.name} was made with other families; choose another folder")
    names.write_text(json.dumps(LABELS))


def make_evaluation_shard(job: tuple[Path, int, tuple[str, ...], int, int, int, bool]) -> None:
    folder, number, names, size, per_family, seed, bare = job
    if not images_path(folder, number).exists():
        write(folder, number, evaluation_quadruples(size, per_family, seed, names=names), bare=bare)


def make_evaluation(
    folder: Path, size: int, per_family: int, seed: int, splits: Iterable[str], workers: int = 1, bare: bool = False
) -> None:
    """``per_family`` quadruples of every family of ``splits``, on held-out photographs, by so many processes; what
    is there already is not made again."""
    prepare(folder)
    names = [name for name, family in FAMILIES.items() if family.split in set(splits)]
    parts = [tuple(names[at : at + TOGETHER]) for at in range(0, len(names), TOGETHER)]
    jobs = [(folder, number, part, size, per_family, seed, bare) for number, part in enumerate(parts)]
    if workers == 1:
        for job in jobs:
            make_evaluation_shard(job)
    else:
        with multiprocessing.get_context("spawn").Pool(workers, one_thread) as pool:
            pool.map(make_evaluation_shard, jobs, chunksize=1)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--shard", type=int, default=SHARD, help="quadruples in one")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--evaluation", type=int, default=0, help="so many per family, on held-out photographs")
    splits = ["base", "basis", "held_out"]
    parser.add_argument("--splits", nargs="+", choices=splits, help="default: base; all of them with --evaluation")
    parser.add_argument("--families", nargs="+", default=[], help="these alone, as often as each is named")
    parser.add_argument("--pairs", type=int, default=1, help="pairs of an edit, of which training draws one or more")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", choices=CHUNKS, default="cpu", help="where the anchors are fitted")
    parser.add_argument("--still", action="store_true", help="no layers, warps or correspondences: for edits without")
    parser.add_argument("--bare", action="store_true", help="no anchors: each picture in the place of its own")
    arguments = parser.parse_args(words)
    out: Path = arguments.out
    if arguments.evaluation:
        one_thread()
        of = arguments.size, arguments.evaluation, arguments.seed, arguments.splits or splits
        make_evaluation(out, *of, arguments.workers, arguments.bare)
        return
    prepare(out)
    arguments.splits = arguments.splits or splits[:1]
    if unknown := set(arguments.families) - set(FAMILIES):
        raise SystemExit(f"no such family: {', '.join(sorted(unknown))}")
    shard, first = arguments.shard, arguments.first
    left = range(0, arguments.count, shard)
    jobs = [(first + k, min(shard, arguments.count - start), arguments) for k, start in enumerate(left)]
    with multiprocessing.get_context("spawn").Pool(arguments.workers, one_thread) as pool:
        for number, seconds in pool.imap_unordered(make_shard, jobs):
            print(f"shard {number}: {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
