"""Batches from a cache of quadruples (likewise.data.cache), with the anchors stored beside them.

    python -m likewise.loader --cache data/cache/base128     # compute the anchors of every shard

A shard ``*.npy`` is uint8 ``[n, 4, 3, S, S]`` (a, a', b, b'); its anchors ``[n, 4, 3, S, S]`` are
those of the pair (a, a') on a and on b, then those of the pair (b, b') on b and on a, so that each
quadruple serves in both directions.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .anchor import apply, features, fit_from_gram, gram
from .model import unexplained


@dataclass
class Batch:
    """Images float32 ``[B, 3, S, S]`` in 0..1 and the family index of each sample ``[B]``."""

    a: Tensor
    a2: Tensor
    b: Tensor
    b2: Tensor
    anchor_a: Tensor
    anchor_b: Tensor
    family: Tensor

    def pairs(self) -> Tensor:
        """The denoiser's ``pairs [B, 1, 9, S, S]``."""
        return torch.cat([self.a, self.a2 - self.a, self.a2 - self.anchor_a], dim=1)[:, None]

    def target(self) -> Tensor:
        """The denoiser's ``target [B, 6, S, S]``."""
        return torch.cat([self.b, self.anchor_b], dim=1)


def shard_paths(cache: Path) -> list[Path]:
    return sorted(cache.glob("shard-*.images.npy"))


def anchors_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace(".images.npy", ".anchors.npy"))


def families_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace(".images.npy", ".families.npy"))


@torch.no_grad()
def compute_anchors(shard: Path) -> None:
    """Write the anchors of one shard, atomically."""
    images = np.load(shard, mmap_mode="r")
    result = np.empty_like(images)
    step = 2
    for start in range(0, len(images), step):
        chunk = torch.from_numpy(images[start : start + step].copy()).float() / 255
        phi = features(chunk[:, (0, 2)].flatten(0, 1)).unflatten(0, (-1, 2))
        for side in range(2):
            u, u2 = chunk[:, 2 * side], chunk[:, 2 * side + 1]
            blocks = gram(phi[:, side], u2 - u)
            for i, block in enumerate(blocks):
                weights = fit_from_gram(block, chunk.shape[-1]).weights
                for k, other in enumerate((side, 1 - side)):
                    fitted = apply(chunk[i, 2 * other], phi[i, other], weights)
                    result[start + i, 2 * side + k] = (fitted * 255).round().byte().numpy()
    temporary = anchors_path(shard).with_suffix(".tmp")
    with open(temporary, "wb") as file:
        np.save(file, result)
    os.replace(temporary, anchors_path(shard))


class Loader:
    """Endless shuffled batches over the shards that have anchors; new shards join as they appear.

    Every quadruple is read in both directions. Samples of which the anchor leaves less than the share
    ``open`` to draw (model.unexplained) are left out: the closed gate would let nothing be learned.
    """

    def __init__(self, cache: Path, batch: int, seed: int, open: float = 0.0) -> None:
        self.cache, self.batch, self.open = cache, batch, open
        self.random = np.random.default_rng(seed)
        self.names: list[str] = json.loads((cache / "families.json").read_text())

    def epoch(self) -> list[Path]:
        ready = [p for p in shard_paths(self.cache) if anchors_path(p).exists()]
        if not ready:
            raise FileNotFoundError(f"no finished shard with anchors in {self.cache.name}")
        return [ready[i] for i in self.random.permutation(len(ready))]

    def __iter__(self):  # noqa: ANN204 - a generator of Batch
        while True:
            made = 0
            for shard in self.epoch():
                images = np.load(shard)
                anchors = np.load(anchors_path(shard))
                families = np.load(families_path(shard))
                drawable = np.stack([self.drawable(images[:, k + 1], anchors[:, k]) for k in (0, 2)], axis=1)
                order = self.random.permutation(np.argwhere(drawable))
                for start in range(0, len(order) - self.batch + 1, self.batch):
                    index, swapped = order[start : start + self.batch].T
                    yield self.make(images[index], anchors[index], swapped == 1, families[index])
                    made += 1
            if not made:
                raise ValueError(f"no shard in {self.cache.name} has {self.batch} samples that the anchor leaves open")

    def drawable(self, a2: np.ndarray, anchor_a: np.ndarray) -> np.ndarray:
        """Which samples ``[n]`` the anchor of their pair leaves open; uint8 ``[n, 3, S, S]``."""
        gap = [np.square((u.astype(np.int16) - v) / np.float32(255)).mean() for u, v in zip(a2, anchor_a)]
        return unexplained(torch.tensor(gap)).numpy() >= self.open

    def make(self, images: np.ndarray, anchors: np.ndarray, swapped: np.ndarray, families: np.ndarray) -> Batch:
        """Direction, mirrors, quarter turns and channel order are free: an edit seen through any
        of them is still the same edit of a and b."""
        both = torch.from_numpy(np.concatenate([images, anchors], axis=1)).float() / 255
        turned = []
        for sample, swap in zip(both, swapped):
            if swap:
                sample = sample[[2, 3, 0, 1, 6, 7, 4, 5]]
            if self.random.random() < 0.5:
                sample = sample.flip(3)
            if self.random.random() < 0.25:
                sample = sample.transpose(2, 3)
            if self.random.random() < 0.25:
                sample = sample[:, torch.from_numpy(self.random.permutation(3))]
            turned.append(sample)
        x = torch.stack(turned)
        return Batch(x[:, 0], x[:, 1], x[:, 2], x[:, 3], x[:, 4], x[:, 5], torch.from_numpy(families).long())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--follow", action="store_true", help="keep waiting for new shards until a file DONE appears")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    while True:
        waiting = [p for p in shard_paths(arguments.cache) if not anchors_path(p).exists()]
        for shard in waiting:
            started = time.time()
            compute_anchors(shard)
            print(f"{shard.name}: {time.time() - started:.1f} s", flush=True)
        if not arguments.follow or (arguments.cache / "DONE").exists():
            break
        time.sleep(2)


if __name__ == "__main__":
    main()
