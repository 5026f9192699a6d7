"""The run of a machine that is cut off stays Running and keeps the only slot, until the server's automation ends it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.agents.deploy_command import AUTOMATION
from tests.agents.prefect_site import (
    Site,
    agent_calls,
    answers,
    call_api,
    open_site,
    semflow,
    wait_until,
    workers_online,
)
from tests.engine.entry_points import Toy, prefork_server, start_project

SILENCE_S = 45
"""Seconds in place of those of `semflow deploy`: more than from one heartbeat to the next, 30 at least, and
enough for a worker to start and be refused the slot."""
Scheduled = tuple[Site, Toy]


@pytest.fixture
def scheduled(tmp_path: Path) -> Iterator[Scheduled]:
    """A server with the deployments of `semflow deploy`, whose automation waits for SILENCE_S only, and a worker."""
    with prefork_server(tmp_path) as served:
        toy = start_project(tmp_path / "head", tmp_path, served)
        with open_site(tmp_path / "site", toy) as site:
            wait_until(lambda: answers(site), "the server's start")
            site.call(toy, *semflow("deploy"))
            shorten_silence(site)
            start_worker(site, toy)
            wait_until(lambda: workers_online(site) == 1, "the worker's start")
            yield site, toy


def start_worker(site: Site, toy: Toy) -> None:
    site.start("coordinator", toy, *semflow("agent", "--pool", "semflow"))


def shorten_silence(site: Site) -> None:
    """Leave the automation as `semflow deploy` creates it, but for the seconds of its trigger."""
    found = call_api(site, "POST", "/automations/filter", {"automations": {"name": {"any_": [AUTOMATION]}}})
    assert [one["enabled"] for one in found] == [True]
    automation: dict[str, Any] = found[0]
    assert automation["trigger"]["within"] > SILENCE_S
    automation["trigger"]["within"] = SILENCE_S
    kept = ("name", "description", "enabled", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
    call_api(site, "PUT", f"/automations/{automation['id']}", {key: automation[key] for key in kept})


def start_run(site: Site) -> str:
    """Let the scheduled run be due now, as its schedule does; the id of the flow run."""
    nightly = call_api(site, "GET", "/deployments/name/process_dataset/nightly")
    due = {"state": {"type": "SCHEDULED"}}
    return str(call_api(site, "POST", f"/deployments/{nightly['id']}/create_flow_run", due)["id"])


def read_state(site: Site, run: str) -> str:
    return str(call_api(site, "GET", f"/flow_runs/{run}")["state_type"])


def cut_off(site: Site, name: str) -> None:
    """Kill a process and all that descend from it, whatever their process groups, as a power cut does."""
    process = site.processes.pop(name)
    for pid in [process.pid, *find_descendants(process.pid)]:
        os.kill(pid, signal.SIGKILL)
    process.wait()


def find_descendants(pid: int) -> list[int]:
    """Parents first."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(path.name))
    found = [pid]
    for one in found:
        found += children.get(one, ())
    return found[1:]


@pytest.mark.slow
def test_a_stuck_slot_heals_by_itself_and_the_next_scheduled_run_starts(scheduled: Scheduled) -> None:
    site, toy = scheduled
    delay = toy.home / "delay"
    delay.write_text("600")
    stuck = start_run(site)
    wait_until(lambda: bool(agent_calls(toy)), "the first item's turn")
    cut_off(site, "coordinator")
    delay.unlink()
    assert read_state(site, stuck) == "RUNNING", "nobody was left to say otherwise"
    start_worker(site, toy)
    early = start_run(site)
    wait_until(lambda: read_state(site, early) == "CANCELLED", "the refusal of a run beside the stuck one")
    wait_until(lambda: read_state(site, stuck) != "RUNNING", "the end of the stuck run")
    ended = call_api(site, "GET", f"/flow_runs/{stuck}")["state"]
    assert ended["type"] == "CRASHED" and "no heartbeat for" in ended["message"], ended
    after = start_run(site)
    wait_until(lambda: read_state(site, after) not in ("SCHEDULED", "PENDING", "RUNNING"), "the next run's end")
    assert read_state(site, after) == "COMPLETED", site.read_log("coordinator")
    assert json.loads(site.call(toy, *semflow("run", "--json")))["good"], "nobody holds the project"
