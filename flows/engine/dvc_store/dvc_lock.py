"""Read and write `dvc.lock`, the recorded dependencies and outputs of each DVC stage, with the same bytes as DVC.

Source: `dvc.stage.serialize` and `dvc.dvcfile.Lockfile` of DVC 3.67. The text of other stages is kept unchanged.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.engine.dvc_store.dvc_config import LOCK_FILE
from flows.engine.dvc_store.verified_copy import write_bytes_atomically
from flows.engine.dvc_store.yaml_text import parse_yaml, render_mapping
from tasks.errors import SemflowError

PARAMS = "params.yaml"
REMEDY = "take the others' side with `git checkout --theirs dvc.lock` (in a rebase --ours), then `semflow run`"
"""Their side is right because the local recipes remain: the next run adds them to what others recorded."""


@dataclass(frozen=True)
class FileHash:
    """The recorded hash of a single file."""

    md5: str
    size: int
    """Bytes."""
    isexec: bool = False
    """Whether it has any execute permission."""

    @classmethod
    def from_file(cls, path: Path, md5: str) -> FileHash:
        """The record of a file with known hash; raises OSError where it does not exist."""
        found = path.stat()
        return cls(md5, found.st_size, bool(found.st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)))


@dataclass(frozen=True)
class DirHash:
    """The recorded hash of a folder, which is that of its listing."""

    md5: str
    """MD5 of the listing, followed by `.dir`."""
    size: int
    """Total bytes of its files."""
    nfiles: int


@dataclass(frozen=True)
class StageRecord:
    """The entry of one stage in dvc.lock."""

    name: str
    cmd: str
    deps: Mapping[str, FileHash | DirHash] = field(default_factory=dict[str, FileHash | DirHash])
    """Path, relative to the repository, to its hash."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Key in params.yaml to the value in that file (see `read_lock_params`), without defaults of the typed classes."""
    outs: Mapping[str, FileHash | DirHash] = field(default_factory=dict[str, FileHash | DirHash])


def read_lock(root: Path) -> dict[str, StageRecord]:
    """Stage name to its record, in the file's order; {} where there is no `dvc.lock`.

    Entries that semflow never writes (imports, other parameter files) are left out of a record. Raises SemflowError
    with file and line where the file is damaged or has merge conflicts.
    """
    return parse_lock(_text(root))


def parse_lock(text: str) -> dict[str, StageRecord]:
    """The same for the text of a lock file."""
    data, _ = _load(text)
    return {name: _record(name, entry) for name, entry in data.items()}


def update_lock(root: Path, records: Sequence[StageRecord]) -> bool:
    """Write these stages to `dvc.lock`, replacing their earlier entries or after the others; whether it changed.

    Raises SemflowError where the file is damaged, OSError where it cannot be written; the old file is kept then.
    """
    before = _text(root)
    after = update_lock_text(before, records)
    if after == before:
        return False
    write_bytes_atomically(root / LOCK_FILE, after.encode("utf-8"))
    return True


def update_lock_text(text: str, records: Sequence[StageRecord]) -> str:
    """The `text` of a `dvc.lock` with the entries of `records` inserted or replaced."""
    stages, node = _load(text)
    new = {record.name: render_mapping({record.name: make_lock_entry(record)}, 2) for record in records}
    if not new:
        return text
    if node is None:
        return "schema: '2.0'\nstages:\n" + "".join(new.values())
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    block = next((value for key, value in node.value if key.value == "stages"), None)
    if block is None or block.flow_style is not False or any(key.start_mark.column != 2 for key, _ in block.value):  # noqa: PLR2004  DVC's indentation
        return _rewrite(text, stages, records)  # not in DVC's layout: rewrite the whole file
    starts = [key.start_mark.line for key, _ in block.value]
    after = [key.start_mark.line for key, _ in node.value if key.start_mark.line > starts[-1]]
    ends = [*starts[1:], *(after or [len(lines)])[:1]]
    parts = {name: "".join(lines[a:b]) for name, a, b in zip(stages, starts, ends, strict=True)}
    return "".join([*lines[: starts[0]], *(parts | new).values(), *lines[ends[-1] :]])


