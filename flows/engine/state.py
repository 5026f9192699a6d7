"""What the engine remembers on this machine: one SQLite file, written by every change, rebuilt from nothing at a cost
of time only. Recipes beside the artifacts stay the truth.

Tables: `files` (hash of a file by its mark), `recipes` (parsed recipe files by mark), `ledger` (key to what came out,
of which item and when last), `deaths` (items whose worker died), `timings` (how long items took), `memos` (derived
values by name).
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from flows.engine.outcome import Item
from flows.engine.scan import Mark

log = logging.getLogger("semflow")
FOLDER = ".semflow"
"""Folder below the project's root for what helps this machine and is no result."""
NAME = "state.sqlite"
VERSION = 2
BUSY_S = 20.0
"""Another command may be writing: wait for it so long."""
FINE_NS, COARSE_NS = 20_000_000, 2_000_000_000
"""A file touched this recently may change again within the resolution of its time stamp: milliseconds on most file
systems, two seconds on those that keep whole seconds (FAT, some network shares)."""
SCHEMA = """
create table files (path text primary key, size int, mtime int, ctime int, inode int, md5 text) without rowid;
create table recipes (path text primary key, size int, mtime int, ctime int, inode int, text text) without rowid;
create table ledger (key text primary key, outputs text, video text default '', stage text default '', at real)
    without rowid;
create table deaths (key text primary key, count int, reason text) without rowid;
create table timings (stage text, video text, seconds real, frames int, at real, primary key (stage, video))
    without rowid;
create table memos (name text primary key, value text) without rowid;
"""

MIGRATIONS = {
    1: """
alter table ledger add column video text default '';
alter table ledger add column stage text default '';
alter table ledger add column at real;
update ledger set at = strftime('%s', 'now');
"""
}
"""What makes an older database one of today, by its version; any other is started anew."""


class LedgerRow(NamedTuple):
    """What came out for a key."""

    key: str
    outputs: Any
    item: Item | None
    """None where an older version noted it."""
    at: float
    """Seconds since 1970 when a run last had it."""


