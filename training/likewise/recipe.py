"""Short paired runs, one change at a time: how the recipe was found. Writes the tables of docs/recipe.md.

    python -m likewise.data.cache --size 128 --evaluation 4 --out data/cache/eval128
    python -m likewise.recipe --stage basis --base data/cache/base128 --basis data/cache/basis128 \\
        --evaluation data/cache/eval128 --start runs/base.pt --out runs/recipe

Every run of a stage sees the same samples in the same order and starts from the same weights, at
128 x 128. Runs of the stage *base* start from nothing; those of *basis* train a basis on the frozen
denoiser of ``--start``, and those of *bare* on one that never saw an anchor, which is trained first.
A finished run is kept in OUT and not repeated.

One file, though a long one, because it is one experiment: what a row can change, the rows, how one is trained
and scored, and the table. Nothing of it is used elsewhere.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import model as model_module
from .basis import SPREAD, Basis, encode_triplet, standardise
from .checkpoint import Models, build, load, save
from .data.cache import anchors_path, families_path, shard_paths
from .data.families import FAMILIES
from .layers import LocalBlock
from .loader import Batch, Loader
from .model import Config, Encoder, head
from .objective import FLOOR, autocast, noisy, psnr
from .optimiser import Optimiser, learning_rate

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


def log_error(error: Tensor, t: Tensor) -> Tensor:
    return torch.log(error + FLOOR).mean()


def mean_error(error: Tensor, t: Tensor) -> Tensor:
    return 20 * error.mean()


def velocity_error(error: Tensor, t: Tensor) -> Tensor:
    """The squared error of the velocity that an x-prediction implies, (x - x_t) / (1 - t)."""
    return 5 * (error / (1 - t).clamp_min(0.1).square()).mean()


ROOM = 8e9  # bytes of quadruples that a GPU keeps
Outputs = tuple[Tensor, Tensor]


def no_affine(grid: Tensor, maps: Tensor) -> Outputs:
    return torch.cat([grid[:, :12] * 0, grid[:, 12:]], dim=1), maps


def no_warp(grid: Tensor, maps: Tensor) -> Outputs:
    return torch.cat([grid[:, :12], grid[:, 12:] * 0], dim=1), maps


def no_residual(grid: Tensor, maps: Tensor) -> Outputs:
    return grid, torch.cat([maps[:, :4], maps[:, 4:] * 0], dim=1)


def residual_only(grid: Tensor, maps: Tensor) -> Outputs:
    return grid, torch.cat([maps[:, :3], maps[:, 3:4] * 0, maps[:, 4:]], dim=1)


@dataclass(frozen=True)
class Run:
    """One row of the table: what differs from the first row of its stage."""

    name: str
    question: str
    config: Config = Config()
    data: Callable[[Batch], Batch] = lambda batch: batch
    cut: Callable[[Tensor, Tensor], Outputs] = lambda grid, maps: (grid, maps)
    change: Callable[[Models], None] = lambda models: None
    loss: Callable[[Tensor, Tensor], Tensor] = log_error
    at_start: float = 1.0
    muon: bool = True
    always_open: bool = False
    basis: dict = field(default_factory=dict)
    spread: float = SPREAD
    pair_only: bool = False
    faster: float = 1.0
    untouched: bool = False


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
NO_ANCHOR = next(run for run in BASE if run.name == "no anchor")
BARE = tuple(replace(run, data=without_anchor) for run in BASIS[:4])
RUNS = {"base": BASE, "basis": BASIS, "bare": BARE}


def smaller(batch: Batch, by: int) -> Batch:
    if by == 1:
        return batch
    return Batch(*(F.avg_pool2d(v, by) if torch.is_tensor(v) and v.ndim == 4 else v for v in vars(batch).values()))


def quadruples(cache: Path, arguments: argparse.Namespace) -> list[tuple[Batch, list[str]]]:
    """All of a cache in batches, in order, with the family names."""
    names = json.loads((cache / "families.json").read_text())
    shards = shard_paths(cache)
    images, anchors, families = (
        np.concatenate([np.load(path(shard)) for shard in shards])
        for path in (lambda shard: shard, anchors_path, families_path)
    )
    result = []
    for start in range(0, len(images), arguments.batch):
        part = slice(start, start + arguments.batch)
        x = torch.from_numpy(np.concatenate([images[part], anchors[part, :2]], axis=1)).to(arguments.device)
        batch = Batch(*(x.float() / 255).unbind(1), torch.from_numpy(families[part]).long())
        result.append((smaller(batch, arguments.shrink), [names[i] for i in families[part]]))
    return result


def attach(models: Models, run: Run, batch: Batch, precision: torch.dtype) -> Tensor:
    with torch.no_grad(), autocast(precision, batch.a.device):
        e = encode_triplet(models.encoder, batch.a, batch.a2, batch.b).float()
    if run.pair_only:
        e[:, 2 * models.denoiser.config.features :] = 0
    coefficients = models.basis.route(e)
    models.basis.attach(models.denoiser, coefficients)
    return coefficients


def draw(models: Models, run: Run, batch: Batch, x: Tensor, t: Tensor, precision: torch.dtype) -> Tensor:
    seen = run.data(batch)
    with autocast(precision, x.device):
        grid, maps = models.denoiser(x, seen.target(), seen.pairs(), t)
    return head(*run.cut(grid.float(), maps.float()), seen.b, seen.anchor_b)


@torch.no_grad()
def score(
    models: Models, run: Run, stage: str, evaluation: list[tuple[Batch, list[str]]], precision: torch.dtype
) -> dict:
    """dB over the anchor (*bare*: over b) by split, and how far the coefficients are from uniform."""
    gains: dict[str, list[float]] = {"base": [], "basis": [], "held_out": []}
    routed: list[Tensor] = []
    generator = torch.Generator().manual_seed(0)
    for batch, names in evaluation:
        if stage != "base":
            c = attach(models, run, batch, precision)
            if models.basis.activation == "softmax" and models.basis.elements > 1:
                routed.append(c)
        x = torch.randn(batch.b.shape, generator=generator).to(batch.b.device)
        drawn = draw(models, run, batch, x, torch.zeros(len(x), device=x.device), precision).clamp(0, 1)
        without = batch.b if stage == "bare" else batch.anchor_b
        model, before = (
            psnr((image - batch.b2).square().mean((1, 2, 3))).clamp_max(60) for image in (drawn, without)
        )
        for name, gain in zip(names, (model - before).tolist()):
            gains[FAMILIES[name].split].append(gain)
    result: dict = dict(gains)
    if routed:
        c = torch.cat(routed)
        result["entropy"] = float(-(c * c.clamp_min(1e-9).log()).sum(-1).mean() / np.log(models.basis.elements))
        result["spread"] = float(c.std(0).mean() / c.mean())
    return result


def execute(
    run: Run, stage: str, arguments: argparse.Namespace, samples: int, open: float = 0.02
) -> tuple[Models, dict]:
    """The trained networks, and the row's name, samples, seconds and parameters. ``open``: see `Loader`."""
    torch.manual_seed(0)
    precision = torch.bfloat16 if arguments.bf16 else torch.float32
    cache: Path = arguments.base if stage == "base" else arguments.basis
    device: torch.device = arguments.device
    of = {"open": open, "device": device, "room": ROOM}
    loader = Loader(cache, arguments.batch, seed=1, **of)
    models = build(run.config)
    if stage != "base":
        trained, _ = load(arguments.start)
        torch.manual_seed(0)
        basis = Basis(trained.denoiser, query=3 * run.config.features, **run.basis)
        models = Models(trained.denoiser, trained.encoder, basis)
    run.change(models)
    models.to(device)
    if stage != "base":
        some = next(iter(Loader(cache, 256, seed=2, device=device)))
        with torch.no_grad():
            standardise(models.encoder, torch.cat([some.a, some.a2, some.b]), run.spread)
        models.denoiser.requires_grad_(False)
        models.encoder.requires_grad_(False)
        parts: dict[str, nn.Module] = {"basis": models.basis}
    else:
        parts = {"denoiser": models.denoiser}
    parts = nn.ModuleDict(parts)
    peak = arguments.lr * run.faster
    optimiser = Optimiser(parts, peak, run.muon)
    if device.type == "cpu":
        models.denoiser.compile()
        models.encoder.compile()
    torch.manual_seed(3)
    began, seen, enough = time.time(), 0, 0 if run.untouched else samples
    for batch in loader:
        if seen >= enough:
            break
        batch = smaller(batch, arguments.shrink)
        if stage != "base":
            attach(models, run, batch, precision)
        count = len(batch.b)
        t = torch.where(torch.rand(()) < run.at_start, torch.zeros(count), torch.rand(count)).to(device)
        drawn = draw(models, run, batch, noisy(batch.b2, t), t, precision)
        loss = run.loss((drawn - batch.b2).square().mean((1, 2, 3)), t)
        optimiser.clear()
        loss.backward()
        nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        # The warm-up is of some 90 steps, whatever the batch.
        optimiser.step(learning_rate(seen / enough, seen * 16 // count, peak))
        seen += count
        if seen % (50 * count) == 0:
            print(f"{stage} {run.name}: {seen} samples, loss {loss.item():.3f}, {time.time() - began:.0f} s", flush=True)
    parameters = sum(p.numel() for p in parts.parameters())
    seconds = time.time() - began
    return models, {
        "name": run.name, "question": run.question, "samples": seen, "seconds": seconds, "parameters": parameters
    }


def measure(run: Run, stage: str, arguments: argparse.Namespace, evaluation: list) -> dict:
    """One row of the table."""
    torch._dynamo.reset()
    unexplained = model_module.unexplained
    if run.always_open:
        model_module.unexplained = torch.ones_like
    try:
        models, row = execute(run, stage, arguments, arguments.samples, open=0.0 if stage == "bare" else 0.02)
        precision = torch.bfloat16 if arguments.bf16 else torch.float32
        return row | score(models, run, stage, evaluation, precision)
    finally:
        model_module.unexplained = unexplained


def bare_start(arguments: argparse.Namespace) -> Path:
    """A denoiser that never saw an anchor, with the encoder of ``--start``; trained once and kept."""
    path: Path = arguments.out / "bare.pt"
    if not path.exists():
        models, _ = execute(NO_ANCHOR, "base", arguments, arguments.bare_samples, open=0.0)
        models.encoder = load(arguments.start)[0].encoder
        save(path, models)
    return path


def margin(values: np.ndarray) -> float:
    """Half the 95 % interval of a mean."""
    return 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5


def slug(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower())


def table(rows: list[dict], splits: dict[str, str]) -> list[str]:
    """Markdown; ``splits`` are keys of a row and what they are called. The difference to the first row is
    over the same quadruples."""
    titles = (f"{title} | difference" for title in splits.values())
    lines = [f"| run | about | {' | '.join(titles)} |", "|---|---|" + "---|---|" * len(splits)]
    for row in rows:
        cells = [row["name"], row["question"]]
        for split in splits:
            values = np.array(row[split])
            difference = values - np.array(rows[0][split])
            cells.append(f"{values.mean():+.2f}")
            cells.append("" if row is rows[0] else f"{difference.mean():+.2f} ± {margin(difference):.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def section(stage: str, out: Path) -> str | None:
    """A stage's tables, of the runs that are finished; None where none is."""
    paths = [out / f"{stage}-{slug(run.name)}.json" for run in RUNS[stage]]
    rows = [json.loads(path.read_text()) for path in paths if path.exists()]
    if not rows:
        return None
    rows = [row | {"unseen": row["basis"] + row["held_out"]} for row in rows]
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
    parser.add_argument("--bare-samples", type=int, default=19200, help="of the denoiser that never saw an anchor")
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
    if stage == "bare":
        arguments.start = bare_start(arguments)
    for run in RUNS[stage]:
        path = arguments.out / f"{stage}-{slug(run.name)}.json"
        if path.exists() or (arguments.only and run.name not in arguments.only):
            continue
        row = measure(run, stage, arguments, evaluation)
        path.write_text(json.dumps(row))
        means = {split: round(float(np.mean(row[split])), 3) for split in ("base", "basis", "held_out")}
        print(f"{stage} {run.name}: {means} entropy {row.get('entropy')} {row['seconds']:.0f} s", flush=True)
    if arguments.report:
        arguments.report.write_text(with_tables(arguments.report.read_text(), arguments.out))


if __name__ == "__main__":
    main()
