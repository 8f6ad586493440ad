"""The tables of docs/recipe.md: made of the runs that there are, the rest stays."""

import json
from pathlib import Path

from likewise.recipe import slug, with_tables

DOCUMENT = "a\n<!-- recipe:base -->\nold base\n<!-- /recipe -->\nb\n<!-- recipe:basis -->\nold\n<!-- /recipe -->\n"


def test_only_what_was_run_is_written(tmp_path: Path) -> None:
    for name, gain in (("N = 32, r = 4", 1.0), ("N = 4, r = 4", 1.5)):
        row = {"name": name, "question": "elements", "samples": 32, "seconds": 1, "parameters": 3_260_000}
        row |= {"base": [gain, gain + 1], "basis": [gain, gain], "held_out": [0.0, gain], "entropy": 0.5, "spread": 1.0}
        (tmp_path / f"basis-{slug(name)}.json").write_text(json.dumps(row))
    made = with_tables(DOCUMENT, tmp_path)
    assert "old base" in made and made.count("<!-- /recipe -->") == 2
    assert "| N = 4, r = 4 | elements | +2.00 | +0.50 ± 0.00 | +1.50 | +0.50 ± 0.00 | +0.75 | +0.25 ± 0.49 |" in made
    assert "| N = 4, r = 4 | 3.26 M | 0.50 | 1.00 |" in made
    assert with_tables(made, tmp_path) == made