@dataclass
class State:
    """The open database. Used by one thread; a second process may read and write too."""

    path: Path
    connection: sqlite3.Connection
    _files: dict[str, tuple[Mark, str]] | None = field(default=None)
    _new_files: dict[str, tuple[Mark, str]] = field(default_factory=dict[str, tuple[Mark, str]])

    @classmethod
    def open(cls, root: Path) -> State:
        """The state of the project at `root`; a damaged file is started anew, an unwritable folder serves memory."""
        path = root / FOLDER / NAME
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(path, _connect(path))
        except sqlite3.DatabaseError as error:
            log.debug("%s: %s; started anew", path, error)
        except OSError as error:
            log.debug("%s: %s; kept in memory", path, error)
            return cls(path, _connect(None))
        try:
            for stale in path.parent.glob(f"{NAME}*"):
                stale.unlink()
            return cls(path, _connect(path))
        except (OSError, sqlite3.Error):
            return cls(path, _connect(None))

    def close(self) -> None:
        """Write what is pending and close."""
        self.flush()
        self.connection.close()

    # Files

    @property
    def files(self) -> Mapping[str, tuple[Mark, str]]:
        """Path as it was given to mark and MD5, of every file hashed before."""
        if self._files is None:
            rows = self._rows("select path, size, mtime, ctime, inode, md5 from files")
            self._files = {
                path: (Mark(size, mtime, ctime, inode), md5) for path, size, mtime, ctime, inode, md5 in rows
            }
        return self._files

    def known_md5(self, path: str, mark: Mark) -> str | None:
        """The MD5 of the file at `path` if it was hashed while it had this mark."""
        known = self.files.get(_storable(path))
        return known[1] if known is not None and known[0] == mark else None

    def remember_file(self, path: str, mark: Mark, md5: str) -> None:
        """Note the hash of a file, unless it was touched so recently that its mark may not change with its bytes."""
        coarse = mark.mtime_ns % 1_000_000_000 == 0
        if time.time_ns() - mark.mtime_ns > (COARSE_NS if coarse else FINE_NS):
            self.remember_own_file(path, mark, md5)

    def remember_own_file(self, path: str, mark: Mark, md5: str) -> None:
        """Note the hash of a file that the engine itself has just written and that nobody else touches."""
        assert isinstance(self.files, dict)
        name = _storable(path)
        self.files[name] = self._new_files[name] = (mark, md5)

    def flush(self) -> None:
        """Write the hashes noted since the last time; a full disk costs the memory of them, nothing else."""
        rows = [(path, *mark, md5) for path, (mark, md5) in self._new_files.items()]
        self._new_files.clear()
        self._write("insert or replace into files values (?, ?, ?, ?, ?, ?)", rows)

    # Recipes

    def recipe_texts(self) -> dict[str, tuple[Mark, str]]:
        """Path to mark and text of every recipe file read before."""
        rows = self._rows("select path, size, mtime, ctime, inode, text from recipes")
        return {path: (Mark(size, mtime, ctime, inode), text) for path, size, mtime, ctime, inode, text in rows}

    def remember_recipes(self, texts: Mapping[str, tuple[Mark, str]]) -> None:
        """Note recipe files as read."""
        rows = [(path, *mark, text) for path, (mark, text) in texts.items()]
        self._write("insert or replace into recipes values (?, ?, ?, ?, ?, ?)", rows)

    # Ledger

    def ledger(self, key: str) -> Any:
        """What came out for `key` before, or None."""
        rows = list(self._rows("select outputs from ledger where key = ?", (key,)))
        return json.loads(rows[0][0]) if rows else None

    def remember_outputs(self, item: Item, key: str, outputs: Any) -> None:
        """Note what came out for a key."""
        row = (key, json.dumps(outputs), item.video, item.stage, time.time())
        self._write("insert or replace into ledger values (?, ?, ?, ?, ?)", [row])

    def ledger_rows(self) -> Iterator[LedgerRow]:
        """Everything that came out, here."""
        for key, outputs, video, stage, at in self._rows("select key, outputs, video, stage, at from ledger"):
            yield LedgerRow(key, json.loads(outputs), Item(video, stage) if video else None, at)

    def forget_keys(self, keys: list[str]) -> None:
        """Drop entries of the ledger."""
        self._write("delete from ledger where key = ?", [(key,) for key in keys])

    # Deaths

    def deaths(self) -> dict[str, int]:
        """Key to how often a worker died making it."""
        return dict(self._rows("select key, count from deaths"))

    def count_death(self, key: str, reason: str) -> int:
        """Note that a worker died over `key`; how often by now."""
        count = self.deaths().get(key, 0) + 1
        self._write("insert or replace into deaths values (?, ?, ?)", [(key, count, reason)])
        return count

    def clear_deaths(self, keys: list[str] | None = None) -> None:
        """Forget deaths, of `keys` or all."""
        if keys is None:
            self._write("delete from deaths", [()])
        else:
            self._write("delete from deaths where key = ?", [(key,) for key in keys])

    # Timings

    def timings(self) -> list[tuple[str, str, float, int]]:
        """(stage, video, seconds, frames) of the last time each item was computed here."""
        return list(self._rows("select stage, video, seconds, frames from timings"))

    def remember_timing(self, stage: str, video: str, seconds: float, frames: int) -> None:
        """Note how long an item took."""
        row = (stage, video, seconds, frames, time.time())
        self._write("insert or replace into timings values (?, ?, ?, ?, ?)", [row])

    # Memos

    def memo(self, name: str) -> Any:
        """The value noted under `name`, or None."""
        rows = list(self._rows("select value from memos where name = ?", (name,)))
        return json.loads(rows[0][0]) if rows else None

    def remember(self, name: str, value: Any) -> None:
        """Note a value that JSON can hold."""
        self._write("insert or replace into memos values (?, ?)", [(name, json.dumps(value))])

    def memos(self, prefix: str) -> dict[str, Any]:
        """Every value whose name starts with `prefix`, by the rest of its name."""
        rows = self._rows("select name, value from memos where substr(name, 1, ?) = ?", (len(prefix), prefix))
        return {name[len(prefix) :]: json.loads(value) for name, value in rows}

    def remember_all(self, prefix: str, values: Mapping[str, Any]) -> None:
        """Note many values, their names behind `prefix`."""
        rows = [(prefix + name, json.dumps(value)) for name, value in values.items()]
        self._write("insert or replace into memos values (?, ?)", rows)

    def drop_memos(self, names: list[str]) -> None:
        """Drop values by their whole names."""
        self._write("delete from memos where name = ?", [(name,) for name in names])

    # Everything

    def forget_paths(self, paths: list[str]) -> None:
        """Drop what is remembered of files, so that the next look reads them."""
        names = [(_storable(path),) for path in paths]
        self.flush()
        self._write("delete from files where path = ?", names)
        self._write("delete from recipes where path = ?", names)
        self._files = None

    def forget_video(self, video: str, paths: list[str]) -> None:
        """Drop what is remembered of a video: its timings, ledger and memos, and what lay at `paths`."""
        self.forget_paths(paths)
        self._write("delete from timings where video = ?", [(video,)])
        self._write("delete from ledger where video = ?", [(video,)])
        self._write("delete from memos where substr(name, -length(?)) = ?", [(f":{video}", f":{video}")])

    def scrub(self) -> None:
        """Overwrite what was dropped: SQLite keeps the bytes of rows that are gone, in the file and in its log."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("vacuum")
            self.connection.execute("pragma wal_checkpoint(truncate)")

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[Any]:
        try:
            yield from self.connection.execute(statement, values)
        except sqlite3.Error as error:
            log.debug("%s: %s", self.path, error)

    def _write(self, statement: str, rows: list[Any]) -> None:
        if not rows:
            return
        # What cannot be noted (disk full, folder read-only) is looked up again next time.
        try:
            with self.connection:
                self.connection.executemany(statement, rows)
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self.connection.rollback()
            log.debug("%s: %s", self.path, error)


def _storable(path: str) -> str:
    """`path`, or an ASCII form of it where it has bytes that are no UTF-8, which SQLite does not take."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return ascii(path)
    return path


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(path or ":memory:", timeout=BUSY_S, check_same_thread=False)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma secure_delete = on")
        version = connection.execute("pragma user_version").fetchone()[0]
        if version in MIGRATIONS:
            with connection:
                connection.execute("begin immediate")
                _execute_all(connection, MIGRATIONS[version])
                connection.execute(f"pragma user_version = {VERSION}")
        elif version != VERSION:
            with connection:
                connection.execute("begin immediate")
                for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                    connection.execute(f'drop table "{name}"')
                _execute_all(connection, SCHEMA)
                connection.execute(f"pragma user_version = {VERSION}")
        connection.execute("select count(*) from memos").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _execute_all(connection: sqlite3.Connection, statements: str) -> None:
    for statement in filter(None, map(str.strip, statements.split(";"))):
        connection.execute(statement)
