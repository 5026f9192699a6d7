"""`python -m benchmarks.agents`: what agents cost beside the work that they do, and where many of them saturate.

A project of stub stages (benchmarks.engine.stages) is processed by two agents on this machine, which exchange data
through a folder. The coordinator's processor time for each batch and each item, and the number of requests to the
store, go into a small model of many videos and agents. Prefect's costs are those of its flow runs and task runs, given
in the constants below, which were measured apart.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import click

from benchmarks.engine.process import CHECKOUT
from benchmarks.engine.project import PIPELINE, make_project, params_text, write_samples_apart
from benchmarks.engine.stages import SAMPLES

BATCH_START_S = 12.0
"""From launching a batch to its first item: Prefect's poll, process, imports (8.5 s of that on a quiet machine)."""
SERVER_ITEM_S = 0.020
"""Processor time of Prefect's server for the task run of an item (standing server, SQLite or PostgreSQL)."""
STORE_REQUESTS_PER_S = 3500.0
"""Puts that one prefix of S3 takes."""
CONFIG = "[core]\n    no_scm = true\n    remote = team\n['remote \"team\"']\n    url = {url}\n"


@dataclass
class Meter:
    """Processor seconds of functions, and how often they were called."""

    seconds: Counter[str] = field(default_factory=Counter[str])
    calls: Counter[str] = field(default_factory=Counter[str])

    def measure(self, owner: Any, name: str) -> None:
        """Replace a function or method by one that is measured."""
        function = getattr(owner, name)

        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[name] += time.process_time() - began
                self.calls[name] += 1

        setattr(owner, name, timed)


@dataclass(frozen=True)
class AgentCosts:
    """What was measured."""

    videos: int
    items: int
    batches: int
    batch_s: float
    """Processor time of the coordinator to make a batch, per video."""
    accept_s: float
    """The same to read and accept the result of an item."""
    record_s: float
    """The same for planning, recording and everything else of the run, per item."""
    requests: float
    """Requests of coordinator and agents to the store, per item."""


def measure_costs(folder: Path, videos: int, say: Callable[[str], None]) -> AgentCosts:
    """Process a project of so many videos on two agents, and measure."""
    os.environ["SEMFLOW_PIPELINE"] = PIPELINE
    os.environ[SAMPLES] = str(folder / "samples")
    from flows.agents import launched_batches
    from flows.agents.accept_results import ResultAcceptor
    from flows.agents.cut_batches import BatchSizes
    from flows.agents.document_store import FolderDocuments
    from flows.agents.launcher import ProcessLauncher
    from flows.agents.results import ResultReader
    from flows.agents.run_on_agents import run_on_agents
    from flows.agents.run_settings import AgentRunSettings
    from flows.engine.dvc_yaml import render_dvc_yaml
    from flows.engine.project import Project

    class Launcher(ProcessLauncher):
        def make_environment(self, clone: Path) -> dict[str, str]:
            del clone
            return {**os.environ, "PYTHONPATH": str(CHECKOUT)}

    (folder / "samples").mkdir()
    write_samples_apart(folder / "samples")
    (folder / "store").mkdir()
    roots = [folder / name for name in ("head", "agent0", "agent1")]
    for place, root in enumerate(roots):
        # Stub stages give other bytes each time, so nothing may be computed a second time: everything is kept.
        params = re.sub(r"recompute:.*(?:\n  - .*)*", "recompute: []", params_text(1))
        make_project(root, videos if place == 0 else 0, params)
        (root / ".dvc/config").write_text(CONFIG.format(url=folder / "store"), encoding="utf-8")
    meter = Meter()
    meter.measure(launched_batches, "make_batch")
    meter.measure(ResultAcceptor, "accept_result")
    meter.measure(ResultReader, "read_new")
    for name in ("read_document", "write_document", "create_document", "list_documents"):
        meter.measure(FolderDocuments, name)
    project = Project.open(roots[0])
    (roots[0] / "dvc.yaml").write_text(render_dvc_yaml(project), encoding="utf-8")
    settings = AgentRunSettings(BatchSizes(min_s=0.0, per_agent=2), poll_s=1.0)
    say(f"{videos} videos on two agents")
    began = time.process_time()
    summary, _ = run_on_agents(project, Launcher(roots[1:], "remote"), "remote", settings=settings)
    total = time.process_time() - began
    project.close()
    if not summary.is_good:
        sys.exit(f"the run must be good, got {[str(o) for o in summary.outcomes if not o.is_good][:3]}")
    items = len(summary.outcomes)
    accept = meter.seconds["accept_result"] + meter.seconds["read_new"]
    coordinator = sum(meter.calls[name] for name in ("read_document", "write_document", "list_documents"))
    return AgentCosts(
        videos,
        items,
        meter.calls["make_batch"],
        batch_s=meter.seconds["make_batch"] / videos,
        accept_s=accept / items,
        record_s=(total - accept - meter.seconds["make_batch"]) / items,
        requests=coordinator / items + AGENT_REQUESTS,
    )


