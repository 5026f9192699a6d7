"""Records a run in Prefect: turns the messages of the run into task-run events, log lines, artifacts and a final state.

Everything goes through Prefect's REST API with Prefect's own client, which handles addresses, keys, headers and
certificates (event_sender.py sends in batches).
"""

from __future__ import annotations

import json
import queue
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State as RunState
from prefect.client.schemas.objects import StateType
from prefect.settings import get_current_settings

from flows.engine.state import PREFECT_RUNS, STATE_FOLDER
from flows.prefect_door import task_run_events
from flows.prefect_door.event_sender import EventSender
from flows.prefect_door.prefect_progress import NEVER, FlowRunProgress
from flows.prefect_door.task_run_events import FlowRunRef, TaskRunRecord

FLOW_NAME = "process_dataset"
TAG = "semflow"
GATHER_S = 0.25
"""Seconds over which messages are collected before they are sent."""
MIN_MESSAGES_TO_MERGE = 20
"""Number of messages of one GATHER_S from which items that started and ended among them get one event instead of two;
at 200 items a second this halves the server's processor time."""
CRASH_TIMEOUT_S = 3.0
"""Seconds for recording that the run was killed."""
INFO, WARNING, ERROR = 20, 30, 40
SayLine = Callable[[int, str], None]


