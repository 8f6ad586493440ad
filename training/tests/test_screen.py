"""Two tones that a threshold mixes, and pixelation, are found and carried to another picture."""

import math
from typing import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from likewise import cells, screen
from likewise.anchor import anchors, features, gaussian_blur
from likewise.lookup import LUMAS, luma
from test_layer import psnr

LUMA = torch.tensor(LUMAS[0])

SIZE = 128


def picture(seed: int) -> Tensor:
    """Of every tone, with fine grain."""
    generator = torch.Generator().manual_seed(seed)
    shapes = F.interpolate(torch.rand(1, 3, 8, 8, generator=generator), size=SIZE, mode="bicubic")
    return ((shapes - 0.5) * 1.6 + 0.5 + 0.03 * torch.randn(1, 3, SIZE, SIZE, generator=generator)).clamp(0, 1)


def places(size: int = SIZE) -> tuple[Tensor, Tensor]:
    at = (torch.arange(size) + 0.5) / size
    return at.expand(size, size), at[:, None].expand(size, size)


def dots(count: float, angle: float) -> Tensor:
    x, y = places()
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    return 0.5 + 0.5 * torch.sin(2 * math.pi * count * along) * torch.sin(2 * math.pi * count * across)


def mixed(share: Tensor) -> Tensor:
    dark, light = torch.tensor([0.1, 0.0, 0.3]).view(3, 1, 1), torch.tensor([0.9, 0.95, 0.8]).view(3, 1, 1)
    return dark + (light - dark) * (share + 0.5).clamp(0, 1)


def halftone(u: Tensor) -> Tensor:
    return mixed((luma(u) - dots(9, 0.4)) / 0.3)


def colour_halftone(u: Tensor) -> Tensor:
    return ((u - torch.stack([dots(8, 0.3 + 0.5 * c) for c in range(3)])) / 0.3 + 0.5).clamp(0, 1)


def lines(u: Tensor) -> Tensor:
    x, y = places()
    return mixed((luma(u) - 0.5 - 0.45 * torch.sin(2 * math.pi * (13 * x + 7 * y))) / 0.2)


def ink(u: Tensor) -> Tensor:
    return mixed((luma(u) - luma(gaussian_blur(u, 4.0)) + 0.02) / 0.01)


def pixelated(u: Tensor, count: int = 16) -> Tensor:
    return F.interpolate(F.adaptive_avg_pool2d(u, count), size=u.shape[-2:], mode="nearest")


def dithered(u: Tensor) -> Tensor:
    two = torch.tensor([[0, 2], [3, 1]])
    four = torch.cat([torch.cat([4 * two, 4 * two + 2], 1), torch.cat([4 * two + 3, 4 * two + 1], 1)])
    level = (four.repeat(16, 16).repeat_interleave(2, 0).repeat_interleave(2, 1) + 0.5) / 16
    return (luma(pixelated(u, 64)) > level).float().expand(1, 3, -1, -1)


@pytest.mark.parametrize(
    "edit, group, in_cells, least",
    [
        (halftone, "screen", False, 30),
        (colour_halftone, "screens", False, 27),
        (lines, "screen", False, 35),
        (ink, "screen", False, 27),
        (pixelated, "none", True, 60),
        (dithered, "screen", True, 17),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_is_found(edit: Callable[[Tensor], Tensor], group: str, in_cells: bool, least: float) -> None:
    a, b = picture(1), picture(2)
    _, on_b, fits = anchors(a, edit(a), b)
    assert fits.groups == [group] and (fits.warps.cells[0] is not None) == in_cells
    assert psnr(on_b, edit(b)) > least


def test_lines_repeat_along_one_frequency() -> None:
    a = picture(1)
    toned = screen.fit(lines(a)[0], features(a)[0], LUMA, None, 1.0)
    assert toned is not None
    (channel,) = toned[1].channels
    assert torch.allclose(channel.lattice, torch.tensor([[13.0, 7.0], [0.0, 0.0]], dtype=torch.float64), atol=0.05)


def test_a_photograph_has_neither() -> None:
    a = picture(1)
    assert cells.find(a[0]) is None
    assert screen.fit(a[0] ** 2, features(a)[0], LUMA, None, 1.0) is None
    # A pencil sketch is mostly paper, and what is not is of no one tone.
    sketch = (luma(a) / luma(gaussian_blur(a, 4.0))).clamp(0, 1) ** 2
    assert screen.fit(sketch.expand(1, 3, -1, -1)[0], features(a)[0], LUMA, None, 1.0) is None


def golden_pair() -> tuple[Tensor, Tensor]:
    """The pair of workers/engine/compute/screen-fit.test.ts, ``[1, 3, 64, 64]`` each."""
    axis = torch.arange(64, dtype=torch.float64)
    channel = torch.arange(1, 4, dtype=torch.float64).view(3, 1, 1)
    a = (0.5 + 0.45 * torch.sin(0.21 * axis * channel + 0.17 * axis[:, None])).float()[None]
    x, y = (of.double() for of in places(64))
    waves = torch.cos(2 * math.pi * (9.3 * x + 4.1 * y)) + torch.cos(2 * math.pi * (9.3 * y - 4.1 * x))
    share = ((luma(a.double()) - 0.5 - 0.25 * waves) / 0.3 + 0.5).clamp(0, 1)
    return a, (0.1 + 0.7 * share).float().expand(1, 3, -1, -1)


# Of the tones r, g, b; of the thresholds the knots 0, 40, 100, 136 and 255.
GOLDEN = {
    "error": (2.414e-5,),
    "tones": (0.10002, 0.10002, 0.10002, 0.8, 0.8, 0.8),
    "lattice": (4.0992, -9.29795, 9.29488, 4.08973),
    "gains": (1.387, 1.38535, 0.87531, -0.36908, 0.05892),
    "thresholds": (3.36313, 1.42343, 1.02072, -0.03472, 3.24144),
}


def test_screens_agree_with_the_engine() -> None:
    a, edited = golden_pair()
    toned = screen.fit(edited[0], features(a)[0], LUMA, None, 1.0)
    assert toned is not None
    error, found = toned
    (channel,) = found.channels
    assert found.kind == "screen" and abs(error - GOLDEN["error"][0]) < 1e-8
    for name, value in (
        ("tones", torch.cat([found.dark, found.light])),
        ("lattice", channel.lattice.flatten()),
        ("gains", channel.gains),
        ("thresholds", channel.thresholds[[0, 40, 100, 136, 255]]),
    ):
        assert float((value - torch.tensor(GOLDEN[name])).abs().max()) < 1e-4, (name, value.tolist())
