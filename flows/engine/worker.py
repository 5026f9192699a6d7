"""A worker process: computes one item after another, loading each model once, until its pipe closes.

Started as `python -m flows.engine.worker FD PARENT`, where FD is its end of a socket pair and PARENT the process id of
the run: a plain command, so that the parent's `__main__` is not imported again.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flows.engine.job import WorkerSetup
from flows.engine.outcome import Step

PR_SET_PDEATHSIG = 1  # linux/prctl.h
WATCH_S = 0.5
"""Seconds between checks of the parent process, for systems without PR_SET_PDEATHSIG."""
MORE_LIKELY_OOM = "500"
"""Value of oom_score_adj (proc(5)): when memory runs out, the kernel kills a worker rather than the run."""


def main(fd: int, parent: int) -> None:
    """Execute jobs from the pipe with file descriptor `fd` until it is closed."""
    _exit_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the run
    faulthandler.enable()
    os.set_inheritable(fd, False)  # processes that a stage starts must not keep the pipe open
    pipe = Connection(fd)
    try:
        setup: WorkerSetup = pipe.recv()
        _serve(pipe, setup)
    except (EOFError, OSError):
        pass  # the run is over


def _serve(pipe: Connection, setup: WorkerSetup) -> None:
    os.environ["SEMFLOW_THREADS"] = str(setup.threads)
    os.environ.setdefault("OMP_NUM_THREADS", str(setup.threads))
    from flows.engine.declaration import load_stages
    from flows.engine.job_execution import execute_job
    from tasks.params import Compute, read_params

    send = _sender(pipe)
    _forward_messages(send)
    stages = {stage.name: stage for stage in load_stages(setup.pipeline)}
    sections = {"compute": Compute} | {stage.name: stage.params for stage in stages.values()}
    root = Path(setup.root)
    params = read_params(root / "params.yaml", sections)
    send(("ready",))
    while True:
        job = pipe.recv()
        send(("done", execute_job(job, stages[job.stage], params, root)))


def _sender(pipe: Connection) -> Callable[[Any], None]:
    """A function that sends one message over the pipe; it may be called from any thread."""
    lock = threading.Lock()

    def send(message: Any) -> None:
        with lock:
            pipe.send(message)

    return send


class _Forward(logging.Handler):
    """Sends log records to the run."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            self._send(("log", record.levelno, record.getMessage()))


def _forward_messages(send: Callable[[Any], None]) -> None:
    """Send log records and progress of the stages over the pipe."""
    from tasks import progress

    logger = logging.getLogger("semflow")
    logger.addHandler(_Forward(send))
    logger.setLevel(logging.INFO)
    logger.propagate = False

    def step(what: str, done: float, total: float, remark: str) -> None:
        with contextlib.suppress(OSError):
            send(("step", Step(what, done, total, remark)))

    progress.set_sink(step)


def _exit_with_parent(parent: int) -> None:
    """Make this process exit when its parent process has ended for any reason."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(MORE_LIKELY_OOM)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
