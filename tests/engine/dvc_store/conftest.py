"""A small repository whose version DVC itself has recorded: what semflow writes must equal it byte for byte."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from flows.engine.dvc_store.dvc_lock import DirHash, FileHash, StageRecord, read_lock_params
from flows.engine.dvc_store.object_store import hash_listing
from tasks.content_hash import md5_file
from tests.conftest import CHECKOUT

CONFIG = "[core]\n    analytics = false\n    check_update = false\n[cache]\n    type = copy\n"
PARAMS = """\
read:
  text: plain
  words: two words
  yes: on          # YAML 1.1 would read both as true
  time: 12:30
  octal: 010
  tiny: 1e-5
  number: 0.10
  big: 1_000
  none: null
  flag: true
  empty: ''
  list: [1, null, [2, [3]], {k: 1, m: []}]
  nested: {a: {b: {}}, quote: "it's: #1", umlaut: "für", hash: '0123'}
  long: a sentence of many words that goes on for so long that whoever writes YAML must fold it
  infinite: .inf
count:
  letter: a
other: 1
"""
STAGES = {
    "read": (["data/raw", "code/tool.sh", "code/plain.py"], ["read"], ["data/words", "data/nothing"]),
    "count": (["data/words", "data/two words"], ["count.letter", "other"], ["data/counts"]),
}
FILES = {
    "data/raw/a.mp4": "a",
    "data/raw/b c.mp4": "bc",
    "data/raw/deep/é.mp4": "é",
    "code/tool.sh": "#!/bin/sh\n",
    "code/plain.py": "x = 1\n",
    "data/two words/one.txt": "1",
    "data/words/b.txt": "b",
    "data/words/B.txt": "B",
    "data/words/a b.txt": "blank",
    "data/words/a/b.txt": "nested",
    "data/words/a.txt": "dot before slash",
    "data/words/a/c/日本.txt": "日本",
    "data/words/same.txt": "b",
    "data/words/void.txt": "",
    "data/counts/a.txt": "1",
    "data/raw/.DS_Store": "hidden",
    "data/words/.DS_Store": "hidden",
    "data/words/a/.x.recipe.json.12.34": "hidden",
    "data/words/.partial/1-2-x.txt": "hidden",
    "data/words/.folder/deep/x.txt": "hidden",
}


@dataclass(frozen=True)
class Recorded:
    """A repository and what DVC wrote in it, before and after one file changed."""

    root: Path
    first: str
    """`dvc.lock` of the first commit."""
    second: str


@pytest.fixture(scope="module")
def quiet_dvc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """DVC and git without what the user of this machine has configured; undone after the module's tests."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        for name in ("SITE_CACHE_DIR", "GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR"):
            environment.setenv(f"DVC_{name}", str(home / name.split("_")[0].lower()))
        for role in ("AUTHOR", "COMMITTER"):
            environment.setenv(f"GIT_{role}_NAME", "t")
            environment.setenv(f"GIT_{role}_EMAIL", "t@t")
        yield


@pytest.fixture(scope="module")
def _recorded(quiet_dvc: None, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    root = tmp_path_factory.mktemp("recorded")
    make_repository(root)
    dvc(root, "add", "-q", "data/raw")
    dvc(root, "commit", "-q", "-f")
    first = (root / "dvc.lock").read_text()
    (root / "data/words/b.txt").write_text("changed")
    dvc(root, "commit", "-q", "-f")
    return Recorded(root, first, (root / "dvc.lock").read_text())


@pytest.fixture
def recorded(_recorded: Recorded, tmp_path: Path) -> Recorded:
    """A copy of its own, as it was after the second commit."""
    root = tmp_path / "repository"
    shutil.copytree(_recorded.root, root, symlinks=True)
    return Recorded(root, _recorded.first, _recorded.second)


@pytest.fixture
def bare(quiet_dvc: None, tmp_path: Path) -> Path:
    """The same files in a repository where nothing is recorded yet."""
    root = tmp_path / "bare"
    make_repository(root)
    return root


def make_repository(root: Path) -> None:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "data/nothing").mkdir()
    (root / "code/tool.sh").chmod(0o755)
    (root / "params.yaml").write_text(PARAMS)
    stages = {
        name: {"cmd": f"echo {name}", "deps": deps, "params": params, "outs": [{o: {"persist": True}} for o in outs]}
        for name, (deps, params, outs) in STAGES.items()
    }
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    shutil.copyfile(CHECKOUT / ".dvcignore", root / ".dvcignore")
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text(CONFIG)
    (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    git(root, "init", "-q", "-b", "main")


def dvc(root: Path, *command: str) -> str:
    """What the `dvc` command said; fails where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *command], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"dvc {' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def git(root: Path, *command: str) -> str:
    return subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True).stdout


def listing(root: Path, folder: str) -> dict[str, str]:
    """Relative path to MD5 of the files that are no hidden ones."""
    paths = (p for p in (root / folder).rglob("*") if p.is_file())
    names = {p.relative_to(root / folder).as_posix(): p for p in paths}
    return {n: md5_file(p) for n, p in names.items() if not any(part.startswith(".") for part in n.split("/"))}


def dir_hash(root: Path, folder: str) -> DirHash:
    entries = listing(root, folder)
    return DirHash(hash_listing(entries), sum((root / folder / n).stat().st_size for n in entries), len(entries))


def records(root: Path) -> list[StageRecord]:
    """What semflow would record of the files as they are."""

    def of(path: str) -> FileHash | DirHash:
        file = root / path
        return dir_hash(root, path) if file.is_dir() else FileHash.from_file(file, md5_file(file))

    return [
        StageRecord(
            name, f"echo {name}", {d: of(d) for d in deps}, read_lock_params(root, params), {o: of(o) for o in outs}
        )
        for name, (deps, params, outs) in STAGES.items()
    ]
