from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import COCO_KEYPOINTS, Poses
from tasks.artifacts.tracks import Tracks
from tasks.estimate_pose import pose_finder
from tasks.estimate_pose.stage import estimate_pose
from tasks.params import Compute
from tasks.yolo.yolo_types import Yolo
from tests.factories.compute import make_compute

BOX = (100.0, 50.0, 140.0, 170.0)
GREEN = (0, 255, 0)


def seen(images: np.ndarray) -> np.ndarray:
    """A model that sees one person where a picture is green: (n, 56, 1) columns of its bounding box."""
    columns = np.zeros((len(images), 56, 1), np.float32)
    for n, image in enumerate(images):
        rows, places = np.nonzero((image[..., 1] > 200) & (image[..., 0] < 60))
        if not len(rows):
            continue
        x1, y1, x2, y2 = places.min(), rows.min(), places.max() + 1, rows.max() + 1
        points = np.stack(
            [
                np.linspace(x1, x2 - 1, len(COCO_KEYPOINTS)),
                np.linspace(y1, y2 - 1, len(COCO_KEYPOINTS)),
                np.full(len(COCO_KEYPOINTS), 0.9),
            ],
            axis=1,
        )
        columns[n, :, 0] = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0.8, *points.reshape(-1)]
    return columns


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of what the model was shown."""
    shown: list[tuple[int, ...]] = []

    def forward(images: np.ndarray) -> np.ndarray:
        shown.append(images.shape)
        return seen(images)

    monkeypatch.setattr(pose_finder, "load_yolo", lambda *_: Yolo(("person",), False, "pose", True, forward))
    return shown


def scene(box: tuple[float, float, float, float] | None = BOX) -> np.ndarray:
    image = np.full((240, 320, 3), 90, np.uint8)
    if box:
        x1, y1, x2, y2 = map(int, box)
        image[y1:y2, x1:x2] = GREEN
    return image


def test_a_tall_person_is_seen_in_the_whole_frame(looks, make_frames, make_tracks, params, cpu):
    frames = make_frames([scene()] * 3)
    poses, kinematics = estimate_pose(frames, make_tracks(frames, [(f, 7, BOX) for f in range(3)]), params(), cpu)
    assert looks == [(1, 480, 640, 3)] * 3
    assert poses.frame.tolist() == kinematics.frame.tolist() == [0, 1, 2]
    assert poses.track_id.tolist() == [7] * 3 and set(poses.source) == {"whole"}
    assert poses.xy[0, 0] == pytest.approx([100, 50], abs=0.6) and poses.xy[0, 16] == pytest.approx([139, 169], abs=0.6)
    assert np.allclose(poses.smooth_xy, poses.xy, atol=0.01, equal_nan=True)  # it stands still


def test_small_people_are_looked_at_in_windows_alone(looks, make_frames, make_tracks, params, cpu):
    boxes = [(20.0, 30.0, 40.0, 80.0), (200.0, 60.0, 222.0, 120.0)]
    image = scene(boxes[0])
    image[60:120, 200:222] = GREEN
    frames = make_frames([image])
    poses, _ = estimate_pose(frames, make_tracks(frames, [(0, 1, boxes[0]), (0, 2, boxes[1])]), params(), cpu)
    assert looks == [(2, 256, 192, 3)]
    assert set(poses.source) == {"crop"}
    assert poses.xy[:, 0] == pytest.approx(np.array([[20, 30], [200, 60]]), abs=0.6)
    assert poses.xy[:, 16] == pytest.approx(np.array([[39, 79], [221, 119]]), abs=0.6)


def test_who_was_missed_in_the_whole_frame_is_looked_at_again(looks, make_frames, make_tracks, params, cpu):
    frames = make_frames([scene()])
    away = (240.0, 40.0, 290.0, 200.0)
    poses, _ = estimate_pose(frames, make_tracks(frames, [(0, 1, BOX), (0, 2, away)]), params(), cpu)
    assert looks == [(1, 480, 640, 3), (1, 256, 192, 3)]
    assert poses.track_id.tolist() == [1]


def test_frames_that_are_not_whole_and_other_classes_have_no_pose(looks, make_frames, make_tracks, params, cpu):
    frames = make_frames([scene(), None, scene(), scene()], damaged=[2])
    poses, kinematics = estimate_pose(frames, make_tracks(frames, [(f, 1, BOX) for f in range(4)]), params(), cpu)
    assert poses.frame.tolist() == kinematics.frame.tolist() == [0, 3]
    poses, _ = estimate_pose(frames, make_tracks(frames, [(0, 1, BOX)], name="horse"), params(), cpu)
    assert len(poses) == 0


@pytest.mark.parametrize("images", [[], [None], [scene(None)], [scene()]])
def test_nobody_is_tables_without_rows(make_frames, make_tracks, params, cpu, tmp_path, images, monkeypatch):
    monkeypatch.setattr(pose_finder, "load_yolo", lambda *_: pytest.fail("the model was loaded for nobody"))
    frames = make_frames(images)
    for made in estimate_pose(frames, make_tracks(frames, []), params(), cpu):
        made.save(tmp_path / "a.parquet")
        assert len(type(made).load(tmp_path / "a.parquet")) == 0
        assert made.frame_count == len(images)


def test_a_person_who_is_not_seen_and_one_with_too_few_keypoints_have_no_row(
    looks, make_frames, make_tracks, params, cpu
):
    frames = make_frames([scene(None)])
    assert [len(made) for made in estimate_pose(frames, make_tracks(frames, [(0, 1, BOX)]), params(), cpu)] == [0, 0]
    frames = make_frames([scene()])
    strict = params(keypoint_score=0.95)
    assert len(estimate_pose(frames, make_tracks(frames, [(0, 1, BOX)]), strict, cpu)[0]) == 0


def test_tables_are_the_same_bytes_whatever_the_batch(looks, make_frames, make_tracks, params, tmp_path):
    boxes = [(20.0 + 90 * n, 30.0, 40.0 + 90 * n, 80.0) for n in range(3)]
    image = scene(None)
    for x1, y1, x2, y2 in boxes:
        image[int(y1) : int(y2), int(x1) : int(x2)] = GREEN
    frames = make_frames([image] * 4)
    tracks = make_tracks(frames, [(f, n + 1, box) for f in range(4) for n, box in enumerate(boxes)])
    for batch in (1, 2, 16):
        for made in estimate_pose(
            frames,
            tracks,
            params(),
            make_compute(batch=batch),
        ):
            made.save(tmp_path / f"{type(made).__name__}{batch}")
    for kind in (Poses, Kinematics):
        assert len({(tmp_path / f"{kind.__name__}{batch}").read_bytes() for batch in (1, 2, 16)}) == 1


def test_the_stage_says_what_it_reads_and_leaves():
    assert [kind.__name__ for kind in estimate_pose.outputs] == ["Poses", "Kinematics"]
    assert estimate_pose.accelerator and Compute in estimate_pose.injected.values()
    assert estimate_pose.inputs["tracks"] is Tracks


@pytest.mark.parametrize(
    "wrong",
    [
        {"backend": "yolo11n"},
        {"image_size": 500},
        {"crop_height": 100},
        {"min_keypoints": 18},
        {"smoothing": "one_euro"},
        {"cutoff_hz": 0.0},
        {"affinity": 0.0},
        {"min_steps": 1},
    ],
)
def test_parameters_outside_their_bounds_are_refused(params: Callable, wrong: dict):
    with pytest.raises(ValidationError):
        params(**wrong)
