"""What the tests of worker processes share: a project of stages that crash, hang or use too much memory, its
runs, and which processes are left alive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine.outcome import Outcome, Summary
from flows.engine.project import Project
from flows.engine.recipe import RECIPE_SUFFIX
from flows.engine.run import run_stale_items
from tests.engine import kill_scenarios

PATIENCE_S = 120.0
"""How long a test waits for a moment that must come; nothing is asserted about time."""


@dataclass(frozen=True)
class FaultProject:
    """A project whose films say what goes wrong."""

    root: Path
    notes: Path
    checkout: Path

    @classmethod
    def at(cls, folder: Path, checkout: Path, films: dict[str, str]) -> FaultProject:
        """A new one; `films` says video to deed."""
        fault_project = cls(folder / "project", folder / "notes", checkout)
        fault_project.notes.mkdir(parents=True)
        (fault_project.root / "data/raw").mkdir(parents=True)
        (fault_project.root / "params.yaml").write_text(kill_scenarios.PARAMS)
        for video, deed in films.items():
            fault_project.film(video, deed)
        return fault_project

    def film(self, video: str, deed: str) -> None:
        """Put a film there, or another in its place."""
        (self.root / f"data/raw/{video}.mp4").write_text(f"{deed} {video}")

    def edit(self, old: str, new: str) -> None:
        """Change params.yaml."""
        path = self.root / "params.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    # In this process

    def open(self) -> Project:
        """The project as it is now, its items made by worker processes."""
        return Project.open(self.root, kill_scenarios.PIPELINE)

    def run(self, **options: Any) -> tuple[Summary, dict[str, Outcome]]:
        """A run, and its outcomes by `<stage> <video>`."""
        summary = run_stale_items(self.open(), **options)
        return summary, {str(outcome.item): outcome for outcome in summary.outcomes}

    # In a process of its own

    def start(
        self, *options: str, pipeline: str = kill_scenarios.PIPELINE, path: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        """Begin `semflow run --json` in a process group of its own; code is looked for in `path` too."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.engine.kill_scenario_run", "run", "--json", *options],
            cwd=self.root,
            env=os.environ
            | {
                kill_scenarios.FOLDER: str(self.notes),
                "PYTHONPATH": os.pathsep.join([*path, str(self.checkout)]),
                "SEMFLOW_PIPELINE": pipeline,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """Wait for a run that is to end by itself, and read its summary; beside it, only what failed is said."""
        out, err = process.communicate(timeout=PATIENCE_S)
        summary = json.loads(out)
        failed = [o for o in summary["outcomes"] if o["result"] == "failed"]
        assert len(err.splitlines()) == len(failed) and all(o["error"] in err for o in failed), err
        return summary

    def stop_at(self, moment: str) -> None:
        """Let whoever comes to a moment of an item stop there."""
        (self.notes / "here").unlink(missing_ok=True)
        (self.notes / "stop").write_text(moment)

    def wait_for_stop(self, process: subprocess.Popen[str]) -> int:
        """Wait until somebody has come there; the number of the process that did."""
        here = self.notes / "here"
        until = time.monotonic() + PATIENCE_S
        while not here.exists():
            assert time.monotonic() < until and process.poll() is None, "the run must come to the moment"
            time.sleep(0.01)
        return int(here.read_text())

    # What is left

    def calls(self) -> list[str]:
        """`<stage> <video>` of every call so far."""
        path = self.notes / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def recipes(self) -> set[str]:
        """`<stage> <video>` of every recipe."""
        folder = self.root / "data/recipes"
        return {
            f"{path.parent.name} {path.name.removesuffix(RECIPE_SUFFIX)}" for path in folder.glob(f"*/*{RECIPE_SUFFIX}")
        }

    def data(self) -> dict[str, bytes]:
        """Path to bytes of everything below data/, hidden files too."""
        data = self.root / "data"
        return {p.relative_to(data).as_posix(): p.read_bytes() for p in sorted(data.rglob("*")) if p.is_file()}

    def redone(self, before: Counter[str]) -> Counter[str]:
        """What was called since `before` a second time or oftener."""
        return Counter({call: n - 1 for call, n in Counter(self.calls()).items() if n > 1 and n > before[call]})

    def alive(self) -> list[int]:
        """Processes that belong to this project, other than this one: they carry the folder of notes with them."""
        mark = f"{kill_scenarios.FOLDER}={self.notes}".encode()
        found: list[int] = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    running = b"\nState:\tZ" not in (folder / "status").read_bytes()
                    if running and mark in (folder / "environ").read_bytes().split(b"\0"):
                        found.append(int(folder.name))
                except OSError:
                    continue  # it has gone
        return found

    def wait_for_silence(self) -> None:
        """Wait until no process of the project is left."""
        until = time.monotonic() + PATIENCE_S / 4
        while left := self.alive():
            assert time.monotonic() < until, f"no process may be left, got {left}"
            time.sleep(0.02)

    def end(self) -> None:
        """Kill whatever a failed test left."""
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)
