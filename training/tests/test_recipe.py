"""The tables of docs/recipe.md: made of the runs that there are, the rest stays."""

import json
from pathlib import Path

import torch

from likewise.data.quadruples import LABELS
from likewise.loader import Batch
from likewise.recipe import RUNS, slug, told, unshown, with_tables

DOCUMENT = "a\n<!-- recipe:base -->\nold base\n<!-- /recipe -->\nb\n<!-- recipe:basis -->\nold\n<!-- /recipe -->\n"


def test_only_what_was_run_is_written(tmp_path: Path) -> None:
    for name, gain in (("N = 32, r = 4", 1.0), ("N = 4, r = 4", 1.5)):
        row = {"name": name, "question": "elements", "samples": 32, "seconds": 1, "parameters": 3_260_000}
        row |= {"base": {"tint": [gain, gain + 1]}, "basis": {"fog": [gain], "crt": [gain]}, "entropy": 0.5, "spread": 1.0}
        row["held_out"] = {"snow": [0.0, 0.0], "night": [gain, gain]}
        (tmp_path / f"basis-{slug(name)}.json").write_text(json.dumps(row))
    made = with_tables(DOCUMENT, tmp_path)
    assert "old base" in made and made.count("<!-- /recipe -->") == 2
    gains = "+2.00 | +0.50 [+0.50, +0.50] | +1.50 | +0.50 [+0.50, +0.50] | +0.75 | +0.25 [+0.00, +0.50]"
    assert f"| N = 4, r = 4 | elements | {gains} |" in made
    assert "| N = 4, r = 4 | 3.26 M | 0.50 | 1.00 |" in made
    assert with_tables(made, tmp_path) == made


def of_family(name: str) -> Batch:
    images = torch.rand(6, 2, 3, 32, 32, generator=torch.Generator().manual_seed(len(name)))
    return Batch(*images, torch.tensor([LABELS.index(name)] * 2))


def test_a_denoiser_that_is_shown_no_pair_sees_only_how_much_is_left() -> None:
    batch = of_family("tint")
    shown, hidden = batch.pairs(), unshown(batch).pairs()
    assert not hidden[:, :, :6].any() and hidden[:, :, 6:].flatten(2).std(2).max() < 1e-6
    both = [pairs[:, :, 6:].square().mean((1, 2, 3, 4)) for pairs in (shown, hidden)]
    torch.testing.assert_close(*both)


def test_a_name_is_the_same_for_every_picture_of_a_family_and_for_no_other() -> None:
    tint, fog = (told(of_family(name)) for name in ("tint", "fog"))
    words = [batch.pairs()[:, 0, :6] for batch in (tint, fog)]
    assert torch.equal(words[0][0], words[0][1]) and not torch.equal(words[0], words[1])
    assert torch.equal(words[0][..., :4, :4], words[0][..., 8:12, 20:24])
    assert torch.equal(tint.target()[:, 3:], tint.b), "without an anchor"


def test_every_row_of_a_stage_has_a_file_of_its_own() -> None:
    for runs in RUNS.values():
        assert len({slug(run.name) for run in runs}) == len(runs)
