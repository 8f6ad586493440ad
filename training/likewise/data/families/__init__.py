"""Transformation families: each draws parameters once and applies the same edit to any image.

``FAMILIES`` maps a name to its family; ``BASIS`` and ``HELD_OUT`` say which families are not for the
base. Those of ``HELD_OUT`` are never trained on.
"""

from __future__ import annotations

from ..transform import REGISTRY, Family, Transform
from . import colour, composition, detail, drawing, geometry, light, material, objects, tone  # noqa: F401

BASIS = (
    *("tritone", "cross process", "heat map", "solarise", "clarity", "haze removal", "fog", "sun flare", "dream"),
    *("coloured lamps", "tilt shift", "zoom blur", "high pass", "cartoon", "comic", "colour halftone", "line screen"),
    *("blueprint", "split colour", "watermark", "blurred mount", "sticker", "emoji scatter", "emoji row"),
    *("mirror half", "kaleidoscope", "bulge", "glass blocks", "crumpled paper", "crt", "wet glass"),
)
HELD_OUT = (
    *("colour pop", "infrared", "palette", "threshold", "invert lightness", "night", "bokeh", "smooth"),
    *("partial mosaic", "hatching", "watercolour", "contour lines", "checker", "corner ribbon", "film strip"),
    *("emoji pattern", "speech bubble", "swirl", "ripple", "blind slats", "snow", "old film"),
)


def split_of(name: str) -> str:
    return "held_out" if name in HELD_OUT else "basis" if name in BASIS else "base"


FAMILIES: dict[str, Family] = {
    name: Family(name, group, split_of(name), make) for name, (group, make) in REGISTRY.items()
}

__all__ = ["BASIS", "FAMILIES", "HELD_OUT", "Family", "Transform"]
