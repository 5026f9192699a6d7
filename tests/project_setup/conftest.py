"""A project that `semflow init` made, and the built wheel without the clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from flows.project_setup.init_command import make_project


class Installed:
    """Commands that use the unpacked wheel alone, in any folder."""

    def __init__(self, packages: Path, home: Path) -> None:
        self.packages = packages
        self.environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(packages),
            "PREFECT_HOME": str(home / "prefect"),
        }

    def run(self, folder: Path, *command: str, code: int | None = 0) -> str:
        done = subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False)
        assert code is None or done.returncode == code, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def semflow(self, folder: Path, *words: str, code: int | None = 0) -> Any:
        return json.loads(self.run(folder, sys.executable, "-m", "semflow", *words, "--json", code=code))

    def examine(self, folder: Path) -> dict[str, Any]:
        """The checks of the doctor by name, without that of Prefect's server, which a busy machine starts too late."""
        checks = {check["name"]: check for check in self.semflow(folder, "doctor", code=None)["checks"]}
        del checks["prefect"]
        return checks


def build_wheel(checkout: Path, out: Path) -> Path:
    """The wheel of the checkout; setuptools leaves its build folder in the copy that it is made from."""
    copy = out / "source"
    listed = ["git", "-C", str(checkout), "ls-files", "-co", "--exclude-standard", "--"]
    kept = ["flows", "tasks", "semflow", "pyproject.toml", "README.md", "LICENSE"]
    names = subprocess.run([*listed, *kept], capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (checkout / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((checkout / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run([*command, str(copy)], check=True, capture_output=True)
    return next(out.glob("semflow-*.whl"))


@pytest.fixture(scope="session")
def installed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, unpacked to a folder named as those of installed packages."""
    folder = tmp_path_factory.mktemp("installed")
    packages = folder / "site-packages"
    with zipfile.ZipFile(build_wheel(checkout, folder)) as wheel:
        wheel.extractall(packages)
    return Installed(packages, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project in a new folder."""
    root = tmp_path_factory.mktemp("made") / "films"
    make_project(root)
    return root
