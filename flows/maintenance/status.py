"""`semflow status`: the progress of a run, the result of the last one, the state of every item, and disk usage."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from flows.agents.batches_file import read_batches
from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.cli.console_groups import ItemReason, group_reasons
from flows.cli.text_formatting import format_counts, format_duration, format_size, join_lines
from flows.engine.file_marks import scan_folder
from flows.engine.item_state import count_statuses
from flows.engine.plan import Plan
from flows.engine.project import RAW_FOLDER, STATE, Project
from flows.engine.project_lock import LOCK_FILE
from flows.engine.recipe import RECIPE_FOLDER
from flows.engine.status_file import read_status
from flows.engine.storage import Storage
from flows.maintenance.terminal_dialog import open_project, print_answer

MAX_LINES = 20
"""Most failures shown in the terminal; --json gives all."""
RUN_LOG = "runs.jsonl"
BLOCK = 1 << 16


@dataclass(frozen=True)
class LockHolder:
    """The process that holds the project's lock."""

    pid: int
    since: float
    """Seconds since 1970."""
    run: dict[str, Any] | None
    """The status file of its run (flows/engine/status_file.py); None where it is no run or has not written it yet."""


@click.command(cls=ValuesCommand)
@JSON_OPTION
def command(as_json: bool) -> int:
    """Report what a run is doing, how the last one ended, and the state of every item.

    The exit code is 1 where an item failed or is blocked.
    """
    project = open_project()
    found = collect_status(project)
    project.close()
    print_answer(found, _lines(found), as_json=as_json)
    return 0 if found["good"] else 1


def collect_status(project: Project) -> dict[str, Any]:
    """Everything that the command prints, as JSON values."""
    holder = find_lock_holder(project.root)
    states = Plan.examine_project(project).states.values()
    counts = count_statuses(states)
    return {
        "run": None if holder is None else {**asdict(holder), "batches": read_batches(project.root, holder.pid)},
        "last_run": read_last_run(project.root),
        "items": counts,
        "put_aside": [
            {"video": state.item.video, "stage": state.item.stage, "reason": state.reason}
            for state in states
            if state.status == "failed"
        ],
        "blocked": [
            {"video": state.item.video, "stage": state.item.stage, "reason": state.reason}
            for state in states
            if state.status == "blocked" and not state.recorded
        ],
        "bytes": measure_sizes(project),
        "notes": list(project.notes),
        "good": not counts["failed"] and not counts["blocked"],
    }


def find_lock_holder(root: Path) -> LockHolder | None:
    """The process that holds the project's lock; None where there is none. Does not block a run."""
    path = root / STATE / LOCK_FILE
    try:
        pid, since = int(path.read_text()), path.stat().st_mtime
    except (OSError, ValueError):
        return None
    # Tested only for a living process (a dead one holds no lock), as the test itself acquires the lock for a moment.
    if not _is_alive(pid) or not _is_held(path):
        return None
    status = read_status(root)
    ours = status is not None and status["pid"] == pid and not status["finished"] and status["at"] >= since
    return LockHolder(pid, since, status if ours else None)


def read_last_run(root: Path) -> dict[str, Any] | None:
    """The last line of the run log that can be read: a run that changed something or failed; None without any."""
    for line in _lines_backwards(root / STATE / RUN_LOG):
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # an incomplete line of a killed run
        outcomes = [outcome for outcome in entry["outcomes"] if isinstance(outcome, dict)]
        counts: dict[str, int] = {}
        for outcome in outcomes:
            counts[outcome["result"]] = counts.get(outcome["result"], 0) + 1
        return {
            "at": entry["at"],
            "host": entry["host"],
            "seconds": entry["seconds"],
            "good": entry["good"],
            "interrupted": entry.get("interrupted", 0),
            "counts": counts,
            "failures": [
                {name: outcome[name] for name in ("video", "stage", "error")}
                for outcome in outcomes
                if outcome["result"] == "failed"
            ],
            "unrecorded": entry.get("unrecorded", {}),
        }
    return None


