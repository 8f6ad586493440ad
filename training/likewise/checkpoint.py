"""One file that holds a training run: fp16 weights for shipping, float32 state for resuming."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from .basis import Basis
from .model import HEAD, Config, Denoiser, Encoder


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


def reshape_basis(models: Models, elements: int, rank: int, new: bool = False) -> None:
    """An untrained basis, unless there is one of this size already that need not be ``new``."""
    if new or (models.basis.elements, models.basis.rank) != (elements, rank):
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


def load_pack(folder: Path) -> Models:
    """The networks of an exported pack, in float32; its scale of the features stays in the encoder."""
    manifest = json.loads((folder / "manifest.json").read_text())
    stored = {part: load_file(folder / manifest[part]["weights"]) for part in ("denoiser", "encoder", "basis")}
    denoiser, layout = stored["denoiser"], manifest["basis"]
    width = denoiser["kind"].shape[1]
    config = Config(
        width=width,
        depth=len({name.split(".")[1] for name in denoiser if name.startswith("blocks.")}),
        heads=width // HEAD,
        fine=denoiser["up_fine.weight"].shape[1] // 4,
        middle=denoiser["up_fine.weight"].shape[0],
        features=manifest["encoder"]["features"],
    )
    models = build(config, layout["elements"], layout["rank"], layout["activation"])
    models.denoiser.load_state_dict({k: v.float() for k, v in denoiser.items()})
    models.encoder.load_state_dict({k: v.float() for k, v in stored["encoder"].items()})
    basis = {name: stored["basis"][name].float() for name in ("keys", "query")}
    for index, name in enumerate(models.basis.names):
        basis |= {f"{part}.{index}": stored["basis"][f"{name}.{part.upper()}"].float() for part in ("a", "b")}
    models.basis.load_state_dict(basis)
    return models


def load(path: Path) -> tuple[Models, dict[str, Any]]:
    """The networks in float32 and the rest of what was saved; of a pack's folder, the networks alone."""
    if path.is_dir():
        return load_pack(path), {}
    state = torch.load(path, map_location="cpu", weights_only=True)
    elements, rank, activation = state["basis_shape"]
    models = build(Config(**state["config"]), elements, rank, activation)
    for name in ("denoiser", "encoder", "basis"):
        values = {k: v.float() for k, v in state.pop(name).items()}
        getattr(models, name).load_state_dict(values)
    return models, state
