"""The SQLite file of the state: its tables, migrations between versions, and recovery from a damaged file."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import zlib
from pathlib import Path
from typing import Any

log = logging.getLogger("semflow")
BUSY_S = 20.0
"""Longest wait in seconds while another command writes."""
DAMAGED_CODES = (1, 11, 20, 26)
"""SQLITE_ERROR (a table of another schema), _CORRUPT, _MISMATCH and _NOTADB (sqlite.org/rescode.html): the file is
damaged. Other errors (locked, disk full, read-only, I/O) do not mean that."""
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
VERSION = 3
MIGRATIONS = {
    1: """
alter table ledger add column video text default '';
alter table ledger add column stage text default '';
alter table ledger add column at real;
update ledger set at = strftime('%s', 'now');
""",
    2: """
update recipes set text = seal(text);
update ledger set outputs = seal(outputs);
update memos set value = seal(value);
""",
}
"""Version to the statements that upgrade a database to the next one; other databases are recreated empty."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database at `path`; a damaged one is recreated, an in-memory one is used where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _connect(path)
    except sqlite3.Error as error:
        log.debug("%s: %s", path, error)
        return recreate_database(path) if is_damaged(error) else _connect(None)
    except OSError as error:
        log.debug("%s: %s; kept in memory", path, error)
        return _connect(None)


def recreate_database(path: Path) -> sqlite3.Connection:
    """Replace a damaged database by an empty one; in memory where the file cannot be written."""
    try:
        for damaged in path.parent.glob(f"{path.name}*"):
            damaged.unlink()
        return _connect(path)
    except (OSError, sqlite3.Error) as error:
        log.debug("%s: %s; kept in memory", path, error)
        return _connect(None)


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether the error means that the file is damaged."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED_CODES  # the upper bits hold the extended error code


def add_checksum(text: str) -> str:
    """`text` after its CRC-32 as 8 hexadecimal digits, since SQLite does not detect a flipped bit."""
    return f"{zlib.crc32(text.encode(errors='surrogatepass')):08x}{text}"


def strip_checksum(sealed: Any) -> str | None:
    """The text without its checksum; None where the checksum is wrong."""
    return sealed[8:] if isinstance(sealed, str) and add_checksum(sealed[8:]) == sealed else None


def encode_json(value: Any) -> str:
    """A value as JSON with a checksum."""
    return add_checksum(json.dumps(value))


def decode_json(sealed: Any) -> Any:
    """The value of `encode_json`; None where the checksum is wrong."""
    text = strip_checksum(sealed)
    return None if text is None else json.loads(text)


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(path or ":memory:", timeout=BUSY_S, check_same_thread=False)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma secure_delete = on")
        if _version(connection) != VERSION:
            _migrate(connection)
        connection.execute("select count(*) from memos").fetchone()
    except sqlite3.Error:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    connection.create_function("seal", 1, add_checksum)
    with connection:
        connection.execute("begin immediate")
        version = _version(connection)  # another process may have migrated while this one waited
        if version == VERSION:
            return
        if version in MIGRATIONS:
            for step in range(version, VERSION):
                _execute_all(connection, MIGRATIONS[step])
        else:
            for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                connection.execute(f'drop table "{name}"')
            _execute_all(connection, SCHEMA)
        connection.execute(f"pragma user_version = {VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("pragma user_version").fetchone()[0]


def _execute_all(connection: sqlite3.Connection, statements: str) -> None:
    for statement in filter(None, map(str.strip, statements.split(";"))):
        connection.execute(statement)
