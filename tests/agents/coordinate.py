"""`python -m tests.agents.coordinate CLONE...`: run the project in the current folder on agents in these clones."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

from flows.agents.cut_batches import BatchSizes
from flows.agents.launcher import ProcessLauncher
from flows.agents.run_on_agents import run_on_agents
from flows.agents.run_settings import AgentRunSettings
from flows.engine.project import Project
from tests.engine.entry_points import python_path

BEAT_S, LEASE_S = 0.2, 2.0


def main(clones: list[str]) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    homes = {Path(clone): str(Path(clone).parent / "calls") for clone in clones}
    launcher = CloneLauncher([*homes], "remote", ["--beat", str(BEAT_S), "--lease", str(LEASE_S)])
    project = Project.open(Path.cwd())
    settings = AgentRunSettings(BatchSizes(min_s=0.0, per_agent=2), poll_s=0.1, lease_s=LEASE_S)
    summary, moved = run_on_agents(project, launcher, "remote", settings=settings)
    project.close()
    print(json.dumps({**summary.to_dict(), "moved": asdict(moved), "pids": list(launcher.pids)}))


class CloneLauncher(ProcessLauncher):
    """Starts each agent with the code and the record of calls of its own clone."""

    @property
    def pids(self) -> list[int]:
        return [process.pid for _, process in self._running.values()]

    def make_environment(self, clone: Path) -> dict[str, str]:
        path = os.pathsep.join([*python_path(clone), os.environ["PYTHONPATH"].split(os.pathsep)[-1]])
        weights = str(clone.parent / "weights")
        return {
            **os.environ,
            "PYTHONPATH": path,
            "TOY_CALLS": str(clone.parent / "calls"),
            "SEMFLOW_CACHE": weights,
            "TOY_AGENT": "1",
        }


if __name__ == "__main__":
    main(sys.argv[1:])
