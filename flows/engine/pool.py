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
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple, Protocol

from flows.engine.job import Done, Job, Setup
from flows.engine.memory import resident_bytes
from flows.engine.outcome import Item, Step
from tasks.errors import SemflowError

LOGS = "logs"
CHECK_S = 1.0
"""How often time limits and memory are looked at."""
GB = 1e9


class Stepped(NamedTuple):
    """An item in hand came a step further."""

    item: Item
    step: Step


class Said(NamedTuple):
    """A worker logged a line."""

    level: int
    message: str


class Ended(NamedTuple):
    """A job was answered."""

    item: Item
    done: Done


class Died(NamedTuple):
    """The worker died, or was ended, over an item."""

    item: Item
    reason: str
    seconds: float


Event = Stepped | Said | Ended | Died


class Workers(Protocol):
    """Something that makes items."""

    size: int

    def start(self, item: Item, job: Job, limit_s: float) -> int:
        """Hand a job to a free worker, ended after `limit_s` seconds; the worker's number."""
        ...

    def events(self, timeout_s: float) -> list[Event]:
        """What has happened, waiting for it if nothing has, at most so long."""
        ...

    def close(self) -> None:
        """End all workers at once, whatever they do."""
        ...


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
    until: float = float("inf")
    verdict: str = ""
    """Why it was ended, where the run did it."""


@dataclass
class WorkerPool:
    """`size` worker processes at most."""

    setup: Setup
    size: int
    memory_bytes: float = float("inf")
    """What one worker may use."""
    _workers: dict[int, _Worker] = field(default_factory=dict[int, _Worker])
    _checked: float = 0.0

    def start(self, item: Item, job: Job, limit_s: float) -> int:
        """Hand a job to an idle worker, or to a new one."""
        worker = next((w for w in self._workers.values() if w.item is None), None) or self._spawn()
        worker.item, worker.since = item, time.monotonic()
        worker.until = worker.since + limit_s
        with contextlib.suppress(OSError):  # it died meanwhile: the next look at its pipe says so
            worker.pipe.send(job)
        return worker.number

    def events(self, timeout_s: float) -> list[Event]:
        """What has happened; [] after `timeout_s` without anything."""
        by_pipe = {worker.pipe: worker for worker in self._workers.values()}
        found: list[Event] = []
        for pipe in wait(list(by_pipe), min(timeout_s, CHECK_S)) if by_pipe else ():
            worker = by_pipe[pipe]  # type: ignore[index]
            try:
                while worker.pipe.poll():
                    found += self._take(worker, worker.pipe.recv())
            except (EOFError, OSError):
                found += self._bury(worker)
        if time.monotonic() - self._checked > CHECK_S:
            self._checked = time.monotonic()
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
        log = Path(self.setup.root) / ".semflow" / LOGS / f"worker-{number}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
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
        pipe = Connection(ours.detach())
        pipe.send(self.setup)
        worker = self._workers[number] = _Worker(number, process, pipe, log)
        return worker

    def _take(self, worker: _Worker, message: tuple[object, ...]) -> list[Event]:
        match message:
            case ("ready",):
                worker.ready = True
                return []
            case ("step", Step() as step) if worker.item is not None:
                return [Stepped(worker.item, step)]
            case ("said", int(level), str(words)):
                return [Said(level, words)]
            case ("done", Done() as done) if worker.item is not None:
                item, worker.item = worker.item, None
                worker.until = float("inf")
                return [Ended(item, done)]
            case _:
                return []

    def _bury(self, worker: _Worker) -> list[Event]:
        """Take a dead worker out; what it was at has failed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.process.wait(timeout=5)
        _kill(worker.process)
        code = worker.process.wait()
        worker.pipe.close()
        del self._workers[worker.number]
        if not worker.ready and not worker.verdict and code >= 0:
            last = _last_line(worker.log)
            raise SemflowError(f"workers must start, got exit code {code} ({last}); the whole of it is in {worker.log}")
        if worker.item is None:
            return []
        return [Died(worker.item, worker.verdict or _words(code, worker.log), time.monotonic() - worker.since)]

    def _check_limits(self) -> None:
        now = time.monotonic()
        for worker in self._workers.values():
            if worker.item is None or worker.verdict:
                continue
            if now > worker.until:
                worker.verdict = (
                    f"took longer than {worker.until - worker.since:.0f} s and was ended; "
                    "if that is right for it, raise compute.item_timeout_s"
                )
            elif resident_bytes(worker.process.pid) > self.memory_bytes:
                worker.verdict = (
                    f"used more than {self.memory_bytes / GB:.1f} GB of memory and was ended; "
                    "raise compute.worker_memory_gb, or lower compute.workers"
                )
            if worker.verdict:
                _kill(worker.process)


@dataclass
class InlineWorkers:
    """Makes items in this very process, one after the other: for stages that exist only here."""

    perform: Callable[[Job], Done]
    size: int = 1
    _events: list[Event] = field(default_factory=list[Event])

    def start(self, item: Item, job: Job, limit_s: float) -> int:
        """Make the item now."""
        del limit_s
        self._events.append(Ended(item, self.perform(job)))
        return 0

    def events(self, timeout_s: float) -> list[Event]:
        """What has been made since the last call."""
        if not self._events:
            time.sleep(min(timeout_s, 0.01))
        found, self._events = self._events, []
        return found

    def close(self) -> None:
        """Nothing to end."""


def _environment() -> dict[str, str]:
    """This process's, with the import path that it has now."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and what it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "nothing said"
    return lines[-1] if lines else "nothing said"


def _words(code: int, log: Path) -> str:
    if code >= 0:
        return f"the worker died (exit code {code}); its last words are in {log}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else ""
    more = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
    return f"the worker died (signal {-code}, {name}{more}); its last words are in {log}"
