# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# The package is optional.
"""DeepSORT of the package `deep-sort-realtime` 1.3.2 on given embeddings, and each choice in which ours differs.

As in reference_trackers.py, every choice (reference_choices.py) is a small override of the reference.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from deep_sort_realtime.deep_sort.detection import Detection
from deep_sort_realtime.deep_sort.iou_matching import iou
from deep_sort_realtime.deep_sort.nn_matching import NearestNeighborDistanceMetric
from deep_sort_realtime.deep_sort.track import Track, TrackState
from deep_sort_realtime.deep_sort.tracker import Tracker

from tasks.artifacts.detections import Detections
from tasks.track import kalman_filter
from tasks.track.association import CHI2_95_4DOF, MAX_OVERLAP_GAIN
from tasks.track.box_state import SIZE_STATE
from tasks.track.linear_assignment import solve_assignment
from tasks.track.online_tracking import TENTATIVE_MAX_GAP
from tasks.track.tracker_presets import PRESETS
from tests.evaluate.preset_scenes import APPEARANCE_MEMORY, Identities

PRESET = PRESETS["deepsort"]


class SizeFilter:
    """Our filter in the form of the package's: the mean as (2, 4), with width in place of the aspect ratio."""

    def initiate(self, xyah: np.ndarray) -> Any:
        mean, covariance = kalman_filter.initiate(_size_of(xyah[None]))
        return mean[0], covariance[0]

    def predict(self, mean: np.ndarray, covariance: np.ndarray) -> Any:
        moved, spread = kalman_filter.predict(mean[None], covariance[None])
        return moved[0], spread[0]

    def update(self, mean: np.ndarray, covariance: np.ndarray, xyah: np.ndarray) -> Any:
        corrected, reduced = kalman_filter.update(mean[None], covariance[None], _size_of(xyah[None]))
        return corrected[0], reduced[0]

    def gating_distance(self, mean: np.ndarray, covariance: np.ndarray, xyah: np.ndarray, _: Any = False) -> Any:
        return kalman_filter.mahalanobis_distance(mean[None], covariance[None], _size_of(xyah))[0]


def run_deepsort(detections: Detections, embeddings: np.ndarray, choices: Collection[str]) -> Identities:
    """Rows of each track from the third detection on, with those of its CHOICES that are named."""

    class OurTrack(Track):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.average = _normalise(self.features[0])

        def update(self, kf: Any, detection: Any) -> None:
            super().update(kf, detection)
            new = APPEARANCE_MEMORY * self.average + (1 - APPEARANCE_MEMORY) * _normalise(detection.feature)
            self.average = _normalise(new)

        def mark_missed(self) -> None:
            if "tentative" in choices and self.is_tentative() and self.time_since_update <= TENTATIVE_MAX_GAP:
                return
            super().mark_missed()

        def to_ltwh(self, *_: Any, **__: Any) -> np.ndarray:
            if "filter" not in choices:
                return super().to_ltwh()
            x1, y1, x2, y2 = SIZE_STATE.to_xyxy(self.mean[:1])[0]
            return np.array([x1, y1, x2 - x1, y2 - y1])

    class OurMetric(NearestNeighborDistanceMetric):
        def distance(self, features: np.ndarray, targets: Any) -> np.ndarray:
            if "gallery" not in choices:
                return super().distance(features, targets)
            averages = {track.track_id: track.average for track in tracker.tracks}
            return np.array([[1 - averages[target] @ _normalise(one) for one in features] for target in targets])

    class OurTracker(Tracker):
        def _match(self, detections: Any) -> Any:
            if "one assignment" not in choices or not detections or not self.tracks:
                return super()._match(detections)
            boxes, xyah = np.array([one.ltwh for one in detections]), np.array([one.to_xyah() for one in detections])
            overlap = np.array([iou(track.to_ltwh(), boxes) for track in self.tracks])
            gate = [self.kf.gating_distance(track.mean, track.covariance, xyah) for track in self.tracks]
            ids = [track.track_id for track in self.tracks]
            distance = self._appearance_distance(np.array([one.feature for one in detections]), ids)
            alike = (distance < self.metric.matching_threshold) & (np.array(gate) <= CHI2_95_4DOF)
            gain = np.where(alike, MAX_OVERLAP_GAIN + 1 - distance, overlap - (1 - self.max_iou_distance))
            rows, columns = solve_assignment(gain)
            free = [
                np.setdiff1d(np.arange(n), taken).tolist() for n, taken in zip(gain.shape, (rows, columns), strict=True)
            ]
            return list(zip(rows.tolist(), columns.tolist(), strict=True)), *free

        def _appearance_distance(self, features: np.ndarray, ids: Any) -> np.ndarray:
            """Tentative tracks are not in the gallery yet: their own embeddings stand for it."""
            for track in self.tracks:
                if track.is_tentative():
                    self.metric.samples[track.track_id] = list(track.features)
            return self.metric.distance(features, ids)

    metric = OurMetric("cosine", PRESET["appearance_max_distance"])
    tracker = OurTracker(metric, 1 - PRESET["min_iou"], 30, PRESET["n_init"], OurTrack)
    if "filter" in choices:
        tracker.kf = SizeFilter()
    usable = detections.score >= (PRESET["high_score"] if "threshold" in choices else 0)
    found: dict[str, list[int]] = {}
    for frame in range(detections.frame_count):
        rows = np.flatnonzero((detections.frame == frame) & usable).tolist()
        tracker.predict()
        tracker.update([_describe(detections, embeddings, row) for row in rows])
        for track in tracker.tracks:
            if track.state == TrackState.Confirmed and track.time_since_update == 0:
                found.setdefault(track.track_id, []).append(int(track.others))
    return {tuple(rows) for rows in found.values()}


def _describe(detections: Detections, embeddings: np.ndarray, row: int) -> Any:
    x1, y1, x2, y2 = detections.xyxy[row].astype(np.float64)
    return Detection([x1, y1, x2 - x1, y2 - y1], detections.score[row], embeddings[row], others=row)


def _size_of(xyah: np.ndarray) -> np.ndarray:
    size = np.asarray(xyah, np.float64).copy()
    size[:, 2] *= size[:, 3]
    return size


def _normalise(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
