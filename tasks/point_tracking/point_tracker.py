"""Chosen points through time: along dense flow while they are seen, found again by looks once they were hidden.

As Harley et al., "Particle Video Revisited" (2022), say, chained flow loses a point at the first occlusion. Here a
hidden point moves on with the camera and as it last moved itself, and comes back where both its features and its
patch of the picture are found again near there. Difference: nothing is trained, and each point is followed by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import GrayImage, Image, Points
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.label_propagation.memory_bank import compute_cosine_spread
from tasks.sequence.flow_trajectory import compute_flow_trust, sample_bilinear
from tasks.sequence.sequence_view import FramePairMotion

PATCH_PX = 6  # to each side of a point: 13 x 13, as in block matching
SEEN_SHARE = 0.5  # how far the flow at a place must be trusted, for a point there to count as seen
CLEAR_SHARE = 0.95  # of a patch whose flow is trusted, for it to be what the point looks like
LIKE = 0.8  # normalised correlation of patches that are the same; others of a street reach .6
ALIKE = 0.5  # how far a cosine may be below 1, in units of the frame's spread, for the same place
REACH_PX, GROWTH_PX, FARTHEST_PX = 8.0, 1.5, 48.0  # search: at once, more per hidden frame, and at most
FADE = 0.95  # of the trust per hidden frame
LONGEST = 90  # hidden frames after which a point is no longer looked for: three seconds


@dataclass(frozen=True, eq=False)
class PointTrackingInputs:
    """What points are followed through, at working size."""

    dense_flow: DenseFlow
    features: Features
    image: Callable[[int], Image | None]
    """Of a frame; None where it is missing."""


@dataclass(frozen=True, eq=False)
class PointTracks:
    """(t, n, ...) of n points over t frames."""

    at: NDArray[np.float32]
    """(t, n, 2) x, y; where a point is hidden, where it may be."""
    visible: NDArray[np.bool_]
    confidence: NDArray[np.float32]

    @classmethod
    def empty(cls, frames: int, points: int) -> PointTracks:
        """Nothing known yet."""
        shape = frames, points
        return cls(np.zeros((*shape, 2), np.float32), np.zeros(shape, np.bool_), np.zeros(shape, np.float32))


@dataclass
class _Point:
    """One point on its way."""

    at: Points
    """(2,)."""
    drift: Points = field(default_factory=lambda: np.zeros(2))
    """(2,) px a frame beyond the camera's motion, as it was last seen."""
    confidence: float = 1.0
    hidden: int = 0
    """Frames since it was seen."""
    patches: list[GrayImage] = field(default_factory=list["GrayImage"])
    """What it looked like: when it was chosen, and when it was last seen clearly."""
    vectors: list[NDArray[np.float32]] = field(default_factory=list[NDArray[np.float32]])
    """Its features at those times."""
    over: bool = False
    """Whether a cut ended it."""


def track_points(world: PointTrackingInputs, frame: int, points: NDArray[Any], length: int) -> PointTracks:
    """Where (n, 2) points of `frame` are in frames 0..length - 1, both ways from there."""
    paths = PointTracks.empty(length, len(points))
    for frames in (range(frame, length), range(frame, -1, -1)):
        followed = [_Point(np.asarray(point, np.float64)) for point in points]
        _look(_View.of(world, frame), followed)
        for now in frames:
            if now != frame:
                _step(world, followed, now - frames.step, now)
            paths.at[now] = [point.at for point in followed]
            paths.visible[now] = [not point.hidden and not point.over for point in followed]
            paths.confidence[now] = [point.confidence for point in followed]
    return paths


def _step(world: PointTrackingInputs, points: Sequence[_Point], before: int, now: int) -> None:
    """Bring the points from frame `before` to its neighbour `now`."""
    if world.dense_flow.cut[min(before, now)]:
        for point in points:
            point.over, point.confidence = True, 0.0
        return
    motion, camera = _motion(world.dense_flow, before, now)
    seen = [False] * len(points) if motion is None else _moved(motion, camera, points)
    for point, ok in zip(points, seen, strict=True):
        if not ok:
            point.at = _carried(camera, point.at) + point.drift
            point.hidden += 1
            point.confidence *= FADE
    view = _View.of(world, now)
    if motion is not None:
        side = 2 * PATCH_PX + 1
        share = cv2.blur(motion.valid_backward.astype(np.float32), (side, side))
        clear = sample_bilinear(share, _places(points))[0] >= CLEAR_SHARE
        _look(view, [point for point, ok, whole in zip(points, seen, clear, strict=True) if ok and whole])
    for point in points:
        if 0 < point.hidden <= LONGEST and not point.over:
            _find(view, point)


