"""Clips and windows of a video: the inputs of the appearance stream, prepared as by I3D's authors.

Carreira and Zisserman (2017): 25 frames per second, shorter side 256, the middle 224 x 224; a video shorter than a clip
is repeated until it fills one. Theirs are trimmed; ours may hold several shots, and every shot is treated as they treat
a video, because the change at a cut is no motion. A long video is covered by windows with a stride, or, where these
would be too many, by the middles of equal segments (Wang et al., "Temporal Segment Networks", ECCV 2016).

Shots of 8, 16 and 24 pictures, three of each from the three labelled clips of `semflow eval action`, have I3D's first
label right in 21 of 27 cases when they are repeated to 32 pictures as when to 64; the mean probability is .68 or .69.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Image
from tasks.artifacts.frames import Frames
from tasks.streams.segment_sampling import sample_segment_starts
from tasks.streams.window_plan import WindowPlan

CLIP_SIDE = 224  # of the picture that goes into the network, pixels
CENTRE_CROP_SHARE = 224 / 256  # of the shorter side of the frame: what the authors' test crop keeps
MIN_SHOT_S = 0.4  # least duration of a shot: what a stack of the flow stream spans
SHORT_CLIP = 32  # instants to which a shorter shot is repeated: half of I3D's time, and as good as 64 pictures
BOX_MARGIN = 1.25  # side of a person's square over the longer side of the box: raised arms and a stride stay inside

VideoClip = NDArray[np.uint8]
"""(t, 224, 224, 3) RGB."""


@dataclass(frozen=True, eq=False)
class ClipWindow:
    """A window of a video that is classified as a whole."""

    frames: NDArray[np.intp]
    """(t,) rows of the frames artifact, one per instant; a video of a lower rate shows some of them twice."""
    looped: bool
    """Whether the shot is shorter than the window and was repeated to fill it."""
    shot: tuple[int, int]
    """First and last frame of the shot that it lies in."""

    @property
    def first(self) -> int:
        """The first frame."""
        return int(self.frames.min())

    @property
    def last(self) -> int:
        """The last frame, itself inside."""
        return int(self.frames.max())

    def is_in_shot(self, frames: NDArray[Any]) -> NDArray[np.bool_]:
        """(n,) which of (n,) frames belong to the window's shot."""
        return (frames >= self.shot[0]) & (frames <= self.shot[1])


def make_clip_windows(
    pts_s: NDArray[np.float64], ok: NDArray[np.bool_], cut: NDArray[np.bool_], plan: WindowPlan
) -> tuple[ClipWindow, ...]:
    """Windows in order, none over a cut, the last of each shot ending with it; none where no frame is ok.

    `cut` says of each pair of neighbouring frames whether the scene changes between them. A shot shorter than a window
    is repeated until it fills one, or SHORT_CLIP instants where it is no longer than these; below MIN_SHOT_S it is left
    out, unless no shot is longer. Where the stride makes too many windows, they are spread evenly.
    """
    shown = sample_instants(pts_s, ok, plan.fps)
    if not len(shown):
        return ()
    edges = np.flatnonzero(cut) + 1
    number = np.searchsorted(edges, shown, side="right")
    shots = np.split(shown, np.flatnonzero(np.diff(number)) + 1)
    shots = [shot for shot in shots if len(shot) >= MIN_SHOT_S * plan.fps] or [max(shots, key=len)]
    places = [(shot, start) for shot, seen in enumerate(shots) for start in _list_window_starts(len(seen), plan)]
    if len(places) > plan.max_windows:
        places = _spread_windows([len(shot) for shot in shots], plan)
    bounds = np.concatenate([[0], edges, [len(ok)]])
    found: list[ClipWindow] = []
    for shot, start in places:
        part = shots[shot][start : start + plan.length]
        first, stop = bounds[np.searchsorted(edges, part[0], side="right") :][:2]
        looped = len(part) < plan.length
        shown = np.resize(part, _choose_clip_length(len(part), plan))
        found.append(ClipWindow(shown, looped, (int(first), int(stop) - 1)))
    return tuple(found)


def _choose_clip_length(count: int, plan: WindowPlan) -> int:
    """Instants of the clip that is made of `count` different ones."""
    return min(plan.length, SHORT_CLIP) if count <= SHORT_CLIP else plan.length


