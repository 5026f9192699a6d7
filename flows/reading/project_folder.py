"""The folder of a project at or below a path: the nearest one above, or the subfolder that is named."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from flows.engine.project import PARAMS_FILE, find_root
from tasks.errors import SemflowError


def check_subfolder(subfolder: str) -> str:
    """The subfolder with `/` between its parts, "" for none; SemflowError where it leads elsewhere."""
    path = PurePosixPath(subfolder.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise SemflowError(f"subfolder must be a path below the repository, like films/dance, got {subfolder!r}")
    return "" if path == PurePosixPath() else str(path)


def find_project(start: Path, subfolder: str) -> Path:
    """The project at or above `start`, or exactly in its `subfolder`."""
    if not subfolder:
        return find_root(start)
    if (start / subfolder / PARAMS_FILE).is_file():
        return start / subfolder
    there = sorted(path.parent.relative_to(start).as_posix() for path in start.glob(f"*/{PARAMS_FILE}"))
    raise SemflowError(
        f"subfolder must hold a semflow project (a folder with {PARAMS_FILE}), got {subfolder!r} in {start}; there are "
        f"{', '.join(there) or 'none in the folders directly below it'}"
    )
