"""Batches from a cache of quadruples (likewise.data.cache), with the anchors stored beside them.

    python -m likewise.loader --cache data/cache/base128     # compute the anchors of every shard

A shard ``*.npy`` is uint8 ``[n, 4, 3, S, S]`` (a, a', b, b'); its anchors ``[n, 4, 3, S, S]`` are
those of the pair (a, a') on a and on b, then those of the pair (b, b') on b and on a, so that each
quadruple serves in both directions. Further pairs of the same edit come after: two images and one
anchor each, the pair's own.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .anchor import apply, features, fit_all
from .model import unexplained

CHUNK = 64  # quadruples that go to a GPU together


@dataclass
class Batch:
    """Images float32 ``[B, 3, S, S]`` in 0..1, the family index of each sample ``[B]`` and, where an edit
    is shown by P > 1 pairs, the others as the denoiser takes them, ``[B, P - 1, 9, S, S]``."""

    a: Tensor
    a2: Tensor
    b: Tensor
    b2: Tensor
    anchor_a: Tensor
    anchor_b: Tensor
    family: Tensor
    more: Tensor | None = None

    def pairs(self) -> Tensor:
        """The denoiser's ``pairs [B, P, 9, S, S]``."""
        first = torch.cat([self.a, self.a2 - self.a, self.a2 - self.anchor_a], dim=1)[:, None]
        return first if self.more is None else torch.cat([first, self.more], dim=1)

    def shown(self) -> list[tuple[Tensor, Tensor]]:
        """(a, a') of every pair."""
        more = () if self.more is None else self.more.unbind(1)
        return [(self.a, self.a2), *((pair[:, :3], pair[:, :3] + pair[:, 3:6]) for pair in more)]

    def target(self) -> Tensor:
        """The denoiser's ``target [B, 6, S, S]``."""
        return torch.cat([self.b, self.anchor_b], dim=1)


def shard_paths(cache: Path) -> list[Path]:
    return sorted(cache.glob("shard-*.images.npy"))


def anchors_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace(".images.npy", ".anchors.npy"))


def families_path(shard: Path) -> Path:
    return shard.with_name(shard.name.replace(".images.npy", ".families.npy"))


def anchor_uses(pairs: int) -> list[tuple[int, int]]:
    """Which pair's anchor on which pair's image, in the order in which a shard has them."""
    return [(0, 0), (0, 1), (1, 1), (1, 0), *((k, k) for k in range(2, pairs))]


