"""The two training stages, and both in one command.

    python -m likewise.train base  --cache data/cache/base128 --run runs/studio --minutes 60
    python -m likewise.train basis --cache data/cache/basis128 --run runs/studio --minutes 25
    python -m likewise.train all --run runs/gpu --minutes 28 --batch 128 --compile        # one GPU
    torchrun --nproc-per-node 4 -m -- likewise.train all --run runs/gpu --minutes 28 --batch 128 --compile

*base* trains the denoiser, and beside it the encoder on what it must tell apart: which family an
edit is of, and what colours are where. *basis* freezes both and trains the LoRA basis with its keys
and projections. *all* is `PHASES`, with quadruples made meanwhile by other processes and a validation set of
its own. Every run resumes from ``RUN/STAGE.pt``, logs to standard output, and keeps the averaged
weights that validate best in ``RUN/STAGE.best.pt``; the schedule follows the time spent, so that a slow
machine ends with a small learning rate too. Under torchrun every process has a batch of its own.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import torch
from torch import Tensor, nn

from . import checkpoint, validation
from .basis import SPREAD, standardise
from .data.cache import make_evaluation, shard_paths
from .loader import Loader
from .model import HEAD, Config
from .objective import EncoderTask, attach_basis, psnr, reconstruction
from .optimiser import Average, Optimiser, learning_rate
from .place import Place, join, leave

SPLITS = {"base": ("base",), "basis": ("base", "basis")}
OPEN = 0.02  # samples of which the anchor leaves less than this share to draw teach nothing
SAVE_EVERY = 180  # seconds
CALIBRATION = 256  # triplets over which the encoder's features are standardised for the basis


def open_data(arguments: argparse.Namespace, place: Place, samples: int) -> Loader:
    """This process's own samples, other ones after every resume."""
    seed = [arguments.seed, place.rank, samples]
    room = arguments.buffer * 1e9
    return Loader(arguments.cache, arguments.batch, seed, OPEN, place.device, room, arguments.crop)


