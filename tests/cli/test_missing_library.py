"""Where OpenCV's package does not load for want of libGL.so.1: what needs no OpenCV works, the rest says what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.decode.odd_files import make

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]
LOADING_FAILS = 'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one film, and beside it an OpenCV that does not load."""
    folder = tmp_path_factory.mktemp("no_libgl")
    (folder / "opencv/cv2").mkdir(parents=True)
    (folder / "opencv/cv2/__init__.py").write_text(LOADING_FAILS)
    (folder / "films").mkdir()
    assert call(folder / "films", "init").returncode == 0
    make("plain.mp4", folder / "films/data/raw")
    return folder / "films"


def call(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(project.parent / "opencv"), str(CHECKOUT)])
    return subprocess.run(
        [sys.executable, "-m", "flows.cli.main", *words],
        cwd=project,
        env=os.environ | {"PYTHONPATH": path, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [["plan"], ["check"], ["status"], ["why", "plain"], ["describe", "tracks"]])
def test_commands_that_compute_nothing_need_no_opencv(words: list[str], project: Path) -> None:
    answer = call(project, *words)
    assert "libGL" not in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.returncode == 0


def test_the_doctor_names_the_library_and_the_package_without_it(project: Path) -> None:
    answer = call(project, "doctor", "--json")
    (line,) = [check for check in json.loads(answer.stdout)["checks"] if check["name"] == "opencv"]
    assert not line["ok"]
    assert "libGL.so.1" in line["words"]
    assert "opencv-contrib" in line["words"]
    assert answer.returncode != 0


def test_a_stage_says_what_does_not_load_and_who_knows_what_to_install(project: Path) -> None:
    answer = call(project, "stage", "decode", "--json")
    said = answer.stdout + answer.stderr
    assert "must load, got libGL.so.1: cannot open shared object file" in said
    assert "`semflow doctor` says what to install" in said
    assert "Traceback" not in said
    assert answer.returncode != 0
