"""PyTorch and the engine agree: coefficients, merged weights, one step, the whole run.

PyTorch is the modules themselves; the engine is its own TypeScript and kernels with ONNX Runtime
web, run in Node by workers/engine/testing/parity-run.ts on a pack exported from those modules.
Two ways through it: WASM in fp32 and WebGPU in fp16 (lavapipe, whose shader compiler takes most of
the time). That WebGPU in fp32 gives the image that WASM gives is tested in the browser, in e2e/.
"""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from likewise import checkpoint
from likewise.anchor import Fits, anchors
from likewise.basis import encode_triplet
from likewise.engine import ROOT, run_engine, write_picture
from likewise.export import SIZE, export_pack
from likewise.model import head
from likewise.noise import gaussian_noise
from likewise.pack import Pack, probes
from test_model import build

STEPS, SEED = 2, 7

Values = dict[str, Tensor]


def photograph(generator: torch.Generator, height: int, width: int) -> Tensor:
    """Large soft shapes with some grain, as bytes ``[H, W, 3]``."""
    shapes = torch.rand(1, 3, 9, 7, generator=generator)
    image = F.interpolate(shapes, size=(height, width), mode="bicubic")[0].permute(1, 2, 0)
    return ((image + 0.05 * torch.randn(image.shape, generator=generator)).clamp(0, 1) * 255).byte()


def turned(image: Tensor) -> Tensor:
    """``[H, W, 3]`` enlarged and turned."""
    matrix = torch.tensor([[[0.7, -0.2, 0.05], [0.2, 0.75, 0.0]]])
    where = F.affine_grid(matrix, [1, 3, *image.shape[:2]], align_corners=False)
    return F.grid_sample(image.permute(2, 0, 1)[None], where, align_corners=False)[0].permute(1, 2, 0)


def triplet(warped: bool) -> dict[str, Tensor]:
    """a' is a change of colour and, ``warped``, of place, which the anchor solves, and a pattern, which it cannot.

    a and a' are of another size and shape than the model's; of its size where they are warped, and then the
    anchor's pixels are the model's. b has its size, so that its pixels compare.
    """
    generator = torch.Generator().manual_seed(3)
    a = photograph(generator, SIZE, SIZE) if warped else photograph(generator, 203, 301)
    b = photograph(generator, SIZE, SIZE)
    matrix = torch.tensor([[0.6, 0.3, 0.0], [0.1, 0.7, 0.1], [0.0, 0.2, 0.8]])
    moved = turned(a.float()) if warped else a.float()
    a2 = moved / 255 @ matrix + 0.05
    a2[::9] *= 0.5
    return {"a": a, "a2": (a2.clamp(0, 1) * 255).byte(), "b": b}


def prepare(image: Tensor) -> Tensor:
    planes = image.permute(2, 0, 1)[None].float() / 255
    return F.interpolate(planes, size=(SIZE, SIZE), mode="bilinear", antialias=True)


def on_pixels(image: Tensor, fits: Fits) -> Tensor:
    """The anchor of bytes ``[H, W, 3]`` at their own size, prepared; of features of a pixel alone."""
    assert fits.groups == ["colour"] and not fits.warps.rows()
    u = image.permute(2, 0, 1)[None].float() / 255
    r, g, b = u[0]
    phi = torch.stack([torch.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, r * b, g * b])
    colours = (u + torch.einsum("fc,fhw->chw", fits.weights[0, :10], phi)).clamp(0, 1)
    return F.interpolate(colours, size=(SIZE, SIZE), mode="bilinear", antialias=True)


@torch.no_grad()
def in_pytorch(models: checkpoint.Models, images: dict[str, Tensor]) -> Values:
    """What docs/architecture.md says, with the modules as they are trained."""
    a, a2, b = (prepare(images[name]) for name in ("a", "a2", "b"))
    on_a, on_b, fits = anchors(a, a2, b)
    if images["a"].shape != images["b"].shape:
        on_a = on_pixels(images["a"], fits)
    coefficients = models.basis.route(encode_triplet(models.encoder, a, a2, b))[0]
    weights = models.basis.merged(models.denoiser, coefficients)
    denoiser = copy.deepcopy(models.denoiser)
    for name, weight in weights.items():
        denoiser.get_parameter(f"{name}.weight").copy_(weight)
    pairs, target = torch.cat([a, a2 - a, a2 - on_a], 1)[:, None], torch.cat([b, on_b], 1)

    def draw(steps: int) -> Tensor:
        x = torch.from_numpy(gaussian_noise(SEED, b.numel())).reshape(b.shape)
        for k in range(steps):
            drawn = head(*denoiser(x, target, pairs, torch.tensor([k / steps])), b, on_b).clamp(0, 1)
            x = x + (2 * drawn - 1 - x) * ((1 / steps) / (1 - k / steps))
        return drawn[0]

    return {
        "coefficients": coefficients,
        "pairs": pairs[:, 0],
        "target": target,
        **{f"merged.{name}": weight for name, weight in weights.items()},
        "step": draw(1),
        "run": draw(STEPS),
    }


