"""Worker processes: spawned when first needed, each serving one job at a time, replaced when one dies.

One thread, that of the run, starts jobs and waits for events; nothing here decides what runs.
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
"""How often time limits and memory are looked at."""
START_S = 600.0
"""A worker that has not imported the stages after so long hangs (a cold disk and a busy machine may take minutes)."""
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
    """How long the item in hand may take, from `since`: the import of the stages not counted."""
    verdict: str = ""
    """Why it was ended, where the run did it."""


@dataclass
class WorkerPool:
    """`size` worker processes at most."""

    setup: WorkerSetup
    size: int
    memory_bytes: float = float("inf")
    """What one worker may use."""
    _workers: dict[int, _Worker] = field(default_factory=dict[int, _Worker])
    _checked: float = 0.0
    _spawned: int = 0

    def start_job(self, item: Item, job: Job, limit_s: float) -> int:
        """Hand a job to an idle worker, or to a new one."""
        worker = next((w for w in self._workers.values() if w.item is None), None) or self._spawn()
        worker.item, worker.since, worker.limit_s = item, time.monotonic(), limit_s
        with contextlib.suppress(OSError):  # it died meanwhile: the next look at its pipe says so
            worker.pipe.send(job)
        return worker.number

    def wait_events(self, timeout_s: float) -> list[WorkerEvent]:
        """What has happened; [] after `timeout_s` without anything."""
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
        """Kill all workers: what they have not finished lies in `.partial` and is cleared away."""
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
                    start_new_session=True,  # a Ctrl-C in the terminal is the run's to handle
                    env=_environment(),
                )
        except OSError as error:
            ours.close()
            raise SemflowError(f"workers must start, got {error}; make room for them") from None
        worker = self._workers[number] = _Worker(number, process, Connection(ours.detach()), log)
        with contextlib.suppress(OSError):  # it died meanwhile: the next look at its pipe says so
            worker.pipe.send(self.setup)
        return worker

    def _new_log(self) -> Path:
        """A log for one more worker: that of one that died stays, those of the last run go."""
        folder = Path(self.setup.root) / ".semflow" / LOG_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("worker-*.log") if not self._spawned else ():
            old.unlink(missing_ok=True)
        self._spawned += 1
        return folder / f"worker-{self._spawned}.log"

    def _read(self, worker: _Worker) -> list[WorkerEvent]:
        """What the worker has sent; its end where the pipe has one."""
        found: list[WorkerEvent] = []
        try:
            while worker.pipe.poll():
                found += self._take(worker, worker.pipe.recv())
        except (EOFError, OSError):
            found += self._bury(worker)
        return found

    def _find_dead(self) -> list[WorkerEvent]:
        """Dead workers whose pipe has no end, for a process that they started holds it too."""
        found: list[WorkerEvent] = []
        for worker in list(self._workers.values()):
            if worker.process.poll() is not None:
                found += self._read(worker)
                if worker.number in self._workers:
                    found += self._bury(worker)
        return found

    def _take(self, worker: _Worker, message: tuple[object, ...]) -> list[WorkerEvent]:
        match message:
            case ("ready",):
                worker.ready, worker.since = True, time.monotonic()
                return []
            case ("step", Step() as step) if worker.item is not None:
                return [ItemProgress(worker.item, step)]
            case ("said", int(level), str(words)):
                return [WorkerLog(level, words)]
            case ("done", JobResult() as done) if worker.item is not None:
                item, worker.item = worker.item, None
                return [JobEnded(item, done)]
            case _:
                return []

    def _bury(self, worker: _Worker) -> list[WorkerEvent]:
        """Take a dead worker out; what it was at has failed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(timeout=5)
        _kill(worker.process)
        code = worker.process.wait()
        worker.pipe.close()
        del self._workers[worker.number]
        if not worker.ready and not worker.verdict and code != -signal.SIGKILL:
            ended = f"{_end(code)} ({_last_line(worker.log)})"
            raise SemflowError(f"workers must start, got {ended}; the whole of it is in {worker.log}")
        if worker.item is None:
            return []
        words, seconds = worker.verdict or _words(code, worker.log), time.monotonic() - worker.since
        if not worker.ready:  # the item had no part in it
            return [JobEnded(worker.item, JobResult("error", seconds=seconds, message=words, transient=True))]
        return [WorkerDied(worker.item, words, seconds)]

    def _check_limits(self) -> None:
        now = time.monotonic()
        for worker in self._workers.values():
            if worker.item is None or worker.verdict:
                continue
            if not worker.ready and now > worker.since + START_S:
                worker.verdict = f"its worker had not started after {START_S:.0f} s and was ended"
            elif worker.ready and now > worker.since + worker.limit_s:
                worker.verdict = (
                    f"took longer than {worker.limit_s:.0f} s and was ended; "
                    "if that is right for it, raise compute.item_timeout_s"
                )
            elif resident_bytes(worker.process.pid) > self.memory_bytes:
                worker.verdict = (
                    f"used more than {self.memory_bytes / GB:.1f} GB of memory and was ended; "
                    "raise compute.worker_memory_gb, or lower compute.workers"
                )
            if worker.verdict:
                _kill(worker.process)


def _environment() -> dict[str, str]:
    """This process's, with the import path that it has now."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and what it started: its group, which outlives it while a member does."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "nothing said"
    return lines[-1] if lines else "nothing said"


def _words(code: int, log: Path) -> str:
    more = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
    return f"the worker died ({_end(code)}{more}); its last words are in {log}"


def _end(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    name = f", {signal.Signals(-code).name}" if -code in set(signal.Signals) else ""
    return f"signal {-code}{name}"
