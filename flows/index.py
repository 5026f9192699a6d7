"""The page over all videos, written anew only when something it shows has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from flows.plan import Item, State
from flows.project import Project
from tasks.artifacts.report import Report
from tasks.content import write_atomically
from tasks.fingerprint import fingerprint

NAME = "index.html"


def refresh_index(project: Project, states: Mapping[Item, State]) -> Path | None:
    """Bring `reports/index.html` up to date and give its path; None where the project has no report stage."""
    if Report not in project.producers:
        return None
    path = project.root / Report.FOLDER / NAME
    mark = f"<!-- {_mark(states)} -->\n"
    if not path.is_file() or not path.read_text(encoding="utf-8").endswith(mark):
        from flows.index_page import IndexItem, index_item, render_index

        items: list[IndexItem] = []
        for video in project.videos:
            bad = next((s for s in states.values() if s.item.video == video and s.standing != "fresh"), None)
            items.append(
                index_item(project.root, video) if bad is None else IndexItem.failed(video, bad.item.stage, bad.reason)
            )
        write_atomically(path, render_index(items) + mark)
    return path


def _mark(states: Mapping[Item, State]) -> str:
    """A hash over what the page shows: every item's key or trouble, and the code that draws it."""
    shown = [
        (str(item), state.standing, state.reason, state.ingredients.key if state.ingredients else "")
        for item, state in states.items()
    ]
    return hashlib.md5(
        json.dumps([shown, dict(fingerprint("flows.index_page"))]).encode(), usedforsecurity=False
    ).hexdigest()
