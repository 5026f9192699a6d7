"""Masks and points that people write: what is read, and what is said where it is wrong."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
        ("frame,x,y,label\n1,2,3,255\n", "points.csv:2: label must be a whole number from 0 to 254, got '255'"),
        ("frame,x,y,label\n1,2,3,1\n1,2,3,1.7\n", "points.csv:3: label must be a whole number .*, got '1.7'"),
        ("frame,x,y,label\n1,2,3,-1\n", "points.csv:2: label must be a whole number"),
        ("frame,x,y,label\n1,2,3,nan\n", "points.csv:2: label must be a whole number"),
        ("frame,x,y,label\n1.5,2,3,1\n", "points.csv:2: frame must be a whole number from 0 on, got '1.5'"),
        ("frame,x,y,label\n-1,2,3,1\n", "points.csv:2: frame must be a whole number"),
        ("frame,x,y,label\n1e300,2,3,1\n", "points.csv:2: frame must be a whole number"),
        ("frame,x,y,label\n1,-5,3,1\n", "points.csv:2: x must lie in the frame, from 0 on, got '-5'"),
        ("frame,x,y,label\n1,2,inf,1\n", "points.csv:2: y must lie in the frame"),
        ("frame,x,y,label\n1,2,nan,1\n", "points.csv:2: y must lie in the frame"),
        ("frame,x,y,label\n1,2\n", "points.csv:2: frame,x,y,label must be numbers"),
        ("frame;x;y;label\n1;2;3;4\n", "points.csv:1: must have the columns .*; separate them by commas"),
        ("frame,x,y,label,x\n1,2,3,4,5\n", "points.csv:1: must have the columns frame,x,y,label, each once"),
        ("", "points.csv:1: must have the columns frame,x,y,label, each once, got nothing"),
        ("frame,x,y,label\n" + "1" * 200_000, r"points.csv:\d: must be a table, got an error: field larger than"),
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


def labels_with(tmp_path: Path, point: str, mask: str = "2.png") -> FieldLabels:
    (tmp_path / "points.csv").write_text(f"frame,x,y,label\n0,1,1,0\n{point}\n")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / mask)
    return FieldLabels.load(tmp_path)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("1,500,3,1", r"points.csv:3: x must lie in the frame, from 0 to 95 \(96x64\), got 500; .* data/frames"),
        ("1,3,64,1", r"points.csv:3: y must lie in the frame, from 0 to 63 \(96x64\), got 64"),
        ("6,3,3,1", r"points.csv:3: frame must be from 0 to 5, got 6"),
    ],
)
def test_a_point_outside_of_the_video_is_named_with_its_line(tmp_path: Path, point: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        labels_with(tmp_path, point).check_frames(6, 64, 96)


def test_the_whole_of_the_border_s_pixels_is_inside(tmp_path: Path) -> None:
    labels_with(tmp_path, "5,95.4,-0.4,1").check_frames(6, 64, 96)


def test_a_mask_of_a_frame_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"/6.png must be of frames 0 to 5, got 6"):
        labels_with(tmp_path, "1,3,3,1", "6.png").check_frames(6, 64, 96)


def test_two_masks_of_one_frame_are_named(tmp_path: Path) -> None:
    labels_with(tmp_path, "1,3,3,1", "02.png")
    with pytest.raises(BadInput, match=r"/2.png must be the one mask of frame 2, got 02.png too"):
        labels_with(tmp_path, "1,3,3,1", "2.png")


def test_hidden_files_are_no_masks(tmp_path: Path) -> None:
    (tmp_path / "._000001.png").write_bytes(b"of a Mac")
    assert FieldLabels.load(tmp_path).frames == ()


@pytest.mark.parametrize("name", ["³.png", "٣.png", "9" * 30 + ".png", "-1.png"])
def test_odd_numbers_are_no_frames(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(BadInput, match="must be named after its frame"):
        FieldLabels.load(tmp_path)


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "walk").write_text("frame,x,y,label\n")
    with pytest.raises(BadInput, match=r"walk must be a folder with masks, points.csv or names.txt, got a file"):
        FieldLabels.open(tmp_path / "walk")


@pytest.mark.parametrize("name", ["points.csv", "names.txt"])
def test_another_encoding_is_reported_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("frame,x,y,label\n# plié".encode("latin-1"))
    with pytest.raises(BadInput, match=f"/{name}:2: must be UTF-8, got byte 0xe9; save it as UTF-8"):
        FieldLabels.load(tmp_path)
    (tmp_path / name).write_bytes("frame,x,y,label\n".encode("utf-16"))
    with pytest.raises(BadInput, match=f"/{name}:1: must be UTF-8, got UTF-16"):
        FieldLabels.load(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(BadInput, match=f"/{name} must be a file, got a folder"):
        FieldLabels.load(tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("ground\r\nhorse\r\n", encoding="utf-8-sig", newline="")
    assert FieldLabels.load(tmp_path).names == ("ground", "horse")


def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4)).save(file, "PNG")
    return file.getvalue()


PIECES = ["frame,x,y,label", "\n", ",", '"', "1", "-1", "1.5", "nan", "é", "\r", ";"]


@settings(max_examples=100)
@given(
    st.sampled_from(["points.csv", "names.txt", "1.png"]),
    st.one_of(
        st.binary(max_size=100),
        st.lists(st.sampled_from(PIECES), max_size=30).map(lambda parts: "".join(parts).encode()),
        st.text(max_size=60).map(lambda text: f"frame,x,y,label\n{text}".encode()),
        st.tuples(st.integers(0, 80), st.binary(max_size=4)).map(lambda cut: png()[: cut[0]] + cut[1]),
        st.tuples(st.integers(0, 80), st.binary(min_size=1, max_size=4)).map(
            lambda cut: png()[: cut[0]] + cut[1] + png()[cut[0] + len(cut[1]) :]
        ),
    ),
)
def test_any_bytes_give_labels_or_a_message(name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        try:
            labels = FieldLabels.load(Path(folder))
            labels.check_frames(6, 64, 96)
            for frame in labels.frames:
                labels.mask(frame)
        except BadInput as error:
            assert name in str(error)
