"""Whether the SQLite database of Prefect was brought to the schema of this version of Prefect before.

Preparing a database that is prepared (Alembic's look for migrations, registering block types) takes a server .3 s of
processor time at each start (Prefect 3.8.8, two cores). The schema is told by the revision in the database itself; the
revision that belongs to a version of Prefect is noted after a server of that version has prepared a database.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import sqlite3
from pathlib import Path

SQLITE = "sqlite"
SKIP_PREPARATION = {
    "server.database.migrate_on_start": False,
    "server.register_blocks_on_start": False,
    "server.memoize_block_auto_registration": False,
}
"""Prefect's settings, by their names in its Python interface, with which a server takes the database as it is."""


def find_database(url: str) -> Path | None:
    """The file of the SQLite database at `url`, SQLAlchemy's form; None where it is no file or another database."""
    scheme, _, path = url.partition("://")
    if scheme.partition("+")[0] != SQLITE or not path.startswith("/") or "?" in path:
        return None
    database = Path(path[1:])
    return database.absolute() if database.is_file() else None


def is_prepared(database: Path, note: Path) -> bool:
    """Whether the database has the schema that `note` gives for this version of Prefect, and can be written to."""
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not all(os.access(path, os.W_OK) for path in (database, database.parent)):
        return False  # preparing it says what is wrong
    revision = _read_revision(database)
    return revision is not None and noted == _describe(revision)


def note_revision(database: Path, note: Path) -> None:
    """Note the revision of a database that a server of this version of Prefect has just prepared."""
    revision = _read_revision(database)
    with contextlib.suppress(OSError):  # the next server prepares the database again
        if revision is not None:
            note.write_text(json.dumps(_describe(revision)) + "\n", encoding="utf-8")


def _describe(revision: str) -> dict[str, str]:
    return {"prefect": importlib.metadata.version("prefect"), "revision": revision}


def _read_revision(database: Path) -> str | None:
    """Alembic's revision of the schema; None where the file cannot be read or has none."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("select version_num from alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])
