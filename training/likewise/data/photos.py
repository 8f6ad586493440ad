"""Free pictures from Debian packages, fetched without installing them.

    python -m likewise.data.photos          # needs apt-get and dpkg-deb; writes data/photos/

Each package's debian/copyright is kept beside the pictures. Nothing of it enters the repository but
the sample triplets in public/samples, which are credited there.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "data" / "photos"
LONG_SIDE = 1024

# Package and the licence of its pictures, as its debian/copyright states it.
PACKAGES = {
    "gnome-backgrounds": "CC-BY-SA-3.0 and CC0",
    "lomiri-wallpapers-16.04": "CC-BY-SA-3.0 or CC-BY-SA-4.0",
    "lomiri-wallpapers-20.04": "CC-BY-SA-4.0",
    "mate-backgrounds": "GPL-2+ and CC-BY-SA",
    "plasma-workspace-wallpapers": "LGPL-3 and CC-BY-SA-4.0",
    "ukui-wallpapers": "GPL-3+",
}
EMOJI_PACKAGE = "fonts-noto-color-emoji"
EMOJI_FONT = "NotoColorEmoji.ttf"

# Photographs, by the end of their name; everything else is artwork. Held-out ones are never trained on.
HELD_OUT = (
    "Bridge_by_Sander_Klootwijk",
    "Picture_0B_by_freespace",
    "picosdeeuropa_by_Aitzol_Berasategi",
    "friends_by_Aitzol_Berasategi",
    "nature-LadyBird",
    "nature-YellowFlower",
    "nature-Dune",
    "wallpapers-EveningGlow",
    "wallpapers-FallenLeaf",
    "wallpapers-summer_1am",
    "wallpapers-Volna",
    "Wine_by_Jakkub_Mede",
)
PHOTOGRAPHS = HELD_OUT + (
    "Dragonfly_by_Bolly",
    "Kleiber_by_Lukas_Baubkus",
    "Picture_1A_by_freespace",
    "aitzgorri_by_Aitzol_Berasategi",
    "free_by_Peter_Nerlich",
    "greentock_by_Peter_Nerlich",
    "life_by_Aitzol_Berasategi",
    "seeding_by_Clements_Engelhardt",
    "sunset_by_Aitzol_Berasategi",
    "nature-Aqua",
    "nature-Blinds",
    "nature-FreshFlower",
    "nature-Garden",
    "nature-GreenMeadow",
    "nature-RainDrops",
    "nature-Storm",
    "nature-TwoWings",
    "nature-Wood",
    "wallpapers-BytheWater",
    "wallpapers-ColdRipple",
    "wallpapers-ColorfulCups",
    "wallpapers-DarkestHour",
    "wallpapers-Grey",
    "wallpapers-Kite",
    "wallpapers-OneStandsOut",
    "wallpapers-Path",
)
# Blank once their transparency is gone, or of nearly one colour.
LEFT_OUT = ("Transparent-Wallpaper", "abstract-Silk", "abstract-Spring", "abstract-Waves", "gnome-symbolic")


@dataclass(frozen=True)
class Photo:
    """One line of data/photos/index.json; ``kind`` is photograph or artwork."""

    file: str
    package: str
    licence: str
    kind: str
    split: str


def unpack(package: str, into: Path) -> Path:
    """Download a Debian package into ``into`` and unpack it there."""
    subprocess.run(["apt-get", "download", "-qq", package], cwd=into, check=True)
    target = into / package
    subprocess.run(["dpkg-deb", "-x", str(next(into.glob(f"{package}_*.deb"))), str(target)], check=True)
    return target


def largest_versions(root: Path) -> dict[str, Path]:
    """The largest file of every picture; a picture may be stored in many sizes."""
    best: dict[str, Path] = {}
    for path in root.rglob("*"):
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp") or path.is_symlink():
            continue
        name = str(path.relative_to(root / "usr" / "share"))
        if "screenshot" in name or "/desktop/" in name or path.stat().st_size < 60000:
            continue
        key = name.split("/contents/")[0] if "/contents/" in name else name.rsplit(".", 1)[0]
        key = key.replace("_3840x2160", "").replace("_5640x3172", "").replace("/", "-")
        if any(part in key for part in LEFT_OUT):
            continue
        if key not in best or path.stat().st_size > best[key].stat().st_size:
            best[key] = path
    return best


def fetch(folder: Path = FOLDER) -> list[Photo]:
    """Fill ``folder`` with JPEG pictures of at most 1024 pixels a side, the emoji font, an index."""
    folder.mkdir(parents=True, exist_ok=True)
    photos: list[Photo] = []
    with tempfile.TemporaryDirectory() as temporary:
        for package, licence in PACKAGES.items():
            root = unpack(package, Path(temporary))
            (folder / f"{package}.copyright").write_bytes(
                (root / "usr" / "share" / "doc" / package / "copyright").read_bytes()
            )
            for key, path in sorted(largest_versions(root).items()):
                image = Image.open(path).convert("RGB")
                image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
                image.save(folder / f"{key}.jpg", quality=95)
                kind = "photograph" if key.endswith(PHOTOGRAPHS) else "artwork"
                split = "held_out" if key.endswith(HELD_OUT) else "train"
                photos.append(Photo(f"{key}.jpg", package, licence, kind, split))
        font = next(unpack(EMOJI_PACKAGE, Path(temporary)).rglob(EMOJI_FONT))
        (folder / EMOJI_FONT).write_bytes(font.read_bytes())
    (folder / "index.json").write_text(json.dumps([asdict(p) for p in photos], indent=1))
    return photos


def index(folder: Path = FOLDER) -> list[Photo]:
    """What `fetch` wrote; empty when it never ran."""
    path = folder / "index.json"
    return [Photo(**row) for row in json.loads(path.read_text())] if path.exists() else []


if __name__ == "__main__":
    found = fetch()
    held = sum(p.split == "held_out" for p in found)
    print(f"{len(found)} pictures, {sum(p.kind == 'photograph' for p in found)} photographs, {held} held out")
