"""The evaluation's numbers put together, and what is concluded from them: targets met or missed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .behaviour import STEPS
from .data.families import FAMILIES
from .intervals import Interval, interval
from .measure import SPLITS, Bench, Plan, Record, units

# Where the anchor does not solve the edit.
OPEN_GROUPS = ("drawing", "composition", "objects", "geometry", "material")
# dB; from here on the anchor does.
SOLVED = 30
SPLIT_NAMES = {"base": "seen", "basis": "basis-only", "held_out": "held out"}


@dataclass(frozen=True)
class Rows:
    """One family, or the compositions of one split: by column, by metric, one number a quadruple."""

    name: str
    split: str
    group: str
    columns: dict[str, Record]
    families: list[str]

    def of(self, column: str, metric: str = "psnr") -> np.ndarray:
        return np.array(self.columns[column][metric], float)


@dataclass(frozen=True)
class Verdict:
    """``met`` is None where it was not measured."""

    target: str
    measured: str
    met: bool | None


@dataclass
class Results:
    plan: Plan
    pack: str
    steps: int
    rivals: list[str]
    kept: list[str] = field(default_factory=list)  # of the rivals those taken over, see `take_over`
    taken_over: float = 1.0  # the share of their quadruples that were
    families: dict[str, Rows] = field(default_factory=dict)
    compositions: dict[str, Rows] = field(default_factory=dict)
    behaviour: dict[str, Record] = field(default_factory=dict)
    identity: list[float] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        return ["copy", "anchor", "base", *self.rivals, "model"]

    def chosen(self, split: str = "", group: str = "") -> list[Rows]:
        return [r for r in self.families.values() if split in ("", r.split) and group in ("", r.group)]

    def everything(self) -> list[Rows]:
        return [*self.families.values(), *self.compositions.values()]

    def merged(self, name: str) -> list[float]:
        return [value for record in self.behaviour.values() for value in record[name]]


def gather(plan: Plan, bench: Bench) -> Results:
    """Read what `measure_all` wrote."""
    manifest = bench.pack.manifest
    out = Results(plan, f"{manifest['id']} {manifest['version']}", bench.pack.steps, list(bench.rivals))
    for unit in units(plan):
        read = {column: bench.read(column, unit) for column in bench.columns(unit)}
        if unit.kind == "behaviour":
            out.behaviour[unit.name] = read[unit.kind]
        elif unit.kind == "identity":
            out.identity = read[unit.kind]["identity"]
        else:
            into = out.families if unit.kind == "family" else out.compositions
            group = FAMILIES[unit.name].group if unit.kind == "family" else "two in a row"
            new = Rows(unit.name, unit.split, group, {c: {} for c in read}, [])
            rows = into.setdefault(unit.name, new)
            rows.families.extend(str(name) for name in read["model"]["families"])
            for column, record in read.items():
                for metric, values in record.items():
                    if metric != "families":
                        rows.columns[column].setdefault(metric, []).extend(values)
    return out


def take_over(results: Results, earlier: dict[str, Any]) -> None:
    """Rivals are not shipped: where their packs are absent, take their numbers from the evaluation.json
    there is, of the quadruples for which its number for the model is the one measured now, so that all is
    of one base, one model and the same anchor. Of the others, which have another anchor now, they are not known."""
    rivals = [name for name in earlier.get("rivals", []) if name not in results.rivals]
    found: list[tuple[Rows, dict[str, Record], np.ndarray]] = []
    for kind, all_rows in (("families", results.families), ("compositions", results.compositions)):
        for rows in all_rows.values():
            columns = earlier.get(kind, {}).get(rows.name, {}).get("columns", {})
            before = np.array(columns.get("model", {}).get("psnr", []), float)
            if len(before) != len(rows.families):
                return
            same = np.abs(rows.of("model") - before) < 0.02
            # What was not known then is not known now.
            for name in set(rivals) & set(columns):
                same &= np.array([value is not None for value in columns[name]["psnr"]])
            found.append((rows, columns, same))
    known = np.concatenate([same for _, columns, same in found if any(name in columns for name in rivals)] or [[]])
    if not known.any():
        return
    for rows, columns, same in found:
        for name in set(rivals) & set(columns):
            rows.columns[name] = {
                metric: [v if v is not None and k else math.nan for v, k in zip(values, same)]
                for metric, values in columns[name].items()
            }
    results.rivals.extend(rivals)
    results.kept, results.taken_over = rivals, float(known.mean())


def measured(rows: Iterable[Rows], column: str) -> bool:
    """Whether of all quadruples."""
    return all(column in r.columns and not np.isnan(r.of(column)).any() for r in rows)


def mean(rows: list[Rows], column: str, metric: str = "psnr") -> float:
    """Families count alike."""
    values = [r.of(column, metric) for r in rows]
    kept = [v[~np.isnan(v)].mean() for v in values if not np.isnan(v).all()]
    return float(np.mean(kept)) if kept else math.nan


def gain(rows: list[Rows], column: str, over: str, metric: str = "psnr") -> Interval | None:
    """``column`` minus ``over``, quadruple by quadruple; None where a family has no such column."""
    if not rows or any(name not in r.columns for name in (column, over) for r in rows):
        return None
    return interval([r.of(column, metric) - r.of(over, metric) for r in rows])


def signed(found: Interval | None, digits: int = 2) -> str:
    if found is None:
        return "–"
    return f"{found.mean:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"


def family_gain(rows: Rows) -> float:
    return float((rows.of("model") - rows.of("anchor")).mean())


def verdicts(results: Results) -> list[Verdict]:
    """The targets that compare the model with the anchor, the base and the single LoRAs."""
    out = []
    solved = [r for r in results.families.values() if r.of("anchor").mean() >= SOLVED]
    if solved:
        worst = min(solved, key=family_gain)
        below = [r for r in solved if family_gain(r) < -1]
        text = f"{len(solved) - len(below)} of {len(solved)} families; worst {worst.name}, {family_gain(worst):+.2f} dB"
        out.append(Verdict(f"families where the anchor reaches {SOLVED} dB: within 1 dB of it", text, not below))
    for split, goal in (("base", 5), ("held_out", 2)):
        for group in OPEN_GROUPS:
            rows = results.chosen(split, group)
            # Where the anchor itself draws the edit there is nothing to be above it in.
            left = [r for r in rows if r.of("anchor").mean() < SOLVED]
            found = gain(left, "model", "anchor")
            if found is not None:
                name = f"{group}, {SPLIT_NAMES[split]}, where the anchor is below {SOLVED} dB: at least {goal} dB above it"
                text = f"{signed(found)} dB, {len(left)} families"
                if len(left) < len(rows):
                    text += f"; all {len(rows)} of the group: {signed(gain(rows, 'model', 'anchor'))}"
                out.append(Verdict(name, text, found.mean >= goal))
    held = results.chosen("held_out")
    for rival in ("base", *results.rivals):
        found = gain(held, "model", rival)
        if found is not None:
            text = "the frozen base" if rival == "base" else rival
            out.append(Verdict(f"held out: above {text}, interval above zero", f"{signed(found)} dB", found.low > 0))
    if not results.rivals:
        out.append(
            Verdict("held out: above both single LoRAs, interval above zero", "not measured: no such pack", None)
        )
    return out


def leaks(results: Results) -> list[tuple[str, float]]:
    """Quadruples whose result is nearer to a' than to the truth: (family, dB), worst first."""
    found = [
        (family, value)
        for rows in results.everything()
        for family, value in zip(rows.families, rows.of("model", "leak"))
        if value < 0
    ]
    return sorted(found, key=lambda pair: pair[1])


