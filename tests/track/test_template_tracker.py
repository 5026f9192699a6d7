"""One object found again by what it looks like: grids of vectors with a patch that moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.geometry.bounding_boxes import pairwise_iou, xyxy_to_cxcywh
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.track.template_tracker import (
    MIN_SIMILARITY,
    find_reappearance_places,
    learn_template,
    make_candidates,
    place_template_points,
    sample_vectors,
    search_template,
    track_by_template,
)

MakeFlow = Callable[..., DenseFlow]
GRID = CellGrid(60, 80, 8.0, 8.0, 3.5, 3.5)
D = 16
PATCH = l2_normalize(np.random.default_rng(1).normal(size=(6, 4, D)))
SCENERY = l2_normalize(np.random.default_rng(2).normal(size=(60, 80, D)))
CELL = 8


def features(places: list[tuple[int, int] | None], dark: tuple[int, ...] = ()) -> Features:
    """The patch at (row, column) cells of each frame, hidden where None; frames of `dark` have no picture."""
    grids = np.repeat(SCENERY[None], len(places), axis=0)
    for frame, place in enumerate(places):
        if place:
            grids[frame, place[0] : place[0] + 6, place[1] : place[1] + 4] = PATCH
    grids[list(dark)] = 0
    return Features.from_vectors(grids, FeatureMetadata("none", ("none",), 640, 480, GRID))


def box(place: tuple[int, int]) -> np.ndarray:
    row, column = place
    return np.array([column, row, column + 4, row + 6], np.float64) * CELL - 0.5


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(pairwise_iou(a[None], b[None])[0, 0])


def still(make_flow: MakeFlow, frames: int) -> DenseFlow:
    return make_flow(np.tile(np.eye(3), (frames - 1, 1, 1)))


def test_a_patch_is_followed_though_flow_knows_nothing_of_it(make_flow: MakeFlow) -> None:
    places = [(20 + f, 30 - f) for f in range(12)]
    rows = list(track_by_template(features(list(places)), still(make_flow, 12), 0, box(places[0])))
    assert [frame for frame, _, _ in rows] == list(range(12))
    assert min(overlap(found, box(place)) for (_, found, _), place in zip(rows, places, strict=True)) > 0.8
    assert min(score for _, _, score in rows) > MIN_SIMILARITY


def test_flow_brings_the_search_to_where_the_patch_went(make_flow: MakeFlow) -> None:
    """A leap beyond the search's reach."""
    first, second = (20, 20), (20, 40)
    leap = [(0, tuple(box(first) + 0.5), (160.0, 0.0))]
    found = list(track_by_template(features([first, second]), make_flow(np.eye(3)[None], leap), 0, box(first)))[1][1]
    assert overlap(found, box(second)) > 0.8
    lost = list(track_by_template(features([first, second]), still(make_flow, 2), 0, box(first)))[1]
    assert lost[2] < MIN_SIMILARITY


def test_what_was_hidden_is_found_again_wherever_it_comes_out(make_flow: MakeFlow) -> None:
    places = [(20, 20), (20, 21), None, None, (40, 60), (41, 60)]
    rows = list(track_by_template(features(places), still(make_flow, 6), 0, box((20, 20))))
    assert [score >= MIN_SIMILARITY for _, _, score in rows] == [True, True, False, False, True, True]
    np.testing.assert_array_equal(rows[2][1], rows[1][1])
    assert overlap(rows[5][1], box((41, 60))) > 0.8


def test_what_left_the_picture_comes_back_where_it_left_and_is_nobody_else(make_flow: MakeFlow) -> None:
    """Its like stands in the middle all the time; one that comes in at another border is not it either."""
    out: list[tuple[int, int] | None] = [(20, 4), (20, 2), (20, 0), None, None, None, None, (20, 0), (20, 2)]
    seen = features(out)
    seen.values[:, 30:36, 40:44] = PATCH
    seen.values[5, 20:26, 74:78] = PATCH
    rows = list(track_by_template(seen, still(make_flow, len(out)), 0, box((20, 4))))
    assert [score > 0 for _, _, score in rows] == [True] * 3 + [False] * 4 + [True] * 2
    assert overlap(rows[8][1], box((20, 2))) > 0.8


@pytest.mark.parametrize(
    ("at", "where"), [((20, 1), (-0.5, 74)), ((26, 75), (565, 640)), ((30, 40), (-0.5, 640)), ((1, 40), (-0.5, 640))]
)
def test_a_box_beside_a_border_may_come_back_there_and_one_inside_anywhere(
    at: tuple[int, int], where: tuple[float, float]
) -> None:
    x = find_reappearance_places(xyxy_to_cxcywh(box(at)), features([at]).metadata)[:, 0]
    assert where[0] <= x.min() <= where[0] + CELL and where[1] - CELL <= x.max() <= where[1]


