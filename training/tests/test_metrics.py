"""The metrics against scikit-image's and against published values."""

import math

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from likewise.metrics import CEILING, Truth, delta_e, lab, psnr

# Sharma, Wu and Dalal, 2005, table 1: the pairs where implementations go wrong (hues across 0 and 360,
# greys, the large blue differences), and some ordinary ones.
PUBLISHED = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
]


def pictures(seed: int, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 12, 12, generator=generator)
    image = torch.nn.functional.interpolate(small, size=(72, 96), mode="bicubic").clamp(0, 1)
    other = (image + noise * torch.randn(image.shape, generator=generator)).clamp(0, 1)
    return image, other


def pixels(image: torch.Tensor) -> np.ndarray:
    return image[0].permute(1, 2, 0).double().numpy()


@pytest.mark.parametrize(("first", "second", "expected"), PUBLISHED)
def test_ciede2000_is_as_published(first: tuple, second: tuple, expected: float) -> None:
    one, two = (torch.tensor(v, dtype=torch.float64).view(3, 1) for v in (first, second))
    assert abs(float(delta_e(one, two)) - expected) < 1e-4
    assert abs(float(delta_e(two, one)) - expected) < 1e-4


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
def test_metrics_are_those_of_scikit_image(noise: float) -> None:
    image, other = pictures(1, noise)
    truth = Truth(image, image)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    expected = structural_similarity(pixels(image), pixels(other), channel_axis=2, **settings)
    assert abs(truth.ssim(other) - expected) < 1e-4
    assert np.abs(lab(other).permute(1, 2, 0).numpy() - rgb2lab(pixels(other))).max() < 1e-2
    expected = deltaE_ciede2000(rgb2lab(pixels(image)), rgb2lab(pixels(other))).mean()
    assert abs(truth.ciede2000(other) - expected) < 1e-3


def test_of_the_same_picture() -> None:
    image, _ = pictures(2, 0)
    found = Truth(1 - image, image).compare(image)
    assert found == pytest.approx((CEILING, 1.0, 0.0, 1.0), abs=1e-3)


def test_psnr() -> None:
    image = torch.full((1, 3, 8, 8), 0.5)
    assert psnr(image, image + 0.1) == pytest.approx(20, abs=1e-4)


def test_cosine_is_of_the_edits() -> None:
    b = torch.full((1, 3, 16, 16), 0.5)
    truth = b.clone()
    truth[:, 0] += 0.2
    across = b.clone()
    across[:, 1] += 0.3
    compare = Truth(b, truth).cosine
    assert compare(b + 2 * (truth - b)) == pytest.approx(1) and compare(2 * b - truth) == pytest.approx(-1)
    assert compare(across) == 0 and compare(b) == 0
    assert math.isnan(Truth(b, b).cosine(truth))
