"""Work in background threads with a timeout on inactivity, since a network library may wait forever."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

TICK_S = 0.1


class WorkStalled(Exception):
    """No progress was made for longer than allowed."""


class ActivityClock:
    """The time of the last progress; called by the working threads, read by the waiting one."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, *_: object) -> None:
        self._last = time.monotonic()

    def idle_s(self) -> float:
        """Seconds since the last progress."""
        return time.monotonic() - self._last


class BackgroundWork(Generic[T, R]):
    """A function applied to many values by a few daemon threads, so that a hanging one does not block the exit."""

    def __init__(self, function: Callable[[T], R], values: Iterable[T], threads: int, progress: ActivityClock) -> None:
        self.results: list[R] = []
        self._function, self._progress = function, progress
        self._todo: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        for value in values:
            self._todo.put(value)
        count = max(1, min(threads, self._todo.qsize()))
        self._threads = [threading.Thread(target=self._run, daemon=True, name="remote") for _ in range(count)]

    def finish(self, patience_s: float) -> list[R]:
        """Run all values; gives the results in no order. Raises the first failure, or WorkStalled after `patience_s`
        seconds without progress."""
        self._progress()
        for thread in self._threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in self._threads) and self._failure is None:
                for thread in self._threads:
                    thread.join(TICK_S / len(self._threads))
                if self._progress.idle_s() > patience_s:
                    raise WorkStalled(f"no answer for {patience_s:.0f} s")
        except BaseException as error:  # interrupts too: the threads must not start further values
            self._failure = self._failure or error
            raise
        if self._failure is not None:
            raise self._failure
        return self.results

    def _run(self) -> None:
        while self._failure is None:
            try:
                value = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                self.results.append(self._function(value))
            except BaseException as error:
                self._failure = self._failure or error
            self._progress()
