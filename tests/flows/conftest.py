"""A clone of the checkout, with two short real clips, and the commands a user would type in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.testing.utilities import prefect_test_harness

from flows.cli.sample_videos import fetch_samples

SECONDS = 1.0


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server with an empty database, one for all tests of a session; Prefect's settings name it."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


class Clone:
    """A copy of the checkout with its own git, DVC and data, and the commands a user would type in it."""

    def __init__(self, root: Path, prefect_home: Path) -> None:
        self.root = root
        self.environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(root),
            "PREFECT_HOME": str(prefect_home),
        }

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def semflow(self, *arguments: str, check: bool = True) -> dict[str, Any]:
        return json.loads(self.run("semflow", *arguments, "--json", check=check).stdout)

    def results(self, *arguments: str) -> dict[str, str]:
        return {f"{o['stage']} {o['video']}": o["result"] for o in self.semflow("run", *arguments)["outcomes"]}

    def edit_params(self, old: str, new: str) -> None:
        path = self.root / "params.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def data(self) -> dict[str, bytes]:
        files = [p for folder in ("data", "reports") for p in sorted((self.root / folder).rglob("*")) if p.is_file()]
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in files if p.name != ".gitignore"}


def is_of_data_set(name: str) -> bool:
    """Whether a file records the data set that somebody processes in the checkout."""
    return name in ("dvc.lock", "videos.yaml") or name.endswith(".dvc")


@pytest.fixture(scope="session")
def make_clone(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Copy the working tree without its data set, as a new user has it, with the beginning of clips in data/raw: by
    default a second of two clips."""
    home = tmp_path_factory.mktemp("prefect")
    cut: dict[float, Path] = {}

    def clone(names: tuple[str, ...] = ("bikes", "walk"), seconds: float = SECONDS) -> Clone:
        if seconds not in cut:
            cut[seconds] = tmp_path_factory.mktemp("clips")
            fetch_samples(cut[seconds], seconds)
        root = tmp_path_factory.mktemp("clone")
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=checkout, check=True, capture_output=True, text=True
        ).stdout.splitlines()
        for name in listed:
            if (checkout / name).is_file() and not is_of_data_set(name):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(checkout / name, root / name)
        for package in ("flows", "semflow", "tasks"):  # compiled before, with the times of the files, that is: once
            for folder in (checkout / package).rglob("__pycache__"):
                shutil.copytree(folder, root / folder.relative_to(checkout))
        (root / "dvc.lock").unlink(missing_ok=True)
        (root / "data/raw").mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(cut[seconds] / f"data/raw/{name}.mp4", root / "data/raw")
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        return Clone(root, home)

    return clone
