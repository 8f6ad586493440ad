"""The anchor's layer: what was laid over a, at its places, to be laid over any other picture.

Definitions: docs/architecture.md, "Layer". Where a' is not the anchor of a, something was laid over it: paint of one
colour, as much of it as there is at each place, or what hides the picture altogether. One pair at a time, images
``[3, S, S]`` in 0..1, looked at on the CPU and found where they are. Paint of one colour takes every pixel it covers along a line to that colour, so the
lines say which colour it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .noise import words

SEED = 1
LAID, NEAR, STRONG = 0.012, 0.02, 0.05  # differences: that count, that do not, that say a colour
NOISE = (3, 4, 4)  # each of them more by so many times the noise
LOUD = 0.01  # more is no noise
BARE = 0.1  # the least share of the picture that nothing was laid over
COLOURS = 3
PAIRS, HINTS, SAMPLE = 400, 100, 1500
FEW = 1 / 1024  # of the picture: fewer pixels say nothing
SPARSE = 0.02  # of the strong pixels: a colour that explains fewer is none
UNSURE = 3e-3  # squared distance of a pixel from a colour at which its neighbours say as much as it of its share
# What tells a layer from an edit that leaves part of the picture as it is.
FORETOLD = 0.4  # the most that a's own lightness may say of where it lies
STRICTLY = 0.2  # and its contrast or edges, where it lies on these
ALONG = 0.25  # the most that both it and its edges may correlate with a's edges, which outlines are drawn along
FLAT = 0.02  # share of what is laid that no colour explains, below which one colour needs no more tests
MOSTLY_BARE = 0.62
EDGED = 1.3  # its edges, over those of the picture there,
SHARPLY = 1.8  # or those of its strong pixels: about them a JPEG has noise, which has no edges
TYPE, CRISP = 0.25, 3  # type on a shade of any size: its share of what is laid at most, and its edges, as above
ALIKE = 0.65  # correlation of what hides the picture with it
SPECKS = 0.03
TOGETHER = 0.65  # how far what is laid lies together: grain does by 0.4 to 0.5, type by 0.8 and more
BINS = 16
CONTRAST, SLOPE = 0.05, 0.015  # half way to the last bin
DOUBT = 20  # pixels of the mean in every bin
PLACES = 16  # means of so many pixels along an axis
SHADE, OF_A = 0.95, 0.75  # of the variance of a shade: the least that its place says, the most that a's lightness may


@dataclass(frozen=True)
class Trust:
    """How well what lies under a layer is known: the share of the pixels that do not exceed the noise, the least
    that this is, the most of the bare pixels that may have a colour of the layer (an edit that leaves few colours
    looks like paint where it is not known), the most of what is laid that no colour may explain, how many times
    further than that a pixel may be from every colour before the layer hides it, and whether one beside paint may be
    a mixture of its colours and so hide nothing."""

    quiet: float
    least: float
    shared: float = 1.0
    hidden: float = 1.0
    further: float = 1.0
    mixed: bool = False


# One after the other: a JPEG may be noisy where something was laid and as it was elsewhere.
AS_IT_WAS = (Trust(0.1, 0.0), *(Trust(0.1, least, hidden=SPECKS, further=3.0, mixed=True) for least in (0.002, 0.004)))
EDITED = Trust(0.3, 0.004, shared=0.5)


def box(image: Tensor, reach: int) -> Tensor:
    """Means of ``(2 reach + 1)^2`` pixels of ``[C, S, S]``, edges clamped."""
    padded = F.pad(image[None], (reach,) * 4, mode="replicate")
    return F.avg_pool2d(padded, 2 * reach + 1, 1)[0]


def nothing_over(pictures: Tensor) -> Tensor:
    """No layers ``[n, 4, S, S]`` for pictures ``[n, 3, S, S]``."""
    count, _, height, width = pictures.shape
    return pictures.new_zeros(count, 4, height, width)


def over(layer: Tensor, picture: Tensor) -> Tensor:
    """``layer [..., 4, S, S]``, r, g, b times alpha, and alpha, over ``picture [..., 3, S, S]``."""
    return picture * (1 - layer[..., 3:, :, :]) + layer[..., :3, :, :]


def paint(colour: Tensor, u: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of pixels ``u``, ``d [3, n]`` and a colour ``[3]``: the share of the colour that explains d best, 0..1, what it
    leaves, and the squared distance from u to the colour."""
    way = colour[:, None] - u
    far = (way * way).sum(0)
    share = ((d * way).sum(0) / far.clamp_min(1e-6)).clamp(0, 1)
    return share, (d - share * way).abs().amax(0), far


