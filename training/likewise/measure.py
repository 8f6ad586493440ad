"""Every number of the evaluation: quadruples made on the fly, columns of results, files to go on from.

A *unit* is one family, fifty compositions, or one family's behaviour; a *column* is one way to make b'.
A unit's column is one file, under a folder named by the code and photographs that made it, so that a
stopped evaluation goes on and a new rival costs only its own column.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import behaviour
from .anchor import anchors
from .data import photos
from .data.families import FAMILIES
from .data.images import source
from .data.quadruples import Quadruple, composition_quadruples, evaluation_quadruples, rounded
from .data.sprites import sprites_of
from .metrics import METRICS, Truth, psnr
from .pack import Pack

HELD_OUT = "held_out"  # photographs and sprites; the families' split of that name is another matter
CHUNK = 50
SAME = 40.0  # dB; where b' is so near to b there is no edit that a' could leak through
SPLITS = ("base", "basis", "held_out")
MORE_PAIRS = 2

Record = dict[str, list[float]]


@dataclass(frozen=True)
class Plan:
    """What to measure. ``rivals`` are packs of the same base and another basis, by their column's name."""

    pack: Path
    rivals: tuple[tuple[str, Path], ...]
    rivals_on: tuple[str, ...]
    per_family: int
    compositions: int
    behaviour: int
    folder: Path
    families: tuple[str, ...] = tuple(FAMILIES)
    size: int = 256
    seed: int = 1


@dataclass(frozen=True)
class Unit:
    kind: str  # family, composition, behaviour, identity
    name: str  # the family's, or the split of a composition's two
    first: int
    count: int

    @property
    def file(self) -> str:
        return f"{self.kind} {self.name} {self.first}-{self.first + self.count}.json"

    @property
    def split(self) -> str:
        return FAMILIES[self.name].split if self.kind == "family" else self.name


def units(plan: Plan) -> list[Unit]:
    chunks = range(0, plan.compositions, CHUNK)
    return [
        *(Unit("composition", s, k, min(CHUNK, plan.compositions - k)) for s in SPLITS for k in chunks),
        *(Unit("family", name, 0, plan.per_family) for name in plan.families if plan.per_family),
        *(Unit("behaviour", name, 0, plan.behaviour) for name in plan.families if plan.behaviour),
        *([Unit("identity", "", 0, CHUNK)] if plan.behaviour else []),
    ]


def more_pairs(name: str, k: int, size: int, seed: int, count: int) -> list[tuple[Tensor, Tensor]]:
    """Further examples (a, a') of the edit of the family's k-th evaluation quadruple."""
    key = [seed, k, *name.encode()]
    with sprites_of(HELD_OUT):
        edit = FAMILIES[name].make(np.random.default_rng(key))
    rng = np.random.default_rng([*key, 1])
    shown = [rounded(source(rng, size, HELD_OUT, True)) for _ in range(count)]
    return [(a, rounded(edit(a))) for a in shown]


def quadruples(plan: Plan, unit: Unit) -> Iterator[Quadruple]:
    if unit.kind == "composition":
        made = composition_quadruples(plan.size, unit.first + unit.count, plan.seed, (unit.name,))
    else:
        made = evaluation_quadruples(plan.size, unit.first + unit.count, plan.seed, names=(unit.name,))
    return islice(made, unit.first, None)


def code_digest() -> str:
    """Of everything that makes a number but the packs: what was measured by other code is not reused."""
    here = Path(__file__).parent
    anchor = ("anchor", "cells", "features", "hue", "layer", "local", "lookup", "patch_match", "screen", "warp")
    own = (*anchor, "behaviour", "layers", "line", "measure", "metrics", "model", "noise", "pack")
    data = [here / "data" / f"{name}.py" for name in ("images", "quadruples", "sprites", "transform")]
    files = [here / f"{name}.py" for name in own] + data + sorted((here / "data" / "families").glob("*.py"))
    index = photos.FOLDER / "index.json"
    digest = hashlib.sha256()
    for file in [*files, *([index] if index.exists() else [])]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


Draw = Callable[[Quadruple, Tensor, Tensor], Tensor]


