"""The engine itself, started from Python: its own TypeScript in Node (workers/engine/testing/folder.ts)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
REMEDY = "Install the packages and drivers first: node .ci/setup.mjs --browser"


def write_picture(path: Path, image: np.ndarray) -> None:
    """``image [H, W, 3]`` uint8 as the engine's side reads it: width and height as u32, then RGBA8."""
    height, width, _ = image.shape
    rgba = np.concatenate([image, np.full((height, width, 1), 255, np.uint8)], axis=2)
    path.write_bytes(np.array([width, height], "<u4").tobytes() + rgba.tobytes())


def read_picture(path: Path) -> np.ndarray:
    """The RGB ``[H, W, 3]`` uint8 of a picture that the engine wrote."""
    content = path.read_bytes()
    width, height = np.frombuffer(content[:8], "<u4")
    return np.frombuffer(content, np.uint8, offset=8).reshape(height, width, 4)[..., :3]


def run_engine(run: str, folder: Path, pack: Path, work: dict[str, Any], timeout: int = 600) -> None:
    """Run workers/engine/testing/``run``.ts on ``folder``, which holds the pictures, with ``pack``.

    Raises RuntimeError with what it said where it fails.
    """
    folder.joinpath("pack").symlink_to(pack.resolve())
    folder.joinpath("job.json").write_text(json.dumps(work))
    vitest = ROOT / "node_modules" / "vitest" / "vitest.mjs"
    if not vitest.exists():
        raise RuntimeError(REMEDY)
    config = ROOT / "workers" / "engine" / "testing" / "parity.config.ts"
    done = subprocess.run(
        ["node", str(vitest), "run", "--config", str(config), run],
        cwd=ROOT,
        env={**os.environ, "LIKEWISE_PARITY": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{done.stdout[-6000:]}\n{REMEDY}")


def draw(
    pack: Path, b: np.ndarray, pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], backend: str = "wasm"
) -> Iterator[tuple[str, np.ndarray, dict[str, Any]]]:
    """b' at b's own size for each named pair (a, a'), uint8 ``[H, W, 3]`` all, and the engine's report."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_picture(folder / "b.rgba", b)
        for name, (a, a2) in pairs.items():
            write_picture(folder / f"{name}.a.rgba", a)
            write_picture(folder / f"{name}.a2.rgba", a2)
        work = {
            "backend": backend,
            "adapter": "llvmpipe" if backend == "webgpu" else "",
            "precision": "fp32",
            "edits": list(pairs),
        }
        run_engine("draw-run", folder, pack, work, timeout=3600)
        for name in pairs:
            yield name, read_picture(folder / f"{name}.b2.rgba"), json.loads((folder / f"{name}.json").read_text())
