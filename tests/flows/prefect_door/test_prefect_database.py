"""A database of Prefect is taken as it is only where its schema is known to be that of the installed version."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.prefect_door.prefect_database import find_database, is_prepared, note_revision
from flows.prefect_door.prefect_process import NICENESS
from flows.prefect_door.prefect_server import USED_ROUTERS, order_routers


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with a revision, as Alembic writes it."""
    path = tmp_path / "pre fect#1.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('abc')")
    return path


def _set_revision(database: Path, revision: str) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("update alembic_version set version_num = ?", (revision,))


def test_a_noted_revision_is_known(database: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    assert not is_prepared(database, note)
    note_revision(database, note)
    assert json.loads(note.read_text()) == {"prefect": version("prefect"), "revision": "abc"}
    assert is_prepared(database, note)


@pytest.mark.parametrize(
    "change",
    [
        lambda database, note: _set_revision(database, "older"),
        lambda database, note: note.write_text('{"prefect": "1.0", "revision": "abc"}'),
        lambda database, note: note.write_text("cut of"),
        lambda database, note: database.write_bytes(b"no database at all" * 100),
        lambda database, note: database.unlink(),
    ],
    ids=["another revision", "another version", "damaged note", "damaged database", "no database"],
)
def test_anything_else_is_prepared_again(
    database: Path, tmp_path: Path, change: Callable[[Path, Path], object]
) -> None:
    note = tmp_path / "note.json"
    note_revision(database, note)
    change(database, note)
    assert not is_prepared(database, note)


def test_only_a_file_of_sqlite_is_found(database: Path) -> None:
    assert find_database(f"sqlite+aiosqlite:///{database}") == database
    assert find_database(f"sqlite+aiosqlite:///{database}.none") is None
    assert find_database("sqlite+aiosqlite:///:memory:") is None
    assert find_database("postgresql+asyncpg://user:word@host/prefect") is None


def test_the_parts_of_the_api_that_are_used_come_first_and_none_is_lost() -> None:
    from prefect.server.api import server

    api = SimpleNamespace(API_ROUTERS=server.API_ROUTERS)
    order_routers(api)
    assert {router.prefix for router in api.API_ROUTERS[: len(USED_ROUTERS)]} == set(USED_ROUTERS)
    assert sorted(map(id, api.API_ROUTERS)) == sorted(map(id, server.API_ROUTERS))


def test_a_lower_priority_is_that_of_all_threads() -> None:
    code = (
        "import os, threading; from flows.prefect_door.prefect_process import lower_priority\n"
        "hold = threading.Event(); other = threading.Thread(target=hold.wait); other.start()\n"
        "lower_priority()\n"
        "threads = (threading.get_native_id(), other.native_id)\n"
        "print(*(os.getpriority(os.PRIO_PROCESS, thread) for thread in threads)); hold.set()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert all(int(nice) >= NICENESS for nice in done.stdout.split())
