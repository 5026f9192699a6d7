"""A labelled frame moved to where its objects are now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.label_propagation.cell_search import make_search_grid
from tasks.label_propagation.memory_bank import LabelledMemory, MemoryBank
from tasks.label_propagation.memory_frame import MemoryFrame, shift_objects
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG

ROWS, COLUMNS, DIMENSIONS = 20, 64, 16


def make_frame(frame: int, *places: tuple[int, int], seed: int = 0) -> MemoryFrame:
    """Squares of 4 x 4 cells, one of each class, at rows and columns on a background; each cell has its own vector."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(ROWS, COLUMNS, DIMENSIONS)).astype(np.float32)
    labels = np.zeros((ROWS, COLUMNS, len(places) + 1), np.float32)
    labels[..., 0] = 1
    for number, (row, column) in enumerate(places, start=1):
        square = np.random.default_rng(number).normal(size=(4, 4, DIMENSIONS))
        vectors[row : row + 4, column : column + 4] = square
        labels[row : row + 4, column : column + 4] = np.eye(len(places) + 1)[number]
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return MemoryFrame(frame, make_search_grid(vectors), labels)


def test_an_object_and_what_is_beside_it_lie_where_the_object_is_now() -> None:
    known = make_frame(0, (4, 10))
    moved = shift_objects(known, make_frame(9, (6, 30)).labels)
    assert moved is not None
    assert (moved.labels[6:10, 30:34, 1] == 1).all()
    assert moved.labels[..., 1].sum() == 16
    assert (moved.grid.vectors[3:13, 27:37] == known.grid.vectors[1:11, 7:17]).all()
    assert not moved.grid.vectors[:2].any()  # nothing comes from beyond the border, nor a label
    assert not moved.labels[:, :20].any()


def test_each_class_moves_by_its_own_displacement() -> None:
    moved = shift_objects(make_frame(0, (4, 10), (10, 40)), make_frame(9, (4, 14), (12, 20)).labels)
    assert moved is not None
    assert (moved.labels[4:8, 14:18, 1] == 1).all()
    assert (moved.labels[12:16, 20:24, 2] == 1).all()


def test_nothing_is_moved_where_no_object_has_moved_or_is_seen() -> None:
    known = make_frame(0, (4, 10))
    assert shift_objects(known, make_frame(9, (4, 10)).labels) is None
    assert shift_objects(known, np.zeros_like(known.labels)) is None


def test_an_object_beyond_the_search_radius_is_found_in_the_labelled_frame() -> None:
    known, last, now = make_frame(0, (8, 4)), make_frame(8, (8, 44), seed=1), make_frame(9, (8, 46), seed=2)
    # The latest frame shows the object at the right place, but what is propagated there is half a class.
    doubtful = replace(last, labels=np.where(last.labels == 1, np.float32(0.6), np.float32(0.4)))

    def match(shift: bool) -> np.ndarray:
        config = replace(DEFAULT_CONFIG, shift_objects=shift, match_radius=12)
        bank = MemoryBank(LabelledMemory({0: lambda: known}, 1.0), config)
        bank.add_frame(doubtful)
        return bank.match_labels(9, now.grid)[0][8:12, 46:50, 1]

    assert match(shift=True).min() > 0.8
    assert match(shift=False).max() < 0.7


def test_a_given_label_outweighs_a_propagated_one_of_the_same_similarity() -> None:
    known, wrong, now = make_frame(0, (8, 20)), make_frame(8, (8, 20), seed=1), make_frame(9, (8, 20), seed=2)
    wrong = replace(wrong, labels=wrong.labels[..., ::-1].copy())

    def match(bias: float) -> np.ndarray:
        bank = MemoryBank(LabelledMemory({0: lambda: known}, 1.0), replace(DEFAULT_CONFIG, labelled_bias=bias))
        bank.add_frame(wrong)
        return bank.match_labels(9, now.grid)[0][8:12, 20:24, 1].mean()

    assert match(1.0) > match(0.0) + 0.1
