"""The studio pack's denoiser, anchored head and encoder. Definitions: docs/architecture.md."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Block, Linear, LocalBlock, Norm, fold, rotary_table, sides, unfold

PATCH = 16
HEAD = 32  # channels of an attention head in the sizes that are trained


@dataclass(frozen=True)
class Config:
    """Sizes of the network. ``fine`` and ``middle`` are the widths at S/4 and S/8."""

    width: int = 192
    depth: int = 6
    heads: int = 6
    fine: int = 64
    middle: int = 128
    features: int = 128

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Stem(nn.Module):
    """Patches to tokens with two finer levels kept: S/4, S/8 and S/16."""

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        self.patch = Linear(16 * channels, config.fine)
        self.fine = LocalBlock(config.fine)
        self.to_middle = Linear(4 * config.fine, config.middle)
        self.middle = LocalBlock(config.middle)
        self.to_tokens = Linear(4 * config.middle, config.width)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``image [B, C, S, S]`` to ``[B, S/4, S/4, fine]``, ``[B, S/8, ...]``, ``[B, S/16, ...]``."""
        fine = self.fine(self.patch(fold(image.permute(0, 2, 3, 1), 4)))
        middle = self.middle(self.to_middle(fold(fine, 2)))
        return fine, middle, self.to_tokens(fold(middle, 2))


