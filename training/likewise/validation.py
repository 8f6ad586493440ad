"""The held-out score while training goes on: trained families on held-out photographs.

The held-out *families* are for the evaluation alone: what chooses the checkpoint must not see them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import numpy as np
import torch

from .checkpoint import Models
from .data import cache
from .loader import Batch, directed
from .objective import attach_basis, predict, psnr

SEED = 9  # the evaluation's quadruples have another


class Validation:
    """Mean dB over the anchor, over families, of the first step (t = 0) with noise that is always the same."""

    def __init__(self, folder: Path, batch: int, device: torch.device) -> None:
        self.batch, self.device = batch, device
        self.names: list[str] = json.loads((folder / "families.json").read_text())
        shards = cache.shard_paths(folder)
        images, anchors, families = (
            torch.from_numpy(np.concatenate([np.load(path(shard)) for shard in shards]))
            for path in (lambda shard: shard, cache.anchors_path, cache.families_path)
        )
        every = torch.arange(len(images))
        self.six = directed(images, anchors, every, torch.zeros_like(every))[:, :6]
        self.families = families.long()

    def batches(self) -> Iterator[tuple[Batch, int]]:
        """Batches and how many of each count: the last is filled up, so that all have the compiled shape."""
        count = len(self.six)
        for start in range(0, count, self.batch):
            index = torch.arange(start, start + self.batch) % count
            six = self.six[index].to(self.device).float() / 255
            yield Batch(*six.unbind(1), self.families[index].to(self.device)), min(self.batch, count - start)

    @torch.no_grad()
    def gain(self, models: Models, with_basis: bool, precision: torch.dtype) -> float:
        """dB over the anchor, the mean over families."""
        generator = torch.Generator().manual_seed(SEED)
        gains = []
        for batch, count in self.batches():
            if with_basis:
                attach_basis(models, batch, precision)
            x = torch.randn(batch.b.shape, generator=generator).to(self.device)
            drawn = predict(models.denoiser, x, batch, torch.zeros(len(x), device=self.device), precision)
            model, anchor = (
                psnr((image - batch.b2).square().mean((1, 2, 3)).clamp_min(1e-6))
                for image in (drawn.clamp(0, 1), batch.anchor_b)
            )
            gains.append((model - anchor)[:count].cpu())
        models.basis.attach(models.denoiser, None)
        each = torch.cat(gains)
        return float(torch.stack([each[self.families == k].mean() for k in self.families.unique()]).mean())