def best_steps(results: Results) -> tuple[dict[int, float], int]:
    """Mean PSNR by steps, and the fewest steps within 0.02 dB of the best."""
    curve = {n: float(np.mean(results.merged(f"steps{n}"))) for n in STEPS}
    return curve, min(n for n in STEPS if curve[n] >= max(curve.values()) - 0.02)


def behaviour_verdicts(results: Results) -> list[Verdict]:
    if not results.behaviour:
        return []
    identity, seeds = np.array(results.identity), np.array(results.merged("seeds"))
    drift, own = np.array(results.merged("drift")), np.array(results.merged("driftOfTruth"))
    grows = results.merged("grows")
    together, alone = np.array(results.merged("together")), np.array(results.merged("alone"))
    several = interval([np.array(r["together"]) - np.array(r["alone"]) for r in results.behaviour.values()])
    assert several is not None
    values = np.concatenate([r.of("model", "leak") for r in results.everything()])
    asked, leaked = int((~np.isnan(values)).sum()), leaks(results)
    curve, best = best_steps(results)
    most = f", most {leaked[0][0]}, {-leaked[0][1]:.2f} dB" if leaked else ""
    return [
        Verdict(
            "identity: a′ = a gives b, at least 40 dB",
            f"{len(identity)} pairs of photographs, lowest {identity.min():.1f} dB",
            bool(identity.min() >= 40),
        ),
        Verdict(
            "drift: b′ against b on colour edits, at most 0.1 pixels",
            f"{len(drift)} edits, most {drift.max():.2f} pixels (the truth itself {own.max():.2f})",
            bool(drift.max() <= 0.1),
        ),
        Verdict(
            "leak: b′ is never nearer to a′ than to the truth",
            f"{len(leaked)} of {asked} quadruples are{most}",
            not leaked,
        ),
        Verdict(
            "seeds: at least 35 dB between results of three seeds",
            f"{(seeds >= 35).mean():.1%} of {len(seeds)} edits; median {np.median(seeds):.1f},"
            f" lowest {seeds.min():.1f} dB",
            bool(seeds.min() >= 35),
        ),
        Verdict(
            "strength: 0 % is b, 100 % the edit, the distance grows in between",
            f"{round(sum(grows))} of {len(grows)} edits",
            all(grows),
        ),
        Verdict(
            "three examples are at least as good as the mean of one",
            f"{signed(several)} dB ({together.mean():.2f} against {alone.mean():.2f})",
            several.mean >= 0,
        ),
        Verdict(
            "the default number of steps is the best of the curve",
            f"default {results.steps}; best {best}, {curve[best]:.2f} dB",
            results.steps == best,
        ),
    ]


def splits() -> list[tuple[str, str]]:
    return [(split, SPLIT_NAMES[split]) for split in SPLITS]
