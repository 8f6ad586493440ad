"""The two training stages.

    python -m likewise.train base  --cache data/cache/base128 --run runs/studio --minutes 60
    python -m likewise.train basis --cache data/cache/basis128 --run runs/studio --minutes 25

*base* trains the denoiser, and beside it the encoder on what it must tell apart: which family an
edit is of, and what colours are where. *basis* freezes both and trains the LoRA basis with its keys
and projections. Every run resumes from ``RUN/STAGE.pt`` and logs to standard output; the schedule
follows the time spent, so that a slow machine ends with a small learning rate too.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import checkpoint
from .basis import encode_triplet
from .loader import Batch, Loader
from .model import Denoiser, head

# The loss is the mean over samples of log(MSE + FLOOR): decibels, so that an edit the anchor
# already solves to 45 dB counts as much as one that nothing solves.
FLOOR = 2e-5
STATISTICS = 3 + 48


def psnr(error: Tensor) -> Tensor:
    """Decibels of a mean squared error in image units."""
    return -10 * torch.log10(error.clamp_min(1e-10))


def autocast(precision: torch.dtype) -> torch.autocast:
    """Mixed precision on the CPU; float32 is none."""
    return torch.autocast("cpu", precision, enabled=precision != torch.float32)


def noisy(image: Tensor, t: Tensor) -> Tensor:
    """x_t in network units: ``t x + (1 - t) noise``."""
    t = t.view(-1, 1, 1, 1)
    return t * (image * 2 - 1) + (1 - t) * torch.randn_like(image)


def predict(denoiser: Denoiser, x: Tensor, batch: Batch, t: Tensor, precision: torch.dtype) -> Tensor:
    """One x-prediction, ``[B, 3, S, S]`` in image units, not clamped."""
    with autocast(precision):
        grid, maps = denoiser(x, batch.target(), batch.pairs(), t)
    return head(grid, maps, batch.b, batch.anchor_b)


def reconstruction(
    denoiser: Denoiser, batch: Batch, at_start: float, precision: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Loss and the per-sample squared error ``[B]`` of one x-prediction.

    A share ``at_start`` of the batches is at t = 0, where every run starts and most is decided. In the
    others x_t holds what the network itself draws at t = 0 in place of the truth, because that is what
    a run's later steps get to see: with the truth there, more steps made a run worse.
    """
    t = torch.zeros(len(batch.b))
    x = torch.randn_like(batch.b)
    if torch.rand(()) >= at_start:
        with torch.no_grad():
            first = predict(denoiser, x, batch, t, precision).clamp(0, 1)
        t = torch.rand(len(batch.b))
        x = noisy(first, t)
    drawn = predict(denoiser, x, batch, t, precision)
    error = (drawn - batch.b2).square().mean((1, 2, 3))
    return torch.log(error + FLOOR).mean(), (drawn.detach().clamp(0, 1) - batch.b2).square().mean((1, 2, 3))


class EncoderTask(nn.Module):
    """What the encoder is trained on: family of (a, a') and each image's colours on a 4 x 4 grid."""

    def __init__(self, features: int, families: int) -> None:
        super().__init__()
        self.family = nn.Linear(2 * features, families)
        self.statistics = nn.Linear(features, STATISTICS)

    def forward(self, encoder: nn.Module, batch: Batch, precision: torch.dtype) -> Tensor:
        # A quarter of the batch: the encoder is small and learns fast, the denoiser needs the time.
        count = max(1, len(batch.a) // 4)
        images = torch.cat([batch.a[:count], batch.a2[:count]])
        with autocast(precision):
            f = encoder(images)
        f = f.float()
        small = F.adaptive_avg_pool2d(images, 4).flatten(1)
        truth = torch.cat([images.flatten(2).std(2), small], dim=1)
        logits = self.family(torch.cat([f[:count], f[count:]], dim=1))
        return F.cross_entropy(logits, batch.family[:count]) + 4 * F.mse_loss(self.statistics(f), truth)


def learning_rate(progress: float, samples: int, peak: float) -> float:
    warm = min(1.0, samples / 1500)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


# A step of AdamW has one size whatever the gradient, and a logit sums 128 x 384 entries of the query
# projection. At the full rate it moves by units a step, and softmax collapses on one element for all
# triplets; at a hundredth it stays where it began (docs/model-card.md).
SHARES = {"basis.query": 0.15, "basis.keys": 0.3}


class Optimiser:
    """Muon for the matrices inside the networks, AdamW for the rest, at one rate times `SHARES`.

    Muon turns every update of a matrix into one of equal singular values, here scaled to AdamW's
    usual size. Source: https://kellerjordan.github.io/posts/muon/; measured in docs/model-card.md.
    """

    def __init__(self, module: nn.Module, rate: float, muon: bool) -> None:
        inner: list[nn.Parameter] = []
        rest: dict[float, list[nn.Parameter]] = {}
        for name, parameter in module.named_parameters():
            edge = any(part in name for part in ("to_grid", "to_maps", "patch", "task", "kind", "encoder"))
            if muon and parameter.ndim == 2 and not edge:
                inner.append(parameter)
            else:
                rest.setdefault(SHARES.get(name, 1.0), []).append(parameter)
        groups = [{"params": parameters, "share": share} for share, parameters in rest.items()]
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.02)
        ]
        if inner:
            decay = {"weight_decay": 0.02, "momentum": 0.95, "adjust_lr_fn": "match_rms_adamw"}
            self.parts.append(torch.optim.Muon(inner, lr=rate, **decay))

    def step(self, rate: float) -> None:
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
            part.step()

    def clear(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, state: list[dict]) -> None:
        for part, values in zip(self.parts, state, strict=True):
            part.load_state_dict(values)


