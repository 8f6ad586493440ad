"""docs/evaluation.md and docs/evaluation.json from the results."""

from __future__ import annotations

import json
import math


from .behaviour import STEPS
from .metrics import CEILING, METRICS
from .results import (
    OPEN_GROUPS,
    Results,
    Rows,
    Verdict,
    behaviour_verdicts,
    best_steps,
    family_gain,
    gain,
    leaks,
    mean,
    measured,
    signed,
    splits,
    verdicts,
)

TITLES = {"copy": "copying b", "anchor": "anchor alone", "base": "base alone"}
METRIC_TITLES = {"ssim": "SSIM", "ciede2000": "CIEDE2000 (lower is better)", "cosine": "cosine of the edits"}


def row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head: list[str], rows: list[str]) -> list[str]:
    return ["", row(*head), "|" + "---|" * len(head), *rows]


def number(rows: list[Rows], column: str, metric: str = "psnr") -> str:
    if not measured(rows, column):
        return "–"
    value = mean(rows, column, metric)
    return "–" if math.isnan(value) else f"{value:.{3 if metric in ('ssim', 'cosine') else 2}f}"


def count(rows: list[Rows]) -> int:
    return sum(len(r.families) for r in rows)


def line(results: Results, name: str, rows: list[Rows]) -> str:
    means = (number(rows, column) for column in results.columns)
    return row(name, count(rows), *means, signed(gain(rows, "model", "anchor")))


def parts(results: Results) -> list[tuple[str, list[Rows]]]:
    """What the tables of the whole have one row for."""
    found = [(title, results.chosen(split)) for split, title in splits()]
    found += [
        (f"two in a row, {title}", [results.compositions[split]])
        for split, title in splits()
        if split in results.compositions
    ]
    return [*[(title, rows) for title, rows in found if rows], ("**all families**", list(results.families.values()))]


def verdict_table(found: list[Verdict]) -> list[str]:
    words = {True: "pass", False: "**miss**", None: "–"}
    return table(["target", "measured", ""], [row(v.target, v.measured, words[v.met]) for v in found])


def other_metrics(results: Results) -> list[str]:
    out = []
    for metric, title in METRIC_TITLES.items():
        columns = [c for c in results.columns if metric != "cosine" or c != "copy"]
        head = [title, *(TITLES.get(c, c) for c in columns), "model − anchor"]
        rows = [
            row(name, *(number(r, c, metric) for c in columns), signed(gain(r, "model", "anchor", metric), 3))
            for name, r in parts(results)
        ]
        out += table(head, rows)
    return out


def behaviour_section(results: Results) -> list[str]:
    if not results.behaviour:
        return []
    curve, _ = best_steps(results)
    leaked = leaks(results)
    names = sorted({family for family, _ in leaked})
    seeds = {name: min(record["seeds"]) for name, record in results.behaviour.items()}
    unstable = sorted((name for name in seeds if seeds[name] < 35), key=seeds.__getitem__)
    return [
        "",
        "## Behaviour",
        "",
        f"{results.plan.behaviour} quadruples of every family; drift on the families of the group *colour*; leak over every",
        "quadruple above but those whose truth is within 40 dB of b. Three examples: the denoiser is shown the three pairs,",
        "coefficients and anchors of b are averaged.",
        *verdict_table(behaviour_verdicts(results)),
        *table(["steps", *map(str, STEPS)], [row("PSNR", *(f"{curve[n]:.2f}" for n in STEPS))]),
        "",
        f"Families below 35 dB between seeds, {len(unstable)}: "
        + (", ".join(f"{n} {seeds[n]:.1f}" for n in unstable) or "none")
        + ".",
        "",
        f"Edits whose result is nearer to a′ than to the truth: {', '.join(names) or 'none'}.",
    ]


INTRODUCTION = """# Evaluation of the pack {pack}

Written by `npm run evaluate`; every number is in [evaluation.json](evaluation.json).

{total} quadruples at {size} × {size} on photographs that no training run saw, a and b two different ones:
{per_family} of each of {families} families, {compositions} compositions of two families for each split. *Seen* families were
trained in both stages, *basis-only* in the second, *held out* in none.

The columns: b as it is; the closed-form anchor; the frozen base without its basis; {rivals}the whole model. All
but the first two are exported graphs, weights merged as the engine merges them, steps {steps}, seed 0.{absent}

PSNR in dB, at most {ceiling:.0f}, unless another metric is named. Families count alike. In brackets 95 % intervals: bootstrap
over the quadruples of a family; of several families, over these and then their quadruples. Differences are paired.
The cosine is that between b′ − b and the true edit; where the truth is b it is left out."""

