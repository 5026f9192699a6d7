"""A worker process: makes one item after another, each model loaded once, until its pipe closes.

Started as `python -m flows.engine.worker FD`, FD being its end of a socket pair: a plain command, so that nothing of
the parent's `__main__` is imported again.
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
"""Where the kernel does not tell of the parent's death, a thread looks this often."""
MORE_LIKELY_OOM = "500"
"""Out of memory, the kernel shall end a worker and not the run (proc(5), oom_score_adj)."""


def main(fd: int, parent: int) -> None:
    """Serve jobs from the pipe."""
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what a Ctrl-C ends
    faulthandler.enable()
    os.set_inheritable(fd, False)  # what a stage starts shall not hold the pipe when this process is gone
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
    """Sends whole messages from whatever thread."""
    lock = threading.Lock()

    def send(message: Any) -> None:
        with lock:
            pipe.send(message)

    return send


class _Forward(logging.Handler):
    """Sends what is logged to the run."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            self._send(("said", record.levelno, record.getMessage()))


def _forward_messages(send: Callable[[Any], None]) -> None:
    from tasks import progress

    logger = logging.getLogger("semflow")
    logger.addHandler(_Forward(send))
    logger.setLevel(logging.INFO)
    logger.propagate = False

    def step(what: str, done: float, total: float, remark: str) -> None:
        with contextlib.suppress(OSError):
            send(("step", Step(what, done, total, remark)))

    progress.set_sink(step)


def _die_with(parent: int) -> None:
    """End this process when its parent has ended, however it did."""
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
