"""The trackers SORT and OC-SORT of the package `trackers` 2.6.1, and each choice in which ours differ, one by one.

Every choice (reference_choices.py) is a small override of the reference. With all of them it gives the identities of
our preset; with one left out, on some detections, others. The module needs that package (extra `peers`); what it gave,
and deep-sort-realtime, is kept in `reference_identities.json`, for tests without them: `python -m
tests.evaluate.reference_trackers` writes that file.
"""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# The package is optional.
from __future__ import annotations

import json
from collections.abc import Callable, Collection
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import supervision
from trackers import OCSORTTracker, SORTTracker
from trackers.core.ocsort.tracklet import OCSORTTracklet
from trackers.core.sort import tracker as sort_module
from trackers.core.sort.tracklet import SORTTracklet

from tasks.artifacts.detections import Detections
from tasks.track import kalman_filter
from tasks.track.association import MIN_GATED_GAIN
from tasks.track.box_state import SIZE_STATE
from tasks.track.kalman_filter import FilterState
from tasks.track.linear_assignment import solve_assignment
from tasks.track.observation_momentum import append_observation, direction_consistency
from tasks.track.online_tracking import TENTATIVE_MAX_GAP
from tasks.track.tracker_presets import PRESETS
from tests.evaluate.preset_scenes import Identities, make_throng, make_throng_embeddings
from tests.evaluate.reference_choices import CHOICES

N_INIT = 3
ANSWERS = Path(__file__).with_name("reference_identities.json")


class SizeFilter:
    """Our filter of one box in the form of the package's state estimators."""

    def __init__(self, bbox: np.ndarray) -> None:
        self.state: FilterState = kalman_filter.initiate(_measure(bbox))
        self.kf = self

    def predict(self, frame_step: float = 1.0, frame_rate: float | None = None) -> None:
        del frame_step, frame_rate
        mean, covariance = self.state
        self.state = kalman_filter.predict(mean, covariance)

    def update(self, bbox: np.ndarray) -> None:
        mean, covariance = self.state
        self.state = kalman_filter.update(mean, covariance, _measure(bbox))

    def state_to_bbox(self) -> np.ndarray:
        return SIZE_STATE.to_xyxy(self.state[0][:, 0])[0]

    def get_state(self) -> FilterState:
        return self.state

    def set_state(self, state: FilterState) -> None:
        self.state = state


def run_sort(detections: Detections, choices: Collection[str]) -> Identities:
    """Rows of each track of SORT from the third detection on, with those of its CHOICES that are named."""

    class Tracklet(SORTTracklet):
        def _configure_noise(self) -> None:
            if "filter" not in choices:
                super()._configure_noise()

    class Tracker(SORTTracker):
        def _get_associated_indices(self, iou_matrix: np.ndarray, detection_boxes: np.ndarray) -> Any:
            if "assignment" not in choices:
                return super()._get_associated_indices(iou_matrix, detection_boxes)
            return _associate(iou_matrix.reshape(len(self.tracks), len(detection_boxes)), self.minimum_iou_threshold, 0)

        def _spawn_new_tracklets(self, confidences: Any, detection_boxes: Any, unmatched_detections: Any) -> None:
            kind: Any = SizeFilter if "filter" in choices else self.state_estimator_class
            threshold = 0 if "threshold" in choices else self.track_activation_threshold
            good = [i for i in unmatched_detections if confidences[i] >= threshold]
            self.tracks += [Tracklet(detection_boxes[i], state_estimator_class=kind) for i in good]

    def survive(tracklets: Any, minimum: int, max_frames: int, max_time: Any = None) -> Any:
        is_tentative_kept = TENTATIVE_MAX_GAP if "tentative" in choices else 0
        return [
            one
            for one in published(tracklets, 0, max_frames, max_time)
            if one.number_of_successful_updates >= minimum or one.time_since_update <= is_tentative_kept
        ]

    published = sort_module._get_alive_tracklets
    buffer = {"lost_track_buffer": 1} if "lifetime" in choices else {}
    tracker = Tracker(minimum_consecutive_frames=N_INIT, **buffer)
    sort_module._get_alive_tracklets = survive
    try:
        return _run(tracker.update, detections)
    finally:
        sort_module._get_alive_tracklets = published


