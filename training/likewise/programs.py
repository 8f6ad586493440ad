"""Edits that other programs make: docs/evaluation-programs.md, .json and programs.jpg.

    apt-get install imagemagick gmic        # 6 and 2.9
    python -m likewise.programs

The families of likewise.data are ours, held out or not, and the anchor was made beside them. The effects of
ImageMagick and G'MIC were made by others, for people who edit pictures, and nothing here was trained on them. Each
is applied to the four published photographs that no training run saw, at their own size; what it makes of one is a',
of the next the truth, and the engine itself draws b'.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .data.published import SAMPLES, save_within
from .engine import ROOT, draw
from .full_size import at_model_size, decibels, opened
from .intervals import interval


@dataclass(frozen=True)
class Effect:
    """``command`` is what stands between the input and the output of ImageMagick's convert or of gmic."""

    group: str
    program: str
    command: str


def magick(group: str, **commands: str) -> dict[str, Effect]:
    return {name.replace("_", " "): Effect(group, "ImageMagick", command) for name, command in commands.items()}


def gmic(group: str, **commands: str) -> dict[str, Effect]:
    return {name.replace("_", " "): Effect(group, "G'MIC", command) for name, command in commands.items()}


HUE = "hue"  # a later group than the others; the total is without it

EFFECTS = {
    **magick(
        "colour and tone",
        sepia="-sepia-tone 80%",
        greyscale="-colorspace Gray -colorspace sRGB",
        modulate="-modulate 105,150,90",
        tint="-fill #3060c0 -tint 70",
        colorize="-fill #ff8000 -colorize 30",
        duotone="-colorspace Gray -colorspace sRGB +level-colors #1a2a6c,#fdbb2d",
        negative="-negate",
        gamma="-gamma 1.7",
        sigmoidal_contrast="-sigmoidal-contrast 7x45%",
        levels="-level 12%,85%,1.2",
        solarize="-solarize 55%",
        posterize="+dither -posterize 4",
        threshold="-colorspace Gray -threshold 48% -colorspace sRGB",
        blue_shift="-blue-shift 1.4",
        normalize="-normalize",
        equalize="-equalize",
        cross_process="-channel R -sigmoidal-contrast 6x50% -channel B +sigmoidal-contrast 5x50% +channel",
        colour_matrix="-color-matrix 0.9,0.3,-0.1,0.1,0.8,0.1,0.2,-0.2,0.9",
        sixteen_colours="+dither -colors 16",
        swap_of_channels="-separate -swap 0,2 -combine",
    ),
    **magick(
        HUE,
        hue="-modulate 100,100,130",
        hue_back="-modulate 100,100,78",
        saturation="-modulate 100,160",
        lightness="-modulate 120",
        hue_in_LCh="-define modulate:colorspace=LCHab -modulate 100,100,120",
        hue_of_greens="( +clone -modulate 100,110,60 )"
        " ( -clone 0 -colorspace HSL -channel R -separate +channel -function Polynomial -44.4,17.8,-0.78 ) -composite",
    ),
    **magick(
        "detail",
        blur="-blur 0x5",
        motion_blur="-motion-blur 0x14+30",
        rotational_blur="-rotational-blur 8",
        sharpen="-unsharp 0x1.2+1.5",
        unsharp="-unsharp 0x3+1.5",
        soften="-blur 0x1.5",
        shake="-motion-blur 0x3+20",
        median="-statistic Median 9x9",
        kuwahara="-kuwahara 4",
        selective_blur="-selective-blur 0x6+14%",
        dilate="-morphology Dilate Disk:3",
        open="-morphology Open Disk:5",
        noise="-attenuate 0.6 +noise Gaussian",
        bloom="( +clone -level 55%,100% -blur 0x18 ) -compose Screen -composite",
        soft_focus="( +clone -blur 0x12 ) -compose SoftLight -composite",
        tilt_shift="( +clone -sparse-color Barycentric 0,0,black,0,%h,white -function Polynomial 4,-4,1 )"
        " -compose Blur -set option:compose:args 12 -composite",
    ),
    **gmic("detail", pixels="pixelize 5"),
    **magick(
        "drawing",
        charcoal="-charcoal 2",
        sketch="-colorspace Gray -sketch 0x10+120 -colorspace sRGB",
        edges="-edge 1.5",
        canny="-canny 0x1+10%+30% -colorspace sRGB",
        emboss="-emboss 0x1.2",
        shade="-shade 120x45 -colorspace sRGB",
        oil_paint="-paint 5",
        spread="-spread 6",
        ordered_dither="-colorspace Gray -ordered-dither o8x8 -colorspace sRGB",
        halftone="-colorspace Gray -ordered-dither h8x8a -colorspace sRGB",
        colour_halftone="-ordered-dither h6x6a",
        error_diffusion="-colorspace Gray -monochrome -colorspace sRGB",
        pencil="-colorspace Gray ( +clone -negate -blur 0x6 ) -compose ColorDodge -composite -colorspace sRGB",
        local_threshold="-colorspace Gray -blur 0x1 -lat 31x31-3% -colorspace sRGB",
        outlines_on_colour="( +clone -colorspace Gray -edge 1 -negate -level 40%,100% -colorspace sRGB )"
        " -compose Multiply -composite",
    ),
    **gmic(
        "drawing",
        cartoon="cartoon 3,50,10,0.25,3,16",
        pencilbw="pencilbw 0.6,60 to_rgb",
        sketchbw="sketchbw 4 to_rgb",
        hard_sketch="hardsketchbw 200,70,0.1,10 n 0,255 to_rgb",
        stencilbw="stencilbw 30,8 n 0,255 to_rgb",
        drawing="drawing 200",
        poster_edges="poster_edges ,",
        hope="poster_hope ,",
        cubism="cubism ,",
        polygonize="polygonize 100,10",
        mosaic="mosaic 50",
        ellipses="color_ellipses 200,8,0.15",
        brushify="+fc 0 rm. +rows. 0 rm. 24,24 gaussian. 8,3 spread. 6,0 brushify[0] [1] k[0]",
        rodilius="rodilius 10,10,300,10",
        whirls="whirls ,",
        weave="weave ,",
        sponge="sponge ,",
        fractalize="fractalize ,",
        circles="halftone 5 to_rgb",
        tetris="tetris 10",
    ),
    **magick(
        "light and frames",
        vignette="-background black -vignette 0x60+20+20",
        white_border="-shave 24x24 -bordercolor white -border 24",
        bevel="-raise 18",
        gradient_of_colour="( +clone -sparse-color Barycentric 0,0,#ff5e3a,%w,%h,#2a6bff ) -compose Overlay -composite",
        caption="-fill '#000a' -draw 'rectangle 0,40 2000,110' -fill white -draw 'rectangle 60,68 360,82'",
        ghosting="( +clone -roll +24+0 ) -compose Lighten -composite",
    ),
    **gmic(
        "light and frames",
        old_photo="old_photo",
        light_rays="+lightrays , cut. 0,255 blend add",
        light_patch="light_patch 8,0.7,1.6",
        canvas="texturize_canvas 24,3,0.6",
        paper="texturize_paper",
        cracks="cracks 30",
        scan_lines="scanlines 60,2,0",
        striped="stripes_y 8",
        glow="glow 1%",
        local_contrast="normalize_local 3,16",
        tones="map_tones 0.5,0.7,0.1,20",
    ),
    **magick(
        "geometry",
        mirrored="-flop",
        swirl="-swirl 90",
        implode="-implode 0.4",
        barrel="-virtual-pixel Mirror -distort Barrel 0.15,0,0",
        rolled="-roll +120+0",
        turned="-virtual-pixel Edge -distort SRT 8",
        leaned="-virtual-pixel Black -distort Affine 0,0,40,0,%w,0,%[fx:w-10],30,0,%h,0,%[fx:h-40]",
    ),
    **gmic(
        "geometry",
        fisheye="fisheye ,",
        twirl="twirl 0.6",
        water="water 20,2",
        wave="wave 8,0.3",
        kaleidoscope="kaleidoscope ,",
        raindrops="raindrops ,",
        ripple="ripple 8,10",
        zoom="zoom 1.4",
    ),
}

