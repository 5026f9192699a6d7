"""The `.gitignore` entry that keeps a folder which DVC tracks out of git.

Source: `scmrepo.git.Git.ignore` as DVC 3.67 calls it: an entry `/name` beside the folder, unless another rule
covers it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from flows.engine.dvc_store.git_commands import run_git
from flows.engine.dvc_store.verified_copy import write_bytes_atomically


def ignore_in_git(root: Path, path: str) -> bool:
    """Add `path` (relative to `root`) to the `.gitignore` beside it, unless git ignores it already; whether added."""
    target = root / path
    file, entry = target.with_name(".gitignore"), "/" + re.sub(r"([\[\]!*#?])", r"\\\1", target.name)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    if entry in text.splitlines() or not _in_git(root) or _is_ignored(root, path):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    separator = "" if not text or text.endswith("\n") else "\n"
    write_bytes_atomically(file, f"{text}{separator}{entry}\n".encode())
    return True


def _in_git(root: Path) -> bool:
    return any(os.path.lexists(folder / ".git") for folder in (root.resolve(), *root.resolve().parents))


def _is_ignored(root: Path, path: str) -> bool:
    done = run_git(root, ["check-ignore", "--no-index", "-q", "--", path])
    return done is not None and done.returncode == 0