def meeting(u: Tensor, d: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Colours ``[m, 3]`` at which the lines of pairs of pixels meet, of those that do."""
    one, other = F.normalize(d[:, first], dim=0), F.normalize(d[:, second], dim=0)
    apart = u[:, first] - u[:, second]
    along = (one * other).sum(0)
    sine = 1 - along * along
    s = (along * (other * apart).sum(0) - (one * apart).sum(0)) / sine.clamp_min(1e-4)
    t = ((other * apart).sum(0) - along * (one * apart).sum(0)) / sine.clamp_min(1e-4)
    p, q = u[:, first] + s * one, u[:, second] + t * other
    middle = (p + q) / 2
    meets = (sine > 0.02) & ((p - q).square().sum(0) < 0.05**2) & (s > 0) & (t > 0)
    meets &= (middle.amin(0) > -0.03) & (middle.amax(0) < 1.03)
    return middle[:, meets].T.clamp(0, 1)


def refined(colour: Tensor, u: Tensor, d: Tensor, near: float) -> Tensor:
    """The colour nearest to the lines of the pixels that it explains."""
    for _ in range(4):
        _, left, _ = paint(colour, u, d)
        mine = left < near
        weight = d[:, mine].square().sum(0)
        along = F.normalize(d[:, mine], dim=0)
        total = weight.sum()
        # The sum over pixels of weight (I - along along^T) (colour - u) is zero.
        outer = torch.einsum("n,in,jn->ij", weight, along, along)
        ridge = 1e-4 * total + 1e-9
        left_side = (total + ridge) * torch.eye(3) - outer
        right = (weight * (u[:, mine] - along * (along * u[:, mine]).sum(0))).sum(1) + ridge * colour
        colour = torch.linalg.solve(left_side, right).clamp(0, 1)
    return colour


def colours_of(u: Tensor, d: Tensor, near: float, few: float) -> list[Tensor]:
    """The colours ``[3]`` that explain pixels ``[3, n]``, at most three, each the one that explains the most of what
    those before it leave."""
    free = torch.arange(u.shape[1])
    found: list[Tensor] = []
    for turn in range(COLOURS):
        if len(free) < few:
            break
        drawn = torch.from_numpy(words(SEED, 2 * PAIRS * turn, 2 * PAIRS) / 2**32)
        first, second = (free[(drawn[k::2] * len(free)).long()] for k in range(2))
        hints = (u + d)[:, first[:HINTS]].T.clamp(0, 1)
        some = free[:: -(-len(free) // SAMPLE)]
        candidates = torch.cat([meeting(u, d, first, second), hints])
        counts = torch.stack([(paint(c, u[:, some], d[:, some])[1] < near).sum() for c in candidates])
        colour = refined(candidates[counts.argmax()], u[:, free], d[:, free], near)
        mine = paint(colour, u[:, free], d[:, free])[1] < near
        if mine.sum() < SPARSE * u.shape[1]:
            break
        found.append(colour)
        free = free[~mine]
    return found


def spread(share: Tensor, weight: Tensor) -> Tensor:
    """Shares ``[S, S]`` where they are sure, elsewhere those of pixels near by: means of 2 x 2, and so on, and back."""
    sums = [torch.stack([share * weight, weight])[None]]
    while sums[-1].shape[-1] > 4 and sums[-1].shape[-1] % 2 == 0:
        sums.append(F.avg_pool2d(sums[-1], 2))
    near = sums[-1][:, :1] / (sums[-1][:, 1:] + 1e-9)
    for part in reversed(sums[:-1]):
        up = F.interpolate(near, scale_factor=2, mode="bilinear", align_corners=False)
        near = (part[:, :1] + UNSURE * up) / (part[:, 1:] + UNSURE)
    return near[0, 0]


@dataclass(frozen=True)
class Found:
    """``layer [4, S, S]``; ``hides [S, S]``, where no colour explains it; and whether it is one, and whether what
    hides the picture is something else than the picture."""

    layer: Tensor
    hides: Tensor
    plausible: bool
    foreign: bool


def edges(image: Tensor, laid: Tensor) -> Tensor:
    """The mean difference of ``[3, S, S]`` between neighbours of which one is laid over."""
    total, count = image.new_zeros(()), 0
    for axis in (1, 2):
        length = image.shape[axis] - 1
        apart = (image.narrow(axis, 1, length) - image.narrow(axis, 0, length)).abs().mean(0)
        edge = laid.narrow(axis - 1, 1, length) != laid.narrow(axis - 1, 0, length)
        total, count = total + apart[edge].sum(), count + int(edge.sum())
    return total / max(1, count)


def likeness(one: Tensor, other: Tensor) -> float:
    """The correlation of pixels ``[C, n]``, channels together."""
    one, other = one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True)
    return float((one * other).sum() / (one.square().sum() * other.square().sum()).sqrt().clamp_min(1e-9))


@dataclass(frozen=True)
class Signs:
    """What a layer could be drawn by if it were none: a's own lightness, contrast and edges, as numbers of bins,
    each ``[S, S]``; ``fold [S, S]``, parts of the picture; and the length of its ``gradient [S, S]``."""

    bins: tuple[Tensor, Tensor, Tensor]
    fold: Tensor
    gradient: Tensor


def signs_of(luma: Tensor, around: Tensor, gradient: Tensor, fold: Tensor) -> Signs:
    """Of a's luma, that blurred, and the length of its gradient."""
    luma, around, gradient = luma.cpu(), around.cpu(), gradient.cpu()
    off = luma - around
    shares = (luma * 4, 0.5 + 0.5 * off / (off.abs() + CONTRAST), gradient / (gradient + SLOPE))
    lightness, contrast, edge = ((share * BINS).long() for share in shares)
    return Signs((lightness.clamp(0, 4 * BINS - 1), contrast.clamp(0, BINS - 1), edge), fold, gradient)


def foretold(alpha: Tensor, signs: Signs) -> list[float]:
    """How much of the variance of ``alpha [S, S]`` a table of each sign says, in parts of the picture that the table
    was not made of."""
    alpha, fold = alpha.flatten().double(), signs.fold.flatten()
    varies = (alpha - alpha.mean()).square().sum().clamp_min(1e-9)
    told = []
    for at in signs.bins:
        at, error = at.flatten(), alpha.new_zeros(())
        for k in range(int(fold.max()) + 1):
            shown = fold != k
            sums = alpha.new_zeros(4 * BINS).index_add_(0, at[shown], alpha[shown])
            counts = torch.bincount(at[shown], minlength=4 * BINS)
            table = (sums + DOUBT * alpha[shown].mean()) / (counts + DOUBT)
            error += (alpha[~shown] - table[at[~shown]]).square().sum()
        told.append(1 - float(error / varies))
    return told


def gathered(e: Tensor, laid: Tensor) -> float:
    """How far the pixels ``laid [S, S]`` lie together: the share of the eight around that is laid too, weighted by
    the squared differences ``e [S, S]``; 0 where that is chance, 1 where it is all."""
    on = laid.float()
    around = (9 * box(on[None], 1)[0] - on) / 8
    weight, chance = on * e.square(), on.mean()
    return float(((weight * around).sum() / weight.sum() - chance) / (1 - chance))


def slopes(alpha: Tensor) -> Tensor:
    """How far each of ``alpha [S, S]`` is from its four neighbours, together."""
    total = torch.zeros_like(alpha)
    for axis in (0, 1):
        apart, length = alpha.diff(dim=axis).abs(), len(alpha) - 1
        total.narrow(axis, 0, length).add_(apart)
        total.narrow(axis, 1, length).add_(apart)
    return total


def shade(alpha: Tensor, shown: Tensor) -> bool:
    """Whether ``alpha [S, S]`` is soft: its means of 16 x 16 pixels, linear between their middles, say most of its
    variance, all by the weights ``shown [S, S]``."""
    mean = (alpha * shown).sum() / shown.sum().clamp_min(1e-9)
    sums, weights = (F.avg_pool2d(part[None, None], PLACES) for part in ((alpha - mean) * shown, shown))
    means = sums / weights.clamp_min(1e-9)
    told = F.interpolate(means, scale_factor=PLACES, mode="bilinear", align_corners=False)[0, 0]
    off = (alpha - mean - told).square() * shown
    return bool(off.sum() <= (1 - SHADE) * ((alpha - mean).square() * shown).sum())


def drawn(alpha: Tensor, signs: Signs, soft: bool) -> bool:
    """Whether a layer with ``alpha [S, S]``, a ``soft`` shade or not, is drawn by a itself, and so none."""
    lightness, *others = foretold(alpha, signs)
    if soft:
        return lightness > OF_A
    on, along = (likeness(part.view(1, -1), signs.gradient.view(1, -1)) for part in (alpha, slopes(alpha)))
    # A caption over a plain sky is foretold too: by the lack of edges, and it is drawn by none. Of what is large and
    # soft, as a shade is, one of the two correlations may be high by chance.
    return lightness > FORETOLD or min(on, along) > ALONG or (on > 0 and max(others) > STRICTLY)


def find(u: Tensor, a2: Tensor, signs: Signs, trust: Trust) -> Found | None:
    """What was laid over ``u`` to make ``a2``, or None where that is nothing or everything."""
    size, device = u.shape[-1], u.device
    u, a2 = u.cpu(), a2.cpu()
    d = a2 - u
    e = d.abs().amax(0)
    noise = min(max(float(e.flatten().sort().values[int(trust.quiet * size * size)]), trust.least), LOUD)
    at_least, near, strong = (limit + k * noise for limit, k in zip((LAID, NEAR, STRONG), NOISE))
    laid, certain = e > at_least, e > strong
    bare, few = 1 - float(laid.float().mean()), FEW * size * size
    if bare < BARE or certain.sum() < few:
        return None

    flat_u, flat_d = u.flatten(1), d.flatten(1)
    colours = colours_of(flat_u[:, certain.flatten()], flat_d[:, certain.flatten()], near, few)
    painted = [[part.view(size, size) for part in paint(c, flat_u, flat_d)] for c in colours]
    # Of differences that are too small to count, as much as is not noise.
    heard = e.square() / (e.square() + (NOISE[0] * noise) ** 2 + 1e-12)
    together = gathered(e, laid) > TOGETHER

    def share_of(part: Tensor) -> float:
        return float(part.sum() / laid.sum().clamp_min(1))

    # A shade of the first colour may have type on it, which is sharp; other colours are then none.
    soft = False
    if colours and together:
        share, left, far = painted[0]
        typed = (e > near) & (left >= near)
        lies = share_of(typed)
        crisp = lies <= FLAT or (lies <= TYPE and float(edges(a2, typed)) >= CRISP * float(edges(u, typed)))
        # A pixel near to the colour says little.
        shown = far * ~typed
        soft = crisp and shade(spread(torch.where(laid, share, share * heard), shown), shown)
        if soft:
            colours, painted = colours[:1], painted[:1]
    least, which = e - 1e-3, torch.full_like(e, -1, dtype=torch.long)
    for k, (_, left, _) in enumerate(painted):
        mine = laid & (left < trust.further * near) & (left < least)
        which[mine], least = k, torch.where(mine, left, least)
    hides = (which < 0) & (e > trust.further * near)
    explained = (which >= 0) & (least < near)
    unexplained = (e > near) & ~explained

    alpha, colour = torch.zeros_like(e), torch.zeros_like(u)
    for k, (share, _, far) in enumerate(painted):
        nothing = (which < 0) & ~hides
        mine = (which == k) | nothing
        share = spread(torch.where(nothing, share * heard, share), far * mine)
        taken = mine & (share > alpha)
        alpha = torch.where(taken, share, alpha)
        colour = torch.where(taken, colours[k][:, None, None], colour)
    if hides.any():
        alpha, colour = hidden(u, d, laid, hides, alpha, colour)
    layer = torch.cat([colour * alpha, alpha[None]])

    one_colour = len(colours) == 1 and share_of(unexplained) <= FLAT
    if trust.mixed and together:
        unexplained &= box(explained.float()[None], 1)[0] == 0
    share_hid = share_of(unexplained)
    foreign = share_hid <= SPECKS or abs(likeness(u[:, unexplained], a2[:, unexplained])) <= ALIKE
    edged = any(
        float(edges(a2, part)) >= times * float(edges(u, part)) for part, times in ((laid, EDGED), (certain, SHARPLY))
    )
    same = torch.zeros_like(laid)
    for c in colours:
        same |= (a2 - c[:, None, None]).abs().amax(0) < near
    shared = float(same[~laid].float().mean())
    known = one_colour or (foreign and (soft or (bare >= MOSTLY_BARE and edged)))
    plausible = (soft or share_hid <= trust.hidden) and shared <= trust.shared and known and not drawn(alpha, signs, soft)
    return Found(((layer * 255).round() / 255).to(device), hides.to(device), plausible, foreign)


def hidden(
    u: Tensor, d: Tensor, laid: Tensor, hides: Tensor, alpha: Tensor, colour: Tensor
) -> tuple[Tensor, Tensor]:
    """``alpha`` and ``colour`` with what hides the picture: a' itself, and at its edges, where a' is a mixture, as
    much of the colours inside as explains it."""
    base = torch.where(hides, u + d, colour)
    inside = (box(laid.float()[None], 1)[0] > 0.99) & (hides | (alpha > 0.97))
    known = box(inside.float()[None], 2)
    way = box(base * inside, 2) / known.clamp_min(1e-6) - u
    share = ((d * way).sum(0) / (way * way).sum(0).clamp_min(1e-6)).clamp(0.02, 1)
    edge = hides & ~inside & (known[0] > 0.02) & (way.abs().amax(0) > 0.1)
    mixed = (d - share * way).abs().amax(0) < 0.2
    alpha = torch.where(edge, share, torch.where(hides, 1.0, alpha))
    colour = torch.where(edge & mixed, (u + d / share).clamp(0, 1), base)
    return alpha, colour


def without(a2: Tensor, found: Found, u: Tensor) -> Tensor:
    """a' as far as nothing was laid over it, and ``u`` elsewhere."""
    # What hides the picture and is like it is not laid over it: u is wrong there.
    laid = (found.layer[3] > 0) & (~found.hides if not found.foreign else True)
    return torch.where(laid, u, a2)
