"""The anchor's screens: two tones, and between them a threshold that may repeat over the picture as the dots of a
halftone do.

Definitions: docs/architecture.md, "Screen". Images are ``[3, S, S]`` in 0..1, phi ``[82, S, S]``, on any device; sums
and solutions are double.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .cells import Cells
from .lookup import luma

SIDE = 16
KNOTS = SIDE * SIDE
KINDS = ("screen", "screens")  # one for all channels, or one for each
SEEN = (1, 46, 49, 52, 55)  # features of red that a tone is made of: the pixel, and its blurs
TONES = len(SEEN)
APART = 0.1  # the least between them
ASTRAY = 0.1  # of the variance of a', the most that is across the line from one to the other
TONED = (0.1, 0.5, 0.02)  # so near to the two must be this share of the pixels, and this to each
FULL = (0.03, 0.2)  # a share this near to 0 or 1 may be anything beyond it: at least, and where there is noise at most
RIDGE = 1e-7
BENDS = (1e-4 / KNOTS, 1e-6 / KNOTS)  # what they cost; and between cells, of which each is for itself
LOOSE = 1e-9  # what a threshold costs that nothing asks for
STEPS, HALVINGS = 20, 6  # of a least squares, and how exactly each is cut short where it is too far
ROUNDS = 3
HOPELESS = 2.0  # of what a screen may leave, the most after a round
NOISE = 3  # times the median of what is off
FINEST = 6.0  # the coarsest screen that is looked for, in cycles a side
LINES, DOTS = 0.1, 0.15  # of what repeats: the least share of all there is, and the least of the second of the first
HARMONICS = 5  # up to so many times the first is not the second
REPEATED = 0.5  # the most that a screen that repeats may leave of what one that does not leaves
SETTLED = 1e-3  # squared share: where a threshold alone leaves no more, nothing that repeats is looked for
PERIODS = (4, 8)  # cells, of a dither


@dataclass(frozen=True)
class Channel:
    """Of one share ``[S, S]``: ``lattice [2, 2]``, two frequencies (x, y) in cycles a side, zeros for none;
    ``gains [5]`` of `SEEN`; ``thresholds [256]``, by the phase of the first frequency and then of the second."""

    lattice: Tensor
    gains: Tensor
    thresholds: Tensor


def places(size: int, cells: Cells | None, device: torch.device) -> Tensor:
    """Where in the picture columns and rows are, 0..1, ``[2, S]``: where there are cells, in the middles of these."""
    at = (torch.arange(size, dtype=torch.float64, device=device) + 0.5) / size
    return at.expand(2, -1) if cells is None else cells.middles(at)


def phases(place: Tensor, lattice: Tensor) -> Tensor:
    """``[2, S * S]`` in 0..1."""
    x, y = place
    across, down = lattice.double().unbind(1)
    return (across[:, None, None] * x + down[:, None, None] * y[:, None]).remainder(1).flatten(1)


def spline(phase: Tensor) -> tuple[Tensor, Tensor]:
    """Quadratic B-splines of 16 knots in a circle: the middle knot, and the weights of the one before, it, and the one
    after, ``[3, ...]``."""
    at = phase * SIDE
    middle = (at + 0.5).floor()
    t = at - middle
    return middle.long() % SIDE, torch.stack([(0.5 - t) ** 2 / 2, 0.75 - t * t, (0.5 + t) ** 2 / 2])


def around(i: Tensor, j: Tensor) -> Tensor:
    """The nine knots around (i, j), row by row: ``[9, ...]``."""
    step = (-1, 0, 1)
    return torch.stack([((i + k) % SIDE) * SIDE + (j + n) % SIDE for k in step for n in step])


def bends(device: torch.device) -> Tensor:
    eye = torch.eye(SIDE, dtype=torch.float64, device=device)
    bend = eye.roll(1, 1) + eye.roll(-1, 1) - 2 * eye
    once = bend.T @ bend
    return torch.kron(once, eye) + torch.kron(eye, once)


def seen(phi: Tensor, kind: str, weights: Tensor, cells: Cells | None) -> Tensor:
    """What tones are made of, luma with ``weights [3]``: ``[1 or 3, 5, S * S]``; in cells the pixel alone, since a
    cell has one share."""
    found = torch.stack([phi[k : k + 3] for k in SEEN], 1).double()
    if kind == "screen":
        found = luma(found.transpose(0, 1), weights[None]).transpose(0, 1)
    if cells is not None:
        found[:, 1:] = 0
    return found.flatten(2)


def shares(channel: Channel, tones: Tensor, place: Tensor) -> Tensor:
    """How much of the light tone there is, of ``tones [5, S * S]``: ``[S * S]``."""
    p = phases(place, channel.lattice)
    (i, wi), (j, wj) = spline(p[0]), spline(p[1])
    weights = (wi[:, None] * wj[None]).flatten(0, 1)
    threshold = (channel.thresholds.double()[around(i, j)] * weights).sum(0)
    return (0.5 + channel.gains.double() @ tones - threshold).clamp(0, 1)


def fit_share(
    share: Tensor, tones: Tensor, place: Tensor, lattice: Tensor, near_full: float, bent: float
) -> tuple[Channel, float]:
    """Gains and thresholds of ``share [k, S * S]`` made of ``tones [k, 5, S * S]``, and the mean square error they
    leave: least squares, in which a full or empty share asks only for as much or more. That is convex, and what still
    asks is settled by turns."""
    device = share.device
    if repeats := bool(lattice.any()):
        p = phases(place, lattice)
        (i, wi), (j, wj) = spline(p[0]), spline(p[1])
        weights, knots = (wi[:, None] * wj[None]).flatten(0, 1).T, around(i, j).T
    else:
        # One threshold is everywhere.
        i = j = torch.zeros(share.shape[1], dtype=torch.long, device=device)
        weights, knots = share.new_ones(len(i), 1), i[:, None]
    count, each = (KNOTS, 9) if repeats else (1, 1)
    channels, first = len(share), i * SIDE + j
    weights, knots, first = weights.repeat(channels, 1), knots.repeat(channels, 1), first.repeat(channels)
    y, x, pixels = share.flatten() - 0.5, tones.transpose(0, 1).flatten(1), share.numel()
    full, empty = y > 0.5 - near_full, y < near_full - 0.5
    own = torch.arange(count, device=device)
    near = around(own // SIDE, own % SIDE).T if repeats else own[:, None]
    # Sums by middle knot: of what its nine share with each other, with the tones, and with the share.
    columns = (weights[:, :, None] * torch.cat([weights, x.T, y[:, None]], 1)[:, None]).flatten(1)
    fixed = y.new_zeros(TONES + count, TONES + count)
    fixed[:TONES, :TONES] = RIDGE * torch.eye(TONES, device=device)
    fixed[TONES:, TONES:] = LOOSE * torch.eye(count, device=device) + (bent * bends(device) if repeats else 0)
    asked, found, made = torch.ones_like(full), y.new_zeros(TONES + count), torch.zeros_like(y)

    def asks(there: Tensor) -> Tensor:
        return ~((full & (there >= 0.5)) | (empty & (there <= -0.5)))

    for step in range(STEPS):
        sums = columns.new_zeros(count, columns.shape[1]).index_add_(0, first[asked], columns[asked])
        pairs, mixed, right = sums.reshape(count, each, -1).split((each, TONES, 1), 2)
        square = y.new_zeros(count * count)
        square.index_add_(0, (near[:, :, None] * count + near[:, None]).flatten(), pairs.flatten())
        cross = y.new_zeros(count, TONES).index_add_(0, near.flatten(), mixed.flatten(0, 1))
        own_x, own_y = x[:, asked], y[asked]
        normal = torch.cat([torch.cat([own_x @ own_x.T, -cross.T], 1), torch.cat([-cross, square.view(count, -1)], 1)])
        target = torch.cat([own_x @ own_y, -y.new_zeros(count).index_add_(0, near.flatten(), right.flatten())])
        solved = torch.linalg.solve(normal / pixels + fixed, target / pixels)
        way = solved[:TONES] @ x - (solved[TONES:][knots] * weights).sum(1) - made

        def rises(part: float) -> bool:
            """Whether the error does, at a part of the way."""
            there = made + part * way
            return float(((there - y) * way * asks(there)).sum()) > 0

        # As far as the error falls: what asks on the way is not what asked at its beginning.
        part = 1.0
        if step > 0 and rises(part):
            low = 0.0
            for _ in range(HALVINGS):
                middle = (low + part) / 2
                low, part = (low, middle) if rises(middle) else (middle, part)
        found, made = found + part * (solved - found), made + part * way
        if torch.equal(now := asks(made), asked):
            break
        asked = now
    error = float((made.clamp(-0.5, 0.5) - y).square().mean())
    return Channel(lattice, found[:TONES].float(), found[TONES:].float().expand(KNOTS)), error


def fit_channel(share: Tensor, tones: Tensor, place: Tensor, lattices: list[Tensor], *how: float) -> Channel:
    """As `fit_share`, with the first of the lattices that leaves much less than those before it."""
    best, error = None, math.inf
    for lattice in lattices:
        found, left = fit_share(share, tones, place, lattice, *how)
        if left <= REPEATED * error:
            best, error = found, left
        if error <= SETTLED:
            break
    assert best is not None
    return best


def refined(image: Tensor, frequency: tuple[float, float]) -> tuple[float, float]:
    """The frequency, in cycles a side, near to this one, of which there is most."""
    size = image.shape[-1]
    at = (torch.arange(size, dtype=torch.float64, device=image.device) + 0.5) / size
    x, y = frequency
    step = 0.5
    for _ in range(7):
        off = torch.arange(-2, 3, dtype=torch.float64, device=image.device) * step
        across, down = (torch.exp(-2j * math.pi * at[:, None] * (f + off)) for f in (x, y))
        k = int((down.T @ image.to(across.dtype) @ across).abs().argmax())
        x, y = x + float(off[k % 5]), y + float(off[k // 5])
        step /= 2.5
    return x, y


def lattice_of(share: Tensor) -> Tensor:
    """Two frequencies ``[2, 2]`` that a screen of ``share [S, S]`` may have, zeros for none: peaks of its spectrum."""
    size = share.shape[-1]
    window = torch.hann_window(size, periodic=False, dtype=torch.float64, device=share.device)
    shown = (share.double() - share.double().mean()) * window[:, None] * window
    power = torch.fft.fft2(shown).abs().square()
    f = torch.fft.fftfreq(size, 1 / size, dtype=torch.float64, device=share.device)
    y, x = f[:, None].expand(size, size), f.expand(size, size)
    radius = (x * x + y * y).sqrt()
    known = ((x > 0) | ((x == 0) & (y > 0))) & (radius >= FINEST)
    total = float(power.where(known, 0).sum())
    # Pictures have more of what is coarse.
    open_ = (power * radius).where(known & (x.abs() < size / 2 - 2) & (y.abs() < size / 2 - 2), 0)
    found, most = share.new_zeros(2, 2, dtype=torch.float64), 0.0
    for k in range(2):
        at = int(open_.argmax())
        px, py = float(x.flatten()[at]), float(y.flatten()[at])
        part = float(power.where(((x - px).abs() <= 2) & ((y - py).abs() <= 2) & known, 0).sum()) / max(total, 1e-30)
        if part < (LINES if k == 0 else DOTS * most):
            break
        px, py = refined(shown, (px, py))
        found[k] = torch.tensor([px, py])
        most = part
        for m in (m * sign for m in range(1, HARMONICS + 1) for sign in (1, -1)):
            open_ = open_.where(((x - m * px).abs() > 2.5) | ((y - m * py).abs() > 2.5), 0)
    return found


def two_tones(u2: Tensor, kind: str) -> tuple[Tensor, Tensor] | None:
    """The dark and the light tone ``[3]`` of a', at first, or None where it is not of two: the medians of what is on
    either side of the middle."""
    flat = u2.flatten(1).double()
    if kind == "screens":
        along = flat
    else:
        away = flat - flat.mean(1, keepdim=True)
        values, vectors = torch.linalg.eigh(away @ away.T / flat.shape[1])
        if float(values[:2].sum()) > ASTRAY * float(values.sum()):
            return None
        along = (vectors[:, 2] * vectors[:, 2].sum().sign() @ away).expand(3, -1)
    middle = (along.amin(1) + along.amax(1)) / 2
    halves = [[flat[c][side(along[c], middle[c])] for c in range(3)] for side in (torch.le, torch.gt)]
    if any(len(half) == 0 for pair in halves for half in pair):
        return None
    dark, light = (torch.stack([half.median() for half in pair]) for pair in halves)
    apart = (light - dark).abs()
    return (dark, light) if float(apart.max() if kind == "screen" else apart.min()) >= APART else None


def shares_of(u2: Tensor, dark: Tensor, light: Tensor, kind: str) -> Tensor:
    """How much of the light tone, not clamped: ``[1 or 3, S, S]``."""
    off, way = u2.double() - dark[:, None, None], (light - dark)[:, None, None]
    if kind == "screens":
        return off / way
    return ((off * way).sum(0) / way.square().sum())[None]


def of_two(share: Tensor) -> bool:
    """Whether enough of a' is of either tone."""
    near, least, each = TONED
    parts = [float(((share - tone).abs() < near).double().mean()) for tone in (0, 1)]
    return sum(parts) >= least and min(parts) >= each


