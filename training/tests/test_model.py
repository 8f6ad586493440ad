"""Denoiser, head, basis, export: each against what it must equal."""

from pathlib import Path

import numpy as np
import pytest
import torch

from likewise import checkpoint
from likewise.anchor import anchors
from likewise.basis import encode_triplet, standardise
from likewise.export import export_pack
from likewise.model import Config, Encoder, head
from likewise.noise import gaussian_noise
from likewise.pack import Pack

SMALL = Config(width=32, depth=2, heads=2, fine=16, middle=24, features=16)


def build(seed: int = 0) -> checkpoint.Models:
    """Small networks with every zero-initialised part stirred, so that nothing cancels."""
    torch.manual_seed(seed)
    models = checkpoint.build(SMALL, elements=5, rank=2)
    with torch.no_grad():
        for layer in (models.denoiser.to_maps, models.denoiser.to_grid):
            layer.weight.normal_(0, 0.05)
        models.denoiser.to_maps.bias.view(16, 5)[:, 3] += 1
        for b in models.basis.b:
            b.normal_(0, 0.1)
        for module in (models.denoiser, models.encoder, models.basis):
            for parameter in module.parameters():
                parameter.copy_(parameter.half().float())  # what a pack can hold
    return models


def test_untrained_head_returns_the_anchor() -> None:
    denoiser = checkpoint.build(SMALL).denoiser
    b, anchor, pairs = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64), torch.rand(2, 2, 9, 64, 64)
    grid, maps = denoiser(torch.randn(2, 3, 64, 64), torch.cat([b, anchor], 1), pairs, torch.rand(2))
    assert torch.equal(head(grid, maps, b, anchor), anchor)


def test_side_path_equals_merge() -> None:
    models = build()
    coefficients = models.basis.route(torch.randn(2, 48))
    inputs = (torch.randn(2, 3, 64, 64), torch.rand(2, 6, 64, 64), torch.rand(2, 1, 9, 64, 64), torch.rand(2))
    with torch.no_grad():
        models.basis.attach(models.denoiser, coefficients)
        grid, maps = models.denoiser(*inputs)
        models.basis.attach(models.denoiser, None)
        for name, weight in models.basis.merged(models.denoiser, coefficients[1]).items():
            models.denoiser.get_parameter(f"{name}.weight").copy_(weight)
        merged_grid, merged_maps = models.denoiser(*(x[1:] for x in inputs))
    assert torch.allclose(grid[1:], merged_grid, atol=1e-4) and torch.allclose(maps[1:], merged_maps, atol=1e-4)


def test_noise_is_the_engines() -> None:
    # The values workers/engine/noise.test.ts pins.
    text = (Path(__file__).parents[2] / "workers" / "engine" / "noise.test.ts").read_text()
    first = [float(v) for v in text.split("[")[1].split("]")[0].replace("\n", " ").split(",") if v.strip()]
    assert np.allclose(gaussian_noise(0, len(first)), first, atol=1e-5)


@pytest.mark.parametrize(("precision", "most"), [("fp32", 1e-3), ("fp16", 0.0032)])
def test_exported_pack_agrees_with_pytorch(tmp_path: Path, precision: str, most: float) -> None:
    """Coefficients, merged weights, one step and the whole run; 0.0032 is 50 dB."""
    models = build()
    generator = torch.Generator().manual_seed(3)
    a, b = (torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16, generator=generator), 256) for _ in range(2))
    a2 = 1 - a
    on_a, on_b, _ = anchors(a, a2, b)
    export_pack(models, tmp_path)
    pack = Pack(tmp_path, precision)

    with torch.no_grad():
        expected = models.basis.route(encode_triplet(models.encoder, a, a2, b))[0]
        coefficients = pack.coefficients(a, a2, b)
        assert np.abs(coefficients - expected.numpy()).max() <= most
        weights = models.basis.merged(models.denoiser, expected)
        merged = pack.merge(coefficients)
        assert max(np.abs(merged[f"{k}.weight"] - v.numpy()).max() for k, v in weights.items()) <= most
        for name, weight in weights.items():
            models.denoiser.get_parameter(f"{name}.weight").copy_(weight)
        pairs, target = torch.cat([a, a2 - a, a2 - on_a], 1)[:, None], torch.cat([b, on_b], 1)
        x = torch.from_numpy(gaussian_noise(7, b.numel())).reshape(b.shape)
        for k in range(2):
            drawn = head(*models.denoiser(x, target, pairs, torch.tensor([k / 2])), b, on_b).clamp(0, 1)
            x = x + (2 * drawn - 1 - x) * (0.5 / (1 - k / 2))
    result = pack.run(a, a2, b, on_a, on_b, coefficients, 2, seed=7)
    rms = float((result - drawn).square().mean().sqrt())
    assert rms <= most
    if precision == "fp32":
        assert float((result - drawn).abs().max()) <= most


def test_standardised_features_have_mean_0_and_the_spread() -> None:
    torch.manual_seed(0)
    encoder, images = Encoder(), torch.rand(70, 3, 32, 32)
    before = encoder(images)
    standardise(encoder, images, spread=2.0)
    after = encoder(images)
    assert after.mean(0).abs().max() < 1e-3
    assert (after.std(0) - 2).abs().max() < 1e-2
    # A fixed scale and shift of each feature and nothing else.
    ratio = (after[1] - after[0]) / (before[1] - before[0])
    assert torch.allclose((after[3] - after[2]), (before[3] - before[2]) * ratio, atol=1e-2)
