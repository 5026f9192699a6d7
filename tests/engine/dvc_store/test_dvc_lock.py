"""`dvc.lock` in unusual layouts; that it equals DVC's own is tested in test_equal_to_dvc."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.engine.dvc_store.dvc_lock import (
    DirHash,
    FileHash,
    StageRecord,
    read_lock,
    read_lock_params,
    update_lock,
    update_lock_text,
)
from tasks.errors import SemflowError

A = StageRecord(
    "a", "run a", {"x.py": FileHash("0" * 32, 3, True)}, {"a": {"k": None}}, {"d": DirHash("1" * 32 + ".dir", 5, 2)}
)
B = StageRecord("b", "run b")


def test_written_values_are_read_back(tmp_path: Path) -> None:
    assert read_lock(tmp_path) == {}
    assert update_lock(tmp_path, [A, B])
    assert read_lock(tmp_path) == {"a": A, "b": B}
    assert not update_lock(tmp_path, [B])
    assert [path.name for path in tmp_path.iterdir()] == ["dvc.lock"]


def test_without_records_the_text_is_unchanged() -> None:
    assert update_lock_text("", []) == ""


def test_other_stages_keep_their_text_and_place() -> None:
    text = "schema: '2.0'\nstages:\n  z:\n    cmd: [odd,   layout]  # a comment\n  b:\n    cmd: old\n  y:\n    cmd: y\n"
    assert update_lock_text(text, [B, A]).startswith(text.replace("cmd: old", "cmd: run b"))
    assert list(read_text(update_lock_text(text, [B, A]))) == ["z", "b", "y", "a"]


def test_text_after_the_stages_stays_after_them() -> None:
    text = "schema: '2.0'\nstages:\n  b:\n    cmd: old\ndatasets:\n- name: x\n"
    assert update_lock_text(text, [B]) == text.replace("old", "run b")


@pytest.mark.parametrize(
    "text", ["schema: '2.0'\n", "schema: '2.0'\nstages: {}\n", "schema: '2.0'\nstages: {b: {cmd: old}}\n"]
)
def test_a_lock_of_another_layout_is_rewritten(text: str) -> None:
    assert read_text(update_lock_text(text, [B])) == {"b": B}


def test_a_missing_newline_at_the_end_is_accepted() -> None:
    text = update_lock_text("", [B]).rstrip("\n")
    assert list(read_text(update_lock_text(text, [A]))) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema: '2.0'\nstages:\n<<<<<<< HEAD\n", "dvc.lock:3 must be YAML, got a merge conflict"),
        ("schema: '1.0'\nstages: {}\n", "schema '2.0'"),
        ("- a\n", "schema '2.0'"),
        ("schema: '2.0'\nstages: [a]\n", "stages by name"),
        ("schema: '2.0'\nstages: {a: 1}\n", "with a cmd for 'a'"),
        ("schema: '2.0'\nstages: {a: {cmd: x, deps: [1]}}\n", "an entry of DVC for 'a'"),
        (
            "schema: '2.0'\nstages:\n  a:\n    cmd: x\n  a:\n    cmd: x\n",
            "dvc.lock:5 must be YAML, got the key 'a' occurs twice",
        ),
    ],
)
def test_a_damaged_lock_says_where_and_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(SemflowError) as raised:
        read_lock(tmp_path)
    assert words in str(raised.value)
    assert str(raised.value).endswith("`git checkout --theirs dvc.lock` (in a rebase --ours), then `semflow run`")


def test_a_lock_that_is_no_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_bytes(b"\xff\xfe")
    with pytest.raises(SemflowError, match=r"dvc\.lock must be UTF-8"):
        read_lock(tmp_path)


def test_a_damaged_lock_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text("<<<<<<< HEAD\n")
    with pytest.raises(SemflowError):
        update_lock(tmp_path, [A])
    assert (tmp_path / "dvc.lock").read_text() == "<<<<<<< HEAD\n"


def test_a_missing_parameter_is_named(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("a: {b: 1}\n")
    assert read_lock_params(tmp_path, ["a", "a.b"]) == {"a": {"b": 1}, "a.b": 1}
    with pytest.raises(SemflowError, match=r"must have the key a\.c"):
        read_lock_params(tmp_path, ["a.c"])


def read_text(text: str) -> dict[str, StageRecord]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        (Path(folder) / "dvc.lock").write_text(text)
        return read_lock(Path(folder))
