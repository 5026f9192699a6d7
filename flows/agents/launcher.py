"""How batches get to agents: the interface of launchers, and one that starts processes on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from flows.agents.batch import Batch


class BatchRun(NamedTuple):
    """What is known of a launched batch."""

    status: Literal["waiting", "running", "ended"]
    """waiting: no agent has taken it. ended: whatever its result, no agent works on it."""
    message: str = ""
    """Where it ended badly, why."""


class Launcher(Protocol):
    """Hands batches to agents."""

    def count_agents(self) -> Mapping[str, int]:
        """What a batch needs (`cpu`, `gpu`) to the number of agents for it."""
        ...

    def launch_batch(self, batch: Batch) -> str:
        """Hand a batch to some agent, at once or later; gives the id of its run."""
        ...

    def read_runs(self, runs: Iterable[str]) -> Mapping[str, BatchRun]:
        """The state of launched batches by the id of their runs; those that are not known now are left out."""
        ...

    def cancel_run(self, run: str) -> None:
        """Stop a batch, or take it back."""
        ...


@dataclass
class ProcessLauncher:
    """Runs each batch as `python -m flows.agents.agent` in one of several clones on this machine."""

    clones: Sequence[Path]
    share: str
    options: Sequence[str] = ()
    _waiting: dict[str, str] = field(default_factory=dict[str, str])
    """Run to batch id."""
    _running: dict[str, tuple[int, subprocess.Popen[bytes]]] = field(
        default_factory=dict[str, tuple[int, subprocess.Popen[bytes]]]
    )
    _count: int = 0

    def count_agents(self) -> Mapping[str, int]:
        """See Launcher."""
        return {"cpu": len(self.clones)}

    def launch_batch(self, batch: Batch) -> str:
        """See Launcher."""
        self._count += 1
        run = f"process-{self._count}"
        self._waiting[run] = batch.id
        self._start_waiting()
        return run

    def read_runs(self, runs: Iterable[str]) -> Mapping[str, BatchRun]:
        """See Launcher."""
        self._start_waiting()
        return {run: self._read_run(run) for run in runs}

    def cancel_run(self, run: str) -> None:
        """See Launcher."""
        self._waiting.pop(run, None)
        if run in self._running:
            self._running[run][1].terminate()

    def make_environment(self, clone: Path) -> dict[str, str]:
        """The environment of the agent in `clone`: by default that of this process."""
        del clone
        return dict(os.environ)

    def _read_run(self, run: str) -> BatchRun:
        if run in self._waiting:
            return BatchRun("waiting")
        if run not in self._running:
            return BatchRun("ended", "it was cancelled")
        code = self._running[run][1].poll()
        if code is None:
            return BatchRun("running")
        return BatchRun("ended", f"its process ended with {code}" if code else "")

    def _start_waiting(self) -> None:
        busy = {place for place, process in self._running.values() if process.poll() is None}
        for place, clone in enumerate(self.clones):
            if place not in busy and self._waiting:
                run = next(iter(self._waiting))
                batch = self._waiting.pop(run)
                command = [sys.executable, "-m", "flows.agents.agent", batch, "--share", self.share, *self.options]
                environment = self.make_environment(clone)
                process = subprocess.Popen(command, cwd=clone, env=environment, stdout=subprocess.DEVNULL)
                self._running[run] = (place, process)
