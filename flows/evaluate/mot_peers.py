"""Trackers of other packages on the same detections, in the same run: `semflow eval mot --peers`.

They are those of the packages `trackers` (Roboflow, Apache-2.0; `pip install semflow[peers]`) and `boxmot` (AGPL-3.0;
in a separate environment, as it needs other versions), whichever can be imported. Each has its authors' defaults and
uses motion alone, since there are no pictures. They get scores as published, because their thresholds are set for the
scale of detectors like those. A track's rows are those that the tracker returns frame by frame.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from functools import partial
from typing import Any

import numpy as np

from flows.evaluate.motchallenge import MotSequence, TrackEvalResult, evaluate_tracks
from tasks.arrays import Boxes
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import INTERPOLATED, Tracks
from tasks.errors import BadInput

FrameTracker = Callable[[Detections], Boxes]
"""Detections of the next frame to (n, 6) rows: track, x1, y1, x2, y2, score."""
TrackerFactory = Callable[[int, int], FrameTracker]
"""(height, width) of a video to a new tracker for it."""
TRACKERS: Mapping[str, Mapping[str, Any]] = {
    "SORTTracker": {},
    "ByteTrackTracker": {},
    "OCSORTTracker": {},
    "CBIoUTracker": {},
    "BoTSORTTracker": {"enable_cmc": False},
}
"""Class of the package `trackers` to the arguments that differ from its defaults."""
WITHOUT_PICTURES: Mapping[str, Any] = {"use_cmc": False, "use_embeddings": False}
BOXMOT: Mapping[str, Mapping[str, Any]] = {
    "ByteTrack": {},
    "OcSort": {},
    "BotSort": WITHOUT_PICTURES,
    "BoostTrack": WITHOUT_PICTURES,
    "OccluBoost": WITHOUT_PICTURES,
    "SFSORT": {},
}
"""The same for `boxmot`."""
PACKAGES: Mapping[str, str] = {
    "trackers": "pip install 'semflow[peers]'",
    "boxmot": "pip install boxmot, in an environment of its own",
}
"""Package to how it is installed."""


def find_installed_peers() -> dict[str, TrackerFactory]:
    """Name to the factory of a tracker of `trackers` and `boxmot`, as far as these packages are installed."""
    return _find_trackers_package() | _find_boxmot_package()


def find_peers() -> dict[str, TrackerFactory]:
    """The same; BadInput where neither package is installed."""
    found = find_installed_peers()
    if not found:
        raise BadInput(
            "--peers must have the package trackers or boxmot installed, got neither; pip install 'semflow[peers]'"
        )
    return found


def run_peer(sequence: MotSequence, make: TrackerFactory) -> tuple[TrackEvalResult, float]:
    """TrackEval's result on a peer's tracks of one sequence, and the seconds that tracking took."""
    tracks, seconds = track_with_peer(sequence.detections(as_published=True), make)
    return evaluate_tracks(sequence, tracks), seconds


def track_with_peer(detections: Detections, make: TrackerFactory) -> tuple[Tracks, float]:
    """A peer's tracks of a video, and the seconds that they took."""
    bounds = np.searchsorted(detections.frame, np.arange(detections.frame_count + 1))
    frames = [detections.take(np.arange(*bounds[frame : frame + 2])) for frame in range(detections.frame_count)]
    track_frame = make(detections.height, detections.width)
    start = time.perf_counter()
    rows = [track_frame(here) for here in frames]
    seconds = time.perf_counter() - start
    return build_tracks(rows, detections), seconds


def build_tracks(rows: Many[Boxes], detections: Detections) -> Tracks:
    """The tracks artifact from (n, 6) rows of each frame; tracks are numbered from 1 in order of appearance."""
    facts: dict[str, Any] = {
        "frame_count": detections.frame_count,
        "width": detections.width,
        "height": detections.height,
    }
    table = np.concatenate([np.empty((0, 6)), *rows])
    if not len(table):
        return Tracks.empty(**facts)
    frame = np.repeat(np.arange(len(rows)), [len(here) for here in rows])
    _, first, name = np.unique(table[:, 0], return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))[name] + 1
    order = np.lexsort((number, frame))
    corners = np.sort(table[order, 1:5].reshape(-1, 2, 2), axis=1).reshape(-1, 4).astype(np.float32)
    return Tracks(
        frame=frame[order].astype(np.int32),
        track_id=number[order].astype(np.int32),
        class_id=np.zeros(len(table), np.int16),
        class_name=np.full(len(table), "person", object),
        score=np.clip(table[order, 5], 0, 1).astype(np.float32),
        x1=corners[:, 0],
        y1=corners[:, 1],
        x2=corners[:, 2],
        y2=corners[:, 3],
        detection=np.full(len(table), INTERPOLATED, np.int32),
        **facts,
    )


def _find_trackers_package() -> dict[str, TrackerFactory]:
    package, supervision = _import_optional("trackers"), _import_optional("supervision")
    if package is None or supervision is None:
        return {}

    def make(kind: Any, changes: Mapping[str, Any], height: int, width: int) -> FrameTracker:
        del height, width
        tracker = kind(**changes)

        def step(here: Detections) -> Boxes:
            boxes = supervision.Detections(
                xyxy=here.xyxy, confidence=here.score, class_id=here.class_id.astype(np.int64)
            )
            given = tracker.update(boxes)
            names = np.full(0, -1) if given.tracker_id is None else np.asarray(given.tracker_id)
            sure = np.flatnonzero(names >= 0)
            return np.column_stack([names[sure], given.xyxy[sure], given.confidence[sure]]).astype(np.float64)

        return step

    there = {name: getattr(package, name) for name in TRACKERS if hasattr(package, name)}
    return {f"trackers {name}": partial(make, kind, TRACKERS[name]) for name, kind in there.items()}


def _find_boxmot_package() -> dict[str, TrackerFactory]:
    package = _import_optional("boxmot")
    if package is None:
        return {}

    def make(kind: Any, changes: Mapping[str, Any], height: int, width: int) -> FrameTracker:
        tracker, black = kind(**changes), np.zeros((height, width, 3), np.uint8)

        def step(here: Detections) -> Boxes:
            given = np.asarray(tracker.update(np.column_stack([here.xyxy, here.score, here.class_id]), black))
            given = given.reshape(-1, given.shape[-1] if given.size else 8)
            return given[:, [4, 0, 1, 2, 3, 5]].astype(np.float64)

        return step

    there = {name: getattr(package, name) for name in BOXMOT if hasattr(package, name)}
    return {f"boxmot {name}": partial(make, kind, BOXMOT[name]) for name, kind in there.items()}


def _import_optional(name: str) -> Any:
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
