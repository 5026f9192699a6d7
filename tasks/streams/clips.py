"""Clips: what the appearance stream sees of a video, as I3D's authors prepare it.

Carreira and Zisserman (2017): 25 frames per second, shorter side 256, the middle 224 x 224; a video shorter than a clip
is repeated until it fills one. A long video is looked at in windows with a stride, and where these would be more than
wanted, in the middles of equal segments (Wang et al., "Temporal Segment Networks", ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.frames import Frames
from tasks.artifacts.images import Image
from tasks.streams.segments import segment_starts
from tasks.streams.window_plan import WindowPlan

SIDE = 224  # of the picture that goes into the network, pixels
MIDDLE = 224 / 256  # of the shorter side of the frame: what the authors' test crop keeps
ROOM = 1.25  # side of a person's square over the longer side of the box: raised arms and a stride stay inside

Clip = NDArray[np.uint8]
"""(t, 224, 224, 3) RGB."""
Squares = NDArray[np.float64]
"""(t, 4) a square per picture of a clip: left, top, right, bottom in frame pixels, edges of pixels being at halves."""


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of a video that is judged as one."""

    frames: NDArray[np.intp]
    """(t,) rows of the frames artifact, one per instant; a video of a lower rate shows some of them twice."""
    looped: bool
    """Whether the video is shorter than the window and was repeated to fill it."""

    @property
    def first(self) -> int:
        """The first frame."""
        return int(self.frames.min())

    @property
    def last(self) -> int:
        """The last frame, itself inside."""
        return int(self.frames.max())


def windows(pts_s: NDArray[np.float64], ok: NDArray[np.bool_], plan: WindowPlan) -> tuple[Window, ...]:
    """Windows in order, the last of which ends with the video; none where no frame is ok.

    Where the stride makes too many, they are spread evenly.
    """
    shown = instants(pts_s, ok, plan.fps)
    if not len(shown):
        return ()
    if len(shown) < plan.length:
        return (Window(np.resize(shown, plan.length), looped=True),)
    last = len(shown) - plan.length
    starts = sorted({*range(0, last + 1, plan.stride), last})
    if len(starts) > plan.most:
        starts = segment_starts(0, len(shown), plan.length, plan.most)
    return tuple(Window(shown[start : start + plan.length], looped=False) for start in starts)


def instants(pts_s: NDArray[np.float64], ok: NDArray[np.bool_], fps: float) -> NDArray[np.intp]:
    """(n,) the ok frame nearest to each 1 / fps seconds, from the first such frame to the last."""
    whole = np.flatnonzero(ok)
    if not len(whole):
        return whole
    times = pts_s[whole]
    wanted = times[0] + np.arange(round((times[-1] - times[0]) * fps) + 1) / fps
    middles = (times[1:] + times[:-1]) / 2
    return whole[np.searchsorted(middles, wanted, side="left")]


def frame_squares(height: int, width: int, count: int) -> Squares:
    """The middle of the frame that I3D's authors test on, `count` times."""
    half = MIDDLE * min(height, width) / 2
    x, y = (width - 1) / 2, (height - 1) / 2
    return np.tile([x - half, y - half, x + half, y + half], (count, 1))


def person_squares(at: NDArray[np.intp], frames: NDArray[Any], xyxy: NDArray[np.float32]) -> Squares:
    """Squares in the frames `at` around one person, whose boxes (k, 4) are known in (k,) increasing `frames`.

    One size for all; between boxes the way is interpolated, and the centre moves on a straight line in time, so that
    a trembling box does not shake the picture.
    """
    boxes = xyxy.astype(np.float64)
    extent = np.interp(at, frames, (boxes[:, 2:] - boxes[:, :2]).max(axis=1)).max()
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    way = np.stack([np.interp(at, frames, centres[:, axis]) for axis in (0, 1)], axis=1)
    since = (at - at.mean())[:, None]
    slope = (since * way).sum(axis=0) / max(float((since**2).sum()), 1.0)
    middle = way.mean(axis=0) + since * slope
    half = max(ROOM * extent / 2, 1.0)
    return np.concatenate([middle - half, middle + half], axis=1)


def read_clips(frames: Frames, window: Window, squares: Sequence[Squares]) -> list[Clip]:
    """A clip for each of `squares`; every picture is read once."""
    clips: list[Clip] = [np.empty((len(window.frames), SIDE, SIDE, 3), np.uint8) for _ in squares]
    for frame in np.unique(window.frames):
        image = frames.image(int(frame))
        for instant in np.flatnonzero(window.frames == frame):
            for clip, square in zip(clips, squares, strict=True):
                clip[instant] = cut(image, square[instant], SIDE)
    return clips


def cut(image: Image, square: NDArray[np.float64], side: int) -> Image:
    """(side, side, 3) what `image` shows in `square`; beyond its edge the edge goes on."""
    left, top = (round(float(at) + 0.5) for at in square[:2])
    size = max(1, round(float(square[2] - square[0])))
    height, width = image.shape[:2]
    x, y = (np.clip(np.arange(at, at + size), 0, end - 1) for at, end in ((left, width), (top, height)))
    inside = left >= 0 and top >= 0 and left + size <= width and top + size <= height
    part: Any = image[top : top + size, left : left + size] if inside else image[y[:, None], x]
    how = cv2.INTER_AREA if size > side else cv2.INTER_LINEAR
    return cv2.resize(part, (side, side), interpolation=how).astype(np.uint8, copy=False)
