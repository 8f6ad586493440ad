"""Quadruples a : a' :: b : b', the unit of training and of evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Iterator

import numpy as np
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
COMPOSITION, IDENTITY = "composition of two", "identity"
LABELS = [*FAMILIES, *(f"-{name}" for name in REVERSIBLE), COMPOSITION, IDENTITY]


@dataclass(frozen=True)
class Quadruple:
    """Images float32 ``[3, S, S]`` in 0..1, rounded to 8 bits as a person's files are.

    ``family`` is a family's name, "-x" for x shown backwards, "x+y" for x then y, or "identity";
    ``group`` is the family's group, or what kind of mixture it is.
    """

    a: Tensor
    a2: Tensor
    b: Tensor
    b2: Tensor
    family: str
    group: str

    @property
    def label(self) -> str:
        """One of `LABELS`: all compositions share one."""
        return COMPOSITION if self.group == COMPOSITION else self.family


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


def draw_edit(rng: np.random.Generator, splits: frozenset[str], names: tuple[str, ...] = ()) -> Edit:
    """70 % one family as it is, 15 % two in a row, and 5 % each: identity, backwards, partial; of the
    families in ``splits``, or of ``names`` alone, where one may stand several times."""
    names = names or names_in(splits)
    first = FAMILIES[names[int(rng.integers(len(names)))]]
    draw = rng.random()
    if draw < 0.15:
        second = FAMILIES[names[int(rng.integers(len(names)))]]
        one, two = first.make(rng), second.make(rng)
        return Edit(lambda u: two(one(u)), f"{first.name}+{second.name}", COMPOSITION)
    if draw < 0.20:
        return Edit(lambda u: u, IDENTITY, IDENTITY)
    if draw < 0.25:
        able = [name for name in REVERSIBLE if FAMILIES[name].split in splits]
        if able:
            chosen = FAMILIES[able[int(rng.integers(len(able)))]]
            return Edit(chosen.make(rng), f"-{chosen.name}", chosen.group, backwards=True)
    if draw < 0.30 and first.group != "geometry":
        # Half of a mirrored image over the image is not half of a mirror, so geometry stays whole.
        return Edit(partial(first.make(rng), rng.uniform(0.3, 0.85)), first.name, first.group)
    return Edit(first.make(rng), first.name, first.group)


def quadruple(edit: Edit, a: Tensor, b: Tensor) -> Quadruple:
    a, b = rounded(a), rounded(b)
    a2, b2 = rounded(edit.apply(a)), rounded(edit.apply(b))
    if edit.backwards:
        return Quadruple(a2, a, b2, b, edit.family, edit.group)
    return Quadruple(a, a2, b, b2, edit.family, edit.group)


def sample_quadruple(
    rng: np.random.Generator,
    size: int,
    split_families: set[str],
    photo_split: str = "train",
    names: tuple[str, ...] = (),
) -> Quadruple:
    """A random training quadruple of the families in ``split_families`` (base, basis, held_out), or of
    ``names``; in 15 % of them a and b are crops of one photograph."""
    with sprites_of(photo_split):
        edit = draw_edit(rng, frozenset(split_families), names)
    if rng.random() < 0.15:
        a, b = two_crops(rng, size, photo_split)
    else:
        a, b = (source(rng, size, photo_split) for _ in range(2))
    return quadruple(edit, a, b)


def evaluation_quadruples(
    size: int, per_family: int, seed: int, photo_split: str = "held_out"
) -> Iterator[Quadruple]:
    """``per_family`` quadruples of every single family, on photographs only, always the same."""
    for name, family in FAMILIES.items():
        for k in range(per_family):
            # By the name, so that a new family changes no other's quadruples.
            rng = np.random.default_rng([seed, k, *name.encode()])
            with sprites_of(photo_split):
                edit = Edit(family.make(rng), name, family.group)
            yield quadruple(edit, *(source(rng, size, photo_split, True) for _ in range(2)))