def _motion(dense_flow: DenseFlow, before: int, now: int) -> tuple[FramePairMotion | None, Points]:
    """Flow between two neighbours, None where a frame is missing, and the (3, 3) camera's motion."""
    pair = min(before, now)
    camera = dense_flow.camera(pair)
    camera = camera if now > before else np.linalg.inv(camera).astype(np.float64)
    if not dense_flow.known[pair]:
        return None, camera
    found = FramePairMotion(
        dense_flow.forward(pair), dense_flow.backward(pair), dense_flow.valid(pair), dense_flow.valid_backward(pair)
    )
    return found if now > before else found.turned, camera


def _moved(motion: FramePairMotion, camera: Points, points: Sequence[_Point]) -> list[bool]:
    """Whether each point was seen before and its flow may be trusted; those are moved along it."""
    at = _places(points)
    flow, valid = sample_bilinear(motion.forward, at)[0], sample_bilinear(motion.valid, at)[0]
    height, width = motion.valid.shape
    there = at + flow[None]
    inside = ((there >= -0.5) & (there < (width - 0.5, height - 0.5))).all(axis=2)[0]
    trust = sample_bilinear(compute_flow_trust(motion, density=False), there)[0]
    seen: list[bool] = []
    for n, point in enumerate(points):
        ok = not point.hidden and not point.over and bool(inside[n]) and float(valid[n]) >= SEEN_SHARE
        if ok:
            point.drift = point.at + flow[n] - _carried(camera, point.at)
            point.at = point.at + flow[n]
            point.confidence *= float(trust[n])
        seen.append(ok)
    return seen


def _places(points: Sequence[_Point]) -> NDArray[np.float32]:
    """(1, n, 2)."""
    return np.array([point.at for point in points], np.float32).reshape(1, -1, 2)


def _carried(camera: Points, at: Points) -> Points:
    """(2,) where a place of the background goes."""
    x, y, w = camera @ np.append(at, 1.0)
    return np.array([x / w, y / w])


@dataclass(frozen=True, eq=False)
class _View:
    """A frame as it is looked at; of a missing one nothing is known."""

    gray: GrayImage | None
    vectors: NDArray[np.float32] | None
    """(rows, columns, d) unit vectors."""
    grid: CellGrid

    @classmethod
    def of(cls, world: PointTrackingInputs, frame: int) -> _View:
        image, vectors = world.image(frame), world.features.vectors(frame)
        gray = None if image is None else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        return cls(gray, None if vectors is None else l2_normalize(vectors), world.features.metadata.grid)

    def patch(self, at: Points) -> GrayImage:
        """(13, 13) around a place, bilinear; beyond the border the nearest."""
        assert self.gray is not None
        side = 2 * PATCH_PX + 1
        return cv2.getRectSubPix(self.gray, (side, side), (float(at[0]), float(at[1]))).astype(np.uint8, copy=False)

    def vector(self, at: Points) -> NDArray[np.float32]:
        """(d,) of the cell nearest to a place."""
        assert self.vectors is not None
        column, row = np.rint(self.grid.to_cells(np.asarray(at, np.float32)[None])[0]).astype(int)
        rows, columns = self.vectors.shape[:2]
        return self.vectors[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)]


def _look(view: _View, points: Sequence[_Point]) -> None:
    """Learn what points look like, beside what they looked like when they were chosen."""
    if view.gray is None or view.vectors is None:
        return
    for point in points:
        point.patches[1:] = [view.patch(point.at)]
        point.vectors[1:] = [view.vector(point.at)]


def _find(view: _View, point: _Point) -> None:
    """See a hidden point again, where both its patch and its features are near where it may be."""
    if view.gray is None or view.vectors is None or not point.patches:
        return
    reach = int(min(REACH_PX + GROWTH_PX * point.hidden, FARTHEST_PX)) + PATCH_PX
    x, y = np.rint(point.at).astype(int).tolist()
    left, top = max(0, x - reach), max(0, y - reach)
    window = view.gray[top : max(0, y + reach + 1), left : max(0, x + reach + 1)]
    if min(window.shape) < 2 * PATCH_PX + 1:
        return
    likely = [cv2.minMaxLoc(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)) for patch in point.patches]
    _, likeness, _, (column, row) = max(likely, key=lambda found: found[1])
    at = np.array([left + column + PATCH_PX, top + row + PATCH_PX], np.float64)
    cosine = max(float(view.vector(at) @ vector) for vector in point.vectors)
    if likeness >= LIKE and cosine >= 1 - ALIKE * compute_cosine_spread(view.vectors):
        point.at, point.hidden = at, 0
        point.confidence *= likeness
