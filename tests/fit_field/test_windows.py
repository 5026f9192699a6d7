"""Long takes in windows: how they are cut, handed on and joined, and that the maps are those of one piece."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.semantic_field import SemanticField
from tasks.errors import BadInput
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.fit_windows import fit_semantic_field
from tasks.fit_field.window_result import WindowResult, blend_windows
from tasks.fit_field.windows import core_range, crossfade_weights, schedule_windows, split_windows, widen_window
from tasks.sequence.label_map import UNKNOWN

CUTS = st.integers(2, 12).flatmap(lambda overlap: st.tuples(st.integers(4 * overlap, 60), st.just(overlap)))


@given(st.integers(1, 500), CUTS)
def test_windows_cover_a_take_and_share_frames_with_the_next_alone(length: int, cuts: tuple[int, int]) -> None:
    longest, overlap = cuts
    windows = split_windows(length, longest, overlap)
    assert windows[0].start == 0 and windows[-1].stop == length
    assert max(len(window) for window in windows) <= longest
    if len(windows) > 1:
        assert min(len(window) for window in windows) >= 2 * overlap
        assert max(map(len, windows)) - min(map(len, windows)) <= 1
    for earlier, later in pairwise(windows):
        assert earlier.stop - later.start == overlap
    # Together they are at most a share of overlap / (longest - overlap) more than the take, and one overlap.
    assert sum(map(len, windows)) <= length * longest / (longest - overlap) + overlap


@given(st.integers(1, 500), CUTS)
def test_every_frame_is_nearest_to_one_window(length: int, cuts: tuple[int, int]) -> None:
    windows = split_windows(length, *cuts)
    places = [place for n in range(len(windows)) for place in core_range(windows, n, cuts[1])]
    assert places == [*range(length)]


@given(st.integers(1, 500), CUTS, st.data())
def test_no_window_is_without_labels(length: int, cuts: tuple[int, int], data: st.DataObject) -> None:
    windows = split_windows(length, *cuts)
    labelled = data.draw(st.sets(st.integers(0, length - 1), min_size=1, max_size=4))
    wide = [widen_window(window, labelled, cuts[1]) for window in windows]
    steps = schedule_windows(wide, labelled)
    assert sorted(number for number, _ in steps) == [*range(len(windows))]
    done: set[int] = set()
    for number, givers in steps:
        inside = any(place in wide[number] for place in labelled)
        assert inside == (not givers), "true labels in reach, or else a neighbour's"
        assert set(givers) <= done
        done.add(number)


def test_labels_go_outwards_and_meet_in_the_middle() -> None:
    windows = split_windows(100, 16, 4)
    assert len(windows) == 8
    assert schedule_windows(windows, [0, 99]) == [
        (0, ()), (7, ()), (1, (0,)), (6, (7,)), (2, (1,)), (5, (6,)), (3, (2,)), (4, (5,)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("labelled", "wide"),
    [
        ([0, 25, 59], range(0, 60)),
        ([15, 21, 38, 44], range(20, 40)),
        ([21, 44], range(20, 45)),
        ([5, 30], range(5, 40)),
        ([0, 60], range(0, 40)),
        ([61], range(20, 40)),
    ],
)
def test_a_window_is_widened_to_the_labels_beside_it(labelled: list[int], wide: range) -> None:
    assert widen_window(range(20, 40), labelled, 4) == wide


def made(label: int, overlap: int, *, before: bool, after: bool, share: float = 0.9) -> WindowResult:
    shares = np.full((overlap, 2, 3, 3), (1 - share) / 2, np.float16)
    shares[..., label] = share
    nothing = shares[:0]
    return WindowResult(
        np.full((12, 2, 3), label, np.uint8),
        np.full((12, 2, 3), share, np.float16),
        shares if before else nothing,
        shares if after else nothing,
        np.full((12, 2, 3), label / 2, np.float16),
        np.zeros((3, 3)),
    )


def test_windows_fade_into_each_other(tmp_path: Path) -> None:
    windows = [range(12), range(8, 20)]
    for n, piece in enumerate((made(1, 4, before=False, after=True), made(2, 4, before=True, after=False))):
        piece.save(tmp_path / f"{n}.npz")
    found = list(blend_windows(windows, [tmp_path / "0.npz", tmp_path / "1.npz"], 4))
    assert [place for place, *_ in found] == [*range(20)]
    assert [int(label[0, 0]) for _, label, *_ in found] == [1] * 10 + [2] * 10
    assert [float(near[0, 0]) for *_, near in found] == [0.5] * 10 + [1.0] * 10
    confidence = [float(sure[0, 0]) for _, _, sure, _ in found]
    # Those who say something else add no confidence: 2/3 of .9 is left in the middle.
    assert confidence == pytest.approx([0.9] * 9 + [0.6, 0.6] + [0.9] * 9, abs=1e-3)
    assert crossfade_weights(4).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_what_is_handed_on_is_unknown_where_it_is_unsure() -> None:
    sure, unsure = (made(1, 4, before=True, after=True, share=share) for share in (0.6, 0.45))
    assert (sure.boundary_labels(forwards=True) == 1).all()
    assert (unsure.boundary_labels(forwards=False) == UNKNOWN).all()


@pytest.fixture
def fit(make_inputs: Callable[..., dict], params: Callable[..., object], tmp_path: Path):
    def run(inputs: dict, **changed: object) -> SemanticField:
        given = FieldInputs(**{name: value for name, value in inputs.items() if name != "truth"})
        return fit_semantic_field(given, params(**changed)).to(tmp_path / "field.parquet")

    return run


def maps(field: SemanticField) -> np.ndarray:
    return np.stack([field.map(row).label for row in range(len(field))])


@pytest.fixture
def mark(tmp_path: Path) -> Callable[..., dict]:
    """Inputs with the true masks of some frames as a person's labels."""

    def make(inputs: dict, *frames: int) -> dict:
        folder = tmp_path / "labels"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for frame in frames:
            Image.fromarray(inputs["truth"][frame]).save(folder / f"{frame:06d}.png")
        return inputs | {"field_labels": FieldLabels.load(folder)}

    return make


