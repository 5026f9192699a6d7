"""Masks and points that people write: what is read, and what is said where it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.artifacts.field_labels import FieldLabels
from tasks.errors import BadInput


def test_a_folder_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    labels = FieldLabels.open(tmp_path / "none")
    assert labels.frames == ()
    assert labels.mask(0) is None


def test_values_of_grey_masks_and_of_palettes_are_classes(tmp_path: Path) -> None:
    values = np.array([[0, 1], [2, 255]], np.uint8)
    Image.fromarray(values).save(tmp_path / "0003.png")
    coloured = Image.fromarray(values, "P")
    coloured.putpalette(np.random.default_rng(0).integers(0, 255, 768).tolist())
    coloured.save(tmp_path / "7.png")
    labels = FieldLabels.load(tmp_path)
    assert labels.frames == (3, 7)
    assert (labels.mask(3) == values).all()
    assert (labels.mask(7) == values).all()


def test_points_and_names_are_read(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("label,frame,x,y\n1,4,2.5,3\n0,4,9,9\n")
    (tmp_path / "names.txt").write_text("ground\nhorse\n")
    labels = FieldLabels.load(tmp_path)
    assert labels.frames == (4,)
    assert labels.points_of(4).tolist() == [[2.5, 3, 1], [9, 9, 0]]
    assert labels.names == ("ground", "horse")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame,x,y\n1,2,3\n", "must have the columns frame,x,y,label"),
        ("frame,x,y,label\n1,2,3,horse\n", "points.csv:2: frame,x,y,label must be numbers"),
        ("frame,x,y,label\n1,2,3,255\n", "label below 255"),
    ],
)
def test_wrong_points_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        FieldLabels.load(tmp_path)


def test_wrong_masks_are_named(tmp_path: Path) -> None:
    (tmp_path / "first.png").write_bytes(b"")
    with pytest.raises(BadInput, match="must be named after its frame"):
        FieldLabels.load(tmp_path)
    (tmp_path / "first.png").unlink()
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"nothing")
    labels = FieldLabels.load(tmp_path)
    with pytest.raises(BadInput, match="must be grey or have a palette"):
        labels.mask(1)
    with pytest.raises(BadInput, match="must be a PNG"):
        labels.mask(2)
