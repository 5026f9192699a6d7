"""An agent whose disk is full: how it is known, and what is said of it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

WORDS = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "database or disk is full")
"""Of the system, and of SQLite."""
MB = 1e6


def names_full_disk(reason: str) -> bool:
    """Whether the reason of a failure is a disk, or a quota, without room."""
    return any(words in reason for words in WORDS)


def describe_full_disk(folder: Path) -> str:
    """One line for the user: which disk, how much room it has, what to do."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(place)
    return (
        f"the disk of {folder} must have room for the batch, got {usage.free / MB:.0f} MB free of "
        f"{usage.total / MB:.0f} MB; free some, or stop this agent"
    )
