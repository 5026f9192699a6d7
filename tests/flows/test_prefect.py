"""The deployed flows over a toy project: what the engine does shows in the flow run that Prefect started."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter, LogFilter
from prefect.client.schemas.objects import FlowRun, State, TaskRun
from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from flows import dataset
from flows.engine import run_items
from flows.engine.project import Project
from tests.engine import toys
from tests.engine.conftest import project_root, reopen

__all__ = ["project_root", "reopen"]  # fixtures
pytestmark = pytest.mark.usefixtures("prefect_server")
PATIENCE_S = 120.0


class Shown:
    """A flow run, its end, and what Prefect knows of it."""

    def __init__(self, client: SyncPrefectClient, run_id: str, state: State[Any]) -> None:
        self.client, self.state = client, state
        wanted = FlowRunFilter.model_validate({"id": {"any_": [run_id]}})
        self.run: FlowRun = client.read_flow_runs(flow_run_filter=wanted)[0]
        self.tasks: dict[str, TaskRun] = {task.name: task for task in client.read_task_runs(flow_run_filter=wanted)}

    def logs(self, task: str | None = None) -> list[tuple[int, str]]:
        wanted: dict[str, Any] = {"flow_run_id": {"any_": [self.run.id]}}
        if task is not None:
            wanted["task_run_id"] = {"any_": [self.tasks[task].id]}
        return [(line.level, line.message) for line in self.client.read_logs(LogFilter.model_validate(wanted))]


@pytest.fixture
def process(reopen: Callable[[], Project]) -> Iterator[Callable[[], Shown]]:
    """Run the body of the flows over the toy project."""
    ids: list[str] = []

    @flow(name="process_toys")
    def process_toys() -> State[Any]:
        ids.append(str(flow_run.get_id()))
        return dataset._log_errors(lambda: dataset.process_videos(reopen(), None))

    with get_client(sync_client=True) as client:
        yield lambda: Shown(client, ids[-1], state) if (state := process_toys(return_state=True)) else None  # type: ignore[return-value]


def test_stale_items_become_task_runs_of_the_flow_run_that_prefect_started(
    process: Callable[[], Shown], project_root: Path
) -> None:
    shown = process()
    assert shown.state.is_completed()
    assert str(shown.state.message).startswith("8 items are good")
    assert {"read one", "join two"} <= set(shown.tasks)
    assert len(shown.tasks) == 8
    versions = {task.task_version for name, task in shown.tasks.items() if name.startswith("join")}
    assert len(versions) == 1 and None not in versions, "the task's version is the fingerprint of its code"
    sources = {getattr(source, "id", None) for source in shown.tasks["join one"].task_inputs["wait_for"]}
    assert sources == {shown.tasks["count one"].id, shown.tasks["repeat one"].id}
    again = process()
    assert again.state.is_completed()
    assert again.tasks == {}


def test_a_failed_item_is_red_with_its_reason_and_fails_the_night_only_once(
    process: Callable[[], Shown], project_root: Path
) -> None:
    (project_root / "data/raw/bad.mp4").write_text("")
    shown = process()
    assert shown.state.is_failed()
    assert shown.run.state is not None and shown.run.state.data is None
    task = shown.tasks["read bad"]
    assert task.state is not None and task.state.is_failed()
    reason = "bad.mp4 must hold text, got an empty file; replace or remove it"
    assert (40, reason) in shown.logs("read bad")
    assert any(level == logging.ERROR and reason in message for level, message in shown.logs()), "semflow's own logger"
    assert shown.tasks["count bad"].state_name == "NotReady"
    assert (project_root / "data/pages/one").is_dir()
    next_night = process()
    assert next_night.state.is_completed()
    assert next_night.state.name == "FaultsOnRecord"


@pytest.mark.slow
def test_what_may_pass_by_itself_is_retried(
    process: Callable[[], Shown], project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_items, "RETRY_DELAYS_S", (0.0, 0.0))
    tries: list[int] = []
    save = toys.Counts.save

    def flaky(self: toys.Counts, path: Path) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the disk hung")
        save(self, path)

    monkeypatch.setattr(toys.Counts, "save", flaky)
    shown = process()
    assert shown.state.is_completed()
    assert len(tries) == 3, "two videos, one of them twice"
    assert sorted(shown.tasks[f"count {video}"].run_count for video in ("one", "two")) == [1, 2]


def test_what_the_user_can_mend_fails_the_flow_with_its_words_alone(
    process: Callable[[], Shown], project_root: Path
) -> None:
    (project_root / "params.yaml").write_text(toys.PARAMS.replace("times: 2", "times: many"))
    shown = process()
    assert shown.state.is_failed()
    assert "times" in str(shown.state.message)
    assert "Traceback" not in str(shown.logs())


@pytest.mark.slow
def test_a_flow_that_is_told_to_end_ends_within_seconds_though_an_item_hangs(project_root: Path) -> None:
    environment = os.environ | {
        "PREFECT_API_URL": str(get_current_settings().api.url),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "tests.flows.prefect_door.drive_flow", str(project_root)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        try:
            wait_until_known("hanging")
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        finally:
            process.kill()
    run, tasks = read_run("hanging")
    assert run.state_name == "Crashed", "no cancellation came with it, so it was an accident"
    assert "Cancelled" in (tasks.get("count one"), tasks.get("count two"))
    assert "Running" not in tasks.values()


def read_run(name: str) -> tuple[FlowRun, dict[str, str | None]]:
    """The run of a flow of this name, and the states of its tasks by their names."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_runs(flow_filter=FlowFilter.model_validate({"name": {"any_": [name]}}))[0]
        wanted = FlowRunFilter.model_validate({"id": {"any_": [run.id]}})
        return run, {task.name: task.state_name for task in client.read_task_runs(flow_run_filter=wanted)}


def wait_until_known(name: str) -> None:
    """Wait until Prefect knows of an item of the run that is computed."""
    until = time.monotonic() + PATIENCE_S
    while not any(state == "Running" and task.startswith("count") for task, state in read_run(name)[1].items()):
        assert time.monotonic() < until, "Prefect must come to know of the item"
        time.sleep(0.5)
