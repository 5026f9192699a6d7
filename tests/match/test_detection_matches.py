"""Detections matched over the pairs of a video."""

from __future__ import annotations

import tracemalloc

import numpy as np

from tasks.match.detection_matches import match_detections

LOOKS = np.random.default_rng(0).normal(size=(5, 32)).astype(np.float32)


def by_height(frame: int, boxes: np.ndarray) -> np.ndarray:
    """What a region looks like is told by its top edge, and changes a little with time."""
    return LOOKS[boxes[:, 1].astype(int)] + 0.1 * np.float32(np.sin(frame + np.arange(32)))


def test_a_hand_is_found_again_elsewhere(make_detections, params) -> None:
    detections = make_detections(
        [(0, 0, 0.9, 0, 1, 9, 9), (0, 0, 0.8, 20, 2, 29, 9), (1, 0, 0.9, 40, 2, 49, 9), (1, 0, 0.5, 10, 1, 19, 9)], 2
    )
    matches = match_detections(detections, by_height, params())
    assert matches.frame_a.tolist() == [0, 0] and matches.frame_b.tolist() == [1, 1]
    assert matches.detection_a.tolist() == [0, 1] and matches.detection_b.tolist() == [3, 2]
    assert (matches.cosine > 0.95).all() and matches.mutual.all()
    assert matches.xyxy_b[0].tolist() == [10, 1, 19, 9]
    assert matches.class_name_a.tolist() == ["thing 0"] * 2


def test_weak_detections_and_other_classes_are_left_out(make_detections, params) -> None:
    detections = make_detections([(0, 0, 0.9, 0, 1, 9, 9), (1, 1, 0.9, 0, 1, 9, 9), (2, 0, 0.1, 0, 1, 9, 9)], 3)
    assert len(match_detections(detections, by_height, params())) == 0
    any_class = match_detections(detections, by_height, params(region_same_class=False))
    assert any_class.detection_b.tolist() == [1]


def test_strides_and_missing_frames(make_detections, params) -> None:
    detections = make_detections([(frame, 0, 0.9, 0, 1, 9, 9) for frame in range(5)], 5)
    matches = match_detections(detections, lambda f, b: None if f == 3 else by_height(f, b), params(strides=(2, 1)))
    pairs = list(zip(matches.frame_a.tolist(), matches.frame_b.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 2), (1, 2), (2, 4)]


def test_no_detections_give_a_table_without_rows(make_detections, params) -> None:
    for frames in (0, 1, 4):
        matches = match_detections(make_detections([], frames), by_height, params())
        assert len(matches) == 0
        assert matches.frame_count == frames


def test_matches_of_a_long_film_take_little_memory(make_detections, params) -> None:
    def measure(frames: int) -> int:
        detections = make_detections([(frame, 0, 0.9, 0, 1, 9, 9) for frame in range(frames)], frames)
        tracemalloc.start()
        assert len(match_detections(detections, by_height, params(strides=(1,)))) == frames - 1
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    measure(10)  # what is loaded once does not count
    assert (measure(1300) - measure(300)) / 1000 < 500, "bytes a match: a small table for each would take 5,000"