def run_ocsort(detections: Detections, choices: Collection[str]) -> Identities:
    """Rows of each track of OC-SORT that it gives out, with those of its CHOICES that are named."""

    class Tracklet(OCSORTTracklet):
        def __init__(self, bbox: np.ndarray, kind: Any) -> None:
            self.hits, self.recent = 1, append_observation(0, _centre(bbox))
            super().__init__(bbox, kind)

        def _configure_noise(self) -> None:
            if "filter" not in choices:
                super()._configure_noise()

        def _freeze(self) -> None:
            if "re-update" not in choices:
                super()._freeze()

        def update(self, bbox: np.ndarray, *timing: Any) -> None:
            super().update(bbox, *timing)
            self.hits += 1
            self.recent = append_observation(self.age, _centre(bbox), self.recent)

        def resolve_tracker_id(self, minimum: int, frame_count: int, allocate_tracker_id: Callable[[], int]) -> int:
            if "shown" not in choices:
                return super().resolve_tracker_id(minimum, frame_count, allocate_tracker_id)
            self.tracker_id = allocate_tracker_id() if self.tracker_id == -1 else self.tracker_id
            return self.tracker_id

    class Tracker(OCSORTTracker):
        def _get_associated_indices(self, iou_matrix: np.ndarray, direction_consistency_matrix: Any) -> Any:
            if "assignment" not in choices:
                return super()._get_associated_indices(iou_matrix, direction_consistency_matrix)
            bonus = self.direction_consistency_weight * direction_consistency_matrix
            return _associate(iou_matrix, self.minimum_iou_threshold, bonus)

        def _spawn_new_tracklets(self, boxes: np.ndarray) -> None:
            kind = SizeFilter if "filter" in choices else self.state_estimator_class
            self.tracks += [Tracklet(box, kind) for box in boxes]

        def _prune_expired_tracklets(self, timing: Any) -> Any:
            kept: Any = super()._prune_expired_tracklets(timing)
            if "tentative" not in choices:
                return kept
            return [one for one in kept if one.hits >= N_INIT or one.time_since_update <= TENTATIVE_MAX_GAP]

        def _compute_direction_consistency_matrix(self, detection_boxes: np.ndarray, confidences: np.ndarray) -> Any:
            if "momentum" not in choices or not self.tracks:
                return super()._compute_direction_consistency_matrix(detection_boxes, confidences)
            recent = np.concatenate([one.recent for one in self.tracks])
            return direction_consistency(recent, _centre(detection_boxes)) * confidences

    score = {"high_conf_det_threshold": PRESETS["ocsort"]["high_score"]} if "threshold" in choices else {}
    found = _run(Tracker(minimum_consecutive_frames=N_INIT, **score).update, detections)
    return {rows for rows in found if len(rows) >= N_INIT - 1} if "shown" in choices else found


RUNNERS = {"sort": run_sort, "ocsort": run_ocsort}


def main() -> None:
    """Write `reference_identities.json`."""
    from tests.evaluate.reference_deepsort import run_deepsort

    throng = make_throng()
    answers = {name: sorted(run(throng, CHOICES[name])) for name, run in RUNNERS.items()}
    answers["deepsort"] = sorted(run_deepsort(throng, make_throng_embeddings(), CHOICES["deepsort"]))
    # A line for each track.
    text = json.dumps({name: [str(list(track)) for track in rows] for name, rows in answers.items()}, indent=1)
    ANSWERS.write_text(text.replace('"[', "[").replace(']"', "]") + "\n", encoding="utf-8")


def _run(update: Callable[[Any], Any], detections: Detections) -> Identities:
    """Rows of the detections of each track that the tracker gives out."""
    bounds = np.searchsorted(detections.frame, np.arange(detections.frame_count + 1))
    found: dict[int, list[int]] = {}
    for first, last in pairwise(bounds.tolist()):
        rows = np.arange(first, last)
        given = update(
            supervision.Detections(
                xyxy=detections.xyxy[rows].astype(np.float64),
                confidence=detections.score[rows].astype(np.float64),
                class_id=rows.astype(np.int64),
            )
        )
        for track, row in zip(given.tracker_id, given.class_id, strict=True):
            if track >= 0:
                found.setdefault(int(track), []).append(int(row))
    return {tuple(sorted(rows)) for rows in found.values()}


def _associate(overlap: np.ndarray, min_iou: float, bonus: Any) -> tuple[list[Any], list[int], list[int]]:
    gain = overlap - min_iou
    rows, columns = solve_assignment(np.where(gain > 0, np.maximum(gain + bonus, MIN_GATED_GAIN), 0))
    free = [np.setdiff1d(np.arange(n), taken).tolist() for n, taken in zip(gain.shape, (rows, columns), strict=True)]
    return list(zip(rows.tolist(), columns.tolist(), strict=True)), free[0], free[1]


def _measure(bbox: np.ndarray) -> np.ndarray:
    return SIZE_STATE.from_xyxy(np.asarray(bbox, np.float64).reshape(1, 4))


def _centre(boxes: np.ndarray) -> np.ndarray:
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return (boxes[:, :2] + boxes[:, 2:]) / 2


if __name__ == "__main__":
    main()
