"""The anchor finds what it can express and leaves alone what it cannot."""

import torch
import torch.nn.functional as F

from likewise.anchor import COLUMNS, FEATURES, anchors, features, fit_from_gram, gaussian_blur, gram


def images(seed: int, count: int, size: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 12, 12, generator=generator)
    return F.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)


def solve(edit, seed: int = 0) -> tuple[str, float]:  # noqa: ANN001
    a, b = images(seed, 1), images(seed + 100, 1)
    _, on_b, fits = anchors(a, edit(a), b)
    return fits[0].group, float(-10 * torch.log10((on_b - edit(b)).square().mean().clamp_min(1e-10)))


def test_shapes() -> None:
    phi = features(images(0, 2))
    assert phi.shape == (2, FEATURES, 64, 64)
    assert gram(phi, images(1, 2)).shape == (2, 16, COLUMNS, COLUMNS)


def test_colour_matrix_is_exact() -> None:
    matrix = torch.tensor([[0.6, 0.2, 0.0], [0.1, 0.7, 0.1], [0.0, 0.1, 0.8]])
    group, decibels = solve(lambda u: torch.einsum("ij,bjhw->bihw", matrix, u) + 0.02)
    assert group == "colour" and decibels > 60


def test_mirror_is_exact() -> None:
    group, decibels = solve(lambda u: u.flip(3))
    assert group == "copies" and decibels > 60


def test_blur_is_exact() -> None:
    group, decibels = solve(lambda u: gaussian_blur(u, 2 * 64 / 256))
    assert group == "detail" and decibels > 45


def test_nothing_is_claimed_of_noise() -> None:
    a = images(3, 1)
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    fit = fit_from_gram(gram(features(a), noise - a)[0], 64)
    # The mean of noise is a colour; what must not be chosen is a group that finds structure in it.
    assert fit.group in ("none", "colour")


def test_identity_stays_identity() -> None:
    a, b = images(4, 1), images(5, 1)
    _, on_b, fits = anchors(a, a, b)
    assert fits[0].group == "none" and torch.equal(on_b, b)
