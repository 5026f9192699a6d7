"""Which files beside code are data that the code may read, and which are strays that editors and systems leave.

The rule: every file below a package's folder counts if its name is an ordinary one and it is no Python, also in
folders below, as far as they are no packages of their own. A name is not ordinary if it is hidden (.DS_Store, .x.swp,
.#x) or one of those that editors (x~, #x#, ~$x), merges (x.orig, x.rej), downloads (x.part) or systems (Thumbs.db,
core) leave. When in doubt a file counts: one too many costs time, one too few a wrong result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PYTHON_SUFFIXES = (".py", ".pyc", ".pyi", ".pyo")
LEFTOVER_PATTERN = re.compile(
    r"""
      [.#~].*                                       # hidden, Emacs, Office
    | .*[~\#]                                       # Emacs, vi, gedit, KDE
    | .*\.(?:swp|swo|swn|swx|un~|bak|old|tmp|temp)  # Vim and others
    | .*\.(?:orig|rej|BACKUP\.\d+|BASE\.\d+|LOCAL\.\d+|REMOTE\.\d+)(?:\..*)?   # patch, git mergetool
    | .*(?:___jb_tmp___|___jb_old___)               # JetBrains
    | .*\.(?:part|partial|crdownload)               # downloads
    | Thumbs\.db | ehthumbs\.db | desktop\.ini | Icon\r   # Windows, macOS
    | core | core\.\d+ | nohup\.out
    | __pycache__ | __MACOSX | node_modules | .*\.egg-info | .*\.dist-info
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def is_leftover_file(name: str) -> bool:
    """Whether a file or folder of this name is nobody's data."""
    return LEFTOVER_PATTERN.fullmatch(name) is not None


def list_data_files(package: Path) -> list[Path]:
    """The data files that belong to the package in this folder, sorted."""
    return sorted(_below(package, set()))


def _below(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    about = folder.stat()
    if (about.st_dev, about.st_ino) in seen:  # a link that leads back
        return
    seen.add((about.st_dev, about.st_ino))
    for path in folder.iterdir():
        if is_leftover_file(path.name):
            continue
        if path.is_dir():
            if not (path / "__init__.py").is_file():
                yield from _below(path, seen)
        elif path.is_file() and path.suffix not in PYTHON_SUFFIXES:
            yield path
