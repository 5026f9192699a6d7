"""Cache the entries of the index page in the project's state."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flows.engine.project import Project
from flows.overview.index_page import IndexItem
from tasks.artifacts.decode_report import DecodeReport

PREFIX = "index-item:"


def load_items(project: Project) -> dict[str, tuple[str, IndexItem]]:
    """Video to the cached entry and the key that it was made for."""
    found: dict[str, tuple[str, IndexItem]] = {}
    for video, value in project.state.read_memos(PREFIX).items():
        try:
            found[video] = (value["key"], _from_json(value["item"]))
        except (KeyError, TypeError, ValueError):
            continue  # saved by another version
    return found


def save_items(project: Project, items: Mapping[str, tuple[str, IndexItem]]) -> None:
    """Save the entries of some videos with their keys."""
    values = {video: {"key": key, "item": _to_json(item)} for video, (key, item) in items.items()}
    project.state.save_memos(PREFIX, values)


def _to_json(item: IndexItem) -> dict[str, Any]:
    thumbnail = None if item.thumbnail is None else base64.b64encode(item.thumbnail).decode()
    return {**asdict(item), "thumbnail": thumbnail}


def _from_json(value: dict[str, Any]) -> IndexItem:
    account: dict[str, Any] | None = value["account"]
    thumbnail = None if value["thumbnail"] is None else base64.b64decode(value["thumbnail"])
    plain: dict[str, Any] = {**value, "account": None if account is None else _account(account)}
    plain["thumbnail"], plain["presence"] = thumbnail, tuple(value["presence"])
    return IndexItem(**plain)


def _account(value: dict[str, Any]) -> DecodeReport:
    plain: dict[str, Any] = {**value, "notes": tuple(value["notes"])}
    return DecodeReport(**plain)
