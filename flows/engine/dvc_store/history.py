"""Read recorded versions from git history: the hashes that an out had in `dvc.lock`, on all branches and tags.

Used to restore results that colleagues recorded, also those that a merge dropped, and to find objects still in use.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from flows.engine.dvc_store.dvc_config import LOCK_FILE
from flows.engine.dvc_store.git_commands import make_git_environment, run_git
from flows.engine.dvc_store.yaml_text import render_mapping


def find_recorded_listings(root: Path, out: str, limit: int) -> list[tuple[str, str]]:
    """(commit, listing hash `….dir`) of each distinct value that `out` had, newest first; [] without git."""
    return find_listings(root, [out], limit)[out]


def find_listings(root: Path, outs: Sequence[str], limit: int) -> dict[str, list[tuple[str, str]]]:
    """`find_recorded_listings` of several outs in one pass, which ends when each has `limit` values."""
    found: dict[str, dict[str, str]] = {out: {} for out in outs}
    wanted = {_path_line(out): out for out in outs}
    if limit > 0 and outs:
        for commit, text in read_recorded_texts(root, LOCK_FILE):
            for out, md5 in _outs_in(text, wanted):
                if len(found[out]) < limit:
                    found[out].setdefault(md5, commit)
            if all(len(values) >= limit for values in found.values()):
                break
    return {out: [(commit, md5) for md5, commit in values.items()] for out, values in found.items()}


def list_outs(text: bytes, outs: Sequence[str]) -> dict[str, str]:
    """Out to its listing hash `….dir` in the `text` of a dvc.lock, of those `outs` that are folders in it."""
    return dict(_outs_in(text, {_path_line(out): out for out in outs}))


def read_recorded_texts(root: Path, path: str) -> Iterator[tuple[str, bytes]]:
    """Commit and text of every recorded version of the file `path` (below `root`), newest first; none without git."""
    # --full-history: without it git leaves out branches whose changes were dropped by a merge.
    log = run_git(root, ["log", "--all", "--full-history", "--date-order", "--format=%H", "--", path])
    if log is None or log.returncode:
        return
    commits = log.stdout.decode("ascii").split()
    for commit, text in zip(commits, _texts(root, (f"{commit}:./{path}" for commit in commits)), strict=False):
        if text is not None:
            yield commit, text


def read_tip_texts(root: Path, endings: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
    """(commit, path, text) of the files with these suffixes at every tip: branches (also remote ones), tags, stash, and
    the commits checked out here or in another worktree. Of the whole git repository, not only below `root`.
    """
    for commit in _tips(root):
        listed = run_git(root, ["ls-tree", "-r", "-z", "--full-tree", commit])
        if listed is None or listed.returncode:
            continue
        blobs: dict[str, str] = {}
        for line in listed.stdout.split(b"\0"):
            about, _, name = line.partition(b"\t")
            path = name.decode(errors="surrogateescape")
            if path.endswith(tuple(endings)) and about.split()[1:2] == [b"blob"]:
                blobs[path] = about.split()[2].decode("ascii")
        for path, text in zip(blobs, _texts(root, blobs.values()), strict=False):
            if text is not None:
                yield commit, path, text


def _tips(root: Path) -> list[str]:
    """Distinct commits."""
    found: dict[str, None] = {}
    refs = run_git(root, ["for-each-ref", "--format=%(objectname) %(*objectname)"])
    for line in refs.stdout.decode("ascii").splitlines() if refs is not None and not refs.returncode else ():
        found[line.split()[-1]] = None  # the second one is what an annotated tag names
    trees = run_git(root, ["worktree", "list", "--porcelain"])
    for line in (
        trees.stdout.decode(errors="replace").splitlines() if trees is not None and not trees.returncode else ()
    ):
        word, _, commit = line.partition(" ")
        if word == "HEAD" and set(commit) != {"0"}:
            found[commit] = None
    return list(found)


def _texts(root: Path, names: Iterable[str]) -> Iterator[bytes | None]:
    """The text of each object; None where there is no such file. Ends early where the object store is damaged."""
    with _cat_file(root) as (questions, answers):
        for name in names:
            try:
                questions.write(f"{name}\n".encode())
                questions.flush()
                header = answers.readline().split()
            except OSError:
                return
            if not header:
                return  # git has ended
            if header[-1] == b"missing" or len(header) != 3:  # noqa: PLR2004  name, type, size; missing e.g. after the commit removed the file
                yield None
                continue
            text = answers.read(int(header[2]) + 1)
            yield text[:-1] if header[1] == b"blob" else None


@contextmanager
def _cat_file(root: Path) -> Generator[tuple[IO[bytes], IO[bytes]]]:
    process = subprocess.Popen(
        ["git", "cat-file", "--batch"],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=make_git_environment(),
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdin, process.stdout
    finally:
        process.kill()  # it only reads
        process.stdout.close()
        with suppress(OSError):
            process.stdin.close()
        process.wait()


def _path_line(out: str) -> bytes:
    """The line of an out in `dvc.lock`, in DVC's layout."""
    return render_mapping({"outs": [{"path": out}]}, 4).splitlines()[1].encode()


def _outs_in(text: bytes, wanted: dict[bytes, str]) -> Iterator[tuple[str, str]]:
    """(out, listing hash) pairs of the `wanted` outs (line to out); scanned line by line, as DVC's layout is fixed and
    parsing YAML would be fifty times slower."""
    section, out = b"", ""
    for line in text.splitlines():
        if line[:4] == b"    " and line[4:5] not in b" -":
            section, out = line.strip(), ""
        elif section == b"outs:" and line.startswith(b"    - "):
            out = wanted.get(line, "")
        elif out and line.startswith(b"      md5: ") and line.endswith(b".dir"):
            yield out, line[11:].decode("ascii", "replace")
