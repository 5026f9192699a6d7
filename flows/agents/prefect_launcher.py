"""Hand batches to Prefect's work pools: a run of the deployment `process_batch/cpu` or `process_batch/gpu` each."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from flows.agents.batch import Batch
from flows.agents.exchange import Share
from flows.agents.launcher import BatchRun
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

FLOW = "process_batch"
POOLS = {"cpu": "semflow-cpu", "gpu": "semflow-gpu"}
"""What a batch needs to the work pool of the agents that have it."""
CHUNK = 200
"""Flow runs in one query: Prefect's limit."""
WAITING = ("SCHEDULED", "PENDING", "PAUSED")


@dataclass
class PrefectLauncher:
    """A Launcher on a Prefect server; its workers are the agents."""

    client: SyncPrefectClient
    share: Share
    tags: list[str] = field(default_factory=lambda: ["semflow"])
    _deployments: dict[str, UUID] = field(default_factory=dict[str, UUID])

    def count_agents(self) -> Mapping[str, int]:
        """See Launcher: the workers that are online."""
        from prefect.exceptions import ObjectNotFound

        found: dict[str, int] = {}
        for needs, pool in POOLS.items():
            try:
                with _wrap_errors():
                    workers = self.client.read_workers_for_work_pool(pool)
            except ObjectNotFound:
                continue
            found[needs] = sum(worker.status == "ONLINE" for worker in workers)
        return found

    def launch_batch(self, batch: Batch) -> str:
        """See Launcher."""
        with _wrap_errors():
            run = self.client.create_flow_run_from_deployment(
                self._find_deployment(batch.needs),
                parameters={"batch": batch.id, "share": self.share},
                name=batch.id,
                tags=self.tags,
                idempotency_key=batch.id,
            )
        return str(run.id)

    def read_runs(self, runs: Iterable[str]) -> Mapping[str, BatchRun]:
        """See Launcher."""
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        asked = [UUID(run) for run in runs]
        found: dict[str, BatchRun] = {}
        for start in range(0, len(asked), CHUNK):
            wanted = FlowRunFilter(id=FlowRunFilterId(any_=asked[start : start + CHUNK]))
            with _wrap_errors():
                found |= {str(run.id): _read_state(run) for run in self.client.read_flow_runs(flow_run_filter=wanted)}
        return found

    def cancel_run(self, run: str) -> None:
        """See Launcher."""
        from prefect.client.schemas.objects import State, StateType

        with _wrap_errors():
            found = self.client.read_flow_run(UUID(run))
            if found.state is None or found.state.is_final():
                return
            kind = StateType.CANCELLED if found.state.type.value in WAITING else StateType.CANCELLING
            self.client.set_flow_run_state(found.id, State(type=kind, message="taken back by the coordinator"))

    def _find_deployment(self, needs: str) -> UUID:
        from prefect.exceptions import ObjectNotFound

        if needs not in self._deployments:
            try:
                self._deployments[needs] = self.client.read_deployment_by_name(f"{FLOW}/{needs}").id
            except ObjectNotFound:
                raise SemflowError(
                    f"the Prefect server must have the deployment {FLOW}/{needs}, got none; run `semflow deploy`"
                ) from None
        return self._deployments[needs]


def _read_state(run: FlowRun) -> BatchRun:
    state = run.state
    if state is None or state.type.value in WAITING:
        return BatchRun("waiting")
    if state.is_final():
        return BatchRun("ended", "" if state.is_completed() else f"{state.name}: {state.message or 'no reason given'}")
    return BatchRun("running")


@contextmanager
def _wrap_errors() -> Generator[None]:
    """Turn errors of the connection into a SemflowError; the coordinator goes on, and asks again."""
    import httpx

    try:
        yield
    except httpx.HTTPError as error:
        raise SemflowError(
            f"the Prefect server must answer, got {type(error).__name__}: {error}; see that it runs"
        ) from error
