"""The state of the tracks that may still continue: one row per track in each array, oldest track first."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Floats, Indices, Points, Vectors
from tasks.geometry.bounding_boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from tasks.geometry.cell_grid import l2_normalize
from tasks.track import kalman_filter
from tasks.track.association import FrameDetections, PredictedTracks
from tasks.track.box_state import SIZE_STATE, BoxState
from tasks.track.camera_motion import linearise_homography, scale_change
from tasks.track.observation_momentum import append_observation
from tasks.track.params import TrackParams


@dataclass
class ActiveTracks:
    """Only `online_tracking` changes it, in place. Coordinates are pixels of the current frame."""

    number: Indices
    """Of the track, from 0 in order of its start, never reused."""
    mean: Floats
    """State of the Kalman filters, see `kalman_filter`."""
    covariance: Floats
    class_id: NDArray[np.int16]
    hits: Indices
    """Detections so far."""
    first_frame: Indices
    """Frame of the first detection."""
    last_frame: Indices
    """Frame of the latest detection."""
    last_detection: Indices
    """Its row in the detections artifact."""
    last_xyxy: Boxes
    """Its box."""
    recent: Floats
    """(n, k, 3) latest observations, see `observation_momentum`."""
    flow_xyxy: Boxes
    """(n, 4) that box propagated by dense flow; zeros where propagation has ended, or there is no flow."""
    embedding: Vectors
    """(n, d) moving average of appearance, unit vectors; zeros where unknown; d is 0 without pictures."""
    box: BoxState = SIZE_STATE
    """What the numbers of `mean` are; the same for all tracks."""

    @classmethod
    def from_detections(
        cls, first_number: int, frame: int, rows: Indices, seen: FrameDetections, box: BoxState = SIZE_STATE
    ) -> ActiveTracks:
        """Tracks that start with the detections `seen`, which are `rows` of the detections artifact."""
        n, measured = len(rows), xyxy_to_cxcywh(seen.xyxy)
        return cls(
            np.arange(first_number, first_number + n),
            *kalman_filter.initiate(box.from_xyxy(seen.xyxy), box),
            seen.class_id,
            np.ones(n, np.intp),
            np.full(n, frame),
            np.full(n, frame),
            rows.copy(),
            seen.xyxy.copy(),
            append_observation(frame, measured[:, :2]),
            seen.xyxy.copy(),
            seen.embedding.copy(),
            box,
        )

    @property
    def xyxy(self) -> Boxes:
        """(n, 4) boxes estimated by the filters."""
        return self.box.to_xyxy(self.mean[:, 0])

    def predict(self, homography: Floats | None = None, step: float = 1.0) -> PredictedTracks:
        """Advance all tracks by one frame, with compensation of the camera's motion where it is given.

        `step` is the time from the frame before, in usual intervals.
        """
        self.mean, self.covariance = kalman_filter.predict(self.mean, self.covariance, step, self.box)
        if homography is not None and len(self.number):
            self._compensate_camera(homography)
        state = self.mean, self.covariance
        return PredictedTracks(self.xyxy, self.last_xyxy, self.recent, self.class_id, self.embedding, state, self.box)

    def propagate_by_flow(self, step: Points, known: NDArray[np.bool_]) -> None:
        """Shift `flow_xyxy` by (n, 2) `step`; propagation ends where that is not known."""
        self.flow_xyxy = np.where(known[:, None], self.flow_xyxy + np.tile(step, 2), 0)

    def update(self, tracks: Indices, frame: int, rows: Indices, seen: FrameDetections, params: TrackParams) -> None:
        """Update `tracks` with their detections `seen`, which are `rows` of the detections artifact."""
        measured = xyxy_to_cxcywh(seen.xyxy)
        score = seen.score.astype(np.float64) if params.score_adaptive_noise else None
        filters = self.mean[tracks], self.covariance[tracks]
        state = kalman_filter.update(*filters, self.box.from_xyxy(seen.xyxy), score, self.box)
        self.mean[tracks], self.covariance[tracks] = state
        self.recent[tracks] = append_observation(frame, measured[:, :2], self.recent[tracks])
        self.hits[tracks] += 1
        self.last_frame[tracks] = frame
        self.last_detection[tracks] = rows
        self.last_xyxy[tracks] = self.flow_xyxy[tracks] = seen.xyxy
        if seen.embedding.shape[1]:
            is_reliable = seen.score >= params.high_score
            self._update_embedding(tracks, seen.embedding, is_reliable, params.appearance_memory)

    def keep_tracks(self, wanted: NDArray[np.bool_]) -> None:
        """Remove the tracks for which (n,) `wanted` is false."""
        if not wanted.all():
            for name in self._array_names():
                setattr(self, name, getattr(self, name)[wanted])

    def append_tracks(self, others: ActiveTracks) -> None:
        """Append the rows of `others`."""
        for name in self._array_names():
            setattr(self, name, np.concatenate([getattr(self, name), getattr(others, name)]))

    def _array_names(self) -> list[str]:
        return [field.name for field in fields(self) if field.name != "box"]

    def _compensate_camera(self, homography: Floats) -> None:
        self.mean, self.covariance = kalman_filter.compensate_camera(
            self.mean, self.covariance, *linearise_homography(homography, self.mean[:, 0, :2]), self.box
        )
        last = xyxy_to_cxcywh(self.last_xyxy)
        centre, jacobian = linearise_homography(homography, last[:, :2])
        self.last_xyxy = cxcywh_to_xyxy(np.concatenate([centre, last[:, 2:] * scale_change(jacobian)[:, None]], axis=1))
        n, k, _ = self.recent.shape
        self.recent[:, :, 1:] = linearise_homography(homography, self.recent[:, :, 1:].reshape(-1, 2))[0].reshape(
            n, k, 2
        )

    def _update_embedding(self, tracks: Indices, new: Vectors, is_reliable: NDArray[np.bool_], memory: float) -> None:
        """Exponential moving average, as in BoT-SORT; low-scoring detections are left out as unreliable."""
        known = is_reliable & new.any(axis=1)
        tracks, new, before = tracks[known], new[known], self.embedding[tracks[known]]
        share = np.where(before.any(axis=1), memory, 0).astype(np.float32)[:, None]
        self.embedding[tracks] = l2_normalize(share * before + (1 - share) * new)
