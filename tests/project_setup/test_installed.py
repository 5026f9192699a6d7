"""The built wheel, without the clone: a project anywhere, both doors, and code that changes where it is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.sample_videos import fetch_samples
from tests.project_setup.conftest import Installed

CLEAN = "Data and pipelines are up to date."
STAGES = ["decode", "detect"]
"""Cheap ones, of which the second reads what the first does not keep."""


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
