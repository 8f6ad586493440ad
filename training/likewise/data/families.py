"""Transformation families: each draws parameters once and applies the same edit to any image."""

from __future__ import annotations
import math
from dataclasses import dataclass
from typing import Callable
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Transform = Callable[[Tensor], Tensor]
Make = Callable[[np.random.Generator], Transform]


@dataclass(frozen=True)
class Family:
    name: str
    group: str
    split: str
    make: Make


FAMILIES: dict[str, Family] = {}


def family(group: str, split: str = "base") -> Callable[[Make], Make]:
    """Register a family under its function's name. Its edits come out float32 and within 0..1."""

    def register(draw: Make) -> Make:
        def make(rng: np.random.Generator) -> Transform:
            transform = draw(rng)
            # Parameters are NumPy doubles, which may widen an image.
            return lambda image: transform(image).float().clamp(0, 1)

        name = draw.__name__.replace("_", " ")
        FAMILIES[name] = Family(name, group, split, make)
        return draw

    return register


def luma(u):
    return 0.299 * u[0:1] + 0.587 * u[1:2] + 0.114 * u[2:3]


def blur(u, sigma):
    s = sigma * u.shape[-1]
    if s < 0.3:
        return u
    r = max(1, math.ceil(2.5 * s))
    k = torch.exp(-torch.arange(-r, r + 1).float() ** 2 / (2 * s * s))
    k /= k.sum()
    c = u.shape[0]
    v = u[:, None]
    v = F.conv2d(F.pad(v, (r, r, 0, 0), mode="replicate"), k.view(1, 1, 1, -1))
    v = F.conv2d(F.pad(v, (0, 0, r, r), mode="replicate"), k.view(1, 1, -1, 1))
    return v[:, 0]


def grid(u):
    n = u.shape[-1]
    a = (torch.arange(n) + 0.5) / n
    y, x = torch.meshgrid(a, a, indexing="ij")
    return x, y


def sample(u, x, y, mode="border"):
    return F.grid_sample(
        u[None], torch.stack([2 * x - 1, 2 * y - 1], -1)[None], mode="bilinear", padding_mode=mode, align_corners=False
    )[0]


def colour(rng, low=0.0, high=1.0):
    return torch.tensor(rng.uniform(low, high, 3), dtype=torch.float32).view(3, 1, 1)


def mix(u, v, m):
    return u * (1 - m) + v * m


def field(rng, n=8):
    f = torch.tensor(rng.normal(size=(1, 1, n, n)), dtype=torch.float32)
    return lambda size: F.interpolate(f, size=(size, size), mode="bicubic", align_corners=False)[0]


def noise_field(rng, cells=256):
    f = torch.tensor(rng.normal(size=(1, 1, cells, cells)), dtype=torch.float32)
    return lambda size: (
        F.adaptive_avg_pool2d(f, size)[0] * (cells / size) if size < cells else F.interpolate(f, size=(size, size))[0]
    )


def softstep(v, w):
    return (v / w + 0.5).clamp(0, 1)


def hsv_rotate(angle):
    c, s = math.cos(angle), math.sin(angle)
    k = 1 / 3
    q = math.sqrt(k)
    return torch.tensor(
        [
            [c + k * (1 - c), k * (1 - c) - q * s, k * (1 - c) + q * s],
            [k * (1 - c) + q * s, c + k * (1 - c), k * (1 - c) - q * s],
            [k * (1 - c) - q * s, k * (1 - c) + q * s, c + k * (1 - c)],
        ]
    )


# colour
@family("colour")
def tint(r):
    c = colour(r, 0.2, 1)
    s = r.uniform(0.3, 0.9)
    return lambda u: mix(u, u * c * 1.3, s)


@family("colour")
def saturation(r):
    s = r.choice([r.uniform(0, 0.6), r.uniform(1.4, 2.5)])
    return lambda u: mix(luma(u).expand_as(u), u, s)


@family("colour")
def hue(r):
    m = hsv_rotate(r.uniform(0.5, 5.8))
    return lambda u: torch.einsum("ij,jhw->ihw", m, u)


@family("colour")
def channel_mix(r):
    m = torch.tensor(r.dirichlet([0.6] * 3, 3), dtype=torch.float32)
    return lambda u: torch.einsum("ij,jhw->ihw", m, u)


@family("colour")
def duotone(r):
    a, b = colour(r, 0, 0.5), colour(r, 0.5, 1)
    return lambda u: mix(a, b, luma(u))


