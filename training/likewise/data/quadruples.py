"""Quadruples a : a' :: b : b', the unit of training and of evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

import numpy as np
from torch import Tensor

from .families import FAMILIES, Transform
from .images import source

# Families whose edit can be shown backwards: what was lost can be guessed or computed back.
REVERSIBLE = ("gamma", "tint", "temperature", "fade", "invert", "gaussian blur", "vignette", "grain", "contrast")


@dataclass(frozen=True)
class Quadruple:
    """Images float32 ``[3, S, S]`` in 0..1, rounded to 8 bits as a person's files are."""

    a: Tensor
    a2: Tensor
    b: Tensor
    b2: Tensor
    family: str


def rounded(image: Tensor) -> Tensor:
    return (image.clamp(0, 1) * 255).round() / 255


def names_in(splits: set[str]) -> list[str]:
    return [name for name, family in FAMILIES.items() if family.split in splits]


def draw_transform(rng: np.random.Generator, splits: set[str]) -> tuple[Transform, str]:
    """70 % one family; the rest compositions of two, partial strength, identity."""
    names = names_in(splits)
    first = names[int(rng.integers(len(names)))]
    apply = FAMILIES[first].make(rng)
    draw = rng.random()
    if draw < 0.15:
        second = FAMILIES[names[int(rng.integers(len(names)))]].make(rng)
        return (lambda u: second(apply(u).clamp(0, 1))), "composition of two"
    if draw < 0.20:
        share = float(rng.uniform(0.3, 0.8))
        return (lambda u: u + share * (apply(u).clamp(0, 1) - u)), first
    if draw < 0.24:
        return (lambda u: u), "identity"
    return apply, first


def make(
    rng: np.random.Generator, size: int, transform: Transform, family: str, split: str, photographs: bool
) -> Quadruple:
    a = rounded(source(rng, size, split, photographs))
    b = rounded(source(rng, size, split, photographs))
    quadruple = Quadruple(a, rounded(transform(a)), b, rounded(transform(b)), family)
    if not photographs and family in REVERSIBLE and rng.random() < 0.25:
        return Quadruple(quadruple.a2, quadruple.a, quadruple.b2, quadruple.b, family)
    return quadruple


def sample_quadruple(rng: np.random.Generator, size: int, splits: set[str]) -> Quadruple:
    """A random training quadruple of families in ``splits``."""
    transform, family = draw_transform(rng, splits)
    return make(rng, size, transform, family, "train", False)


def evaluation_quadruples(size: int, per_family: int, seed: int) -> Iterator[Quadruple]:
    """``per_family`` quadruples of every single family on held-out photographs, always the same."""
    for number, (name, family) in enumerate(FAMILIES.items()):
        for k in range(per_family):
            rng = np.random.default_rng([seed, number, k])
            yield make(rng, size, family.make(rng), name, "held_out", True)


LABELS = [*FAMILIES, "composition of two", "identity"]
