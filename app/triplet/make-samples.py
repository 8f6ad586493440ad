"""Makes public/samples from a folder of free photographs.

    python app/triplet/make-samples.py PHOTOS name=a.jpg,b.jpg ...

Each sample has a.jpg, a2.jpg, b.jpg (long side 900 or less, at most 120 kB each) and thumb.jpg:
a and a′ side by side. b has no edited version: making it is what the page is for.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

OUT = Path(__file__).parents[2] / "public" / "samples"
LIMIT = 120_000


def pixels(image):
    return np.asarray(image, dtype=np.float64) / 255


def image(values):
    return Image.fromarray(np.rint(values.clip(0, 1) * 255).astype(np.uint8))


def luma(x):
    return (x @ [0.299, 0.587, 0.114])[..., None]


def radius(x):
    """Squared distance from the middle, 1 at the middle of the sides."""
    h, w = x.shape[:2]
    v = (np.arange(h) + 0.5)[:, None] / h * 2 - 1
    u = (np.arange(w) + 0.5)[None] / w * 2 - 1
    return (u * u + v * v)[..., None]


def warm(x):
    x = x * [1.12, 1.0, 0.76] + [0.035, 0.01, -0.005]
    return x + 0.12 * (x - 0.5)


def noir(x):
    y = (luma(x) - 0.5) * 1.3 + 0.48
    return np.repeat(y, 3, axis=2) * (1 - 0.32 * radius(x))


def over(x, mask, colour):
    """`colour` where the mask, an 8-bit picture, is white."""
    share = pixels(mask)[..., None]
    return x * (1 - share) + np.asarray(colour) * share


def framed(x):
    """A cream mount, 9 % of the short side, with a thin dark line inside it."""
    h, w = x.shape[:2]
    for inset, colour in ((0.105, [0.16, 0.13, 0.11]), (0.09, [0.96, 0.93, 0.86])):
        mask = Image.new("L", (w, h), 255)
        edge = round(inset * min(w, h))
        ImageDraw.Draw(mask).rectangle((edge, edge, w - 1 - edge, h - 1 - edge), fill=0)
        x = over(x, mask, colour)
    return x


def snowfall(x):
    """150 flakes, round when the picture is a square, always in the same places."""
    h, w = x.shape[:2]
    random = np.random.default_rng(5)
    mask = Image.new("L", (4 * w, 4 * h))
    draw = ImageDraw.Draw(mask)
    for _ in range(150):
        u, v, r = random.random(), random.random(), random.uniform(0.004, 0.013)
        draw.ellipse((4 * w * (u - r), 4 * h * (v - r), 4 * w * (u + r), 4 * h * (v + r)), fill=235)
    return over(x, mask.resize((w, h), Image.Resampling.LANCZOS), [1, 1, 1])


def sketch(x):
    """Graphite on cream paper: dark where a place is darker than its surroundings."""
    y = luma(x)
    grey = Image.fromarray(np.rint(y[..., 0] * 255).astype(np.uint8))
    around = pixels(grey.filter(ImageFilter.GaussianBlur(0.018 * x.shape[1])))[..., None]
    light = np.clip(y / np.maximum(around, 0.05), 0, 1) ** 1.6
    return (1 - light) * [0.20, 0.19, 0.24] + light * [0.98, 0.96, 0.91]


def kaleidoscope(x):
    """Six wedges around the middle, each the mirror image of its neighbours."""
    h, w = x.shape[:2]
    v = (np.arange(h) + 0.5)[:, None] / h - 0.5
    u = (np.arange(w) + 0.5)[None] / w - 0.5
    wedge = np.pi / 3
    angle = np.abs(np.arctan2(v, u) % (2 * wedge) - wedge) + 0.5
    reach = np.hypot(u, v)
    return read(x, (0.5 + reach * np.cos(angle)) * w - 0.5, (0.5 + reach * np.sin(angle)) * h - 0.5)


def read(x, column, row):
    """x between its pixels, mirrored outside."""

    def taps(place, length):
        place = np.abs(place + 0.5) % (2 * length)
        place = np.clip(np.where(place > length, 2 * length - place, place) - 0.5, 0, length - 1)
        low = np.floor(place).astype(int)
        return low, np.minimum(low + 1, length - 1), (place - low)[..., None]

    top, bottom, t = taps(row, x.shape[0])
    left, right, s = taps(column, x.shape[1])
    return (x[top, left] * (1 - s) + x[top, right] * s) * (1 - t) + (x[bottom, left] * (1 - s) + x[bottom, right] * s) * t


def halftone(x):
    """Red dots on cream paper, 60 along the long side at 27 degrees, as large as a place is dark."""
    h, w = x.shape[:2]
    pitch, angle = max(h, w) / 60, np.radians(27)
    grey = Image.fromarray(np.rint(luma(x)[..., 0] * 255).astype(np.uint8))
    tone = pixels(grey.filter(ImageFilter.GaussianBlur(0.2 * pitch)))
    v, u = np.mgrid[:h, :w] + 0.5
    along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    spot = 0.5 + 0.25 * (np.cos(2 * np.pi * along / pitch) + np.cos(2 * np.pi * across / pitch))
    paper = np.clip((tone - spot) * 5 + 0.5, 0, 1)[..., None]
    return (1 - paper) * [0.78, 0.13, 0.16] + paper * [0.98, 0.95, 0.88]


def mosaic(x):
    """Squares of 20 pixels, each the mean of what it covers."""
    out = x.copy()
    for top in range(0, x.shape[0], 20):
        for left in range(0, x.shape[1], 20):
            square = (slice(top, top + 20), slice(left, left + 20))
            out[square] = x[square].mean((0, 1))
    return out


EDITS = {edit.__name__: edit for edit in (warm, noir, framed, sketch, halftone, mosaic, snowfall, kaleidoscope)}


def save(picture, path):
    for quality in range(88, 40, -4):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= LIMIT:
            break
    path.write_bytes(buffer.getvalue())


def opened(path):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    picture.thumbnail((900, 900), Image.Resampling.LANCZOS)
    return picture


def main(photos, *samples):
    for sample in samples:
        name, files = sample.split("=")
        a, b = (opened(Path(photos) / file) for file in files.split(","))
        a2 = image(EDITS[name](pixels(a)))
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        for picture, slot in ((a, "a"), (a2, "a2"), (b, "b")):
            save(picture, folder / f"{slot}.jpg")
        thumb = ImageOps.fit(a, (320, 240))
        thumb.paste(ImageOps.fit(a2, (320, 240)).crop((160, 0, 320, 240)), (160, 0))
        thumb.save(folder / "thumb.jpg", "JPEG", quality=80, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