@family("colour", "basis")
def tritone(r):
    a, b, c = colour(r, 0, 0.4), colour(r, 0.2, 0.8), colour(r, 0.6, 1)
    return lambda u: torch.where(luma(u) < 0.5, mix(a, b, luma(u) * 2), mix(b, c, luma(u) * 2 - 1))


@family("colour")
def sepia(r):
    s = r.uniform(0.5, 1)
    t = torch.tensor([1.07, 0.93, 0.72]).view(3, 1, 1) * r.uniform(0.9, 1.1)
    return lambda u: mix(u, luma(u) * t, s)


@family("colour")
def black_and_white(r):
    w = torch.tensor(r.dirichlet([1] * 3), dtype=torch.float32).view(3, 1, 1)
    k = r.uniform(0.8, 1.6)
    return lambda u: ((u * w).sum(0, keepdim=True) - 0.5).mul(k).add(0.5).expand_as(u)


@family("colour", "held_out")
def colour_pop(r):
    c = colour(r, 0, 1)
    c = c / c.norm()
    w = r.uniform(0.1, 0.25)
    return lambda u: mix(
        luma(u).expand_as(u),
        u,
        softstep(((u / (u.norm(dim=0, keepdim=True) + 1e-3)) * c).sum(0, keepdim=True) - 0.88, w),
    )


@family("colour")
def temperature(r):
    k = r.uniform(0.15, 0.5) * r.choice([-1, 1])
    g = torch.tensor([1 + k, 1.0, 1 - k]).view(3, 1, 1)
    return lambda u: u * g


# tone
@family("tone")
def contrast(r):
    k = r.choice([r.uniform(0.4, 0.8), r.uniform(1.3, 2.2)])
    return lambda u: (u - 0.5) * k + 0.5


@family("tone")
def gamma(r):
    k = math.exp(r.uniform(0.3, 0.9) * r.choice([-1, 1]))
    return lambda u: u.clamp_min(1e-4) ** k


@family("tone")
def curve(r):
    y = np.cumsum(r.uniform(0, 1, (3, 5)) + 0.05, 1)
    y = y / y[:, -1:]
    y = torch.tensor(y, dtype=torch.float32)
    lo = r.uniform(0, 0.2)

    def f(u):
        p = u * 4
        i = p.long().clamp(0, 3)
        t = p - i
        out = []
        for c in range(3):
            out.append(y[c][i[c]] * (1 - t[c]) + y[c][i[c] + 1] * t[c])
        return torch.stack(out) * (1 - lo) + lo * 0.5

    return f


@family("tone")
def invert(r):
    s = r.uniform(0.85, 1)
    return lambda u: mix(u, 1 - u, s)


@family("tone", "basis")
def solarise(r):
    t = r.uniform(0.4, 0.7)
    return lambda u: torch.where(u > t, 1 - u, u)


@family("tone")
def posterise(r):
    n = int(r.integers(2, 6))
    return lambda u: (u * n).floor().clamp_max(n - 1) / (n - 1)


@family("tone", "held_out")
def threshold(r):
    t = r.uniform(0.35, 0.6)
    a, b = colour(r, 0, 0.3), colour(r, 0.7, 1)
    return lambda u: mix(a, b, softstep(luma(u) - t, 0.05))


@family("tone")
def split_toning(r):
    a, b = colour(r, -0.3, 0.3), colour(r, -0.3, 0.3)
    return lambda u: u + a * (1 - luma(u)) ** 2 + b * luma(u) ** 2


@family("tone")
def fade(r):
    c = colour(r, 0.1, 0.5)
    s = r.uniform(0.2, 0.5)
    return lambda u: mix(u, torch.maximum(u, c.expand_as(u)) * 0.5 + c * 0.5, s)


# light
@family("light")
def vignette(r):
    k = r.uniform(0.5, 1.2)
    w = r.uniform(0.35, 0.75)
    c = colour(r, 0, 0.15)

    def f(u):
        x, y = grid(u)
        d = ((x - 0.5) ** 2 + (y - 0.5) ** 2).sqrt()
        return mix(u, c.expand_as(u), (k * ((d - w * 0.5) / 0.5)).clamp(0, 1)[None])

    return f


