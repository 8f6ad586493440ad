"""What a person may rely on, measured through a pack: nothing moves, nothing leaks, more examples help.

Images are float32 ``[1, 3, S, S]`` in 0..1; pairs ``[P, 3, S, S]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import torch
from skimage.registration import phase_cross_correlation
from torch import Tensor

from .anchor import anchors
from .metrics import psnr
from .pack import Pack, at_strength

SEEDS = (0, 1, 2)
STEPS = (1, 2, 4, 8)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Asked:
    """Pairs and b with all that is known before the first step."""

    a: Tensor
    a2: Tensor
    b: Tensor
    on_a: Tensor
    on_b: Tensor
    coefficients: np.ndarray
    drawn: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    def draw(self, pack: Pack, steps: int = 0, seed: int = 0) -> Tensor:
        """b', drawn once for the same steps and seed; 0 steps are the pack's own number."""
        key = (steps or pack.steps, seed)
        if key not in self.drawn:
            state = (self.a, self.a2, self.b, self.on_a, self.on_b, self.coefficients)
            self.drawn[key] = pack.run(*state, *key)
        return self.drawn[key]


def ask(pack: Pack, a: Tensor, a2: Tensor, b: Tensor) -> Asked:
    """Of several pairs each has its own anchor; those of b, like the coefficients, are averaged."""
    on_a, on_b, _ = anchors(a, a2, b.expand_as(a))
    return Asked(a, a2, b, on_a, on_b.mean(0, keepdim=True), pack.coefficients(a, a2, b))


def drift(x: Tensor, y: Tensor) -> float:
    """How far ``y`` has moved against ``x``: pixels, in hundredths, by phase correlation of the luma."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    first, second = ((image[0] * weights).sum(0).numpy() for image in (x, y))
    shift, _, _ = phase_cross_correlation(first, second, upsample_factor=100)
    return float(np.hypot(*shift))


def leak(x: Tensor, truth: Tensor, a2: Tensor) -> float:
    """How much nearer the result is to the truth than to a', dB: negative where a' shows through."""
    return psnr(x, truth) - psnr(x, a2)


def identity(pack: Pack, a: Tensor, b: Tensor) -> float:
    """PSNR between b and b' where a' is a."""
    return psnr(ask(pack, a, a, b).draw(pack), b)


def seed_stability(pack: Pack, asked: Asked) -> float:
    """PSNR between the two least alike of the results of three seeds."""
    drawn = [asked.draw(pack, seed=seed) for seed in SEEDS]
    return min(psnr(x, y) for x, y in combinations(drawn, 2))


def growth(b: Tensor, edit: Tensor) -> list[float]:
    """Distance from b (root mean square) at each of `STRENGTHS`."""
    return [float((at_strength(b, edit, s) - b).square().mean().sqrt()) for s in STRENGTHS]


def grows(b: Tensor, edit: Tensor) -> bool:
    """0 % is b, 100 % the edit, and the distance from b grows in between; where the edit is b it may not."""
    distances = growth(b, edit)
    ends = torch.equal(at_strength(b, edit, 0), b) and float((at_strength(b, edit, 1) - edit).abs().max()) < 1e-6
    return ends and (distances[-1] == 0 or all(x < y for x, y in zip(distances, distances[1:])))


def averaging(pack: Pack, a: Tensor, a2: Tensor, b: Tensor, truth: Tensor) -> tuple[float, float]:
    """PSNR of all P pairs at once, and the mean PSNR of each alone."""
    alone = [psnr(ask(pack, u[None], v[None], b).draw(pack), truth) for u, v in zip(a, a2)]
    return psnr(ask(pack, a, a2, b).draw(pack), truth), sum(alone) / len(alone)
