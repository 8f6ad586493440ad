"""Quadruples a : a' :: b : b', the unit of training and of evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, reduce
from typing import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .families import FAMILIES, Transform
from .images import source, two_crops
from .sprites import sprites_of

# Families whose edit can also be shown backwards: what was lost can be computed back or guessed.
REVERSIBLE = (
    *("tint", "saturation", "temperature", "sepia", "contrast", "gamma", "exposure", "invert", "fade", "levels"),
    *("vignette", "gradient light", "light leak", "spotlight", "shade from an edge", "golden hour"),
    *("gaussian blur", "grain", "colour noise", "low resolution", "motion blur", "overlay shape", "grid lines"),
    *("border", "inner line", "text", "paper", "canvas", "scanlines", "dust and scratches", "rain"),
)
# The text is in every cache's list of labels, so it stays; compositions of three have the label too.
COMPOSITION, IDENTITY = "composition of two", "identity"
LABELS = [*FAMILIES, *(f"-{name}" for name in REVERSIBLE), COMPOSITION, IDENTITY]


@dataclass(frozen=True)
class Quadruple:
    """Images float32 ``[3, S, S]`` in 0..1, rounded to 8 bits as a person's files are.

    ``family`` is a family's name, "-x" for x shown backwards, "x+y" for x then y (and "x+y+z"), or "identity";
    ``group`` is the family's group, or what kind of mixture it is. ``more`` holds further pairs of the edit.
    """

    a: Tensor
    a2: Tensor
    b: Tensor
    b2: Tensor
    family: str
    group: str
    more: tuple[tuple[Tensor, Tensor], ...] = ()

    @property
    def label(self) -> str:
        """One of `LABELS`: all compositions share one."""
        return COMPOSITION if self.group == COMPOSITION else self.family

    def bytes(self) -> Tensor:
        """a, a', b, b' and then the further pairs, uint8 ``[4 + 2 * more, 3, S, S]``."""
        images = [self.a, self.a2, self.b, self.b2, *(image for pair in self.more for image in pair)]
        return (torch.stack(images) * 255).round().byte()


@dataclass(frozen=True)
class Edit:
    apply: Transform
    family: str
    group: str
    backwards: bool = False


def rounded(image: Tensor) -> Tensor:
    return (image.clamp(0, 1) * 255).round() / 255


@cache
def names_in(splits: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name, family in FAMILIES.items() if family.split in splits)


def partial(whole: Transform, share: float) -> Transform:
    return lambda u: u + share * (whole(u) - u)


def composed(rng: np.random.Generator, names: Sequence[str]) -> Edit:
    """The families of ``names`` one after the other, with parameters drawn from ``rng``."""
    parts = [FAMILIES[name].make(rng) for name in names]
    return Edit(lambda u: reduce(lambda image, part: part(image), parts, u), "+".join(names), COMPOSITION)


def draw_edit(rng: np.random.Generator, splits: frozenset[str], names: tuple[str, ...] = ()) -> Edit:
    """70 % one family as it is, 15 % two in a row, 5 % three, 3 % identity, 3.5 % backwards and 3.5 %
    partial; of the families in ``splits``, or of ``names`` alone, where one may stand several times."""
    names = names or names_in(splits)
    chosen = [names[int(k)] for k in rng.integers(len(names), size=3)]
    first = FAMILIES[chosen[0]]
    draw = rng.random()
    if draw < 0.20:
        return composed(rng, chosen[: 2 if draw < 0.15 else 3])
    if draw < 0.23:
        return Edit(lambda u: u, IDENTITY, IDENTITY)
    if draw < 0.265:
        able = [name for name in REVERSIBLE if FAMILIES[name].split in splits]
        if able:
            shown = FAMILIES[able[int(rng.integers(len(able)))]]
            return Edit(shown.make(rng), f"-{shown.name}", shown.group, backwards=True)
    if draw < 0.30 and first.group != "geometry":
        # Half of a mirrored image over the image is not half of a mirror, so geometry stays whole.
        return Edit(partial(first.make(rng), rng.uniform(0.3, 0.85)), first.name, first.group)
    return Edit(first.make(rng), first.name, first.group)


def quadruple(edit: Edit, *images: Tensor) -> Quadruple:
    """Of a, b and the pictures of further pairs."""
    before = [rounded(image) for image in images]
    after = [rounded(edit.apply(image)) for image in before]
    if edit.backwards:
        before, after = after, before
    (a, a2), (b, b2), *more = zip(before, after)
    return Quadruple(a, a2, b, b2, edit.family, edit.group, tuple(more))


def sample_quadruple(
    rng: np.random.Generator,
    size: int,
    split_families: set[str],
    photo_split: str = "train",
    names: tuple[str, ...] = (),
    pairs: int = 1,
) -> Quadruple:
    """A random training quadruple of the families in ``split_families`` (base, basis, held_out), or of
    ``names``, with ``pairs`` pairs; in 15 % of them a and b are crops of one photograph."""
    with sprites_of(photo_split):
        edit = draw_edit(rng, frozenset(split_families), names)
    if rng.random() < 0.15:
        a, b = two_crops(rng, size, photo_split)
    else:
        a, b = (source(rng, size, photo_split) for _ in range(2))
    return quadruple(edit, a, b, *(source(rng, size, photo_split) for _ in range(pairs - 1)))


def evaluation_quadruples(
    size: int, per_family: int, seed: int, photo_split: str = "held_out", names: Sequence[str] = tuple(FAMILIES)
) -> Iterator[Quadruple]:
    """``per_family`` quadruples of every single family of ``names``, on photographs only, always the same."""
    for name in names:
        family = FAMILIES[name]
        for k in range(per_family):
            # By the name, so that a new family changes no other's quadruples.
            rng = np.random.default_rng([seed, k, *name.encode()])
            with sprites_of(photo_split):
                edit = Edit(family.make(rng), name, family.group)
            yield quadruple(edit, *(source(rng, size, photo_split, True) for _ in range(2)))


def composition_quadruples(
    size: int, count: int, seed: int, splits: Sequence[str] = ("base", "held_out"), photo_split: str = "held_out"
) -> Iterator[Quadruple]:
    """``count`` quadruples of two different families of each of ``splits`` in a row, split after split, on
    photographs only, always the same. ``family`` is "x+y", and x and y are of one split."""
    for split in splits:
        for k in range(count):
            rng = np.random.default_rng([seed, k, *split.encode()])
            with sprites_of(photo_split):
                edit = composed(rng, [str(name) for name in rng.choice(names_in(frozenset({split})), 2, replace=False)])
            yield quadruple(edit, *(source(rng, size, photo_split, True) for _ in range(2)))
