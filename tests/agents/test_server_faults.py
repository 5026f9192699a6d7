"""A server that is killed while a run goes on, and a run that is cancelled: the work goes on, or ends and frees all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.agents.prefect_site import (
    ENDED,
    Site,
    agent_calls,
    find_processes,
    flow_runs,
    open_team,
    program,
    semflow,
    wait_until,
    workers_online,
)
from tests.engine.entry_points import Toy
from tests.factories.s3_server import serve_bucket

AWAY_S = 12.0
"""Seconds without a server: several beats of workers and looks of the coordinator."""
Team = tuple[Site, Toy, list[Toy]]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A site with a coordinator and two agents at work."""
    with pytest.MonkeyPatch.context() as patch, serve_bucket(patch) as (host, port):
        folder = tmp_path_factory.mktemp("team")
        with open_team(folder, f"http://{host}:{port}", 2) as (site, toy, agents):
            site.call(toy, *semflow("deploy", "--agents", "--share", "remote"))
            site.start("coordinator", toy, *semflow("agent", "--pool", "semflow"))
            for number, agent in enumerate(agents):
                site.start(f"agent{number}", agent, *semflow("agent", "--pool", "semflow-cpu"))
            wait_until(lambda: workers_online(site) == 1 + len(agents), "the workers' start")
            yield site, toy, agents


def start_run(team: Team, films: list[str], delay_s: float) -> str:
    """Start a run with new `films` on agents whose stages take `delay_s` longer, wait until one is at work; its id."""
    site, toy, agents = team
    before = sum(len(agent_calls(agent)) for agent in agents)
    for agent in agents:
        (agent.home / "delay").write_text(str(delay_s))
    for number, film in enumerate(films):
        toy.write(f"data/raw/{film}.mp4", "banana split " * (number + 1))
    site.call(toy, *program("prefect", "deployment", "run", "process_dataset/nightly"))
    wait_until(lambda: sum(len(agent_calls(agent)) for agent in agents) > before, "the first item's turn")
    return str(flow_runs(site, "process_dataset")[-1]["id"])


def reads(agents: list[Toy], films: list[str]) -> list[str]:
    lines = (line for agent in agents for line in agent_calls(agent))
    return sorted(line for line in lines if any(line == f"read {film}" for film in films))


def read_state(site: Site, run: str) -> str:
    """The type of the run's state; "" where the server does not answer."""
    try:
        return next(str(one["state_type"]) for one in flow_runs(site, "process_dataset") if one["id"] == run)
    except OSError:
        return ""


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_costs_time_and_nothing_else(team: Team) -> None:
    site, toy, agents = team
    films = [f"film{n}" for n in range(6)]
    run = start_run(team, films, 1.0)
    site.kill("server")
    time.sleep(AWAY_S)
    site.start("server", toy, *site.server)
    wait_until(lambda: read_state(site, run) in ENDED, "the run's end")
    assert read_state(site, run) == "COMPLETED", site.read_log("coordinator")
    assert reads(agents, films) == [f"read {film}" for film in films], "each was read once"
    again = json.loads(site.call(toy, *semflow("run", "--json")))
    assert {outcome["result"] for outcome in again["outcomes"]} <= {"reused", "remote"}, again


@pytest.mark.slow
def test_a_cancelled_run_ends_its_agents_work_and_frees_the_project(team: Team) -> None:
    site, toy, agents = team
    run = start_run(team, ["long0", "long1"], 600.0)
    began = time.monotonic()
    site.call(toy, *program("prefect", "flow-run", "cancel", run))
    wait_until(
        lambda: not find_processes("flows.engine.worker", [one.root for one in (toy, *agents)]), "the end of all work"
    )
    print(f"no worker was left after {time.monotonic() - began:.1f} s")
    # The run's own process says Crashed, for it cannot know why it was ended; Prefect's worker corrects that.
    wait_until(lambda: read_state(site, run) == "CANCELLED", "the state Cancelled")
    wait_until(
        lambda: all(r["state_type"] in ENDED for r in flow_runs(site, "process_batch")), "the end of the batches"
    )
    for agent in agents:
        (agent.home / "delay").unlink()
    assert json.loads(site.call(toy, *semflow("run", "--json")))["good"], "nobody holds the project"
