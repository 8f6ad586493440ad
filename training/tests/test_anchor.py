"""The anchor finds what it can express and leaves alone what it cannot."""

import torch
import torch.nn.functional as F

from likewise import lookup
from likewise.anchor import COLUMNS, FEATURES, FOLDS, anchors, features, fit, fold_of_pixel, gaussian_blur, gram


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
    phi = features(a)
    fitted = fit(a[0], noise[0], phi[0], gram(phi, noise - a)[0])
    # The mean of noise is a colour; what must not be chosen is a group that finds structure in it.
    assert fitted.group in ("none", "colour")


def test_identity_stays_identity() -> None:
    a, b = images(4, 1), images(5, 1)
    _, on_b, fits = anchors(a, a, b)
    assert fits[0].group == "none" and torch.equal(on_b, b)


def test_a_lookup_is_found_for_what_is_not_smooth() -> None:
    group, decibels = solve(lambda u: torch.where(u > 0.55, 1 - u, u))
    assert group == "channel" and decibels > 35
    dark, light = torch.tensor([0.1, 0.0, 0.3]).view(3, 1, 1), torch.tensor([1.0, 0.9, 0.7]).view(3, 1, 1)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    group, decibels = solve(lambda u: torch.where((u * weights).sum(1, keepdim=True) > 0.5, light, dark))
    assert group == "luma" and decibels > 25
    group, decibels = solve(lambda u: (gaussian_blur(u, 64 / 256) * 3).floor().clamp_max(2) / 2)
    assert group in ("channel", "soft channel") and decibels > 20


def test_a_table_goes_on_straight_where_nothing_was_seen() -> None:
    a = images(6, 1) * 0.5
    b = images(7, 1) * 0.6
    phi, edited = features(a), a.square() + a * 0.5
    sums = lookup.sums(a, edited, fold_of_pixel(64), FOLDS)
    table = lookup.tables(sums, torch.tensor([1e-6], dtype=torch.float64), 64 * 64)
    assert float((lookup.look_up(table, b) - b.square() - b * 0.5).abs().max()) < 0.03