@dataclass(frozen=True)
class Case:
    folder: Path
    models: checkpoint.Models
    images: dict[str, Tensor]
    expected: Values


Cases = dict[str, Case]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    folder, models = tmp_path_factory.mktemp("parity"), build()
    export_pack(models, folder / "pack")
    triplets = {"still": triplet(False), "warped": triplet(True)}
    return {name: Case(folder, models, images, in_pytorch(models, images)) for name, images in triplets.items()}


def in_engine(case: Case, folder: Path, work: dict[str, str]) -> Values:
    for name, image in case.images.items():
        write_picture(folder / f"{name}.rgba", image.numpy())
    run_engine("parity-run", folder, case.folder / "pack", {**work, "steps": STEPS, "seed": SEED})
    return load_file(folder / "engine.safetensors")


def most(engine: Values, expected: Values) -> dict[str, float]:
    return {name: float((engine[name] - value).abs().max()) for name, value in expected.items()}


def decibels(engine: Values, expected: Values) -> dict[str, float]:
    """PSNR with peak 1."""
    errors = {name: float((engine[name] - value).square().mean()) for name, value in expected.items()}
    return {name: float(-10 * np.log10(max(error, 1e-12))) for name, error in errors.items()}


@pytest.mark.parametrize("name", ["still", "warped"])
def test_there_is_something_to_compare(cases: Cases, name: str) -> None:
    """Agreement must not come from networks that do nothing."""
    case = cases[name]
    _, _, fits = anchors(*(prepare(case.images[each]) for each in ("a", "a2", "b")))
    assert bool(fits.warps.rows()) == (name == "warped")
    b, on_b = case.expected["target"][0].split(3)
    run, step = case.expected["run"], case.expected["step"]
    assert float((on_b - b).square().mean()) > 1e-3
    assert float((run - on_b).square().mean()) > 1e-3 and float((run - step).square().mean()) > 1e-6
    assert float(case.expected["coefficients"].std(dim=1).min()) > 1e-2
    for target in case.models.basis.names:
        base = case.models.denoiser.get_parameter(f"{target}.weight").detach()
        assert float((case.expected[f"merged.{target}"] - base).abs().max()) > 5e-3


WASM = {"backend": "wasm", "adapter": "", "precision": "fp32"}
WEBGPU = {"backend": "webgpu", "adapter": "llvmpipe", "precision": "fp16"}


@pytest.mark.parametrize(
    "name, work",
    [("still", WASM), ("warped", WASM), ("still", WEBGPU)],
    ids=["wasm-fp32", "wasm-fp32-warped", "webgpu-fp16"],
)
def test_engine_agrees_with_pytorch(cases: Cases, tmp_path: Path, name: str, work: dict[str, str]) -> None:
    case = cases[name]
    engine = in_engine(case, tmp_path, work)
    assert set(case.expected) <= set(engine)
    if work["precision"] == "fp32":
        off = most(engine, case.expected)
        assert max(off.values()) <= 1e-3, off
    else:
        close = decibels(engine, case.expected)
        assert min(close.values()) >= 50, close

    # The pixels a person gets are that, rounded.
    assert torch.equal(engine["run.image"][..., 3], torch.full((SIZE, SIZE), 255.0))
    shown = engine["run.image"][..., :3].permute(2, 0, 1) / 255
    assert float((shown - engine["run"]).abs().max()) <= 0.51 / 255


def test_the_shipped_pack_states_what_its_denoiser_makes_of_noise() -> None:
    pack = Pack(ROOT / "public/packs/studio")
    for made, stated in zip(probes(pack), pack.manifest["denoiser"]["probes"], strict=True):
        assert made["seed"] == stated["seed"]
        for name in ("grid", "maps"):
            np.testing.assert_allclose(made[name], stated[name], atol=1e-3)
