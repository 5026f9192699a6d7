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
class Signals:
    """What came."""

    ended_by: int = 0
    """The signal that ended the block, 0 where none did."""


@contextmanager
def interruptible() -> Generator[Signals]:
    """Within, the first SIGINT, SIGTERM or SIGHUP raises Interrupted and later ones are ignored.

    Outside the main thread, which alone gets signals, nothing changes.
    """
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number in SIGNALS:
            signal.signal(number, handle)
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
