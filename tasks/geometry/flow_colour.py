"""Colour coding of optical flow: hue is direction, saturation is length.

Baker et al., "A Database and Evaluation Methodology for Optical Flow" (IJCV 2011), after the authors' colour code: 55
hues in six arcs whose lengths follow how well the eye separates hues. Right is red, down yellow, left cyan, up violet;
no motion is white; vectors longer than `max_px` are darkened.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import AnyFloats, FlowField, Image

HUE_ARCS = {"RY": 15, "YG": 6, "GC": 4, "CB": 11, "BM": 13, "MR": 6}
"""Hues from one corner of the colour cube to the next: red, yellow, green, cyan, blue, magenta, red."""
OUT_OF_RANGE_BRIGHTNESS = np.float32(0.75)  # brightness of vectors longer than `max_px`, in the authors' code


@cache
def make_colour_wheel() -> Image:
    """(55, 3) RGB hues around the colour wheel, from red; read-only."""
    wheel: list[Image] = []
    # Each arc moves one channel, up or down, while the others stay full or empty.
    for steps, moving, up, full in zip(
        HUE_ARCS.values(), (1, 0, 2, 1, 0, 2), (1, 0) * 3, (0, 1, 1, 2, 2, 0), strict=True
    ):
        arc = np.zeros((steps, 3), np.uint8)
        ramp = np.arange(steps) * 255 // steps
        arc[:, full] = 255
        arc[:, moving] = ramp if up else 255 - ramp
        wheel.append(arc)
    joined = np.concatenate(wheel)
    joined.setflags(write=False)
    return joined


def flow_to_rgb(flow: FlowField, max_px: float | None = None, where: NDArray[np.bool_] | None = None) -> Image:
    """(h, w, 3) RGB image of `flow`, saturated at `max_px` pixels (None: the longest vector), black outside `where`.

    Set `max_px` where images are to be compared, as in a video.
    """
    usable = np.isfinite(flow[..., 0]) & np.isfinite(flow[..., 1])
    if where is not None:
        usable &= where
    x, y = np.where(usable[..., None], flow, np.float32(0)).transpose(2, 0, 1)
    length = np.hypot(x, y)
    length /= np.float32(max(length.max(initial=0) if max_px is None else max_px, np.finfo(np.float32).tiny))
    rgb = _shade(_hue(x, y), length[..., None])
    return np.where(usable[..., None], rgb, 0).astype(np.uint8)


def render_colour_legend(size: int) -> Image:
    """(size, size, 3) RGB colour key: a disc with the colour of each vector of length up to 1, on white."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    flow = np.stack(np.meshgrid(axis, axis), axis=2)
    inside = np.hypot(*flow.transpose(2, 0, 1)) <= 1
    return np.where(inside[..., None], flow_to_rgb(flow, 1), 255).astype(np.uint8)


def _hue(x: NDArray[np.float32], y: NDArray[np.float32]) -> AnyFloats:
    """(h, w, 3) RGB of each direction in 0..1, interpolated between the two nearest hues of the wheel."""
    wheel = make_colour_wheel().astype(np.float32) / np.float32(255)
    position = (np.arctan2(-y, -x) / np.float32(np.pi) + 1) * np.float32((len(wheel) - 1) / 2)
    low = np.floor(position)
    share = (position - low)[..., None]
    low = low.astype(np.intp)
    return wheel[low] * (1 - share) + wheel[(low + 1) % len(wheel)] * share


def _shade(hue: AnyFloats, length: AnyFloats) -> AnyFloats:
    """RGB 0..255: `hue` blended with white for short vectors, darkened for those longer than 1."""
    return np.floor(255 * np.where(length <= 1, 1 - length * (1 - hue), hue * OUT_OF_RANGE_BRIGHTNESS))
