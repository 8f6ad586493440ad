"""What the anchor sees of an image: its features, blurs, and the blocks and folds that a fit is summed over.

The definitions are those of docs/architecture.md, "Anchor features" and "Anchor fit".
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from . import lookup

FEATURES = 82
COLUMNS = FEATURES + 3
BLOCKS = 4
FOLDS = 4
TONE_KNOTS = (0.2, 0.4, 0.6, 0.8)
BLUR_SIGMAS = (1.0, 2.0, 4.0, 8.0)


@lru_cache(maxsize=32)
def blur_matrix(count: int, sigma: float, device: torch.device) -> Tensor:
    """``[count, count]``: the Gaussian of ``sigma`` pixels along one axis, taps to ceil(3 sigma), edges clamped."""
    radius = math.ceil(3 * sigma)
    offsets = torch.arange(-radius, radius + 1, device=device)
    kernel = torch.exp(-(offsets.float() ** 2) / (2 * sigma * sigma))
    place = (torch.arange(count, device=device)[:, None] + offsets).clamp(0, count - 1)
    matrix = torch.zeros(count, count, device=device)
    return matrix.scatter_add_(1, place, (kernel / kernel.sum()).expand(count, -1))


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Separable Gaussian of ``image [..., H, W]``. As matrix products: on a CPU several times faster
    than convolutions of one channel."""
    height, width = image.shape[-2:]
    across = image @ blur_matrix(width, sigma, image.device).T
    return blur_matrix(height, sigma, image.device) @ across


def features(image: Tensor) -> Tensor:
    """The anchor's features of ``image [B, 3, S, S]``: ``[B, 82, S, S]``."""
    batch, _, size, _ = image.shape
    r, g, b = image[:, 0:1], image[:, 1:2], image[:, 2:3]
    one = torch.ones_like(r)
    columns = [one, image, image * image, r * g, r * b, g * b]
    knots = torch.tensor(TONE_KNOTS, dtype=image.dtype, device=image.device).view(1, 1, -1, 1, 1)
    columns.append((image.unsqueeze(2) - knots).clamp_min(0).flatten(1, 2))

    axis = 2 * (torch.arange(size, dtype=image.dtype, device=image.device) + 0.5) / size - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    base = torch.cat([one, image], dim=1)
    for q in (x, y, x * x, y * y, x * y, (x * x + y * y) ** 2):
        columns.append(base * q)

    blurs = [gaussian_blur(image, sigma * size / 256) for sigma in BLUR_SIGMAS]
    columns += blurs
    luma = lookup.luma(blurs[0])
    padded = F.pad(luma, (1, 1, 1, 1), mode="replicate")
    scale = size / 256
    dx = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2 * scale
    dy = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2 * scale
    columns += [dx, dy, torch.sqrt(dx * dx + dy * dy + 1e-8)]

    # Where a copy reads, (u, v) being (column, row): flips and quarter turns are exact at S x S.
    transposed = image.transpose(2, 3)
    columns += [
        image.flip(3),  # (1-u, v)
        image.flip(2),  # (u, 1-v)
        image.flip((2, 3)),  # (1-u, 1-v)
        transposed.flip(2),  # (v, 1-u)
        transposed.flip(3),  # (1-v, u)
        transposed,  # (v, u)
        transposed.flip((2, 3)),  # (1-v, 1-u)
    ]
    return torch.cat(columns, dim=1)


def gram(phi: Tensor, difference: Tensor) -> Tensor:
    """Gram matrices ``[B, 16, 85, 85]`` of the columns [phi | difference] per block (row * 4 + column)."""
    columns = torch.cat([phi, difference], dim=1)
    batch, count, size, _ = columns.shape
    side = size // BLOCKS
    tiles = columns.reshape(batch, count, BLOCKS, side, BLOCKS, side)
    tiles = tiles.permute(0, 2, 4, 1, 3, 5).reshape(batch * BLOCKS * BLOCKS, count, side * side)
    return torch.bmm(tiles, tiles.transpose(1, 2)).reshape(batch, BLOCKS * BLOCKS, count, count)


def fold_of_block() -> Tensor:
    return torch.tensor([(i + 2 * j) % FOLDS for j in range(BLOCKS) for i in range(BLOCKS)])


def fold_of_pixel(size: int) -> Tensor:
    side = torch.arange(size) * BLOCKS // size
    return fold_of_block()[side[:, None] * BLOCKS + side]