class Bench:
    """The packs of a plan, opened, and what each column does."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.pack = Pack(plan.pack, threads=1)
        self.rivals = {name: Pack(folder, threads=1) for name, folder in plan.rivals}
        self.root = plan.folder / code_digest()

    def key(self, column: str) -> str:
        pack = self.rivals.get(column, self.pack)
        kind = "rival" if column in self.rivals else column
        return kind if column in ("copy", "anchor") else f"{kind}-{pack.digest[:12]}"

    def path(self, column: str, unit: Unit) -> Path:
        return self.root / f"{self.key(column)} {self.plan.size} {self.plan.seed}" / unit.file

    def columns(self, unit: Unit) -> list[str]:
        if unit.kind in ("behaviour", "identity"):
            return [unit.kind]
        rivals = list(self.rivals) if unit.split in self.plan.rivals_on else []
        return ["copy", "anchor", "base", *rivals, "model"]

    def missing(self, unit: Unit) -> list[str]:
        return [column for column in self.columns(unit) if not self.path(column, unit).exists()]

    def draw(self, column: str, q: tuple[Tensor, ...], on_a: Tensor, on_b: Tensor) -> Tensor:
        a, a2, b, _ = q
        if column in ("copy", "anchor"):
            return b if column == "copy" else on_b
        pack = self.rivals.get(column, self.pack)
        coefficients = None if column == "base" else pack.coefficients(a, a2, b)
        return pack.run(a, a2, b, on_a, on_b, coefficients, pack.steps)

    def compare(self, unit: Unit, columns: list[str]) -> dict[str, Record]:
        out: dict[str, Record] = {column: {metric: [] for metric in METRICS} for column in columns}
        leaks, families = [], []
        for q in quadruples(self.plan, unit):
            images = a, a2, b, b2 = tuple(image[None] for image in (q.a, q.a2, q.b, q.b2))
            on_a, on_b, _ = anchors(a, a2, b)
            truth = Truth(b, b2)
            families.append(q.family)
            for column in columns:
                drawn = self.draw(column, images, on_a, on_b)
                for metric, value in zip(METRICS, truth.compare(drawn)):
                    out[column][metric].append(value)
                if column == "model":
                    leaks.append(behaviour.leak(drawn, b2, a2) if psnr(b, b2) < SAME else math.nan)
        if "model" in columns:
            out["model"]["leak"] = leaks
        for record in out.values():
            record["families"] = families  # type: ignore[assignment]
        return out

    def behave(self, unit: Unit) -> Record:
        """Over quadruples of one family, with further pairs of the same edit."""
        names = [
            "seeds",
            "grows",
            "together",
            "alone",
            "drift",
            "driftOfTruth",
            *(f"steps{n}" for n in behaviour.STEPS),
        ]
        out: Record = {name: [] for name in names}
        for k, q in enumerate(quadruples(self.plan, unit)):
            more = more_pairs(unit.name, k, self.plan.size, self.plan.seed, MORE_PAIRS)
            a, a2, b, b2 = (image[None] for image in (q.a, q.a2, q.b, q.b2))
            asked = behaviour.ask(self.pack, a, a2, b)
            drawn = asked.draw(self.pack)
            out["seeds"].append(behaviour.seed_stability(self.pack, asked))
            out["grows"].append(float(behaviour.grows(b, drawn)))
            for n in behaviour.STEPS:
                out[f"steps{n}"].append(psnr(asked.draw(self.pack, n), b2))
            if FAMILIES[unit.name].group == "colour":
                out["drift"].append(behaviour.drift(b, drawn))
                out["driftOfTruth"].append(behaviour.drift(b, b2))
            shown = (torch.stack([pair[side] for pair in [(q.a, q.a2), *more]]) for side in (0, 1))
            together, alone = behaviour.averaging(self.pack, *shown, b, b2)
            out["together"].append(together)
            out["alone"].append(alone)
        return out

    def identities(self, unit: Unit) -> Record:
        rng = np.random.default_rng([self.plan.seed, *b"identity"])
        images = [rounded(source(rng, self.plan.size, HELD_OUT, True))[None] for _ in range(2 * unit.count)]
        pairs = zip(images[::2], images[1::2])
        return {"identity": [behaviour.identity(self.pack, a, b) for a, b in pairs]}

    def measure(self, unit: Unit) -> tuple[Unit, float]:
        """Make what is missing of the unit; returns the seconds of CPU that took."""
        began = time.process_time()
        missing = self.missing(unit)
        if unit.kind == "behaviour":
            made = {unit.kind: self.behave(unit)}
        elif unit.kind == "identity":
            made = {unit.kind: self.identities(unit)}
        else:
            made = self.compare(unit, missing)
        for column, record in made.items():
            path = self.path(column, unit)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(record))
            os.replace(temporary, path)
        return unit, time.process_time() - began

    def read(self, column: str, unit: Unit) -> Record:
        return json.loads(self.path(column, unit).read_text())


_bench: Bench | None = None


def _open(plan: Plan) -> None:
    global _bench
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    _bench = Bench(plan)


def _measure(unit: Unit) -> tuple[Unit, float]:
    assert _bench is not None
    return _bench.measure(unit)


def measure_all(plan: Plan, bench: Bench, processes: int, log: Callable[[str], None]) -> None:
    """All units, over processes of one thread each."""
    left = [unit for unit in units(plan) if bench.missing(unit)]
    if not left:
        return
    log(f"{len(left)} of {len(units(plan))} units to measure")
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    began, used = time.time(), 0.0
    with multiprocessing.get_context("spawn").Pool(processes, _open, (plan,)) as pool:
        for done, (unit, seconds) in enumerate(pool.imap_unordered(_measure, left), 1):
            used += seconds
            rest = (time.time() - began) / done * (len(left) - done) / 60
            log(f"{done}/{len(left)} {unit.kind} {unit.name}: {seconds:.1f} s of CPU, some {rest:.0f} min left")
    log(f"{used / 60:.1f} minutes of CPU in {(time.time() - began) / 60:.1f} minutes")
