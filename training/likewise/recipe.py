"""Short paired runs, one change at a time: how the recipe was found. Writes the tables of docs/recipe.md.

    python -m likewise.data.cache --size 128 --evaluation 4 --out data/cache/eval128
    python -m likewise.recipe --stage basis --base data/cache/base128 --basis data/cache/basis128 \\
        --evaluation data/cache/eval128 --start runs/base.pt --out runs/recipe

Every run of a stage sees the same samples in the same order and starts from the same weights, at
128 x 128. Runs of the stage *base* start from nothing; those of *basis* train a basis on the frozen
denoiser of ``--start``. Those of the others do so on one that is trained first, from nothing: *bare*
without an anchor, *blind* without the pair, *told* with neither but with the name of the edit.
A finished run is kept in OUT and not repeated.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .checkpoint import Models, load, save
from .data.quadruples import LABELS
from .intervals import interval
from .layers import LocalBlock
from .loader import Batch
from .model import Config, Encoder
from .short_run import Outputs, Run, execute, measure, openness, quadruples


class Separate(Batch):
    """a and a' as two frames of their own in place of one frame of a, a' - a and a' - anchor(a)."""

    def pairs(self) -> Tensor:
        empty = torch.zeros_like(self.a)
        frames = [torch.cat([u, empty, empty], dim=1) for u in (self.a, self.a2)]
        return torch.stack(frames, dim=1)


def separate(batch: Batch) -> Batch:
    return Separate(**vars(batch))


def without_anchor(batch: Batch) -> Batch:
    """b in the anchor's place: the network has everything to do."""
    return replace(batch, anchor_a=batch.a, anchor_b=batch.b)


class Unshown(Batch):
    """Nothing of the pair but the size of a' - anchor(a), which the gate reads."""

    def pairs(self) -> Tensor:
        pairs = super().pairs()
        size = pairs[:, :, 6:].square().mean((2, 3, 4), keepdim=True).sqrt()
        return torch.cat([torch.zeros_like(pairs[:, :, :6]), size.expand_as(pairs[:, :, 6:])], dim=2)


# A patch of noise for every name, all over the pair's place: a word is the same everywhere.
WORDS = torch.rand(len(LABELS), 6, 4, 4, generator=torch.Generator().manual_seed(5))


class Told(Unshown):
    """The family's name in the pair's place, and the size of the edit."""

    def pairs(self) -> Tensor:
        pairs, side = super().pairs(), self.a.shape[-1] // WORDS.shape[-1]
        words = WORDS[self.family.cpu()].to(pairs).repeat(1, 1, side, side)
        return torch.cat([words[:, None].expand_as(pairs[:, :, :6]), pairs[:, :, 6:]], dim=2)


def unshown(batch: Batch) -> Batch:
    return Unshown(**vars(batch))


def told(batch: Batch) -> Batch:
    return Told(**vars(without_anchor(batch)))


def mean_error(error: Tensor, t: Tensor) -> Tensor:
    return 20 * error.mean()


def velocity_error(error: Tensor, t: Tensor) -> Tensor:
    """The squared error of the velocity that an x-prediction implies, (x - x_t) / (1 - t)."""
    return 5 * (error / (1 - t).clamp_min(0.1).square()).mean()


def no_affine(grid: Tensor, maps: Tensor) -> Outputs:
    return torch.cat([grid[:, :12] * 0, grid[:, 12:]], dim=1), maps


def no_warp(grid: Tensor, maps: Tensor) -> Outputs:
    return torch.cat([grid[:, :12], grid[:, 12:] * 0], dim=1), maps


def no_residual(grid: Tensor, maps: Tensor) -> Outputs:
    return grid, torch.cat([maps[:, :4], maps[:, 4:] * 0], dim=1)


def residual_only(grid: Tensor, maps: Tensor) -> Outputs:
    return grid, torch.cat([maps[:, :3], maps[:, 3:4] * 0, maps[:, 4:]], dim=1)


def only_attention(models: Models) -> None:
    """Every convolution block of the denoiser becomes the identity."""
    for module in models.denoiser.modules():
        for name, child in module.named_children():
            if isinstance(child, LocalBlock):
                setattr(module, name, nn.Identity())


