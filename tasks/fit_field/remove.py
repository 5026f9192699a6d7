"""A thing taken out of a video: its density is set to zero, and what lies behind it is rendered.

What lies behind is what other frames see there: the background, which moves with the camera, and layers that move by
themselves (layers.py). A layer says where it is behind the thing by where it is seen before and after. Of the frames
that see a place the nearest count most, brought to the light of the frame in hand; where they differ, because a layer
bends, their mean is nearer to the truth than any. What no frame sees is filled from its
surroundings (Telea, 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.images import Image
from tasks.fit_field.clip import Mask, Motion
from tasks.fit_field.layer import Affine, Layer, places
from tasks.fit_field.layers import layers_of
from tasks.fit_field.trail import sample

EDGE_PX = 1  # beyond its mask a thing's soft outline still colours pixels
MIXED = 5  # frames that a place of the background is the median of
REACH = 8  # frames over which a hidden layer is followed
INPAINT_PX = 3.0  # as in OpenCV's tutorial on inpainting
FITS = 0.6  # share of a layer, brought to a frame, that must lie on what is seen of it there
LOST = 4  # frames for which a layer that is hidden altogether is believed to move on as it did
LEFT = 0.3  # share of it that may lie beside the thing then
LIGHT = (0.5, 2.0)  # what light may do between two frames


@dataclass(frozen=True, eq=False)
class Window:
    """Some frames of a video, all of which may be looked at."""

    images: Sequence[Image]
    motions: Mapping[int, Motion]
    """Of frame n of the window to the next one; those missing are cuts."""
    cameras: Mapping[int, Affine]
    """(3, 3) homography of frame n to the next one."""
    masks: Sequence[Mask]
    """(h, w) the thing to be taken out."""
    _layers: list[Layer] = field(default_factory=list[Layer], repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.images[0].shape[0], self.images[0].shape[1]

    @cached_property
    def hidden(self) -> list[Mask]:
        """(h, w) what it covers in each frame."""
        return [grown(mask, EDGE_PX) for mask in self.masks]

    @cached_property
    def layers(self) -> list[Layer]:
        """What else moves by itself."""
        return layers_of(self.motions, self.cameras, dict(enumerate(self.hidden)), len(self.images))

    def moving(self, frame: int) -> Mask:
        """(h, w) what moves by itself there."""
        found = np.zeros(self.size, np.bool_)
        for layer in self.layers:
            if frame in layer.masks:
                found |= layer.masks[frame]
        return found

    def camera(self, start: int, end: int) -> Affine | None:
        """Pixels of the background on frame `start` to pixels on frame `end`; None over a cut."""
        found = np.eye(3)
        for frame in range(min(start, end), max(start, end)):
            if frame not in self.motions:
                return None
            found = self.cameras[frame] @ found
        return found if end >= start else np.linalg.inv(found).astype(np.float64)

    def near(self, frame: int) -> list[int]:
        """The other frames that no cut parts from `frame`, nearest first."""
        others = [
            other for other in range(len(self.images)) if other != frame and self.camera(frame, other) is not None
        ]
        return sorted(others, key=lambda other: (abs(other - frame), other))


def removed(window: Window, frames: Sequence[int]) -> Iterator[tuple[int, Image]]:
    """(frame, image without the thing) of the chosen frames of a window."""
    for frame in frames:
        hole = window.hidden[frame]
        if not hole.any():
            yield frame, window.images[frame]
            continue
        colours = _background(window, frame, hole)
        for seen in _layers_behind(window, frame, hole):
            known = ~np.isnan(seen[..., 0])
            colours[known] = seen[known]
        yield frame, _filled(window.images[frame], hole, colours)


def grown(mask: Mask, px: int) -> Mask:
    """(h, w) the mask and so many pixels around it."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * px + 1,) * 2, np.uint8)).astype(np.bool_)


def _background(window: Window, frame: int, hole: Mask) -> NDArray[np.float32]:
    """(h, w, 3) the background in the hole, NaN where no frame sees it."""
    seen: list[NDArray[np.float32]] = []
    count = np.zeros(window.size, np.int32)
    for other in window.near(frame):
        way = window.camera(frame, other)
        assert way is not None
        blocked = grown(window.hidden[other] | window.moving(other), EDGE_PX)
        laid = _laid(window, frame, other, way, lambda at, blocked=blocked: sample(blocked, at) == 0)
        laid[~hole | (count >= MIXED)] = np.nan
        count += ~np.isnan(laid[..., 0])
        seen.append(laid)
        if (count[hole] >= MIXED).all():
            break
    found = np.full((*window.size, 3), np.nan, np.float32)
    known = count > 0
    if known.any():
        found[known] = np.nanmedian(np.stack(seen)[:, known], axis=0)
    return found


