"""The cache of downloaded files: one folder per user, outside any repository, shared by all clones."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Generator
from pathlib import Path


def cache_dir() -> Path:
    """`$SEMFLOW_CACHE`, else `semflow` in the user's cache folder (`$XDG_CACHE_HOME` or `~/.cache`)."""
    if chosen := os.environ.get("SEMFLOW_CACHE"):
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "semflow"


@contextlib.contextmanager
def hold_lock(path: Path) -> Generator[None]:
    """Hold an exclusive file lock for `path` (flock); the kernel releases it when the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
