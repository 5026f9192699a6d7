"""Write the index page of all videos when its content has changed; entries of unchanged videos are cached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engine.file_marks import read_mark
from flows.engine.outcome import Item, Outcome
from flows.engine.overview_files import CARD, NOTES_FILE, OVERVIEW_FILES, PAGE, RECIPES, REPORTS
from flows.engine.plan import UP_TO_DATE, ItemState, Plan
from flows.engine.project import Project
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.atomic_file import write_text_atomically

if TYPE_CHECKING:
    from flows.overview.index_page import IndexItem

SHOWN = ("decode", "detect", "track", "classify", "report")
"""Stages whose artifacts the entry of a video depends on."""


def refresh_index(project: Project, plan: Plan) -> Path | None:
    """Update the overview files in `reports`; the path of the page, or None without a report stage."""
    if REPORTS not in project.producers:
        return None
    reports = project.root / REPORTS
    path = reports / PAGE
    mark = f"<!-- {_mark(plan)} -->\n"
    if _ends_with(path, mark) and all((reports / name).is_file() for name in OVERVIEW_FILES):
        return path
    from flows.overview.croissant import render_croissant
    from flows.overview.dataset_facts import collect_facts
    from flows.overview.index_page import render_index
    from flows.overview.model_summary import summarise_action_model
    from flows.overview.recipes_script import render_recipes_script

    items = remember_entries(project, plan)
    trouble = _first_trouble(plan.states)
    shown = [_with_trouble(items[video], trouble.get(video) or trouble.get(DATASET_ITEM)) for video in project.videos]
    facts = collect_facts(plan)
    write_text_atomically(reports / CARD, render_croissant(facts))
    write_text_atomically(reports / RECIPES, render_recipes_script(facts))
    write_text_atomically(path, render_index(shown, summarise_action_model(project.root), facts) + mark)
    return path


def remember_entries(project: Project, plan: Plan) -> dict[str, IndexItem]:
    """Video to its entry, read from its artifacts where it has changed; to be called before artifacts are dropped.

    An entry without the facts of its frames is not kept: the frames are not here, and may be at another time.
    """
    if REPORTS not in project.producers:
        return {}
    from flows.overview.index_store import load_items, save_items

    known = load_items(project)
    keys = {video: _key(plan, video) for video in project.videos}
    items = {video: known[video][1] for video in keys if video in known and known[video][0] == keys[video]}
    new = {video: _describe(project, video) for video in keys if video not in items}
    save_items(project, {video: (keys[video], item) for video, item in new.items() if item.account is not None})
    return items | new


def _describe(project: Project, video: str) -> IndexItem:
    from flows.overview.index_page import make_index_item

    listed = project.videos[video]
    return make_index_item(project.root, video, listed.stem, listed.flat_stem)


def state_errors(plan: Plan, outcomes: Iterable[Outcome]) -> None:
    """Give items that failed and stay stale (a crash is no recorded fault) their error as the reason in the plan."""
    for outcome in outcomes:
        state = plan.states.get(outcome.item)
        if outcome.result == "failed" and outcome.error and state is not None and state.status == "stale":
            plan.set_state(state._replace(reason=outcome.error))


def _first_trouble(states: Mapping[Item, ItemState]) -> dict[str, ItemState]:
    """Video to the state of the first of its items that is not fresh."""
    found: dict[str, ItemState] = {}
    for item, state in states.items():
        if state.status not in UP_TO_DATE:
            found.setdefault(item.video, state)
    return found


def _with_trouble(item: IndexItem, state: ItemState | None) -> IndexItem:
    return item if state is None else replace(item, state="failed", stage=state.item.stage, error=state.reason)


def _key(plan: Plan, video: str) -> str:
    """A text that changes when the entry of the video must be made again."""
    states = (plan.states.get(Item(video, stage)) for stage in SHOWN)
    return " ".join(state.key if state is not None and state.outputs else "-" for state in states)


def _mark(plan: Plan) -> str:
    """A hash over everything that the page depends on: the state of every item, dataset.yaml, and the code that renders
    it."""
    statuses = _replace_remote(plan)
    shown = [
        (state.item, statuses.get(state.item, state.status), state.reason, state.key) for state in plan.states.values()
    ]
    return hashlib.md5(json.dumps([shown, _drawing(plan)]).encode(), usedforsecurity=False).hexdigest()


def _replace_remote(plan: Plan) -> dict[Item, str]:
    """`fresh` for items whose bytes are only in the remote, where the entry of their video is known without them: the
    page is then the same on every machine."""
    remote = [item for item, state in plan.states.items() if state.status == "remote"]
    if not remote:
        return {}
    from flows.overview.index_store import PREFIX

    complete: dict[str, bool] = {}
    for video in {item.video for item in remote}:
        known = plan.project.state.read_memo(f"{PREFIX}{video}")
        complete[video] = video == DATASET_ITEM or (known is not None and known["key"] == _key(plan, video))
    return {item: "fresh" for item in remote if complete[item.video]}


def _drawing(plan: Plan) -> list[str | None]:
    """Hashes of the source files that render the page."""
    here = Path(__file__).parent
    files = sorted(
        [*here.glob("*.*"), *(here.parents[1] / "tasks" / "report").glob("*.*"), plan.project.root / NOTES_FILE]
    )
    marks = [(str(file), read_mark(file)) for file in files]
    return [plan.inventory.find_md5(file, mark) for file, mark in marks if mark is not None]


def _ends_with(path: Path, mark: str) -> bool:
    """Whether the file ends with `mark`; reads only its end, as the page may be large."""
    size = len(mark.encode())
    try:
        with path.open("rb") as file:
            file.seek(-size, 2)
            return file.read() == mark.encode()
    except OSError:
        return False
