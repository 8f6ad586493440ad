"""What training minimises: the denoiser's x-prediction in decibels, and the encoder's own task."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .basis import encode_triplet
from .checkpoint import Models
from .loader import Batch
from .model import Denoiser, head

# The loss is the mean over samples of log(MSE + FLOOR): decibels, so that an edit the anchor
# already solves to 45 dB counts as much as one that nothing solves.
FLOOR = 2e-5
STATISTICS = 3 + 48


def psnr(error: Tensor) -> Tensor:
    """Decibels of a mean squared error in image units."""
    return -10 * torch.log10(error.clamp_min(1e-10))


def autocast(precision: torch.dtype, device: torch.device | str = "cpu") -> torch.autocast:
    """Mixed precision on the device; float32 is none."""
    return torch.autocast(torch.device(device).type, precision, enabled=precision != torch.float32)


def noisy(image: Tensor, t: Tensor) -> Tensor:
    """x_t in network units: ``t x + (1 - t) noise``."""
    t = t.view(-1, 1, 1, 1)
    return t * (image * 2 - 1) + (1 - t) * torch.randn_like(image)


def predict(denoiser: Denoiser, x: Tensor, batch: Batch, t: Tensor, precision: torch.dtype) -> Tensor:
    """One x-prediction, ``[B, 3, S, S]`` in image units, not clamped."""
    with autocast(precision, x.device):
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
    count, device = len(batch.b), batch.b.device
    t = torch.zeros(count, device=device)
    x = torch.randn_like(batch.b)
    if torch.rand(()) >= at_start:
        with torch.no_grad():
            first = predict(denoiser, x, batch, t, precision).clamp(0, 1)
        t = torch.rand(count, device=device)
        x = noisy(first, t)
    drawn = predict(denoiser, x, batch, t, precision)
    error = (drawn - batch.b2).square().mean((1, 2, 3))
    return torch.log(error + FLOOR).mean(), (drawn.detach().clamp(0, 1) - batch.b2).square().mean((1, 2, 3))


def attach_basis(models: Models, batch: Batch, precision: torch.dtype) -> None:
    """Mix the basis for every triplet of the batch, by the mean coefficients of the pairs where there are
    several; the encoder gets no gradient."""
    with torch.no_grad(), autocast(precision, batch.a.device):
        encoded = [encode_triplet(models.encoder, a, a2, batch.b) for a, a2 in batch.shown()]
    coefficients = torch.stack([models.basis.route(e.float()) for e in encoded]).mean(0)
    models.basis.attach(models.denoiser, coefficients)


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
        with autocast(precision, images.device):
            f = encoder(images)
        f = f.float()
        small = F.adaptive_avg_pool2d(images, 4).flatten(1)
        truth = torch.cat([images.flatten(2).std(2), small], dim=1)
        logits = self.family(torch.cat([f[:count], f[count:]], dim=1))
        return F.cross_entropy(logits, batch.family[:count]) + 4 * F.mse_loss(self.statistics(f), truth)