def test_frames_without_a_picture_are_passed_over(make_flow: MakeFlow) -> None:
    places: list[tuple[int, int] | None] = [(20, 20)] * 4
    assert [f for f, _, _ in track_by_template(features(places, dark=(2,)), still(make_flow, 4), 0, box((20, 20)))] == [
        0,
        1,
        3,
    ]
    assert list(track_by_template(features(places, dark=(0,)), still(make_flow, 4), 0, box((20, 20)))) == []


def test_points_that_the_surroundings_have_too_count_little() -> None:
    half = features([(20, 20)]).vectors(0)
    half[20:26, 20:22] = half[19, 19]  # the left half looks like the wall around
    half[18:28, 16:20] = half[19, 19]
    weight = learn_template(half, GRID, box((20, 20))).weight.reshape(8, 8)
    assert weight[:, 5:].min() > 3 * weight[:, :2].max()
    assert weight.sum() == pytest.approx(1)


@pytest.mark.parametrize(("growth", "size"), [(1.03, 206), (0.97, 194), (1.0, 200)])
def test_a_larger_patch_gets_a_larger_box(growth: float, size: float) -> None:
    random = np.random.default_rng(4)
    waves, phase = random.normal(0, 2 * np.pi / 40, (2, D)), random.uniform(0, 2 * np.pi, D)
    middle = np.array([320.0, 240])

    def seen(scale: float) -> np.ndarray:
        return l2_normalize(np.cos(((GRID.cell_centres() - middle) / scale + middle) @ waves + phase))

    template = learn_template(seen(1.0), GRID, np.array([220.0, 140, 420, 340]))
    found, _ = search_template(template, seen(growth), GRID, np.array([*middle, 200, 200]))
    assert found[2:] == pytest.approx([size, size])
    assert found[:2] == pytest.approx(middle, abs=2)


@given(st.floats(10, 600), st.floats(10, 400), st.floats(8, 100))
def test_points_lie_inside_their_box_and_around_its_centre(x: float, y: float, size: float) -> None:
    at = place_template_points(np.array([[x, y, size, 2 * size]]))[0]
    np.testing.assert_allclose(at.mean(axis=0), [x, y], atol=1e-9)
    assert (np.abs(at - (x, y)) < (size / 2, size)).all()


def test_sampling_agrees_with_cells_at_their_centres_and_stops_at_the_border() -> None:
    cells = GRID.cell_centres()[::7, ::9].reshape(1, -1, 2).astype(np.float64)
    np.testing.assert_allclose(sample_vectors(SCENERY, GRID, cells)[0], SCENERY[::7, ::9].reshape(-1, D), atol=1e-5)
    np.testing.assert_allclose(
        sample_vectors(SCENERY, GRID, np.array([[[-50.0, 9999.0]]]))[0, 0], SCENERY[-1, 0], atol=1e-6
    )


def test_candidates_hold_the_box_itself_at_no_cost() -> None:
    box_ = np.array([100.0, 80, 20, 40])
    candidates, moves, scaled = make_candidates(box_, np.array([8.0, 8.0]), 4, 0.5, (0.97, 1.0, 1.03))
    same = (candidates == box_).all(axis=1)
    assert same.sum() == 1
    assert moves[same] == 0
    assert not scaled[same]


def test_csrt_says_what_it_lacks_or_follows(tmp_path: Path) -> None:
    import cv2

    from tasks.artifacts.frames import Frames
    from tasks.errors import SemflowError
    from tasks.synthetic.scene import scene_artifacts
    from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene
    from tasks.track.csrt_tracker import track_by_csrt

    scene = make_scene(0, SceneSettings(frames=4, height=96, width=160, leaving=0))
    frames: Frames = scene_artifacts.make_frames(scene).to(tmp_path / "frames.parquet")
    given = scene.boxes[0, 0].astype(np.float64)
    if hasattr(cv2, "TrackerCSRT") or hasattr(cv2, "TrackerCSRT_create"):
        rows = list(track_by_csrt(frames, 0, given))
        assert [frame for frame, _, _ in rows] == [0, 1, 2, 3]
        assert overlap(rows[3][1], scene.boxes[0, 3].astype(np.float64)) > 0.4
    else:
        with pytest.raises(SemflowError, match=r"contrib modules.*--method semantic"):
            list(track_by_csrt(frames, 0, given))


def test_frames_without_stored_features_take_the_box_moved_by_the_flow(make_flow: MakeFlow) -> None:
    shift = np.tile(np.array([[1.0, 0, CELL], [0, 1, 0], [0, 0, 1]]), (11, 1, 1))
    places = [(20, 30 + f) for f in range(12)]
    every = features(places)
    stored = [frame for frame in range(12) if frame % 4 < 2]
    some = replace(every, values=every.values[stored], frames=np.array(stored))
    found = list(track_by_template(some, make_flow(shift), 2, box(places[2])))
    assert [frame for frame, *_ in found] == list(range(2, 12)), "from a frame without features on, to the end"
    assert all(overlap(xyxy, box(places[frame])) > 0.8 for frame, xyxy, _ in found)
    assert all(similarity > 0.9 for *_, similarity in found)
