from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.estimate_pose.skeleton_assignment import (
    assign_skeletons,
    compute_affinity,
    compute_inside_share,
    compute_pose_similarity,
)
from tasks.yolo.keypoint_decoding import Skeletons


def people(*boxes: tuple[float, float, float, float], score: float = 0.9) -> Skeletons:
    """Skeletons whose keypoints lie on the diagonal of their boxes."""
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    along = np.linspace(0, 1, 17, dtype=np.float32)[:, None]
    points = xyxy[:, None, :2] + (xyxy[:, None, 2:] - xyxy[:, None, :2]) * along
    return Skeletons(xyxy, np.full(len(xyxy), score, np.float32), points, np.full((len(xyxy), 17), 0.9, np.float32))


def nobody(count: int) -> np.ndarray:
    return np.full((count, 17, 2), np.nan, np.float32)


def pairs(seen: Skeletons, boxes: list, least: float = 0.25, before: np.ndarray | None = None) -> list[tuple[int, int]]:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    skeleton, box = assign_skeletons(seen, array, least, nobody(len(array)) if before is None else before)
    return list(zip(skeleton.tolist(), box.tolist(), strict=True))


def test_each_skeleton_goes_to_the_box_it_fits_and_strangers_to_none():
    seen = people((100, 0, 150, 100), (0, 0, 50, 100), (500, 0, 550, 100))
    assert pairs(seen, [(0, 0, 50, 98), (102, 0, 152, 100), (300, 0, 350, 100)]) == [(1, 0), (0, 1)]


def test_of_two_boxes_on_one_person_one_gets_the_skeleton():
    assert pairs(people((0, 0, 50, 100)), [(0, 0, 50, 90), (0, 0, 50, 99)]) == [(0, 1)]


def test_the_one_that_had_the_pose_keeps_it():
    seen = people((0, 0, 50, 100))
    before = nobody(2)
    before[0] = seen.keypoints[0] + 1
    assert pairs(seen, [(0, 0, 50, 90), (0, 0, 50, 99)], before=before) == [(0, 0)]


def test_continuity_lends_nothing_to_a_skeleton_elsewhere():
    seen = people((0, 0, 50, 100))
    before = nobody(2)
    before[1] = seen.keypoints[0]
    assert pairs(seen, [(0, 0, 50, 99), (300, 0, 350, 100)], before=before) == [(0, 0)]


@given(st.integers(0, 2**31), st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_the_sum_is_the_greatest_of_all_assignments(seed, count, places):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 60, (count + places, 2))
    boxes = np.hstack([corners, corners + rng.uniform(30, 80, (count + places, 2))]).astype(np.float32)
    seen, asked = people(*boxes[:count]), boxes[count:]
    worth = compute_affinity(seen, asked)
    worth[worth < 0.25] = 0
    short, long = sorted((count, places))
    square = worth if count <= places else worth.T
    best = max(sum(square[i, order[i]] for i in range(short)) for order in permutations(range(long), short))
    chosen = pairs(seen, asked.tolist())
    assert sum(worth[i, j] for i, j in chosen) == pytest.approx(best)
    assert len({i for i, _ in chosen}) == len({j for _, j in chosen}) == len(chosen)


def test_keypoints_outside_a_box_count_against_it_by_their_score():
    seen = people((0, 0, 100, 100))
    half = np.array([[0, 0, 50, 100]], np.float32)
    assert compute_inside_share(seen, half)[0, 0] == pytest.approx(9 / 17)  # those up to 55, the margin counted
    seen.keypoint_score[0, 9:] = 0
    assert compute_inside_share(seen, half)[0, 0] == 1
    seen.keypoint_score[0] = 0
    assert compute_inside_share(seen, half)[0, 0] == 0


def test_continuity_is_one_for_the_same_pose_falls_with_distance_and_is_none_without_one():
    seen, box = people((0, 0, 50, 100)), np.array([[0, 0, 50, 100]] * 3, np.float32)
    before = np.stack([seen.keypoints[0], seen.keypoints[0] + 8, nobody(1)[0]])
    same, near, none = compute_pose_similarity(seen, box, before)[0]
    assert same == pytest.approx(1)
    assert 0.3 < near < 0.9
    assert none == 0
