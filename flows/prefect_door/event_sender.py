"""Send task-run events and log lines to Prefect's REST API in batches, with a bound on unrecorded events.

Events stay queued while the server does not answer. Prefect records events later than it accepts them, so the sender
queries how many task runs are in the database and waits where the server is too far behind.
"""

from __future__ import annotations

import time
from typing import Any, Literal
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient

from flows.prefect_door import task_run_events

BATCH = 200
"""Events or log lines in one request."""
MAX_IN_FLIGHT = 2000
"""Most items that the server may have accepted and not yet recorded; it drops events beyond 10,000 (Prefect 3.8.8)."""
MAX_PAUSE_S = 1.0
"""Longest time between two queries of the number of recorded items; each costs the server some milliseconds."""
FEW, MAX_PAUSE_OF_FEW_S = 100, 0.1
"""With at most so many task runs the pause is shorter: they are recorded within a second, and the user waits."""
STALL_TIMEOUT_S = 30.0
"""Seconds without progress of the server after which sending continues without waiting."""


class EventSender:
    """Queues of events and log lines for one flow run."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self.events: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.deadline = float("inf")
        """Time (time.monotonic) after which nothing is sent or waited for."""
        self.recorded = 0
        """Task runs in a final state that the server had in its database when last asked."""
        self._client = client
        self._sent = 0

    def has_queued(self) -> bool:
        """Whether events or log lines are queued."""
        return bool(self.events or self.logs)

    def send_queued(self, flow_run: UUID) -> None:
        """Send the queued events and lines; waits where too many events are unrecorded."""
        while self.events and self._post("/events", self.events[:BATCH]):
            self._sent += sum(task_run_events.is_final_event(event) for event in self.events[:BATCH])
            del self.events[:BATCH]
            if self._sent - self.recorded > MAX_IN_FLIGHT:
                self.wait_for_records(flow_run, self._sent - MAX_IN_FLIGHT // 2)
        while self.logs and self._post("/logs/", self.logs[:BATCH]):
            del self.logs[:BATCH]

    def wait_for_records(self, flow_run: UUID, wanted: int) -> bool:
        """Wait until `wanted` task runs in a final state are in the database; False where the server stalls."""
        filters = {
            "flow_runs": {"id": {"any_": [str(flow_run)]}},
            "task_runs": {"state": {"type": {"any_": list(task_run_events.FINAL_TYPES)}}},
        }
        moved, pause_s = time.monotonic(), 0.1
        while self.recorded < wanted:
            try:
                recorded = self._client.request("POST", "/task_runs/count", json=filters).json()
            except httpx.TransportError:
                recorded = self.recorded
            if recorded > self.recorded:
                self.recorded, moved, pause_s = recorded, time.monotonic(), 0.1
            elif time.monotonic() > min(moved + STALL_TIMEOUT_S, self.deadline):
                return False
            if self.recorded < wanted:
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, MAX_PAUSE_OF_FEW_S if wanted <= FEW else MAX_PAUSE_S)
        return True

    def _post(self, path: Literal["/events", "/logs/"], content: list[dict[str, Any]]) -> bool:
        """Whether the server accepted `content`; waits up to a second where it does not answer."""
        if time.monotonic() > self.deadline:
            return False
        try:
            self._client.request("POST", path, json=content)
        except httpx.HTTPError as error:
            if isinstance(error, httpx.HTTPStatusError) and not error.response.is_server_error:
                raise
            time.sleep(min(1.0, max(0.0, self.deadline - time.monotonic())))
            return False
        return True
