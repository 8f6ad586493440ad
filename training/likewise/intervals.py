"""Means with 95 % intervals by the bootstrap, seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REPLICATES = 2000


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float
    count: int


def interval(clusters: Sequence[Sequence[float]], seed: int = 0) -> Interval | None:
    """Mean over clusters of each one's mean. Of several clusters (families) these are drawn anew and
    then the values within them, so that it holds for other families too; of one, the values. What is
    not a number is left out; None where nothing is left."""
    kept = [values[~np.isnan(values)] for values in (np.asarray(c, float) for c in clusters)]
    kept = [values for values in kept if len(values)]
    if not kept:
        return None
    rng = np.random.default_rng(seed)
    counts = np.array([len(values) for values in kept])
    padded = np.zeros((len(kept), counts.max()))
    for row, values in zip(padded, kept):
        row[: len(values)] = values
    total = np.zeros(REPLICATES)
    for _ in kept:
        chosen = rng.integers(len(kept), size=REPLICATES)
        n = counts[chosen][:, None]
        place = (rng.random((REPLICATES, counts.max()), dtype=np.float32) * n).astype(np.int64)
        inside = np.arange(counts.max())[None] < n
        drawn = padded[chosen[:, None], np.minimum(place, n - 1)] * inside
        total += drawn.sum(1) / n[:, 0]
    low, high = np.percentile(total / len(kept), [2.5, 97.5])
    return Interval(float(np.mean([v.mean() for v in kept])), float(low), float(high), int(counts.sum()))
