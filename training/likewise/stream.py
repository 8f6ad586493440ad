"""Batches of quadruples that are made while the network trains: worker processes draw and edit the
pictures, the training device fits the anchors, and recent quadruples are used again.

A core makes some 90 quadruples a second at 256 x 256; their anchors would take it forty times as long
(docs/model-card.md), so they are fitted on the device, many at once. The device never waits: it takes
what is there and draws its batch from a ring of the newest quadruples, each of them in both directions,
mirrored, turned and with its channels permuted. Worker processes hand over by shared memory: a
container needs some GB of /dev/shm.
"""

from __future__ import annotations

from typing import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .data.quadruples import LABELS, sample_quadruple
from .loader import CHUNK, Ahead, Batch, anchor_uses, anchors_of, augmented, directed, openness

# A quadruple makes way after so many samples at the earliest, or its anchors would take as much of the
# device's time as the training does.
REUSE = 8


class Quadruples(IterableDataset):
    """Endless quadruples, uint8 ``[2 + 2 pairs, 3, S, S]`` and the index of their label; each worker has
    its own."""

    def __init__(self, size: int, splits: Sequence[str], seed: Sequence[int], pairs: int) -> None:
        self.size, self.splits, self.seed, self.pairs = size, set(splits), seed, pairs

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        torch.set_flush_denormal(True)
        worker = get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        while True:
            quadruple = sample_quadruple(rng, self.size, self.splits, pairs=self.pairs)
            yield quadruple.bytes(), LABELS.index(quadruple.label)


class Stream:
    """Endless batches like `Loader`'s, without a cache. ``made`` counts the quadruples, ``waited`` the
    seconds that the caller waited for data; ``room`` is the ring's size in bytes."""

    def __init__(
        self,
        size: int,
        splits: Sequence[str],
        batch: int,
        seed: Sequence[int],
        device: torch.device,
        workers: int,
        open: float = 0.0,
        room: float = 4e9,
        pairs: int = 1,
    ) -> None:
        self.batch, self.open, self.device, self.names = batch, open, device, LABELS
        self.random = np.random.default_rng(seed)
        counts = (2 + 2 * pairs, len(anchor_uses(1 + pairs)))
        self.capacity = max(CHUNK, int(room / (sum(counts) * 3 * size * size)) // CHUNK * CHUNK)
        self.images, self.anchors = (
            torch.empty(self.capacity, count, 3, size, size, dtype=torch.uint8, device=device) for count in counts
        )
        self.families = torch.empty(self.capacity, dtype=torch.long, device=device)
        self.drawable = np.zeros((self.capacity, 2), dtype=bool)
        self.made = 0
        data = DataLoader(Quadruples(size, splits, seed, pairs), CHUNK, num_workers=workers, in_order=False)
        self.ahead = Ahead(iter(data), 4, pin=device.type == "cuda")

    @property
    def waited(self) -> float:
        return self.ahead.waited

    def take(self, wait: bool) -> None:
        if piece := self.ahead.take(wait):
            self.insert(*piece)

    def insert(self, images: Tensor, families: Tensor) -> None:
        """Put a chunk in the place of the oldest."""
        place = slice(self.made % self.capacity, self.made % self.capacity + len(images))
        self.images[place] = images.to(self.device, non_blocking=True)
        self.families[place] = families.to(self.device, non_blocking=True)
        self.anchors[place] = anchors_of(self.images[place])
        self.drawable[place] = (openness(self.images[place], self.anchors[place]) >= self.open).cpu().numpy()
        self.made += len(images)

    def __iter__(self) -> Iterator[Batch]:
        drawn = 0
        try:
            while True:
                # Four batches to begin with, then what there is.
                while self.drawable.sum() < 4 * self.batch and self.made < self.capacity:
                    self.take(wait=True)
                if drawn >= REUSE * self.made:
                    self.take(wait=False)
                drawn += self.batch
                places = np.argwhere(self.drawable)
                chosen = places[self.random.choice(len(places), self.batch, replace=False)]
                index, swapped = torch.from_numpy(chosen).to(self.device).T
                images = directed(self.images, self.anchors, index, swapped)
                yield augmented(images, self.families[index], self.random)
        finally:
            self.ahead.stop()