@family("light")
def gradient_light(r):
    a = r.uniform(0, 2 * math.pi)
    c, d = colour(r, 0.3, 1.5), colour(r, 0.3, 1.5)

    def f(u):
        x, y = grid(u)
        t = ((x - 0.5) * math.cos(a) + (y - 0.5) * math.sin(a) + 0.5).clamp(0, 1)[None]
        return u * mix(c, d, t)

    return f


@family("light")
def light_leak(r):
    cx, cy = r.choice([0, 1]), r.uniform(0, 1)
    w = r.uniform(0.2, 0.5)
    c = colour(r, 0.3, 1)
    c[0] = 1
    s = r.uniform(0.5, 1)

    def f(u):
        x, y = grid(u)
        m = torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * w * w))[None] * s
        return 1 - (1 - u) * (1 - m * c)

    return f


@family("light")
def spotlight(r):
    cx, cy = r.uniform(0.25, 0.75, 2)
    w = r.uniform(0.15, 0.35)
    k = r.uniform(0.15, 0.5)

    def f(u):
        x, y = grid(u)
        m = torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * w * w))[None]
        return u * (k + (1.3 - k) * m)

    return f


@family("light")
def glow(r):
    s = r.uniform(0.02, 0.06)
    k = r.uniform(0.4, 0.9)
    return lambda u: 1 - (1 - u) * (1 - k * blur((u - 0.3).clamp_min(0), s))


@family("light", "basis")
def fog(r):
    c = colour(r, 0.6, 0.95)
    k = r.uniform(0.4, 0.9)
    h = r.uniform(0.2, 0.8)

    def f(u):
        x, y = grid(u)
        m = (k * (1 - (y - h).abs() * 1.2)).clamp(0, 1)[None]
        return mix(blur(u, 0.004), c.expand_as(u), m)

    return f


@family("light", "held_out")
def night(r):
    c = torch.tensor([0.25, 0.35, 0.7]).view(3, 1, 1) * r.uniform(0.7, 1.1)
    k = r.uniform(1.1, 1.5)
    return lambda u: luma(u) ** k * c * 1.1 + u * 0.12


# detail
@family("detail")
def gaussian_blur(r):
    s = r.uniform(0.006, 0.03)
    return lambda u: blur(u, s)


@family("detail")
def sharpen(r):
    s = r.uniform(0.004, 0.012)
    k = r.uniform(1, 3)
    return lambda u: u + k * (u - blur(u, s))


@family("detail")
def pixelate(r):
    n = int(r.choice([8, 16, 24, 32, 48]))
    return lambda u: F.interpolate(F.adaptive_avg_pool2d(u[None], n), size=u.shape[1:], mode="nearest")[0]


@family("detail")
def grain(r):
    f = noise_field(r)
    k = r.uniform(0.05, 0.15)
    return lambda u: u + k * f(u.shape[-1]) * 0.6


@family("detail")
def motion_blur(r):
    a = r.uniform(0, math.pi)
    l = r.uniform(0.02, 0.06)

    def f(u):
        x, y = grid(u)
        return torch.stack(
            [sample(u, x + l * t * math.cos(a), y + l * t * math.sin(a)) for t in np.linspace(-1, 1, 9)]
        ).mean(0)

    return f


@family("detail", "basis")
def tilt_shift(r):
    s = r.uniform(0.012, 0.03)
    h = r.uniform(0.3, 0.7)
    w = r.uniform(0.1, 0.2)

    def f(u):
        x, y = grid(u)
        m = (((y - h).abs() - w) / 0.2).clamp(0, 1)[None]
        return mix(u, blur(u, s), m)

    return f


@family("detail", "held_out")
def smooth(r):
    s = r.uniform(0.008, 0.015)
    k = r.uniform(0.05, 0.12)

    def f(u):
        b = blur(u, s)
        d = u - b
        return b + d * softstep(d.abs().amax(0, keepdim=True) - k, k)

    return f


# drawing
def sobel(u):
    l = F.pad(luma(u)[None], (1, 1, 1, 1), mode="replicate")[0, 0]
    dx = l[1:-1, 2:] - l[1:-1, :-2]
    dy = l[2:, 1:-1] - l[:-2, 1:-1]
    return (dx**2 + dy**2 + 1e-8).sqrt()[None] * u.shape[-1] / 256, dx, dy


@family("drawing")
def edges(r):
    k = r.uniform(2, 5)
    c, d = colour(r, 0, 0.3), colour(r, 0.6, 1)
    flip = r.random() < 0.5

    def f(u):
        e = (sobel(blur(u, 0.003))[0] * k).clamp(0, 1)
        return mix(d, c, e) if flip else mix(c, d, e)

    return f


