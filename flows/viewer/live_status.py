"""What a page shows of the run under way: progress, what was finished last, and the pages that are ready."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flows.cli.text_formatting import format_counts, format_duration, join_lines
from flows.engine.status_file import read_status
from flows.maintenance.status import find_lock_holder
from tasks.artifacts.artifact import DATASET_ITEM

REPORTS = "reports"
INDEX = "index.html"
MAX_PAGES = 500
"""Most pages that are listed while there is no index page."""


def collect_live_status(root: Path, page: str = "", *, with_pages: bool = False) -> dict[str, Any]:
    """The state of the project at `root` as JSON values; `page` is the page that asks, below reports.

    `with_pages` lists the pages that are ready, newest first.
    """
    holder = find_lock_holder(root)
    run = None if holder is None else holder.run
    last = read_status(root)
    return {
        "running": holder is not None,
        "headline": _headline(run) if holder is not None else _last_headline(last),
        "share": run["done"] / run["total"] if run is not None and run["total"] else 0.0,
        "now": [] if run is None else [_name_activity(item) for item in run["in_hand"]],
        "recent": [_describe_item(item) for item in reversed((run or last or {}).get("recent", []))],
        "page_at": _read_time(root / REPORTS / page) if page else None,
        "has_index": (root / REPORTS / INDEX).is_file(),
        "pages": list_pages(root) if with_pages else [],
    }


def list_pages(root: Path) -> list[dict[str, Any]]:
    """Name and address of the pages that are ready, newest first."""
    found = [(at, page) for page in (root / REPORTS).glob(f"*/{INDEX}") if (at := _read_time(page)) is not None]
    return [
        {"name": page.parent.name, "href": f"/{quote(page.parent.name)}/"}
        for _, page in sorted(found, key=lambda one: (-one[0], one[1].name))[:MAX_PAGES]
    ]


def _headline(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return "A run is beginning"
    left = "" if run["left_s"] is None else f", about {format_duration(run['left_s'])} left"
    return f"A run is under way: {run['done']:,} of {run['total']:,} items done{left}"


def _last_headline(status: Mapping[str, Any] | None) -> str:
    if status is None:
        return "No run has been here yet"
    counts = format_counts(status["results"]) or "nothing was done"
    return f"The last run has ended: {counts}" if status["finished"] else f"The last run was cut off: {counts}"


def _name_activity(item: Mapping[str, Any]) -> str:
    took = format_duration(time.time() - item["since"])
    step = f", {item['step']}" if item["step"] else ""
    return join_lines(f"{_name_item(item)} for {took}{step}")


def _describe_item(item: Mapping[str, Any]) -> dict[str, Any]:
    page = item["page"].removeprefix(f"{REPORTS}/")
    took = f" in {format_duration(item['seconds'])}" if item["seconds"] else ""
    error = f": {item['error']}" if item["error"] else ""
    return {
        "text": join_lines(f"{_name_item(item)} {item['result']}{took}{error}"),
        "href": f"/{quote(page)}" if page else "",
        "bad": item["result"] == "failed",
    }


def _name_item(item: Mapping[str, Any]) -> str:
    return item["stage"] if item["video"] == DATASET_ITEM else f"{item['stage']} {item['video']}"


def _read_time(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
