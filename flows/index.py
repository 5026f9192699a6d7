"""The page over all videos, written anew only when something it shows has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engine.plan import Item, State
from flows.engine.project import Project
from tasks.artifacts.artifact import ALL
from tasks.artifacts.report import Report
from tasks.content import write_atomically
from tasks.fingerprint import fingerprint

if TYPE_CHECKING:
    from flows.index_page import IndexItem

NAME = "index.html"


def refresh_index(project: Project, states: Mapping[Item, State]) -> Path | None:
    """Bring `reports/index.html` up to date and give its path; None where the project has no report stage."""
    if Report not in project.producers:
        return None
    path = project.root / Report.FOLDER / NAME
    mark = f"<!-- {_mark(states)} -->\n"
    if not path.is_file() or not path.read_text(encoding="utf-8").endswith(mark):
        from flows.index_page import render_index

        items = [_item(project, states, video) for video in project.videos]
        write_atomically(path, render_index(items) + mark)
    return path


def _item(project: Project, states: Mapping[Item, State], video: str) -> IndexItem:
    """What the artifacts say, and the first trouble if there is any, of the video's own or of the whole dataset."""
    from flows.index_page import index_item

    found = index_item(project.root, video)
    bad = next((s for s in states.values() if s.item.video in (video, ALL) and s.standing != "fresh"), None)
    return found if bad is None else replace(found, state="failed", stage=bad.item.stage, error=bad.reason)


def _mark(states: Mapping[Item, State]) -> str:
    """A hash over what the page shows: every item's key or trouble, and the code that draws it."""
    shown = [
        (str(item), state.standing, state.reason, state.ingredients.key if state.ingredients else "")
        for item, state in states.items()
    ]
    return hashlib.md5(
        json.dumps([shown, dict(fingerprint("flows.index_page"))]).encode(), usedforsecurity=False
    ).hexdigest()