# Each is the next one's a: two of one orientation, two of different ones.
ORDER = ("warm/b.jpg", "noir/b.jpg", "sketch/b.jpg", "kaleidoscope/b.jpg")
MOST = 60.0  # dB
# What is shown of a group, on the first pair: the effects so far down the list by what b' gains.
SHOWN = (0.15, 0.5, 0.85)
COLUMNS = ("a", "a'", "b", "b'", "what the program makes of b")
SIDE, GAP, LINE = 190, 4, 18
LIMIT = 500_000


@dataclass(frozen=True)
class Result:
    """``anchor`` is what the engine fitted; PSNR in dB against what the program makes of b, of b' and of b itself, as
    they are and *from afar*: brought to 256 x 256, where dots are greys wherever they lie."""

    effect: str
    a: str
    b: str
    anchor: str
    decibels: float
    decibels_of_b: float
    afar: float
    afar_of_b: float

    @property
    def gain(self) -> float:
        return self.decibels - self.decibels_of_b


def applied(effect: Effect, path: Path) -> np.ndarray:
    """What the program makes of the picture at ``path``, uint8 ``[H, W, 3]``.

    Raises RuntimeError with what the program said where it makes none, or one of another size.
    """
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "out.png"
        words = shlex.split(effect.command)
        if effect.program == "ImageMagick":
            command = ["convert", "-seed", "1", str(path), *words, str(out)]
        else:
            command = ["gmic", "srand", "1", str(path), *words, "cut", "0,255", "o", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if not out.exists():
            raise RuntimeError(f"{shlex.join(command)}: {done.stderr[-1000:]}")
        result = opened(out)
    if result.shape != opened(path).shape:
        raise RuntimeError(f"{shlex.join(command)}: made a picture of another size")
    return result


def psnr(x: np.ndarray, truth: np.ndarray) -> float:
    return round(min(MOST, decibels(x, truth)), 2)


def measure(
    pack: Path, a: str, b: str, effects: Mapping[str, Effect]
) -> Iterator[tuple[Result, tuple[np.ndarray, ...]]]:
    """Of each effect the result and its pictures: a, a', b, b' and the truth. ``a`` and ``b`` are below public/samples."""
    on_a, on_b = opened(SAMPLES / a), opened(SAMPLES / b)
    pairs = {name: (on_a, applied(effect, SAMPLES / a)) for name, effect in effects.items()}
    for name, drawn, report in draw(pack, on_b, pairs):
        truth = applied(effects[name], SAMPLES / b)
        small, small_b, small_truth = (at_model_size(u) for u in (drawn, on_b, truth))
        near, far = (psnr(drawn, truth), psnr(on_b, truth)), (psnr(small, small_truth), psnr(small_b, small_truth))
        result = Result(name, a, b, report["anchor"], *near, *far)
        print(json.dumps(asdict(result)), flush=True)
        yield result, (*pairs[name], on_b, drawn, truth)


def grouped(results: Sequence[Result]) -> dict[str, dict[str, list[Result]]]:
    """By group and effect, in the order of `EFFECTS`."""
    out: dict[str, dict[str, list[Result]]] = {}
    for name, effect in EFFECTS.items():
        if found := [r for r in results if r.effect == name]:
            out.setdefault(effect.group, {})[name] = found
    return out


def mean(results: Sequence[Result], name: str) -> float:
    return float(np.mean([getattr(r, name) for r in results]))


def markdown(results: Sequence[Result], pack: str) -> str:
    groups = grouped(results)
    effects = {name: found for group, named in groups.items() if group != HUE for name, found in named.items()}
    lines = [
        f"# Edits that other programs make, by the pack {pack}",
        "",
        "Written by `python -m likewise.programs`; every number is in [evaluation-programs.json](evaluation-programs.json).",
        "[programs.jpg](programs.jpg) shows three of each group, chosen by a rule that the program states.",
        "",
        f"{len(effects)} effects of ImageMagick 6 and G'MIC 2.9, on {len(ORDER)} pairs of photographs that no training run",
        "saw, of 600 to 900 pixels, two pairs of one orientation and two of different ones. What the program makes of",
        "one photograph is a', what it makes of the other the truth. Nothing was trained on these effects. PSNR in dB at",
        f"full size, at most {MOST:.0f}, mean over the pairs; *from afar* both are brought to 256 × 256 before, since dots and",
        "grain may be right and elsewhere. Intervals of 95 % over effects and pairs. The group *hue* was added when the",
        "anchor learned hues, and is not counted in *all*.",
        "",
        "| group | effects | b as it is | b' | gain | at 30 dB | below b | from afar, b as it is | b' |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for group, named in (groups | ({"**all**": effects} if effects else {})).items():
        every = [r for found in named.values() for r in found]
        gain = interval([[r.gain for r in found] for found in named.values()])
        assert gain is not None
        good = sum(mean(found, "decibels") >= 30 for found in named.values())
        worse = sum(mean(found, "gain") < 0 for found in named.values())
        text = f"{gain.mean:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}]"
        cells = f"{mean(every, 'decibels_of_b'):.1f} | {mean(every, 'decibels'):.1f} | {text} | {good} | {worse}"
        cells += f" | {mean(every, 'afar_of_b'):.1f} | {mean(every, 'afar'):.1f}"
        lines.append(f"| {group} | {len(named)} | {cells} |")
    for group, named in groups.items():
        lines += ["", f"## {group.capitalize()}", "", "| effect | of | b as it is | b' | from afar | the anchors |", "|---|---|---|---|---|---|"]
        for name, found in sorted(named.items(), key=lambda pair: -mean(pair[1], "decibels")):
            anchors = ", ".join(dict.fromkeys(r.anchor for r in found))
            near = f"{mean(found, 'decibels_of_b'):.1f} | {mean(found, 'decibels'):.1f}"
            cells = f"{near} | {mean(found, 'afar'):.1f} | {anchors}"
            lines.append(f"| {name} | {EFFECTS[name].program} | {cells} |")
    return "\n".join(lines) + "\n"


def page(shown: Mapping[str, tuple[Result, tuple[np.ndarray, ...]]]) -> Image.Image:
    """Some of each group, by the rule above."""
    rows: list[tuple[str, str]] = []
    for group, named in grouped([result for result, _ in shown.values()]).items():
        ranked = sorted(named, key=lambda name: -shown[name][0].gain)
        rows += [(group, ranked[round(at * (len(ranked) - 1))]) for at in SHOWN]
    sheet = Image.new("RGB", (len(COLUMNS) * (SIDE + GAP) + GAP, LINE + len(rows) * (SIDE + LINE + GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for k, name in enumerate(COLUMNS):
        pen.text((GAP + k * (SIDE + GAP), 2), name, fill="black", font=font)
    y = LINE
    for group, name in rows:
        result, pictures = shown[name]
        text = f"{group}: {name} ({EFFECTS[name].program}), b {result.decibels_of_b:.1f} dB, b' {result.decibels:.1f}"
        pen.text((GAP, y), text, fill=(60, 60, 60), font=font)
        for k, picture in enumerate(pictures):
            image = Image.fromarray(picture)
            image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            sheet.paste(image, (GAP + k * (SIDE + GAP), y + LINE))
        y += SIDE + LINE + GAP
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=ROOT / "public" / "packs" / "studio")
    parser.add_argument("--effects", nargs="+", default=list(EFFECTS), choices=list(EFFECTS))
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    arguments = parser.parse_args()
    effects = {name: EFFECTS[name] for name in arguments.effects}
    results: list[Result] = []
    shown = {}
    for a, b in zip(ORDER, (*ORDER[1:], ORDER[0])):
        for result, pictures in measure(arguments.pack, a, b, effects):
            results.append(result)
            if a == ORDER[0]:
                shown[result.effect] = result, pictures
    manifest = json.loads((arguments.pack / "manifest.json").read_text())
    pack = f"{manifest['id']} {manifest['version']}"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "evaluation-programs.md").write_text(markdown(results, pack))
    rows = [{**asdict(r), "group": EFFECTS[r.effect].group, **asdict(EFFECTS[r.effect])} for r in results]
    text = ",\n".join(json.dumps(row) for row in rows)
    (arguments.out / "evaluation-programs.json").write_text(f'{{"pack": "{pack}", "results": [\n{text}\n]}}\n')
    save_within(page(shown), arguments.out / "programs.jpg", LIMIT)


if __name__ == "__main__":
    main()