def untrained_encoder(models: Models) -> None:
    models.encoder = Encoder(models.denoiser.config)


BASE = (
    Run("as shipped", "reference"),
    Run("no anchor", "anchor", data=without_anchor),
    Run("anchor + residual only", "head", cut=residual_only),
    Run("convolutions only", "network", config=Config(depth=0)),
    Run("attention only", "network", change=only_attention),
    # The gate reads a' - anchor(a), which these tokens lack.
    Run("a and a' as separate tokens, gate never closed", "tokens", data=separate, always_open=True),
    Run("mean square error", "loss", loss=mean_error),
    Run("mean square error, half of it at t > 0", "prediction", loss=mean_error, at_start=0.5),
    Run("velocity error, half of it at t > 0", "prediction", loss=velocity_error, at_start=0.5),
    Run("no warp", "head", cut=no_warp),
    Run("no affine", "head", cut=no_affine),
    Run("no residual", "head", cut=no_residual),
    Run("AdamW for everything", "optimiser", muon=False),
    Run("gate never closed by the anchor's success", "anchor", always_open=True),
)
BASIS = (
    Run("N = 32, r = 4", "reference"),
    Run("frozen denoiser, no basis", "basis", untouched=True),
    Run("one LoRA, r = 4", "elements", basis={"elements": 1}),
    Run("one LoRA, r = 128", "equal size", basis={"elements": 1, "rank": 128}),
    Run("features standardised to 0.75 in place of 3", "routing", spread=0.75),
    Run("four times the rate", "rate", faster=4.0),
    Run("N = 32, r = 16", "rank", basis={"rank": 16}),
    Run("N = 4, r = 4", "elements", basis={"elements": 4}),
    Run("N = 64, r = 4", "elements", basis={"elements": 64}),
    Run("tanh", "activation", basis={"activation": "tanh"}),
    Run("query of the pair only", "query", pair_only=True),
    Run("untrained encoder", "encoder", change=untrained_encoder),
    Run("N = 32, r = 1", "rank", basis={"rank": 1}),
    Run("N = 16, r = 4", "elements", basis={"elements": 16}),
    Run("N = 32, r = 8", "rank", basis={"rank": 8}),
    Run("N = 32, r = 2", "rank", basis={"rank": 2}),
)
AGAIN = {run.name: run for run in BASIS}
REFERENCE, FROZEN, ONE, EQUAL = BASIS[:4]
# A step of AdamW has one size, whatever the gradient, and a softmax sums to 1. So at one rate a basis of 32
# elements changes its layer about as fast as one LoRA of its rank, and one LoRA of its size 32 times as fast:
# each is tried at several rates.
RATES = {0.5: "half the rate", 2.0: "twice the rate", 4.0: "four times the rate", 8.0: "eight times the rate"}


def at(run: Run, rate: float) -> Run:
    return replace(run, name=f"{run.name}, {RATES[rate]}", question="rate", faster=rate)


SIZES = (*(AGAIN[f"N = {count}, r = 4"] for count in (4, 16, 64)), *(AGAIN[f"N = 32, r = {rank}"] for rank in (1, 16)))
ADAPTERS = (
    REFERENCE,
    FROZEN,
    ONE,
    EQUAL,
    *SIZES,
    *(at(REFERENCE, rate) for rate in (0.5, 4.0, 8.0)),
    *(at(ONE, rate) for rate in (4.0, 8.0)),
    *(at(EQUAL, rate) for rate in (0.5, 2.0)),
    *(at(run, 4.0) for run in SIZES),
)
# The denoisers that are trained first, by the stage they are for.
STARTS = {
    "bare": next(run for run in BASE if run.name == "no anchor"),
    "blind": Run("pair not shown", "start", data=unshown),
    "told": Run("told the family", "start", data=told),
}
RUNS = {
    "base": BASE,
    "basis": BASIS,
    "bare": tuple(replace(run, data=without_anchor) for run in BASIS[:4]),
    "blind": (*ADAPTERS, replace(FROZEN, name="frozen denoiser, pair not shown", data=unshown)),
    "told": (
        *(replace(run, data=without_anchor) for run in ADAPTERS),
        replace(FROZEN, name="frozen denoiser, told the family", data=told),
    ),
}