@contextmanager
def exact() -> Iterator[None]:
    """Full float32: TF32 keeps 10 bits, with which a Gram matrix of 85 columns cannot be solved."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


@torch.no_grad()
def anchors_of(images: Tensor) -> Tensor:
    """The anchors of quadruples uint8 ``[n, 4 or more, 3, S, S]`` in the order of `anchor_uses`, on their device."""
    with exact():
        count, pairs = len(images), images.shape[1] // 2
        u, u2 = (images[:, k::2].transpose(0, 1).flatten(0, 1).float() / 255 for k in range(2))
        phi = features(u)
        fits, rows = fit_all(u, u2, phi), [slice(k * count, (k + 1) * count) for k in range(pairs)]
        uses = [(rows[pair], rows[other]) for pair, other in anchor_uses(pairs)]
        made = [apply(u[other], phi[other], fits.part(pair)) for pair, other in uses]
        return (torch.stack(made, dim=1) * 255).round().byte()


def compute_anchors(shard: Path, device: torch.device = torch.device("cpu")) -> None:
    """Write the anchors of one shard, atomically."""
    chunks = torch.from_numpy(np.load(shard)).split(2 if device.type == "cpu" else CHUNK)
    result = torch.cat([anchors_of(chunk.to(device)).cpu() for chunk in chunks]).numpy()
    temporary = anchors_path(shard).with_suffix(".tmp")
    with open(temporary, "wb") as file:
        np.save(file, result)
    os.replace(temporary, anchors_path(shard))


def directed(images: Tensor, anchors: Tensor, index: Tensor, swapped: Tensor) -> Tensor:
    """a, a', b, b', anchor(a), anchor(b), uint8 ``[B, 6, 3, S, S]``, of the quadruples ``index [B]`` of a
    shard; those ``swapped`` (0 or 1) with (b, b') as the pair and a as the picture to edit. Then three
    images (c, c', anchor(c)) for each further pair."""
    s, row = 2 * swapped, index[:, None]
    sides = torch.stack([s, s + 1, 2 - s, 3 - s], dim=1)
    six = torch.cat([images[row, sides], anchors[row, sides[:, :2]]], dim=1)
    if images.shape[1] == 4:
        return six
    further = torch.stack([images[index, 4::2], images[index, 5::2], anchors[index, 4:]], dim=2)
    return torch.cat([six, further.flatten(1, 2)], dim=1)


def augmented(images: Tensor, families: Tensor, random: np.random.Generator) -> Batch:
    """A batch of uint8 ``[B, 6 + 3 more, 3, S, S]``, see `directed`, with some of the further pairs. Mirrors,
    quarter turns and channel order are free: an edit seen through any of them is still the same edit."""
    more = int(random.integers((images.shape[1] - 6) // 3 + 1))
    x = images[:, : 6 + 3 * more].float() / 255
    mirrored, turned, mixed = (np.flatnonzero(random.random(len(x)) < share) for share in (0.5, 0.25, 0.25))
    x[mirrored] = x[mirrored].flip(-1)
    x[turned] = x[turned].transpose(-1, -2)
    for k in mixed:
        x[k] = x[k][:, random.permutation(3)]
    if not more:
        return Batch(*x.unbind(1), families)
    c, c2, anchor_c = x[:, 6:].unflatten(1, (more, 3)).unbind(2)
    return Batch(*x[:, :6].unbind(1), families, torch.cat([c, c2 - c, c2 - anchor_c], dim=2))


def openness(images: Tensor, anchors: Tensor) -> Tensor:
    """The share ``[n, 2]`` that the anchor of each pair, (a, a') and (b, b'), leaves to draw; uint8
    ``[n, 4 or more, 3, S, S]``."""
    gap = [(u[1:4:2].float() - v[0:4:2].float()).div(255).square().mean((1, 2, 3)) for u, v in zip(images, anchors)]
    return unexplained(torch.stack(gap))


class Ahead:
    """An endless iterator of tensors, read by a thread while the device works, pinned for a GPU."""

    def __init__(self, pieces: Iterator[tuple[Tensor, ...]], depth: int, pin: bool) -> None:
        self.ready: queue.Queue = queue.Queue(depth)
        self.stopped = threading.Event()
        self.waited = 0.0  # seconds
        threading.Thread(target=self.fill, args=(pieces, pin), daemon=True).start()

    def fill(self, pieces: Iterator[tuple[Tensor, ...]], pin: bool) -> None:
        try:
            for piece in pieces:
                self.offer(tuple(x.pin_memory() for x in piece) if pin else tuple(piece))
                if self.stopped.is_set():
                    return
        except Exception as error:
            self.offer(error)

    def offer(self, piece: tuple[Tensor, ...] | Exception) -> None:
        while not self.stopped.is_set():
            try:
                return self.ready.put(piece, timeout=0.2)
            except queue.Full:
                pass

    def take(self, wait: bool = True) -> tuple[Tensor, ...] | None:
        """The next piece; None where there is none yet and the caller does not ``wait``."""
        began = time.time()
        try:
            piece = self.ready.get(block=wait)
        except queue.Empty:
            return None
        self.waited += time.time() - began
        if isinstance(piece, Exception):
            raise piece
        return piece

    def stop(self) -> None:
        self.stopped.set()


class Loader:
    """Endless shuffled batches over the shards that have anchors; new shards join as they appear.

    Every quadruple is read in both directions. Samples of which the anchor leaves less than the share
    ``open`` to draw (model.unexplained) are left out: the closed gate would let nothing be learned.
    ``seed`` is a number or several; ``waited`` counts the seconds that the caller waited for data.
    """

    def __init__(
        self,
        cache: Path,
        batch: int,
        seed: int | Sequence[int],
        open: float = 0.0,
        device: torch.device = torch.device("cpu"),
    ) -> None:
        self.cache, self.batch, self.open, self.device = cache, batch, open, device
        self.random = np.random.default_rng(seed)
        self.names: list[str] = json.loads((cache / "families.json").read_text())
        self.waited = 0.0

    def epoch(self) -> list[Path]:
        ready = [p for p in shard_paths(self.cache) if anchors_path(p).exists()]
        if not ready:
            raise FileNotFoundError(f"no finished shard with anchors in {self.cache.name}")
        return [ready[i] for i in self.random.permutation(len(ready))]

    def pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        """uint8 images as `directed` gives them and the families ``[B]``, from memory."""
        while True:
            made = 0
            for shard in self.epoch():
                images, anchors = (torch.from_numpy(np.load(path)) for path in (shard, anchors_path(shard)))
                families = torch.from_numpy(np.load(families_path(shard))).long()
                drawable = openness(images, anchors) >= self.open
                order = torch.from_numpy(self.random.permutation(drawable.nonzero().numpy()))
                for start in range(0, len(order) - self.batch + 1, self.batch):
                    index, swapped = order[start : start + self.batch].T
                    yield directed(images, anchors, index, swapped), families[index]
                    made += 1
            if not made:
                raise ValueError(f"no shard in {self.cache.name} has {self.batch} samples that the anchor leaves open")

    def __iter__(self) -> Iterator[Batch]:
        # The thread that reads ahead draws from a generator of its own.
        random = np.random.default_rng(self.random.integers(2**63))
        if self.device.type == "cpu":
            pieces = self.pieces()
            while True:
                began = time.time()
                batch = augmented(*next(pieces), random)
                self.waited += time.time() - began
                yield batch
        ahead = Ahead(self.pieces(), 4, pin=True)
        try:
            while True:
                images, families = (x.to(self.device, non_blocking=True) for x in ahead.take())
                self.waited = ahead.waited
                yield augmented(images, families, random)
        finally:
            ahead.stop()


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
