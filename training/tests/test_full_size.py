"""A large picture keeps its detail through the engine: likewise.full_size at 3 megapixels, one edit."""

import numpy as np
import pytest

from likewise.engine import ROOT
from likewise.full_size import SAMPLES, drift, gradient_energy, large, measure, opened


@pytest.fixture(scope="module")
def b() -> np.ndarray:
    """A sample photograph enlarged, with fine noise: detail that 256 x 256 cannot hold."""
    return large(SAMPLES / "warm" / "b.jpg", 2000, 1500)


def test_colour_keeps_the_detail(b: np.ndarray) -> None:
    (row,) = measure(ROOT / "public" / "packs" / "studio", b, opened(SAMPLES / "sketch" / "b.jpg"), ["hue"], 1)
    assert row["decibelsOfB"] < 20 and row["decibels"] > 40, row
    assert abs(row["gradientEnergy"] - 1) <= 0.1, row
    assert row["drift"] <= 0.1, row


def test_drift_and_gradient_energy_see_what_they_should(b: np.ndarray) -> None:
    piece = b[:600, :800]
    assert drift(piece, piece) < 0.01
    assert abs(drift(b[3:603, 4:804], piece) - 5) < 0.1
    soft = (piece.astype(np.float32) + np.roll(piece, 1, 1)) / 2
    assert gradient_energy(soft.astype(np.uint8)) < 0.8 * gradient_energy(piece)
