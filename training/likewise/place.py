"""Where a training process computes: its device, and its part among the processes of torchrun.

Gradients are averaged in one flattened bucket rather than by DistributedDataParallel: the basis hangs
on the denoiser's layers by plain attributes and the encoder's task has a forward pass of its own, so
there is no one module whose forward pass could be wrapped, and at some 20 MB a bucket takes a
millisecond between GPUs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Sequence

import torch
import torch.distributed as distributed
from torch import nn


@dataclass(frozen=True)
class Place:
    """The device of this process, and its number among ``world`` processes."""

    device: torch.device = torch.device("cpu")
    rank: int = 0
    world: int = 1

    def wait(self) -> None:
        """Until every process is here."""
        if self.world > 1:
            distributed.barrier()

    def share(self, module: nn.Module) -> None:
        """Give every process the weights of the first."""
        if self.world > 1:
            for value in module.state_dict().values():
                distributed.broadcast(value, 0)

    def average(self, parameters: Sequence[nn.Parameter], clock: float) -> float:
        """Average the gradients over the processes. The clock, in seconds, goes with them and comes back
        averaged, so that all follow one schedule and stop at the same step."""
        if self.world == 1:
            return clock
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        bucket = torch.cat([*(g.flatten().float() for g in gradients), torch.tensor([clock], device=self.device)])
        distributed.all_reduce(bucket)
        bucket /= self.world
        *parts, last = bucket.split([*(g.numel() for g in gradients), 1])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)
        return float(last)


def join(device: str) -> Place:
    """This process's place on ``device`` (auto, cpu or cuda). Under torchrun the processes join: over NCCL
    on GPUs, over Gloo on CPUs."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    defaults = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}
    rank, world, local = (int(os.environ.get(name, value)) for name, value in defaults.items())
    if device == "cuda":
        torch.cuda.set_device(local)
        # What autocast leaves in float32.
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    if world > 1:
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    return Place(torch.device(device, local) if device == "cuda" else torch.device(device), rank, world)


def leave(place: Place) -> None:
    if place.world > 1:
        distributed.destroy_process_group()
