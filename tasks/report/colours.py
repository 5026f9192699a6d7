"""Colours of tracks and classes: one per track id, one per class, the same in every video.

Made in OKLCH (Ottosson 2020, "A perceptual color space for image processing"), where equal steps look equal: tracks
differ by hue alone, stepped by the golden angle so that ids close to each other are far apart in colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache

Rgb = tuple[int, int, int]
GOLDEN_ANGLE_DEG = 137.50776  # 360 * (1 - 1 / golden ratio): successive multiples never crowd
TRACK_LIGHTNESS, TRACK_CHROMA = 0.78, 0.15  # bright enough for dark text on it, inside sRGB or nearly so at every hue
CLASS_HUES_DEG = (255, 45, 150, 340, 195, 295, 85, 20, 125, 225, 320, 170)
"""The first for COCO's person, then bicycle, car, ...: neighbours in the list are far apart in hue."""
CLASS_CHROMA = 0.13
CLASS_LIGHTNESS = {"light": 0.60, "dark": 0.74}  # contrast of at least 3:1 with the page in either scheme


@cache
def track_colour(track_id: int) -> Rgb:
    """Colour of a track, by its id alone."""
    return oklch_to_rgb(TRACK_LIGHTNESS, TRACK_CHROMA, track_id * GOLDEN_ANGLE_DEG)


def class_slots(class_ids: Iterable[int]) -> Mapping[int, int]:
    """Class id to an index into CLASS_HUES_DEG: by its number, or the next free one while there are any."""
    slots: dict[int, int] = {}
    for class_id in sorted(set(class_ids)):
        count = len(CLASS_HUES_DEG)
        wanted = [(class_id + step) % count for step in range(count)]
        free = [slot for slot in wanted if slot not in slots.values()]
        slots[class_id] = (free or wanted)[0]
    return slots


def class_colour(slot: int, scheme: str) -> Rgb:
    """Colour of a class slot on a page in `scheme`, "light" or "dark"."""
    return oklch_to_rgb(CLASS_LIGHTNESS[scheme], CLASS_CHROMA, CLASS_HUES_DEG[slot])


def css_colour(colour: Rgb) -> str:
    """`#rrggbb`."""
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def oklch_to_rgb(lightness: float, chroma: float, hue_deg: float) -> Rgb:
    """sRGB (0..255) of an OKLCH colour, clipped to what a screen can show."""
    a, b = chroma * math.cos(math.radians(hue_deg)), chroma * math.sin(math.radians(hue_deg))
    # Ottosson's matrices: OKLab to cone response (cubed) to linear sRGB.
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return _linear_to_srgb(red), _linear_to_srgb(green), _linear_to_srgb(blue)


def _linear_to_srgb(linear: float) -> int:
    """A linear channel as sRGB shows it (IEC 61966-2-1)."""
    value = min(max(linear, 0.0), 1.0)
    return round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))  # noqa: PLR2004  IEC 61966-2-1
