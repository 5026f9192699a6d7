"""Projects of toy stages in a fresh folder."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from flows.engine import run_items
from flows.engine.project import Project
from tests.engine import kill_scenarios, toys
from tests.engine.fault_injection import FaultProject


@pytest.fixture
def project_root(tmp_path: Path) -> Path:
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(toys.PARAMS)
    (tmp_path / "dvc.yaml").write_text("")
    for name, text in (("one", "banana"), ("two", "cat")):
        (tmp_path / f"data/raw/{name}.mp4").write_text(text)
    toys.CALLS.clear()
    return tmp_path


@pytest.fixture
def reopen(project_root: Path) -> Callable[[], Project]:
    """Open the project as it is on disk now."""
    return lambda: Project.open(project_root, toys.TOYS)


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three clips that are not in the project."""
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a.mp4", "b.mp4", "c.mov"):
        (folder / name).write_text(f"bytes of {name}")
    return folder


@pytest.fixture
def fault_project(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Callable[..., FaultProject]]:
    """Make a project of films that go wrong (video=deed); what they left running is ended after the test."""
    made: list[FaultProject] = []

    def make(**films: str) -> FaultProject:
        made.append(FaultProject.at(tmp_path / f"fault_project{len(made)}", checkout, films))
        monkeypatch.setenv(kill_scenarios.FOLDER, str(made[-1].notes))
        return made[-1]

    monkeypatch.setattr(run_items, "RETRY_DELAYS_S", (0.0, 0.0))
    yield make
    for each in made:
        each.end()
