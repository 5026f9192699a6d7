"""Lines at the bottom of a terminal that are redrawn periodically; other output is printed above them.

Only the refreshing thread writes, so that other threads never wait for the terminal.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

INTERVAL_S = 0.25
"""Seconds between two drawings."""
Draw = Callable[[int, int], Sequence[Text]]
"""draw(width, rows): the lines, at most `rows` of at most `width` columns."""


class TerminalRegion:
    """Shows the lines that `draw` returns from `start` to `stop`; `print_above` prints lines above them.

    With `interval_s` None they are only drawn by `refresh`.
    """

    def __init__(self, console: Console, draw: Draw, interval_s: float | None = INTERVAL_S) -> None:
        self.console = console
        self._draw = draw
        self._interval_s = interval_s
        self._queued: deque[Text] = deque()
        self._open: contextlib.ExitStack | None = None
        self._live: Live | None = None
        self._over = threading.Event()

    @property
    def shown(self) -> bool:
        """Whether the lines are shown."""
        return self._open is not None

    def start(self) -> None:
        """Begin to show the lines."""
        if self._open is not None:
            return
        self._over.clear()
        with contextlib.ExitStack() as opening:
            # Restores the cursor if the interpreter exits while the lines are shown.
            atexit.register(self.stop)
            opening.callback(atexit.unregister, self.stop)
            opening.enter_context(_may_be_gone(self.console.file))
            self._live = opening.enter_context(self._new_live())
            opening.enter_context(_log_above(self.console.file))
            if self._interval_s is not None:
                thread = threading.Thread(target=self._go_on, args=(self._interval_s,), name="display", daemon=True)
                thread.start()
                opening.callback(thread.join)
                opening.callback(self._over.set)
            self._open = opening.pop_all()

    def _new_live(self) -> Live:
        return Live(
            console=self.console,
            get_renderable=lambda: Group(*self.render_lines()),
            auto_refresh=False,
            transient=True,
            # Standard output that is redirected to a file must not be printed to this terminal.
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=True,
        )

    def render_lines(self) -> Sequence[Text]:
        """The lines to draw, at most half of the terminal."""
        width, height = self.console.size
        return self._draw(width, max(height // 2 - 2, 1))

    def print_above(self, text: str, style: str = "") -> None:
        """Print a line above the region: at once if it is not shown, else with the next drawing."""
        self._queued.append(Text(text, style))
        if not self.shown:
            self._print_queued()

    def refresh(self) -> None:
        """Draw the lines now."""
        self._print_queued()
        if self._live is not None:
            self._live.refresh()

    def stop(self) -> None:
        """Remove the lines, and print the queued ones. A second call does nothing."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.close()
            self._live = None
        self._print_queued()

    def _print_queued(self) -> None:
        lines: list[Text] = []
        with contextlib.suppress(IndexError):
            while True:
                lines.append(self._queued.popleft())
        if lines:
            with _may_be_gone(self.console.file):
                self.console.print(Text("\n").join(lines), soft_wrap=True)

    def _go_on(self, interval_s: float) -> None:
        with _may_be_gone(self.console.file):
            while not self._over.wait(interval_s):
                self.refresh()


@contextlib.contextmanager
def _may_be_gone(terminal: IO[str]) -> Generator[None]:
    """Suppress errors of a terminal that was closed, so that they do not end the run."""
    try:
        yield
    except OSError:
        pass
    except ValueError:
        if not terminal.closed:
            raise


@contextlib.contextmanager
def _log_above(terminal: IO[str]) -> Generator[None]:
    """Within the context, handlers that log to `terminal` write to the display, which replaces standard error."""
    found = (handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler))
    handlers = [handler for handler in found if handler.stream is terminal]
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(terminal)
