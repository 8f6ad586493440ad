"""One short paired run of the recipe: how a row is trained and scored. The rows are in recipe.py."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import model as model_module
from .basis import SPREAD, Basis, encode_triplet, standardise
from .checkpoint import Models, build, load
from .data.cache import anchors_path, families_path, shard_paths
from .data.families import FAMILIES
from .loader import Batch, Loader
from .model import Config, head
from .objective import FLOOR, autocast, noisy, psnr
from .optimiser import Optimiser, learning_rate

ROOM = 8e9  # bytes of quadruples that a GPU keeps
Outputs = tuple[Tensor, Tensor]

# Stages in which no anchor is shown.
WITHOUT_ANCHOR = {"bare", "told"}


def log_error(error: Tensor, t: Tensor) -> Tensor:
    return torch.log(error + FLOOR).mean()


@dataclass(frozen=True)
class Run:
    """One row of the table: what differs from the first row of its stage."""

    name: str
    question: str
    config: Config = Config()
    data: Callable[[Batch], Batch] = lambda batch: batch
    cut: Callable[[Tensor, Tensor], Outputs] = lambda grid, maps: (grid, maps)
    change: Callable[[Models], None] = lambda models: None
    loss: Callable[[Tensor, Tensor], Tensor] = log_error
    at_start: float = 1.0
    muon: bool = True
    always_open: bool = False
    basis: dict = field(default_factory=dict)
    spread: float = SPREAD
    pair_only: bool = False
    faster: float = 1.0
    untouched: bool = False


def smaller(batch: Batch, by: int) -> Batch:
    if by == 1:
        return batch
    return Batch(*(F.avg_pool2d(v, by) if torch.is_tensor(v) and v.ndim == 4 else v for v in vars(batch).values()))


def quadruples(cache: Path, arguments: argparse.Namespace) -> list[tuple[Batch, list[str]]]:
    """All of a cache in batches, in order, with the family names."""
    names = json.loads((cache / "families.json").read_text())
    shards = shard_paths(cache)
    images, anchors, families = (
        np.concatenate([np.load(path(shard)) for shard in shards])
        for path in (lambda shard: shard, anchors_path, families_path)
    )
    result = []
    for start in range(0, len(images), arguments.batch):
        part = slice(start, start + arguments.batch)
        x = torch.from_numpy(np.concatenate([images[part], anchors[part, :2]], axis=1)).to(arguments.device)
        batch = Batch(*(x.float() / 255).unbind(1), torch.from_numpy(families[part]).long())
        result.append((smaller(batch, arguments.shrink), [names[i] for i in families[part]]))
    return result


def attach(models: Models, run: Run, batch: Batch, precision: torch.dtype) -> Tensor:
    with torch.no_grad(), autocast(precision, batch.a.device):
        e = encode_triplet(models.encoder, batch.a, batch.a2, batch.b).float()
    if run.pair_only:
        e[:, 2 * models.denoiser.config.features :] = 0
    coefficients = models.basis.route(e)
    models.basis.attach(models.denoiser, coefficients)
    return coefficients


def draw(models: Models, run: Run, batch: Batch, x: Tensor, t: Tensor, precision: torch.dtype) -> Tensor:
    seen = run.data(batch)
    with autocast(precision, x.device):
        grid, maps = models.denoiser(x, seen.target(), seen.pairs(), t)
    return head(*run.cut(grid.float(), maps.float()), seen.b, seen.anchor_b)


@torch.no_grad()
def score(
    models: Models, run: Run, stage: str, evaluation: list[tuple[Batch, list[str]]], precision: torch.dtype
) -> dict:
    """dB over the anchor (without one: over b) by split and family, and how far the coefficients are from uniform."""
    gains: dict[str, dict[str, list[float]]] = {"base": {}, "basis": {}, "held_out": {}}
    routed: list[Tensor] = []
    generator = torch.Generator().manual_seed(0)
    for batch, names in evaluation:
        if stage != "base":
            c = attach(models, run, batch, precision)
            if models.basis.activation == "softmax" and models.basis.elements > 1:
                routed.append(c)
        x = torch.randn(batch.b.shape, generator=generator).to(batch.b.device)
        drawn = draw(models, run, batch, x, torch.zeros(len(x), device=x.device), precision).clamp(0, 1)
        without = batch.b if stage in WITHOUT_ANCHOR else batch.anchor_b
        model, before = (
            psnr((image - batch.b2).square().mean((1, 2, 3))).clamp_max(60) for image in (drawn, without)
        )
        for name, gain in zip(names, (model - before).tolist()):
            gains[FAMILIES[name].split].setdefault(name, []).append(round(gain, 4))
    result: dict = dict(gains)
    if routed:
        c = torch.cat(routed)
        result["entropy"] = float(-(c * c.clamp_min(1e-9).log()).sum(-1).mean() / np.log(models.basis.elements))
        result["spread"] = float(c.std(0).mean() / c.mean())
    return result


def execute(
    run: Run, stage: str, arguments: argparse.Namespace, samples: int, open: float = 0.02
) -> tuple[Models, dict]:
    """The trained networks, and the row's name, samples, seconds and parameters. ``open``: see `Loader`."""
    torch.manual_seed(0)
    precision = torch.bfloat16 if arguments.bf16 else torch.float32
    cache: Path = arguments.base if stage == "base" else arguments.basis
    device: torch.device = arguments.device
    of = {"open": open, "device": device, "room": ROOM}
    loader = Loader(cache, arguments.batch, seed=1, **of)
    models = build(run.config)
    if stage != "base":
        trained, _ = load(arguments.start)
        torch.manual_seed(0)
        basis = Basis(trained.denoiser, query=3 * run.config.features, **run.basis)
        models = Models(trained.denoiser, trained.encoder, basis)
    run.change(models)
    models.to(device)
    if stage != "base":
        some = next(iter(Loader(cache, 256, seed=2, device=device)))
        with torch.no_grad():
            standardise(models.encoder, torch.cat([some.a, some.a2, some.b]), run.spread)
        models.denoiser.requires_grad_(False)
        models.encoder.requires_grad_(False)
        parts: dict[str, nn.Module] = {"basis": models.basis}
    else:
        parts = {"denoiser": models.denoiser}
    parts = nn.ModuleDict(parts)
    peak = arguments.lr * run.faster
    optimiser = Optimiser(parts, peak, run.muon)
    if device.type == "cpu":
        models.denoiser.compile()
        models.encoder.compile()
    torch.manual_seed(3)
    began, seen, enough = time.time(), 0, 0 if run.untouched else samples
    for batch in loader:
        if seen >= enough:
            break
        batch = smaller(batch, arguments.shrink)
        if stage != "base":
            attach(models, run, batch, precision)
        count = len(batch.b)
        t = torch.where(torch.rand(()) < run.at_start, torch.zeros(count), torch.rand(count)).to(device)
        drawn = draw(models, run, batch, noisy(batch.b2, t), t, precision)
        loss = run.loss((drawn - batch.b2).square().mean((1, 2, 3)), t)
        optimiser.clear()
        loss.backward()
        nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        # The warm-up is of some 90 steps, whatever the batch.
        optimiser.step(learning_rate(seen / enough, seen * 16 // count, peak))
        seen += count
        if seen % (50 * count) == 0:
            print(f"{stage} {run.name}: {seen} samples, loss {loss.item():.3f}, {time.time() - began:.0f} s", flush=True)
    parameters = sum(p.numel() for p in parts.parameters())
    seconds = time.time() - began
    return models, {
        "name": run.name, "question": run.question, "samples": seen, "seconds": seconds, "parameters": parameters
    }


def openness(stage: str) -> float:
    """See `Loader`; without an anchor, none leaves a sample without use."""
    return 0.0 if stage in WITHOUT_ANCHOR else 0.02


def measure(run: Run, stage: str, arguments: argparse.Namespace, evaluation: list) -> dict:
    """One row of the table."""
    torch._dynamo.reset()
    unexplained = model_module.unexplained
    if run.always_open:
        model_module.unexplained = torch.ones_like
    try:
        models, row = execute(run, stage, arguments, arguments.samples, open=openness(stage))
        precision = torch.bfloat16 if arguments.bf16 else torch.float32
        return row | score(models, run, stage, evaluation, precision)
    finally:
        model_module.unexplained = unexplained
