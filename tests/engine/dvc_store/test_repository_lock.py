"""The lock that semflow and the `dvc` command share."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from dvc.lock import Lock, LockError

from flows.engine.dvc_store.repository_lock import hold_repository
from tasks.errors import SemflowError


def test_while_the_lock_is_held_dvc_waits_and_then_acquires_it(tmp_path: Path) -> None:
    path = str(tmp_path / ".dvc/tmp/lock")
    with hold_repository(tmp_path), pytest.raises(LockError):
        Lock(path)._do_lock()
    lock = Lock(path)
    with lock:
        assert lock.is_locked


def test_while_dvc_holds_the_lock_the_error_names_the_process(tmp_path: Path) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    held = Lock(str(tmp_path / ".dvc/tmp/lock"))
    with held, pytest.raises(SemflowError, match=rf"process {os.getpid()}"), hold_repository(tmp_path, patience_s=0):
        pytest.fail("held by two")


def test_a_held_lock_is_waited_for(tmp_path: Path) -> None:
    held, entered = threading.Event(), threading.Event()

    def other() -> None:
        with hold_repository(tmp_path):
            held.set()
            entered.wait(0.2)

    thread = threading.Thread(target=other)
    thread.start()
    held.wait()
    with hold_repository(tmp_path, patience_s=30):
        entered.set()
    thread.join()


def test_the_lock_is_released_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hold_repository(tmp_path):
        raise RuntimeError
    with hold_repository(tmp_path, patience_s=0):
        pass
