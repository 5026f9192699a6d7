"""The file of corrections: it is written as it is read, and says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.artifacts.corrections import Correction, Corrections, Segment, join_corrections
from tasks.errors import BadInput

BOX = [[0, 1.5, 2, 30, 40], [9, 2, 2, 31, 40]]
GOOD: dict[str, Any] = {
    "version": 1,
    "width": 96,
    "height": 64,
    "corrections": [
        {"kind": "identity", "base": "a", "identity": 7, "segments": [{"was": 7, "boxes": BOX}]},
        {"kind": "class", "base": "a", "class": "car", "segments": [{"was": 7, "boxes": BOX}]},
        {"kind": "delete", "base": "a", "segments": [{"was": 7, "boxes": BOX}]},
        {"kind": "move", "base": "b", "boxes": [[0, 1, 2, 3, 4, 5, 6, 7, 8]]},
        {"kind": "add", "base": "b", "identity": 0, "class": "dog", "near": [], "boxes": BOX},
    ],
}


def read(tmp_path: Path, value: Any) -> Corrections:
    path = tmp_path / "film.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return Corrections.load(path)


def test_what_is_written_is_what_was_read(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert json.loads(found.to_json()) == GOOD
    assert [len(group) for group in found.group_by_base()] == [3, 2]
    assert json.loads(Corrections(4, 3).to_json())["corrections"] == []


def test_corrections_of_an_export_take_the_place_of_those_before() -> None:
    segment = Segment(1, np.array(BOX, float))
    a, b, c = (Correction("delete", base, segments=(segment,)) for base in "abc")
    new = Correction("delete", "b", segments=(segment,))
    assert join_corrections(Corrections(1, 1, (a, b, c)), "b", [new, new]) == (a, new, new, c)
    assert join_corrections(Corrections(1, 1, (a,)), "b", [new]) == (a, new)
    assert join_corrections(Corrections(1, 1, (a, b)), "b", []) == (a,)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{", r"film.json:1: must be JSON, got"),
        ("[1]", r"film.json must be an object with corrections, got \[1\]"),
        ({"version": 2}, r"version must be 1, got 2; import the annotations again"),
        ({"width": 0}, r"width must be a whole number of pixels, got 0"),
        ({"corrections": {}}, r"corrections must be a list, got \{\}"),
        ({"corrections": [{"kind": "turn"}]}, r"correction 1: kind must be one of identity, class, delete, move, add"),
        ({"corrections": [{"kind": "delete", "base": "a"}]}, r"correction 1: keys must be .*, got segments missing"),
        (
            {"corrections": [{"kind": "delete", "base": "a", "segments": [{"was": 1, "boxes": [[0, 5, 2, 5, 4]]}]}]},
            r"boxes must be lists of 5 numbers, frame first and left < right",
        ),
        (
            {"corrections": [{"kind": "delete", "base": "a", "segments": [{"was": 1, "boxes": BOX[::-1]}]}]},
            r"frames of boxes must be whole numbers that increase",
        ),
        ({"corrections": [{"kind": "move", "base": "a", "boxes": BOX}]}, r"boxes must be lists of 9 numbers"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(tmp_path, GOOD | change if isinstance(change, dict) else change)


def test_without_a_file_there_is_nothing_to_correct(tmp_path: Path) -> None:
    assert Corrections.open(tmp_path / "none.json").corrections == ()