def first(stage: str, arguments: argparse.Namespace) -> Path:
    """The denoiser of `STARTS`, with the encoder of ``--start``; trained once and kept."""
    path: Path = arguments.out / f"{stage}.pt"
    if not path.exists():
        models, _ = execute(STARTS[stage], "base", arguments, arguments.start_samples, openness(stage))
        models.encoder = load(arguments.start)[0].encoder
        save(path, models)
    return path


def mean(gains: dict[str, list[float]]) -> float:
    """Over families."""
    return float(np.mean([np.mean(values) for values in gains.values()]))


def slug(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower())


def table(rows: list[dict], splits: dict[str, str]) -> list[str]:
    """Markdown; ``splits`` are keys of a row and what they are called. The difference to the first row is
    over the same quadruples, its interval over families and quadruples."""
    titles = (f"{title} | difference" for title in splits.values())
    lines = [f"| run | about | {' | '.join(titles)} |", "|---|---|" + "---|---|" * len(splits)]
    for row in rows:
        cells = [row["name"], row["question"]]
        for split in splits:
            less = {name: np.subtract(gains, rows[0][split][name]) for name, gains in row[split].items()}
            difference = interval(list(less.values()))
            cells.append(f"{mean(row[split]):+.2f}")
            cells.append("" if row is rows[0] else "{0.mean:+.2f} [{0.low:+.2f}, {0.high:+.2f}]".format(difference))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def section(stage: str, out: Path) -> str | None:
    """A stage's tables, of the runs that are finished; None where none is."""
    paths = [out / f"{stage}-{slug(run.name)}.json" for run in RUNS[stage]]
    rows = [json.loads(path.read_text()) for path in paths if path.exists()]
    if not rows:
        return None
    rows = [row | {"unseen": row["basis"] | row["held_out"]} for row in rows]
    if stage == "base":
        lines = table(rows, {"base": "seen families", "unseen": "unseen families"})
    else:
        splits = {"base": "base's families", "basis": "basis-only families", "held_out": "held-out families"}
        lines = table(rows, splits)
    routed = [row for row in rows if "entropy" in row]
    if routed:
        lines += ["", "| run | trained parameters | entropy | varies |", "|---|---|---|---|"]
        for row in routed:
            size = f"{row['parameters'] / 1e6:.2f} M"
            lines.append(f"| {row['name']} | {size} | {row['entropy']:.2f} | {row['spread']:.2f} |")
    samples = max(row["samples"] for row in rows)
    return "\n".join([f"{samples} samples a run.", "", *lines])


def with_tables(document: str, out: Path) -> str:
    """docs/recipe.md with the tables of the stages that were run; those of others stay."""
    for stage in RUNS:
        made = section(stage, out)
        if made is not None:
            before, mark, rest = document.partition(f"<!-- recipe:{stage} -->\n")
            end = rest.index("<!-- /recipe -->")
            document = f"{before}{mark}\n{made}\n\n{rest[end:]}"
    return document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "basis", "evaluation", "start", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--stage", choices=list(RUNS), required=True)
    parser.add_argument("--report", type=Path, help="docs/recipe.md: its tables are made anew")
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--samples", type=int, default=3200)
    parser.add_argument("--start-samples", type=int, default=19200, help="of the denoiser that is trained first")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--shrink", type=int, default=1, help="2 trains and evaluates at half the cache's size")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    evaluation = quadruples(arguments.evaluation, arguments)
    stage = arguments.stage
    if stage in STARTS:
        arguments.start = first(stage, arguments)
    for run in RUNS[stage]:
        path = arguments.out / f"{stage}-{slug(run.name)}.json"
        if path.exists() or (arguments.only and run.name not in arguments.only):
            continue
        row = measure(run, stage, arguments, evaluation)
        path.write_text(json.dumps(row))
        means = {split: round(mean(row[split]), 3) for split in ("base", "basis", "held_out")}
        print(f"{stage} {run.name}: {means} entropy {row.get('entropy')} {row['seconds']:.0f} s", flush=True)
    if arguments.report:
        arguments.report.write_text(with_tables(arguments.report.read_text(), arguments.out))


if __name__ == "__main__":
    main()
