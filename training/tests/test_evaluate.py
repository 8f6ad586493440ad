"""The evaluation: its quadruples, going on where it stopped, and what it concludes."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likewise.data import images
from likewise.data.families import FAMILIES
from likewise.data.quadruples import evaluation_quadruples, rounded
from likewise.measure import Bench, Plan, Unit, more_pairs, quadruples
from likewise.metrics import METRICS
from likewise.report import as_json, markdown
from likewise.results import Results, Rows, behaviour_verdicts, gain, leaks, take_over, verdicts

STUDIO = Path(__file__).resolve().parents[2] / "public" / "packs" / "studio"


@pytest.fixture(autouse=True)
def no_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(images, "files", lambda kind, split: ())


def plan_in(folder: Path) -> Plan:
    return Plan(STUDIO, (), ("held_out",), 2, 2, 1, folder, seed=5)


def test_units_have_the_evaluation_s_quadruples(tmp_path: Path) -> None:
    plan = replace(plan_in(tmp_path), size=32)
    expected = list(evaluation_quadruples(32, 2, 5, names=("snow",)))[1]
    (found,) = quadruples(plan, Unit("family", "snow", 1, 1))
    assert torch.equal(found.a2, expected.a2) and torch.equal(found.b2, expected.b2)
    composed = list(quadruples(plan, Unit("composition", "held_out", 0, 2)))
    assert len(composed) == 2
    assert all(FAMILIES[name].split == "held_out" for q in composed for name in q.family.split("+"))


def test_more_pairs_show_the_same_edit() -> None:
    q = next(evaluation_quadruples(32, 1, 5, names=("border",)))
    (a, a2), (other, _) = more_pairs("border", 0, 32, 5, 2)
    edit = FAMILIES["border"].make(np.random.default_rng([5, 0, *b"border"]))
    assert torch.equal(rounded(edit(q.a)), q.a2) and torch.equal(rounded(edit(a)), a2)
    assert not torch.equal(a, other) and not torch.equal(a, q.a)


def test_a_rival_is_measured_without_doing_the_rest_again(tmp_path: Path) -> None:
    plan, unit = plan_in(tmp_path), Unit("family", "hatching", 0, 1)
    bench = Bench(plan)
    assert bench.missing(unit) == ["copy", "anchor", "base", "model"]
    bench.measure(unit)
    assert bench.missing(unit) == []
    model, base = bench.read("model", unit), bench.read("base", unit)
    assert set(model) == {*METRICS, "leak", "families"} and model["psnr"] != base["psnr"]

    rival = Bench(replace(plan, rivals=(("itself", STUDIO),)))
    assert rival.missing(unit) == ["itself"]
    rival.measure(unit)
    assert rival.read("itself", unit)["psnr"] == model["psnr"]
    # Where rivals are not asked for they do not run.
    assert "itself" not in rival.columns(Unit("family", "border", 0, 1))


def made(gains: dict[str, float], rival: float = -1.0) -> Results:
    """Families with a given gain over an anchor of 20 dB (35 for colour and tone)."""
    results = Results(Plan(Path(), (), (), 4, 0, 1, Path()), "test 1", 1, ["one LoRA"], [])
    for name, over in gains.items():
        family = FAMILIES[name]
        level = 35.0 if family.group in ("colour", "tone") else 20.0
        values = {"copy": 15.0, "anchor": level, "base": level, "one LoRA": level + over + rival, "model": level + over}
        columns = {c: {m: [v, v + 1, v - 1, v] for m in METRICS} for c, v in values.items()}
        columns["model"]["leak"] = [3.0, math.nan, 2.0, 1.0]
        columns["model"]["cosine"][0] = math.nan
        results.families[name] = Rows(name, family.split, family.group, columns, [name] * 4)
    return results


def by_target(results: Results, part: str) -> list[bool | None]:
    return [v.met for v in verdicts(results) if part in v.target]


def test_verdicts_are_of_the_numbers() -> None:
    results = made({"tint": -0.5, "border": 6, "snow": 3, "swirl": 1, "checker": 2.5, "corner ribbon": 2.5})
    assert by_target(results, "reaches 30 dB") == [True]
    assert by_target(results, "composition, seen") == [True] and by_target(results, "geometry, held out") == [False]
    assert by_target(results, "above one LoRA") == [True] and by_target(results, "above the frozen base") == [True]
    assert by_target(made({"tint": -1.5}), "reaches 30 dB") == [False]
    # A rival that is better, and one that is not there.
    better = made({"snow": 3, "swirl": 3}, rival=0.5)
    assert by_target(better, "above one LoRA") == [False]
    better.rivals = []
    assert by_target(better, "both single LoRAs") == [None]


def test_behaviour_is_judged_by_the_worst() -> None:
    results = made({"tint": 1})
    record = {"seeds": [40.0, 36.0], "grows": [1.0, 1.0], "together": [30.0, 31.0], "alone": [29.0, 30.0]}
    record |= {"drift": [0.05], "driftOfTruth": [0.0], "steps1": [30.0], "steps2": [29.0], "steps4": [28.0]}
    results.behaviour = {"tint": {**record, "steps8": [27.0]}}
    results.identity = [60.0, 55.0]
    assert all(v.met for v in behaviour_verdicts(results)) and not leaks(results)
    results.families["tint"].columns["model"]["leak"][1] = -0.25
    results.behaviour["tint"] |= {"seeds": [34.0], "drift": [0.2], "alone": [32.0, 32.0], "steps2": [31.0]}
    assert [v.met for v in behaviour_verdicts(results)] == [True, False, False, False, True, False, False]
    assert leaks(results) == [("tint", -0.25)]


def test_a_column_that_is_not_everywhere_is_left_open() -> None:
    results = made({"tint": 1, "snow": 2})
    del results.families["tint"].columns["one LoRA"]
    assert gain(results.chosen(), "model", "one LoRA") is None
    assert gain(results.chosen("held_out"), "model", "one LoRA") is not None
    row = next(line for line in markdown(results).splitlines() if line.startswith("| tint"))
    assert "| – |" in row and "+1.00 [+1.00, +1.00]" in row


def test_json_has_every_number() -> None:
    results = made({"tint": 1, "snow": 2})
    read = json.loads(as_json(results))
    assert read["families"]["snow"]["columns"]["model"]["psnr"] == [22.0, 23.0, 21.0, 22.0]
    assert read["families"]["snow"]["columns"]["model"]["cosine"][0] is None
    assert "cosine" not in read["families"]["snow"]["columns"]["copy"]
    assert [t["met"] for t in read["targets"]] == [v.met for v in verdicts(results)]


def test_absent_rivals_are_taken_over_where_the_model_is_as_it_was() -> None:
    whole = made({"tint": 1, "snow": 2})
    earlier = json.loads(as_json(whole))

    def without(gains: dict[str, float], earlier: dict = earlier) -> Results:
        results = made(gains)
        results.rivals = []
        for rows in results.families.values():
            del rows.columns["one LoRA"]
        take_over(results, earlier)
        return results

    same, other = without({"tint": 1, "snow": 2}), without({"tint": 1.5, "snow": 2.5})
    assert same.kept == ["one LoRA"] and verdicts(same) == verdicts(whole)
    assert "from an earlier run" in markdown(same) and json.loads(as_json(same))["families"] == earlier["families"]
    assert other.rivals == [] and "were not there" in markdown(other)
    part = without({"tint": 1, "snow": 2.5})
    assert part.taken_over == 0.5 and "50.0% of those" in markdown(part)
    assert without({"tint": 1, "snow": 2.5}, json.loads(as_json(part))).taken_over == 0.5
    assert gain(part.chosen(), "model", "one LoRA") == gain(part.chosen("base"), "model", "one LoRA")
    row = next(line for line in markdown(part).splitlines() if line.startswith("| snow"))
    assert "| – |" in row
