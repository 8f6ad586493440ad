"""The data: ranges, determinism, scale, splits. Needs no photographs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from likewise.data.families import FAMILIES
from likewise.data.images import source
from likewise.data.quadruples import LABELS, names_in, sample_quadruple

# Their look depends on the pixel grid itself, not only on lengths in fractions of the image.
GRID_BOUND = {"grain", "paper", "oil", "pixelate", "halftone", "hatching", "scanlines", "canvas", "posterise", "text"}


def example(seed: int, size: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    noise = torch.from_numpy(rng.uniform(0, 1, (1, 3, 8, 8)).astype(np.float32))
    return F.interpolate(noise, size=(size, size), mode="bicubic").clamp(0, 1)[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_family_keeps_shape_and_range_and_is_deterministic(name: str) -> None:
    image = example(1, 64)
    edit = FAMILIES[name].make(np.random.default_rng(5))
    again = FAMILIES[name].make(np.random.default_rng(5))
    out = edit(image)
    assert out.shape == image.shape and out.dtype == torch.float32
    assert 0 <= out.min() and out.max() <= 1
    assert torch.equal(out, edit(image)) and torch.equal(out, again(image))


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - GRID_BOUND))
def test_family_means_the_same_at_both_sizes(name: str) -> None:
    large = example(2, 256)
    small = F.avg_pool2d(large[None], 2)[0]
    edit = FAMILIES[name].make(np.random.default_rng(9))
    error = (F.avg_pool2d(edit(large)[None], 2)[0] - edit(small)).abs().mean()
    assert error < 0.02


def test_splits_are_disjoint_and_all_there() -> None:
    base, basis, held = (set(names_in({s})) for s in ("base", "basis", "held_out"))
    assert len(base) >= 30 and len(basis) >= 5 and len(held) >= 6
    assert not base & basis and not base & held and not basis & held
    assert len({FAMILIES[n].group for n in held}) >= 6


def test_quadruples_are_eight_bit_and_named() -> None:
    for seed in range(6):
        q = sample_quadruple(np.random.default_rng(seed), 64, {"base"})
        assert q.family in LABELS
        for image in (q.a, q.a2, q.b, q.b2):
            assert image.shape == (3, 64, 64)
            assert torch.allclose(image * 255, (image * 255).round(), atol=1e-4)


def test_procedural_sources_differ() -> None:
    first, second = (source(np.random.default_rng(s), 64, "train") for s in (1, 2))
    assert not torch.allclose(first, second)
