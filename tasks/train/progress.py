"""A bar where somebody watches, lines in the log where nobody does."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator

log = logging.getLogger("semflow")
LINES = 10  # in the log, for the whole of a task


@contextlib.contextmanager
def progress(what: str, total: int) -> Generator[Callable[[str], None]]:
    """A function to be called after each of `total` steps, with a remark."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("train: {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = 0
    with Progress(
        *columns, TextColumn("{task.fields[remark]}"), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=total, remark="")

        def step(remark: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, advance=1, remark=remark)
            if not console.is_terminal and (done == total or done * LINES // total > (done - 1) * LINES // total):
                log.info("train: %s %d/%d %s", what, done, total, remark)

        yield step
