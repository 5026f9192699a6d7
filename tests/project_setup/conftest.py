"""A project that `semflow init` made."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.project_setup.init_command import make_project


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project in a new folder."""
    root = tmp_path_factory.mktemp("made") / "films"
    make_project(root)
    return root
