"""Handling of Ctrl-C, SIGTERM and SIGHUP: a run stops, unfinished items are dropped, finished ones are kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal arrived; not an Exception, so that it is not handled as a failure of an item."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


@dataclass
class SignalState:
    """The signal that ended the run, and whether a signal raises at the moment."""

    ended_by: int = 0
    """Number of the first signal; 0 for none."""
    armed: bool = False
    """Whether the first signal raises Interrupted."""

    def enable_raising(self) -> None:
        """Let the first signal raise Interrupted from now on; raises it at once where one has arrived before."""
        self.armed = True
        if self.ended_by:
            raise Interrupted(self.ended_by)

    def disable_raising(self) -> None:
        """From now on only note a signal."""
        self.armed = False

    @contextmanager
    def defer_raising(self) -> Generator[None]:
        """Within the context a signal is only noted; Interrupted is raised at the end where one arrived."""
        self.disable_raising()
        yield
        self.enable_raising()


@contextmanager
def handle_signals() -> Generator[SignalState]:
    """Within the context the first SIGINT, SIGTERM or SIGHUP is noted, and raises Interrupted while raising is enabled;
    later ones are ignored.

    Outside the main thread, which alone receives signals, nothing changes.
    """
    signals = SignalState()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if signals.ended_by:
            return  # replacing this handler by SIG_IGN here would raise if two signals arrived at once
        signals.ended_by = number
        if signals.armed:
            raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number in SIGNALS:
            signal.signal(number, handle)
        yield signals
    finally:
        signals.disable_raising()
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
