"""What the transformation families share: their registry, coordinates, blur, masks, noise.

Images are float32 ``[3, H, W]`` in 0..1. Every length is a fraction of the image's width, so that an
edit drawn once means the same at any size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Transform = Callable[[Tensor], Tensor]
Make = Callable[[np.random.Generator], Transform]
Random = np.random.Generator


@dataclass(frozen=True)
class Family:
    """One kind of edit. ``make`` draws its parameters; the result is then deterministic, takes any
    image ``[3, H, W]`` in 0..1 and returns the same shape in 0..1."""

    name: str
    group: str
    split: str
    make: Make


REGISTRY: dict[str, tuple[str, Make]] = {}


def family(group: str) -> Callable[[Make], Make]:
    """Register the decorated ``draw(rng) -> Transform`` under its name, underscores as spaces."""

    def register(draw: Make) -> Make:
        def make(rng: Random) -> Transform:
            transform = draw(rng)
            return lambda image: transform(image).float().clamp(0, 1)

        REGISTRY[draw.__name__.replace("_", " ")] = (group, make)
        return draw

    return register


def sign(rng: Random) -> int:
    return 1 if rng.random() < 0.5 else -1


def colour(rng: Random, low: float = 0.0, high: float = 1.0) -> Tensor:
    """A random colour ``[3, 1, 1]`` within ``low..high`` per channel."""
    return torch.tensor(rng.uniform(low, high, 3), dtype=torch.float32).view(3, 1, 1)


def vivid(rng: Random, value: float = 1.0) -> Tensor:
    """A saturated colour ``[3, 1, 1]`` of a random hue with its largest channel at ``value``."""
    hue = rng.uniform(0, 1)
    channels = [min(1.0, max(0.0, abs(((hue + k / 3) % 1) * 6 - 3) - 1)) for k in range(3)]
    return torch.tensor(channels, dtype=torch.float32).view(3, 1, 1) * value


def luma(image: Tensor) -> Tensor:
    """``[1, H, W]``, Rec. 601 weights on the encoded values."""
    return 0.299 * image[0:1] + 0.587 * image[1:2] + 0.114 * image[2:3]


def mix(first: Tensor, second: Tensor, share: Tensor | float) -> Tensor:
    return first + (second - first) * share


def ramp(value: Tensor, width: float) -> Tensor:
    """0 to 1 as ``value`` goes from -width/2 to width/2."""
    return (value / width + 0.5).clamp(0, 1)


def inside(distance: Tensor) -> Tensor:
    """Antialiased coverage ``[1, H, W]`` of the region where ``distance [H, W]``, in widths, is
    positive: an edge is one pixel wide at every size."""
    return (distance * distance.shape[-1] + 0.5).clamp(0, 1)[None]


@lru_cache(maxsize=8)
def axes(height: int, width: int) -> tuple[Tensor, Tensor]:
    y, x = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return x.contiguous(), y.contiguous()


def grid(image: Tensor) -> tuple[Tensor, Tensor]:
    """Pixel centres (x, y), each ``[H, W]`` in 0..1. Not to be written to."""
    return axes(image.shape[-2], image.shape[-1])


def turned(image: Tensor, angle: float) -> tuple[Tensor, Tensor]:
    """Coordinates about the centre, turned by ``angle`` radians: (along, across), in -0.71..0.71."""
    x, y = grid(image)
    c, s = math.cos(angle), math.sin(angle)
    return (x - 0.5) * c + (y - 0.5) * s, (y - 0.5) * c - (x - 0.5) * s


def distance_to(image: Tensor, cx: float, cy: float) -> Tensor:
    x, y = grid(image)
    return ((x - cx) ** 2 + (y - cy) ** 2).sqrt()


def sample(image: Tensor, x: Tensor, y: Tensor, padding: str = "border") -> Tensor:
    """``image [C, H, W]`` read bilinearly at (x, y), each ``[H', W']`` in 0..1."""
    where = torch.stack([2 * x - 1, 2 * y - 1], -1)[None]
    return F.grid_sample(image[None], where, mode="bilinear", padding_mode=padding, align_corners=False)[0]


def warp(where: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], padding: str = "border") -> Transform:
    """The edit that reads the pixel at (x, y) from ``where(x, y)``."""
    return lambda image: sample(image, *where(*grid(image)), padding)


@lru_cache(maxsize=64)
def blur_matrix(count: int, sigma: float) -> Tensor:
    """``[count, count]``: a Gaussian of ``sigma`` pixels along one axis, edges clamped."""
    position = torch.arange(count, dtype=torch.float64)
    kernel = torch.exp(-((position[:, None] - position[None]) ** 2) / (2 * sigma * sigma))
    kernel[kernel < 1e-6] = 0  # denormals are slow
    beyond = torch.arange(1, math.ceil(4 * sigma) + 1, dtype=torch.float64)
    kernel[:, 0] += torch.exp(-((position[:, None] + beyond) ** 2) / (2 * sigma * sigma)).sum(1)
    kernel[:, -1] += torch.exp(-((count - 1 - position[:, None] + beyond) ** 2) / (2 * sigma * sigma)).sum(1)
    return (kernel / kernel.sum(1, keepdim=True)).float()


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of ``[C, H, W]``, ``sigma`` in widths. As two matrix products, because they cost
    the same for any sigma and less than a convolution at these sizes."""
    height, width = image.shape[-2:]
    pixels = sigma * width
    if pixels < 0.25:
        return image
    return blur_matrix(height, pixels) @ image @ blur_matrix(width, pixels).T