def _layers_behind(window: Window, frame: int, hole: Mask) -> Iterator[NDArray[np.float32]]:
    """(h, w, 3) each layer's part in the hole, NaN elsewhere; smaller ones first, so that larger ones lie above."""
    for layer in sorted(window.layers, key=lambda each: max(int(mask.sum()) for mask in each.masks.values())):
        there, away = np.zeros((2, *window.size), np.float32)
        colours = np.zeros((*window.size, 3), np.float32)
        for other in window.near(frame):
            if abs(other - frame) > REACH or other not in layer.masks:
                continue
            at = places(layer.way(frame, other), *window.size)
            inner = sample(layer.masks[other], at) > 0.5
            if not _fits(window, layer, frame, inner):
                continue
            weight = np.float32(1 / abs(other - frame) ** 2)
            # Where the thing hides that place there too, frame `other` says neither yes nor no.
            open_there = hole & (sample(window.hidden[other], at) == 0)
            there += weight * (open_there & inner)
            away += weight * (open_there & ~inner)
            light = _light(window, frame, other)
            colours += (weight * (open_there & inner))[..., None] * sample(window.images[other], at) * light
        known = there > away
        yield np.where(known[..., None], colours / np.maximum(there, np.float32(1e-9))[..., None], np.float32(np.nan))


def _fits(window: Window, layer: Layer, frame: int, moved: Mask) -> bool:
    """Whether a layer, brought to a frame, lies where it may: on what moves there, and on what is seen of itself."""
    hidden = window.hidden[frame]
    beside = moved & ~hidden
    if int((beside & grown(window.moving(frame), EDGE_PX)).sum()) < FITS * int(beside.sum()):
        return False
    seen = layer.masks.get(frame)
    if seen is None:  # hidden altogether, or nearly
        return min(abs(known - frame) for known in layer.masks) <= LOST and int(beside.sum()) < LEFT * int(moved.sum())
    return int((moved & seen).sum()) >= FITS * int(seen.sum())


def _laid(
    window: Window, frame: int, other: int, way: Affine, seen: Callable[[NDArray[np.float32]], Mask]
) -> NDArray[np.float32]:
    """(h, w, 3) frame `other` as it lies on `frame`, in its light; NaN outside it and where it is not `seen`."""
    height, width = window.size
    at = places(way, height, width)
    inside = (at >= 0).all(axis=2) & (at[..., 0] <= width - 1) & (at[..., 1] <= height - 1)
    laid = sample(window.images[other], at) * _light(window, frame, other)
    return np.where((inside & seen(at))[..., None], laid, np.float32(np.nan))


def _light(window: Window, frame: int, other: int) -> NDArray[np.float32]:
    """(3,) what colours of frame `other` are multiplied with to be those of `frame`: as the background has it."""
    way = window.camera(frame, other)
    if way is None:
        return np.ones(3, np.float32)
    at = places(way, *window.size)
    free = ~window.hidden[frame] & (sample(window.hidden[other], at) == 0) & ~window.moving(frame)
    inside = (at >= 0).all(axis=2) & (at[..., 0] < window.size[1]) & (at[..., 1] < window.size[0])
    both = free & inside
    if not both.any():
        return np.ones(3, np.float32)
    here, there = window.images[frame][both].astype(np.float32), sample(window.images[other], at)[both]
    ratio = np.median(here, axis=0) / np.maximum(np.median(there, axis=0), 1)
    return np.clip(ratio, *LIGHT).astype(np.float32)


def _filled(image: Image, hole: Mask, colours: NDArray[np.float32]) -> Image:
    known = hole & ~np.isnan(colours[..., 0])
    found = image.copy()
    found[known] = np.clip(np.rint(colours[known]), 0, 255).astype(np.uint8)
    left: Any = (hole & ~known).astype(np.uint8)
    return cv2.inpaint(found, left, INPAINT_PX, cv2.INPAINT_TELEA).astype(np.uint8) if left.any() else found
