"""Edits of other programs through the engine: likewise.programs with one of ImageMagick's."""

import pytest

from likewise.engine import ROOT
from likewise.programs import EFFECTS, ORDER, SAMPLES, SHOWN, Effect, Result, applied, markdown, measure, page


def test_an_edit_of_imagemagick_is_carried_over() -> None:
    found = measure(ROOT / "public" / "packs" / "studio", *ORDER[:2], {"negative": EFFECTS["negative"]})
    ((result, (a, edited, b, drawn, truth)),) = found
    assert result.decibels_of_b < 10 and result.decibels > 35, result
    assert a.shape == edited.shape and b.shape == drawn.shape == truth.shape
    sheet = page({"negative": (result, (a, edited, b, drawn, truth))})
    assert sheet.height > len(SHOWN) * a.shape[0] * 190 / a.shape[1]


@pytest.mark.parametrize(
    ("command", "says"), [("-crop 10x10+0+0 +repage", "another size"), ("-no-such-option", "no-such-option")]
)
def test_says_what_went_wrong(command: str, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        applied(Effect("detail", "ImageMagick", command), SAMPLES / ORDER[0])


def test_the_table_counts_effects_alike() -> None:
    rows = [Result("blur", "a", "b", "kernel", 40, 20, 50, 30), Result("blur", "b", "a", "detail", 20, 20, 30, 30)]
    text = markdown([*rows, Result("spread", "a", "b", "none", 15, 16, 18, 18)], "studio 1")
    assert "| **all** | 2 | 18.7 | 25.0 | +4.5 [" in text
    assert "| blur | ImageMagick | 20.0 | 30.0 | 40.0 | kernel, detail |" in text
    (drawing,) = (line for line in text.splitlines() if line.startswith("| drawing |"))
    assert drawing.endswith("| 0 | 1 | 18.0 | 18.0 |")
