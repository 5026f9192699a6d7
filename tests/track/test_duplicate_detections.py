"""Several detections of one person count as one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.nms import non_maximum_suppression
from tasks.track.duplicate_detections import find_distinct
from tests.track.scenes import make_detections, make_params, track_frames, walk


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.floats(0.05, 0.95))
def test_it_is_non_maximum_suppression_within_classes(seed: int, count: int, max_iou: float) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 30, (count, 2)).astype(np.float32)
    xyxy = np.concatenate([corner, corner + random.uniform(10, 40, (count, 2)).astype(np.float32)], axis=1)
    class_id = random.integers(0, 2, count).astype(np.int16)
    expected = non_maximum_suppression(xyxy, np.linspace(1, 0.1, count, dtype=np.float32), class_id, max_iou, count)
    assert find_distinct(xyxy, class_id, max_iou).tolist() == sorted(expected.tolist())


def test_a_person_with_two_boxes_is_one_track_and_two_people_side_by_side_are_two() -> None:
    person = walk(range(20))
    twice = [(f, (x1 + 3, y1 - 2, x2 + 3, y2 - 2), 0.4, c) for f, (x1, y1, x2, y2), _, c in person]
    beside = [(f, (x1 + 25, y1, x2 + 25, y2), 0.8, c) for f, (x1, y1, x2, y2), _, c in person]
    for others, tracks in ((twice, 1), (beside, 2)):
        rows = sorted(person + others, key=lambda row: (row[0], -row[2]))
        assert track_frames(make_detections(rows, 20), make_params(duplicate_iou=0.7)).track_id.max() == tracks
    assert track_frames(make_detections(person + twice, 20), make_params()).track_id.max() == 2
