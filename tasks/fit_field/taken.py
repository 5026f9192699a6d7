"""The pixels of one tracked thing in every frame: its mask where a segmenter draws one, else its box."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.fit_field.clip import Mask
from tasks.fit_field.remove import grown
from tasks.fit_field.tracked import INSIDE, filled
from tasks.yolo.segment import Segmenter

GROWN_PX = 3  # masks of a segmenter are rough: what is left of the thing's outline would be smeared about
SIDE = 640  # pixels that the segmenter sees of the longer side


def thing_masks(
    frames: Frames, tracks: Tracks, track: int, segmenter: Segmenter, least_score: float
) -> Callable[[int], Mask]:
    """Frame to the (h, w) pixels of the thing; nothing where it is not tracked."""
    size = frames.height, frames.width

    @lru_cache(maxsize=256)
    def mask(frame: int) -> Mask:
        rows = np.flatnonzero((tracks.frame == frame) & (tracks.track_id == track))
        if not len(rows):
            return np.zeros(size, np.bool_)
        inside = filled(tracks.xyxy[rows[0]], size)
        found = segmenter(frames.image(frame), SIDE, least_score)
        common = [
            int((seen & inside).sum()) if int((seen & inside).sum()) >= INSIDE * int(seen.sum()) else 0
            for seen in found.masks
        ]
        best = int(np.argmax(common)) if common else -1
        drawn = found.masks[best] if best >= 0 and common[best] >= int(inside.sum()) / 4 else inside
        return grown(drawn, GROWN_PX)

    return mask
