"""Rendering of layers: colours with anti-aliased edges, and the visible layer at each pixel centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points
from tasks.geometry.warp import pixel_grid
from tasks.synthetic.scene.scene_camera import SceneCamera
from tasks.synthetic.scene.texture_layer import TextureLayer


@dataclass(frozen=True, eq=False)
class RenderedLayers:
    """One rendered frame before illumination and noise."""

    colour: NDArray[np.float64]
    """(h, w, 3) grey levels."""
    instances: NDArray[np.uint8]
    """(h, w) nearest layer at each pixel centre."""


def render_layers(
    layers: Sequence[TextureLayer], camera: SceneCamera, frame: int, height: int, width: int
) -> RenderedLayers:
    """Image and instance map of `layers`, ordered from far to near, in `frame`."""
    colour = np.zeros((height, width, 3))
    instances = np.zeros((height, width), np.uint8)
    for layer in layers:
        left, top, right, bottom = layer.bounds(camera, frame)
        rows = slice(*_span(top, bottom, height))
        columns = slice(*_span(left, right, width))
        grid = pixel_grid(height, width)[rows, columns]
        if not grid.size:
            continue
        own = layer.to_own(camera, frame, grid.reshape(-1, 2).astype(np.float64))
        distance = layer.outline.distance(own).reshape(grid.shape[:2])
        # Alpha falls from 1 to 0 within half a pixel of the outline: about the coverage of the pixel area.
        share = np.clip(0.5 - distance, 0, 1)[..., None]
        seen = colour[rows, columns]
        seen += share * (layer.colour(own).reshape(seen.shape) - seen)
        instances[rows, columns][distance < 0] = layer.instance
    return RenderedLayers(colour, instances)


def find_hidden(layers: Sequence[TextureLayer], camera: SceneCamera, frame: int, pixels: Points) -> NDArray[np.bool_]:
    """(n,) whether any of `layers` covers the pixels of `frame`."""
    covered = np.zeros(len(pixels), np.bool_)
    for layer in layers:
        covered |= layer.covers(camera, frame, pixels)
    return covered


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    return int(np.clip(np.ceil(low), 0, size)), int(np.clip(np.floor(high) + 1, 0, size)) if high > -1 else 0
