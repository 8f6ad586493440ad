"""The anchor finds what it can express and leaves alone what it cannot."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from likewise import hue, local, lookup, patch_match, warp
from likewise.anchor import COLUMNS, FEATURES, FOLDS, anchors, features, fit_all, fold_of_pixel, gaussian_blur, gram


def images(seed: int, count: int, size: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 12, 12, generator=generator)
    return F.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)


def solve(edit, seed: int = 0) -> tuple[str, float]:  # noqa: ANN001
    a, b = images(seed, 1), images(seed + 100, 1)
    _, on_b, fits = anchors(a, edit(a), b)
    return fits.groups[0], float(-10 * torch.log10((on_b - edit(b)).square().mean().clamp_min(1e-10)))


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
    fits = fit_all(a, noise, phi)
    # The mean of noise is a colour; what must not be chosen is a group that finds structure in it.
    assert fits.groups[0] in ("none", "colour") and not fits.warps.rows()


def test_identity_stays_identity() -> None:
    a, b = images(4, 1), images(5, 1)
    _, on_b, fits = anchors(a, a, b)
    assert fits.groups[0] == "none" and torch.equal(on_b, b)


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


def golden_pair() -> tuple[torch.Tensor, torch.Tensor]:
    """The pair of workers/engine/compute/anchor-fit.test.ts, ``[1, 3, 32, 32]`` each."""
    axis = torch.arange(32, dtype=torch.float64)
    channel = torch.arange(1, 4, dtype=torch.float64).view(3, 1, 1)
    a = (0.5 + 0.4 * torch.sin(0.37 * axis * channel + 0.23 * axis[:, None])).float()[None]
    return a, torch.where(a > 0.6, 1 - a, a * a)


# Of the knots 0, 64, 128, 192 and 255: r, g, b.
GOLDEN = (
    (
        "channel",
        0.0000008,
        1e-06,
        (
            -0.02386, -0.02387, -0.02386,
            0.06299, 0.06299, 0.06299,
            0.25196, 0.25196, 0.25196,
            0.24706, 0.24706, 0.24706,
            0.03441, 0.03441, 0.03441,
        ),
    ),
    (
        "luma",
        0.0077199,
        0.01,
        (
            -0.03775, -0.01883, -0.06015,
            0.13839, 0.02524, 0.2241,
            0.14335, 0.26935, 0.22269,
            0.26736, 0.17214, 0.17734,
            -0.0095, 0.08578, -0.05808,
        ),
    ),
    (
        "gradient",
        0.0102901,
        0.0001,
        (
            0.08314, 0.01094, 0.09225,
            -0.33389, 0.03075, 1.72062,
            -0.44663, 0.10341, 2.65711,
            -0.24384, 0.33077, 2.9989,
            -0.00396, 0.57431, 3.2595,
        ),
    ),
)
# Of the knots 0, 40, 100, 136 and 255.
GOLDEN_LOCAL = (
    -0.02434, -0.02488, -0.02035,
    0.01031, 0.00984, -0.01257,
    0.15918, 0.15781, 0.15906,
    0.28619, 0.28086, 0.28428,
    0.04159, 0.00524, 0.00438,
)


@pytest.mark.parametrize("kind, score, ridge, knots", GOLDEN, ids=lambda value: value if isinstance(value, str) else "")
def test_lookups_agree_with_the_engine(kind: str, score: float, ridge: float, knots: tuple[float, ...]) -> None:
    a, edited = golden_pair()
    sums = lookup.sums(lookup.index(kind, a, features(a)), edited, fold_of_pixel(32), FOLDS)
    found, ridges = lookup.scores([sums], 32 * 32)
    assert abs(float(found) - score) < 5e-7 and float(ridges) == ridge
    table = lookup.tables(sums, ridges[:, 0], 32 * 32)[0]
    assert float((table[[0, 64, 128, 192, 255]].flatten() - torch.tensor(knots)).abs().max()) < 1e-4


@pytest.mark.parametrize("weights", lookup.LUMAS)
def test_knows_which_luma_a_curve_is_of(weights: tuple[float, float, float]) -> None:
    generator = torch.Generator().manual_seed(7)
    a, b = torch.rand(2, 1, 3, 64, 64, generator=generator)

    def edited(image: torch.Tensor) -> torch.Tensor:
        steps = (lookup.luma(image, torch.tensor([weights])) * 4).floor() / 4
        return torch.cat([steps, 1 - steps, steps**2], 1)

    _, on_b, fits = anchors(a, edited(a), b)
    assert fits.groups == ["luma"] and torch.allclose(fits.lumas[0], torch.tensor(weights))
    assert (on_b - edited(b)).square().mean() < 0.01


def test_local_lookups_agree_with_the_engine() -> None:
    a, edited = golden_pair()
    around = torch.stack([gaussian_blur(a, sigma * 32 / 256) for sigma in local.SIGMAS])
    score, kinds, tables = local.fit(a, edited, around, torch.tensor(lookup.LUMAS[:1]), fold_of_pixel(32), FOLDS, torch.ones(1))
    assert abs(float(score) - 9.7e-6) < 5e-7 and kinds == ["local channel 16"]
    assert float((tables[0, [0, 40, 100, 136, 255]].flatten() - torch.tensor(GOLDEN_LOCAL)).abs().max()) < 1e-4


def test_local_lookups_of_several_pairs_are_those_of_each() -> None:
    generator = torch.Generator().manual_seed(5)
    u = torch.nn.functional.interpolate(torch.rand(4, 3, 12, 12, generator=generator), 64, mode="bicubic").clamp(0, 1)
    soft = gaussian_blur(u, 1.0)
    lines = (u[1] - soft[1]).mean(0).abs().expand(3, -1, -1) * 4
    edited = torch.stack([u[0] * 2 - soft[0], lines, u[2].flip(2), u[3] ** 2]).clamp(0, 1)
    fold = fold_of_pixel(64)
    around = torch.stack([gaussian_blur(u, sigma * 64 / 256) for sigma in local.SIGMAS])
    lumas = torch.tensor(lookup.LUMAS[:1]).expand(4, 3)
    bound = torch.tensor([0.01, 0.01, 1e-4, 0.01])
    score, kinds, tables = local.fit(u, edited, around, lumas, fold, FOLDS, bound)
    assert score.isfinite().tolist() == [True, True, False, True]
    for k in range(4):
        alone, kind, table = local.fit(u[[k]], edited[[k]], around[:, [k]], lumas[[k]], fold, FOLDS, bound[[k]])
        assert kind == [kinds[k]] and torch.allclose(alone, score[[k]])
        assert torch.allclose(table[0], tables[k], atol=1e-5)


def test_a_local_lookup_is_found_for_what_depends_on_what_is_around() -> None:
    group, decibels = solve(lambda u: (u / gaussian_blur(u, 8 * 64 / 256).clamp_min(0.05)).clamp(0, 1))
    assert group == "local channel 8" and decibels > 35


def turned_hue(u: torch.Tensor, by: float) -> torch.Tensor:
    """As HSL and HSV turn a hue, by so many sixths."""
    most, least = u.amax(1, keepdim=True), u.amin(1, keepdim=True)
    at = (hue.places(u)[1].reshape(most.shape) * (6 / hue.HUES) + by + torch.tensor([5, 3, 1]).view(1, 3, 1, 1)) % 6
    return most - (most - least) * torch.minimum(at, 4 - at).clamp(0, 1)


def test_a_hue_lookup_is_found_for_hues_that_are_turned() -> None:
    group, decibels = solve(lambda u: turned_hue(u, 0.75))
    assert group == "hue" and decibels > 45


def test_a_hue_lookup_leaves_greys_to_the_weights() -> None:
    grey = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1)).expand(-1, 3, -1, -1)
    assert float(hue.look_up(torch.rand(1, hue.KNOTS, 3), grey).abs().max()) == 0


# Of the knots 0, 40, 100, 136 and 215.
GOLDEN_HUE = (
    -0.01959, 0.06561, 0.079,
    -0.06242, -0.02965, 0.11223,
    0.06737, -0.03554, -0.07419,
    0.03899, 0.06464, -0.07264,
    -0.01457, -0.04403, -0.0118,
)


def test_hue_lookups_agree_with_the_engine() -> None:
    a, edited = golden_pair()
    few, all_of_tone = (hue.fit(a, edited, features(a), fold_of_pixel(32), FOLDS, (bound, bound)) for bound in (1.0, 1e-3))
    assert few is not None and all_of_tone is not None
    assert abs(few[0] - 1.69807e-3) < 5e-7 and few[1].shape == (4, 3)
    score, weights, table = all_of_tone
    assert abs(score - 3.65e-5) < 5e-7 and weights.shape == (22, 3)
    assert float((table[[0, 40, 100, 136, 215]].flatten() - torch.tensor(GOLDEN_HUE)).abs().max()) < 1e-4


def photograph(seed: int, size: int = 128) -> torch.Tensor:
    """``[1, 3, S, S]`` with large shapes and detail, for which there is one place to read from."""
    generator = torch.Generator().manual_seed(seed)
    layers = [torch.rand(1, 3, n, n, generator=generator) for n in (3, 6, 12, 24)]
    return sum(
        F.interpolate(layer, size=(size, size), mode="bicubic") * 0.5 ** (k + 1) for k, layer in enumerate(layers)
    ).clamp(0, 1)


def zoomed(u: torch.Tensor, padding: str = "reflection", scale: float = 0.7, angle: float = 0.0) -> torch.Tensor:
    matrix = torch.tensor([[math.cos(angle), -math.sin(angle), 0.05], [math.sin(angle), math.cos(angle), 0.0]]) * scale
    where = F.affine_grid(matrix[None], list(u.shape), align_corners=False)
    return F.grid_sample(u, where, mode="bilinear", padding_mode=padding, align_corners=False)


@pytest.mark.parametrize(
    "edit, outside",
    [
        (zoomed, "mirror"),
        (lambda u: zoomed(u, scale=1.3, angle=0.2), "mirror"),
        (lambda u: zoomed(u, "zeros", 1.4), "colour"),
        (lambda u: u.roll((20, -12), (2, 3)), "wrap"),
    ],
    ids=["in", "out and turned", "on black", "shifted round"],
)
def test_a_warp_is_found(edit: Callable[[torch.Tensor], torch.Tensor], outside: str) -> None:
    a, b = photograph(0), photograph(1)
    _, on_b, fits = anchors(a, edit(a), b)
    assert fits.warps.outside == [outside]
    assert float(-10 * torch.log10((on_b - edit(b)).square().mean())) > 35


def test_colour_is_fitted_on_top_of_a_warp() -> None:
    a, b = photograph(0), photograph(1)
    edit = lambda u: zoomed(u) * 0.8 + 0.1  # noqa: E731
    _, on_b, fits = anchors(a, edit(a), b)
    assert fits.warps.outside == ["mirror"] and fits.groups != ["none"]
    assert float(-10 * torch.log10((on_b - edit(b)).square().mean())) > 33


def golden_waves(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The picture of workers/engine/compute/warp-fit.test.ts at positions ``[S, S]``: ``[3, S, S]``."""
    c = torch.arange(3, dtype=torch.float64).view(3, 1, 1)
    return 0.5 + 0.25 * torch.sin(2.1 * x + 1.3 * y * y + c) + 0.2 * torch.sin(3.7 * y - 2.3 * x * y + 2 * c)


