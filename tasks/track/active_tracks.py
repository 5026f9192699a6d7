"""The tracks that may still go on, a row each of the same arrays, oldest first."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Indices
from tasks.geometry.bounding_boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from tasks.geometry.cell_grid import l2_normalize
from tasks.track import kalman_filter
from tasks.track.association import FrameDetections, PredictedTracks
from tasks.track.camera_motion import linearise_homography, scale_change
from tasks.track.observation_momentum import append_observation

if TYPE_CHECKING:
    from tasks.track.params import TrackParams


@dataclass
class ActiveTracks:
    """What is known of each; `follow` alone changes them, in place. Places are in the pixels of the current frame."""

    name: Indices
    """Number of the track, never reused."""
    mean: Floats
    covariance: Floats
    class_id: NDArray[np.int16]
    hits: Indices
    """Detections so far."""
    last_frame: Indices
    """Frame of the latest detection."""
    last_row: Indices
    """Its row in the detections artifact."""
    last_xyxy: Floats
    """Its box."""
    recent: Floats
    """(n, k, 3) latest observations, see `motion`."""
    held: Floats
    """(n, 4) that box carried on by dense flow; all zeros where flow has lost it, or there is none."""
    look: NDArray[np.float32]
    """(n, d) unit vectors of how each looks, over time; zeros where that is not known; d is 0 without pictures."""

    @classmethod
    def born(cls, first_name: int, frame: int, rows: Indices, seen: FrameDetections) -> ActiveTracks:
        """Tracks that begin with what is `seen`, rows of the detections artifact."""
        n, measured = len(rows), xyxy_to_cxcywh(seen.xyxy)
        return cls(
            np.arange(first_name, first_name + n),
            *kalman_filter.initiate(measured),
            seen.class_id,
            np.ones(n, np.intp),
            np.full(n, frame),
            rows.copy(),
            seen.xyxy.copy(),
            append_observation(frame, measured[:, :2]),
            seen.xyxy.copy(),
            seen.look.copy(),
        )

    @property
    def xyxy(self) -> Floats:
        """(n, 4) where the filters have them."""
        return cxcywh_to_xyxy(self.mean[:, 0])

    def predict(self, homography: Floats | None = None) -> PredictedTracks:
        """Carry all tracks one frame on, and along with the camera where its motion is given."""
        self.mean, self.covariance = kalman_filter.predict(self.mean, self.covariance)
        if homography is not None and len(self.name):
            self._move(homography)
        state = self.mean, self.covariance
        return PredictedTracks(self.xyxy, self.last_xyxy, self.recent, self.class_id, self.look, state)

    def hold(self, step: Floats, known: NDArray[np.bool_]) -> None:
        """Carry the boxes held by (n, 2) `step`, or lose them where that is not known."""
        self.held = np.where(known[:, None], self.held + np.tile(step, 2), 0)

    def correct(self, tracks: Indices, frame: int, rows: Indices, seen: FrameDetections, params: TrackParams) -> None:
        """Let `tracks` have seen what is `seen`, rows of the detections artifact."""
        measured = xyxy_to_cxcywh(seen.xyxy)
        score = seen.score.astype(np.float64) if params.score_noise else None
        state = kalman_filter.update(self.mean[tracks], self.covariance[tracks], measured, score)
        self.mean[tracks], self.covariance[tracks] = state
        self.recent[tracks] = append_observation(frame, measured[:, :2], self.recent[tracks])
        self.hits[tracks] += 1
        self.last_frame[tracks] = frame
        self.last_row[tracks] = rows
        self.last_xyxy[tracks] = self.held[tracks] = seen.xyxy
        if seen.look.shape[1]:
            self._look(tracks, seen.look, seen.score >= params.high_score, params.appearance_memory)

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Let go of the others."""
        if not wanted.all():
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[wanted])

    def add(self, others: ActiveTracks) -> None:
        """Append the rows of `others`."""
        for field in fields(self):
            setattr(self, field.name, np.concatenate([getattr(self, field.name), getattr(others, field.name)]))

    def _move(self, homography: Floats) -> None:
        self.mean, self.covariance = kalman_filter.compensate_camera(
            self.mean, self.covariance, *linearise_homography(homography, self.mean[:, 0, :2])
        )
        box = xyxy_to_cxcywh(self.last_xyxy)
        place, turn = linearise_homography(homography, box[:, :2])
        self.last_xyxy = cxcywh_to_xyxy(np.concatenate([place, box[:, 2:] * scale_change(turn)[:, None]], axis=1))
        n, k, _ = self.recent.shape
        self.recent[:, :, 1:] = linearise_homography(homography, self.recent[:, :, 1:].reshape(-1, 2))[0].reshape(
            n, k, 2
        )

    def _look(self, tracks: Indices, now: NDArray[np.float32], sure: NDArray[np.bool_], memory: float) -> None:
        """A moving average, as in BoT-SORT; what the detector is unsure of says little about anyone's look."""
        known = sure & now.any(axis=1)
        tracks, now, before = tracks[known], now[known], self.look[tracks[known]]
        share = np.where(before.any(axis=1), memory, 0).astype(np.float32)[:, None]
        self.look[tracks] = l2_normalize(share * before + (1 - share) * now)