def train(arguments: argparse.Namespace, place: Place = Place()) -> checkpoint.Models:
    """One stage, from its checkpoint if there is one, until its minutes or samples are used up."""
    stage: str = arguments.stage
    path: Path = arguments.run / f"{stage}.pt"
    device, first = place.device, place.rank == 0
    precision = torch.bfloat16 if arguments.bf16 else torch.float32
    torch.manual_seed(arguments.seed)
    state: dict = {}
    if path.exists():
        models, state = checkpoint.load(path)
        if first:
            print(f"resuming from {path.name} after {state['samples']} samples", flush=True)
    elif arguments.start:
        models, _ = checkpoint.load(arguments.start)
        if stage == "basis":
            checkpoint.reshape_basis(models, arguments.elements, arguments.rank, arguments.new_basis)
    else:
        sizes = {name: getattr(arguments, name) for name in ("width", "depth", "fine", "middle")}
        config = Config(**sizes, heads=max(1, arguments.width // HEAD))
        models = checkpoint.build(config, elements=arguments.elements, rank=arguments.rank)
    samples, spent, step = (state.get(name, 0) for name in ("samples", "spent", "step"))
    best: float = state.get("best", -math.inf)
    budget = arguments.minutes * 60
    if spent >= budget or samples >= arguments.samples:
        return models

    loader = open_data(arguments, place, samples)
    task = EncoderTask(models.denoiser.config.features, len(loader.names))
    models.to(device), task.to(device)
    if stage == "base":
        trained = nn.ModuleDict({"denoiser": models.denoiser, "encoder": models.encoder, "task": task})
    else:
        trained = nn.ModuleDict({"basis": models.basis})
        models.denoiser.requires_grad_(False)
        models.encoder.requires_grad_(False)
    if "trained" in state:
        trained.load_state_dict(state["trained"])
    batches = iter(loader)
    if stage == "basis" and models.basis.untrained:
        some = [next(batches) for _ in range(-(-CALIBRATION // arguments.batch))]
        shown = torch.cat([images for batch in some for images in (batch.a, batch.a2, batch.b)])
        standardise(models.encoder, shown, arguments.spread)
        place.share(models.encoder)
    place.share(trained)
    optimiser = Optimiser(trained, arguments.lr, arguments.muon)
    average = Average(trained)
    if "optimiser" in state:
        optimiser.load_state_dict(state["optimiser"])
        average.load(state["average"])
    torch.manual_seed(arguments.seed + 1_000_003 * place.rank + samples)
    if arguments.compile:
        models.denoiser.compile()
        models.encoder.compile()
    held_out = None
    if first and arguments.validate:
        held_out = validation.Validation(arguments.validate, arguments.batch, device)

    parameters = list(trained.parameters())
    opened = time.time()
    began, saved, validated = opened - spent, opened, opened
    gains: list[Tensor] = []
    for batch in batches:
        if stage == "basis":
            attach_basis(models, batch, precision)
        loss, error = reconstruction(models.denoiser, batch, arguments.at_start, precision)
        total = loss + 0.2 * task(models.encoder, batch, precision) if stage == "base" else loss
        optimiser.clear()
        total.backward()
        spent = place.average(parameters, time.time() - began)
        # The warm-up is of some 90 steps, whatever the batch.
        warm = samples * 16 // (arguments.batch * place.world)
        rate = learning_rate(max(spent / budget, samples / arguments.samples), warm, arguments.lr)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step(rate)
        step += 1
        samples += len(batch.b) * place.world
        average.update(step)
        done = spent >= budget or samples >= arguments.samples
        if first:
            copy = (batch.b - batch.b2).square().mean((1, 2, 3))
            anchor = (batch.anchor_b - batch.b2).square().mean((1, 2, 3))
            gains.append(torch.stack([psnr(copy), psnr(anchor), psnr(error)]))
        if first and (step % 50 == 0 or done):
            gains = gains[-200:]
            mean = torch.cat([g.clamp_max(50) for g in gains], dim=1).mean(1)
            print(
                f"{stage} step {step} samples {samples} {spent / 60:.1f} min lr {rate:.1e} "
                f"dB copy {mean[0]:.2f} anchor {mean[1]:.2f} model {mean[2]:.2f} "
                f"loss {loss.item():.3f} encoder {(total - loss).item():.3f} "
                f"waiting for data {loader.waited / (time.time() - opened):.0%}",
                flush=True,
            )
        if held_out and (done or time.time() - validated > arguments.validate_every):
            average.swap()
            gain = held_out.gain(models, stage == "basis", precision)
            print(f"{stage} step {step} held-out photographs: {gain:+.3f} dB over the anchor", flush=True)
            if gain > best:
                best = gain
                checkpoint.save(path.with_suffix(".best.pt"), models, {"samples": samples, "best": best})
            average.swap()
            validated = time.time()
        if first and (done or time.time() - saved > SAVE_EVERY):
            models.basis.attach(models.denoiser, None)
            raw = {k: v.clone() for k, v in trained.state_dict().items()}
            average.swap()
            extra = {
                "samples": samples,
                "spent": spent,
                "step": step,
                "best": best,
                "trained": raw,
                "optimiser": optimiser.state_dict(),
                "average": {k: v.clone() for k, v in trained.named_parameters()},
            }
            checkpoint.save(path, models, extra)
            average.swap()
            saved = time.time()
        if done:
            break
    models.basis.attach(models.denoiser, None)
    place.wait()
    return models


@dataclass(frozen=True)
class Phase:
    """One part of `train_all`: its share of the minutes, its windows' side of the pictures', and batch and peak
    rate as multiples of ``--batch`` and ``--lr``."""

    stage: str
    share: float
    side: float
    batch: float
    rate: float
    at_start: float


PHASES = (
    Phase("base", share=0.35, side=0.5, batch=4, rate=1.5, at_start=0.75),
    Phase("base", share=0.40, side=1, batch=1, rate=1, at_start=0.75),
    Phase("basis", share=0.25, side=1, batch=0.5, rate=2, at_start=0.8),
)
SMALL = 16  # quadruples of a shard that is waited for
ENOUGH = 8  # shards to begin with


@contextmanager
def making(
    folder: Path, splits: tuple[str, ...], arguments: argparse.Namespace, workers: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A cache of the splits, made by ``workers`` processes meanwhile."""
    count = f"--count {arguments.quadruples} --shard {SMALL} --size {arguments.size} --pairs {arguments.pairs}"
    where = ["--workers", str(workers), "--splits", *splits, "--out", str(folder)]
    command = [sys.executable, "-m", "likewise.data.cache", *count.split(), *where]
    # In a session of its own, so that what it has started ends with it.
    maker = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield maker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(maker.pid, signal.SIGTERM)
        maker.wait()


def await_enough(folder: Path, maker: subprocess.Popen[bytes]) -> None:
    while maker.poll() is None and len(shard_paths(folder)) < ENOUGH:
        time.sleep(0.2)
    if maker.poll():
        raise RuntimeError(f"no quadruples could be made in {folder.name}")


def train_all(arguments: argparse.Namespace, place: Place = Place()) -> Path:
    """Every phase from the best weights of the one before; returns the checkpoint to export."""
    folders = {stage: arguments.run / f"{stage}-quadruples" for stage in SPLITS}
    # Twice the processes for the base's, which are seen by more steps.
    workers = max(1, (arguments.workers or (os.cpu_count() or 2) - 1) // 3)
    with ExitStack() as made:
        if place.rank == 0:
            makers: dict[Path, subprocess.Popen[bytes]] = {}
            for stage, splits in SPLITS.items():
                share = workers * (2 if stage == "base" else 1)
                makers[folders[stage]] = made.enter_context(making(folders[stage], splits, arguments, share))
            for stage, splits in SPLITS.items():
                held_out = arguments.run / f"{stage}-validation"
                make_evaluation(held_out, arguments.size, arguments.per_family, validation.SEED, splits, 3 * workers)
            for folder, maker in makers.items():
                await_enough(folder, maker)
        place.wait()
        start = arguments.start
        for number, phase in enumerate(PHASES):
            part = argparse.Namespace(**vars(arguments))
            part.stage, part.start, part.at_start = phase.stage, start, phase.at_start
            part.run = arguments.run / f"phase-{number}"
            part.cache, part.validate = folders[phase.stage], arguments.run / f"{phase.stage}-validation"
            part.crop = round(arguments.size * phase.side) if phase.side < 1 else 0
            part.minutes, part.lr = arguments.minutes * phase.share, arguments.lr * phase.rate
            part.batch = max(1, round(arguments.batch * phase.batch))
            train(part, place)
            start = part.run / f"{phase.stage}.best.pt"
    if place.rank == 0:
        print(f"export with: python -m likewise.export --checkpoint {start} --out ../public/packs/studio", flush=True)
    return start


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["base", "basis", "all"])
    parser.add_argument("--cache", type=Path, help="quadruples, see likewise.data.cache; `all` makes its own")
    parser.add_argument(
        "--crop", type=int, default=0, help="side of the windows that are trained on; 0: whole pictures"
    )
    parser.add_argument("--size", type=int, default=256, help="side of the pictures that `all` makes")
    parser.add_argument("--quadruples", type=int, default=10**6, help="that `all` makes for a stage, at most")
    parser.add_argument("--workers", type=int, default=0, help="that make them; default: all cores but one")
    parser.add_argument("--pairs", type=int, default=1, help="the most that show an edit made by `all`")
    parser.add_argument("--buffer", type=float, default=24, help="GB on a GPU for quadruples that were read")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="checkpoint or pack to begin from when the stage has none yet")
    parser.add_argument("--validate", type=Path, help="cache of held-out photographs, see likewise.data.cache")
    parser.add_argument("--validate-every", type=float, default=180, help="seconds")
    parser.add_argument("--per-family", type=int, default=2, help="validation quadruples a family that `all` makes")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--samples", type=int, default=10**9, help="at most so many, in every phase of `all`")
    parser.add_argument("--batch", type=int, default=16, help="samples a step, in every process")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--at-start", type=float, default=0.5, help="share of samples at t = 0, a run's first step")
    parser.add_argument("--width", type=int, default=Config.width, help="of the transformer, a multiple of 32")
    parser.add_argument("--depth", type=int, default=Config.depth)
    parser.add_argument("--fine", type=int, default=Config.fine, help="channels at a quarter of the side")
    parser.add_argument("--middle", type=int, default=Config.middle, help="channels at an eighth of the side")
    parser.add_argument("--elements", type=int, default=32)
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--new-basis", action="store_true", help="leave the basis of --start, keep the rest")
    parser.add_argument("--spread", type=float, default=SPREAD, help="of the encoder's features for a new basis")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--muon", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--compile", action="store_true", help="fuse with a compiler: a minute once, then faster")
    arguments = parser.parse_args(words)
    if (arguments.stage == "all") == bool(arguments.cache):
        parser.error("base and basis need a --cache; `all` makes its own")
    return arguments


def main() -> None:
    arguments = parse()
    torch.set_flush_denormal(True)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    place = join(arguments.device)
    try:
        (train_all if arguments.stage == "all" else train)(arguments, place)
    finally:
        leave(place)


if __name__ == "__main__":
    main()