@family("drawing")
def pencil_sketch(r):
    s = r.uniform(0.01, 0.03)
    p = colour(r, 0.85, 1)
    k = r.uniform(1, 2)

    def f(u):
        l = luma(u)
        inv = blur(1 - l, s)
        return ((l / (1 - inv).clamp_min(0.05)).clamp(0, 1) ** k) * p

    return f


@family("drawing")
def ink(r):
    s = r.uniform(0.01, 0.03)
    o = r.uniform(-0.02, 0.04)
    a, b = colour(r, 0, 0.25), colour(r, 0.8, 1)
    return lambda u: mix(a, b, softstep(luma(u) - blur(luma(u), s) + o, 0.06))


@family("drawing")
def halftone(r):
    n = r.uniform(16, 40)
    a = r.uniform(0, math.pi / 2)
    c, d = colour(r, 0, 0.3), colour(r, 0.8, 1)

    def f(u):
        x, y = grid(u)
        p = torch.sin(math.pi * n * (x * math.cos(a) + y * math.sin(a))) * torch.sin(
            math.pi * n * (y * math.cos(a) - x * math.sin(a))
        )
        return mix(c, d, softstep(blur(luma(u), 0.004) - 0.5 + p[None] * 0.5, 0.15))

    return f


@family("drawing")
def emboss(r):
    a = r.uniform(0, 2 * math.pi)
    k = r.uniform(1, 3)
    c = colour(r, 0.4, 0.6)

    def f(u):
        _, dx, dy = sobel(u)
        return c + k * (dx * math.cos(a) + dy * math.sin(a))[None] * u.shape[-1] / 256

    return f


@family("drawing", "basis")
def cartoon(r):
    n = int(r.integers(3, 6))
    k = r.uniform(3, 6)

    def f(u):
        v = blur(u, 0.008)
        q = (v * n).round() / n
        return q * (1 - (sobel(blur(u, 0.004))[0] * k - 0.2).clamp(0, 1))

    return f


@family("drawing", "held_out")
def hatching(r):
    n = r.uniform(20, 40)
    a = r.uniform(0, math.pi)

    def f(u):
        x, y = grid(u)
        l = blur(luma(u), 0.004)
        out = torch.ones_like(l)
        for i, t in enumerate((0.75, 0.5, 0.25)):
            b = a + i * 1.0
            s = torch.sin(math.pi * 2 * n * (x * math.cos(b) + y * math.sin(b)))[None]
            out = out * (1 - softstep(t - l, 0.1) * softstep(s, 0.6) * 0.8)
        return out.expand_as(u)

    return f


@family("drawing")
def oil(r):
    s = r.uniform(0.006, 0.012)
    n = int(r.integers(5, 9))

    def f(u):
        v = F.max_pool2d(u[None], 3, 1, 1)[0] if u.shape[-1] < 200 else F.max_pool2d(u[None], 5, 1, 2)[0]
        v = blur(v, s)
        return (v * n).round() / n * 0.7 + v * 0.3

    return f


# composition
@family("composition")
def border(r):
    w = r.uniform(0.03, 0.1)
    c = colour(r)

    def f(u):
        x, y = grid(u)
        m = ((torch.minimum(torch.minimum(x, 1 - x), torch.minimum(y, 1 - y))) < w).float()[None]
        return mix(u, c.expand_as(u), m)

    return f


@family("composition")
def polaroid(r):
    c = colour(r, 0.85, 1)
    w = r.uniform(0.04, 0.08)
    h = r.uniform(0.15, 0.25)

    def f(u):
        x, y = grid(u)
        m = ((x < w) | (x > 1 - w) | (y < w) | (y > 1 - h)).float()[None]
        return mix(u, c.expand_as(u), m)

    return f


@family("composition")
def letterbox(r):
    h = r.uniform(0.08, 0.2)
    c = colour(r, 0, 0.2)
    v = r.random() < 0.3

    def f(u):
        x, y = grid(u)
        t = x if v else y
        return mix(u, c.expand_as(u), ((t < h) | (t > 1 - h)).float()[None])

    return f