def measure_sizes(project: Project) -> dict[str, int]:
    """Bytes on disk of the raw videos, the artifacts (with reports), the recipes, and the objects of DVC's cache."""
    folders = {kind.folder for declaration in project.declarations for kind in declaration.outputs}
    storage = Storage.open(project.root)
    return {
        "raw": _bytes_below(project.root / RAW_FOLDER),
        "artifacts": sum(_bytes_below(project.root / folder) for folder in folders),
        "recipes": _bytes_below(project.root / RECIPE_FOLDER),
        "cache": 0 if storage is None else _bytes_below(storage.objects.folder),
    }


def _bytes_below(folder: Path) -> int:
    return sum(mark.size for mark in scan_folder(folder).values())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return pid > 0


def _is_held(path: Path) -> bool:
    import fcntl

    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Non-empty lines, the last one first, read in blocks from the end."""
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        at, rest = file.seek(0, 2), b""
        while at > 0:
            step = min(BLOCK, at)
            at = file.seek(at - step)
            first, *lines = (file.read(step) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line.strip())
            rest = first
        if rest.strip():
            yield rest


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield from _run_lines(found["run"])
    yield from _last_lines(found["last_run"])
    yield f"items: {format_counts(found['items']) or 'none'}"
    for name, words in (("put_aside", "failed"), ("blocked", "blocked")):
        yield from _reason_lines(words, found[name], "reason")
    held = found["bytes"]
    yield "space: " + ", ".join(f"{name} {format_size(count)}" for name, count in held.items())
    yield from found["notes"]


def _run_lines(holder: dict[str, Any] | None) -> Iterator[str]:
    if holder is None:
        yield "no run is under way"
        return
    since = format_duration(time.time() - holder["since"])
    status = holder["run"]
    if status is None:
        yield f"process {holder['pid']} has held the project for {since}; it has not written its status"
        return
    left = status["left_s"]
    more = (
        f", {'at least' if status['left_at_least'] else 'about'} {format_duration(left)} left"
        if left is not None
        else ""
    )
    done = f"{status['done']:,} of {status['total']:,} items done"
    yield f"a run is under way: process {holder['pid']}, for {since}; {done}{more}"
    for item in status["in_hand"]:
        took = format_duration(time.time() - item["since"])
        step = f", {item['step']}" if item["step"] else ""
        yield join_lines(f"  running: {item['stage']} {item['video']} for {took}{step}")
    for batch in holder["batches"]:
        took = format_duration(time.time() - batch["since"])
        where = ", ".join(batch["agents"]) or f"waiting for an agent with {batch['needs']}"
        yield join_lines(f"  batch {batch['id']}: {batch['done']} of {batch['items']} items, {where}, for {took}")
    yield from _reason_lines("  failed", status["failures"], "error")


def _last_lines(entry: dict[str, Any] | None) -> Iterator[str]:
    if entry is None:
        yield "no run has computed anything yet"
        return
    end = ", interrupted" if entry["interrupted"] else ""
    counts = format_counts(entry["counts"]) or "nothing computed"
    yield f"last run: {entry['at']} on {entry['host']}, {format_duration(entry['seconds'])}{end}: {counts}"
    yield from _reason_lines("  failed", entry["failures"], "error")
    yield from (f"  not recorded in DVC: {stage}: {reason}" for stage, reason in entry["unrecorded"].items())


def _reason_lines(word: str, reasons: list[dict[str, Any]], name: str) -> Iterator[str]:
    from flows.engine.outcome import Item

    groups = group_reasons(
        ItemReason(Item(reason["video"], reason["stage"]), word, reason[name] or "no reason given")
        for reason in reasons
    )
    for group in groups[:MAX_LINES]:
        yield f"{word} {group.who}: {group.text}"
    if more := sum(group.count for group in groups[MAX_LINES:]):
        yield f"and {more:,} more; `semflow status --json` names each"
