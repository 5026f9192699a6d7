"""The whole way: server, PostgreSQL where it is installed, S3, two agents and one with a device that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.agents.prefect_site import (
    ENDED,
    Site,
    agent_calls,
    flow_runs,
    open_team,
    program,
    read_artifacts,
    semflow,
    wait_until,
    workers_online,
)
from tests.engine.entry_points import Toy

FILMS = {f"session/film{n:02d}.mp4": "banana split " * (n + 1) for n in range(12)}


@pytest.mark.slow
def test_agents_process_a_data_set_that_a_third_clone_then_has(bucket: str, tmp_path: Path) -> None:
    with open_team(tmp_path, bucket, 3) as (site, toy, agents):
        process_and_clone(site, toy, agents, tmp_path)


def check_run_page(site: Site, run: str, toy: Toy) -> None:
    """The page of a run on agents shows what that of a run on one machine does."""
    shown = read_artifacts(site, run)
    (progress, words), (table, _), (_, report) = (
        (shown[key]["data"], shown[key]["description"]) for key in ("semflow-progress", "semflow-run", "semflow-report")
    )
    rows = json.loads(table)
    assert progress == 100.0 and re.fullmatch(r"(\d+) of \1 items, .* items/s", words), words
    assert f"of {len(rows)} items" in words
    assert {row["video"] for row in rows} > {relative.removesuffix(".mp4") for relative in FILMS}
    assert {row["result"] for row in rows} == {"computed"} and {row["error"] for row in rows} == {""}
    link = shown["semflow-report"]["data"]
    assert report == "The reports" and f"file://{toy.root}/reports/index.html" in link, link


def process_and_clone(site: Site, toy: Toy, agents: list[Toy], tmp_path: Path) -> None:
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
    site.call(toy, *program("prefect", "deployment", "run", "process_dataset/nightly"))
    wait_until(lambda: any(r["state_type"] in ENDED for r in flow_runs(site, "process_dataset")), "the run's end")
    runs = flow_runs(site, "process_dataset")
    assert [r["state_type"] for r in runs] == ["COMPLETED"], (runs, site.read_log("coordinator"))
    check_run_page(site, str(runs[0]["id"]), toy)
    batches = flow_runs(site, "process_batch")
    assert batches and all(r["state_type"] == "COMPLETED" for r in batches), batches
    calls = [line for agent in agents for line in agent_calls(agent)]
    reads = sorted(line for line in calls if line.startswith("read"))
    assert len(reads) == len(FILMS) + 3 == len(set(reads)), "each film was read once, by some agent"
    assert not any(line.startswith("read") for line in agent_calls(toy))
    published = json.loads(site.call(toy, *semflow("publish", "--tag", "v1", "--json")))
    assert published["tag"] == "v1" and published["is_new"]
    third = toy.clone(tmp_path / "third")
    site.call(third, *program("dvc", "pull", "-q"))
    result = json.loads(site.call(third, *semflow("run", "--json")))
    assert {o["result"] for o in result["outcomes"]} == {"reused"}
    assert agent_calls(third) == []