class Average:
    """Exponential moving average of parameters; its horizon grows with the run."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.values = {k: v.detach().clone() for k, v in module.named_parameters()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        decay = min(0.998, (1 + step) / (10 + step))
        for name, value in self.module.named_parameters():
            self.values[name].lerp_(value, 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        for name, value in self.module.named_parameters():
            kept = value.clone()
            value.copy_(self.values[name])
            self.values[name].copy_(kept)


def train(arguments: argparse.Namespace) -> None:
    stage: str = arguments.stage
    path = arguments.run / f"{stage}.pt"
    precision = torch.bfloat16 if arguments.bf16 else torch.float32
    torch.manual_seed(arguments.seed)
    state: dict = {}
    if path.exists():
        models, state = checkpoint.load(path)
        print(f"resuming from {path.name} after {state['samples']} samples", flush=True)
    elif arguments.start:
        models, _ = checkpoint.load(arguments.start)
    else:
        models = checkpoint.build(elements=arguments.elements, rank=arguments.rank)
    samples, spent = state.get("samples", 0), state.get("spent", 0.0)

    loader = Loader(arguments.cache, arguments.batch, arguments.seed + samples, open=0.02)
    task = EncoderTask(models.denoiser.config.features, len(loader.names))
    if stage == "base":
        trained = nn.ModuleDict({"denoiser": models.denoiser, "encoder": models.encoder, "task": task})
    else:
        trained = nn.ModuleDict({"basis": models.basis})
        models.denoiser.requires_grad_(False)
        models.encoder.requires_grad_(False)
    if "trained" in state:
        trained.load_state_dict(state["trained"])
    optimiser = Optimiser(trained, arguments.lr, arguments.muon)
    average = Average(trained)
    if "optimiser" in state:
        optimiser.load_state_dict(state["optimiser"])
        average.values = state["average"]
    step = state.get("step", 0)
    if arguments.compile:
        models.denoiser.compile()
        models.encoder.compile()

    budget = arguments.minutes * 60
    began, saved = time.time() - spent, time.time()
    gains: list[Tensor] = []
    while (spent := time.time() - began) < budget and samples < arguments.samples:
        for batch in loader:
            rate = learning_rate(max(spent / budget, samples / arguments.samples), samples, arguments.lr)
            if stage == "basis":
                with torch.no_grad(), autocast(precision):
                    e = encode_triplet(models.encoder, batch.a, batch.a2, batch.b)
                models.basis.attach(models.denoiser, models.basis.route(e.float()))
            loss, error = reconstruction(models.denoiser, batch, arguments.at_start, precision)
            total = loss + 0.2 * task(models.encoder, batch, precision) if stage == "base" else loss
            optimiser.clear()
            total.backward()
            nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
            optimiser.step(rate)
            step += 1
            samples += len(batch.b)
            average.update(step)
            copy = (batch.b - batch.b2).square().mean((1, 2, 3))
            anchor = (batch.anchor_b - batch.b2).square().mean((1, 2, 3))
            gains.append(torch.stack([psnr(copy), psnr(anchor), psnr(error)]))
            spent = time.time() - began
            if step % 50 == 0:
                mean = torch.cat([g.clamp_max(50) for g in gains[-200:]], dim=1).mean(1)
                print(
                    f"{stage} step {step} samples {samples} {spent / 60:.1f} min lr {rate:.1e} "
                    f"dB copy {mean[0]:.2f} anchor {mean[1]:.2f} model {mean[2]:.2f} "
                    f"loss {loss.item():.3f} encoder {(total - loss).item():.3f}",
                    flush=True,
                )
                gains = gains[-200:]
            if time.time() - saved > 180 or spent >= budget or samples >= arguments.samples:
                models.basis.attach(models.denoiser, None)
                raw = {k: v.clone() for k, v in trained.state_dict().items()}
                average.swap()
                extra = {
                    "samples": samples,
                    "spent": spent,
                    "step": step,
                    "trained": raw,
                    "optimiser": optimiser.state_dict(),
                    "average": {k: v.clone() for k, v in trained.named_parameters()},
                }
                checkpoint.save(path, models, extra)
                average.swap()
                saved = time.time()
            if spent >= budget or samples >= arguments.samples:
                break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["base", "basis"])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="checkpoint to begin from when the stage has none yet")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--samples", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--at-start", type=float, default=0.5, help="share of samples at t = 0, a run's first step")
    parser.add_argument("--elements", type=int, default=32)
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--muon", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--compile", action="store_true", help="fuse with a C++ compiler: a minute once, then faster")
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    train(arguments)


if __name__ == "__main__":
    main()
