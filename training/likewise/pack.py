"""A pack run from Python: the exported graphs, the merge and the sampler as the engine does them."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from safetensors.numpy import load_file
from torch import Tensor

from .line import line_of, on_line
from .model import head
from .noise import gaussian_noise

Weights = dict[str, np.ndarray]


@lru_cache(maxsize=8)
def noise(seed: int, size: int) -> Tensor:
    """x_0 ``[1, 3, S, S]``. Not to be written to."""
    return torch.from_numpy(gaussian_noise(seed, 3 * size * size)).reshape(1, 3, size, size)


def at_strength(b: Tensor, edit: Tensor, strength: float) -> Tensor:
    """What a person sees at ``strength``: 0 is b, 1 the edit, 2 twice the difference."""
    return (b + strength * (edit - b)).clamp(0, 1)


class Pack:
    """Reads ``folder`` (docs/pack-format.md) and runs it on the CPU in ``precision`` fp32 or fp16."""

    def __init__(self, folder: Path, precision: str = "fp32", threads: int = 0) -> None:
        text = (folder / "manifest.json").read_bytes()
        self.manifest = json.loads(text)
        self.digest = hashlib.sha256(text).hexdigest()
        self.dtype = np.float32 if precision == "fp32" else np.float16
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads

        def session(part: str) -> onnxruntime.InferenceSession:
            return onnxruntime.InferenceSession(str(folder / self.manifest[part]["graphs"][precision]), options)

        def weights(part: str) -> Weights:
            return load_file(folder / self.manifest[part]["weights"])

        self.encoder, self.denoiser = session("encoder"), session("denoiser")
        self.encoder_weights = {k: v.astype(self.dtype) for k, v in weights("encoder").items()}
        self.base = {k: v.astype(np.float32) for k, v in weights("denoiser").items()}
        self.basis = {k: v.astype(np.float32) for k, v in weights("basis").items()}
        # Per target, so that a merge is one product: [in, N * r] and [N * r, out].
        self.stacked: list[tuple[Tensor, Tensor]] = []
        for target in self.manifest["targets"]:
            a, b = self.basis[f"{target['name']}.A"], self.basis[f"{target['name']}.B"]
            left = np.ascontiguousarray(a.transpose(1, 0, 2).reshape(a.shape[1], -1))
            self.stacked.append((torch.from_numpy(left), torch.from_numpy(b.reshape(left.shape[1], -1))))
        self._merged: tuple[np.ndarray | None, Weights] | None = None

    @property
    def steps(self) -> int:
        """Of the sampler, where nobody asks for another number."""
        return self.manifest["sampler"]["steps"]

    def encode(self, a: Tensor, a2: Tensor, b: Tensor) -> np.ndarray:
        """``e [Q]`` of one triplet, images ``[1, 3, S, S]``."""
        images = torch.cat([a, a2, b]).numpy().astype(self.dtype)
        (features,) = self.encoder.run(None, {"images": images, **self.encoder_weights})
        return features.astype(np.float32).reshape(-1)

    def coefficients(self, a: Tensor, a2: Tensor, b: Tensor) -> np.ndarray:
        """c ``[L, N]``. Of P pairs, ``a`` and ``a2`` ``[P, 3, S, S]``, the mean of each one's."""
        if len(a) > 1:
            return np.mean([self.coefficients(u[None], v[None], b) for u, v in zip(a, a2)], axis=0)
        keys = self.basis["keys"]
        softmax = self.manifest["basis"]["activation"] == "softmax"
        if softmax and keys.shape[1] == 1:  # one LoRA: whatever is shown, its share is 1
            return np.ones(keys.shape[:2], np.float32)
        q = self.basis["query"] @ self.encode(a, a2, b)
        z = np.einsum("lnd,ld->ln", keys, q) / np.sqrt(keys.shape[-1])
        if not softmax:
            return np.tanh(z)
        z = np.exp(z - z.max(1, keepdims=True))
        return z / z.sum(1, keepdims=True)

    def merge(self, coefficients: np.ndarray | None) -> Weights:
        """All of the denoiser's weights, targets merged; None gives the base. The same coefficients in
        a row are merged once."""
        if self._merged is not None:
            last, weights = self._merged
            same = last is None if coefficients is None else last is not None and np.array_equal(last, coefficients)
            if same:
                return weights
        weights = dict(self.base)
        if coefficients is not None:
            scale = self.manifest["basis"]["scale"]
            shares = torch.from_numpy(np.asarray(coefficients, np.float32)) * scale
            rank = self.manifest["basis"]["rank"]
            for row, target, (left, right) in zip(shares, self.manifest["targets"], self.stacked):
                base = torch.from_numpy(self.base[target["input"]])
                weights[target["input"]] = torch.addmm(base, left * row.repeat_interleave(rank), right).numpy()
        if self.dtype is not np.float32:
            weights = {k: v.astype(self.dtype) for k, v in weights.items()}
        self._merged = (None if coefficients is None else coefficients.copy(), weights)
        return weights

    def step(self, weights: Weights, x: Tensor, target: Tensor, pairs: Tensor, t: float) -> tuple[Tensor, Tensor]:
        feeds = {"x": x, "target": target, "pairs": pairs, "t": torch.tensor([t])}
        given = {k: np.ascontiguousarray(v.numpy(), dtype=self.dtype) for k, v in feeds.items()}
        grid, maps = self.denoiser.run(None, {**given, **weights})
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
        """b' ``[1, 3, S, S]`` in 0..1, from P pairs ``[P, 3, S, S]``. Source: docs/architecture.md, "Denoise"."""
        weights = self.merge(coefficients)
        target = torch.cat([b, anchor_b], dim=1)
        pairs = torch.cat([a, a2 - a, a2 - anchor_a], dim=1)[None]
        line = line_of(a, a2)
        x = noise(seed, b.shape[-1])
        drawn = b
        for k in range(steps):
            t, following = k / steps, (k + 1) / steps
            grid, maps = self.step(weights, x, target, pairs, t)
            drawn = on_line(line, head(grid, maps, b, anchor_b).clamp(0, 1))
            x = x + (2 * drawn - 1 - x) * ((following - t) / (1 - t))
        return drawn


# Seeds of the probes, and how many values of each output one has.
PROBES = (1, 11)
PROBED = 24


def probes(pack: Pack) -> list[dict]:
    """What the base denoiser makes of noise (docs/pack-format.md, "Probes"), for the manifest."""
    size = pack.manifest["image"]["size"]

    def drawn(seed: int, channels: int, mean: float, deviation: float) -> Tensor:
        values = torch.from_numpy(gaussian_noise(seed, channels * size * size)) * deviation + mean
        return values.reshape(1, channels, size, size)

    def some(output: Tensor) -> list[float]:
        flat = output.flatten()
        return [round(float(value), 4) for value in flat[:: len(flat) // PROBED][:PROBED]]

    result = []
    for seed in PROBES:
        x, target, pairs = drawn(seed, 3, 0, 1), drawn(seed + 1, 6, 0.5, 0.2), drawn(seed + 2, 9, 0, 0.3)
        grid, maps = pack.step(pack.merge(None), x, target, pairs[None], 0.0)
        result.append({"seed": seed, "grid": some(grid), "maps": some(maps)})
    return result
