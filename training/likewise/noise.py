"""The engine's seeded noise (workers/engine/noise.ts), reproduced."""

from __future__ import annotations

import numpy as np

GOLDEN = np.uint32(0x9E3779B9)


def _mix(h: np.ndarray) -> np.ndarray:
    h = h.astype(np.uint32)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def gaussian_noise(seed: int, length: int) -> np.ndarray:
    """``length`` standard normal float32 numbers of an unsigned 32-bit seed."""
    k0 = _mix(np.array([seed & 0xFFFFFFFF], dtype=np.uint32) + GOLDEN)
    k1 = _mix(k0 + GOLDEN)
    words = _mix(_mix(np.arange(length + length % 2, dtype=np.uint32) ^ k0) + k1).astype(np.float64)
    radius = np.sqrt(-2 * np.log((words[0::2] + 0.5) / 2**32))
    angle = 2 * np.pi * words[1::2] / 2**32
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return both.reshape(-1)[:length].astype(np.float32)
