"""The `.gitignore` entry that keeps a folder which DVC tracks out of git.

Source: `scmrepo.git.Git.ignore` as DVC 3.67 calls it: an entry `/name` beside the folder, unless another rule
covers it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from flows.engine.dvc_store.copying import write_whole
from flows.engine.dvc_store.git import run_git


def ignore_in_git(root: Path, path: str) -> bool:
    """Add the entry for `path` (relative to `root`) to the `.gitignore` beside it, if it is due; whether it was."""
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
    write_whole(file, f"{text}{separator}{entry}\n".encode())
    return True


def _in_git(root: Path) -> bool:
    return any(os.path.lexists(folder / ".git") for folder in (root.resolve(), *root.resolve().parents))


def _is_ignored(root: Path, path: str) -> bool:
    """As DVC sees it: a rule for folders only (`raw/`) counts where it covers a parent, not for the path itself."""
    rule = _rule(root, path)
    if rule is None or not rule.endswith("/"):
        return rule is not None
    parent = Path(path).parent
    return parent != Path() and _rule(root, parent.as_posix()) is not None


def _rule(root: Path, path: str) -> str | None:
    """The rule by which git ignores `path`; None where it does not."""
    done = run_git(root, ["check-ignore", "--no-index", "-v", "-z", "--stdin"], f"{path}\0".encode())
    if done is None or done.returncode:
        return None
    pattern = done.stdout.split(b"\0")[2].decode(errors="replace")
    return None if pattern.startswith("!") else pattern
