"""One file that holds a training run: fp16 weights for shipping, float32 state for resuming."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .basis import Basis
from .model import Config, Denoiser, Encoder


@dataclass
class Models:
    """The three networks of a pack."""

    denoiser: Denoiser
    encoder: Encoder
    basis: Basis

    def to(self, device: torch.device) -> None:
        for module in (self.denoiser, self.encoder, self.basis):
            module.to(device)


def build(config: Config = Config(), elements: int = 32, rank: int = 4, activation: str = "softmax") -> Models:
    denoiser = Denoiser(config)
    encoder = Encoder(config)
    basis = Basis(denoiser, elements, rank, query=3 * config.features, activation=activation)
    return Models(denoiser, encoder, basis)


def reshape_basis(models: Models, elements: int, rank: int) -> None:
    """A new, untrained basis unless it has this size already."""
    if (models.basis.elements, models.basis.rank) != (elements, rank):
        query, activation = models.basis.query.shape[-1], models.basis.activation
        models.basis = Basis(models.denoiser, elements, rank, query=query, activation=activation)


def save(path: Path, models: Models, extra: dict[str, Any] | None = None, half: bool = False) -> None:
    """Write atomically. ``half`` stores fp16, what a repository can hold."""

    def pack(module: torch.nn.Module) -> dict[str, torch.Tensor]:
        return {k: v.half() if half else v for k, v in module.state_dict().items()}

    state = {
        "config": models.denoiser.config.as_dict(),
        "basis_shape": [models.basis.elements, models.basis.rank, models.basis.activation],
        "denoiser": pack(models.denoiser),
        "encoder": pack(models.encoder),
        "basis": pack(models.basis),
        **(extra or {}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def load(path: Path) -> tuple[Models, dict[str, Any]]:
    """The networks in float32 and the rest of what was saved."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    elements, rank, activation = state["basis_shape"]
    models = build(Config(**state["config"]), elements, rank, activation)
    for name in ("denoiser", "encoder", "basis"):
        values = {k: v.float() for k, v in state.pop(name).items()}
        getattr(models, name).load_state_dict(values)
    return models, state
