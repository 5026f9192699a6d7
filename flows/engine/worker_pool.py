"""A pool of worker processes: started when first needed, each executes one job at a time, replaced after a crash.

Used by one thread of the run, which starts jobs and waits for events. Which job runs is decided in schedule.py.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from flows.engine.job import Job, JobResult, WorkerSetup
from flows.engine.memory import resident_bytes
from flows.engine.outcome import Item, Step
from flows.engine.workers import ItemProgress, JobEnded, WorkerDied, WorkerEvent, WorkerLog
from tasks.errors import SemflowError

LOG_FOLDER = "logs"
CHECK_S = 1.0
"""Seconds between checks of time limits and memory."""
START_S = 600.0
"""Seconds after which a worker that has not imported the stages is killed (a cold disk on a busy machine may take
minutes)."""
GB = 1e9


@dataclass
class _Worker:
    number: int
    process: subprocess.Popen[bytes]
    pipe: Connection
    log: Path
    item: Item | None = None
    ready: bool = False
    """Whether it has imported the stages."""
    since: float = 0.0
    limit_s: float = float("inf")
    """Longest allowed time for the current item, from `since`, without the import of the stages."""
    end_reason: str = ""
    """Why the pool killed it; "" where it did not."""


@dataclass
class WorkerPool:
    """At most `size` worker processes."""

    setup: WorkerSetup
    size: int
    memory_bytes: float = float("inf")
    """Most resident memory that one worker may use."""
    _workers: dict[int, _Worker] = field(default_factory=dict[int, _Worker])
    _checked: float = 0.0
    _spawned: int = 0

    @property
    def started_count(self) -> int:
        """Worker processes that were started and have not ended."""
        return len(self._workers)

    def start_job(self, item: Item, job: Job, limit_s: float) -> int:
        """Send a job to an idle worker, or to a new one; returns the worker's number."""
        worker = next((w for w in self._workers.values() if w.item is None), None) or self._spawn()
        worker.item, worker.since, worker.limit_s = item, time.monotonic(), limit_s
        with contextlib.suppress(OSError):  # the worker has died: detected when its pipe is read
            worker.pipe.send(job)
        return worker.number

    def wait_events(self, timeout_s: float) -> list[WorkerEvent]:
        """Events since the last call; [] when none happened within `timeout_s`."""
        by_pipe = {worker.pipe: worker for worker in self._workers.values()}
        found: list[WorkerEvent] = []
        if not by_pipe:
            time.sleep(min(timeout_s, CHECK_S))
        for pipe in wait(list(by_pipe), min(timeout_s, CHECK_S)):
            found += self._read(by_pipe[pipe])  # type: ignore[index]
        if time.monotonic() - self._checked > CHECK_S:
            self._checked = time.monotonic()
            found += self._find_dead()
            self._check_limits()
        return found

    def close(self) -> None:
        """Kill all workers; their unfinished files are in `.partial` folders and are removed by the run."""
        for worker in self._workers.values():
            _kill(worker.process)
        for worker in self._workers.values():
            worker.process.wait()
            worker.pipe.close()
        self._workers.clear()

    def _spawn(self) -> _Worker:
        number = next(n for n in range(self.size) if n not in self._workers)
        ours, theirs = socket.socketpair()
        try:
            log = self._new_log()
            with log.open("wb") as file, theirs:
                process = subprocess.Popen(
                    [sys.executable, "-m", "flows.engine.worker", str(theirs.fileno()), str(os.getpid())],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # Ctrl-C in the terminal is handled by the run
                    env=_environment(),
                )
        except OSError as error:
            ours.close()
            raise SemflowError(f"workers must start, got {error}; free memory or lower compute.workers") from None
        worker = self._workers[number] = _Worker(number, process, Connection(ours.detach()), log)
        with contextlib.suppress(OSError):  # the worker has died: detected when its pipe is read
            worker.pipe.send(self.setup)
        return worker

    def _new_log(self) -> Path:
        """Path of the log file of a new worker; the first call removes the logs of the last run."""
        folder = Path(self.setup.root) / ".semflow" / LOG_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("worker-*.log") if not self._spawned else ():
            old.unlink(missing_ok=True)
        self._spawned += 1
        return folder / f"worker-{self._spawned}.log"

    def _read(self, worker: _Worker) -> list[WorkerEvent]:
        """Events from the messages that the worker has sent, and from its death where the pipe is closed."""
        found: list[WorkerEvent] = []
        try:
            while worker.pipe.poll():
                found += self._handle_message(worker, worker.pipe.recv())
        except (EOFError, OSError):
            found += self._remove_dead(worker)
        return found

    def _find_dead(self) -> list[WorkerEvent]:
        """Events of dead workers whose pipe is still open because a process that they started holds it."""
        found: list[WorkerEvent] = []
        for worker in list(self._workers.values()):
            if worker.process.poll() is not None:
                found += self._read(worker)
                if worker.number in self._workers:
                    found += self._remove_dead(worker)
        return found

    def _handle_message(self, worker: _Worker, message: tuple[object, ...]) -> list[WorkerEvent]:
        match message:
            case ("ready",):
                worker.ready, worker.since = True, time.monotonic()
                return []
            case ("step", Step() as step) if worker.item is not None:
                return [ItemProgress(worker.item, step)]
            case ("log", int(level), str(text)):
                return [WorkerLog(level, text)]
            case ("done", JobResult() as done) if worker.item is not None:
                item, worker.item = worker.item, None
                return [JobEnded(item, done)]
            case _:
                return []

    def _remove_dead(self, worker: _Worker) -> list[WorkerEvent]:
        """Remove a dead worker from the pool; gives the event that its item failed, if it had one.

        Raises SemflowError where it ended with an error before it had imported the stages.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(timeout=5)
        _kill(worker.process)
        code = worker.process.wait()
        worker.pipe.close()
        del self._workers[worker.number]
        if not worker.ready and not worker.end_reason and code != -signal.SIGKILL:
            ended = f"{_describe_exit(code)} ({_last_line(worker.log)})"
            raise SemflowError(f"workers must start, got {ended}; the full log is {worker.log}")
        if worker.item is None:
            return []
        reason, seconds = worker.end_reason or _describe_death(code, worker.log), time.monotonic() - worker.since
        if not worker.ready:  # it died while it started: not caused by the item
            return [JobEnded(worker.item, JobResult("error", seconds=seconds, message=reason, transient=True))]
        return [WorkerDied(worker.item, reason, seconds)]

    def _check_limits(self) -> None:
        """Kill workers that exceed their time limit or the memory limit."""
        now = time.monotonic()
        for worker in self._workers.values():
            if worker.item is None or worker.end_reason:
                continue
            if not worker.ready and now > worker.since + START_S:
                worker.end_reason = f"its worker had not started after {START_S:.0f} s and was ended"
            elif worker.ready and now > worker.since + worker.limit_s:
                worker.end_reason = (
                    f"took longer than {worker.limit_s:.0f} s and was ended; "
                    "if that is right for it, raise compute.item_timeout_s"
                )
            elif resident_bytes(worker.process.pid) > self.memory_bytes:
                worker.end_reason = (
                    f"used more than {self.memory_bytes / GB:.1f} GB of memory and was ended; "
                    "raise compute.worker_memory_gb, or lower compute.workers"
                )
            if worker.end_reason:
                _kill(worker.process)


def _environment() -> dict[str, str]:
    """The environment of this process, with its current import path as PYTHONPATH."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and the processes that it started (its process group)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "its log is empty"
    return lines[-1] if lines else "its log is empty"


def _describe_death(code: int, log: Path) -> str:
    more = ", possibly out of memory" if code == -signal.SIGKILL else ""
    return f"the worker died ({_describe_exit(code)}{more}); its log is {log}"


def _describe_exit(code: int) -> str:
    """Text for a return code of subprocess.Popen: the exit code, or number and name of the signal."""
    if code >= 0:
        return f"exit code {code}"
    name = f", {signal.Signals(-code).name}" if -code in set(signal.Signals) else ""
    return f"signal {-code}{name}"
