"""The state: data of older versions are kept, and deletions remove exactly the given entries."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from flows.engine.file_marks import FileMark
from flows.engine.outcome import Item
from flows.engine.state import State

MARK = FileMark(1, 2, 3, 4)


def test_the_ledger_of_the_first_version_is_kept(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    state.save_memo("note", 1)
    state.close()
    with sqlite3.connect(tmp_path / ".semflow/state.sqlite") as old:
        old.execute("drop table ledger")
        old.execute("create table ledger (key text primary key, outputs text) without rowid")
        old.execute('insert into ledger values (\'k\', \'{"f": {"": ["m", 1]}}\')')
        old.execute("update memos set value = '1'")  # it had no checksums
        old.execute("pragma user_version = 1")
    old.close()
    state = State.open(tmp_path)
    (row,) = state.read_ledger()
    assert (row.key, row.outputs, row.item) == ("k", {"f": {"": ["m", 1]}}, None)
    assert row.at > 1.7e9, "it counts as made today, so that nothing is dropped for being old"
    assert state.read_memo("note") == 1
    state.save_outputs(Item("v", "s"), "k2", {})
    assert {row.key: row.item for row in state.read_ledger()} == {"k": None, "k2": Item("v", "s")}
    state.close()


def test_a_video_is_forgotten_exactly(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    for video in ("a_b", "axb", "b"):
        state.save_memo(f"index-item:{video}", video)
        state.save_timing("read", video, 1.0, 1)
        state.save_outputs(Item(video, "read"), video, {})
        state.save_own_md5(f"data/{video}", MARK, "0" * 32)
    state.flush()
    state.forget_video("a_b", ["data/a_b"])
    assert state.read_memos("index-item:") == {"axb": "axb", "b": "b"}
    assert {video for _, video, _, _ in state.read_timings()} == {"axb", "b"}
    assert {row.key for row in state.read_ledger()} == {"axb", "b"}
    assert state.files.keys() == {"data/axb", "data/b"}
    state.close()


def test_deleted_values_are_erased_from_the_file(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    state.save_memo("index-item:secret_name", "x" * 10_000)
    state.forget_video("secret_name", [])
    state.erase_deleted_rows()
    for path in (tmp_path / ".semflow").iterdir():
        assert b"secret_name" not in path.read_bytes(), path
    state.close()


def test_a_path_that_is_forgotten_is_read_again_also_before_it_was_written(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    state.save_own_md5("a", MARK, "0" * 32)
    state.forget_paths(["a"])
    assert state.find_md5("a", MARK) is None
    state.close()
    state = State.open(tmp_path)
    assert state.find_md5("a", MARK) is None
    state.close()
