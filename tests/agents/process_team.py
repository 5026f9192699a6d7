"""A project of toy stages and two agents, all processes of their own, without a Prefect server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents.prefect_site import find_processes, make_agent_clone
from tests.engine.entry_points import Toy, environment, prefork_server, start_project

FILMS = {f"film{n}.mp4": "banana split " * (n + 1) for n in range(5)}
ITEMS = len(FILMS) + 3
"""Films, those of a new project among them."""
PATIENCE_S = 240.0


@dataclass
class ProcessTeam:
    """The coordinator's project, and the clones of its agents."""

    toy: Toy
    agents: list[Toy]

    def start(self) -> subprocess.Popen[str]:
        """Start a run."""
        clones = [str(agent.root) for agent in self.agents]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.agents.coordinate", *clones],
            cwd=self.toy.root,
            env=environment(self.toy.root, self.toy.common),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """The summary of a run that must end well, without a traceback of any process."""
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        assert "Traceback" not in err, err
        return json.loads(out) | {"said": err}

    def calls(self) -> Counter[str]:
        """`read <video>` to how often it was computed, by any agent."""
        lines: list[str] = []
        for toy in (self.toy, *self.agents):
            path = toy.home / "calls"
            lines += path.read_text().splitlines() if path.exists() else []
        return Counter(line for line in lines if line.startswith("read"))

    def make_stale(self, number: int) -> None:
        """Let everything be computed again: another value of a parameter that changes no bytes."""
        path = self.toy.root / "params.yaml"
        path.write_text(re.sub(r"spare: \d+", f"spare: {number}", path.read_text()))

    def agent_pids(self) -> list[int]:
        return find_processes("flows.agents.agent", [agent.root for agent in self.agents])


@contextmanager
def open_process_team(
    folder: Path, url: str, options: Mapping[str, str] | None = None, homes: Mapping[int, Path] | None = None
) -> Generator[ProcessTeam]:
    """A team whose DVC remote is `url` with `options`, with FILMS to process; `homes`: agents that live elsewhere than
    in `folder`."""
    with prefork_server(folder) as served:
        toy = start_project(folder / "head", folder, served)
        toy.dvc("remote", "add", "-d", "team", url)
        for name, value in (options or {}).items():
            toy.dvc("remote", "modify", "team", name, value)
        toy.git("add", ".")
        toy.git("commit", "-qm", "Remote")
        places = [(homes or {}).get(n, folder / f"agent{n}") for n in range(2)]
        team = ProcessTeam(toy, [make_agent_clone(toy, place) for place in places])
        for relative, text in FILMS.items():
            toy.write(f"data/raw/{relative}", text)
        yield team
        for pid in team.agent_pids():
            os.kill(pid, signal.SIGKILL)
