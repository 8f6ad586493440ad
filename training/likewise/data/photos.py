"""Free pictures from Debian packages, fetched without installing them.

    python -m likewise.data.photos          # needs apt-get and dpkg-deb; writes data/photos/

Each package's debian/copyright is kept beside the pictures. Nothing of it enters the repository but
the sample triplets in public/samples, which are credited there.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Iterator

import numpy as np
from PIL import Image, UnidentifiedImageError

FOLDER = Path(__file__).resolve().parents[2] / "data" / "photos"
LONG_SIDE = 1024
# Pictures whose 64-bit difference hashes are this close are the same picture.
SAME = 6


@dataclass(frozen=True)
class Package:
    """A binary package; ``files`` is a pattern of the paths below its root that are wanted."""

    licence: str
    files: str = r"usr/share/(backgrounds|wallpapers|lxqt/wallpapers)/.*"


# The licences are those of the pictures, from debian/copyright or the notice beside the pictures.
PACKAGES = {
    "gcompris-qt-data": Package(
        "GPL-3+, CC-BY, CC-BY-SA and public domain, by file",
        r".*/rcc/(erase|explore_monuments|explore_farm_animals|explore_world_animals|explore_world_music|clickgame|details)\.rcc",
    ),
    "gnome-backgrounds": Package("CC-BY-SA-3.0 and CC0"),
    "lomiri-wallpapers-16.04": Package("CC-BY-4.0, CC-BY-SA-4.0 and CC0, by file"),
    "lomiri-wallpapers-20.04": Package("CC-BY-SA-4.0"),
    "lxqt-themes": Package("LGPL-2.1+"),
    "mate-backgrounds": Package("GPL-2+"),
    "palapeli-data": Package("public domain and GFDL, by file", r".*/palapeli/collection/.*"),
    "plasma-workspace-wallpapers": Package("LGPL-3 and CC-BY-SA-4.0"),
    "python3-skimage": Package(
        "public domain and CC0", r".*/skimage/data/(astronaut|coffee|chelsea|rocket|brick|gravel)\..*"
    ),
    "python3-sklearn": Package("CC-BY-2.0", r".*/sklearn/datasets/images/.*"),
    "ukui-wallpapers": Package("GPL-3+"),
}
EMOJI_PACKAGE = "fonts-noto-color-emoji"
EMOJI_FONT = "NotoColorEmoji.ttf"
INSTALLED_FONT = Path("/usr/share/fonts/truetype/noto") / EMOJI_FONT

# Photographs held out before the others were split by hash; the samples of the app are among them.
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
# Photographs that were trained on before there was a split by hash, and stay so.
TRAINED = (
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
# The others, by a pattern; whatever matches nothing is artwork.
PHOTOGRAPHS = re.compile(
    r"gcompris-(erase|explore|clickgame).*|palapeli-.*|skimage-(astronaut|coffee|chelsea|rocket)|sklearn-.*|"
    r"lxqt-wallpapers-(Butterfly-Kenneth-Wimer|Valendas|after-the-rain|appleflower|beam|butterfly|cloud|drop|"
    r"flowers|fog|this-is-not-windows)"
)
# Blank once their transparency is gone, of nearly one colour, or not pictures.
LEFT_OUT = ("Transparent-Wallpaper", "abstract-Silk", "abstract-Spring", "abstract-Waves", "gnome-symbolic", "/desktop/")


@dataclass(frozen=True)
class Photo:
    """One line of data/photos/index.json; ``kind`` is photograph or artwork, ``split`` train or held_out."""

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


def resources(path: Path) -> Iterator[tuple[str, bytes]]:
    """Photographs inside a Qt resource file, which stores each after its size as four bytes."""
    data = path.read_bytes()
    for match in re.finditer(rb"RIFF....WEBP|\xff\xd8\xff", data, re.S):
        start = match.start()
        size = struct.unpack(">I", data[start - 4 : start])[0] if start >= 4 else 0
        if 30000 < size <= len(data) - start:
            piece = data[start : start + size]
            yield f"gcompris-{path.stem}-{hashlib.sha256(piece).hexdigest()[:8]}", piece


def named(root: Path, path: Path) -> str:
    """A stable name of a picture, without its size and format."""
    name = str(path.relative_to(root / "usr"))
    name = re.sub(r"^(share|lib/python3/dist-packages)/", "", name)
    name = re.sub(r"/contents/.*|\.\w+$|_\d{4}x\d{4}", "", name)
    return re.sub(r"/(data|datasets/images|collection)/", "/", name).replace("/", "-")


def candidates(root: Path, package: Package) -> Iterator[tuple[str, bytes]]:
    """Every wanted picture file as (name, content), the largest version of each name."""
    best: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        inside = str(path.relative_to(root))
        if not path.is_file() or path.is_symlink() or not re.fullmatch(package.files, inside):
            continue
        if path.suffix == ".rcc":
            yield from resources(path)
            continue
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp") or "screenshot" in inside:
            continue
        if path.stat().st_size < 60000 or any(part in inside.replace("/gnome/", "/gnome-") for part in LEFT_OUT):
            continue
        name = named(root, path)
        if any(part in name for part in LEFT_OUT):
            continue
        if name not in best or path.stat().st_size > best[name].stat().st_size:
            best[name] = path
    for name, path in best.items():
        yield name, path.read_bytes()


def difference_hash(image: Image.Image) -> int:
    """64 bits: is each of 8 x 8 luma cells brighter than its right neighbour."""
    cells = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return int("".join("1" if bit else "0" for bit in (cells[:, 1:] > cells[:, :-1]).flat), 2)


def classify(name: str) -> tuple[str, str]:
    """(kind, split) of a picture by its name: one photograph in five is held out, no artwork is."""
    if name.endswith(HELD_OUT):
        return "photograph", "held_out"
    if name.endswith(TRAINED):
        return "photograph", "train"
    if not PHOTOGRAPHS.fullmatch(name):
        return "artwork", "train"
    held = hashlib.sha256(name.encode()).digest()[0] % 5 == 0
    return "photograph", "held_out" if held else "train"


def fetch(folder: Path = FOLDER) -> list[Photo]:
    """Fill ``folder`` with JPEG pictures of at most 1024 pixels a side, the emoji font, an index."""
    folder.mkdir(parents=True, exist_ok=True)
    photos: list[Photo] = []
    seen: list[int] = []
    with tempfile.TemporaryDirectory() as temporary:
        # Those with a fixed split first, so that a copy found later never decides.
        for name in sorted(PACKAGES, key=lambda n: (n in ("gcompris-qt-data", "lxqt-themes"), n)):
            package, root = PACKAGES[name], unpack(name, Path(temporary))
            notice = root / "usr" / "share" / "doc" / name / "copyright"
            (folder / f"{name}.copyright").write_bytes(notice.read_bytes())
            for key, content in candidates(root, package):
                try:
                    image = Image.open(io.BytesIO(content))
                except UnidentifiedImageError:
                    continue  # bytes of something else that look like the start of a JPEG
                if min(image.size) < 288 or image.mode == "RGBA" and name == "gcompris-qt-data":
                    continue
                image = image.convert("RGB")
                image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
                code = difference_hash(image)
                kind, split = classify(key)
                if kind == "photograph":
                    if any((code ^ other).bit_count() <= SAME for other in seen):
                        continue
                    seen.append(code)
                image.save(folder / f"{key}.jpg", quality=95)
                photos.append(Photo(f"{key}.jpg", name, package.licence, kind, split))
        if INSTALLED_FONT.exists():
            font = INSTALLED_FONT
        else:
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
    count = sum(p.kind == "photograph" for p in found)
    print(f"{len(found)} pictures, {count} photographs, {sum(p.split == 'held_out' for p in found)} held out")
