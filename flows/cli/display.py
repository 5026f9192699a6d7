"""Choose how progress is shown: a live display on a terminal, else lines in the log."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

from flows.cli.display_log import Display, PlainDisplay, QuietDisplay
from tasks.progress import has_sink, set_sink

if TYPE_CHECKING:
    from rich.console import Console


def open_terminal() -> Console | None:
    """A console on standard error if that is an interactive terminal, else None."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return None
    from rich.console import Console

    console = Console(stderr=True)
    return console if console.is_interactive and not console.options.ascii_only else None


def choose_display(quiet: bool = False, json: bool = False) -> Display:
    """The display for standard error; with `json` and no terminal, only failures are shown."""
    if quiet:
        return QuietDisplay()
    console = open_terminal()
    if console is not None:
        from flows.cli.display_live import LiveDisplay

        return LiveDisplay(console)
    return QuietDisplay() if json else PlainDisplay()


@contextlib.contextmanager
def show_progress() -> Generator[None]:
    """Within the context, show progress of this process (tasks/progress.py) as bars, if there is a terminal."""
    console = None if has_sink() else open_terminal()
    if console is None:
        yield
        return
    from flows.cli.display_live import ProgressBars

    with ProgressBars(console) as bars:
        set_sink(bars.update_bar)
        try:
            yield
        finally:
            set_sink(None)
