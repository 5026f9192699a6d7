"""Ctrl-C and SIGTERM end a run in good order: what is in hand is dropped, what is done stays."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal came; no Exception, so that nothing takes it for a fault of an item."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


@dataclass
class SignalState:
    """What came."""

    ended_by: int = 0
    """The first that came, 0 where none did."""
    armed: bool = False
    """Whether the first one raises."""

    def enable_raising(self) -> None:
        """From now on the first signal raises Interrupted; so does this, where one came before."""
        self.armed = True
        if self.ended_by:
            raise Interrupted(self.ended_by)

    def disable_raising(self) -> None:
        """From now on a signal is noted, and nothing else."""
        self.armed = False

    @contextmanager
    def defer_raising(self) -> Generator[None]:
        """Within, a signal is noted; where one came, Interrupted is raised at the end."""
        self.disable_raising()
        yield
        self.enable_raising()


@contextmanager
def handle_signals() -> Generator[SignalState]:
    """Within, the first SIGINT, SIGTERM or SIGHUP is noted, and raises Interrupted between `arm` and `disarm`; later
    ones are ignored.

    Outside the main thread, which alone gets signals, nothing changes.
    """
    signals = SignalState()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if signals.ended_by:
            return  # SIG_IGN in place of this handler would show as an error, should two come at once
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
