"""The state of the engine on this machine, in one SQLite file.

It is a cache that costs only time to rebuild; the recipes beside the artifacts are authoritative. Tables: `files` (hash
of a file by its mark), `recipes` (text of recipe files by mark), `ledger` (key to outputs, item and time), `deaths`
(keys whose worker died), `timings` (how long items took), `memos` (derived values by name).
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from flows.engine.database import (
    add_checksum,
    decode_json,
    encode_json,
    is_damaged,
    open_database,
    recreate_database,
    strip_checksum,
)
from flows.engine.file_marks import FileMark
from flows.engine.outcome import Item

log = logging.getLogger("semflow")
STATE_FOLDER = ".semflow"
"""Folder below the project's root for local files that are not results: state, logs, checkpoints."""
STATE_FILE = "state.sqlite"
PREFECT_RUNS = "prefect_runs.jsonl"
"""File in STATE_FOLDER: host and process of each run, and the flow run that shows it in Prefect."""
FINE_NS, COARSE_NS = 20_000_000, 2_000_000_000
"""A file modified this recently may change again without a new time stamp: some milliseconds on most file systems, two
seconds on those that store whole seconds (FAT, some network shares)."""


class LedgerRow(NamedTuple):
    """The outputs of a key."""

    key: str
    outputs: Any
    item: Item | None
    """None for rows written by an older version."""
    at: float
    """Seconds since 1970 when a run last produced it."""


