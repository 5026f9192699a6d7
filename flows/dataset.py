"""The Prefect flows that a deployment runs; they call the engine and show its run in the flow run.

Each computed item has a task run with its name, its retries, and a log with the reason of a failure. A flow run fails
only for new failures; with recorded faults alone it is Completed. `semflow run` is shown in the same way without these
flows (flows/prefect_door).
"""

from __future__ import annotations

import os

# No telemetry unless the user enables it. Set before Prefect reads its settings.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run
from prefect.states import Failed

from flows.engine.project import Project, find_root
from flows.prefect_door.engine_adapter import make_mirror, run_engine
from flows.prefect_door.flow_run_state import decide_final_state
from flows.prefect_door.prefect_mirror import PrefectMirror
from tasks.errors import SemflowError

DRAIN_S = 30.0
"""Seconds that a finished flow run waits until Prefect has recorded it."""
INTERRUPT_S = 5.0
"""The same for a cancelled one; Prefect's worker kills a process that does not exit soon."""


@flow(name="process_dataset", validate_parameters=False)
def process_dataset(root: str | None = None, videos: list[str] | None = None) -> State[Any]:
    """Bring every video of the project at `root` up to date, or only `videos` (names as `semflow plan` prints them)."""
    return _log_errors(lambda: process_videos(_open(root), videos))


@flow(name="process_video", validate_parameters=False)
def process_video(video: str, root: str | None = None) -> State[Any]:
    """Bring one video up to date."""

    def run() -> State[Any]:
        project = _open(root)
        if video not in project.videos:
            raise SemflowError(
                f"video must be one of those in data/raw ({', '.join(project.videos) or 'none'}), got {video!r}"
            )
        return process_videos(project, [video])

    return _log_errors(run)


def process_videos(project: Project, videos: list[str] | None) -> State[Any]:
    """The body of both flows, in the thread of the flow: run the engine, show it in this flow run, return its state.

    A cancellation arrives as an exception in this thread, stops the engine, and propagates to Prefect.
    """
    with get_client(sync_client=True) as client:
        api_url = str(client.api_url).rstrip("/")
    mirror = make_mirror(project, flow_run_id=str(flow_run.get_id()), api_url=api_url)
    mirror.open(project.root, videos)
    drain_s = INTERRUPT_S
    try:
        with forward_logs(mirror):
            summary = run_engine(project, videos, mirror)
        drain_s = DRAIN_S
    finally:
        mirror.close(drain_s)
    final = decide_final_state(summary, mirror.attempted)
    return State(type=StateType(final.type), name=final.name, message=final.message)


@contextmanager
def forward_logs(mirror: PrefectMirror) -> Generator[None]:
    """Within the context, copy semflow's log records of all threads to the log of the flow run."""

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            mirror.on_message(record.levelno, record.getMessage())

    logger, handler = logging.getLogger("semflow"), Forward(logging.INFO)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _log_errors(run: Any) -> State[Any]:
    """The state that `run` returns; a SemflowError becomes a Failed state and a log line without traceback."""
    try:
        return run()
    except SemflowError as error:
        get_run_logger().error(str(error))
        return Failed(message=str(error))


def _open(root: str | None) -> Project:
    return Project.open(find_root(Path(root or ".").resolve()), fetch=True)
