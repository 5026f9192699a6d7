"""What earlier commits recorded: the listings that an out had in `dvc.lock`, over all branches and tags.

A clone so finds results that colleagues recorded, also those that a merge dropped.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from flows.engine.dvc_store.git import git_environment, run_git
from flows.engine.dvc_store.lock import LOCK
from flows.engine.dvc_store.yaml_text import render_mapping


def recorded_listings(root: Path, out: str, limit: int) -> list[tuple[str, str]]:
    """Commit and listing hash (`….dir`) of the distinct values that `out` had, newest first; [] without git."""
    return find_listings(root, [out], limit)[out]


def find_listings(root: Path, outs: Sequence[str], limit: int) -> dict[str, list[tuple[str, str]]]:
    """The same for several outs in one pass; at most `limit` values each, so the pass ends when all have that many."""
    found: dict[str, dict[str, str]] = {out: {} for out in outs}
    wanted = {_path_line(out): out for out in outs}
    if limit > 0 and outs:
        for commit, text in _locks(root):
            for out, md5 in _outs_in(text, wanted):
                if len(found[out]) < limit:
                    found[out].setdefault(md5, commit)
            if all(len(values) >= limit for values in found.values()):
                break
    return {out: [(commit, md5) for md5, commit in values.items()] for out, values in found.items()}


def _locks(root: Path) -> Iterator[tuple[str, bytes]]:
    """Commit and text of every recorded `dvc.lock`, newest first."""
    # --full-history: without it git leaves out a branch whose changes a merge did not take.
    log = run_git(root, ["log", "--all", "--full-history", "--date-order", "--format=%H", "--", LOCK])
    if log is None or log.returncode:
        return
    commits = log.stdout.decode("ascii").split()
    with _cat_file(root) as (questions, answers):
        for commit in commits:
            try:
                questions.write(f"{commit}:./{LOCK}\n".encode())
                questions.flush()
                header = answers.readline().split()
            except OSError:
                return
            if len(header) != 3:  # "… missing": the commit removed the file
                if not header:
                    return  # git has ended: the object store is damaged
                continue
            text = answers.read(int(header[2]) + 1)
            if header[1] == b"blob":
                yield commit, text


@contextmanager
def _cat_file(root: Path) -> Generator[tuple[IO[bytes], IO[bytes]]]:
    process = subprocess.Popen(
        ["git", "cat-file", "--batch"],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=git_environment(),
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
    """How DVC writes the line of an out in `dvc.lock`."""
    return render_mapping({"outs": [{"path": out}]}, 4).splitlines()[1].encode()


def _outs_in(text: bytes, wanted: dict[bytes, str]) -> Iterator[tuple[str, str]]:
    """Out to its listing, read line by line: DVC's layout is fixed, and parsing YAML would cost fifty times as much."""
    section, out = b"", ""
    for line in text.splitlines():
        if line[:4] == b"    " and line[4:5] not in b" -":
            section, out = line.strip(), ""
        elif section == b"outs:" and line.startswith(b"    - "):
            out = wanted.get(line, "")
        elif out and line.startswith(b"      md5: ") and line.endswith(b".dir"):
            yield out, line[11:].decode("ascii", "replace")
