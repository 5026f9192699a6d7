"""Erase video names from the run log, the error log, the logs of workers and the status file."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from flows.engine.state import STATE_FOLDER as STATE
from flows.engine.status_file import STATUS_FILE as STATUS
from tasks.atomic_file import write_text_atomically

ERASED_TEXT = "(erased by `semflow forget`)"
_ERROR_HEAD = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* ")


def erase_from_logs(root: Path, names: Collection[str]) -> int:
    """Erase `names` from the logs of the project at `root`; gives the number of files that changed."""
    folder = root / STATE
    changed = _rewrite(folder / "runs.jsonl", lambda text: _runs(text, names))
    changed += _rewrite(folder / "errors.log", lambda text: _errors(text, names))
    for path in (*(folder / "logs").glob("*"), folder / STATUS):
        with contextlib.suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="replace")
            if mentions_name(text, names) or mentions_name(json.dumps(text), names):
                path.unlink()
                changed += 1
    return changed


def mentions_name(text: str, names: Collection[str]) -> bool:
    """Whether one of the names occurs in the text as a whole word, plain or escaped as in JSON."""
    forms = {form for name in names for form in (name, json.dumps(name)[1:-1])}
    return any(re.search(rf"(?<![\w-]){re.escape(form)}(?![\w-])", text) is not None for form in forms if form in text)


def _rewrite(path: Path, change: Any) -> int:
    try:
        before = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    after = change(before)
    if after == before:
        return 0
    write_text_atomically(path, after)
    return 1


def _runs(text: str, names: Collection[str]) -> str:
    return "".join(f"{line}\n" for line in _run_lines(text, names))


def _run_lines(text: str, names: Collection[str]) -> Iterator[str]:
    for line in text.splitlines():
        if not mentions_name(line, names):
            yield line
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # an incomplete line that contains the name
        outcomes = [o for o in entry.get("outcomes", ()) if not (isinstance(o, dict) and o.get("video") in names)]
        yield json.dumps(_without({**entry, "outcomes": outcomes}, names))


def _without(value: Any, names: Collection[str]) -> Any:
    """The value with ERASED_TEXT in place of every text that contains a name."""
    if isinstance(value, str):
        return ERASED_TEXT if mentions_name(value, names) else value
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    if isinstance(value, dict):
        return {_without(key, names): _without(item, names) for key, item in value.items()}
    return value


def _errors(text: str, names: Collection[str]) -> str:
    """The error log without entries that contain a name; an entry begins with a time."""
    entries: list[list[str]] = []
    for line in text.splitlines(keepends=True):
        if _ERROR_HEAD.match(line) or not entries:
            entries.append([])
        entries[-1].append(line)
    return "".join(entry for lines in entries if not mentions_name(entry := "".join(lines), names))
