"""Geometry: edits of where each pixel comes from."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..transform import Random, Transform, colour, family, grid, inside, mix, noise, sample, sign, warp


def centred(scale_of) -> Transform:  # noqa: ANN001 - Callable[[Tensor], Tensor] of the distance
    """The warp that scales each place about the centre by a function of its distance from it."""

    def where(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        scale = scale_of(((x - 0.5) ** 2 + (y - 0.5) ** 2).sqrt())
        return (x - 0.5) * scale + 0.5, (y - 0.5) * scale + 0.5

    return warp(where, "reflection")


@family("geometry")
def mirror(rng: Random) -> Transform:
    along = ((2,), (1,), (1, 2))[int(rng.integers(3))]
    return lambda u: u.flip(along)


@family("geometry")
def quarter_turn(rng: Random) -> Transform:
    turns = int(rng.choice([1, 3]))
    return lambda u: torch.rot90(u, turns, (1, 2))


@family("geometry")
def zoom(rng: Random) -> Transform:
    """In towards a point, or out onto a colour."""
    if rng.random() < 0.7:
        scale, (cx, cy) = rng.uniform(1.15, 1.8), rng.uniform(0.35, 0.65, 2)
        return warp(lambda x, y: ((x - cx) / scale + cx, (y - cy) / scale + cy))
    scale = rng.uniform(0.6, 0.85)
    return warp(lambda x, y: ((x - 0.5) / scale + 0.5, (y - 0.5) / scale + 0.5), "reflection")


@family("geometry")
def shift(rng: Random) -> Transform:
    """Round and round: what leaves on one side comes in on the other."""
    # In 64ths, so that both training sizes move by whole pixels.
    dx, dy = (int(v) for v in rng.integers(-16, 17, 2))
    return lambda u: torch.roll(u, (dy * u.shape[-2] // 64, dx * u.shape[-1] // 64), (1, 2))


@family("geometry")
def tilt(rng: Random) -> Transform:
    angle, bare = rng.uniform(0.08, 0.4) * sign(rng), rng.random() < 0.5
    c, s, paint = math.cos(angle), math.sin(angle), colour(rng)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        px, py = (x - 0.5) * c - (y - 0.5) * s + 0.5, (x - 0.5) * s + (y - 0.5) * c + 0.5
        if not bare:
            return sample(u, px, py, "reflection")
        within = torch.minimum(torch.minimum(px, 1 - px), torch.minimum(py, 1 - py))
        return mix(paint, sample(u, px, py), inside(within))

    return apply


@family("geometry")
def shear(rng: Random) -> Transform:
    amount, upright = rng.uniform(0.15, 0.5) * sign(rng), rng.random() < 0.5
    if upright:
        return warp(lambda x, y: (x, y + amount * (x - 0.5)), "reflection")
    return warp(lambda x, y: (x + amount * (y - 0.5), y), "reflection")


@family("geometry")
def perspective(rng: Random) -> Transform:
    """Seen from one side, above or below."""
    amount, upright = rng.uniform(0.25, 0.6) * sign(rng), rng.random() < 0.5

    def where(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if upright:
            x, y = y, x
        depth = 1 + amount * (y - 0.5)
        px, py = (x - 0.5) / depth + 0.5, (y - 0.5) / depth + 0.5
        return (py, px) if upright else (px, py)

    return warp(where, "reflection")


@family("geometry")
def squeeze(rng: Random) -> Transform:
    """Narrower or wider about the middle, mirrored where nothing is left."""
    factor, upright = math.exp(rng.uniform(0.25, 0.6) * sign(rng)), rng.random() < 0.5
    if upright:
        return warp(lambda x, y: (x, (y - 0.5) * factor + 0.5), "reflection")
    return warp(lambda x, y: ((x - 0.5) * factor + 0.5, y), "reflection")


@family("geometry")
def lens(rng: Random) -> Transform:
    """Barrel or pincushion."""
    amount = rng.uniform(0.5, 1.4)
    if rng.random() < 0.5:
        return centred(lambda d: 1 + amount * (d * d - 0.25))
    return centred(lambda d: 1 - 0.6 * amount * d * d)


@family("geometry")
def bulge(rng: Random) -> Transform:
    """A magnifying or shrinking glass somewhere."""
    (cx, cy), radius, power = rng.uniform(0.35, 0.65, 2), rng.uniform(0.25, 0.4), rng.uniform(0.4, 0.8) * sign(rng)

    def where(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        d = (((x - cx) ** 2 + (y - cy) ** 2).sqrt() / radius).clamp(1e-3, 1)
        scale = d**power if power > 0 else d ** (power * 0.5)
        return (x - cx) * scale + cx, (y - cy) * scale + cy

    return warp(where, "reflection")


@family("geometry")
def wave(rng: Random) -> Transform:
    count, reach, phase, upright = rng.uniform(1.5, 5), rng.uniform(0.012, 0.04), rng.uniform(0, 6.3), rng.random() < 0.5
    if upright:
        return warp(lambda x, y: (x + reach * torch.sin(2 * math.pi * count * y + phase), y), "reflection")
    return warp(lambda x, y: (x, y + reach * torch.sin(2 * math.pi * count * x + phase)), "reflection")


@family("geometry")
def swirl(rng: Random) -> Transform:
    turn = rng.uniform(1, 3) * sign(rng)

    def where(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        d = ((x - 0.5) ** 2 + (y - 0.5) ** 2).sqrt()
        angle = turn * (1 - d / 0.5).clamp_min(0) ** 2
        c, s = torch.cos(angle), torch.sin(angle)
        return (x - 0.5) * c - (y - 0.5) * s + 0.5, (x - 0.5) * s + (y - 0.5) * c + 0.5

    return warp(where, "reflection")


@family("geometry")
def ripple(rng: Random) -> Transform:
    """Rings on water, about the centre."""
    count, reach, phase = rng.uniform(4, 9), rng.uniform(0.04, 0.12), rng.uniform(0, 6.3)
    return centred(lambda d: 1 + reach * torch.sin(2 * math.pi * count * d + phase))


@family("geometry")
def frosted_glass(rng: Random) -> Transform:
    """Each place reads from a fixed random place nearby."""
    pattern, reach = noise(rng, int(rng.choice([32, 64, 96])), 2), rng.uniform(0.008, 0.018)

    def apply(u: Tensor) -> Tensor:
        x, y = grid(u)
        push = pattern(u) * reach
        return sample(u, x + push[0], y + push[1], "reflection")

    return apply


@family("geometry")
def glass_blocks(rng: Random) -> Transform:
    """Tiles, each showing its surroundings smaller or larger."""
    count, factor = int(rng.integers(4, 12)), rng.uniform(1.4, 2.2)

    def where(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        cx, cy = (((t * count).floor() + 0.5) / count for t in (x, y))
        return cx + (x - cx) * factor, cy + (y - cy) * factor

    return warp(where, "reflection")


@family("geometry")
def blind_slats(rng: Random) -> Transform:
    """Strips slid against each other."""
    count, reach, upright = int(rng.integers(4, 14)), rng.uniform(0.02, 0.08), rng.random() < 0.5

    def where(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        t = x if upright else y
        push = reach * (2 * ((t * count).floor() % 2) - 1)
        return (x, y + push) if upright else (x + push, y)

    return warp(where, "reflection")


@family("geometry")
def repeat(rng: Random) -> Transform:
    """The whole image two to four times in each direction."""
    count = int(rng.integers(2, 5))

    def apply(u: Tensor) -> Tensor:
        height, width = u.shape[-2:]
        small = torch.nn.functional.interpolate(
            u[None], size=(-(-height // count), -(-width // count)), mode="bilinear", antialias=True
        )[0]
        return small.repeat(1, count, count)[:, :height, :width]

    return apply


@family("geometry")
def mirror_half(rng: Random) -> Transform:
    """One half and its reflection."""
    side = int(rng.integers(4))

    def apply(u: Tensor) -> Tensor:
        along = 2 if side < 2 else 1
        half = u.shape[along] // 2
        keep = u.narrow(along, 0 if side % 2 == 0 else u.shape[along] - half, half)
        parts = [keep, keep.flip(along)] if side % 2 == 0 else [keep.flip(along), keep]
        middle = [u.narrow(along, half, 1)] if u.shape[along] % 2 else []
        return torch.cat([parts[0], *middle, parts[1]], along)

    return apply


@family("geometry")
def kaleidoscope(rng: Random) -> Transform:
    """One wedge, mirrored around the centre."""
    count, start = int(rng.integers(3, 8)), rng.uniform(0, 6.3)
    wedge = math.pi / count

    def where(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        d, angle = ((x - 0.5) ** 2 + (y - 0.5) ** 2).sqrt(), torch.atan2(y - 0.5, x - 0.5)
        folded = (angle % (2 * wedge) - wedge).abs() + start
        return 0.5 + d * torch.cos(folded), 0.5 + d * torch.sin(folded)

    return warp(where, "reflection")
