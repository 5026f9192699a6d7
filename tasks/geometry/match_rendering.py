"""Rendering of matches: agreement as colours, and a selection of confident cells spread over the grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AGREEMENT_COLOURS = np.array([[178, 24, 43], [247, 247, 247], [33, 102, 172]], np.float32)
"""Red, white, blue for 0, 1/2, 1: ColorBrewer's RdBu, safe for colour blindness."""
UNKNOWN_GREY = 96


def agreement_to_rgb(agreement: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(h, w, 3) RGB of (h, w) agreement of 0..1 as red, white, blue; grey where it is unknown (NaN)."""
    known = np.isfinite(agreement)
    at = np.clip(np.where(known, agreement, 0), 0, 1)
    rgb = np.stack([np.interp(at, [0, 0.5, 1], channel) for channel in AGREEMENT_COLOURS.T], axis=2)
    return np.where(known[..., None], np.rint(rgb), UNKNOWN_GREY).astype(np.uint8)


def select_spread_cells(confidence: NDArray[np.float32], min_confidence: float, count: int) -> NDArray[np.intp]:
    """Up to `count` cells, in reading order, whose (h, w) confidence reaches `min_confidence`, spread evenly.

    The grid is divided into about `count` squares; each gives its most confident cell, of equals the most central.
    """
    h, w = confidence.shape
    side = max(1, int(np.ceil(np.sqrt(h * w / max(1, count)))))
    chosen: list[int] = []
    for top in range(0, h, side):
        for left in range(0, w, side):
            square = confidence[top : top + side, left : left + side]
            rows, columns = square.shape
            away = np.hypot(*np.ogrid[-(rows - 1) / 2 : rows / 2, -(columns - 1) / 2 : columns / 2])
            y, x = np.unravel_index(np.lexsort((away.reshape(-1), -square.reshape(-1)))[0], square.shape)
            if square[y, x] >= min_confidence:
                chosen.append((top + int(y)) * w + left + int(x))
    return np.array(chosen[:count], np.intp)
