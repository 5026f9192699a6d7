"""The nightly deployment: on a local server with one worker, a scheduled run appears by itself and finishes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Clone

PATIENCE_S = 300
GRACE_S = 10
SOON_S, INTERVAL_S = 3, 60
"""Seconds until the first run, and between runs, should the server be too busy to plan the first in time."""


@pytest.fixture
def scheduled(make_clone: Any, tmp_path: Path) -> Iterator[Clone]:
    """A clone with one clip beside a running server and a worker, deployed as the README says."""
    clone: Clone = make_clone(("bikes",))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clone.environment |= {
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    server = start(clone, tmp_path / "server.log", "semflow", "server", "--port", str(port))
    worker = None
    try:
        wait(lambda: answers(clone.environment["PREFECT_API_URL"]))
        clone.run("semflow", "deploy", "--cron", "0 3 * * *")
        worker = start(clone, tmp_path / "worker.log", "semflow", "agent", "--pool", "semflow")
        yield clone
    finally:
        for process in (worker, server):
            if process is not None:
                stop(process)


def start(clone: Clone, log: Path, *command: str) -> subprocess.Popen[bytes]:
    with log.open("w") as file:
        return subprocess.Popen(
            command, cwd=clone.root, env=clone.environment, stdout=file, stderr=file, start_new_session=True
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process and its children to end; a worker that will not let go is made to."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ended_runs(api: str) -> set[str]:
    """States of the flow runs that have ended."""
    over = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}}
    return {run["state"]["type"] for run in ask(f"{api}/flow_runs/filter", over)}


MAX_BUSY = 10
"""Requests that a busy server may answer with 503, one a second."""


def ask(address: str, body: object = None) -> Any:
    """What the server answers, to a POST where there is a body: Prefect's own commands take seconds to start."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    for left in reversed(range(MAX_BUSY)):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE or not left:  # its SQLite is locked; Prefect asks again too
                raise
            time.sleep(1)
    raise AssertionError("unreachable")


def answers(api: str) -> bool:
    try:
        return bool(ask(f"{api}/health"))
    except OSError:
        return False


def wait(ready: Any) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.5)


@pytest.mark.slow
def test_a_scheduled_run_appears_by_itself_and_finishes(scheduled: Clone) -> None:
    api = scheduled.environment["PREFECT_API_URL"]
    nightly = ask(f"{api}/deployments/name/process_dataset/nightly")
    assert [one["schedule"]["cron"] for one in nightly["schedules"]] == ["0 3 * * *"]
    soon = (datetime.now(UTC) + timedelta(seconds=SOON_S)).isoformat()
    schedule = {"interval": INTERVAL_S, "anchor_date": soon, "timezone": "UTC"}
    ask(f"{api}/deployments/{nightly['id']}/schedules", [{"schedule": schedule, "active": True}])

    def ended() -> bool:
        states = ended_runs(api)
        assert states <= {"COMPLETED"}, states
        return bool(states)

    wait(ended)
    plan = scheduled.semflow("plan")
    assert plan["counts"]["stale"] == 0, "the scheduled run brought everything up to date"
    assert scheduled.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
