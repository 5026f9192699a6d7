"""A project of toy stages in a fresh folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine.project import Project
from tests.engine import toys


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
