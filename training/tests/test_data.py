"""The data: ranges, determinism, scale, splits. Needs no photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from likewise.data import images
from likewise.data.cache import main as make_cache
from likewise.data.families import BASIS, FAMILIES, HELD_OUT
from likewise.data.images import PROCEDURAL, source
from likewise.data.photos import classify
from likewise.data.quadruples import (
    COMPOSITION,
    IDENTITY,
    LABELS,
    REVERSIBLE,
    Quadruple,
    composition_quadruples,
    evaluation_quadruples,
    names_in,
    sample_quadruple,
)
from likewise.data.transform import blur

# Noise of one cell a pixel and hard thresholds of it: averaging afterwards is not averaging before.
NOT_SCALED = {"grain", "colour noise", "stipple", "paper", "brushed metal", "old film", "frosted glass", "posterise"}


@pytest.fixture(autouse=True)
def no_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that never fetched them."""
    torch.set_num_threads(1)
    monkeypatch.setattr(images, "files", lambda kind, split: ())


def example(seed: int, size: int) -> torch.Tensor:
    """A smooth picture with some detail."""
    rng = np.random.default_rng(seed)
    coarse, fine = (torch.from_numpy(rng.uniform(0, 1, (1, 3, n, n)).astype(np.float32)) for n in (6, 24))
    parts = [F.interpolate(p, size=(size, size), mode="bicubic") for p in (coarse, fine)]
    return (0.75 * parts[0] + 0.25 * parts[1]).clamp(0, 1)[0]


def same(first: Quadruple, second: Quadruple) -> bool:
    return all(torch.equal(getattr(first, k), getattr(second, k)) for k in ("a", "a2", "b", "b2"))


@pytest.mark.parametrize("name", FAMILIES)
def test_family_keeps_shape_and_range_and_is_deterministic(name: str) -> None:
    image = example(1, 64)
    before = image.clone()
    edit = FAMILIES[name].make(np.random.default_rng(5))
    again = FAMILIES[name].make(np.random.default_rng(5))
    out = edit(image)
    assert out.shape == image.shape and out.dtype == torch.float32
    assert torch.isfinite(out).all() and 0 <= out.min() and out.max() <= 1
    assert torch.equal(out, edit(image)) and torch.equal(out, again(image))
    assert torch.equal(image, before), "an edit must not write to its input"
    assert not torch.equal(out, image)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - NOT_SCALED))
def test_family_means_the_same_at_both_sizes(name: str) -> None:
    large = example(2, 256)
    small = F.avg_pool2d(large[None], 2)[0]
    edit = FAMILIES[name].make(np.random.default_rng(9))
    error = (F.avg_pool2d(edit(large)[None], 2)[0] - edit(small)).abs().mean()
    assert error < 0.035


def test_families_take_other_shapes() -> None:
    image = example(3, 97)
    for family in FAMILIES.values():
        assert family.make(np.random.default_rng(1))(image).shape == image.shape, family.name


def test_splits_are_disjoint_and_all_there() -> None:
    base, basis, held = (set(names_in(frozenset({s}))) for s in ("base", "basis", "held_out"))
    assert basis == set(BASIS) and held == set(HELD_OUT)
    assert not base & basis and not base & held and not basis & held
    assert base | basis | held == set(FAMILIES)
    assert len(base) >= 30 and len(held) >= 6
    assert len({FAMILIES[n].group for n in held}) >= 6
    assert set(REVERSIBLE) <= base


def test_photographs_are_split_by_name() -> None:
    assert classify("backgrounds-mate-nature-Dune") == ("photograph", "held_out")
    assert classify("backgrounds-mate-nature-Wood") == ("photograph", "train")
    assert classify("wallpapers-Flow") == ("artwork", "train")
    splits = [classify(f"gcompris-erase-{k:08x}")[1] for k in range(400)]
    assert 0.1 < splits.count("held_out") / 400 < 0.3


