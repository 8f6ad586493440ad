"""Batches of quadruples that are made while the network trains: worker processes draw and edit the
pictures, the training device fits the anchors, and recent quadruples are used again.

A core makes some 90 quadruples a second at 256 x 256; their anchors would take it forty times as long
(docs/model-card.md), so they are fitted on the device, many at once. The device never waits: it takes
what is there and draws its batch from a ring of the newest quadruples, each of them in both directions,
mirrored, turned and with its channels permuted. Worker processes hand over by shared memory: a
container needs some GB of /dev/shm.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from . import anchor, lookup
from .data.quadruples import LABELS, sample_quadruple
from .loader import Ahead, Batch, anchor_uses, augmented, directed, openness

CHUNK = 64  # quadruples that go to the device together
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


@dataclass(frozen=True)
class Fits:
    """`anchor.Anchor` of n pairs: their groups, ``weights [n, 82, 3]`` and ``tables [n, 256, 3]``."""

    groups: list[str]
    weights: Tensor
    tables: Tensor

    def part(self, rows: slice) -> Fits:
        return Fits(self.groups[rows], self.weights[rows], self.tables[rows])


def fit_group(total: Tensor, held: Tensor, columns: Sequence[int], pixels: int) -> tuple[Tensor, Tensor]:
    """`anchor.cross_validate` and the refit on all blocks: scores ``[n]`` and weights ``[n, 82, 3]``."""
    index = torch.tensor(columns, device=total.device)
    free = torch.ones(len(columns), dtype=total.dtype, device=total.device)
    free[0] = 0

    def system(grams: Tensor) -> tuple[Tensor, Tensor]:
        rows = grams[..., index, :]
        return rows[..., index], rows[..., anchor.FEATURES :]

    best = torch.full_like(total[:, 0, 0], torch.inf)
    chosen = torch.zeros_like(best)
    xx, xy = system((total[:, None] - held) / (pixels * (anchor.FOLDS - 1) / anchor.FOLDS))
    held_xx, held_xy = system(held)
    held_yy = torch.diagonal(total, dim1=1, dim2=2)[:, anchor.FEATURES :].sum(1)
    for ridge in anchor.RIDGES:
        factor, info = torch.linalg.cholesky_ex(xx + torch.diag(ridge * free))
        w = torch.cholesky_solve(xy, factor)
        error = held_yy - 2 * (w * held_xy).sum((1, 2, 3)) + (w * (held_xx @ w)).sum((1, 2, 3))
        score = (error / (3 * pixels)).clamp_min(0).where((info == 0).all(1), torch.inf)
        better = score <= best
        best, chosen = score.where(better, best), torch.where(better, ridge, chosen)
    xx, xy = system(total / pixels)
    factor, _ = torch.linalg.cholesky_ex(xx + torch.diag_embed(chosen[:, None] * free))
    weights = total.new_zeros(len(total), anchor.FEATURES, 3)
    weights[:, index] = torch.cholesky_solve(xy, factor)
    return best, weights


def fit(u: Tensor, u2: Tensor, phi: Tensor) -> Fits:
    """`anchor.fit` of many pairs at once, on their device."""
    count, pixels, device = len(u), u.shape[-1] ** 2, u.device
    blocks = anchor.gram(phi, u2 - u).double()
    fold = anchor.fold_of_block().to(device)
    held = torch.stack([blocks[:, fold == k].sum(1) for k in range(anchor.FOLDS)], dim=1)
    total = held.sum(1)
    energy = torch.diagonal(total, dim1=1, dim2=2)[:, anchor.FEATURES :].sum(1) / (3 * pixels)
    nothing = total.new_zeros(count, anchor.FEATURES, 3)
    fitted = {name: fit_group(total, held, columns, pixels) for name, columns in anchor.GROUPS[1:]}

    places = anchor.fold_of_pixel(u.shape[-1]).to(device)
    kinds = [lookup.sums(lookup.index(kind, u, phi), u2, places, anchor.FOLDS) for kind in lookup.KINDS]
    looked_up, ridges = lookup.scores(kinds, pixels)
    fitted |= {kind: (looked_up[:, k], nothing) for k, kind in enumerate(lookup.KINDS)} | {"none": (energy, nothing)}

    score, weights = (torch.stack([fitted[name][k] for name in anchor.ORDER], dim=1) for k in range(2))
    lowest = score.amin(1)
    chosen = (score <= anchor.TIE * lowest[:, None] + anchor.FLOOR).int().argmax(1)
    chosen = chosen.where((lowest <= anchor.ACCEPT * energy) & (energy >= anchor.FLOOR), anchor.ORDER.index("none"))
    groups, rows = [anchor.ORDER[k] for k in chosen.tolist()], torch.arange(count, device=device)
    which = torch.tensor([lookup.KINDS.index(g) if g in lookup.KINDS else 0 for g in groups], device=device)
    parts = ("main", "first", "right", "square")
    picked = lookup.Sums(*(torch.stack([getattr(kind, part) for kind in kinds], 1)[rows, which] for part in parts))
    return Fits(groups, weights[rows, chosen].float(), lookup.tables(picked, ridges[rows, which], pixels))


def apply(u: Tensor, phi: Tensor, fits: Fits) -> Tensor:
    """`anchor.apply` of one fit an image."""
    result = (u + torch.einsum("nfc,nfhw->nchw", fits.weights, phi)).clamp(0, 1)
    for kind in lookup.KINDS:
        if rows := [k for k, group in enumerate(fits.groups) if group == kind]:
            result[rows] = lookup.look_up(fits.tables[rows], lookup.index(kind, u[rows], phi[rows]))
    return result


@torch.no_grad()
def anchors_of(images: Tensor) -> Tensor:
    """What `loader.compute_anchors` stores, of quadruples uint8 ``[n, 4 or more, 3, S, S]``, on their device."""
    with exact():
        count, pairs = len(images), images.shape[1] // 2
        u, u2 = (images[:, k::2].transpose(0, 1).flatten(0, 1).float() / 255 for k in range(2))
        phi = anchor.features(u)
        fits, rows = fit(u, u2, phi), [slice(k * count, (k + 1) * count) for k in range(pairs)]
        uses = [(rows[pair], rows[other]) for pair, other in anchor_uses(pairs)]
        made = [apply(u[other], phi[other], fits.part(pair)) for pair, other in uses]
        return (torch.stack(made, dim=1) * 255).round().byte()


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
