"""Building blocks. Every `Linear` here stores its weight as ``[in, out]``, the pack's layout."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Linear(nn.Module):
    """``y = x W + bias`` with ``W [in, out]``; a LoRA basis may be attached to it.

    With a basis, ``y += scale * sum_n c[n] (x A_n) B_n``: ``A [N, in, r]``, ``B [N, r, out]``, and
    ``coefficients [batch, N]`` set before the forward pass (they never depend on x).
    """

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * (gain / math.sqrt(inputs)))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.basis: tuple[Tensor, Tensor] | None = None
        self.coefficients: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.basis is None or self.coefficients is None:
            return x @ self.weight + self.bias
        a, b = self.basis
        elements, inputs, rank = a.shape
        batch, outputs = self.coefficients.shape[0], b.shape[2]
        c = self.coefficients.repeat_interleave(rank, dim=1)
        left, right = a.permute(1, 0, 2).reshape(inputs, elements * rank), b.reshape(elements * rank, outputs)
        # A sample may be spread over several leading rows (pairs of one triplet).
        rows = x.reshape(batch, -1, inputs)
        if rows.shape[1] * (inputs + outputs) > inputs * outputs:
            # Many tokens: cheaper to merge each sample's weight than to run the side path.
            merged = self.weight + (left * c[:, None, :]) @ right
            y = torch.bmm(rows, merged.to(rows.dtype))
        else:
            y = rows @ self.weight + ((rows @ left) * c[:, None, :].to(rows.dtype)) @ right
        return y.reshape(*x.shape[:-1], outputs) + self.bias


class Norm(nn.Module):
    """Layer normalisation over the last axis, always in float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():
            # The operator computes in float32 by itself (its stash_type), whatever it reads and writes.
            return F.layer_norm(x, (self.width,), self.scale, self.shift, 1e-5)
        y = F.layer_norm(x.float(), (self.width,), self.scale.float(), self.shift.float(), 1e-5)
        return y.to(x.dtype)


class LocalBlock(nn.Module):
    """Depthwise 5x5 convolution, then a pointwise MLP, residual. ``[B, H, W, C]`` to the same."""

    def __init__(self, width: int, expand: int = 3) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = Norm(width)
        self.up = Linear(width, width * expand)
        self.down = Linear(width * expand, width, gain=0.3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + self.down(F.relu(self.up(self.norm(y))).square())


def sides(x: Tensor) -> list[int]:
    """All sizes but the first, as numbers: a traced graph then holds them, and not how they are computed."""
    return [int(size) for size in x.shape[1:]]


def fold(x: Tensor, by: int) -> Tensor:
    """Space to depth: ``[B, H, W, C]`` to ``[B, H/by, W/by, by*by*C]``."""
    height, width, channels = sides(x)
    x = x.reshape(-1, height // by, by, width // by, by, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height // by, width // by, by * by * channels)


def unfold(x: Tensor, by: int) -> Tensor:
    """Depth to space, the inverse of `fold`."""
    height, width, channels = sides(x)
    x = x.reshape(-1, height, width, by, by, channels // (by * by))
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height * by, width * by, channels // (by * by))


def rotary_table(grid: int, head: int) -> tuple[Tensor, Tensor]:
    """What `rotate` multiplies with, ``[grid*grid, head]`` twice: the cosines of 2-D rotary positions, and the
    sines, negative for the first of a pair of channels. Half the channels turn with the column, half with
    the row. Positions are in 1/16 of the image, so grids of other sizes agree."""
    quarter = head // 4
    # exp, not 0.05 ** tensor: that is exported in double, which ONNX Runtime's WebGPU build refuses.
    frequency = 1.5 * torch.exp(torch.arange(quarter) * (math.log(0.05) / max(1, quarter - 1)))
    position = (torch.arange(grid) + 0.5) / grid * 16
    angle = position[:, None] * frequency[None, :]
    rows = angle[:, None, :].expand(grid, grid, quarter)
    columns = angle[None, :, :].expand(grid, grid, quarter)
    both = torch.cat([columns, rows], dim=-1).reshape(grid * grid, 2 * quarter)
    cos, sin = both.cos(), both.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the channel pairs (k, k + head/2) of ``x [..., T, heads, head]`` by the table's angles."""
    first, second = x.split(int(x.shape[-1]) // 2, dim=-1)
    cos, sin = cos[:, None, :].to(x.dtype), sin[:, None, :].to(x.dtype)
    return x * cos + torch.cat([second, first], dim=-1) * sin


class Block(nn.Module):
    """Joint self-attention over the tokens of all pairs and the target, modulated by time.

    ``x [B, frames, T, D]`` (T tokens a frame, the target last), ``time [B, D]``.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulation = Linear(width, 6 * width, gain=0.0)
        # What the modulation, zero to begin with, is added to: shift, scale and gate, twice.
        self.around = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 1.0]).repeat_interleave(width)
        self.norm1 = Norm(width)
        self.qkv = Linear(width, 3 * width)
        self.proj = Linear(width, width, gain=0.3)
        self.norm2 = Norm(width)
        self.fc1 = Linear(width, 4 * width)
        self.fc2 = Linear(4 * width, width, gain=0.3)
        # The exported graph spells attention out, with the softmax in float32.
        self.explicit_attention = False

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (y.transpose(1, 2) for y in (q, k, v))
        if self.explicit_attention or q.shape[2] <= 256:
            # Spelled out, its backward pass is also the faster one where tokens are few.
            scores = (q * int(q.shape[-1]) ** -0.5) @ k.transpose(2, 3)
            out = torch.softmax(scores.float(), dim=-1).to(v.dtype) @ v
        else:
            out = F.scaled_dot_product_attention(q, k, v)
        return out.transpose(1, 2)

    def forward(self, x: Tensor, time: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        _, tokens, width = sides(x)
        batch = int(x.shape[0])
        modulation = (self.modulation(time) + self.around.to(x)).reshape(batch, 1, 1, 6 * width)
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation.split(width, dim=-1)
        y = self.norm1(x) * scale1 + shift1
        qkv = self.qkv(y).reshape(batch, -1, tokens, 3 * self.heads, width // self.heads)
        qk, v = qkv.split((2 * self.heads, self.heads), dim=3)
        q, k = rotate(qk, cos, sin).split(self.heads, dim=3)
        q, k, v = (z.reshape(batch, -1, self.heads, width // self.heads) for z in (q, k, v))
        y = self.attend(q, k, v).reshape(batch, -1, tokens, width)
        x = x + gate1 * self.proj(y)
        y = self.norm2(x) * scale2 + shift2
        return x + gate2 * self.fc2(F.relu(self.fc1(y)).square())