def make_lock_entry(record: StageRecord) -> dict[str, Any]:
    """The record in DVC's layout: paths and parameters sorted, empty sections left out."""
    sections = {
        "cmd": record.cmd,
        "deps": [_as_item(path, record.deps[path]) for path in sorted(record.deps)],
        "params": {PARAMS: {key: record.params[key] for key in sorted(record.params)}} if record.params else {},
        "outs": [_as_item(path, record.outs[path]) for path in sorted(record.outs)],
    }
    return {name: section for name, section in sections.items() if section}


def read_lock_params(root: Path, keys: Sequence[str]) -> dict[str, Any]:
    """The values of `keys` (`a` or `a.b`) in params.yaml, as DVC reads them for `dvc.lock`; raises SemflowError."""
    remedy = f"mend {PARAMS}"
    try:
        data, _ = parse_yaml((root / PARAMS).read_text(encoding="utf-8"), PARAMS, remedy)
    except (OSError, UnicodeDecodeError) as error:
        raise SemflowError(f"{PARAMS} must be readable UTF-8, got {error}; {remedy}") from None
    return {key: _at(data, key) for key in keys}


def _at(data: Any, key: str) -> Any:
    for part in key.split("."):
        if not isinstance(data, dict) or part not in data:
            raise SemflowError(f"{PARAMS} must have the key {key}, got none; add it")
        data = data[part]
    return data


def _as_item(path: str, found: FileHash | DirHash) -> dict[str, Any]:
    item: dict[str, Any] = {"path": path, "hash": "md5", "md5": found.md5, "size": found.size}
    if isinstance(found, DirHash):
        return item | {"nfiles": found.nfiles}
    return item | {"isexec": True} if found.isexec else item


def _text(root: Path) -> str:
    try:
        return (root / LOCK_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise SemflowError(f"{LOCK_FILE} must be UTF-8, got {error.reason} at byte {error.start}; {REMEDY}") from None


def _load(text: str) -> tuple[dict[str, Any], Any]:
    """Stage name to its entry, and the syntax tree of the file (None where it is empty)."""
    data, node = parse_yaml(text, LOCK_FILE, REMEDY)
    if data is None:
        return {}, None
    if not isinstance(data, dict) or data.get("schema") != "2.0":
        raise SemflowError(f"{LOCK_FILE}:1 must be a lock file of DVC with schema '2.0', got another; {REMEDY}")
    stages: Any = data.get("stages") or {}
    if not isinstance(stages, dict):
        raise SemflowError(f"{LOCK_FILE} must have stages by name, got {type(stages).__name__}; {REMEDY}")
    for name, entry in stages.items():
        if not isinstance(name, str) or not isinstance(entry, dict) or "cmd" not in entry:
            raise SemflowError(
                f"{LOCK_FILE} must have an entry with a cmd for {name!r}, got {str(entry)[:40]}; {REMEDY}"
            )
    return stages, node


def _rewrite(text: str, stages: Mapping[str, Any], records: Sequence[StageRecord]) -> str:
    data, _ = parse_yaml(text, LOCK_FILE, REMEDY)
    return render_mapping(
        {**data, "stages": {**stages, **{record.name: make_lock_entry(record) for record in records}}}
    )


def _record(name: str, entry: Mapping[str, Any]) -> StageRecord:
    try:
        cmd = entry["cmd"] if isinstance(entry["cmd"], str) else "\n".join(map(str, entry["cmd"]))
        params = dict((entry.get("params") or {}).get(PARAMS) or {})
        return StageRecord(name, cmd, _hashes(entry.get("deps")), params, _hashes(entry.get("outs")))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise SemflowError(
            f"{LOCK_FILE} must have an entry of DVC for {name!r}, got one without {error}; {REMEDY}"
        ) from None


def _hashes(items: Any) -> dict[str, FileHash | DirHash]:
    found: dict[str, FileHash | DirHash] = {}
    for item in items or []:
        md5 = item.get("md5")
        if not isinstance(md5, str):
            continue
        if md5.endswith(".dir"):
            found[item["path"]] = DirHash(md5, int(item.get("size") or 0), int(item.get("nfiles") or 0))
        else:
            found[item["path"]] = FileHash(md5, int(item.get("size") or 0), bool(item.get("isexec")))
    return found
