"""The progress of a run in `.semflow/status.json`, which `semflow status` displays in another terminal.

Written at most once a second by the process that holds the project's lock; a reader compares the process id.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.cli.run_progress import RunProgress
from flows.engine.outcome import Item, Outcome, Step, Summary
from flows.engine.state import STATE_FOLDER
from tasks.atomic_file import write_text_atomically

STATUS_FILE = "status.json"
MIN_INTERVAL_S = 1.0
MAX_FAILURES = 100
"""Most failures that are listed; all are counted."""
MAX_RECENT = 20
"""Items that ended last, which `semflow view` shows."""


@dataclass
class StatusFile:
    """An Observer that writes the status file."""

    root: Path
    _began: float = field(default_factory=time.time)
    _progress: RunProgress = field(default_factory=RunProgress)
    _in_hand: dict[Item, tuple[float, int, str]] = field(default_factory=dict[Item, tuple[float, int, str]])
    """Item to start time (seconds since 1970), number of the attempt, and progress text."""
    _failures: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _recent: deque[dict[str, Any]] = field(default_factory=lambda: deque[dict[str, Any]](maxlen=MAX_RECENT))
    _written: float = 0.0

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""
        self._progress = RunProgress.from_plan(items, expected_s, workers)
        self._write(now=True)

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""
        del worker
        self._in_hand[item] = (time.time(), attempt, "")
        self._write()

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""
        if item in self._in_hand:
            began, attempt, _ = self._in_hand[item]
            total = "" if step.total == float("inf") else f"/{step.total:g}"
            self._in_hand[item] = (began, attempt, f"{step.what} {step.done:g}{total}")
            self._write()

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        self._in_hand.pop(outcome.item, None)
        if final:
            self._progress.record_outcome(outcome)
            names = ("video", "stage", "result", "seconds", "error", "page")
            self._recent.append({name: getattr(outcome, name) for name in names})
            if outcome.result == "failed" and len(self._failures) < MAX_FAILURES:
                self._failures.append({"video": outcome.video, "stage": outcome.stage, "error": outcome.error})
        self._write()

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""

    def on_finished(self, summary: Summary) -> None:
        """See Observer."""
        del summary
        self._in_hand.clear()
        self._write(now=True, finished=True)

    def _write(self, *, now: bool = False, finished: bool = False) -> None:
        at = time.time()
        if not now and at - self._written < MIN_INTERVAL_S:
            return
        self._written = at
        left = self._progress.time_left({item: at - began for item, (began, _, _) in self._in_hand.items()})
        value = {
            "pid": os.getpid(),
            "began": self._began,
            "at": at,
            "finished": finished,
            "total": self._progress.total,
            "done": self._progress.done,
            "results": dict(self._progress.results),
            "in_hand": [
                {"video": item.video, "stage": item.stage, "since": began, "attempt": attempt, "step": step}
                for item, (began, attempt, step) in self._in_hand.items()
            ],
            "failures": self._failures,
            "recent": list(self._recent),
            "left_s": None if left is None or finished else left.seconds,
            "left_at_least": left is not None and left.at_least,
        }
        try:
            write_text_atomically(self.root / STATE_FOLDER / STATUS_FILE, json.dumps(value) + "\n")
        except (OSError, UnicodeEncodeError):
            return  # a full disk must not stop a run


def read_status(root: Path) -> dict[str, Any] | None:
    """The content of the status file; None where it cannot be read."""
    try:
        value = json.loads((root / STATE_FOLDER / STATUS_FILE).read_text(encoding="utf-8"))
        return value if isinstance(value, dict) and isinstance(value["pid"], int) else None
    except (OSError, ValueError, KeyError):
        return None
