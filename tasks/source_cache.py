"""Hashes of code files, remembered: a file is read again only when its size, times or inode say so.

Without a memo that outlives the process, the 300 files behind the stages cost about a second at every start. A memo
holds text by the file's path and mark; what it gives is checked, and read anew where it is damaged. It is called by one
thread at a time, though not always by the same one.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from tasks.errors import SemflowError
from tasks.source_code import SourceCode, list_own_packages, parse_source, short_hash

RACY_NS = 2_000_000_000  # a file touched this recently may change again within its timestamp's resolution
_lock = threading.RLock()


class SourceCache(Protocol):
    """Somewhere that keeps a text for each file."""

    def get(self, path: str, mark: str) -> str | None:
        """What was put for this path and mark; None where nothing was, or the mark was another."""
        ...

    def put(self, path: str, mark: str, text: str) -> None:
        """Keep `text` in place of what was kept for this path."""
        ...


@dataclass
class _Known:
    """The memo in use, and what this process has seen."""

    memo: SourceCache | None = None
    seen: dict[tuple[str, str], SourceCode] = field(default_factory=dict[tuple[str, str], SourceCode])


_known = _Known()


def set_source_cache(memo: SourceCache | None) -> None:
    """Remember in `memo` from now on, or in this process alone (None)."""
    with _lock:
        _known.memo = memo


def read_source_code(path: Path) -> SourceCode:
    """What the Python file at `path` says; SemflowError with its line where it is no Python."""
    return _remembered(path, _read_python)


def hash_data_file(path: Path) -> str:
    """Hash of a data file's bytes."""
    return _remembered(path, lambda file: SourceCode(short_hash(file.read_bytes()))).hash


def _remembered(path: Path, read: Callable[[Path], SourceCode]) -> SourceCode:
    with _lock:
        about = path.stat()
        at = f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}"
        mark = f"{at} {_rules()} {','.join(list_own_packages())}"
        name = str(path)
        if (found := _known.seen.get((name, mark))) is not None:
            return found
        text = _known.memo.get(name, mark) if _known.memo else None
        found = SourceCode.from_text(text) if text is not None else None
        if found is None:
            found = read(path)
            if _known.memo and time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) > RACY_NS:
                _known.memo.put(name, mark, found.to_text())
        _known.seen[name, mark] = found
        return found


@cache
def _rules() -> str:
    """What the reading itself depends on: another Python, or another version of our code, reads anew."""
    ours = b"".join((Path(__file__).parent / name).read_bytes() for name in ("source_code.py", "syntax.py"))
    return f"{sys.version_info.major}.{sys.version_info.minor} {short_hash(ours)}"


def _read_python(path: Path) -> SourceCode:
    try:
        return parse_source(path.read_bytes())
    except SyntaxError as error:
        raise SemflowError(f"{path}:{error.lineno or 1}: must be Python, got {error.msg}; mend the file") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SemflowError(f"{path}: must be Python, got {error or 'too deep a nesting'}; mend the file") from None
