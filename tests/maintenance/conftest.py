"""A project of toy stages in a real git and DVC repository, whose remote is a folder, and its command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.engine.dvc_store.dvc_lock import DirHash, read_lock
from flows.engine.dvc_store.dvc_pointer import read_pointer
from flows.engine.dvc_store.object_store import ObjectStore
from flows.engine.dvc_yaml import render_dvc_yaml
from flows.engine.project import Project
from flows.engine.run import Summary, run_stale_items
from tests.conftest import CHECKOUT
from tests.engine import toys
from tests.engine.dvc_store.conftest import dvc, git, quiet_dvc  # noqa: F401 - a fixture

IGNORED = ("raw", "words", "counts", "echoes", "pages", "recipes", "letters")
CONFIG = (
    "[core]\n    analytics = false\n    check_update = false\n    remote = team\n['remote \"team\"']\n    url = {}\n"
)


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


@dataclass
class Repository:
    """A project and what a user would do in it."""

    root: Path
    team: Path
    """The remote's folder."""
    capsys: pytest.CaptureFixture[str] | None = None
    stages: Sequence[Any] = toys.TOYS

    def open(self) -> Project:
        return Project.open(self.root, self.stages)

    def run(self, **options: Any) -> Summary:
        toys.CALLS.clear()
        project = self.open()
        try:
            return run_stale_items(project, **options)
        finally:
            project.close()

    def semflow(self, *words: str, code: int = 0) -> Any:
        """The answer of a command as JSON; fails where the exit code is another."""
        assert self.capsys is not None
        self.capsys.readouterr()
        found = main.main([*words, "--json"])
        said = self.capsys.readouterr()
        assert found == code, f"{words}: {found}\n{said.out}\n{said.err}"
        return json.loads(said.out)

    def says(self, *words: str, code: int = 0) -> str:
        """What a command prints."""
        assert self.capsys is not None
        self.capsys.readouterr()
        found = main.main([*words])
        said = self.capsys.readouterr()
        assert found == code, f"{words}: {found}\n{said.out}\n{said.err}"
        return said.out + said.err

    def commit(self, message: str) -> None:
        git(self.root, "add", "-A")
        git(self.root, "commit", "-qm", message)

    def push(self) -> None:
        dvc(self.root, "push", "-q")

    def status(self) -> str:
        return dvc(self.root, "status").strip()

    def edit(self, old: str, new: str) -> None:
        params = self.root / "params.yaml"
        assert old in params.read_text()
        params.write_text(params.read_text().replace(old, new))

    @property
    def cache(self) -> ObjectStore:
        store = ObjectStore.open(self.root)
        assert store is not None
        return store

    @property
    def remote(self) -> ObjectStore:
        return ObjectStore(self.team / "files/md5")

    def recorded(self) -> dict[str, dict[str, str]]:
        """Out folder to what dvc.lock says of it, data/raw of its pointer: relative path to MD5."""
        outs = {path: held for record in read_lock(self.root).values() for path, held in record.outs.items()}
        raw = read_pointer(self.root, "data/raw")
        if raw is not None:
            outs["data/raw"] = raw
        return {
            path: self.cache.read_listing(held.md5) or {} for path, held in outs.items() if isinstance(held, DirHash)
        }

    def lose_cache(self) -> None:
        """What a fresh clone has: no objects."""
        import shutil

        shutil.rmtree(self.cache.folder)


def make_repository(root: Path, team: Path, capsys: pytest.CaptureFixture[str] | None = None) -> Repository:
    """Two videos (`one`: banana, `two`: cat), nothing made yet."""
    (root / "data/raw").mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(toys.PARAMS)
    for name, text in (("one", "banana"), ("two", "cat")):
        (root / f"data/raw/{name}.mp4").write_text(text)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text(CONFIG.format(team))
    (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (root / ".gitignore").write_text("/.semflow/\n/reports/\n" + "".join(f"/data/{name}/\n" for name in IGNORED))
    (root / ".dvcignore").write_bytes((CHECKOUT / ".dvcignore").read_bytes())
    git(root, "init", "-q", "-b", "main")
    made = Repository(root, team, capsys)
    (root / "dvc.yaml").write_text(render_dvc_yaml(made.open()))
    return made


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[[Repository], None]:
    """Let commands find a repository, and see the toy stages."""
    whole: Callable[..., Project] = Project.open

    def entered(repository: Repository) -> None:
        def opened(root: Path, stages: Any = None, **options: Any) -> Project:
            return whole(root, stages or repository.stages, **options)

        monkeypatch.chdir(repository.root)
        monkeypatch.setattr(Project, "open", opened)

    return entered


@pytest.fixture
def repository(
    quiet_dvc: None,  # noqa: F811
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    enter: Callable[[Repository], None],
) -> Repository:
    """Two videos, nothing made yet; commands of semflow see the toy stages."""
    made = make_repository(tmp_path / "project", tmp_path_factory.mktemp("team"), capsys)
    toys.CALLS.clear()
    enter(made)
    return made
