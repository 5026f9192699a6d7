"""DVC's lock on a repository: while it is held, no `dvc` command changes `dvc.lock` or collects garbage.

Source: `dvc.lock` of DVC 3.67 with zc.lockfile: flock on `.dvc/tmp/lock`, which contains the holder's process id. DVC
releases it while it runs a stage's command, so `semflow stage` can acquire it under `dvc repro`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flows.engine.dvc_store.dvc_config import DVC_FOLDER
from tasks.errors import SemflowError

PAUSE_S = 0.05


@contextmanager
def hold_repository(root: Path, patience_s: float = 30.0) -> Generator[None]:
    """Hold the lock; raises SemflowError where a `dvc` command holds it longer than `patience_s`. Cannot be nested."""
    import fcntl

    path = root / DVC_FOLDER / "tmp" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + patience_s
    with path.open("a+") as file:
        while not _try_lock(file):
            if time.monotonic() > end:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise SemflowError(
                    f"the DVC repository {root} must be free to record in, got another `dvc` command at work (process "
                    f"{holder}); run again when it has ended"
                )
            time.sleep(PAUSE_S)
        try:
            file.truncate(0)
            file.write(f" {os.getpid()}\n")
            file.flush()
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _try_lock(file: IO[str]) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