@family("composition")
def stripes(r):
    n = r.uniform(4, 14)
    a = r.uniform(0, math.pi)
    c = colour(r)
    k = r.uniform(0.4, 1)

    def f(u):
        x, y = grid(u)
        m = softstep(torch.sin(2 * math.pi * n * (x * math.cos(a) + y * math.sin(a))), 0.3)[None] * k
        return mix(u, c.expand_as(u), m)

    return f


@family("composition")
def circle_mask(r):
    cx, cy = r.uniform(0.4, 0.6, 2)
    w = r.uniform(0.25, 0.45)
    c = colour(r)
    inv = r.random() < 0.3

    def f(u):
        x, y = grid(u)
        m = softstep(((x - cx) ** 2 + (y - cy) ** 2).sqrt() - w, 0.02)[None]
        m = 1 - m if inv else m
        return mix(u, c.expand_as(u), m)

    return f


@family("composition")
def overlay_shape(r):
    cx, cy = r.uniform(0.15, 0.85, 2)
    w, h = r.uniform(0.08, 0.3, 2)
    c = colour(r)
    k = r.uniform(0.5, 1)
    disc = r.random() < 0.5

    def f(u):
        x, y = grid(u)
        m = ((((x - cx) / w) ** 2 + ((y - cy) / h) ** 2) < 1) if disc else (((x - cx).abs() < w) & ((y - cy).abs() < h))
        return mix(u, c.expand_as(u), m.float()[None] * k)

    return f


@family("composition", "basis")
def split_colour(r):
    a = r.uniform(0, 2 * math.pi)
    c, d = colour(r, 0.2, 1.3), colour(r, 0.2, 1.3)

    def f(u):
        x, y = grid(u)
        m = softstep((x - 0.5) * math.cos(a) + (y - 0.5) * math.sin(a), 0.02)[None]
        return u * mix(c, d, m)

    return f


@family("composition", "held_out")
def checker(r):
    n = int(r.integers(2, 6))
    c = colour(r)
    k = r.uniform(0.4, 0.9)

    def f(u):
        x, y = grid(u)
        m = (((x * n).floor() + (y * n).floor()) % 2)[None] * k
        return mix(u, c.expand_as(u), m)

    return f


def text_mask(r):
    from PIL import Image, ImageDraw, ImageFont

    s = "".join(r.choice(list("ABCDEFGHKLMNOPRSTUVXYZ0123456789")) for _ in range(int(r.integers(2, 7))))
    im = Image.new("L", (256, 256), 0)
    d = ImageDraw.Draw(im)
    f = ImageFont.load_default(int(r.uniform(28, 80)))
    d.text((r.uniform(10, 110), r.uniform(10, 180)), s, fill=255, font=f)
    return torch.from_numpy(np.array(im)).float() / 255


@family("composition")
def text(r):
    m = text_mask(r)[None, None]
    c = colour(r)
    return lambda u: mix(u, c.expand_as(u), F.adaptive_avg_pool2d(m, u.shape[-1])[0])


@family("objects", "basis")
def sticker(r):
    from .images import random_sprite

    s = random_sprite(r)
    w = r.uniform(0.2, 0.4)
    cx, cy = r.uniform(0.2, 0.8, 2)

    def f(u):
        x, y = grid(u)
        p = sample(s, (x - cx) / w + 0.5, (y - cy) / w + 0.5, "zeros")
        return mix(u, p[:3] / p[3:].clamp_min(1e-3), p[3:])

    return f


# geometry
@family("geometry")
def mirror(r):
    k = int(r.integers(3))
    return lambda u: [u.flip(2), u.flip(1), u.flip((1, 2))][k]


@family("geometry")
def quarter_turn(r):
    k = int(r.choice([1, 3]))
    return lambda u: torch.rot90(u, k, (1, 2))


def warp_of(fn):
    def f(u):
        x, y = grid(u)
        return sample(u, *fn(x, y))

    return f


@family("geometry")
def zoom(r):
    k = r.uniform(1.15, 1.8) if r.random() < 0.7 else r.uniform(0.6, 0.85)
    return warp_of(lambda x, y: ((x - 0.5) / k + 0.5, (y - 0.5) / k + 0.5))


@family("geometry")
def shift(r):
    dx, dy = r.uniform(-0.2, 0.2, 2)
    return warp_of(lambda x, y: ((x - dx) % 1, (y - dy) % 1))


@family("geometry")
def tilt(r):
    a = r.uniform(0.08, 0.4) * r.choice([-1, 1])
    return warp_of(
        lambda x, y: (
            (x - 0.5) * math.cos(a) - (y - 0.5) * math.sin(a) + 0.5,
            (x - 0.5) * math.sin(a) + (y - 0.5) * math.cos(a) + 0.5,
        )
    )


