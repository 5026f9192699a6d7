from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINT_INDEX
from tasks.estimate_pose.duplicate_poses import suppress_duplicate_poses
from tasks.estimate_pose.rtmpose_model import RtmPose
from tasks.estimate_pose.simcc_decoding import Distributions
from tasks.estimate_pose.stage import estimate_pose
from tasks.estimate_pose.top_down_poses import TopDownEstimator, average_trusted_score
from tasks.yolo.keypoint_decoding import Skeletons

GREEN = (0, 255, 0)
BOX = (100.0, 50.0, 140.0, 170.0)
HIDDEN = KEYPOINT_INDEX["heel_right"]


def look(crops: np.ndarray) -> Distributions:
    """A model that lines the keypoints up from the top to the bottom of what is green; the right heel is unsure."""
    x, y = (
        np.zeros((len(crops), KEYPOINT_COUNT, 384), np.float32),
        np.zeros((len(crops), KEYPOINT_COUNT, 512), np.float32),
    )
    for n, crop in enumerate(crops):
        rows, columns = np.nonzero((crop[..., 1] > 200) & (crop[..., 0] < 60))
        if len(rows):
            x[n, :, round(2 * columns.mean())] = 0.8
            down = np.linspace(2 * rows.min(), 2 * rows.max(), KEYPOINT_COUNT).round().astype(int)
            y[n, range(KEYPOINT_COUNT), down] = 0.8
    x[:, HIDDEN] *= 0.1
    return x, y


def make_scene(*boxes: tuple[float, float, float, float]) -> np.ndarray:
    image = np.full((240, 320, 3), 90, np.uint8)
    for x1, y1, x2, y2 in boxes:
        image[int(y1) : int(y2), int(x1) : int(x2)] = GREEN
    return image


def find(image: np.ndarray, *boxes: tuple[float, float, float, float], known: tuple[int, ...] = ()):
    before = np.full((len(boxes), KEYPOINT_COUNT, 2), np.nan, np.float32)
    before[list(known)] = 100
    return TopDownEstimator(RtmPose(look), False, 0.3, 8).find_poses(image, np.array(boxes, np.float32), before)


@pytest.mark.parametrize("box", [BOX, (100, 100, 220, 140), (30, 20, 38, 44)])
def test_a_keypoint_is_found_at_its_place_in_the_image_whatever_the_box(box):
    found = find(make_scene(box), box)
    middle = (box[0] + box[2] - 1) / 2
    assert found.people.keypoints[0, 0] == pytest.approx([middle, box[1]], abs=0.6)
    assert found.people.keypoints[0, -1] == pytest.approx([middle, box[3] - 1], abs=0.6)
    assert found.box.tolist() == [0] and found.is_from_crop.all()
    assert found.people.score == pytest.approx(0.8)
    assert found.people.keypoint_score[0, HIDDEN] == pytest.approx(0.08)


def test_a_box_without_a_person_has_no_pose():
    found = find(make_scene(BOX), (220, 50, 260, 170), BOX)
    assert found.box.tolist() == [1]


def test_of_two_boxes_around_one_person_the_one_that_had_the_pose_keeps_it():
    near = (98.0, 52.0, 138.0, 172.0)
    assert find(make_scene(BOX), BOX, near).box.tolist() == [0]
    assert find(make_scene(BOX), BOX, near, known=(1,)).box.tolist() == [1]


def test_people_side_by_side_are_both_kept_and_the_better_of_two_alike():
    points = np.tile(np.linspace(0, 100, KEYPOINT_COUNT, dtype=np.float32)[:, None], (3, 1, 2))
    points[2, :, 0] += 40
    xyxy = np.array([[0, 0, 50, 100], [2, 0, 52, 100], [40, 0, 90, 100]], np.float32)
    score = np.array([0.5, 0.6, 0.4], np.float32)
    people = Skeletons(xyxy, score, points, np.ones((3, KEYPOINT_COUNT), np.float32))
    assert suppress_duplicate_poses(people, np.zeros(3, np.bool_)).tolist() == [1, 2]
    nobody = people.take(np.zeros(3, np.bool_))
    assert suppress_duplicate_poses(nobody, np.zeros(0, np.bool_)).tolist() == []


def test_the_score_of_a_pose_is_the_mean_of_its_trusted_keypoints():
    score = np.array([[0.2, 0.4, 0.8], [0.1, 0.1, 0.1]], np.float32)
    assert average_trusted_score(score, 0.3) == pytest.approx([0.6, 0])


def test_the_stage_gives_26_keypoints_by_rtmpose_and_17_by_yolo(
    monkeypatch: pytest.MonkeyPatch, make_frames: Callable, make_tracks: Callable, params: Callable, cpu
):
    monkeypatch.setattr("tasks.estimate_pose.pose_finder.load_rtmpose", lambda *_: RtmPose(look))
    frames = make_frames([make_scene(BOX)] * 3)
    tracks = make_tracks(frames, [(f, 7, BOX) for f in range(3)])
    poses, kinematics = estimate_pose(frames, tracks, params(backend="rtmpose", keypoint_score=0.3), cpu)
    assert (poses.skeleton, poses.frame.tolist(), set(poses.source)) == ("halpe26", [0, 1, 2], {"crop"})
    assert np.isfinite(poses.xy).all() and len(kinematics) == 3
    assert (
        np.isnan(poses.smooth_xy[:, HIDDEN]).all()
        and np.isfinite(poses.smooth_xy[:, KEYPOINT_INDEX["heel_left"]]).all()
    )


def test_pixels_outside_the_image_are_black_as_in_the_models_training():
    shown: list[np.ndarray] = []

    def keep(crops: np.ndarray) -> Distributions:
        shown.append(crops)
        return look(crops)

    box = np.array([[-20, 50, 20, 170]], np.float32)
    people = TopDownEstimator(RtmPose(keep), False, 0.3, 8).estimate_poses(make_scene((0, 50, 20, 170)), box)
    assert (shown[0][0, :, 0] == 0).all()
    assert (people.keypoints >= 0).all()
