"""The line of a pair: where all colours of a' are on one line (greys, or one ink on one paper), and those of a are not,
those of b' are too.

Source: docs/architecture.md, "Line". Images are ``[P, 3, S, S]`` in 0..1.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Mean over channels of the squared distance to a line: the most that a' may have (bytes are off by 10^-6, JPEGs by a
# little more), and the least that a must, or nothing is known of colours.
OFF, COLOURED = 5e-6, 1e-4


def principal(image: Tensor) -> tuple[Tensor, Tensor, float]:
    """The line that the colours of ``image [P, 3, S, S]`` are nearest to, a point and its direction ``[3]``, and how
    far they are off it."""
    flat = image.transpose(0, 1).flatten(1).double()
    middle = flat.mean(1)
    away = flat - middle[:, None]
    values, vectors = torch.linalg.eigh(away @ away.T / flat.shape[1])
    return middle, vectors[:, 2], float(values[:2].sum()) / 3


def line_of(a: Tensor, a2: Tensor) -> tuple[Tensor, Tensor] | None:
    """A point of the line and its direction, both ``[3]``, or None where there is none. Of P pairs, all on one."""
    *line, off = principal(a2)
    return (line[0], line[1]) if off <= OFF and principal(a)[2] >= COLOURED else None


def on_line(line: tuple[Tensor, Tensor] | None, image: Tensor) -> Tensor:
    """The nearest colours on the line, in 0..1, of ``image [1, 3, S, S]``."""
    if line is None:
        return image
    middle, way = (x.to(image)[None, :, None, None] for x in line)
    return (middle + way * ((image - middle) * way).sum(1, keepdim=True)).clamp(0, 1)
