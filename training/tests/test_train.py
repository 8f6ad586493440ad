"""Training: caches, batches, resume, the held-out score, several processes, everything in one command."""

import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.multiprocessing import spawn

from likewise import anchor, checkpoint, lookup, train
from likewise.basis import encode_triplet, target_layers
from likewise.data import cache as making
from likewise.data import images
from likewise.data.cache import anchors_of, anchors_path, shard_paths
from likewise.loader import Batch, Loader
from likewise.model import Config
from likewise.objective import attach_basis, reconstruction
from likewise.place import Place, join, leave

SMALL = Config(width=32, depth=1, heads=1, fine=16, middle=24, features=16)
CPU = torch.device("cpu")
TINY = "--minutes 1000 --batch 4 --elements 5 --rank 2 --no-bf16 --device cpu".split()
build = checkpoint.build


def small(config: Config = SMALL, elements: int = 5, rank: int = 2, activation: str = "softmax") -> checkpoint.Models:
    """Small networks with the zero-initialised head stirred, so that all gets a gradient."""
    models = build(SMALL, elements, rank, activation)
    with torch.no_grad():
        for layer in (models.denoiser.to_maps, models.denoiser.to_grid):
            layer.weight.normal_(0, 0.05)
        models.denoiser.to_maps.bias.view(16, 5)[:, 3] += 1
    return models


@pytest.fixture(autouse=True)
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(checkpoint, "build", small)


def stripes(count: int) -> np.ndarray:
    """Quadruples uint8 ``[n, 4, 3, 64, 64]`` that no anchor draws."""
    rng = np.random.default_rng(0)
    made = np.repeat(np.repeat(rng.integers(0, 256, (count, 4, 3, 8, 8), dtype=np.uint8), 8, 3), 8, 4)
    made[:, 1::2, :, ::2] = 255 - made[:, 0::2, :, ::2]
    return made


def shard(folder: Path, made: np.ndarray, families: np.ndarray, names: list[str]) -> np.ndarray:
    """A cache of one shard of these quadruples; returns their anchors."""
    fitted = torch.cat([anchors_of(images[None]) for images in torch.from_numpy(made)]).numpy()
    path = making.images_path(folder, 0)
    for part, array in ((path, made), (anchors_path(path), fitted), (making.families_path(path), families)):
        np.save(part, array)
    (folder / "families.json").write_text(json.dumps(names))
    return fitted


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    shard(folder, stripes(16), np.arange(16, dtype=np.int16) % 2, ["stripes", "more stripes"])
    return folder


