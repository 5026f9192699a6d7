"""Atomic file writes: a reader sees the whole file or none, also after a kill.

The bytes go to a hidden temporary file in the same folder, which is then renamed over the final path: rename(2)
replaces a file in one step within a file system.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Generator
from pathlib import Path


@contextlib.contextmanager
def replace_atomically(path: Path) -> Generator[Path]:
    """A temporary path beside `path` to write to, moved over `path` at the end of the block; removed on an error."""
    temporary = path.with_name(f".{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` in one step; parent folders are made, a failed write leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
