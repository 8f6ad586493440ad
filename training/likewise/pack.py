"""A pack run from Python: the exported graphs, the merge and the sampler as the engine does them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from safetensors.numpy import load_file
from torch import Tensor

from .model import head
from .noise import gaussian_noise


class Pack:
    """Reads ``folder`` (docs/pack-format.md) and runs it on the CPU in ``precision`` fp32 or fp16."""

    def __init__(self, folder: Path, precision: str = "fp32", threads: int = 0) -> None:
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.dtype = np.float32 if precision == "fp32" else np.float16
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads

        def session(part: str) -> onnxruntime.InferenceSession:
            return onnxruntime.InferenceSession(str(folder / self.manifest[part]["graphs"][precision]), options)

        def weights(part: str) -> dict[str, np.ndarray]:
            return load_file(folder / self.manifest[part]["weights"])

        self.encoder, self.denoiser = session("encoder"), session("denoiser")
        self.encoder_weights = {k: v.astype(self.dtype) for k, v in weights("encoder").items()}
        self.base = {k: v.astype(np.float32) for k, v in weights("denoiser").items()}
        self.basis = {k: v.astype(np.float32) for k, v in weights("basis").items()}

    def encode(self, a: Tensor, a2: Tensor, b: Tensor) -> np.ndarray:
        """``e [Q]`` of one triplet, images ``[1, 3, S, S]``."""
        images = torch.cat([a, a2, b]).numpy().astype(self.dtype)
        (features,) = self.encoder.run(None, {"images": images, **self.encoder_weights})
        return features.astype(np.float32).reshape(-1)

    def coefficients(self, a: Tensor, a2: Tensor, b: Tensor) -> np.ndarray:
        """c ``[L, N]``."""
        q = self.basis["query"] @ self.encode(a, a2, b)
        z = np.einsum("lnd,ld->ln", self.basis["keys"], q) / np.sqrt(self.basis["keys"].shape[-1])
        if self.manifest["basis"]["activation"] == "tanh":
            return np.tanh(z)
        z = np.exp(z - z.max(1, keepdims=True))
        return z / z.sum(1, keepdims=True)

    def merge(self, coefficients: np.ndarray | None) -> dict[str, np.ndarray]:
        """All of the denoiser's weights, targets merged; None gives the base."""
        weights = dict(self.base)
        if coefficients is not None:
            scale = self.manifest["basis"]["scale"]
            for row, target in zip(coefficients, self.manifest["targets"]):
                a, b = self.basis[f"{target['name']}.A"], self.basis[f"{target['name']}.B"]
                elements, inputs, rank = a.shape
                left = (a * row[:, None, None]).transpose(1, 0, 2).reshape(inputs, elements * rank)
                weights[target["input"]] = weights[target["input"]] + scale * left @ b.reshape(elements * rank, -1)
        return {k: v.astype(self.dtype) for k, v in weights.items()}

    def step(
        self, weights: dict[str, np.ndarray], x: Tensor, target: Tensor, pairs: Tensor, t: float
    ) -> tuple[Tensor, Tensor]:
        feeds = {"x": x, "target": target, "pairs": pairs, "t": torch.tensor([t])}
        grid, maps = self.denoiser.run(None, {**{k: v.numpy().astype(self.dtype) for k, v in feeds.items()}, **weights})
        return torch.from_numpy(grid.astype(np.float32)), torch.from_numpy(maps.astype(np.float32))

    def run(
        self,
        a: Tensor,
        a2: Tensor,
        b: Tensor,
        anchor_a: Tensor,
        anchor_b: Tensor,
        coefficients: np.ndarray | None,
        steps: int,
        seed: int = 0,
    ) -> Tensor:
        """b' ``[1, 3, S, S]`` in 0..1. Source: docs/architecture.md, "Denoise"."""
        weights = self.merge(coefficients)
        target = torch.cat([b, anchor_b], dim=1)
        pairs = torch.cat([a, a2 - a, a2 - anchor_a], dim=1)[:, None]
        x = torch.from_numpy(gaussian_noise(seed, b.numel())).reshape(b.shape)
        drawn = b
        for k in range(steps):
            t, following = k / steps, (k + 1) / steps
            grid, maps = self.step(weights, x, target, pairs, t)
            drawn = head(grid, maps, b, anchor_b).clamp(0, 1)
            x = x + (2 * drawn - 1 - x) * ((following - t) / (1 - t))
        return drawn