def test_training_resumes_where_it_stopped_and_keeps_the_best(cache: Path, tmp_path: Path) -> None:
    words = ["--cache", str(cache), "--run", str(tmp_path), "--validate", str(cache), *TINY]
    states = []
    for samples in (16, 16, 24):  # the second has nothing to do
        train.train(train.parse(["base", *words, "--samples", str(samples)]))
        states.append(torch.load(tmp_path / "base.pt", weights_only=True))
        assert states[-1]["samples"] == samples and states[-1]["step"] == samples // 4
        steps = {int(s["step"]) for s in states[-1]["optimiser"][0]["state"].values()}
        assert steps == {samples // 4}, "the optimiser goes on from its own state"
    assert all(torch.equal(v, states[1]["average"][k]) for k, v in states[0]["average"].items())
    assert any(not torch.equal(v, states[2]["average"][k]) for k, v in states[0]["average"].items())
    base = states[-1]
    best = torch.load(tmp_path / "base.best.pt", weights_only=True)
    assert np.isfinite(base["best"]) and best["best"] == base["best"] >= states[0]["best"]

    train.train(train.parse(["basis", *words, "--samples", "16", "--start", str(tmp_path / "base.pt")]))
    state = torch.load(tmp_path / "basis.pt", weights_only=True)
    for name, value in base["denoiser"].items():
        assert torch.equal(value, state["denoiser"][name])  # frozen
    assert any(not torch.equal(value, state["basis"][name]) for name, value in base["basis"].items())


def test_resuming_restores_weights_optimiser_and_average(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps more after a stop are what they are without it, the same samples given."""
    replace_chance(monkeypatch)
    words = ["base", "--cache", str(cache), *TINY, "--at-start", "1"]
    results = {}
    for run, stops in (("whole", (24,)), ("stopped", (16, 24))):
        for samples in stops:
            train.train(train.parse([*words, "--run", str(tmp_path / run), "--samples", str(samples)]))
        results[run] = torch.load(tmp_path / run / "base.pt", weights_only=True)
    for key in ("trained", "average"):
        for name, value in results["whole"][key].items():
            assert torch.allclose(value, results["stopped"][key][name], atol=1e-6), (key, name)


def test_solved_samples_are_refused(cache: Path) -> None:
    with pytest.raises(ValueError, match="leaves open"):
        next(iter(Loader(cache, 4, 0, open=2.0)))


def test_a_batch_may_be_larger_than_what_is_made_so_far(cache: Path) -> None:
    assert len(next(iter(Loader(cache, 1000, 0))).b) == 1000


def test_a_batch_holds_the_pair_the_picture_and_their_anchors(cache: Path) -> None:
    shard = shard_paths(cache)[0]
    made, fitted = np.load(shard), np.load(anchors_path(shard))
    batch = next(iter(Loader(cache, 16, 0)))
    for k in range(16):
        # Mirrors, turns and channel order keep the sorted values of an image.
        a, anchor_b = ((x[k] * 255).round().byte().flatten().sort()[0].numpy() for x in (batch.a, batch.anchor_b))
        found = np.argwhere((np.sort(made.reshape(16, 4, -1)) == a).all(2))
        assert any(
            side % 2 == 0 and (np.sort(fitted[index, side + 1].ravel()) == anchor_b).all() for index, side in found
        )


def test_an_edit_may_be_shown_by_several_pairs(tmp_path: Path) -> None:
    made = stripes(8).reshape(4, 8, 3, 64, 64)
    fitted = shard(tmp_path, made, np.zeros(4, dtype=np.int16), ["stripes"])
    assert fitted.shape == (4, 6, 3, 64, 64)
    together = anchors_of(torch.from_numpy(made)).int() - torch.from_numpy(fitted).int()
    assert (together.abs() <= 1).float().mean() > 0.99
    models, batches, counts = small(), iter(Loader(tmp_path, 4, 0)), set()
    while counts != {1, 2, 3}:
        batch = next(batches)
        counts.add(batch.pairs().shape[1])
        assert all(-1e-5 <= a2.min() and a2.max() <= 1 + 1e-5 for _, a2 in batch.shown())
    each = [models.basis.route(encode_triplet(models.encoder, a, a2, batch.b)) for a, a2 in batch.shown()]
    attach_basis(models, batch, torch.float32)
    first = next(iter(target_layers(models.denoiser).values()))
    assert torch.allclose(first.coefficients, torch.stack(each).mean(0)[:, 0], atol=1e-5)
    reconstruction(models.denoiser, batch, 1.0, torch.float32)[0].backward()
    assert all(b.grad is not None for b in models.basis.b)


def noise_of(image: torch.Tensor) -> torch.Tensor:
    """In the place of noise: known from the picture, so that it is the same in every process."""
    return 1.4 * torch.sin(1000 * image)


class Fixed:
    """Eight samples a step, shared among the processes; other ones at every step."""

    names, waited = ["stripes", "more stripes"], 0.0

    def __init__(self, place: Place, samples: int = 0) -> None:
        self.place, self.first = place, samples // 8

    def __iter__(self):  # noqa: ANN204 - a generator of Batch
        step = self.first
        while True:
            generator = torch.Generator().manual_seed(step)
            six = [torch.rand(8, 3, 32, 32, generator=generator) for _ in range(6)]
            part = slice(self.place.rank, None, self.place.world)
            yield Batch(*(x[part] for x in six), torch.arange(8)[part] % 2)
            step += 1


def train_fixed(place: Place, folder: Path) -> dict[str, torch.Tensor]:
    """Four steps on the samples of `Fixed`; returns the denoiser's weights. Without Muon, which rounds to
    bf16 on its way and so tells apart gradients that are the same but for the order of sums."""
    words = ["base", "--cache", "none", "--run", str(folder), *TINY, "--at-start", "1", "--samples", "32", "--no-muon"]
    arguments = train.parse(words)
    arguments.batch = 8 // place.world
    return train.train(arguments, place).denoiser.state_dict()


def replace_chance(patch: pytest.MonkeyPatch) -> None:
    schedule = train.learning_rate
    patch.setattr(train, "learning_rate", lambda progress, samples, peak: schedule(0.1, samples + 500, peak))
    patch.setattr(train, "open_data", lambda arguments, place, samples: Fixed(place, samples))
    patch.setattr(torch, "randn_like", noise_of)


def process(rank: int, world: int, port: int, folder: Path) -> None:
    """One of several, as torchrun starts them."""
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    checkpoint.build = small
    replace_chance(pytest.MonkeyPatch())
    place = join("cpu")
    torch.save(train_fixed(place, folder), folder / f"{rank}.weights")
    leave(place)


def test_two_processes_train_as_one_with_the_double_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(process, (2, port, tmp_path), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.weights") for rank in range(2))
    state = torch.load(tmp_path / "base.pt", weights_only=True)
    assert state["samples"] == 32 and state["step"] == 4
    replace_chance(monkeypatch)
    one = train_fixed(Place(), tmp_path / "one")
    assert all(torch.equal(v, second[k]) for k, v in first.items())
    torch.manual_seed(0)
    before = small().denoiser.state_dict()
    moved = sum(float((one[k] - v).square().sum()) for k, v in before.items()) ** 0.5
    apart = sum(float((one[k] - v).square().sum()) for k, v in first.items()) ** 0.5
    assert moved > 0.05 and apart < 1e-3 * moved


def pictures(count: int) -> torch.Tensor:
    """Quadruples uint8 ``[n, 4, 3, 64, 64]`` of which every group of the anchor's features explains some."""
    generator = torch.Generator().manual_seed(1)
    u = torch.nn.functional.interpolate(torch.rand(2 * count, 3, 12, 12, generator=generator), 64, mode="bicubic")
    u = u.clamp(0, 1)
    edits = [lambda x: x, lambda x: 1 - x, lambda x: x**2, lambda x: x.flip(3), lambda x: anchor.gaussian_blur(x, 2.0)]
    edits += [lambda x: x * torch.linspace(0.2, 1, 64), lambda x: (4 * x).round() / 4, lambda x: x.roll(9, 2)]
    edited = torch.stack([edits[k // 2 % len(edits)](x[None])[0] for k, x in enumerate(u)])
    sides = torch.stack([u, edited.clamp(0, 1)], dim=1).unflatten(0, (count, 2)).flatten(1, 2)
    return (sides * 255).round().byte()


def test_anchors_made_together_are_those_of_each() -> None:
    made = pictures(12)
    together, alone = anchors_of(made).int(), torch.cat([anchors_of(images[None]) for images in made]).int()
    assert ((together - alone).abs() <= 1).float().mean() > 0.99
    u, u2 = (made[:, k].float() / 255 for k in range(2))
    fits = anchor.fit_all(u, u2, anchor.features(u))
    assert len(set(fits.groups)) >= 5
    for k in range(len(u)):
        alone = anchor.fit_all(u[k : k + 1], u2[k : k + 1], anchor.features(u[k : k + 1]))
        assert alone.groups == [fits.groups[k]] and alone.warps.outside == [fits.warps.outside[k]]
        assert torch.allclose(fits.weights[k], alone.weights[0], atol=1e-5)
        if fits.groups[k] in lookup.KINDS:
            assert torch.allclose(fits.tables[k], alone.tables[0], atol=1e-5)


def test_a_window_is_the_same_of_every_image(cache: Path) -> None:
    made, fitted = (np.load(path(shard_paths(cache)[0])) for path in (lambda images: images, anchors_path))
    batches, corners = iter(Loader(cache, 4, 0, crop=48)), set()

    def there(image: np.ndarray, window: torch.Tensor, y: int, x: int) -> bool:
        """Whether the window is of this place; mirrors, turns and channel order keep its sorted values."""
        values = (window * 255).round().byte().flatten().sort()[0].numpy()
        return bool((np.sort(image[:, y : y + 48, x : x + 48].ravel()) == values).all())

    for _ in range(4):
        batch = next(batches)
        places = [(y, x) for y in range(17) for x in range(17)]
        found = [(q, s, *at) for q in range(16) for s in (1, 3) for at in places if there(made[q, s], batch.b2[0], *at)]
        assert found
        # The anchor on b is the second of a shard's, that on a the fourth.
        assert any(there(fitted[q, 4 - s], batch.anchor_b[0], y, x) for q, s, y, x in found)
        corners.add(found[0][2:])
    assert len(corners) > 1


def test_everything_in_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "files", lambda kind, split: ())
    monkeypatch.setattr(train, "SPLITS", {"base": ("held_out",), "basis": ("held_out",)})  # the fewest
    monkeypatch.setattr(train, "ENOUGH", 1)
    words = ["all", "--run", str(tmp_path), *TINY, "--size", "64", "--per-family", "1", "--workers", "1"]
    arguments = train.parse([*words, "--samples", "8", "--quadruples", "24"])
    best = train.train_all(arguments)
    assert best == tmp_path / "phase-2" / "basis.best.pt"
    assert shard_paths(tmp_path / "basis-quadruples")
    models, state = checkpoint.load(best)
    assert state["samples"] == 8 and any(bool(b.any()) for b in models.basis.b)
    assert train.train_all(arguments) == best  # nothing is left to do
