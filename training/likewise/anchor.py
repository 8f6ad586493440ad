"""The anchor: a closed-form fit of a -> a', evaluated on any image.

The definitions are those of docs/architecture.md; the engine implements the same ones.
Images are float32 ``[B, 3, S, S]`` in 0..1 (sRGB-encoded values as they are).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence

import torch
from torch import Tensor

from . import cells, hue, layer, local, lookup, patch_match, screen, warp
from .features import BLOCKS, COLUMNS, FEATURES, FOLDS, features, fold_of_block, fold_of_pixel, gaussian_blur, gram

__all__ = [
    "COLUMNS",
    "FEATURES",
    "FOLDS",
    "Fits",
    "anchors",
    "apply",
    "features",
    "fit_all",
    "fold_of_pixel",
    "gaussian_blur",
    "gram",
]

RIDGES = (1e-6, 1e-4, 1e-2)
ACCEPT = 0.8  # a fit that leaves more than this share of (a' - a)^2 explains nothing
UNSOLVED = 1e-3  # a warp is looked for where the best fit leaves more than this mean square error, 30 dB
WARPED = 0.5  # it must leave at most this share of it, alone and with a fit on top
MATCHED = 0.25  # and correspondences, which have far more freedom, this
UNEXPLAINED = 1e-5  # local lookups and screens are looked at where the best of the others leaves more than this, 50 dB
LOCAL = 0.5  # the most that one may leave of (a' - a)^2: its many values fit what is no function of them
HUED = (0.85, 0.65)  # the most that a hue lookup may leave of the best without it: on few weights, on those of tone
HUED_AT_ALL = 1e-3  # and at all: of dots it explains a share too
TONED = 1e-4  # cells and channels apart are looked at where the best of the others leaves more than this, 40 dB
SCREENED = 0.25  # the most that one may leave of it
UNDER = 3e-5  # what lies under a layer is looked for where the best fit leaves more than this, 45 dB
LAYERED = 0.25  # the most that an anchor with a layer may leave of what the best without one leaves
REFITS = 3  # of what lies under it
SOLVED = 2e-5  # the most that they may leave of that, 47 dB: what no anchor explains looks like a layer
AGREED = (0.1, 0.3, 0.1)  # pixels that agree: more than as they are, at least, and how they vary against a's
OTHER_LUMA = 0.5  # of what a table of Rec. 601's leaves, the most that one of another luma may
TIE = 1.1  # an earlier candidate wins while its score is within this factor of the best
FLOOR = 1e-6

COLOUR = tuple(range(10))
TONE = tuple(range(22))
POSITION = tuple(range(22, 46))
DETAIL = tuple(range(46, 61))
COPIES = tuple(range(61, 82))
GROUPS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("none", ()),
    ("colour", COLOUR),
    ("tone", TONE),
    ("copies", COLOUR + COPIES),
    ("detail", TONE + DETAIL),
    ("light", TONE + POSITION),
    ("full", TONE + POSITION + DETAIL),
)
# Every candidate, in order of preference: features go on better than tables where a has no pixels, but
# weights of a gradient, which is rarely large, go on worse than its table.
ORDER = ("none", "colour", "tone", "copies", "gradient", "detail", "light", "full", *lookup.KINDS[:-1])


@dataclass(frozen=True)
class Fits:
    """The anchors of n pairs: the name of each one's group, ``weights [n, 82, 3]`` (zero outside the group),
    ``tables [n, 256, 3]`` for those that are lookups, the mean square ``error [n]`` of the choice,
    cross-validated, where in the picture each reads, ``layers [n, 4, S, S]`` that are laid over it, and the screens of
    those that are one. Where a table is of luma, its weights are ``lumas [n, 3]``."""

    groups: list[str]
    weights: Tensor
    tables: Tensor
    lumas: Tensor
    error: Tensor
    warps: warp.Warps
    layers: Tensor
    screens: list[screen.Screen | None]

    def part(self, rows: slice | list[int]) -> Fits:
        groups, screens = warp.chosen(self.groups, rows), warp.chosen(self.screens, rows)
        parts = (self.weights[rows], self.tables[rows], self.lumas[rows], self.error[rows])
        return Fits(groups, *parts, self.warps.part(rows), self.layers[rows], screens)

    def put(self, rows: list[int], others: Fits) -> None:
        """``others`` in place of the anchors ``rows``."""
        for k, row in enumerate(rows):
            self.groups[row], self.screens[row] = others.groups[k], others.screens[k]
        self.weights[rows], self.tables[rows], self.error[rows] = others.weights, others.tables, others.error
        self.lumas[rows] = others.lumas
        self.warps.put(rows, others.warps)
        self.layers[rows] = others.layers


def fit_group(total: Tensor, held: Tensor, columns: Sequence[int], pixels: int) -> tuple[Tensor, Tensor]:
    """A group of features: its mean square error on held-out folds ``[n]`` with the best ridge (the larger
    on ties), and the weights ``[n, 82, 3]`` refitted on all blocks."""
    index = torch.tensor(columns, device=total.device)
    free = torch.ones(len(columns), dtype=total.dtype, device=total.device)
    free[0] = 0

    def system(grams: Tensor) -> tuple[Tensor, Tensor]:
        rows = grams[..., index, :]
        return rows[..., index], rows[..., FEATURES :]

    best = torch.full_like(total[:, 0, 0], torch.inf)
    chosen = torch.zeros_like(best)
    xx, xy = system((total[:, None] - held) / (pixels * (FOLDS - 1) / FOLDS))
    held_xx, held_xy = system(held)
    held_yy = torch.diagonal(total, dim1=1, dim2=2)[:, FEATURES :].sum(1)
    for ridge in RIDGES:
        factor, info = torch.linalg.cholesky_ex(xx + torch.diag(ridge * free))
        w = torch.cholesky_solve(xy, factor)
        error = held_yy - 2 * (w * held_xy).sum((1, 2, 3)) + (w * (held_xx @ w)).sum((1, 2, 3))
        # The Gram matrices are float32: a perfect fit can come out a little below zero.
        score = (error / (3 * pixels)).clamp_min(0).where((info == 0).all(1), torch.inf)
        better = score <= best
        best, chosen = score.where(better, best), torch.where(better, ridge, chosen)
    xx, xy = system(total / pixels)
    factor, _ = torch.linalg.cholesky_ex(xx + torch.diag_embed(chosen[:, None] * free))
    weights = total.new_zeros(len(total), FEATURES, 3)
    weights[:, index] = torch.cholesky_solve(xy, factor)
    return best, weights


def luma_of(u: Tensor, u2: Tensor, places: Tensor) -> tuple[Tensor, lookup.Sums]:
    """The weights ``[n, 3]`` of the luma of which u2 is most nearly a function, Rec. 601 unless another does far
    better, and the sums of its lookup."""
    lumas = u.new_tensor(lookup.LUMAS)
    every = [lookup.luma(u, weights.expand(len(u), 3)).clamp(0, 1) for weights in lumas]
    kinds = [lookup.sums(q, u2, places, FOLDS) for q in every]
    score, _ = lookup.scores(kinds, places.numel())
    least, best = score.min(1)
    chosen = best.where(least <= OTHER_LUMA * score[:, 0], 0)
    return lumas[chosen], lookup.picked(kinds, chosen)


def fit_still(
    u: Tensor, u2: Tensor, phi: Tensor, blocks: Tensor, read: cells.Cells | None = None, hues: bool = True
) -> Fits:
    """Choose group and ridge by cross-validation over blocks, then refit on all of them: `fit_all` without
    warps; ``read`` are the cells that u is the means of. Without ``hues`` no hue lookups: what an edit of colours cuts
    off looks like a layer where they leave nothing else. Solved in double precision."""
    count, pixels, device = len(u), u.shape[-1] ** 2, u.device
    blocks = blocks.double()
    fold = fold_of_block().to(device)
    held = torch.stack([blocks[:, fold == k].sum(1) for k in range(FOLDS)], dim=1)
    total = held.sum(1)
    energy = torch.diagonal(total, dim1=1, dim2=2)[:, FEATURES :].sum(1) / (3 * pixels)
    nothing = total.new_zeros(count, FEATURES, 3)
    fitted = {name: fit_group(total, held, columns, pixels) for name, columns in GROUPS[1:]}

    places = fold_of_pixel(u.shape[-1]).to(device)
    lumas, of_luma = luma_of(u, u2, places)
    kinds = [
        of_luma if kind == "luma" else lookup.sums(lookup.index(kind, u, phi, lumas), u2, places, FOLDS)
        for kind in lookup.KINDS
    ]
    looked_up, ridges = lookup.scores(kinds, pixels)
    fitted |= {kind: (looked_up[:, k], nothing) for k, kind in enumerate(lookup.KINDS)} | {"none": (energy, nothing)}

    score, weights = (torch.stack([fitted[name][k] for name in ORDER], dim=1) for k in range(2))
    lowest = score.amin(1)
    chosen = (score <= TIE * lowest[:, None] + FLOOR).int().argmax(1)
    chosen = chosen.where((lowest <= ACCEPT * energy) & (energy >= FLOOR), ORDER.index("none"))
    groups, rows = [ORDER[k] for k in chosen.tolist()], torch.arange(count, device=device)
    which = torch.tensor([lookup.KINDS.index(g) if g in lookup.KINDS else 0 for g in groups], device=device)
    tables = lookup.tables(lookup.picked(kinds, which), ridges[rows, which], pixels)
    weights, error = weights[rows, chosen].float(), score[rows, chosen]
    if tried := ((lowest > UNEXPLAINED) & (energy >= FLOOR)).nonzero().flatten().tolist():
        around = torch.stack([gaussian_blur(u[tried], sigma * u.shape[-1] / 256) for sigma in local.SIGMAS])
        bound = torch.minimum((lowest[tried] - FLOOR) / TIE, LOCAL * energy[tried])
        found, names, rows_of = local.fit(u[tried], u2[tried], around, lumas[tried], places, FOLDS, bound)
        for k in found.isfinite().nonzero().flatten().tolist():
            row = tried[k]
            error[row], groups[row], tables[row], weights[row] = found[k], names[k], rows_of[k], 0
    for row in ((error > UNEXPLAINED) & (energy >= FLOOR) & hues).nonzero().flatten().tolist():
        at, bounds = [row], [min(share * float(error[row]), HUED_AT_ALL) for share in HUED]
        if (hued := hue.fit(u[at], u2[at], phi[at], places, FOLDS, bounds)) is not None:
            error[row], groups[row], weights[row], tables[row] = hued[0], hue.KIND, 0, 0
            weights[row, : len(hued[1])], tables[row, : hue.KNOTS] = hued[1:]
    screens: list[screen.Screen | None] = [None] * count
    for row in ((error > UNEXPLAINED) & (energy >= FLOOR)).nonzero().flatten().tolist():
        if (toned := screen.fit(u2[row], phi[row], lumas[row], read, SCREENED * float(error[row]))) is not None:
            error[row], screens[row] = toned
            groups[row], weights[row] = toned[1].kind, 0
    return Fits(groups, weights, tables, lumas, error, warp.still(count, device), layer.nothing_over(u), screens)


def without_edit(u: Tensor) -> Fits:
    """The anchor that leaves one picture ``[1, 3, S, S]`` as it is; its error is not known."""
    weights, tables, luma = u.new_zeros(1, FEATURES, 3), u.new_zeros(1, lookup.KNOTS, 3), u.new_tensor(lookup.LUMAS[:1])
    nowhere, nothing = warp.still(1, u.device), layer.nothing_over(u)
    return Fits(["none"], weights, tables, luma, u.new_zeros(1), nowhere, nothing, [None])


def agreed(u: Tensor, u2: Tensor, phi: Tensor) -> Tensor | None:
    """The *tone* weights ``[22, 3]`` that most pixels of a pair ``[3, S, S]`` agree on, or None where it is not many.

    Reweighted least squares on every fifth pixel each way, begun in parts of the picture that may be bare.
    """
    x = phi[list(TONE), 2::5, 2::5].flatten(1).T.double()
    y = (u2 - u)[:, 2::5, 2::5].flatten(1).T.double()
    # Small systems by the dozen: faster than on a graphics card, which the pair may be on.
    x, y = x.cpu(), y.cpu()
    count = round(len(x) ** 0.5)
    at = torch.arange(count * count)
    row, column = at // count * BLOCKS // count, at % count * BLOCKS // count
    inner = (row % 3 != 0) & (column % 3 != 0)
    starts = [torch.ones_like(inner), inner, *(line == k for line in (row, column) for k in range(BLOCKS))]
    free = torch.ones(len(TONE), dtype=torch.double)
    free[0] = 0
    best, most = None, 0.0
    for start in starts:
        weight = start.double()
        for scale in (0.2, 0.1, 0.05, 0.03, 0.02, 0.015):
            shown = x * weight[:, None]
            w = torch.linalg.solve(shown.T @ x / weight.sum() + 1e-5 * torch.diag(free), shown.T @ y / weight.sum())
            off = (y - x @ w).abs().amax(1)
            weight = 1 / (1 + (off / scale) ** 2) ** 2
        share = float((off < layer.LAID).double().mean())
        if share > most:
            best, most = w, share
    assert best is not None
    seen = u[:, 2::5, 2::5].flatten(1).T.cpu()
    varies = (seen + x.float() @ best.float()).var(0).sum() / seen.var(0).sum().clamp_min(1e-9)
    same = float((y.abs().amax(1) < layer.LAID).double().mean())
    more, least, spread = AGREED
    return best.float().to(u.device) if most > same + more and most > least and varies > spread else None


def fit_layered(u: Tensor, u2: Tensor, phi: Tensor, still: Fits) -> Fits | None:
    """The anchor of one pair ``[1, 3, S, S]`` over which something was laid, if it leaves much less than ``still``."""
    signs = layer.signs_of(lookup.luma(u)[0, 0], lookup.luma(phi[:, 52:55])[0, 0], phi[0, 60], fold_of_pixel(u.shape[-1]))
    for trust in layer.AS_IT_WAS:
        bare = layer.find(u[0], u2[0], signs, trust)
        if bare is None:
            break
        # Nothing was done to the picture itself.
        if bare.plausible and (fits := layered(u, u2, phi, without_edit(u), bare, still)) is not None:
            return fits
    if float(still.error) <= UNDER or (tone := agreed(u[0], u2[0], phi[0])) is None:
        return None
    under = (u + torch.einsum("fc,nfhw->nchw", tone, phi[:, list(TONE)])).clamp(0, 1)
    found = layer.find(under[0], u2[0], signs, layer.EDITED)
    for _ in range(REFITS):
        if found is None:
            return None
        was = layer.without(u2[0], found, under[0])[None]
        fits = fit_still(u, was, phi, gram(phi, was - u), hues=False)
        under = apply_still(u, phi, fits)
        found = layer.find(under[0], u2[0], signs, layer.EDITED)
        if found is not None and found.plausible and float(fits.error) <= SOLVED:
            return layered(u, u2, phi, fits, found, still)
    return None


def layered(u: Tensor, u2: Tensor, phi: Tensor, under: Fits, found: layer.Found, still: Fits) -> Fits | None:
    """``under`` with the layer that was found, if that leaves much less than ``still``."""
    fits = replace(under, layers=found.layer[None])
    fits = replace(fits, error=(u2 - apply(u, phi, fits)).double().square().mean((1, 2, 3)))
    return fits if float(fits.error) <= LAYERED * float(still.error) else None


def fit_all(u: Tensor, u2: Tensor, phi: Tensor, still: bool = False) -> Fits:
    """The anchors of pairs ``[n, 3, S, S]`` with their ``phi [n, 82, S, S]``, on their device. With ``still``
    no layers, warps or correspondences are looked for, one pair at a time on the CPU: for edits that have none.

    Source: docs/architecture.md, "Anchor fit".
    """
    fits = fit_still(u, u2, phi, gram(phi, u2 - u))
    if still:
        return fits

    def unsolved(most: float = UNSOLVED) -> list[int]:
        rows = (fits.error > most).nonzero().flatten().tolist()
        return [k for k in rows if fits.screens[k] is None and fits.warps.cells[k] is None]

    def take(rows: list[int], warps: warp.Warps, most: Tensor, read: cells.Cells | None = None) -> None:
        """The anchors on pictures ``rows`` that ``warps`` have moved, where they leave at most as much as ``most [n]``
        says of their rows."""
        moved = warp.apply(u[rows], warps)
        phi = features(moved)
        refitted = fit_still(moved, u2[rows], phi, gram(phi, u2[rows] - moved), read)
        taken = (refitted.error <= most[rows]).nonzero().flatten().tolist()
        refitted.warps.put(taken, warps.part(taken))
        fits.put([rows[k] for k in taken], refitted.part(taken))

    for row in (fits.error > TONED).nonzero().flatten().tolist():
        if (grid := cells.find(u2[row])) is not None:
            take([row], warp.of_cells(grid, u.device), WARPED * fits.error, grid)
    for row in (fits.error > UNEXPLAINED).nonzero().flatten().tolist():
        if fits.warps.cells[row] is not None:
            continue
        at = [row]
        if (found := fit_layered(u[at], u2[at], phi[at], fits.part(at))) is not None:
            fits.put(at, found)
    most = WARPED * fits.error
    if tried := unsolved(TONED):
        channels = zip(tried, warp.fit_channels(u[tried], u2[tried], WARPED))
        if apart := {row: found for row, found in channels if found is not None}:
            take(list(apart), warp.of_channels(list(apart.values())), most)
    # What moves all channels alike may look like channels apart, with a table on top.
    if tried := sorted({*unsolved(), *(k for k in range(len(u)) if fits.warps.channels[k] is not None)}):
        warps, left = warp.fit(u[tried], u2[tried])
        promising = (left <= WARPED).nonzero().flatten().tolist()
        if promising:
            take([tried[k] for k in promising], warps.part(promising), torch.minimum(most, fits.error))
    found = {row: matches for row in unsolved() if (matches := patch_match.fit(u[row], u2[row])) is not None}
    if found:
        take(list(found), warp.of_matches(list(found.values())), MATCHED * fits.error)
    return fits


def apply_still(u: Tensor, phi: Tensor, fits: Fits) -> Tensor:
    """Each anchor on its image as if it had no warp."""
    result = u + torch.einsum("nfc,nfhw->nchw", fits.weights, phi)
    if rows := [k for k, group in enumerate(fits.groups) if group == hue.KIND]:
        result[rows] += hue.look_up(fits.tables[rows, : hue.KNOTS], u[rows])
    result = result.clamp(0, 1)
    for kind in lookup.KINDS:
        if rows := [k for k, group in enumerate(fits.groups) if group == kind]:
            result[rows] = lookup.look_up(fits.tables[rows], lookup.index(kind, u[rows], phi[rows], fits.lumas[rows]))
    for kind in local.KINDS:
        if rows := [k for k, group in enumerate(fits.groups) if group == kind]:
            around = gaussian_blur(u[rows], local.sigma_of(kind) * u.shape[-1] / 256)
            result[rows] = local.look_up(fits.tables[rows], *local.indices(kind, u[rows], around, fits.lumas[rows]))
    for row, toned in enumerate(fits.screens):
        if toned is not None:
            result[row] = screen.apply(toned, phi[row], fits.warps.cells[row])
    return result


def apply(u: Tensor, phi: Tensor, fits: Fits) -> Tensor:
    """Each anchor on its image: ``[n, 3, S, S]`` with ``phi [n, 82, S, S]``."""
    result = apply_still(u, phi, fits)
    if rows := fits.warps.rows():
        warped = fits.part(rows)
        moved = warp.apply(u[rows], warped.warps)
        result[rows] = apply_still(moved, features(moved), warped)
    return layer.over(fits.layers, result)


@torch.no_grad()
def anchors(a: Tensor, a2: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Fits]:
    """Fit each pair and evaluate: (anchor(a), anchor(b), fits), images ``[B, 3, S, S]``."""
    phi = features(a)
    fits = fit_all(a, a2, phi)
    return apply(a, phi, fits), apply(b, features(b), fits), fits
