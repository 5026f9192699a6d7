"""Procedural textures for clothes and backgrounds: multi-scale noise, stripes, checks or spots in two colours."""

from __future__ import annotations

import colorsys
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

TILE_SIDE = 128  # pixels of a tile; it is periodic
ClothTile = NDArray[np.float32]
"""(h, w, 3) RGB, 0..255."""
RgbColour = NDArray[np.float32]


def draw_colour(random: np.random.Generator, hue: float | None = None) -> RgbColour:
    """(3,) random colour, or a saturated one near `hue` (0..1, red to red)."""
    if hue is None:
        tint, saturation, value = random.random(), random.uniform(0, 0.9), random.uniform(0.15, 1)
    else:
        tint, saturation, value = (
            hue + random.uniform(-0.03, 0.03),
            random.uniform(0.6, 0.95),
            random.uniform(0.4, 0.95),
        )
    return np.array(colorsys.hsv_to_rgb(tint % 1, saturation, value), np.float32) * 255


def make_noise(random: np.random.Generator, height: int, width: int, coarsest: int) -> NDArray[np.float32]:
    """(h, w) noise of mean 0 and standard deviation 1, of scales from `coarsest` pixels down to 2."""
    total = np.zeros((height, width), np.float32)
    size, strength = coarsest, 1.0
    while size >= 2:  # noqa: PLR2004  pixels
        cells = random.standard_normal((height // size + 2, width // size + 2)).astype(np.float32)
        large: Any = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
        total += strength * large
        size, strength = size // 2, strength * 0.7
    return (total - total.mean()) / total.std()


def draw_cloth(random: np.random.Generator, first: RgbColour, second: RgbColour) -> ClothTile:
    """A random tile in colours between the two."""
    y, x = np.mgrid[:TILE_SIDE, :TILE_SIDE] * (2 * np.pi / TILE_SIDE)
    across, along = random.integers(4, 14, 2)
    kind = random.choice(["noise", "stripes", "checks", "spots"])
    waves = {
        "noise": np.zeros((TILE_SIDE, TILE_SIDE)),
        "stripes": np.sin(across * x + random.integers(0, 3) * y),
        "checks": np.sin(across * x) + np.sin(along * y),
        "spots": 2 * np.sin(across * x) * np.sin(along * y) - 0.5,
    }[kind]
    grain = make_noise(random, TILE_SIDE, TILE_SIDE, 16) * random.uniform(0.25, 0.8)
    share = np.clip(0.5 + 0.4 * waves + 0.3 * grain, 0, 1).astype(np.float32)[..., None]
    return (first * (1 - share) + second * share).astype(np.float32)


def draw_scenery(random: np.random.Generator, height: int, width: int, hue: float | None = None) -> ClothTile:
    """(h, w, 3) random background: noise in two colours, with textured boxes in front of it."""
    first, second = draw_colour(random, hue), draw_colour(random, hue)
    share = np.clip(0.5 + random.uniform(0.12, 0.35) * make_noise(random, height, width, 64), 0, 1)[..., None]
    picture = (first * (1 - share) + second * share).astype(np.float32)
    for _ in range(random.integers(3, 12)):
        box_height, box_width = random.integers(8, height // 2), random.integers(6, width // 3)
        top, left = random.integers(0, height - box_height), random.integers(0, width - box_width)
        tile = draw_cloth(random, draw_colour(random, hue), draw_colour(random, hue))
        rows, columns = np.arange(box_height) % TILE_SIDE, np.arange(box_width) % TILE_SIDE
        picture[top : top + box_height, left : left + box_width] = tile[rows][:, columns]
    return picture
