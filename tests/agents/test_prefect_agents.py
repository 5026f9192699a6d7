"""The whole way: server, PostgreSQL where it is installed, S3, two agents and one with a device that is not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.prefect_site import Site, make_agent_clone, open_postgres, open_site, semflow, wait_until
from tests.engine.entry_points import Toy, prefork_server, start_project
from tests.factories.s3_server import serve_bucket

FILMS = {f"session/film{n:02d}.mp4": "banana split " * (n + 1) for n in range(12)}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server on this machine with a bucket `team`."""
    with serve_bucket(monkeypatch) as (host, port):
        yield f"http://{host}:{port}"


@pytest.fixture
def team(tmp_path: Path, bucket: str) -> Iterator[tuple[Site, Toy, list[Toy]]]:
    with prefork_server(tmp_path) as served, open_postgres() as database:
        toy = start_project(tmp_path / "head", tmp_path, served)
        toy.dvc("remote", "add", "-d", "team", "s3://team/store")
        toy.dvc("remote", "modify", "team", "endpointurl", bucket)
        toy.dvc("remote", "modify", "team", "region", "us-east-1")
        toy.git("add", ".")
        toy.git("commit", "-qm", "Remote")
        agents = [make_agent_clone(toy, tmp_path / f"agent{n}") for n in range(3)]
        with open_site(tmp_path / "site", toy, database) as site:
            wait_until(lambda: answers(site, toy), "the server's start")
            yield site, toy, agents


def answers(site: Site, toy: Toy) -> bool:
    import urllib.request

    try:
        with urllib.request.urlopen(site.variables["PREFECT_API_URL"] + "/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def flow_runs(site: Site, name: str) -> list[dict[str, object]]:
    """The runs of a flow that have begun, newest last."""
    import urllib.request

    over = {"flows": {"name": {"any_": [name]}}, "sort": "START_TIME_ASC"}
    request = urllib.request.Request(
        site.variables["PREFECT_API_URL"] + "/flow_runs/filter",
        json.dumps(over).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [run for run in json.load(answer) if run["start_time"]]


@pytest.mark.slow
def test_agents_process_a_data_set_that_a_third_clone_then_has(
    team: tuple[Site, Toy, list[Toy]], tmp_path: Path
) -> None:
    site, toy, agents = team
    said = site.call(toy, *semflow("deploy", "--agents", "--share", "remote"))
    assert "semflow agent" in said
    again = json.loads(site.call(toy, *semflow("deploy", "--json")))
    assert again["new_pools"] == [] and not again["new_automation"] and again["parameters"]["agents"]
    site.start("coordinator", toy, *semflow("agent", "--pool", "semflow"))
    for number, agent in enumerate(agents):
        words = ["--pool", "semflow-gpu", "--devices", "0"] if number == 2 else ["--pool", "semflow-cpu"]
        site.start(f"agent{number}", agent, *semflow("agent", *words))
    for relative, text in FILMS.items():
        toy.write(f"data/raw/{relative}", text)
    wait_until(lambda: workers_online(site) == 4, "the workers' start")
    site.call(toy, *semflow_prefect("deployment", "run", "process_dataset/nightly"))
    wait_until(lambda: any(r["state_type"] in ENDED for r in flow_runs(site, "process_dataset")), "the run's end")
    runs = flow_runs(site, "process_dataset")
    assert [r["state_type"] for r in runs] == ["COMPLETED"], (runs, site.read_log("coordinator"))
    batches = flow_runs(site, "process_batch")
    assert batches and all(r["state_type"] == "COMPLETED" for r in batches), batches
    calls = [line for agent in agents for line in agent_calls(agent)]
    reads = sorted(line for line in calls if line.startswith("read"))
    assert len(reads) == len(FILMS) + 3 == len(set(reads)), "each film was read once, by some agent"
    assert not any(line.startswith("read") for line in agent_calls(toy))
    published = json.loads(site.call(toy, *semflow("publish", "--tag", "v1", "--json")))
    assert published["tag"] == "v1" and published["is_new"]
    third = toy.clone(tmp_path / "third")
    site.call(third, *semflow_dvc("pull", "-q"))
    result = json.loads(site.call(third, *semflow("run", "--json")))
    assert {o["result"] for o in result["outcomes"]} == {"reused"}
    assert agent_calls(third) == []


ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def agent_calls(toy: Toy) -> list[str]:
    path = toy.home / "calls"
    return path.read_text().splitlines() if path.exists() else []


def semflow_prefect(*words: str) -> list[str]:
    import sys

    return [sys.executable, "-m", "prefect", *words]


def semflow_dvc(*words: str) -> list[str]:
    import sys

    return [sys.executable, "-m", "dvc", *words]


def workers_online(site: Site) -> int:
    import urllib.request

    count = 0
    for pool in ("semflow", "semflow-cpu", "semflow-gpu"):
        request = urllib.request.Request(
            f"{site.variables['PREFECT_API_URL']}/work_pools/{pool}/workers/filter",
            b"{}",
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                count += sum(worker["status"] == "ONLINE" for worker in json.load(answer))
        except OSError:
            return 0
    return count