AGENT_REQUESTS = 6.0
"""Requests of an agent for an item: two for its claim, a look for its object, the object, the method, the result."""


@dataclass(frozen=True)
class Load:
    """The model's figures for a number of agents."""

    agents: int
    hours: float
    """Wall time of the whole data set."""
    efficiency: float
    """Share of the agents' time that they compute."""
    coordinator: float
    """Share of one processor that the coordinator needs; above 1 it is the limit."""
    server: float
    """The same of Prefect's server, with one process."""
    store: float
    """Share of the requests that one prefix of S3 takes."""


def model_load(costs: AgentCosts, videos: int, agents: int, video_s: float, batch_s: float) -> Load:
    """Times and shares for `videos` of `video_s` seconds of work each on `agents` agents, in batches of `batch_s`."""
    items = videos * costs.items / costs.videos
    own = videos * costs.batch_s + items * (costs.accept_s + costs.record_s)
    efficiency = batch_s / (batch_s + BATCH_START_S)
    work_s = videos * video_s / (agents * efficiency)
    wall_s = max(work_s, own, items * SERVER_ITEM_S, items * costs.requests / STORE_REQUESTS_PER_S)
    return Load(
        agents,
        wall_s / 3600,
        videos * video_s / (agents * wall_s),
        own / work_s,
        items * SERVER_ITEM_S / work_s,
        items * costs.requests / STORE_REQUESTS_PER_S / work_s,
    )


def main(argv: list[str]) -> None:
    """Measure, and print the model's table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=60, help="videos that are processed to measure the costs")
    parser.add_argument("--model-videos", type=int, default=10_000, help="videos of the model")
    parser.add_argument("--video-s", type=float, default=100.0, help="seconds of work of a video in the model")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        costs = measure_costs(Path(folder), arguments.videos, lambda text: click.echo(text, err=True))
    click.echo(
        f"{costs.videos} videos, {costs.items} items, {costs.batches} batches; processor time of the coordinator:\n"
        f"  {1e3 * costs.batch_s:.1f} ms a video to make its batch, {1e3 * costs.accept_s:.2f} ms an item to accept "
        f"it,\n  {1e3 * costs.record_s:.2f} ms an item for plan, record and waiting; {costs.requests:.1f} requests an "
        "item\n\n"
        f"{arguments.model_videos:,} videos of {arguments.video_s:.0f} s, batches of 10 min:\n\n"
        "| agents | hours | computing | coordinator | server | store |\n|---|---|---|---|---|---|"
    )
    for agents in (1, 10, 50, 200, 1000):
        load = model_load(costs, arguments.model_videos, agents, arguments.video_s, 600.0)
        shares = " | ".join(f"{value:.2f}" for value in (load.efficiency, load.coordinator, load.server, load.store))
        click.echo(f"| {load.agents} | {load.hours:.1f} | {shares} |")


if __name__ == "__main__":
    main(sys.argv[1:])
