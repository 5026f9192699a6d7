"""Files of a git revision: of a local repository, or of one that is cloned into the user's cache without its files."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from flows.engine.dvc_store.git_commands import make_git_environment
from tasks.errors import SemflowError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|[^/\\]+@[^/\\]+:")
"""`https://…`, `ssh://…`, `file://…`, or `user@host:path`."""


class Commit(NamedTuple):
    """A commit of git."""

    commit: str
    at: str
    """When it was made, ISO 8601."""
    author: str
    subject: str


@dataclass(frozen=True)
class GitRepository:
    """A git repository on this machine, and the folder of the project in it."""

    folder: Path
    """Where git commands are run: the project's folder, or a bare clone."""
    title: str
    """The path or address that the user gave, for messages."""
    subfolder: str = ""
    """The project's folder in a bare clone, "" where it is the top; else `folder` is in it."""

    def resolve(self, rev: str) -> str:
        """The commit that `rev` names: a branch, a tag or (the start of) a hash; SemflowError where there is none."""
        found = self._run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}"])
        if found.returncode:
            known = self._run(["tag", "--list", "--sort=-creatordate"]).stdout.decode().split()[:5]
            tags = f"; its last tags are {', '.join(known)}" if known else ""
            raise SemflowError(f"rev must be a branch, tag or commit of {self.title}, got {rev!r}{tags}")
        return found.stdout.decode().strip()

    def read_text(self, commit: str, path: str) -> str | None:
        """The text of a file, relative to the project's folder, at `commit`; None where there is none."""
        found = self._run(["show", self._name_blob(commit, path)])
        return None if found.returncode else found.stdout.decode()

    def read_texts(self, commits: Sequence[str], path: str) -> list[bytes | None]:
        """The bytes of a file at each of `commits`, by one git command; None where there is none."""
        names = "".join(f"{self._name_blob(commit, path)}\n" for commit in commits)
        answer = self._run(["cat-file", "--batch"], names.encode()).stdout
        found: list[bytes | None] = []
        place = 0
        while len(found) < len(commits) and (end := answer.find(b"\n", place)) >= 0:
            header = answer[place:end].split()
            place = end + 1
            if header[-1] == b"missing" or len(header) != 3:  # noqa: PLR2004  name, type, size
                found.append(None)
                continue
            found.append(answer[place : place + int(header[2])])
            place += int(header[2]) + 1
        return found

    def _name_blob(self, commit: str, path: str) -> str:
        return f"{commit}:{self._place(path)}" if self._is_bare else f"{commit}:./{path}"

    def _place(self, path: str) -> str:
        """`path` in the repository, where that is bare."""
        return f"{self.subfolder}/{path}" if self.subfolder else path

    def list_names(self, commit: str, folder: str) -> list[str]:
        """The names of what lies in a folder, relative to the project, at `commit`; [] where there is none."""
        found = self._run(["ls-tree", "-z", "--name-only", self._name_blob(commit, folder)])
        return [] if found.returncode else [name for name in found.stdout.decode().split("\0") if name]

    def list_commits(self, path: str, rev: str = "HEAD") -> list[Commit]:
        """The commits up to `rev` that changed a file (relative to the project), newest first; [] without git."""
        found = self._run(["log", "--full-history", "--format=%H%x09%cI%x09%an%x09%s", rev, "--", self._place(path)])
        if found.returncode:
            return []
        lines = found.stdout.decode(errors="replace").splitlines()
        return [Commit(*line.split("\t", 3)) for line in lines if line.count("\t") >= 3]  # noqa: PLR2004  tabs between four

    @property
    def _is_bare(self) -> bool:
        return (self.folder / "HEAD").is_file()

    def _run(self, command: Sequence[str], stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return run_git(["-C", str(self.folder), *command], stdin)


def is_address(where: str) -> bool:
    """Whether `where` is the address of a git repository rather than a path."""
    return _ADDRESS.match(where) is not None


def is_bare_repository(folder: Path) -> bool:
    """Whether a folder is a git repository without working files, such as a server's."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and not (folder / "params.yaml").exists()


def clone_repository(address: str, cache: Path, subfolder: str = "") -> GitRepository:
    """A bare clone of `address` below `cache`, brought up to date; files are fetched when they are read.

    `subfolder` is the project's folder in it.
    """
    folder = cache / hashlib.sha256(address.encode()).hexdigest()[:16] / "git"
    if (folder / "HEAD").is_file():
        done = run_git(
            ["-C", str(folder), "fetch", "--quiet", "--tags", "--force", "origin", "+refs/heads/*:refs/heads/*"]
        )
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        done = run_git(["clone", "--quiet", "--bare", "--filter=blob:none", "--", address, str(folder)])
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["no answer"])[-1]
        raise SemflowError(f"{address} must be a git repository that you can read, got {said!r}; try `git ls-remote`")
    return GitRepository(folder, address, subfolder)


def run_git(arguments: Sequence[str], stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """The completed git command, without prompts; SemflowError where git is not installed."""
    try:
        return subprocess.run(
            ["git", *arguments], input=stdin, capture_output=True, check=False, env=make_git_environment()
        )
    except FileNotFoundError:
        raise SemflowError("git must be on the PATH to read a revision, got none; install it") from None