def _list_window_starts(count: int, plan: WindowPlan) -> list[int]:
    """First instants of the windows of a shot of `count` instants."""
    last = max(0, count - plan.length)
    return sorted({*range(0, last + 1, plan.stride), last})


def _spread_windows(counts: Sequence[int], plan: WindowPlan) -> list[tuple[int, int]]:
    """(shot, start) of the middles of equal segments of all shots together, each window moved into its shot."""
    begins = np.cumsum([0, *counts])
    total = int(begins[-1])
    found: dict[tuple[int, int], None] = {}
    for start in sample_segment_starts(0, max(total, plan.length), plan.length, plan.max_windows):
        shot = int(np.searchsorted(begins, min(start + plan.length // 2, total - 1), side="right")) - 1
        last = max(0, counts[shot] - plan.length)
        found[shot, min(max(start - int(begins[shot]), 0), last)] = None
    return list(found)


def sample_instants(pts_s: NDArray[np.float64], ok: NDArray[np.bool_], fps: float) -> NDArray[np.intp]:
    """(n,) the ok frame nearest to each 1 / fps seconds, from the first such frame to the last."""
    whole = np.flatnonzero(ok)
    if not len(whole):
        return whole
    times = pts_s[whole]
    wanted = times[0] + np.arange(round((times[-1] - times[0]) * fps) + 1) / fps
    middles = (times[1:] + times[:-1]) / 2
    return whole[np.searchsorted(middles, wanted, side="left")]


def make_frame_squares(height: int, width: int, count: int) -> Boxes:
    """(count, 4) the central crop on which I3D's authors test, repeated."""
    half = CENTRE_CROP_SHARE * min(height, width) / 2
    x, y = (width - 1) / 2, (height - 1) / 2
    return np.tile([x - half, y - half, x + half, y + half], (count, 1))


def make_person_squares(at: NDArray[np.intp], frames: NDArray[Any], xyxy: NDArray[np.float32]) -> Boxes:
    """(t, 4) squares in the frames `at` around one person with boxes (k, 4) in (k,) increasing `frames`.

    All have one size. Centres are interpolated between boxes and fitted by a straight line in time, so that a
    jittering box does not shake the clip.
    """
    boxes = xyxy.astype(np.float64)
    extent = np.interp(at, frames, (boxes[:, 2:] - boxes[:, :2]).max(axis=1)).max()
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    way = np.stack([np.interp(at, frames, centres[:, axis]) for axis in (0, 1)], axis=1)
    since = (at - at.mean())[:, None]
    slope = (since * way).sum(axis=0) / max(float((since**2).sum()), 1.0)
    middle = way.mean(axis=0) + since * slope
    half = max(BOX_MARGIN * extent / 2, 1.0)
    return np.concatenate([middle - half, middle + half], axis=1)


def read_clips(frames: Frames, window: ClipWindow, squares: Sequence[Boxes]) -> list[VideoClip]:
    """A clip for each of `squares`; every frame is read once."""
    clips: list[VideoClip] = [np.empty((len(window.frames), CLIP_SIDE, CLIP_SIDE, 3), np.uint8) for _ in squares]
    for frame in np.unique(window.frames):
        image = frames.image(int(frame))
        for instant in np.flatnonzero(window.frames == frame):
            for clip, square in zip(clips, squares, strict=True):
                clip[instant] = crop_square(image, square[instant], CLIP_SIDE)
    return clips


def crop_square(image: Image, square: NDArray[np.float64], side: int) -> Image:
    """(side, side, 3) crop of `image` at `square`, resized; outside the image its edge is repeated."""
    left, top = (round(float(at) + 0.5) for at in square[:2])
    size = max(1, round(float(square[2] - square[0])))
    height, width = image.shape[:2]
    x, y = (np.clip(np.arange(at, at + size), 0, end - 1) for at, end in ((left, width), (top, height)))
    inside = left >= 0 and top >= 0 and left + size <= width and top + size <= height
    part: Any = image[top : top + size, left : left + size] if inside else image[y[:, None], x]
    interpolation = cv2.INTER_AREA if size > side else cv2.INTER_LINEAR
    return cv2.resize(part, (side, side), interpolation=interpolation).astype(np.uint8, copy=False)