@dataclass
class State:
    """The open database. Used by one thread; other processes may read and write it too."""

    path: Path
    connection: sqlite3.Connection
    _files: dict[str, tuple[FileMark, str]] | None = field(default=None)
    _new_files: dict[str, tuple[FileMark, str]] = field(default_factory=dict[str, tuple[FileMark, str]])
    _together: bool = False

    @classmethod
    def open(cls, root: Path) -> State:
        """The state of the project at `root`; a damaged file is recreated, an unwritable one is replaced in memory."""
        path = root / STATE_FOLDER / STATE_FILE
        return cls(path, open_database(path))

    def close(self) -> None:
        """Write pending changes and close the database."""
        self.flush()
        self.connection.close()

    # Files

    @property
    def files(self) -> Mapping[str, tuple[FileMark, str]]:
        """Path, as it was passed, to mark and MD5 of every file hashed before."""
        if self._files is None:
            rows = self._rows("select path, size, mtime, ctime, inode, md5 from files")
            self._files = {
                path: (FileMark(size, mtime, ctime, inode), md5) for path, size, mtime, ctime, inode, md5 in rows
            }
        return self._files

    def find_md5(self, path: str, mark: FileMark) -> str | None:
        """The MD5 of the file at `path` if it was hashed while it had this mark."""
        known = self.files.get(_storable(path))
        return known[1] if known is not None and known[0] == mark else None

    def save_md5(self, path: str, mark: FileMark, md5: str) -> None:
        """Save the hash of a file, unless it was modified so recently that its mark is not reliable."""
        if is_mark_stable(mark):
            self.save_own_md5(path, mark, md5)

    def save_own_md5(self, path: str, mark: FileMark, md5: str) -> None:
        """Save the hash of a file that the engine has just written and that no other process changes."""
        assert isinstance(self.files, dict)
        name = _storable(path)
        self.files[name] = self._new_files[name] = (mark, md5)

    def flush(self) -> None:
        """Write the new hashes to the database; on a full disk they are lost, and the next command computes them."""
        rows = [(path, *mark, md5) for path, (mark, md5) in self._new_files.items()]
        self._new_files.clear()
        self._write("insert or replace into files values (?, ?, ?, ?, ?, ?)", rows)

    # Recipes

    def read_recipe_texts(self) -> dict[str, tuple[FileMark, str]]:
        """Path to mark and text of every recipe file read before."""
        rows = self._rows("select path, size, mtime, ctime, inode, text from recipes")
        return {
            path: (FileMark(size, mtime, ctime, inode), text)
            for path, size, mtime, ctime, inode, sealed in rows
            if (text := strip_checksum(sealed)) is not None
        }

    def save_recipe_texts(self, texts: Mapping[str, tuple[FileMark, str]]) -> None:
        """Save mark and text of recipe files."""
        rows = [(path, *mark, add_checksum(text)) for path, (mark, text) in texts.items()]
        self._write("insert or replace into recipes values (?, ?, ?, ?, ?, ?)", rows)

    # Ledger

    def find_outputs(self, key: str) -> Any:
        """The outputs of `key` as JSON value, or None."""
        rows = self._rows("select outputs from ledger where key = ?", (key,))
        return decode_json(rows[0][0]) if rows else None

    def save_outputs(self, item: Item, key: str, outputs: Any) -> None:
        """Save the outputs of a key."""
        row = (key, encode_json(outputs), item.video, item.stage, time.time())
        self._write("insert or replace into ledger values (?, ?, ?, ?, ?)", [row])

    def read_ledger(self) -> Iterator[LedgerRow]:
        """All rows of the ledger."""
        for key, outputs, video, stage, at in self._rows("select key, outputs, video, stage, at from ledger"):
            if (value := decode_json(outputs)) is not None:
                yield LedgerRow(key, value, Item(video, stage) if video else None, at)

    def forget_keys(self, keys: list[str]) -> None:
        """Drop entries of the ledger."""
        self._write("delete from ledger where key = ?", [(key,) for key in keys])

    # Deaths

    def read_deaths(self) -> dict[str, int]:
        """Key to the number of worker deaths while it was computed."""
        return dict(self._rows("select key, cast(count as int) from deaths"))

    def count_death(self, key: str, reason: str) -> int:
        """Count a worker death for `key`; gives the new number."""
        count = self.read_deaths().get(key, 0) + 1
        self._write("insert or replace into deaths values (?, ?, ?)", [(key, count, reason)])
        return count

    def clear_deaths(self, keys: list[str] | None = None) -> None:
        """Remove the death counts of `keys`, or all."""
        if keys is None:
            self._write("delete from deaths", [()])
        else:
            self._write("delete from deaths where key = ?", [(key,) for key in keys])

    # Timings

    def read_timings(self) -> list[tuple[str, str, float, int]]:
        """(stage, video, seconds, frames) of the last time each item was computed here."""
        return self._rows("select stage, video, cast(seconds as real), cast(frames as int) from timings")

    def save_timing(self, stage: str, video: str, seconds: float, frames: int) -> None:
        """Save how long an item took."""
        row = (stage, video, seconds, frames, time.time())
        self._write("insert or replace into timings values (?, ?, ?, ?, ?)", [row])

    # Memos

    def read_memo(self, name: str) -> Any:
        """The value saved under `name`, or None."""
        rows = self._rows("select value from memos where name = ?", (name,))
        return decode_json(rows[0][0]) if rows else None

    def save_memo(self, name: str, value: Any) -> None:
        """Save a value that JSON can represent."""
        self._write("insert or replace into memos values (?, ?)", [(name, encode_json(value))])

    def read_memos(self, prefix: str) -> dict[str, Any]:
        """Every value whose name starts with `prefix`, by the name without it."""
        rows = self._rows("select name, value from memos where substr(name, 1, ?) = ?", (len(prefix), prefix))
        found = {name[len(prefix) :]: decode_json(value) for name, value in rows}
        return {name: value for name, value in found.items() if value is not None}

    def save_memos(self, prefix: str, values: Mapping[str, Any]) -> None:
        """Save many values under `prefix` + name."""
        rows = [(prefix + name, encode_json(value)) for name, value in values.items()]
        self._write("insert or replace into memos values (?, ?)", rows)

    def drop_memos(self, names: list[str]) -> None:
        """Remove values by their full names."""
        self._write("delete from memos where name = ?", [(name,) for name in names])

    # Everything

    def forget_paths(self, paths: list[str]) -> None:
        """Remove the cached hashes and recipes of files, so that they are read again."""
        names = [(_storable(path),) for path in paths]
        self.flush()
        self._write("delete from files where path = ?", names)
        self._write("delete from recipes where path = ?", names)
        self._files = None

    def forget_video(self, video: str, paths: list[str]) -> None:
        """Remove everything about a video: timings, ledger, memos, and the files at `paths`."""
        self.forget_paths(paths)
        self._write("delete from timings where video = ?", [(video,)])
        self._write("delete from ledger where video = ?", [(video,)])
        self._write("delete from memos where substr(name, -length(?)) = ?", [(f":{video}", f":{video}")])

    def erase_deleted_rows(self) -> None:
        """Overwrite deleted rows, whose bytes SQLite otherwise keeps in the file and its log."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("vacuum")
            self.connection.execute("pragma wal_checkpoint(truncate)")

    @contextlib.contextmanager
    def batch_writes(self) -> Generator[None]:
        """Within the context all writes are one transaction."""
        self._together = True
        try:
            yield
        finally:
            self._together = False
            try:
                self.connection.commit()
            except sqlite3.Error as error:
                self._recover(error)

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """All rows of a query; [] where it fails, since part of the rows of a damaged file is not reliable."""
        try:
            return self.connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._recover(error)
            return []

    def _write(self, statement: str, rows: list[Any]) -> None:
        if not rows:
            return
        # Values that cannot be saved (disk full, folder read-only) are computed again next time.
        try:
            if self._together:
                self.connection.executemany(statement, rows)
            else:
                with self.connection:
                    self.connection.executemany(statement, rows)
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self.connection.rollback()
            self._recover(error)

    def _recover(self, error: sqlite3.Error) -> None:
        """Recreate the database if the error means that the file is damaged."""
        log.debug("%s: %s", self.path, error)
        if is_damaged(error):
            with contextlib.suppress(sqlite3.Error):
                self.connection.close()
            self.connection = recreate_database(self.path)


def is_mark_stable(mark: FileMark) -> bool:
    """Whether the file's last modification is old enough that any further one changes its mark."""
    coarse = mark.mtime_ns % 1_000_000_000 == 0
    return time.time_ns() - mark.mtime_ns > (COARSE_NS if coarse else FINE_NS)


def _storable(path: str) -> str:
    """`path`, or an ASCII form of it where it has bytes that are not UTF-8, which SQLite does not accept."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return ascii(path)
    return path
