"""How near a picture is to the truth: PSNR, SSIM, CIEDE2000, and the cosine between the two edits.

In PyTorch, because the evaluation takes them some fifty thousand times; tests compare them with
scikit-image and with published values. Images are float32 ``[1, 3, H, W]`` in 0..1, sRGB-encoded.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

METRICS = ("psnr", "ssim", "ciede2000", "cosine")
CEILING = 60.0  # dB; rounding the truth to 8 bits leaves 59
NO_EDIT = 1e-6  # mean square; below it there is no direction to compare with

# sRGB to XYZ under D65, and its white.
XYZ = torch.tensor([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = torch.tensor([0.95047, 1.0, 1.08883])


def psnr(x: Tensor, y: Tensor) -> float:
    """dB of peak 1, at most `CEILING`."""
    error = float((x - y).square().mean())
    return min(CEILING, -10 * math.log10(max(error, 1e-12)))


def lab(image: Tensor) -> Tensor:
    """CIELAB ``[3, H, W]`` of ``image [1, 3, H, W]``."""
    linear = torch.where(image > 0.04045, ((image + 0.055) / 1.055).clamp_min(0) ** 2.4, image / 12.92)[0]
    xyz = torch.einsum("ij,jhw->ihw", XYZ, linear) / WHITE.view(3, 1, 1)
    f = torch.where(xyz > 0.008856, xyz.clamp_min(1e-9) ** (1 / 3), 7.787 * xyz + 16 / 116)
    return torch.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def delta_e(first: Tensor, second: Tensor) -> Tensor:
    """CIEDE2000 of two CIELAB images ``[3, ...]``. Source: Sharma, Wu and Dalal, 2005."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    seventh = 25.0**7
    mean = ((a1.square() + b1.square()).sqrt() + (a2.square() + b2.square()).sqrt()) / 2
    mean7 = mean**7
    stretch = 1.5 - 0.5 * (mean7 / (mean7 + seventh)).sqrt()
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = (a1.square() + b1.square()).sqrt(), (a2.square() + b2.square()).sqrt()
    turn = 2 * math.pi
    h1, h2 = torch.atan2(b1, a1) % turn, torch.atan2(b2, a2) % turn
    grey = c1 * c2 == 0
    apart = h2 - h1
    far = apart.abs() > math.pi
    dh = apart - turn * apart.sign() * far
    dh = torch.where(grey, torch.zeros_like(dh), dh)
    hue = (h1 + h2) / 2
    hue = hue + torch.where(far, torch.where(h1 + h2 < turn, math.pi, -math.pi), 0.0)
    hue = torch.where(grey, h1 + h2, hue)
    dl, dc = l2 - l1, c2 - c1
    dhue = 2 * (c1 * c2).sqrt() * torch.sin(dh / 2)
    l, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * torch.cos(hue - math.radians(30))
        + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + math.radians(6))
        - 0.20 * torch.cos(4 * hue - math.radians(63))
    )
    off = (l - 50).square()
    sl = 1 + 0.015 * off / (20 + off).sqrt()
    sc = 1 + 0.045 * c
    sh = 1 + 0.015 * c * t
    c7 = c**7
    turned = math.radians(60) * torch.exp(-((torch.rad2deg(hue) - 275) / 25).square())
    rt = -2 * (c7 / (c7 + seventh)).sqrt() * torch.sin(turned)
    x, y, z = dl / sl, dc / sc, dhue / sh
    return (x.square() + y.square() + z.square() + rt * y * z).clamp_min(0).sqrt()


@lru_cache(maxsize=8)
def band(size: int) -> Tensor:
    """``[size - 10, size]``: a product with it is a convolution with the Gaussian of SSIM, which is
    several times faster on a CPU than one of one channel."""
    kernel = torch.exp(-(torch.arange(-5, 6, dtype=torch.float32) ** 2) / (2 * 1.5**2))
    matrix = torch.zeros(size - 10, size)
    for row in range(size - 10):
        matrix[row, row : row + 11] = kernel / kernel.sum()
    return matrix


def windowed(planes: Tensor) -> Tensor:
    """Means of ``planes [n, H, W]`` under the Gaussian of SSIM, sigma 1.5 and 11 pixels wide, where it fits."""
    return band(planes.shape[1]) @ (planes @ band(planes.shape[2]).T)


class Truth:
    """b and b', with what every comparison needs of them worked out once."""

    def __init__(self, b: Tensor, truth: Tensor) -> None:
        self.b, self.truth = b, truth
        self.edit = truth - b
        self.lab = lab(truth)
        mean, square = windowed(torch.cat([truth[0], truth[0].square()])).chunk(2)
        self.mean, self.variance = mean, square - mean.square()

    def ssim(self, x: Tensor) -> float:
        """Mean over pixels and channels, with the constants of Wang et al., 2004."""
        mean, square, product = windowed(torch.cat([x[0], x[0].square(), x[0] * self.truth[0]])).chunk(3)
        variance, covariance = square - mean.square(), product - mean * self.mean
        c1, c2 = 0.01**2, 0.03**2
        above = (2 * mean * self.mean + c1) * (2 * covariance + c2)
        below = (mean.square() + self.mean.square() + c1) * (variance + self.variance + c2)
        return float((above / below).mean())

    def ciede2000(self, x: Tensor) -> float:
        return float(delta_e(lab(x), self.lab).mean())

    def cosine(self, x: Tensor) -> float:
        """Between x - b and b' - b; 0 where x is b, not a number where b' is b."""
        if float(self.edit.square().mean()) < NO_EDIT:
            return math.nan
        drawn = (x - self.b).flatten()
        length = float(drawn.norm())
        return float(drawn @ self.edit.flatten()) / (length * float(self.edit.norm())) if length > 0 else 0.0

    def compare(self, x: Tensor) -> tuple[float, float, float, float]:
        """In the order of `METRICS`."""
        return psnr(x, self.truth), self.ssim(x), self.ciede2000(x), self.cosine(x)
