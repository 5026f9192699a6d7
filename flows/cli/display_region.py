"""Lines at the foot of a terminal that are drawn again and again; what is said meanwhile scrolls by above them.

Only the refreshing thread writes, so that nobody who says something waits for the terminal.
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
"""Between two drawings."""
Draw = Callable[[int, int], Sequence[Text]]
"""draw(width, rows): the lines, at most `rows` of at most `width` columns."""


class TerminalRegion:
    """The lines that `draw` gives, from `start` to `stop`; in between `print_above` puts lines above them.

    With `interval_s` None nothing is drawn but by `refresh`.
    """

    def __init__(self, console: Console, draw: Draw, interval_s: float | None = INTERVAL_S) -> None:
        self.console = console
        self._draw = draw
        self._interval_s = interval_s
        self._said: deque[Text] = deque()
        self._open: contextlib.ExitStack | None = None
        self._live: Live | None = None
        self._over = threading.Event()

    @property
    def shown(self) -> bool:
        """Whether it is there."""
        return self._open is not None

    def start(self) -> None:
        """Begin to show the lines."""
        if self._open is not None:
            return
        self._over.clear()
        with contextlib.ExitStack() as opening:
            # An interpreter that ends while the lines are there gets its cursor back.
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
            # What goes elsewhere must not be drawn into this terminal.
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=True,
        )

    def render_lines(self) -> Sequence[Text]:
        """What there is to see, at most half of the terminal."""
        width, height = self.console.size
        return self._draw(width, max(height // 2 - 2, 1))

    def print_above(self, text: str, style: str = "") -> None:
        """Put a line above; at once where the lines are not there, else with the next drawing."""
        self._said.append(Text(text, style))
        if not self.shown:
            self._print_said()

    def refresh(self) -> None:
        """Draw now."""
        self._print_said()
        if self._live is not None:
            self._live.refresh()

    def stop(self) -> None:
        """Take the lines away, and say what is left to be said. The second time nothing happens."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.close()
            self._live = None
        self._print_said()

    def _print_said(self) -> None:
        lines: list[Text] = []
        with contextlib.suppress(IndexError):
            while True:
                lines.append(self._said.popleft())
        if lines:
            with _may_be_gone(self.console.file):
                self.console.print(Text("\n").join(lines), soft_wrap=True)

    def _go_on(self, interval_s: float) -> None:
        with _may_be_gone(self.console.file):
            while not self._over.wait(interval_s):
                self.refresh()


@contextlib.contextmanager
def _may_be_gone(terminal: IO[str]) -> Generator[None]:
    """A terminal that cannot be written to any more ends no run."""
    try:
        yield
    except OSError:
        pass
    except ValueError:
        if not terminal.closed:
            raise


@contextlib.contextmanager
def _log_above(terminal: IO[str]) -> Generator[None]:
    """What is logged to `terminal` goes by way of the display, which has taken the place of standard error."""
    found = (handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler))
    handlers = [handler for handler in found if handler.stream is terminal]
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(terminal)
