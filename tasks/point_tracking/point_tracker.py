"""Tracking of chosen points through a video: chained dense flow while visible, re-detection by appearance after an
occlusion.

Chained flow loses a point at its first occlusion (Harley et al., "Particle Video Revisited", ECCV 2022). Here a hidden
point is extrapolated: camera motion plus its own last velocity. Around that position its image patch is searched by
normalised cross-correlation, and a match is accepted if the deep features agree as well. Difference from the paper:
nothing is trained, and each point is tracked independently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import GrayImage, Image, Matrix, Points, Points32
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import FeatureGrids
from tasks.geometry.cell_grid import CellGrid
from tasks.label_propagation.memory_bank import compute_cosine_spread
from tasks.sequence.flow_trajectory import compute_flow_trust, sample_bilinear
from tasks.sequence.frame_pair_motion import FramePairMotion

PATCH_RADIUS_PX = 6  # 13 x 13 patches, as in block matching
MIN_VALID_SHARE = 0.5  # bilinear share of valid flow at a point for it to count as visible
MIN_CLEAR_SHARE = 0.95  # share of valid flow in a patch for it to update the point's appearance
MIN_CORRELATION = 0.8  # normalised correlation of patches of the same point; others of a street reach .6
MAX_COSINE_DROP = 0.5  # cosine below 1 for the same point, in units of the frame's cosine spread
SEARCH_PX, GROWTH_PX, MAX_SEARCH_PX = 8.0, 1.5, 48.0  # search radius: at first, growth per hidden frame, at most
HIDDEN_DECAY = 0.95  # of the confidence per hidden frame
MAX_HIDDEN_FRAMES = 90  # after which a point is no longer searched for: three seconds


@dataclass(frozen=True, eq=False)
class PointTrackingInputs:
    """Flow, features and images of a video, at working size."""

    dense_flow: DenseFlow
    features: FeatureGrids
    image: Callable[[int], Image | None]
    """The image of a frame; None where it is missing."""
    boundary: NDArray[np.bool_]
    """(t - 1,) whether a shot begins between each frame and the next: no point goes beyond it."""


@dataclass(frozen=True, eq=False)
class PointTracks:
    """(t, n, ...) tracks of n points over t frames."""

    positions: Points32
    """(t, n, 2) x, y; extrapolated where a point is hidden."""
    visible: NDArray[np.bool_]
    """(t, n)."""
    confidence: NDArray[np.float32]
    """(t, n) 0..1; 1 in the frame in which the point was chosen."""

    @classmethod
    def empty(cls, frames: int, points: int) -> PointTracks:
        """Tracks to be filled: zeros, not visible."""
        shape = frames, points
        return cls(np.zeros((*shape, 2), np.float32), np.zeros(shape, np.bool_), np.zeros(shape, np.float32))


@dataclass
class _TrackedPoint:
    """State of one point."""

    position: Points
    """(2,)."""
    velocity: Points = field(default_factory=lambda: np.zeros(2))
    """(2,) px a frame, relative to the camera's motion, when it was last visible."""
    confidence: float = 1.0
    hidden: int = 0
    """Frames since it was visible."""
    patches: list[GrayImage] = field(default_factory=list["GrayImage"])
    """Its appearance when it was chosen, and when it was last clearly visible."""
    vectors: list[NDArray[np.float32]] = field(default_factory=list[NDArray[np.float32]])
    """Its features at those times."""
    is_ended: bool = False
    """Whether the end of its shot ended it."""


def track_points(inputs: PointTrackingInputs, frame: int, points: NDArray[Any], length: int) -> PointTracks:
    """Tracks of (n, 2) points of `frame` in frames 0..length - 1, forwards and backwards from there."""
    tracks = PointTracks.empty(length, len(points))
    for frames in (range(frame, length), range(frame, -1, -1)):
        states = [_TrackedPoint(np.asarray(point, np.float64)) for point in points]
        _update_appearance(_FrameView.of(inputs, frame), states)
        for now in frames:
            if now != frame:
                _track_step(inputs, states, now - frames.step, now)
            tracks.positions[now] = [point.position for point in states]
            tracks.visible[now] = [not point.hidden and not point.is_ended for point in states]
            tracks.confidence[now] = [point.confidence for point in states]
    return tracks


def _track_step(inputs: PointTrackingInputs, points: Sequence[_TrackedPoint], before: int, now: int) -> None:
    """Advance the points from frame `before` to its neighbour `now`."""
    if inputs.boundary[min(before, now)]:
        for point in points:
            point.is_ended, point.confidence = True, 0.0
        return
    motion, camera = _read_motion(inputs.dense_flow, before, now)
    tracked = [False] * len(points) if motion is None else _advance_visible(motion, camera, points)
    for point, ok in zip(points, tracked, strict=True):
        if not ok:
            point.position = _apply_camera(camera, point.position) + point.velocity
            point.hidden += 1
            point.confidence *= HIDDEN_DECAY
    view = _FrameView.of(inputs, now)
    if motion is not None:
        side = 2 * PATCH_RADIUS_PX + 1
        share = cv2.blur(motion.valid_backward.astype(np.float32), (side, side))
        clear = sample_bilinear(share, _stack_positions(points))[0] >= MIN_CLEAR_SHARE
        _update_appearance(
            view, [point for point, ok, whole in zip(points, tracked, clear, strict=True) if ok and whole]
        )
    for point in points:
        if 0 < point.hidden <= MAX_HIDDEN_FRAMES and not point.is_ended:
            _redetect(view, point)