def gradient(image: Tensor, scale: float = 0.004) -> tuple[Tensor, Tensor]:
    """Derivatives (d/dx, d/dy) ``[1, H, W]`` of the luma after a blur of ``scale``, per 1/256 width."""
    smooth = F.pad(blur(luma(image), scale)[None], (1, 1, 1, 1), mode="replicate")[0]
    unit = image.shape[-1] / 512
    return (
        (smooth[:, 1:-1, 2:] - smooth[:, 1:-1, :-2]) * unit,
        (smooth[:, 2:, 1:-1] - smooth[:, :-2, 1:-1]) * unit,
    )


def edge_strength(image: Tensor, scale: float = 0.004) -> Tensor:
    """Gradient magnitude ``[1, H, W]``."""
    dx, dy = gradient(image, scale)
    return (dx * dx + dy * dy + 1e-8).sqrt()


def cells(image: Tensor, count: int) -> Tensor:
    """``image`` averaged over ``count`` x ``count`` cells, back at its own size."""
    small = F.adaptive_avg_pool2d(image[None], count)
    return F.interpolate(small, size=image.shape[-2:], mode="nearest")[0]


def noise(rng: Random, count: int, channels: int = 1) -> Callable[[Tensor], Tensor]:
    """A fixed pattern of unit normal values on ``count`` x ``count`` cells, read at an image's size:
    ``pattern(image)`` is ``[channels, H, W]``."""
    values = torch.from_numpy(rng.normal(size=(1, channels, count, count)).astype(np.float32))

    def pattern(image: Tensor) -> Tensor:
        return F.interpolate(values, size=image.shape[-2:], mode="bilinear", align_corners=False)[0]

    return pattern


def fractal_noise(rng: Random, coarsest: int = 3, octaves: int = 5) -> Callable[[Tensor], Tensor]:
    """Fixed cloudy noise in about -1..1, ``[1, H, W]`` at an image's size."""
    layers = [noise(rng, coarsest * 2**k) for k in range(octaves)]
    return lambda image: sum(layer(image) * 0.5 ** (k + 1) for k, layer in enumerate(layers))


def apply_lut(image: Tensor, table: Tensor) -> Tensor:
    """``table [3, N]`` read at the values of ``image``, linearly between its entries."""
    last = table.shape[1] - 1
    position = image.clamp(0, 1) * last
    below = position.long().clamp_max(last - 1)
    share = position - below
    flat = below.flatten(1)
    low, high = table.gather(1, flat), table.gather(1, flat + 1)
    return mix(low, high, share.flatten(1)).view_as(image)
