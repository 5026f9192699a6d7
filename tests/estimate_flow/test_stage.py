from __future__ import annotations

from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from tasks.artifacts.dense_flow import DenseFlow
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.estimate_flow.stage import estimate_flow
from tasks.geometry.homography import compute_camera_flow

INNER = (slice(16, -16), slice(16, -16))


@pytest.fixture
def run(make_frames, params, on_cpu, tmp_path: Path):
    """The stage over pictures, as the engine runs it."""

    names = (f"{n}.parquet" for n in count())

    def run(images, damaged=(), **changes) -> DenseFlow:
        frames = make_frames(images, damaged)
        return estimate_flow(frames, params.model_copy(update=changes), on_cpu).to(tmp_path / next(names))

    return run


def test_a_moving_scene_gives_its_motion_both_ways_and_the_camera(run, view):
    found = run([view(3 * n, -2 * n) for n in range(4)])
    assert len(found) == 3
    for pair in found:
        np.testing.assert_allclose(np.median(pair.forward[INNER], axis=(0, 1)), (3, -2), atol=0.05)
        np.testing.assert_allclose(np.median(pair.backward[INNER], axis=(0, 1)), (-3, 2), atol=0.05)
        assert pair.valid[INNER].mean() > 0.99
        np.testing.assert_allclose(pair.camera, [[1, 0, 3], [0, 1, -2], [0, 0, 1]], atol=0.1)
        assert pair.camera_inliers > 0.9
        assert pair.photometric_error < 3
    assert not found.cut.any()


def test_columns_that_leave_the_image_are_not_valid(run, view):
    pair = run([view(0, 0), view(10, 0)]).pair(0)
    assert not pair.valid[:, -9:].any()  # they go to the right, out of frame 1
    assert not pair.valid_backward[:, :9].any()  # they came in from the left
    assert pair.valid[INNER].mean() > 0.95


def test_one_thing_moving_over_a_still_scene_leaves_the_camera_still(run, view):
    first, second = view(), view()
    thing = view(seed=1)[:30, :40]
    first[30:60, 20:60], second[30:60, 26:66] = thing, thing
    pair = run([first, second]).pair(0)
    assert np.abs(compute_camera_flow(pair.camera, 96, 128)).max() < 0.2
    np.testing.assert_allclose(np.median(pair.forward[36:54, 26:54], axis=(0, 1)), (6, 0), atol=0.3)
    np.testing.assert_allclose(np.median(pair.forward[70:, 70:], axis=(0, 1)), (0, 0), atol=0.05)


def test_a_cut_is_marked_and_has_no_flow(run, view):
    found = run([view(0), view(1), view(0, seed=1), view(1, seed=1), view(seed=2)])
    assert found.cut.tolist() == [False, True, False, True]
    assert found.known.tolist() == [True, False, True, False]
    for n in (1, 3):
        pair = found.pair(n)
        assert not (pair.forward.any() or pair.backward.any() or pair.valid.any() or pair.valid_backward.any())
        assert pair.photometric_error > 10


@pytest.mark.parametrize("gone", ["lost", "damaged"])
def test_pairs_with_a_frame_missing_have_no_flow_and_the_others_are_as_they_were(run, view, gone):
    images = [view(n) for n in range(7)]
    whole = run(images)
    found = run([*images[:3], None, *images[4:]]) if gone == "lost" else run(images, damaged=[3])
    assert len(found) == 6
    assert found.known.tolist() == [True, True, False, False, True, True]
    assert np.isnan(found.photometric_error[2:4]).all()
    assert not found.cut.any()
    assert not found.forward(2).any()
    for n in (0, 1, 4, 5):
        np.testing.assert_array_equal(found.forward(n), whole.forward(n))


@pytest.mark.parametrize(
    ("images", "pairs"),
    [([], 0), (["a"], 0), ([None], 0), ([None, None, None], 2), (["a", None, "a"], 2), ([None, "a"], 1)],
    ids=["empty", "one frame", "one lost", "all lost", "gap", "lost first"],
)
def test_videos_with_nothing_to_compare_give_pairs_without_flow(run, view, images, pairs):
    found = run([view() if image else None for image in images])
    assert len(found) == pairs
    assert not found.known.any()
    assert found.metadata.frame_count == len(images)


def test_a_frame_without_texture_gives_no_motion_and_no_cut(run):
    flat = np.full((64, 80, 3), 77, np.uint8)
    pair = run([flat, flat]).pair(0)
    assert np.abs(pair.forward).max() < 0.1
    assert pair.valid.all()
    assert not pair.cut
    assert pair.photometric_error == 0


@pytest.mark.parametrize("size", [(6, 9), (16, 40), (33, 47)])
@pytest.mark.parametrize("backend", ["dis", "farneback"])
def test_small_and_odd_sizes_are_ordinary(run, size, backend):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 1)
    found = run([image, image, image], backend=backend)
    assert found.forward(1).shape == (*size, 2)
    assert np.abs(found.forward(1)).max() < 0.1


def test_a_change_of_brightness_alone_is_no_cut(run, view):
    dim = cv2.convertScaleAbs(view(), alpha=0.6, beta=10)
    assert not run([view(), dim]).cut.any()


def test_the_same_frames_give_the_same_bytes_whatever_the_number_of_threads(run, view, tmp_path):
    images = [view(2 * n, n) for n in range(5)]
    before = cv2.getNumThreads()
    try:
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            run(images)
    finally:
        cv2.setNumThreads(before)
    assert len({(tmp_path / f"{n}.parquet").read_bytes() for n in range(3)}) == 1


@pytest.mark.parametrize("backend", ["dis", "farneback"])
@pytest.mark.parametrize("preset", ["ultrafast", "fast", "medium", "fine"])
def test_every_backend_and_preset_finds_a_plain_motion(run, view, backend, preset):
    found = run([view(), view(4, 2)], backend=backend, dis_preset=preset)
    np.testing.assert_allclose(np.median(found.forward(0)[INNER], axis=(0, 1)), (4, 2), atol=0.1)
    assert found.metadata.backend == backend


def test_only_networks_ask_for_weights(params):
    def weights(**changes):
        return estimate_flow.weights(params.model_copy(update=changes))

    assert weights() == weights(backend="farneback") == ()
    assert weights(backend="raft-small") == ("raft-small",)
    assert weights(backend="raft", raft_weights="raft-things") == ("raft-things",)


@pytest.mark.parametrize(
    "change",
    [
        {"backend": "pwc"},
        {"dis_preset": "slow"},
        {"raft_iterations": 0},
        {"stored_grid": 3},
        {"stored_steps_per_px": 7},
    ],
)
def test_values_out_of_range_are_refused(params, change):
    with pytest.raises(ValidationError, match=next(iter(change))):
        EstimateFlowParams(**{**params.model_dump(), **change})
