"""The table that people write: what is read from it, and what is said where it is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.artifacts.action_labels import ActionLabel, ActionLabels, possible_video_names
from tasks.errors import BadInput

HEAD = "video,label,start_s,end_s,track_id,split\n"


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> ActionLabels:
    path = tmp_path / "actions.csv"
    path.write_text(text, encoding=encoding)
    return ActionLabels.load(path)


def test_rows_carry_what_was_written_and_nothing_where_nothing_was(tmp_path: Path) -> None:
    labels = read(tmp_path, HEAD + "a,plié,1.5,2,3,train\nb,jeté,,,,\n")
    assert labels.rows == (
        ActionLabel("a", "plié", 1.5, 2.0, 3, "train", 2),
        ActionLabel("b", "jeté", None, None, None, None, 3),
    )
    assert labels.labels == ("jeté", "plié")


def test_two_columns_in_any_order_are_enough(tmp_path: Path) -> None:
    assert read(tmp_path, "label,video\nkick,a\n").rows == (ActionLabel("a", "kick", None, None, None, None, 2),)


def test_what_spreadsheets_do_is_no_fault(tmp_path: Path) -> None:
    labels = read(tmp_path, 'video, label\r\n"a", "turn, left" \r\n,\r\n', "utf-8-sig")
    assert [(row.video, row.label) for row in labels.rows] == [("a", "turn, left")]


def test_a_label_over_two_lines_does_not_shift_line_numbers(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"actions\.csv:4: label must be given"):
        read(tmp_path, 'video,label\na,"two\nlines"\nb,\n')


def test_saving_and_loading_gives_the_same_rows(tmp_path: Path) -> None:
    labels = read(tmp_path, HEAD + 'a,"x, y",0.25,,,held-out\nb,z,,3,2,\n')
    labels.save(tmp_path / "again.csv")
    assert ActionLabels.load(tmp_path / "again.csv") == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "actions.csv:1: columns must be video, label"),
        ("video;label\na;b\n", "actions.csv:1: columns must be .* separated by commas, got semicolons; save it as CSV"),
        ("video\tlabel\na\tb\n", "actions.csv:1: columns must be .* separated by commas, got tabs; save it as CSV"),
        ("video,label\na," + "b" * 200_000, r"actions.csv:\d: must be a table, got an error: field larger than"),
        ("video,label,lable\n", "actions.csv:1: columns must be"),
        ("video,label,label\n", "actions.csv:1: columns must be"),
        ("video,label\na,b,c\n", "actions.csv:2: row must have as many cells"),
        ("video,label\n,b\n", "actions.csv:2: video must be given"),
        (HEAD + "a,b,x,,,\n", "actions.csv:2: start_s must be seconds .* got 'x'"),
        (HEAD + "a,b,-1,,,\n", "actions.csv:2: start_s must be seconds"),
        (HEAD + "a,b,nan,,,\n", "actions.csv:2: start_s must be seconds"),
        (HEAD + "a,b,,inf,,\n", "actions.csv:2: end_s must be seconds"),
        (HEAD + "a,b,5,4,,\n", "actions.csv:2: end_s must be after start_s 5, got 4"),
        (HEAD + "a,b,,,0,\n", "actions.csv:2: track_id must be a whole number"),
        (HEAD + "a,b,,,99999999999,\n", "actions.csv:2: track_id must be a whole number"),
        (HEAD + f"a,b,,,{'9' * 5000},\n", "actions.csv:2: track_id must be a whole number"),
        (HEAD + "a,b,,,1.0,\n", "actions.csv:2: track_id must be a whole number"),
        (HEAD + "a,b,,,,test\n", "actions.csv:2: split must be train or held-out"),
        (HEAD + "a,b,,,,train\na,c,,,,held-out\n", "actions.csv:3: split of a must be train as in line 2"),
        (HEAD + "a,b,1,2,,\na,b,1.0,2,,\n", "actions.csv:3: row must differ .* got line 2 again"),
    ],
)
def test_an_error_names_line_and_expectation(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)


def test_another_encoding_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"actions\.csv:2: must be UTF-8, got byte 0xe9"):
        read(tmp_path, "video,label\na,plié\n", "latin-1")


def test_utf_16_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"actions\.csv:1: must be UTF-8, got UTF-16; save it as UTF-8"):
        read(tmp_path, "video,label\na,plié\n", "utf-16")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BadInput, match=r"folder\.csv must be a file, got a folder"):
        ActionLabels.load(tmp_path / "folder.csv")


PIECES = [
    *["video", "label", "start_s", "end_s", "track_id", "split"],
    ",",
    "\n",
    "\r",
    '"',
    "a",
    "1.5",
    "train",
    ";",
    "-1",
    ".",
    "/",
]


@settings(max_examples=100)
@given(
    st.one_of(
        st.binary(max_size=100),
        st.lists(st.sampled_from(PIECES), max_size=30).map(lambda parts: "".join(parts).encode()),
        st.lists(st.sampled_from(PIECES), max_size=30).map(lambda parts: (HEAD + ",".join(parts)).encode()),
        st.text(max_size=60).map(lambda text: (HEAD + text).encode()),
    )
)
def test_any_bytes_give_labels_or_a_message(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "actions.csv"
        path.write_bytes(data)
        try:
            found = ActionLabels.load(path)
        except BadInput as error:
            assert str(error).startswith("actions.csv:")
        else:
            assert found.videos >= {row.video for row in found.rows}
            assert found.labels is not None


def test_absent_labels_are_not_an_empty_file(tmp_path: Path) -> None:
    assert not ActionLabels.absent().given
    assert read(tmp_path, "video,label\n").given


def test_it_lies_where_people_look_for_it(tmp_path: Path) -> None:
    assert ActionLabels.path(tmp_path, "dataset") == tmp_path / "data" / "labels" / "actions.csv"


def test_the_letters_of_a_mac_name_the_same_video() -> None:
    composed, decomposed = "pli\u00e9_1", "plie\u0301_1"
    assert possible_video_names(f"{decomposed}.mp4") == (f"{composed}.mp4", composed)
    assert possible_video_names(composed) == possible_video_names(decomposed)