ABSENT = """ The single LoRAs (of the rank of one element; with as many
parameters as the basis) have no columns: their packs are not shipped, and were not there."""

KEPT = """ Of these the numbers are from an earlier run, over the
same quadruples and with the same model: {names}. Their packs are not shipped.{part}"""

PART = """ Differences to them are of the {share:.1%} of those
quadruples of which the model still makes what it made."""


def kept(results: Results) -> str:
    share = results.taken_over
    return KEPT.format(names=", ".join(results.kept), part="" if share == 1 else PART.format(share=share))


def introduction(results: Results) -> list[str]:
    return INTRODUCTION.format(
        pack=results.pack,
        total=count(results.everything()),
        size=results.plan.size,
        per_family=results.plan.per_family,
        families=len(results.families),
        compositions=results.plan.compositions,
        rivals="one LoRA in the basis's place, trained alike; " if results.rivals else "",
        steps=results.steps,
        absent=kept(results) if results.kept else "" if results.rivals else ABSENT,
        ceiling=CEILING,
    ).splitlines()


def markdown(results: Results) -> str:
    families = list(results.families.values())
    head = ["n", *(TITLES.get(c, c) for c in results.columns), "model − anchor"]
    text = [
        *introduction(results),
        "",
        "## Targets",
        *verdict_table([*verdicts(results), *behaviour_verdicts(results)]),
        "",
        "## Splits",
        *table(["split", *head], [line(results, name, rows) for name, rows in parts(results)]),
        *table(
            ["model minus", *(TITLES.get(c, c) for c in results.columns[1:-1])],
            [row(name, *(signed(gain(r, "model", c)) for c in results.columns[1:-1])) for name, r in parts(results)],
        ),
        *other_metrics(results),
        "",
        "## Groups",
    ]
    groups = sorted({r.group for r in families}, key=lambda g: (g in OPEN_GROUPS, g))
    by_group = [
        line(results, f"{group}, {title}", results.chosen(split, group))
        for group in groups
        for split, title in splits()
        if results.chosen(split, group)
    ]
    text += table(["group, split", *head], by_group)
    worst = sorted(families, key=family_gain)[:10]
    text += ["", "## Ten worst families against the anchor"]
    text += table(["family", *head], [line(results, f"{r.name} ({r.group})", [r]) for r in worst])
    text += behaviour_section(results)
    for split, title in splits():
        chosen = sorted(results.chosen(split), key=lambda r: r.name)
        if chosen:
            text += ["", f"## Families, {title}"]
            text += table(["family", *head], [line(results, f"{r.name} ({r.group})", [r]) for r in chosen])
    return "\n".join(text) + "\n"


def short(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 3)


def as_json(results: Results) -> str:
    """One line a family and column, so that a change of one shows as one."""

    def compact(rows: Rows) -> dict[str, object]:
        columns = {c: {m: [short(v) for v in vs] for m, vs in record.items()} for c, record in rows.columns.items()}
        if "copy" in columns:
            del columns["copy"]["cosine"]
        return {"split": rows.split, "group": rows.group, "columns": columns}

    def told(found: list[Verdict]) -> list[dict[str, object]]:
        return [{"target": v.target, "measured": v.measured, "met": v.met} for v in found]

    plan = results.plan
    top = {
        "pack": results.pack,
        "steps": results.steps,
        "seed": plan.seed,
        "size": plan.size,
        "rivals": results.rivals,
        "metrics": [*METRICS, "leak"],
        "targets": told(verdicts(results)),
        "behaviourTargets": told(behaviour_verdicts(results)),
        "identity": [short(v) for v in results.identity],
    }
    lists = {
        "families": {name: compact(rows) for name, rows in results.families.items()},
        "compositions": {
            split: {**compact(rows), "families": rows.families} for split, rows in results.compositions.items()
        },
        "behaviour": {n: {k: [short(v) for v in vs] for k, vs in r.items()} for n, r in results.behaviour.items()},
    }

    def dense(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    lines = [f"{dense(key)}: {dense(value)}" for key, value in top.items()]
    for key, entries in lists.items():
        inner = ",\n".join(f"  {dense(name)}: {dense(value)}" for name, value in entries.items())
        lines.append(f"{dense(key)}: {{\n{inner}\n}}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
