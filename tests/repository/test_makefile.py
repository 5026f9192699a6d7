"""The Makefile says what is wrong with a clone that was moved."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def run_check(checkout: Path, folder: Path, script: str | None) -> subprocess.CompletedProcess[str]:
    """`make check-place` in a folder whose environment has this script."""
    folder.mkdir()
    shutil.copy(checkout / "Makefile", folder)
    if script is not None:
        (folder / ".venv/bin").mkdir(parents=True)
        (folder / ".venv/bin/semflow").write_text(script)
    return subprocess.run(["make", "check-place"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("form", ["#!{0}/.venv/bin/python\n", "#!/bin/sh\n'''exec' \"{0}/.venv/bin/python\" \"$0\"\n"])
@pytest.mark.parametrize("former", ["/home/me/former", "{0}-former", "/mnt{0}"])
def test_a_clone_that_was_moved_is_told_what_to_do(form: str, former: str, checkout: Path, tmp_path: Path) -> None:
    """Elsewhere, in a folder whose name goes on, and one whose path ends in this one's."""
    done = run_check(checkout, tmp_path / "moved", form.format(former.format(tmp_path / "moved")))
    assert done.returncode != 0
    assert "this clone was moved" in done.stdout
    assert "make clean install" in done.stdout


@pytest.mark.parametrize("form", ["#!{0}/.venv/bin/python\n", "#!/bin/sh\n'''exec' \"{0}/.venv/bin/python\" \"$0\"\n"])
def test_a_clone_in_its_place_goes_on(form: str, checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in place"
    assert run_check(checkout, folder, form.format(folder)).returncode == 0


def test_a_fresh_clone_goes_on(checkout: Path, tmp_path: Path) -> None:
    assert run_check(checkout, tmp_path / "fresh", None).returncode == 0


def test_the_installation_sets_up_the_merge_driver(checkout: Path) -> None:
    plan = ["make", "--dry-run", "--always-make", "PYTHON=python3", ".venv/installed"]
    done = subprocess.run(plan, cwd=checkout, capture_output=True, text=True, check=True)
    assert "semflow merge --install" in done.stdout
