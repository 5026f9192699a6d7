"""Run git commands with a timeout, and check that a folder is in a working git repository.

Nothing here raises where git is missing: semflow computes and records without it; only `dvc` commands need it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.engine.dvc_store.dvc_config import read_config

TIMEOUT_S = 60.0
HOOK_VARIABLES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"}
"""Variables that git sets while it runs a hook; with them every command would use the hook's repository."""


@dataclass(frozen=True)
class GitStatus:
    """Whether git, and so DVC, works in a folder, and a message that says so or what to do."""

    is_ok: bool
    message: str


def check_git(root: Path) -> GitStatus:
    """Whether `root` is in a working git repository; raises SemflowError only where DVC's configuration is damaged."""
    config = read_config(root)
    if config is not None and config.no_scm:
        return GitStatus(True, "DVC works without git (core.no_scm): versions of the data are not kept apart")
    if not any(os.path.lexists(folder / ".git") for folder in (root.resolve(), *root.resolve().parents)):
        return GitStatus(
            False,
            f"{root} must be in a git repository for DVC to work (it says 'is not a git repository'), got none; run "
            "`git init`, or, to go without versions, `dvc config core.no_scm true`",
        )
    if shutil.which("git") is None:
        return GitStatus(False, "git must be on the PATH, got none; install it")
    for question in (["rev-parse", "--git-dir"], ["status", "--porcelain", "--untracked-files=no", "--", "."]):
        done = run_git(root, question)
        if done is None or done.returncode:
            lines = (done.stderr.decode(errors="replace").strip().splitlines() if done else []) or ["no answer"]
            return GitStatus(
                False,
                f"the git repository of {root} must be sound, got {lines[0]!r}; see `git fsck`, or clone anew and move "
                "data/, .semflow/ and .dvc/cache over",
            )
    return GitStatus(True, "git repository is sound")


def run_git(
    root: Path, command: Sequence[str], stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes] | None:
    """The completed git command, or None where git is not installed or timed out."""
    try:
        return subprocess.run(
            ["git", "-C", str(root), *command],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            env=make_git_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def make_git_environment() -> dict[str, str]:
    """Environment for git: messages in English, no optional locks, no prompts, without HOOK_VARIABLES."""
    inherited = {name: value for name, value in os.environ.items() if name not in HOOK_VARIABLES}
    return {**inherited, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
