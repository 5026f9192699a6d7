"""The state is a cache: if it is damaged, lost or unwritable, only time is lost."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine.database import encode_json
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.engine.state import State
from tests.engine import toys

Reopen = Callable[[], Project]


@pytest.fixture
def made(project_root: Path, reopen: Reopen) -> Path:
    """A project in which everything is made, its state written and closed."""
    project = reopen()
    assert run_stale_items(project).is_good
    project.close()
    toys.CALLS.clear()
    return project_root


def path_of(root: Path) -> Path:
    return root / ".semflow/state.sqlite"


def read_statuses(root: Path) -> set[str]:
    project = Project.open(root, toys.TOYS)
    try:
        return {state.status for state in Plan.examine_project(project).states.values()}
    finally:
        project.close()


def lose_half(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def lose_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def garble_pages(path: Path) -> None:
    """The first page is whole, so that it opens; all others are garbage."""
    data = path.read_bytes()
    assert len(data) > 8192
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


def change_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 99")
        connection.execute("drop table files")
        connection.execute("create table files (something text)")
    connection.close()


def other_tables(path: Path) -> None:
    """The same version by number, with tables of another form."""
    with sqlite3.connect(path) as connection:
        for name in ("files", "recipes", "ledger", "deaths", "timings"):
            connection.execute(f"drop table {name}")
            connection.execute(f"create table {name} (something text)")
    connection.close()


def be_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def spoil_the_files_beside(path: Path) -> None:
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).write_bytes(b"\xa5" * 9000)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(len(path.read_bytes()))),
    "text": lambda path: path.write_text("this is no database"),
    "cut in half": lose_half,
    "cut at the end": lose_the_end,
    "garbled pages": garble_pages,
    "other version": change_version,
    "other tables": other_tables,
    "a folder": be_a_folder,
    "garbage beside": spoil_the_files_beside,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_state_changes_no_plan(made: Path, kind: str) -> None:
    DAMAGE[kind](path_of(made))
    assert read_statuses(made) == {"fresh"}
    assert read_statuses(made) == {"fresh"}
    assert run_stale_items(Project.open(made, toys.TOYS)).is_good
    assert toys.CALLS == []
    (made / "data/raw/one.mp4").write_text("cat")
    assert run_stale_items(Project.open(made, toys.TOYS)).is_good
    assert "read one" in toys.CALLS


@pytest.mark.parametrize("kind", [kind for kind in DAMAGE if kind != "a folder"])
def test_a_damaged_state_is_recreated(made: Path, kind: str) -> None:
    DAMAGE[kind](path_of(made))
    time.sleep(0.05)  # files touched just now are not remembered by their marks
    read_statuses(made)
    state = State.open(made)
    state.save_memo("note", 7)
    state.close()
    state = State.open(made)
    assert state.read_memo("note") == 7
    assert len(state.files) >= 2, "the hashes of the raw files, so that they are not read again"
    assert len(state.read_recipe_texts()) == 12
    state.close()


WRONG = ("null", "7", "[]", "{}", '"x"', '{"a": [1]}', "no JSON", "")


@pytest.mark.parametrize("wrong", WRONG)
def test_invalid_entries_are_computed_again(made: Path, wrong: str) -> None:
    with sqlite3.connect(path_of(made)) as connection:
        connection.execute("update recipes set text = ?", (wrong,))
        connection.execute("update ledger set outputs = ?", (wrong,))
        connection.execute("update memos set value = ?", (wrong,))
        connection.execute("update timings set seconds = 'x', frames = 'y'")
        connection.execute("insert or replace into deaths values ('k', 'many', 7)")
    connection.close()
    assert read_statuses(made) == {"fresh"}
    assert run_stale_items(Project.open(made, toys.TOYS)).is_good
    assert toys.CALLS == []
    params = made / "params.yaml"
    params.write_text(params.read_text().replace("letter: a", "letter: n"))
    assert run_stale_items(Project.open(made, toys.TOYS)).is_good
    assert toys.CALLS.count("count") == 2


def test_a_state_that_another_program_has_locked_is_left_alone(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.engine.database.BUSY_S", 0.05)
    other = sqlite3.connect(path_of(made))
    other.execute("pragma locking_mode = exclusive")
    other.execute("begin exclusive")
    other.execute("insert into memos values ('other', ?)", (encode_json(1),))
    try:
        assert read_statuses(made) == {"fresh"}
    finally:
        other.commit()
        other.close()
    state = State.open(made)
    assert state.read_memo("other") == 1
    assert state.read_timings()
    state.close()


def test_a_read_only_folder_is_served_from_memory(made: Path, tmp_path: Path) -> None:
    place = tmp_path / "read-only"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(place)]
    found = subprocess.run(mount, check=False, capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"needs to mount a file system, which only root may: {found.stderr.strip()}")
    try:
        shutil.copytree(made, place / "with", ignore=shutil.ignore_patterns("read-only"))
        shutil.copytree(made, place / "without", ignore=shutil.ignore_patterns("read-only", ".semflow"))
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        assert read_statuses(place / "with") == {"fresh"}
        assert read_statuses(place / "without") == {"fresh"}
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
