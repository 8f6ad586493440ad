"""What was laid over a picture is found, and what is drawn by the picture is not taken for it."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from likewise.anchor import anchors, features

SIZE = 128


def picture(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    parts = [
        F.interpolate(torch.rand(1, 3, n, n, generator=generator), size=SIZE, mode="bicubic") * share
        for n, share in ((6, 0.6), (24, 0.3), (96, 0.1))
    ]
    return sum(parts, torch.zeros(1, 3, SIZE, SIZE)).clamp(0, 1)


def framed(u: Tensor) -> Tensor:
    out = torch.tensor([0.9, 0.2, 0.4]).view(1, 3, 1, 1).expand_as(u).clone()
    out[..., 12:-12, 12:-12] = u[..., 12:-12, 12:-12]
    return out


def striped(u: Tensor) -> Tensor:
    share = 0.6 * (torch.arange(SIZE) % 32 < 10).float()
    return u * (1 - share) + 0.9 * share


def graded(u: Tensor) -> Tensor:
    return (u * torch.tensor([0.9, 0.8, 0.6]).view(1, 3, 1, 1) + 0.05).clamp(0, 1)


def below_a_sky(u: Tensor) -> Tensor:
    out, sky = u.clone(), torch.linspace(0.3, 0.8, SIZE // 2).view(-1, 1)
    out[..., : SIZE // 2, :] = torch.stack([sky - 0.2, sky, sky + 0.2])
    return out


def captioned(u: Tensor) -> Tensor:
    """White type on a dark bar that one can see through."""
    out = u.clone()
    out[..., 8:36, :] *= 0.4
    for x in range(8, SIZE - 8, 10):
        out[..., 14:28, x : x + 5] = 1
    return out


def shaded(u: Tensor) -> Tensor:
    """White type on a shade that grows darker from the middle of the picture to its lower edge."""
    out = u * (2 - 2 * (torch.arange(SIZE) + 0.5) / SIZE).clamp(0, 1).view(-1, 1)
    for x in range(8, 70, 8):
        out[..., SIZE - 34 : SIZE - 18, x : x + 4] = 1
    return out


def contrasty(u: Tensor) -> Tensor:
    return (4 * (u - 0.5) + 0.5).clamp(0, 1)


def shadowed(u: Tensor) -> Tensor:
    """White type with a soft shadow, drawn at four times the size: every pixel of its edges is a mixture."""
    y, x = torch.meshgrid(torch.arange(4 * SIZE) - 60, torch.arange(4 * SIZE) - 32, indexing="ij")
    stroke = (x % 26 < 8) | ((x % 26 < 18) & (y % 17 < 8))
    drawn = (stroke & (y >= 0) & (y < 110) & (x >= 0) & (x < 416)).float()[None, None]
    shade = F.avg_pool2d(F.pad(drawn.roll((6, 6), (2, 3)), (6,) * 4), 13, 1)
    large = F.interpolate(u, scale_factor=4) * (1 - 0.6 * shade)
    return F.avg_pool2d(large * (1 - drawn) + drawn, 4)


def psnr(one: Tensor, other: Tensor) -> float:
    return float(-10 * torch.log10((one - other).square().mean()))


@pytest.mark.parametrize("edit", [framed, striped, lambda u: framed(graded(u))])
def test_what_is_laid_over_a_is_laid_over_b(edit) -> None:
    a, b = picture(1), picture(2)
    _, on_b, fits = anchors(a, edit(a), b)
    assert bool(fits.layers.any())
    assert psnr(on_b, edit(b)) > 35


def test_a_caption_is_found_where_there_are_no_edges() -> None:
    a, b = below_a_sky(picture(1)), picture(2)
    _, on_b, fits = anchors(a, captioned(a), b)
    assert bool(fits.layers.any())
    assert psnr(on_b, captioned(b)) > 35


def test_type_with_a_shadow_is_found_though_its_edges_are_mixtures() -> None:
    a, b = contrasty(picture(1)), picture(2)
    _, on_b, fits = anchors(a, shadowed(a), b)
    assert bool(fits.layers.any())
    assert psnr(on_b, shadowed(b)) > 30


def test_type_on_a_shade_over_half_of_a_picture_is_found_though_the_picture_is_dark_there_too() -> None:
    a = picture(1) * (1 - 0.6 * torch.linspace(0, 1, SIZE)).view(-1, 1)
    b = picture(2)
    _, b2, fits = anchors(a, shaded(a), b)
    assert fits.layers[0, 3].any()
    assert (b2 - shaded(b)).square().mean() < 1e-4


def test_noise_about_what_is_laid_hides_nothing() -> None:
    """A JPEG of a picture that was one has noise in the blocks that were changed, and none in the others."""
    a, b = picture(1), picture(2)
    generator = torch.Generator().manual_seed(9)
    share = (torch.rand(1, 1, SIZE // 8, SIZE // 8, generator=generator) < 0.1).float()
    share = F.interpolate(share, scale_factor=8)
    near = F.max_pool2d(share, 5, 1, 2)

    def laid(u: Tensor, noise: float) -> Tensor:
        dots = u * (1 - share) + share
        return (dots + noise * near * torch.randn(u.shape, generator=generator)).clamp(0, 1)

    _, on_b, fits = anchors(a, laid(a, 0.012), b)
    assert bool(fits.layers.any())
    assert psnr(on_b, laid(b, 0)) > 35


def outlined(u: Tensor) -> Tensor:
    edge = features(u)[:, 60:61]
    share = ((edge - edge.flatten().quantile(0.9)) / 0.02).clamp(0, 1)
    return u * (1 - share) + 0.1 * share


def inked(u: Tensor) -> Tensor:
    """Lines where neighbours differ, black where they differ much: paint of one colour."""
    grey = u.mean(1, keepdim=True)
    apart = F.max_pool2d(grey, 3, 1, 1) + F.max_pool2d(-grey, 3, 1, 1)
    return u * (1 - (4 * (apart - 0.1)).clamp(0, 1))


@pytest.mark.parametrize(
    "a, a2",
    [
        (picture(3), outlined(picture(3))),
        (picture(3), inked(picture(3))),
        (framed(picture(4)), picture(4)),
    ],
)
def test_outlines_and_what_was_removed_are_no_layer(a: Tensor, a2: Tensor) -> None:
    _, _, fits = anchors(a, a2, picture(5))
    assert not fits.layers.any()
