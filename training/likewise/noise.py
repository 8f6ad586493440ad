"""The engine's seeded numbers (workers/engine/noise.ts), reproduced."""

from __future__ import annotations

import numpy as np

GOLDEN = np.uint32(0x9E3779B9)


def _mix(h: np.ndarray) -> np.ndarray:
    h = h.astype(np.uint32)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def words(seed: int, first: int, count: int) -> np.ndarray:
    """``count`` words of an unsigned 32-bit seed, from the one numbered ``first`` on, as float64 in 0..2^32."""
    k0 = _mix(np.array([seed & 0xFFFFFFFF], dtype=np.uint32) + GOLDEN)
    k1 = _mix(k0 + GOLDEN)
    return _mix(_mix(np.arange(first, first + count, dtype=np.uint32) ^ k0) + k1).astype(np.float64)


def gaussian_noise(seed: int, length: int) -> np.ndarray:
    """``length`` standard normal float32 numbers."""
    pairs = words(seed, 0, length + length % 2)
    radius = np.sqrt(-2 * np.log((pairs[0::2] + 0.5) / 2**32))
    angle = 2 * np.pi * pairs[1::2] / 2**32
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return both.reshape(-1)[:length].astype(np.float32)
