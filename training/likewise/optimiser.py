"""The optimisers, their schedule, and the moving average of the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


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

    def load(self, values: dict[str, Tensor]) -> None:
        self.values = {k: values[k].to(v.device) for k, v in self.values.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        decay = min(0.998, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.values.values()), list(self.module.parameters()), 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        for name, value in self.module.named_parameters():
            kept = value.clone()
            value.copy_(self.values[name])
            self.values[name].copy_(kept)
