"""Tone: edits of how light each value is, the same everywhere in the image."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..transform import Random, Transform, apply_lut, blur, colour, family, luma, mix, ramp, sign


@family("tone")
def contrast(rng: Random) -> Transform:
    factor = rng.uniform(0.4, 0.8) if rng.random() < 0.5 else rng.uniform(1.3, 2.2)
    return lambda u: (u - 0.5) * factor + 0.5


@family("tone")
def gamma(rng: Random) -> Transform:
    power = math.exp(rng.uniform(0.3, 0.9) * sign(rng))
    return lambda u: u.clamp_min(1e-4) ** power


@family("tone")
def exposure(rng: Random) -> Transform:
    gain = 2 ** (rng.uniform(0.4, 1.2) * sign(rng))
    return lambda u: u * gain


@family("tone")
def curve(rng: Random) -> Transform:
    """A rising curve of five knots per channel, its black lifted."""
    knots = np.cumsum(rng.uniform(0.05, 1.05, (3, 5)), 1)
    table = torch.tensor(knots / knots[:, -1:], dtype=torch.float32)
    lift = rng.uniform(0, 0.2)
    return lambda u: apply_lut(u, table * (1 - lift) + lift * 0.5)


@family("tone")
def s_curve(rng: Random) -> Transform:
    steps = torch.linspace(0, 1, 33)
    slope, centre = rng.uniform(4, 10), rng.uniform(0.35, 0.65)
    shape = torch.sigmoid(slope * (steps - centre))
    table = ((shape - shape[0]) / (shape[-1] - shape[0])).expand(3, 33)
    return lambda u: apply_lut(u, table)


@family("tone")
def levels(rng: Random) -> Transform:
    """Black and white points per channel, inward or outward."""
    low, high = colour(rng, -0.05, 0.3), colour(rng, 0.7, 1.05)
    return lambda u: (u - low) / (high - low)


@family("tone")
def invert(rng: Random) -> Transform:
    share = rng.uniform(0.85, 1)
    return lambda u: mix(u, 1 - u, share)


@family("tone")
def invert_lightness(rng: Random) -> Transform:
    """Dark and light change places, hues stay."""
    share = rng.uniform(0.8, 1)
    return lambda u: u + share * (1 - 2 * luma(u))


@family("tone")
def solarise(rng: Random) -> Transform:
    turn = rng.uniform(0.4, 0.7)
    return lambda u: torch.where(u > turn, 1 - u, u)


@family("tone")
def posterise(rng: Random) -> Transform:
    count = int(rng.integers(2, 6))
    return lambda u: (blur(u, 0.003) * count).floor().clamp_max(count - 1) / (count - 1)


@family("tone")
def threshold(rng: Random) -> Transform:
    level, dark, light = rng.uniform(0.35, 0.6), colour(rng, 0, 0.3), colour(rng, 0.7, 1)
    return lambda u: mix(dark, light, ramp(blur(luma(u), 0.003) - level, 0.05))


@family("tone")
def split_toning(rng: Random) -> Transform:
    shadows, highlights = colour(rng, -0.3, 0.3), colour(rng, -0.3, 0.3)

    def apply(u: Tensor) -> Tensor:
        y = luma(u)
        return u + shadows * (1 - y) ** 2 + highlights * y**2

    return apply


@family("tone")
def fade(rng: Random) -> Transform:
    """Matte: blacks lifted to a colour."""
    veil, share = colour(rng, 0.1, 0.5), rng.uniform(0.3, 0.7)
    return lambda u: mix(u, torch.maximum(u, veil) * 0.5 + veil * 0.5, share)


@family("tone")
def shadows_and_highlights(rng: Random) -> Transform:
    """Shadows raised or sunk and highlights recovered or blown, by a blurred luma."""
    low, high = rng.uniform(0.15, 0.45) * sign(rng), rng.uniform(0.15, 0.45) * sign(rng)

    def apply(u: Tensor) -> Tensor:
        y = blur(luma(u), 0.02)
        return u + low * (1 - y) ** 3 * u.clamp_min(0.15) * 2 + high * y**3 * 0.6

    return apply


@family("tone")
def clarity(rng: Random) -> Transform:
    """Contrast against the surroundings, a fortieth to a tenth of the width around."""
    scale, amount = rng.uniform(0.025, 0.08), rng.uniform(0.5, 1.2)

    def apply(u: Tensor) -> Tensor:
        y = luma(u)
        return u + amount * (y - blur(y, scale))

    return apply


@family("tone")
def haze_removal(rng: Random) -> Transform:
    """Takes a veil off: subtracts it and stretches what is left, more saturated."""
    veil, factor = colour(rng, 0.12, 0.3), rng.uniform(1.1, 1.6)

    def apply(u: Tensor) -> Tensor:
        clear = (u - veil) / (1 - veil)
        return mix(luma(clear), clear, factor)

    return apply