@family("geometry")
def lens(r):
    k = r.uniform(0.4, 1.2) * r.choice([-1, 1])

    def g(x, y):
        d = (x - 0.5) ** 2 + (y - 0.5) ** 2
        s = 1 + k * (d - 0.25) * 1.2 if k > 0 else 1 + k * (d - 0.0)
        return (x - 0.5) * s + 0.5, (y - 0.5) * s + 0.5

    return warp_of(g)


@family("geometry")
def wave(r):
    n = r.uniform(1.5, 5)
    k = r.uniform(0.01, 0.04)
    p = r.uniform(0, 6.3)
    v = r.random() < 0.5
    return warp_of(
        lambda x, y: (
            (x + k * torch.sin(2 * math.pi * n * y + p), y) if v else (x, y + k * torch.sin(2 * math.pi * n * x + p))
        )
    )


@family("geometry", "held_out")
def swirl(r):
    k = r.uniform(1, 3) * r.choice([-1, 1])

    def g(x, y):
        d = ((x - 0.5) ** 2 + (y - 0.5) ** 2).sqrt()
        a = k * (1 - d / 0.5).clamp_min(0) ** 2
        return (x - 0.5) * torch.cos(a) - (y - 0.5) * torch.sin(a) + 0.5, (x - 0.5) * torch.sin(a) + (
            y - 0.5
        ) * torch.cos(a) + 0.5

    return warp_of(g)


@family("geometry", "basis")
def mirror_half(r):
    k = int(r.integers(4))
    return warp_of(
        [
            lambda x, y: (torch.minimum(x, 1 - x), y),
            lambda x, y: (torch.maximum(x, 1 - x), y),
            lambda x, y: (x, torch.minimum(y, 1 - y)),
            lambda x, y: (x, torch.maximum(y, 1 - y)),
        ][k]
    )


# material
@family("material")
def paper(r):
    f = noise_field(r)
    g = field(r, 16)
    k = r.uniform(0.06, 0.15)
    c = colour(r, 0.85, 1)
    return lambda u: u * c * (1 + k * (f(u.shape[-1]) * 0.5 + g(u.shape[-1])))


@family("material")
def scanlines(r):
    n = int(r.choice([32, 64]))
    k = r.uniform(0.2, 0.5)
    c = colour(r, 0.8, 1.15)

    def f(u):
        x, y = grid(u)
        return u * c * (1 - k * softstep(torch.sin(2 * math.pi * n * y), 1)[None])

    return f


@family("material")
def chromatic_aberration(r):
    d = r.uniform(0.005, 0.02)
    a = r.uniform(0, 6.3)

    def f(u):
        x, y = grid(u)
        dx, dy = d * math.cos(a), d * math.sin(a)
        return torch.cat([sample(u[0:1], x + dx, y + dy), u[1:2], sample(u[2:3], x - dx, y - dy)])

    return f


@family("material", "held_out")
def snow(r):
    n = int(r.integers(40, 120))
    p = torch.tensor(r.uniform(0, 1, (n, 2)), dtype=torch.float32)
    w = torch.tensor(r.uniform(0.004, 0.015, n), dtype=torch.float32)

    def f(u):
        x, y = grid(u)
        m = torch.zeros_like(x)
        s = u.shape[-1]
        for (px, py), q in zip(p, w):
            i0, i1 = int(max(0, (px - 3 * q) * s)), int(min(s, (px + 3 * q) * s + 1))
            j0, j1 = int(max(0, (py - 3 * q) * s)), int(min(s, (py + 3 * q) * s + 1))
            m[j0:j1, i0:i1] = torch.maximum(
                m[j0:j1, i0:i1], torch.exp(-((x[j0:j1, i0:i1] - px) ** 2 + (y[j0:j1, i0:i1] - py) ** 2) / (q * q))
            )
        return mix(u, torch.ones_like(u) * 0.97, m[None] * 0.9)

    return f


@family("material")
def canvas(r):
    n = int(r.choice([40, 64]))
    k = r.uniform(0.08, 0.2)

    def f(u):
        x, y = grid(u)
        t = torch.sin(2 * math.pi * n * x) * torch.sin(2 * math.pi * n * y)
        return u * (1 + k * t[None])

    return f
