"""The LoRA basis and its routing, exactly as LoRWeB (arXiv 2602.15727) defines them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .layers import Linear
from .model import Denoiser, Encoder


def target_layers(denoiser: Denoiser) -> dict[str, Linear]:
    """Every Linear (1x1 convolutions included) in the blocks, by name, in order."""
    return {
        name: module
        for name, module in denoiser.named_modules()
        if isinstance(module, Linear) and not name.startswith(("time", "to_grid", "to_maps"))
    }


class Basis(nn.Module):
    """N LoRAs of rank r per target, per-target keys ``[N, d]`` and query projections ``[d, Q]``."""

    def __init__(
        self,
        denoiser: Denoiser,
        elements: int = 32,
        rank: int = 4,
        key_dim: int = 128,
        query: int = 384,
        activation: str = "softmax",
    ) -> None:
        super().__init__()
        if activation not in ("softmax", "tanh"):
            raise ValueError(f"activation must be softmax or tanh, not {activation!r}")
        self.elements, self.rank, self.activation = elements, rank, activation
        layers = target_layers(denoiser)
        self.names = list(layers)
        count = len(self.names)
        self.keys = nn.Parameter(torch.randn(count, elements, key_dim))
        self.query = nn.Parameter(torch.empty(count, key_dim, query))
        nn.init.uniform_(self.query, -1 / math.sqrt(query), 1 / math.sqrt(query))
        self.a = nn.ParameterList()
        self.b = nn.ParameterList()
        for layer in layers.values():
            inputs, outputs = layer.weight.shape
            # Kaiming uniform with a = sqrt(5) is U(-1/sqrt(in), 1/sqrt(in)).
            self.a.append(nn.Parameter((torch.rand(elements, inputs, rank) * 2 - 1) / math.sqrt(inputs)))
            self.b.append(nn.Parameter(torch.zeros(elements, rank, outputs)))

    @property
    def untrained(self) -> bool:
        return not any(b.any() for b in self.b)

    def route(self, e: Tensor) -> Tensor:
        """Coefficients ``[B, L, N]`` from the encoded triplet ``e [B, Q]``."""
        q = torch.einsum("ldq,bq->bld", self.query, e)
        z = torch.einsum("lnd,bld->bln", self.keys, q) / math.sqrt(self.keys.shape[-1])
        return torch.softmax(z, -1) if self.activation == "softmax" else torch.tanh(z)

    def attach(self, denoiser: Denoiser, coefficients: Tensor | None) -> None:
        """Put the side path on every target with ``coefficients [B, L, N]``; None takes it off."""
        layers = target_layers(denoiser)
        for index, name in enumerate(self.names):
            layer = layers[name]
            layer.basis = None if coefficients is None else (self.a[index], self.b[index])
            layer.coefficients = None if coefficients is None else coefficients[:, index]

    @torch.no_grad()
    def merged(self, denoiser: Denoiser, coefficients: Tensor) -> dict[str, Tensor]:
        """Merged weights ``[in, out]`` of one triplet, ``coefficients [L, N]``."""
        layers = target_layers(denoiser)
        result = {}
        for index, name in enumerate(self.names):
            update = torch.einsum("n,nik,nko->io", coefficients[index], self.a[index], self.b[index])
            result[name] = layers[name].weight + update
        return result


# The spread that `standardise` gives to the features. The softmax starts with coefficients that differ
# between triplets: its logits' deviation is SPREAD / sqrt(3), see `Basis`. With features as the encoder
# was trained to make them, routing stayed uniform (docs/recipe.md).
SPREAD = 3.0


@torch.no_grad()
def standardise(encoder: Encoder, images: Tensor, spread: float = SPREAD) -> None:
    """Give every feature mean 0 and deviation ``spread`` over ``images [n, 3, S, S]``, by folding that
    into the encoder's last normalisation. Once, before the basis is trained."""
    f = torch.cat([encoder(chunk).float() for chunk in images.split(64)])
    ratio = spread / f.std(0).clamp_min(1e-3)
    encoder.norm.scale.mul_(ratio)
    encoder.norm.shift.sub_(f.mean(0)).mul_(ratio)


def encode_triplet(encoder: nn.Module, a: Tensor, a2: Tensor, b: Tensor) -> Tensor:
    """Query mode cat-aa'b: ``e = [f(a); f(a'); f(b)]``, ``[B, 3 * features]``."""
    batch = a.shape[0]
    f = encoder(torch.cat([a, a2, b]))
    return torch.cat([f[:batch], f[batch : 2 * batch], f[2 * batch :]], dim=1)
