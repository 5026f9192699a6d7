"""Tracks are kept or dropped by the mean score of their detections."""

from __future__ import annotations

import numpy as np

from tasks.track.filter_tracks import filter_by_confidence
from tasks.track.tracklets import Tracklets
from tests.track.scenes import make_detections, make_params


def test_the_mean_score_decides_and_not_a_single_one() -> None:
    box = (0, 0, 10, 10)
    scores = [0.9, 0.4, 0.2, 0.2, 0.3, 0.6]
    detections = make_detections([(frame // 2, box, score, 0) for frame, score in enumerate(scores)], 3)
    order = {round(float(score), 3): row for row, score in enumerate(detections.score)}
    rows = np.array([order[0.9], order[0.2], order[0.3], order[0.4], order[0.6]], np.intp)
    tracklets = Tracklets.from_pairs(np.array([0, 0, 1, 2, 2], np.intp), rows)
    kept = filter_by_confidence(detections, tracklets, make_params(min_confidence=0.45))
    assert len(kept) == 2
    assert sorted(detections.score[kept.detection].round(3).tolist()) == np.float32([0.2, 0.4, 0.6, 0.9]).tolist()


def test_no_tracks_stay_no_tracks() -> None:
    none = np.zeros(0, np.intp)
    empty = Tracklets.from_pairs(none, none)
    assert len(filter_by_confidence(make_detections([], 2), empty, make_params())) == 0
