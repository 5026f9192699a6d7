"""The built wheel, without the clone: a project anywhere, both doors, and code that changes where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from flows.cli.sample_videos import fetch_samples

CLEAN = "Data and pipelines are up to date."
STAGES = ["decode", "detect"]
"""Cheap ones, of which the second reads what the first does not keep."""


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


@pytest.fixture(scope="module")
def installed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, unpacked to a folder named as those of installed packages."""
    folder = tmp_path_factory.mktemp("installed")
    packages = folder / "site-packages"
    with zipfile.ZipFile(build_wheel(checkout, folder)) as wheel:
        wheel.extractall(packages)
    return Installed(packages, folder)


@pytest.fixture(scope="module")
def films(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made by the installed command, with half a second of one clip, decoded and detected by `dvc repro`."""
    folder = tmp_path_factory.mktemp("anywhere")
    fetch_samples(folder / "clips", 0.5)
    assert installed.semflow(folder, "init", "films")["root"] == str(folder / "films")
    clip = folder / "clips/data/raw/bikes.mp4"
    clip.rename(folder / "films/data/raw/bikes.mp4")
    installed.run(folder / "films", "dvc", "repro", *STAGES)
    return folder / "films"


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages(installed: Installed, checkout: Path) -> None:
    listed = ["git", "-C", str(checkout), "ls-files", "-co", "--exclude-standard", "--", "flows", "tasks", "semflow"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    missing = [name for name in names if (checkout / name).is_file() and not (installed.packages / name).is_file()]
    assert missing == []


@pytest.mark.slow
def test_both_doors_work_without_the_clone_and_leave_dvc_clean(installed: Installed, films: Path) -> None:
    assert installed.run(films, "dvc", "status", *STAGES).strip() == CLEAN
    states = {item["stage"]: item["state"] for item in installed.semflow(films, "plan")["items"]}
    assert (states["decode"], states["detect"]) == ("fresh", "fresh")
    script = (
        "from pathlib import Path\n"
        "from flows.engine.project import Project\n"
        "from flows.engine.run import run_stale_items\n"
        f"done = run_stale_items(Project.open(Path.cwd()), stages={STAGES})\n"
        "print({outcome.result for outcome in done.outcomes}, sorted(done.unrecorded)[:1])"
    )
    assert installed.run(films, sys.executable, "-c", script).strip().startswith("{'reused'}")
    assert installed.run(films, "dvc", "status", *STAGES).strip() == CLEAN
    assert (films / "data/detections/bikes.parquet").is_file()
    assert str(installed.packages) not in (films / "dvc.yaml").read_text() + (films / "dvc.lock").read_text()


@pytest.mark.slow
def test_the_doctor_and_the_suites_need_no_clone(installed: Installed, films: Path) -> None:
    checks = installed.examine(films)
    assert all(check["ok"] for check in checks.values()), checks
    assert str(installed.packages) in checks["code"]["words"]
    assert "make" not in " ".join(check["words"] for check in checks.values())
    assert "--data" in installed.run(films, sys.executable, "-m", "semflow", "eval", "coco", "--help")


@pytest.mark.slow
def test_code_that_changes_where_it_is_installed_makes_its_stage_stale_at_both_doors(
    installed: Installed, films: Path
) -> None:
    code = installed.packages / "tasks/detect/box_decoding.py"
    before = code.read_text()
    code.write_text(before + "\nADDED = 1\n")
    try:
        states = {item["stage"]: item for item in installed.semflow(films, "plan")["items"]}
        assert (states["decode"]["state"], states["detect"]["state"]) == ("fresh", "stale")
        assert "box_decoding" in states["detect"]["why"]
        checks = installed.examine(films)
        assert "fingerprints/detect.json must be of the code that runs" in checks["dvc"]["words"]
        installed.semflow(films, "dvc")
        assert "modified:           fingerprints/detect.json" in installed.run(films, "dvc", "status", *STAGES)
        assert "Running stage 'detect'" in installed.run(films, "dvc", "repro", *STAGES)
        assert installed.run(films, "dvc", "status", *STAGES).strip() == CLEAN
    finally:
        code.write_text(before)