class PrefectRecorder:
    """Records one run; `run` returns when everything is recorded or its time limit is over."""

    def __init__(self, client: SyncPrefectClient, inbox: queue.SimpleQueue[list[Any]], say: SayLine, own: bool) -> None:
        self._client = client
        self._inbox = inbox
        self._say = say
        self._own = own
        self._opening: dict[str, Any] = {}
        self._flow: FlowRunRef
        self._runs: dict[tuple[str, str], TaskRunRecord] = {}
        self._sender = EventSender(client)
        self._settled = 0
        self._progress: FlowRunProgress | None = None
        self._finished: dict[str, Any] | None = None
        self._over: Literal["", "close", "lost"] = ""
        self._beat_at = time.monotonic()

    def run(self) -> None:
        """Record until the run sends "close" or its process has died."""
        self._opening = self._inbox.get()[1]
        self._flow = self._open()
        self._note_flow_run()
        while not self._over:
            messages = self._gather()
            for message in _lean(messages):
                self._handle_message(message)
            self._sender.send_queued(self._flow.id)
            self._show_progress()
            self._beat()
        self._release()
        self._conclude()

    def _open(self) -> FlowRunRef:
        """The flow run to record in: the given one, or a new one."""
        given = self._opening["flow_run_id"]
        if given is not None:
            run = self._client.read_flow_run(UUID(given))
            return FlowRunRef(run.id, run.name)
        flow = self._client.request("POST", "/flows/", json={"name": FLOW_NAME}).json()
        tags = [TAG, f"host:{socket.gethostname()}"]
        self._settle_lost_runs(tags)
        parameters = {name: self._opening[name] for name in ("root", "videos", "stages")}
        made = self._client.request(
            "POST",
            "/flow_runs/",
            json={"flow_id": flow["id"], "parameters": parameters, "tags": tags, "state": {"type": "RUNNING"}},
        ).json()
        return FlowRunRef(UUID(made["id"]), made["name"])

    def _note_flow_run(self) -> None:
        """Append to the state folder which flow run shows this run, so that `semflow trace` can name it."""
        line = {"host": socket.gethostname(), "pid": self._opening.get("pid"), "flow_run": str(self._flow.id)}
        path = Path(self._opening["root"]) / STATE_FOLDER / PREFECT_RUNS
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError:
            return  # a full disk must not fail the run

    def _settle_lost_runs(self, tags: Sequence[str]) -> None:
        """Set runs of this folder that are still Running to Crashed: a folder has one run at a time."""
        wanted = FlowRunFilter.model_validate(
            {"tags": {"all_": list(tags)}, "state": {"type": {"any_": [StateType.RUNNING]}}}
        )
        for run in self._client.read_flow_runs(flow_run_filter=wanted, limit=50):
            if run.parameters.get("root") == self._opening["root"]:
                self._set_state(run.id, "CRASHED", "Crashed", "its process died without reporting its end")

    def _gather(self) -> list[list[Any]]:
        """The messages of the next GATHER_S seconds."""
        until = time.monotonic() + GATHER_S
        messages: list[list[Any]] = []
        while (left := until - time.monotonic()) > 0:
            try:
                messages.append(self._inbox.get(timeout=left))
            except queue.Empty:
                break
            if messages[-1][0] in ("close", "lost"):
                break
        return messages

    def _handle_message(self, message: list[Any]) -> None:
        match message:
            case ["planned", when, rows, _]:
                for video, stage, label, _, sources in rows:
                    self._task_run(video, stage, label).sources = [tuple(source) for source in sources]
                self._progress = self._progress or FlowRunProgress(when)
                self._progress.add_expected({(video, stage): expected for video, stage, _, expected, _ in rows})
            case ["started", when, video, stage, label, _, attempt]:
                run = self._task_run(video, stage, label)
                self._enter(run, task_run_events.start_attempt(run, when, attempt), when)
            case ["began", when, video, stage, label, _, attempt]:
                task_run_events.start_attempt(self._task_run(video, stage, label), when, attempt)
            case ["ended", when, outcome, final]:
                self._end_attempt(when, outcome, final)
            case ["log", when, level, text]:
                self._sender.logs.append(task_run_events.make_log_line(self._flow, None, level, text, when))
            case ["finished", _, result]:
                self._finished = result
            case ["close", seconds]:
                self._over, self._sender.deadline = "close", time.monotonic() + seconds
            case ["lost"]:
                self._over, self._sender.deadline = "lost", time.monotonic() + CRASH_TIMEOUT_S
            case _:
                raise AssertionError(f"unknown message {message[0]}")

    def _end_attempt(self, when: float, outcome: dict[str, Any], final: bool) -> None:
        if final and outcome["result"] in ("reused", "remote"):
            return  # it was not computed, so there is no task run
        run = self._task_run(outcome["video"], outcome["stage"], outcome["label"])
        state = task_run_events.end_attempt(run, when, outcome, final)
        self._enter(run, state, when)
        if state.message:
            level = ERROR if state.name in ("Failed", "FaultOnRecord") else WARNING
            self._sender.logs.append(task_run_events.make_log_line(self._flow, run, level, state.message, when))
        if final:
            self._settled += 1
            if self._progress is not None:
                self._progress.count_done((run.video, run.stage))

    def _enter(self, run: TaskRunRecord, state: task_run_events.TaskRunState, when: float) -> None:
        self._sender.events.append(task_run_events.make_state_event(self._flow, run, state, when))

    def _task_run(self, video: str, stage: str, label: str) -> TaskRunRecord:
        run = self._runs.get((video, stage))
        if run is None:
            delays = list(self._opening["retry_delays_s"])
            run = TaskRunRecord(video, stage, label, self._opening["versions"].get(stage), retry_delays_s=delays)
            self._runs[video, stage] = run
        return run

    def _show_progress(self) -> None:
        progress = self._progress
        if progress is None or not progress.is_due():
            return
        percent, words = progress.summarize()
        try:
            if progress.artifact is None:
                made = self._client.create_artifact(self._artifact("semflow-progress", "progress", percent, words))
                progress.artifact = made.id
            else:
                self._client.update_artifact(progress.artifact, ArtifactUpdate(data=percent, description=words))
        except httpx.TransportError:
            return  # the next update will be sent instead

    def _artifact(self, key: str, kind: str, data: Any, description: str) -> ArtifactCreate:
        return ArtifactCreate(key=key, type=kind, data=data, description=description, flow_run_id=self._flow.id)

    def _beat(self) -> None:
        """Send a heartbeat to a permanent server, by which automations detect runs that have died."""
        every = get_current_settings().flows.heartbeat_frequency
        if self._own or self._opening["flow_run_id"] or every is None or time.monotonic() < self._beat_at:
            return
        self._beat_at = time.monotonic() + max(every, 30)
        self._sender.events.append(
            {
                "occurred": task_run_events.format_time(time.time()),
                "event": "prefect.flow-run.heartbeat",
                "resource": {
                    "prefect.resource.id": f"prefect.flow-run.{self._flow.id}",
                    "prefect.resource.name": self._flow.name,
                },
            }
        )

    def _release(self) -> None:
        """Set items that are still running at the end of the run to Cancelled or Crashed."""
        lost = self._over == "lost"
        words = "the run was killed" if lost else "the run was interrupted"
        state = (
            task_run_events.TaskRunState("CRASHED", "Crashed", words)
            if lost
            else task_run_events.TaskRunState("CANCELLED", "Cancelled", words)
        )
        now = time.time()
        for run in self._runs.values():
            if run.start is not None:
                self._enter(run, state, now)
                self._settled += 1
        if self._finished is None:
            self._finished = {"state": [*state], "table": [], "index": ""}

    def _conclude(self) -> None:
        """Send the remaining events, the tables and the final state, then wait until they are recorded."""
        while self._sender.has_queued() and time.monotonic() < self._sender.deadline:
            self._sender.send_queued(self._flow.id)
        finished = self._finished
        assert finished is not None
        if self._progress is not None:
            self._progress.shown_at = NEVER
            self._show_progress()
        if finished["table"]:
            table = self._artifact("semflow-run", "table", json.dumps(finished["table"]), "The outcome of every item")
            self._client.create_artifact(table)
        if finished["index"]:
            link = f"[{finished['index']}](file://{finished['index']})"
            self._client.create_artifact(self._artifact("semflow-report", "markdown", link, "The reports"))
        if self._opening["flow_run_id"] is None:
            self._set_state(self._flow.id, *finished["state"])
        if not self._sender.wait_for_records(self._flow.id, self._settled) and self._over == "close":
            self._say(WARNING, f"Prefect recorded {self._sender.recorded} of {self._settled} items in time")

    def _set_state(self, run: UUID, kind: str, name: str, message: str) -> None:
        self._client.set_flow_run_state(run, RunState(type=StateType(kind), name=name, message=message), force=True)


def _lean(messages: list[list[Any]]) -> list[list[Any]]:
    """`messages`; if there are many, "started" becomes "began" (no event) for items whose end is among them."""
    if len(messages) < MIN_MESSAGES_TO_MERGE:
        return messages
    ended = {(m[2]["video"], m[2]["stage"]) for m in messages if m[0] == "ended" and m[3]}
    return [m if m[0] != "started" or (m[2], m[3]) not in ended else ["began", *m[1:]] for m in messages]
