"""Atomic file writes: a reader sees the whole file or none, also after a kill."""

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