@pytest.mark.parametrize("frames", [(0,), (6,), (2, 11), (1, 5, 9, 13)])
def test_windows_give_the_maps_of_one_piece(make_inputs, mark, fit, iou, frames: tuple[int, ...]) -> None:
    inputs = mark(make_inputs(14), *frames)
    whole = fit(inputs)
    windows = fit(inputs, window=8, overlap=2)
    assert windows.frames.tolist() == whole.frames.tolist() == [*range(14)]
    assert (windows.given == whole.given).all()
    assert (maps(whole) == maps(windows)).mean() > 0.99
    assert all(iou(found == 1, true == 1) > 0.9 for found, true in zip(maps(windows), inputs["truth"], strict=True))


def test_labels_that_say_nothing_are_none(make_inputs, mark, fit) -> None:
    inputs = make_inputs(14)
    inputs["truth"][3] = UNKNOWN
    field = fit(mark(inputs, 3), labels="user")
    assert len(field) == 0
    assert "nothing on it is known" in field.metadata.reason


def test_a_mask_of_0_and_255_is_refused_and_the_message_says_what_to_save(make_inputs, mark, fit) -> None:
    inputs = make_inputs(14)
    inputs["truth"][3][inputs["truth"][3] == 1] = UNKNOWN
    with pytest.raises(BadInput, match=r"two classes or more, .* got class 0 alone; 255 .* save the object as 1"):
        fit(mark(inputs, 3), labels="user")


def test_what_hides_is_found_in_windows_too(make_inputs, fit) -> None:
    inputs = make_inputs(14)
    assert fit(inputs, window=8, overlap=2).nearness.tolist() == fit(inputs).nearness.tolist() == [0, 1]
