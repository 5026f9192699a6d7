"""MOTChallenge tables as people's tools export them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.evaluate.mot_tables import check_identities, format_truth, read_mot_table
from flows.evaluate.motchallenge import evaluate_files, open_sequence
from tasks.errors import BadInput

ROWS = ["1,1,10,20,30,40,1", "2,1,12,20,30,40,1", "1,2,50,20,30,40,1"]
TABLE = np.array([[float(cell) for cell in row.split(",")] for row in ROWS])
FORMS = {
    "plain": "\n".join(ROWS),
    "byte order mark": "\ufeff" + "\n".join(ROWS),
    "header": "frame,id,bb_left,bb_top,bb_width,bb_height,conf\n" + "\n".join(ROWS),
    "spaces": "\n".join(row.replace(",", " ") for row in ROWS),
    "spaces after commas": "\n".join(row.replace(",", ", ") for row in ROWS),
    "semicolons": "\n".join(row.replace(",", ";") for row in ROWS),
    "tabs": "\n".join(row.replace(",", "\t") for row in ROWS),
    "comma at the end": "\n".join(row + "," for row in ROWS),
    "line ends of Windows": "\r\n".join(ROWS) + "\r\n",
    "empty lines": "\n\n".join(ROWS) + "\n\n",
}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("form", FORMS)
def test_the_same_table_is_read_in_every_form(form: str, tmp_path: Path) -> None:
    path = write(tmp_path / "gt.txt", FORMS[form])
    np.testing.assert_array_equal(read_mot_table(path), TABLE)
    assert format_truth(path) == "".join(f"{row},1\n" for row in ROWS)


@pytest.mark.parametrize("form", ["byte order mark", "header", "spaces", "comma at the end"])
def test_truth_in_another_form_is_scored_as_in_the_usual_one(form: str, tmp_path: Path) -> None:
    result = write(tmp_path / "result/result.txt", "\n".join(ROWS))
    verdict = evaluate_files(write(tmp_path / "gt.txt", FORMS[form]), result, "MOT15", 2)
    assert verdict["CLEAR"]["MOTA"] == 1


def test_a_mark_in_the_description_of_a_sequence_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "gt/gt.txt", FORMS["plain"])
    write(tmp_path / "seqinfo.ini", "\ufeff[Sequence]\nframeRate=12\nseqLength=9\nimWidth=640\nimHeight=480\n")
    sequence = open_sequence(tmp_path, "one")
    assert (sequence.frame_count, sequence.frame_rate, sequence.width) == (9, 12, 640)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,1,10,20,30,40,1", r"gt\.txt:1: frames must be whole numbers counted from 1, got 0; where the tool counts"),
        ("1,1,10,20,30,40,1\n\n1.5,2,1,1,1,1,1", r"gt\.txt:3: frames must be whole numbers"),
        ("1,1,10,20,30,40,1\n1,two,10,20,30,40,1", r"gt\.txt:2: cells must be numbers, got 1, two"),
        ("1,1,10,20,30,40,1\n1,2,10,20,30,40", r"gt\.txt:2: row must have 7 cells as the first one, got 6"),
        ("1,1,10,20,30,40", r"must have at least 7 columns"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=words):
        read_mot_table(write(tmp_path / "gt.txt", text))


def test_an_identity_twice_in_a_frame_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "gt/gt.txt", "\n".join([*ROWS, ROWS[1]]))
    with pytest.raises(BadInput, match="an identity must occur once in a frame, got 1 2 times in frame 2"):
        check_identities(path, read_mot_table(path))
    with pytest.raises(BadInput, match="once in a frame"):
        open_sequence(tmp_path, "one")


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    assert read_mot_table(write(tmp_path / "gt.txt", "")).shape == (0, 7)