def _read_motion(dense_flow: DenseFlow, before: int, now: int) -> tuple[FramePairMotion | None, Matrix]:
    """Flow between two neighbours, None where a frame is missing, and the (3, 3) homography of the camera's motion."""
    pair = min(before, now)
    camera = dense_flow.camera(pair)
    camera = camera if now > before else np.linalg.inv(camera).astype(np.float64)
    if not dense_flow.known[pair]:
        return None, camera
    found = FramePairMotion(
        dense_flow.forward(pair), dense_flow.backward(pair), dense_flow.valid(pair), dense_flow.valid_backward(pair)
    )
    return found if now > before else found.reversed, camera


def _advance_visible(motion: FramePairMotion, camera: Matrix, points: Sequence[_TrackedPoint]) -> list[bool]:
    """Advance the points that were visible and have valid flow; whether each was."""
    at = _stack_positions(points)
    flow, valid = sample_bilinear(motion.forward, at)[0], sample_bilinear(motion.valid, at)[0]
    height, width = motion.valid.shape
    there = at + flow[None]
    inside = ((there >= -0.5) & (there < (width - 0.5, height - 0.5))).all(axis=2)[0]  # noqa: PLR2004  half a pixel beyond the outermost centres
    trust = sample_bilinear(compute_flow_trust(motion, density=False), there)[0]
    tracked: list[bool] = []
    for n, point in enumerate(points):
        ok = not point.hidden and not point.is_ended and bool(inside[n]) and float(valid[n]) >= MIN_VALID_SHARE
        if ok:
            point.velocity = point.position + flow[n] - _apply_camera(camera, point.position)
            point.position = point.position + flow[n]
            point.confidence *= float(trust[n])
        tracked.append(ok)
    return tracked


def _stack_positions(points: Sequence[_TrackedPoint]) -> Points32:
    """(1, n, 2)."""
    return np.array([point.position for point in points], np.float32).reshape(1, -1, 2)


def _apply_camera(camera: Matrix, at: Points) -> Points:
    """(2,) a background position after the camera's motion."""
    x, y, w = camera @ np.append(at, 1.0)
    return np.array([x / w, y / w])


@dataclass(frozen=True, eq=False)
class _FrameView:
    """Image and features of a frame; None where it is missing."""

    gray: GrayImage | None
    vectors: NDArray[np.float32] | None
    """(rows, columns, d) unit vectors."""
    grid: CellGrid

    @classmethod
    def of(cls, inputs: PointTrackingInputs, frame: int) -> _FrameView:
        image, vectors = inputs.image(frame), inputs.features.vectors(frame)
        gray = None if image is None else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        return cls(gray, vectors, inputs.features.metadata.grid)

    def cut_patch(self, at: Points) -> GrayImage:
        """(13, 13) around a position, bilinear; beyond the border the nearest."""
        assert self.gray is not None
        side = 2 * PATCH_RADIUS_PX + 1
        return cv2.getRectSubPix(self.gray, (side, side), (float(at[0]), float(at[1]))).astype(np.uint8, copy=False)

    def nearest_vector(self, at: Points) -> NDArray[np.float32]:
        """(d,) of the cell nearest to a position."""
        assert self.vectors is not None
        column, row = np.rint(self.grid.to_cells(np.asarray(at, np.float32)[None])[0]).astype(int)
        rows, columns = self.vectors.shape[:2]
        return self.vectors[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)]


def _update_appearance(view: _FrameView, points: Sequence[_TrackedPoint]) -> None:
    """Set the initial patch and features of points without any; of others replace the latest ones (index 1)."""
    if view.gray is None or view.vectors is None:
        return
    for point in points:
        point.patches[1:] = [view.cut_patch(point.position)]
        point.vectors[1:] = [view.nearest_vector(point.position)]


def _redetect(view: _FrameView, point: _TrackedPoint) -> None:
    """Make a hidden point visible again where both its patch and its features match near its expected position."""
    if view.gray is None or view.vectors is None or not point.patches:
        return
    reach = int(min(SEARCH_PX + GROWTH_PX * point.hidden, MAX_SEARCH_PX)) + PATCH_RADIUS_PX
    x, y = np.rint(point.position).astype(int).tolist()
    left, top = max(0, x - reach), max(0, y - reach)
    window = view.gray[top : max(0, y + reach + 1), left : max(0, x + reach + 1)]
    if min(window.shape) < 2 * PATCH_RADIUS_PX + 1:
        return
    matches = [cv2.minMaxLoc(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)) for patch in point.patches]
    _, correlation, _, (column, row) = max(matches, key=lambda found: found[1])
    at = np.array([left + column + PATCH_RADIUS_PX, top + row + PATCH_RADIUS_PX], np.float64)
    cosine = max(float(view.nearest_vector(at) @ vector) for vector in point.vectors)
    if correlation >= MIN_CORRELATION and cosine >= 1 - MAX_COSINE_DROP * compute_cosine_spread(view.vectors):
        point.position, point.hidden = at, 0
        point.confidence *= correlation