class HardGate(torch.autograd.Function):
    """clamp(1.2 sigmoid(x) - 0.1, 0, 1): reaches 0 and 1 exactly, yet its gradient never dies."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # type: ignore[override]
        soft = torch.sigmoid(x)
        ctx.save_for_backward(soft)
        return (1.2 * soft - 0.1).clamp(0, 1)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (soft,) = ctx.saved_tensors
        return gradient * 1.2 * soft * (1 - soft)


def hard_gate(x: Tensor) -> Tensor:
    if torch.jit.is_tracing() or torch.onnx.is_in_onnx_export():
        return (1.2 * torch.sigmoid(x) - 0.1).clamp(0, 1)
    return HardGate.apply(x)


# hard_gate(GATE_CLOSED) is 0: an untrained head returns the anchor.
GATE_CLOSED = math.log(0.1 / 1.1) - 1e-3


class Denoiser(nn.Module):
    """x-prediction flow network: noise, b and pairs in, the anchored head's parameters out."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config = config
        self.pair_stem = Stem(9, config)
        self.target_stem = Stem(9, config)
        with torch.no_grad():
            # The noise is one third of the input and says nothing at first: start it small.
            self.target_stem.patch.weight.view(16, 9, -1)[:, :3] *= 0.1
        self.kind = nn.Parameter(torch.randn(2, config.width) * 0.02)
        self.time1 = Linear(64, config.width)
        self.time2 = Linear(config.width, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = Norm(config.width)
        self.to_grid = Linear(config.width, 14, gain=0.0)
        self.up_middle = Linear(config.width, 4 * config.middle)
        self.mix_middle = Linear(3 * config.middle, config.middle)
        self.decode_middle = LocalBlock(config.middle)
        self.up_fine = Linear(config.middle, 4 * config.fine)
        self.mix_fine = Linear(3 * config.fine, config.fine)
        self.decode_fine1 = LocalBlock(config.fine)
        self.decode_fine2 = LocalBlock(config.fine)
        self.to_maps = Linear(config.fine, 16 * 5, gain=0.0)
        with torch.no_grad():
            bias = self.to_maps.bias.view(16, 5)
            bias[:, 3] = GATE_CLOSED
            bias[:, 4] = -0.7

    def embed_time(self, t: Tensor) -> Tensor:
        frequency = torch.exp(torch.arange(32, device=t.device) * (-math.log(1000.0) / 31)) * 100
        angle = t.float()[:, None] * frequency[None, :]
        wave = torch.cat([angle.cos(), angle.sin()], dim=1).to(self.kind.dtype)
        return F.silu(self.time2(F.silu(self.time1(wave))))

    def forward(self, x: Tensor, target: Tensor, pairs: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """``x [B,3,S,S]`` in network units, ``target [B,6,S,S]`` and ``pairs [B,P,9,S,S]`` in image
        units, ``t [B]`` in 0..1. Returns ``grid [B,14,G,G]`` and ``maps [B,5,S,S]``."""
        batch = int(pairs.shape[0])
        # As a number, so that the traced graph holds the rotary table and not how it is computed:
        # ONNX Runtime's WebGPU build cannot place that arithmetic.
        grid = int(x.shape[-1]) // PATCH
        tokens = grid * grid
        # Image units to network units; differences are centred already.
        shown = pairs.flatten(0, 1)
        shown = torch.cat([shown[:, :3] * 2 - 1, shown[:, 3:] * 2], dim=1)
        asked = torch.cat([x, target * 2 - 1], dim=1)

        pair_fine, pair_middle, pair_tokens = self.pair_stem(shown)
        fine, middle, target_tokens = self.target_stem(asked)
        width = self.config.width
        pair_tokens = pair_tokens.reshape(batch, -1, tokens, width) + self.kind[0]
        target_tokens = target_tokens.reshape(batch, 1, tokens, width) + self.kind[1]
        y = torch.cat([pair_tokens, target_tokens], dim=1)

        cos, sin = rotary_table(grid, width // self.config.heads)
        cos, sin = cos.to(y.device), sin.to(y.device)
        time = self.embed_time(t)
        for block in self.blocks:
            y = block(y, time, cos, sin)
        y = self.norm(y[:, -1]).reshape(batch, grid, grid, width)

        # Displacements are fractions of the image.
        scale = torch.tensor([1.0] * 12 + [0.25] * 2, device=y.device, dtype=y.dtype)
        low = (self.to_grid(y) * scale).permute(0, 3, 1, 2)

        # What the pairs show at the same place helps overlays and frames: average over pairs.
        pair_middle = pair_middle.reshape(batch, -1, *sides(middle)).mean(1)
        pair_fine = pair_fine.reshape(batch, -1, *sides(fine)).mean(1)
        z = torch.cat([unfold(self.up_middle(y), 2), middle, pair_middle], dim=-1)
        z = self.decode_middle(self.mix_middle(z))
        z = torch.cat([unfold(self.up_fine(z), 2), fine, pair_fine], dim=-1)
        z = self.decode_fine2(self.decode_fine1(self.mix_fine(z)))
        out = unfold(self.to_maps(z), 4).permute(0, 3, 1, 2)
        share = unexplained(pairs[:, :, 6:].float().square().mean((1, 2, 3, 4)))
        gates = hard_gate(out[:, 3:]) * share.to(out.dtype).view(-1, 1, 1, 1)
        return low, torch.cat([out[:, :3], gates], dim=1)


SOLVED = 3e-4  # mean square error, 35 dB


def unexplained(error: Tensor) -> Tensor:
    """How much the anchor leaves to draw, 0..1, from its mean square error r on the pairs themselves:
    r^2 / (r^2 + SOLVED^2), so 0.92 at 30 dB, a half at 35, 0.1 at 40, 0.01 at 45. Where the anchor
    solves the edit the network cannot spoil it."""
    error = error / SOLVED
    return error.square() / (error.square() + 1)


def head(grid: Tensor, maps: Tensor, b: Tensor, anchor_b: Tensor) -> Tensor:
    """The anchored head at the model's size: ``[B, 3, S, S]`` in image units, not clamped.

    Source: docs/architecture.md, "Head".
    """
    grid, maps = grid.float(), maps.float()
    batch, _, size, _ = b.shape
    smooth = F.interpolate(grid, size=(size, size), mode="bilinear", align_corners=False)
    axis = (torch.arange(size, device=b.device) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    place = torch.stack([x + 2 * smooth[:, 12], y + 2 * smooth[:, 13]], dim=-1)
    moved = F.grid_sample(b, place, mode="bilinear", padding_mode="border", align_corners=False)
    matrix = smooth[:, :12].reshape(batch, 3, 4, size, size)
    drawn = moved + (matrix[:, :, :3] * moved[:, None]).sum(2) + matrix[:, :, 3]
    g, h = maps[:, 3:4], maps[:, 4:5]
    return (1 - g) * anchor_b + g * drawn + h * maps[:, :3]


class Encoder(nn.Module):
    """A small ConvNet on 128 x 128: ``[k, 3, S, S]`` in 0..1 to ``[k, features]``."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.patch = Linear(16 * 3, 48)
        self.local1 = LocalBlock(48)
        self.to2 = Linear(4 * 48, 96)
        self.local2 = LocalBlock(96)
        self.to3 = Linear(4 * 96, 160)
        self.local3 = LocalBlock(160)
        self.local4 = LocalBlock(160)
        self.out = Linear(2 * 160, config.features)
        self.norm = Norm(config.features)

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[-1] > 128:
            images = F.avg_pool2d(images, images.shape[-1] // 128)
        y = (images * 2 - 1).permute(0, 2, 3, 1)
        y = self.local1(self.patch(fold(y, 4)))
        y = self.local2(self.to2(fold(y, 2)))
        y = self.local4(self.local3(self.to3(fold(y, 2))))
        y = y.flatten(1, 2)
        mean = y.mean(1)
        spread = torch.sqrt((y - mean[:, None]).float().square().mean(1) + 1e-5).to(y.dtype)
        return self.norm(self.out(torch.cat([mean, spread], dim=1)))