def test_quadruples_are_eight_bit_named_and_deterministic() -> None:
    seen = set()
    for seed in range(80):
        q = sample_quadruple(np.random.default_rng(seed), 32, {"base"})
        if seed < 8:
            assert same(q, sample_quadruple(np.random.default_rng(seed), 32, {"base"}))
        assert q.label in LABELS
        seen.add("backwards" if q.family[0] == "-" else q.group)
        seen.add(q.family.count("+"))
        for image in (q.a, q.a2, q.b, q.b2):
            assert image.shape == (3, 32, 32) and image.dtype == torch.float32
            assert torch.allclose(image * 255, (image * 255).round(), atol=1e-4)
        if q.family == IDENTITY:
            assert torch.equal(q.a, q.a2) and torch.equal(q.b, q.b2)
        for name in q.family.lstrip("-").split("+"):
            assert name == IDENTITY or FAMILIES[name].split == "base"
    assert {COMPOSITION, IDENTITY, "backwards", "colour", "geometry", 0, 1, 2} <= seen


def test_evaluation_is_the_same_every_time() -> None:
    first, second = (list(evaluation_quadruples(32, 1, 7)) for _ in range(2))
    assert [q.family for q in first] == list(FAMILIES)
    assert all(same(p, q) for p, q in zip(first, second))


def test_compositions_are_of_two_families_of_one_split_and_the_same_every_time() -> None:
    first, second = (list(composition_quadruples(32, 4, 7)) for _ in range(2))
    assert all(same(p, q) for p, q in zip(first, second))
    for index, q in enumerate(first):
        names = q.family.split("+")
        assert q.label == COMPOSITION and len(set(names)) == 2
        assert {FAMILIES[name].split for name in names} == {"base" if index < 4 else "held_out"}


@pytest.mark.parametrize("draw", PROCEDURAL)
def test_procedural_sources(draw) -> None:  # noqa: ANN001
    first, second = (draw(np.random.default_rng(s), 48) for s in (1, 2))
    assert first.shape == (3, 48, 48) and first.dtype == torch.float32
    assert not torch.allclose(first, second)
    assert torch.equal(first, draw(np.random.default_rng(1), 48))


def test_sources_stay_in_range() -> None:
    for seed in range(30):
        image = source(np.random.default_rng(seed), 32)
        assert 0 <= image.min() and image.max() <= 1


def test_blur_keeps_a_flat_image_and_the_mean_of_an_impulse() -> None:
    assert torch.allclose(blur(torch.full((3, 40, 40), 0.3), 0.05), torch.full((3, 40, 40), 0.3), atol=1e-5)
    impulse = torch.zeros(1, 41, 41)
    impulse[0, 20, 20] = 1
    assert abs(float(blur(impulse, 0.04).sum()) - 1) < 1e-4


def test_cache_is_resumable_and_refuses_other_families(tmp_path, monkeypatch) -> None:  # noqa: ANN001
    arguments = ["cache", "--size", "16", "--evaluation", "1", "--out", str(tmp_path / "e")]
    monkeypatch.setattr("sys.argv", arguments)
    make_cache()
    made, fitted = (
        np.concatenate([np.load(p) for p in sorted((tmp_path / "e").glob(f"*.{part}.npy"))])
        for part in ("images", "anchors")
    )
    assert made.shape == (len(FAMILIES), 4, 3, 16, 16) and made.dtype == np.uint8
    assert fitted.shape == made.shape and fitted.dtype == np.uint8
    first, second, *_ = sorted((tmp_path / "e").glob("*.images.npy"))
    before, untouched = first.read_bytes(), second.stat().st_mtime_ns
    first.unlink()
    make_cache()
    assert first.read_bytes() == before and second.stat().st_mtime_ns == untouched
    (tmp_path / "e" / "families.json").write_text('["other"]')
    with pytest.raises(SystemExit):
        make_cache()


@pytest.mark.parametrize("words", [["--evaluation", "1", "--splits", "base"], ["--count", "3", "--pairs", "2"]])
def test_a_bare_cache_has_each_picture_in_its_anchors_place(tmp_path: Path, words: list[str]) -> None:
    make_cache(["--size", "16", "--bare", "--out", str(tmp_path), *words])
    shard = min(tmp_path.glob("*.images.npy"))
    images, anchors = np.load(shard), np.load(str(shard).replace("images", "anchors"))
    shown = [0, 2, 2, 0] + ([4] if "--pairs" in words else [])
    assert len(images) and np.array_equal(anchors, images[:, shown])
