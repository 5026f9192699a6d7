"""What a scripted run leaves in Prefect's database: states, reasons, retries, graph, tables, the flow run's state."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, LogFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun, TaskRun

from flows.engine.outcome import Item
from flows.prefect_door import event_sender, prefect_progress
from flows.prefect_door.event_sender import EventSender
from flows.prefect_door.prefect_mirror import PrefectMirror
from flows.prefect_door.prefect_recorder import PrefectRecorder
from tests.flows.prefect_door.scripts import (
    COUNT_ONE,
    READ_ONE,
    READ_TWO,
    blocked,
    failed,
    made,
    make_mirror,
    make_summary,
    open_quietly,
)

pytestmark = pytest.mark.usefixtures("prefect_server")


class Recorded:
    """What Prefect knows of a run."""

    def __init__(self, client: SyncPrefectClient, run: FlowRun) -> None:
        self.client, self.run = client, run
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [run.id]}}))
        self.tasks: dict[str, TaskRun] = {task.name: task for task in tasks}

    def logs(self, task: str | None = None) -> list[tuple[int, str]]:
        wanted: dict[str, Any] = {"flow_run_id": {"any_": [self.run.id]}}
        if task is not None:
            wanted["task_run_id"] = {"any_": [self.tasks[task].id]}
        return [(line.level, line.message) for line in self.client.read_logs(LogFilter.model_validate(wanted))]

    def states(self, task: str) -> list[str | None]:
        answer = self.client._client.get("/task_run_states/", params={"task_run_id": str(self.tasks[task].id)})
        return [state["name"] for state in answer.json()]

    def artifacts(self) -> dict[str | None, Any]:
        wanted = ArtifactFilter.model_validate({"flow_run_id": {"any_": [self.run.id]}})
        return {artifact.key: artifact for artifact in self.client.read_artifacts(artifact_filter=wanted)}


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def play(client: SyncPrefectClient, mirror: PrefectMirror, root: str, end: list[object] | None = None) -> Recorded:
    """Record what `mirror` was told."""
    inbox: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    for message in (*open_quietly(mirror, root), *mirror.take_messages(), end or ["close", 60.0]):
        inbox.put(message)
    said: list[str] = []
    PrefectRecorder(client, inbox, lambda _, text: said.append(text), own=True).run()
    assert said == []
    runs = client.read_flow_runs(sort=None, limit=200)
    return Recorded(client, next(run for run in runs if run.parameters.get("root") == root))


def test_items_become_task_runs_named_after_them_with_version_times_and_graph(client: SyncPrefectClient) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE, COUNT_ONE], {}, 2)
    before = time.time()
    for item in (READ_ONE, COUNT_ONE):
        mirror.on_started(item, 0, 1)
        mirror.on_ended(made(item), True)
    after = time.time()
    mirror.on_finished(make_summary(made(READ_ONE), made(COUNT_ONE), index="/data/project/reports/index.html"))
    recorded = play(client, mirror, "graph")
    assert set(recorded.tasks) == {"read one", "count one"}
    read, count = recorded.tasks["read one"], recorded.tasks["count one"]
    assert read.state is not None and read.state.is_completed()
    assert read.task_version == "abc123"
    assert read.start_time is not None and before - 1 <= read.start_time.timestamp() <= after + 1, "when it happened"
    assert [getattr(source, "id", None) for source in count.task_inputs["wait_for"]] == [read.id]
    assert recorded.states("read one") == ["Running", "Completed"]
    assert recorded.run.state is not None
    assert (recorded.run.state.type.value, recorded.run.state.message) == ("COMPLETED", "2 items are good")
    artifacts = recorded.artifacts()
    assert set(artifacts) == {"semflow-progress", "semflow-run", "semflow-report"}
    assert '"stage": "count"' in str(artifacts["semflow-run"].data)
    assert artifacts["semflow-progress"].data == 100
    assert artifacts["semflow-progress"].description.startswith("2 of 2 items")
    assert "file:///data/project/reports/index.html" in artifacts["semflow-report"].data


def test_the_page_of_a_run_under_way_says_how_much_is_done_and_how_long_the_rest_takes(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE, COUNT_ONE, READ_TWO], {READ_ONE: 30.0, COUNT_ONE: 60.0, READ_TWO: 30.0}, 2)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_ended(made(READ_ONE), True)
    messages = list(mirror.take_messages())
    began = next(message[1] for message in messages if message[0] == "planned")
    monkeypatch.setattr(mirror, "take_messages", lambda: messages)
    clock = SimpleNamespace(time=lambda: began + 100, monotonic=time.monotonic)
    monkeypatch.setattr(prefect_progress, "time", clock)
    shown = play(client, mirror, "half", ["lost"]).artifacts()["semflow-progress"]
    assert shown.data == 25.0
    assert shown.description == "1 of 3 items, 0.01 items/s, about 300 s left", "3 times what a quarter took"


def test_a_failed_item_is_failed_with_its_reason_in_its_own_log_and_the_flow_run_fails_without_data(
    client: SyncPrefectClient,
) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE, COUNT_ONE], {}, 2)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_ended(failed(READ_ONE), True)
    mirror.on_ended(blocked(COUNT_ONE), True)
    mirror.on_finished(make_summary(failed(READ_ONE), blocked(COUNT_ONE)))
    recorded = play(client, mirror, "failure")
    state = recorded.tasks["read one"].state
    assert state is not None and state.is_failed() and state.message == "the file is cut off"
    assert recorded.logs("read one") == [(40, "the file is cut off")]
    waiting = recorded.tasks["count one"].state
    assert waiting is not None
    assert (waiting.type.value, waiting.name, waiting.message) == ("PENDING", "NotReady", "after read")
    assert recorded.run.state is not None and recorded.run.state.is_failed()
    assert recorded.run.state.data is None
    assert "read one: the file is cut off" in str(recorded.run.state.message)


def test_a_try_that_is_repeated_shows_as_prefects_own_retry(client: SyncPrefectClient) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE], {}, 1)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_ended(failed(READ_ONE, "OSError: the disk hung"), False)
    mirror.on_started(READ_ONE, 0, 2)
    mirror.on_ended(made(READ_ONE), True)
    mirror.on_finished(make_summary(made(READ_ONE)))
    recorded = play(client, mirror, "retry")
    assert recorded.states("read one") == ["Running", "AwaitingRetry", "Retrying", "Completed"]
    assert recorded.logs("read one") == [(30, "OSError: the disk hung")]
    task = recorded.tasks["read one"]
    assert (task.run_count, task.empirical_policy.retries) == (2, 2)


def test_faults_on_record_leave_the_flow_run_completed_under_another_name(client: SyncPrefectClient) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_TWO], {}, 1)
    mirror.on_ended(failed(READ_ONE, recorded=True), True)
    mirror.on_started(READ_TWO, 0, 1)
    mirror.on_ended(made(READ_TWO), True)
    mirror.on_finished(make_summary(failed(READ_ONE, recorded=True), made(READ_TWO)))
    recorded = play(client, mirror, "record")
    state = recorded.tasks["read one"].state
    assert state is not None and (state.type.value, state.name) == ("FAILED", "FaultOnRecord")
    assert recorded.run.state is not None
    assert (recorded.run.state.type.value, recorded.run.state.name) == ("COMPLETED", "FaultsOnRecord")


def test_items_that_were_fresh_have_no_task_run_and_lines_of_the_run_are_in_its_log(client: SyncPrefectClient) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE], {}, 1)
    mirror.on_message(30, "the disk is nearly full")
    for result in ("reused", "remote"):
        outcome = made(READ_TWO)
        mirror.on_ended(type(outcome)(outcome.video, outcome.stage, result), True)  # type: ignore[arg-type]
    mirror.on_finished(make_summary())
    recorded = play(client, mirror, "fresh")
    assert recorded.tasks == {}
    assert recorded.logs() == [(30, "the disk is nearly full")]


def test_a_run_whose_process_is_gone_has_crashed_and_what_it_had_in_progress_too(client: SyncPrefectClient) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE, READ_TWO], {}, 2)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_ended(made(READ_ONE), True)
    mirror.on_started(READ_TWO, 0, 1)
    recorded = play(client, mirror, "killed", end=["lost"])
    assert recorded.states("read two") == ["Running", "Crashed"]
    assert recorded.states("read one") == ["Running", "Completed"]
    assert recorded.run.state is not None and recorded.run.state.is_crashed()


def test_an_interrupted_run_is_cancelled_and_what_it_had_in_progress_too(client: SyncPrefectClient) -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE], {}, 1)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_finished(make_summary(interrupted=2))
    recorded = play(client, mirror, "interrupted")
    assert recorded.states("read one") == ["Running", "Cancelled"]
    assert recorded.run.state is not None and recorded.run.state.is_cancelled()


def test_the_next_run_of_a_folder_settles_one_that_was_cut_off_with_its_machine(client: SyncPrefectClient) -> None:
    inbox: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    inbox.put(open_quietly(make_mirror(), "zombie")[0])
    cut_off = PrefectRecorder(client, inbox, lambda *_: None, own=True)
    cut_off._opening = inbox.get()[1]
    lost = cut_off._open().id
    assert client.read_flow_run(lost).state_name == "Running"
    mirror = make_mirror()
    mirror.on_finished(make_summary())
    play(client, mirror, "zombie")
    assert client.read_flow_run(lost).state_name == "Crashed"


def test_of_many_items_at_once_all_are_recorded_and_beginnings_are_told_with_the_ends(
    client: SyncPrefectClient,
) -> None:
    mirror = make_mirror()
    items = [Item(f"v{n:03}", "read") for n in range(250)]
    mirror.on_planned(items, {}, 2)
    for item in items:
        mirror.on_started(item, 0, 1)
        mirror.on_ended(made(item), True)
    mirror.on_finished(make_summary(*map(made, items)))
    recorded = play(client, mirror, "many")
    count = client._client.post("/task_runs/count", json={"flow_runs": {"id": {"any_": [str(recorded.run.id)]}}}).json()
    assert count == 250
    name, task = next(iter(recorded.tasks.items()))  # Prefect's API gives some of them, a page
    assert recorded.states(name) == ["Completed"]
    assert task.start_time is not None and task.end_time is not None


def test_a_server_that_is_behind_is_waited_for_by_what_it_was_sent_not_by_what_is_to_come(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_sender, "MAX_IN_FLIGHT", 20)
    monkeypatch.setattr(event_sender, "BATCH", 10)
    waits: list[bool] = []
    wait = EventSender.wait_for_records

    def watched(self: EventSender, flow_run: UUID, wanted: int) -> bool:
        assert wanted <= self._sent
        waits.append(wait(self, flow_run, wanted))
        return waits[-1]

    monkeypatch.setattr(EventSender, "wait_for_records", watched)
    mirror = make_mirror()
    items = [Item(f"v{n:03}", "read") for n in range(60)]
    mirror.on_planned(items, {}, 2)
    for item in items:
        mirror.on_started(item, 0, 1)
        mirror.on_ended(made(item), True)
    mirror.on_finished(make_summary(*map(made, items)))
    assert len(play(client, mirror, "behind").tasks) == 60
    assert len(waits) > 2 and all(waits)


def test_a_flow_run_that_is_given_is_filled_and_its_state_left_to_its_flow(client: SyncPrefectClient) -> None:
    flow = client.request("POST", "/flows/", json={"name": "process_dataset"}).json()
    given = client.request("POST", "/flow_runs/", json={"flow_id": flow["id"], "state": {"type": "RUNNING"}}).json()
    mirror = make_mirror()
    mirror.on_planned([READ_ONE], {}, 1)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_ended(made(READ_ONE), True)
    mirror.on_finished(make_summary(made(READ_ONE)))
    inbox: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    for message in (*open_quietly(mirror, flow_run_id=given["id"]), *mirror.take_messages(), ["close", 60.0]):
        inbox.put(message)
    PrefectRecorder(client, inbox, lambda *_: None, own=False).run()
    tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [given["id"]]}}), task_run_filter=TaskRunFilter()
    )
    assert [task.name for task in tasks] == ["read one"]
    assert client.read_flow_run(UUID(given["id"])).state_name == "Running"
