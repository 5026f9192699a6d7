"""A coordinator's project of toy stages, and clones of agents, which exchange data through a folder or a cache."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.agents.batch import Batch
from flows.agents.compute_batch import AgentSettings, compute_batch
from flows.agents.cut_batches import BatchSizes
from flows.agents.exchange import Share
from flows.agents.launcher import BatchRun
from flows.agents.run_on_agents import BytesMoved, run_on_agents
from flows.agents.run_settings import AgentRunSettings
from flows.engine.dvc_yaml import render_dvc_yaml
from flows.engine.outcome import Summary
from flows.engine.project import Project
from tasks.errors import SemflowError
from tests.engine import toys

BEAT_S, LEASE_S = 0.1, 20.0  # a busy machine must not look like a dead one
QUICK = AgentRunSettings(BatchSizes(min_s=0.0, per_agent=2), poll_s=0.05, lease_s=LEASE_S)


@dataclass
class ThreadLauncher:
    """A Launcher whose agents are threads of this process, each with a clone of its own; one batch at a time each."""

    clones: Sequence[Path]
    settings: AgentSettings
    launched: list[Batch] = field(default_factory=list[Batch])
    before: Callable[[Path, Batch], None] = lambda clone, batch: None
    """Called in the agent's thread before it computes a batch; may raise, as an agent that dies."""
    failures: list[str] = field(default_factory=list[str])
    _free: list[int] = field(default_factory=list[int])
    _lock: threading.Condition = field(default_factory=threading.Condition)
    _runs: dict[str, BatchRun] = field(default_factory=dict[str, BatchRun])

    def __post_init__(self) -> None:
        self._free = list(range(len(self.clones)))

    def count_agents(self) -> Mapping[str, int]:
        return {"cpu": len(self.clones)}

    def launch_batch(self, batch: Batch) -> str:
        self.launched.append(batch)
        run = f"run-{len(self.launched)}"
        self._runs[run] = BatchRun("waiting")
        threading.Thread(target=self._work, args=(run, batch), daemon=True).start()
        return run

    def read_runs(self, runs: Iterable[str]) -> Mapping[str, BatchRun]:
        return {run: self._runs[run] for run in runs}

    def cancel_run(self, run: str) -> None:
        self._runs[run] = BatchRun("ended", "it was cancelled")

    def find_places(self, batch: Batch) -> list[int]:
        """The free agents that may take the batch."""
        del batch
        return list(self._free)

    def _work(self, run: str, batch: Batch) -> None:
        with self._lock:
            self._lock.wait_for(lambda: self.find_places(batch) != [])
            place = self.find_places(batch)[0]
            self._free.remove(place)
        try:
            self._runs[run] = BatchRun("running")
            self.before(self.clones[place], batch)
            compute_batch(self.clones[place], batch.id, replace(self.settings, name=f"agent-{place}"))
            self._runs[run] = BatchRun("ended")
        except SemflowError as error:
            self.failures.append(str(error))
            self._runs[run] = BatchRun("ended", str(error))
        except Exception as error:
            self.failures.append(repr(error))
            self._runs[run] = BatchRun("ended", f"crashed: {error!r}")
        finally:
            with self._lock:
                self._free.append(place)
                self._lock.notify_all()


@dataclass
class Team:
    """A coordinator and its agents."""

    root: Path
    clones: list[Path]
    share: Share
    launcher: ThreadLauncher

    def run(self, settings: AgentRunSettings = QUICK, **options: object) -> tuple[Summary, BytesMoved]:
        project = Project.open(self.root, toys.TOYS)
        try:
            return run_on_agents(project, self.launcher, self.share, settings=settings, **options)  # type: ignore[arg-type]
        finally:
            project.close()


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def make_repository(root: Path, config: str) -> None:
    """A folder with DVC's settings, parameters and no data."""
    (root / "data/raw").mkdir(parents=True)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text(config)
    (root / "params.yaml").write_text(toys.PARAMS)
    (root / "dvc.yaml").write_text("")
    (root / "dvc.yaml").write_text(render_dvc_yaml(Project.open(root, toys.TOYS)))


def make_team(folder: Path, share: Share, *, agents: int = 2, config: str = "") -> Team:
    """A team in `folder`; `config`: DVC's settings in place of those for a folder that all see."""
    shared = folder / "shared"
    shared.mkdir(parents=True)
    texts = {
        "remote": f"[core]\n    no_scm = true\n    remote = team\n['remote \"team\"']\n    url = {shared}\n",
        "cache": f"[core]\n    no_scm = true\n[cache]\n    dir = {shared}\n",
    }
    roots = [folder / name for name in ("head", *(f"agent{n}" for n in range(agents)))]
    for root in roots:
        make_repository(root, config or texts[share])
    settings = AgentSettings("", share, toys.TOYS, BEAT_S, LEASE_S)
    return Team(roots[0], roots[1:], share, ThreadLauncher(roots[1:], settings))