def golden_warped(outside: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if outside == "mirror":
        return 0.8 * golden_waves(0.7 * x - 0.2 * y + 0.1 + 0.08 * x * y, 0.2 * x + 0.65 * y - 0.1 * x * x) + 0.1
    to_x, to_y = 1.2 * x + 0.1 * y, 1.2 * y - 0.1 * x
    inside = torch.maximum(to_x.abs(), to_y.abs()) <= 1
    return golden_waves(to_x, to_y).where(inside, torch.tensor([0.2, 0.4, 0.6]).double().view(3, 1, 1))


# Of the coefficients 0, 1, 2, 4, 9 and 20: along x, along y.
@pytest.mark.parametrize(
    "outside, left, coefficients",
    [
        (
            "mirror",
            0.0665,
            (
                (0.01314, -0.13049, -0.293, 0.06744, 0.22754, -0.0599),
                (0.01412, 0.25175, -0.19876, 0.23753, 0.04548, -0.12965),
            ),
        ),
        (
            "colour",
            0.01047,
            ((-0.00028, 0.20047, 0.10008, 0.0, 0.0, 0.0), (0.0001, -0.10016, 0.19977, 0.0, 0.0, 0.0)),
        ),
    ],
    ids=["mirror", "colour"],
)
def test_warps_agree_with_the_engine(outside: str, left: float, coefficients: tuple[tuple[float, ...], ...]) -> None:
    x = ((torch.arange(64, dtype=torch.float64) + 0.5) / 64 * 2 - 1).expand(64, 64)
    a, edited = golden_waves(x, x.T), golden_warped(outside, x, x.T)
    found, share = warp.fit(a.float()[None], edited.float()[None])
    assert found.outside == [outside] and abs(float(share) - left) < 5e-5
    shown = found.coefficients[0][:, [0, 1, 2, 4, 9, 20]]
    assert float((shown - torch.tensor(coefficients)).abs().max()) < 1e-4
    if outside == "colour":
        assert float((found.colour - torch.tensor([0.2, 0.4, 0.6])).abs().max()) < 1e-6


# The same pair, and these numbers, are in workers/engine/compute/warp-fit.test.ts.
def test_channels_apart_agree_with_the_engine() -> None:
    x = ((torch.arange(64, dtype=torch.float64) + 0.5) / 64 * 2 - 1).expand(64, 64)
    y = x.T
    a = golden_waves(x, y)
    places = ((1.03 * x + 0.06, 1.03 * y - 0.02), (x, y), (0.98 * x - 0.05, 0.98 * y + 0.03))
    edited = torch.stack([golden_waves(*place)[c] for c, place in enumerate(places)])
    found = warp.fit_channels(a.float()[None], edited.float()[None], most=0.5)[0]
    assert found is not None
    expected = torch.tensor(
        [
            [[0.05992, 0.02978, 0.00003], [-0.01984, 0.00017, 0.03034]],
            [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
            [[-0.05009, -0.02009, 0.00005], [0.03024, 0.00026, -0.01989]],
        ]
    )
    assert float((found - expected).abs().max()) < 1e-4
    # What moves all channels alike, or none, is not their being apart.
    for whole in (0.8 * a + 0.1, golden_waves(x + 0.1, y)):
        assert warp.fit_channels(a.float()[None], whole.float()[None], most=1.0) == [None]


def test_channels_apart_are_found_under_a_change_of_colour() -> None:
    a, b = waves(1, 128), waves(2, 128)

    def edit(u: torch.Tensor) -> torch.Tensor:
        moved = [u[0].roll(3, 1), u[1], u[2].roll(-3, 1)]
        return 0.1 + 0.8 * torch.stack(moved) ** 1.3

    _, on_b, fits = anchors(a[None], edit(a)[None], b[None])
    assert fits.warps.channels[0] is not None
    # But for what was rolled in from the other side.
    inner = (on_b[0] - edit(b))[:, :, 4:-4]
    assert float(-10 * torch.log10(inner.square().mean())) > 35


def waves(seed: int, size: int) -> torch.Tensor:
    """A picture ``[3, S, S]`` that looks alike in no two places."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 7, generator=generator)
    fine = torch.rand(1, 3, 14, 14, generator=generator)
    large, small = (F.interpolate(u, size=(size, size), mode="bicubic")[0] for u in (coarse, fine))
    return (0.6 * large + 0.4 * small).clamp(0, 1)


def folded(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x.abs() - 0.3 * (y > 0.2), 0.9 * y


def swirled(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    angle = 2 * (1 - (x * x + y * y).sqrt()).clamp_min(0) ** 2
    return x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()


def four_times(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return 2 * x - x.sign(), 2 * y - y.sign()


# The same edits, and this bound, are in workers/engine/compute/patch-match.test.ts.
@pytest.mark.parametrize("where", [folded, swirled, four_times])
def test_correspondences_are_found(where: Callable[..., tuple[torch.Tensor, torch.Tensor]]) -> None:
    size = 128
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    place = torch.stack(where(x, y), -1)
    a, b = waves(1, size), waves(2, size)
    _, on_b, fits = anchors(a[None], patch_match.read(a, place)[None], b[None])
    assert fits.warps.matches[0] is not None
    assert float(-10 * torch.log10((on_b[0] - patch_match.read(b, place)).square().mean())) > 27


def test_correspondences_do_not_explain_what_was_painted_over() -> None:
    a = waves(3, 128)
    dark, barred = a.clone(), a.clone()
    dark[:, :16], barred[:, 102:] = 0.02, 0.02
    assert patch_match.fit(dark, barred) is None
    assert patch_match.fit(a, torch.rand(a.shape, generator=torch.Generator().manual_seed(1))) is None
