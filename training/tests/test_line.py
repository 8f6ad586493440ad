"""The line of a pair: all colours of b' are on it where all of a' are."""

import torch
from torch import Tensor

from likewise.line import line_of, on_line

INK, PAPER = torch.tensor([0.1, 0.2, 0.5]), torch.tensor([0.9, 0.85, 0.7])


def picture(seed: int) -> Tensor:
    return torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def printed(image: Tensor, ink: Tensor = INK, paper: Tensor = PAPER) -> Tensor:
    light = image.mean(1, keepdim=True)
    return ink[None, :, None, None] * (1 - light) + paper[None, :, None, None] * light


def test_one_ink_on_one_paper_has_no_other_colour() -> None:
    a, drawn = picture(1), 0.3 + 0.4 * picture(2)  # nothing is cut off
    line = line_of(a, printed(a))
    assert line is not None
    way = PAPER - INK
    off = on_line(line, drawn)[0].flatten(1) - INK[:, None]
    across = off - way[:, None] * (way @ off) / way.square().sum()
    assert across.abs().max() < 1e-4
    assert torch.allclose(on_line(line, printed(drawn)), printed(drawn), atol=1e-5)


def test_there_is_none_where_colours_are_left_or_a_shows_none() -> None:
    a, grey = picture(1), picture(2).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert line_of(a, a) is None
    assert line_of(grey, printed(grey)) is None
    assert on_line(None, a) is a


def test_several_pairs_have_one_line_or_none() -> None:
    a = torch.cat([picture(1), picture(2)])
    assert line_of(a, printed(a)) is not None
    assert line_of(a, torch.cat([printed(a[:1]), printed(a[1:], PAPER, INK.flip(0))])) is None