@dataclass(frozen=True)
class Screen:
    """Of a `kind`: the weights ``luma [3]``, ``dark`` and ``light [3]``, and one channel, or one for each of r, g, b."""

    kind: str
    luma: Tensor
    dark: Tensor
    light: Tensor
    channels: list[Channel]


def apply(screen: Screen, phi: Tensor, cells: Cells | None) -> Tensor:
    """The screen of a picture with features ``phi``, read in ``cells`` or not: ``[3, S, S]``."""
    place = places(phi.shape[-1], cells, phi.device)
    tones = seen(phi, screen.kind, screen.luma, cells)
    share = torch.stack([shares(channel, tone, place) for channel, tone in zip(screen.channels, tones)])
    dark, light = (tone[:, None] for tone in (screen.dark, screen.light))
    return (dark + (light - dark) * share).clamp(0, 1).float().reshape(3, *phi.shape[1:])


def tones_again(u2: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """The two tones that go best with shares ``[1 or 3, S, S]``."""
    s, y = share.flatten(1).double().expand(3, -1), u2.flatten(1).double()
    mean_s, mean_y = s.mean(1), y.mean(1)
    slope = ((s * y).mean(1) - mean_s * mean_y) / ((s * s).mean(1) - mean_s * mean_s).clamp_min(1e-9)
    return mean_y - slope * mean_s, mean_y + slope * (1 - mean_s)


def fit(u2: Tensor, phi: Tensor, weights: Tensor, cells: Cells | None, bound: float) -> tuple[float, Screen] | None:
    """The best screen of a pair and its mean square error, or None where that is above ``bound``. ``phi`` are the
    features of u, which was read in ``cells`` or not; ``weights [3]`` are its luma's."""
    kind, tones = "screen", two_tones(u2, "screen")
    if tones is None:
        kind, tones = "screens", two_tones(u2, "screens")
    if tones is None:
        return None
    share = shares_of(u2, *tones, kind)
    if not of_two(share):
        return None
    place, sources = places(u2.shape[-1], cells, u2.device), seen(phi, kind, weights, cells)
    bare, groups = torch.zeros(2, 2, dtype=torch.float64, device=u2.device), [[c] for c in range(len(share))]
    if cells is None:
        tried = [[bare, lattice_of(one.clamp(0, 1))] for one in share]
        tried = [both if bool(both[1].any()) else both[:1] for both in tried]
    else:
        # Where cells are dithered, all channels are alike.
        groups, tried = [list(range(len(share)))], [[bare, *(cells.lattice(p) for p in PERIODS)]]
    near_full, bent = FULL[1], BENDS[cells is not None]
    for _ in range(ROUNDS):
        each = share.clamp(0, 1).flatten(1)
        channels = []
        for k, members in enumerate(groups):
            found = fit_channel(each[members], sources[members], place, tried[k], near_full, bent)
            # After the first round it is settled whether and how it repeats.
            tried[k] = [found.lattice]
            channels += [found] * len(members)
        made = torch.stack([shares(channel, source, place) for channel, source in zip(channels, sources)])
        tones = tones_again(u2, made)
        share = shares_of(u2, *tones, kind)
        screen = Screen(kind, weights, *tones, channels)
        error = float((apply(screen, phi, cells) - u2).double().square().mean())
        if error > HOPELESS * bound or not of_two(share):
            return None
        # Most of what is off is noise, such as a JPEG has.
        off = (share - made.reshape(share.shape)).abs().flatten().sort().values
        near_full = min(max(NOISE * float(off[len(off) // 2]), FULL[0]), FULL[1])
    return (error, screen) if error <= bound else None
