"""Does a large photograph keep its detail? b' at full size through the engine itself, against the truth.

    python -m likewise.full_size --pictures picos.jpg bridge.jpg --json ../docs/evaluation-full-size.json

b is 4000 x 3000. Of a picture of at least half of that each way its own pixels are taken and what it
lacks is mirrored, so that nothing is resampled (picosdeeuropa and Bridge of the Debian package
lomiri-wallpapers-16.04 are large, and held out); a smaller one is enlarged and gets fine noise, so that
there is detail to lose. a is a sample photograph of the app, and so is b without --pictures.

Per edit: the gradient energy of b' over the truth's (1 is kept, below 1 softer), PSNR against the truth
in dB, both also once the two are brought to 256 x 256 (what is off there too is no loss of size), and
how far b' is shifted against the truth, in pixels.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from .data.families import FAMILIES
from .engine import ROOT, draw
from .export import SIZE

SAMPLES = ROOT / "public" / "samples"
WIDTH, HEIGHT = 4000, 3000
GROUPS = ("colour", "tone")


def opened(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def large(path: Path, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture as uint8 ``[height, width, 3]``; see above."""
    image = opened(path)
    if image.shape[1] >= width / 2 and image.shape[0] >= height / 2:
        for axis, side in ((0, height), (1, width)):
            count = image.shape[axis]
            first = max(0, (count - side) // 2)
            image = image.take(range(first, min(count, first + side)), axis)
            short = side - image.shape[axis]
            image = np.pad(image, [(0, short if k == axis else 0) for k in range(3)], mode="symmetric")
        return image
    enlarged = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(0).normal(0, 8, (height, width, 1)).astype(np.float32)
    return (enlarged + noise).round().clip(0, 255).astype(np.uint8)


def edited(image: np.ndarray, name: str, seed: int) -> np.ndarray:
    """``image [H, W, 3]`` uint8 under the family's edit of ``seed``, the same one at every size."""
    edit = FAMILIES[name].make(np.random.default_rng([seed, *name.encode()]))
    planes = torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255
    return (edit(planes) * 255).round().byte().permute(1, 2, 0).numpy()


def gradient_energy(image: np.ndarray) -> float:
    """Mean square difference of neighbours, both ways, of uint8 ``[H, W, 3]``, in 0..1 units."""
    x = image.astype(np.float32) / 255
    return float(np.square(np.diff(x, axis=0)).mean() + np.square(np.diff(x, axis=1)).mean())


def decibels(x: np.ndarray, truth: np.ndarray) -> float:
    error = np.square((x.astype(np.float32) - truth) / 255).mean(dtype=np.float64)
    return float(-10 * np.log10(max(error, 1e-12)))


def at_model_size(image: np.ndarray) -> np.ndarray:
    planes = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
    small = F.interpolate(planes, size=(SIZE, SIZE), mode="bilinear", antialias=True)[0]
    return small.round().byte().permute(1, 2, 0).numpy()


def drift(x: np.ndarray, truth: np.ndarray) -> float:
    """By how many pixels uint8 ``x [H, W, 3]`` is shifted against ``truth``: phase correlation of the
    luma under a Hann window, the peak to a fraction of a pixel by a parabola each way."""
    height, width, _ = x.shape
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    first, second = (np.fft.rfft2((u @ weights - (u @ weights).mean()) * window) for u in (x, truth))
    cross = first * second.conj()
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), (height, width))
    row, column = np.unravel_index(int(peaks.argmax()), peaks.shape)

    def along(values: np.ndarray, at: int) -> float:
        before, here, after = (float(values[(at + k) % len(values)]) for k in (-1, 0, 1))
        bend = before - 2 * here + after
        fraction = 0.5 * (before - after) / bend if bend else 0.0
        return (at + len(values) // 2) % len(values) - len(values) // 2 + fraction

    return float(np.hypot(along(peaks[:, column], row), along(peaks[row], column)))


def measure(
    pack: Path, b: np.ndarray, a: np.ndarray, names: list[str], seed: int, backend: str = "wasm"
) -> list[dict[str, object]]:
    """One row an edit; ``a`` and ``b`` uint8 ``[H, W, 3]``."""
    rows: list[dict[str, object]] = []
    pairs = {name: (a, edited(a, name, seed)) for name in names}
    for name, drawn, report in draw(pack, b, pairs, backend):
        truth = edited(b, name, seed)
        if drawn.shape != b.shape:
            raise RuntimeError(f"{name}: b' is {drawn.shape}, not {b.shape}")
        small, small_truth = at_model_size(drawn), at_model_size(truth)
        rows.append(
            {
                "family": name,
                "group": FAMILIES[name].group,
                "split": FAMILIES[name].split,
                "anchor": report["anchor"],
                "gradientEnergy": round(gradient_energy(drawn) / gradient_energy(truth), 4),
                "gradientEnergyAt256": round(gradient_energy(small) / gradient_energy(small_truth), 4),
                "decibels": round(decibels(drawn, truth), 2),
                "decibelsAt256": round(decibels(small, small_truth), 2),
                "decibelsOfB": round(decibels(b, truth), 2),
                "drift": round(drift(drawn, truth), 3),
                "milliseconds": {phase: round(value) for phase, value in report["timings"].items()},
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=ROOT / "public" / "packs" / "studio")
    parser.add_argument("--pictures", type=Path, nargs="+", default=[SAMPLES / "warm" / "b.jpg"])
    of_groups = [name for name, family in FAMILIES.items() if family.group in GROUPS]
    parser.add_argument("--families", nargs="+", default=of_groups, choices=list(FAMILIES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", default="wasm", choices=["wasm", "webgpu"])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    a = opened(SAMPLES / "framed" / "b.jpg")
    pictures = []
    for path in arguments.pictures:
        rows = measure(arguments.pack, large(path), a, arguments.families, arguments.seed, arguments.backend)
        pictures.append({"picture": path.name, "rows": rows})
    if arguments.json:
        manifest = json.loads((arguments.pack / "manifest.json").read_text())
        head = {
            "command": "python -m likewise.full_size",
            "pack": f"{manifest['id']} {manifest['version']}",
            "size": [WIDTH, HEIGHT],
            "backend": arguments.backend,
            "seed": arguments.seed,
        }
        arguments.json.write_text(json.dumps({**head, "pictures": pictures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
