"""A killed run leaves no partial artifact, and the next one recomputes only unfinished items."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from flows.engine.project import Project
from flows.engine.run import run_stale_items
from tests.engine import toys

SLOW_RUN = """
import sys, time
from pathlib import Path
from flows.engine.run import run_stale_items
from flows.engine.project import Project
from tests.engine import toys

def write_slowly(self, path):
    with path.open("w") as file:
        file.write("half of ")
        file.flush()
        time.sleep(600)

toys.Echoes.save = write_slowly
run_stale_items(Project.open(Path(sys.argv[1]), toys.TOYS))
"""


def test_a_killed_run_leaves_no_partial_file_and_only_the_current_item_is_recomputed(
    project_root: Path, reopen: Callable[[], Project], checkout: Path
) -> None:
    (project_root / "data/raw/two.mp4").unlink()
    process = subprocess.Popen([sys.executable, "-c", SLOW_RUN, str(project_root)], cwd=checkout)
    half = project_root / "data/echoes/.partial"
    waited = time.monotonic() + 60
    while not (list(half.glob("*")) and (project_root / "data/recipes/count/one.recipe.json").exists()):
        assert time.monotonic() < waited and process.poll() is None, "the run must come as far as the slow write"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (project_root / "data/echoes/one.txt").exists()

    toys.CALLS.clear()
    summary = run_stale_items(reopen())
    assert summary.is_good
    assert toys.CALLS == ["repeat", "join"]
    assert not list(project_root.rglob(".partial"))


def test_the_error_of_a_second_run_names_the_process_of_the_first(project_root: Path, checkout: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SLOW_RUN, str(project_root)], cwd=checkout)
    try:
        waited = time.monotonic() + 60
        while not list((project_root / "data/echoes/.partial").glob("*")):
            assert time.monotonic() < waited and process.poll() is None
            time.sleep(0.05)
        second = subprocess.run(
            [sys.executable, "-c", SLOW_RUN, str(project_root)],
            cwd=checkout,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert second.returncode != 0
        assert f"another one under way (process {process.pid})" in second.stderr
    finally:
        process.kill()
        process.wait()
