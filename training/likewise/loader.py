"""Batches from a cache of quadruples (likewise.data.cache)."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .data.cache import anchors_path, families_path, shard_paths
from .model import unexplained


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
    x = images[:, : 6 + 3 * more].clone()
    mirrored, turned, mixed = (np.flatnonzero(random.random(len(x)) < share) for share in (0.5, 0.25, 0.25))
    x[mirrored] = x[mirrored].flip(-1)
    x[turned] = x[turned].transpose(-1, -2)
    order = np.array([random.permutation(3) for _ in mixed], dtype=int).reshape(-1, 1, 3)
    x[mixed] = x[mixed[:, None, None], np.arange(x.shape[1])[:, None], order]
    x = x.float() / 255
    if not more:
        return Batch(*x.unbind(1), families)
    c, c2, anchor_c = x[:, 6:].unflatten(1, (more, 3)).unbind(2)
    return Batch(*x[:, :6].unbind(1), families, torch.cat([c, c2 - c, c2 - anchor_c], dim=2))


def openness(images: Tensor, anchors: Tensor) -> Tensor:
    """The share ``[n, 2]`` that the anchor of each pair, (a, a') and (b, b'), leaves to draw; uint8
    ``[n, 4 or more, 3, S, S]``."""
    gap = [(u[1:4:2].float() - v[0:4:2].float()).div(255).square().mean((1, 2, 3)) for u, v in zip(images, anchors)]
    return unexplained(torch.stack(gap))


@dataclass(frozen=True)
class Shard:
    """One shard's tensors, and its samples that are worth a step: index and direction, ``[n, 2]``."""

    images: Tensor
    anchors: Tensor
    families: Tensor
    samples: np.ndarray


class Loader:
    """Endless shuffled batches over the finished shards; new ones join as they appear.

    Every quadruple is read in both directions. Samples of which the anchor leaves less than the share
    ``open`` to draw (model.unexplained) are left out: the closed gate would let nothing be learned. A GPU
    keeps what it has read, up to ``room`` bytes. With ``crop`` a batch is a window of that side, another one
    each time. ``seed`` is a number or several; ``waited`` counts the seconds spent on reading.
    """

    def __init__(
        self,
        cache: Path,
        batch: int,
        seed: int | Sequence[int],
        open: float = 0.0,
        device: torch.device = torch.device("cpu"),
        room: float = 0.0,
        crop: int = 0,
    ) -> None:
        self.cache, self.batch, self.open, self.device, self.crop = cache, batch, open, device, crop
        self.random = np.random.default_rng(seed)
        self.names: list[str] = json.loads((cache / "families.json").read_text())
        self.room, self.kept = room if device.type == "cuda" else 0.0, dict[Path, Shard]()
        self.waited = 0.0

    def read(self, path: Path) -> Shard:
        if path in self.kept:
            return self.kept[path]
        images, anchors, families = (
            torch.from_numpy(np.load(part)).to(self.device) for part in (path, anchors_path(path), families_path(path))
        )
        drawable = openness(images, anchors).cpu() >= self.open
        shard = Shard(images, anchors, families.long(), drawable.nonzero().numpy())
        if self.room >= (size := images.nbytes + anchors.nbytes):
            self.kept[path] = shard
            self.room -= size
        return shard

    def pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        """uint8 images as `directed` gives them and the families ``[B]``."""
        left = list[tuple[Tensor, Tensor]]()
        while True:
            paths = shard_paths(self.cache)
            if not paths:
                raise FileNotFoundError(f"no finished shard in {self.cache.name}")
            found = 0
            for place in self.random.permutation(len(paths)):
                began = time.time()
                shard = self.read(paths[place])
                index, swapped = torch.from_numpy(self.random.permutation(shard.samples)).to(self.device).T
                left.append((directed(shard.images, shard.anchors, index, swapped), shard.families[index]))
                images, families = (torch.cat(parts) for parts in zip(*left))
                self.waited += time.time() - began
                whole = len(families) // self.batch * self.batch
                for first in range(0, whole, self.batch):
                    yield images[first : first + self.batch], families[first : first + self.batch]
                left = [(images[whole:], families[whole:])]
                found += len(index)
            if not found:
                raise ValueError(f"no shard in {self.cache.name} has a sample that the anchor leaves open")

    def __iter__(self) -> Iterator[Batch]:
        for images, families in self.pieces():
            if self.crop:
                y, x = self.random.integers(images.shape[-1] - self.crop + 1, size=2)
                images = images[..., y : y + self.crop, x : x + self.crop]
            yield augmented(images, families, self.random)
