"""A lock file that allows one run per project at a time, held with flock(2); it contains the process id of the run.

flock is used directly rather than a lock library: the kernel releases the lock however the process ends, the file names
its holder for error messages, and `semflow status` can test it without waiting. Requires a POSIX system.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from flows.engine.atomic_files import PARTIAL_FOLDER, remove_path
from flows.engine.project import STATE, Project
from flows.engine.recipe import RECIPE_FOLDER
from tasks.errors import SemflowError

LOCK_FILE = "lock"
"""Name of the lock file in the state folder."""
INTAKE_LOCK = f"{STATE}/intake.lock"
"""Lock held while films are copied into data/raw, so that unfinished copies of killed processes can be removed."""


@contextmanager
def hold_project(project: Project) -> Generator[None]:
    """Hold the project's lock and remove half-written files; raises SemflowError where another run holds the lock."""
    path = project.root / STATE / LOCK_FILE
    with hold_lock_file(path) as mine:
        if not mine:
            raise SemflowError(
                f"{project.root} must have one run at a time, got another one under way (process "
                f"{path.read_text() or 'unknown'}); wait for it to end"
            )
        _remove_partial_files(project)
        try:
            yield
        finally:
            _remove_partial_files(project)


@contextlib.contextmanager
def hold_lock_file(path: Path) -> Generator[bool]:
    """Hold the lock file `path` within the context; yields False where another process holds it."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        with contextlib.suppress(OSError):  # a full disk must not prevent a run; the id is only used in messages
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())
        yield True


def _remove_partial_files(project: Project) -> None:
    for declaration in project.declarations:
        for folder in (*(kind.folder for kind in declaration.outputs), f"{RECIPE_FOLDER}/{declaration.name}"):
            remove_path(project.root / folder / PARTIAL_FOLDER)
