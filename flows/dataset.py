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
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.agents.agent import make_agent_name
from flows.agents.compute_batch import AgentSettings, compute_batch
from flows.agents.exchange import check_share
from flows.agents.prefect_launcher import PrefectLauncher
from flows.agents.run_on_agents import run_on_agents
from flows.cli.run_forecast import ForecastNotice
from flows.cli.text_formatting import format_size
from flows.engine.film_lengths import measure_new_films
from flows.engine.inbox import fetch_inbox
from flows.engine.outcome import Summary
from flows.engine.project import Project, find_root
from flows.engine.settled_videos import find_unsettled
from flows.prefect_door.engine_adapter import BatchMirror, make_mirror, run_engine
from flows.prefect_door.flow_run_state import decide_final_state
from flows.prefect_door.prefect_mirror import PrefectMirror
from tasks.errors import SemflowError

DRAIN_S = 30.0
"""Seconds that a finished flow run waits until Prefect has recorded it."""
INTERRUPT_S = 5.0
"""The same for a cancelled one; Prefect's worker kills a process that does not exit soon."""


@flow(name="process_dataset", validate_parameters=False)
def process_dataset(
    root: str | None = None,
    videos: list[str] | None = None,
    agents: bool = False,
    share: str = "remote",
    inbox: str | None = None,
) -> State[Any]:
    """Bring every video of the project at `root` up to date, or only `videos` (names as `semflow plan` prints them).

    New films at `inbox` (`s3://bucket/incoming`) are fetched into data/raw first.
    With `agents` in batches on the workers of the pools `semflow-cpu` and `semflow-gpu`, which exchange data through
    the DVC remote, or, with `share` = "cache", through one cache folder; this flow plans, accepts, and records once.
    """

    def run() -> State[Any]:
        if inbox is not None:
            _fetch_inbox(_find_root(root), inbox)
        return process_videos(_open(root), videos, share if agents else None)

    return _log_errors(run)


@flow(name="process_batch", validate_parameters=False)
def process_batch(batch: str, share: str = "remote", root: str | None = None) -> State[Any]:
    """Compute a batch that a coordinator wrote, with the clone at `root` (SEMFLOW_ROOT, else the current folder)."""
    return _log_errors(lambda: _compute_batch(batch, share, _find_root(root)))


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


def process_videos(project: Project, videos: list[str] | None, share: str | None = None) -> State[Any]:
    """The body of the flows over a project, in the thread of the flow: run the engine, show it in this flow run, return
    its state. `share`: how agents exchange data; None: computed here.

    A cancellation arrives as an exception in this thread, stops the engine, and propagates to Prefect.
    """
    with get_client(sync_client=True) as client:
        mirror = _make_mirror(project, str(client.api_url))
        mirror.open(project.root, videos)
        drain_s = INTERRUPT_S
        try:
            with forward_logs(mirror):
                videos = _select_settled(project, videos)
                if share is None:
                    summary = run_engine(project, videos, mirror)
                else:
                    summary = _run_on_agents(project, videos, mirror, PrefectLauncher(client, check_share(share)))
            drain_s = DRAIN_S
        finally:
            mirror.close(drain_s)
    final = decide_final_state(summary, mirror.attempted)
    return State(type=StateType(final.type), name=final.name, message=final.message)


def _select_settled(project: Project, videos: list[str] | None) -> list[str] | None:
    """The videos to process: without those whose files are still being copied, which wait for the next run."""
    unsettled = find_unsettled(project)
    if not unsettled:
        return videos
    logging.getLogger("semflow").warning("still being copied, left for the next run: %s", ", ".join(unsettled))
    return [name for name in (project.videos if videos is None else videos) if name not in unsettled]


def _run_on_agents(
    project: Project, videos: list[str] | None, mirror: PrefectMirror, launcher: PrefectLauncher
) -> Summary:
    measure_new_films(project.state, project.videos)
    said = ForecastNotice(project, lambda line: mirror.on_message(logging.INFO, line.rstrip()))
    summary, moved = run_on_agents(project, launcher, launcher.share, videos=videos, observers=[said, mirror])
    mirror.on_message(
        logging.INFO,
        f"agents fetched {format_size(moved.received_by_agents)} and pushed {format_size(moved.sent_by_agents)}; the "
        f"coordinator pushed {format_size(moved.pushed_here)}",
    )
    if summary.interrupted:
        signal.raise_signal(summary.interrupted)
    return summary


def _compute_batch(batch: str, share: str, root: Path) -> State[Any]:
    """Compute the batch with the items shown as task runs of this flow run; gives its state."""
    run_id = str(flow_run.get_id())
    mirrors: list[PrefectMirror] = []
    with get_client(sync_client=True) as client:
        api_url = str(client.api_url)

    def observe(project: Project) -> PrefectMirror:
        mirrors.append(_make_mirror(project, api_url, BatchMirror))
        mirrors[-1].open(project.root, None)
        return mirrors[-1]

    settings = AgentSettings(make_agent_name(run_id[:8]), check_share(share))
    try:
        end, summary = compute_batch(root, batch, settings, [observe])
    finally:
        for mirror in mirrors:
            mirror.close(DRAIN_S)
    if summary is not None and summary.interrupted:
        signal.raise_signal(summary.interrupted)
    if end.error:
        return Failed(message=end.error)
    if summary is None:
        return Completed(message=f"nothing to do: {len(end.held)} videos are held by other agents")
    final = decide_final_state(summary, mirrors[0].attempted)
    return State(type=StateType(final.type), name=final.name, message=final.message)


def _make_mirror(project: Project, api_url: str, kind: type[PrefectMirror] = PrefectMirror) -> PrefectMirror:
    return make_mirror(project, flow_run_id=str(flow_run.get_id()), api_url=api_url.rstrip("/"), kind=kind)


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


def _fetch_inbox(root: Path, inbox: str) -> None:
    """Fetch what is new; an inbox that cannot be read is a line in the log, and the run goes on without it."""
    logger = get_run_logger()
    try:
        intake = fetch_inbox(root, inbox)
    except SemflowError as error:
        logger.error(str(error))
        return
    logger.info("fetched %d new films from %s: %s", len(intake.fetched), inbox, ", ".join(intake.fetched) or "none")
    for line in intake.refused:
        logger.warning(line)


def _open(root: str | None) -> Project:
    return Project.open(_find_root(root), fetch=True)


def _find_root(root: str | None) -> Path:
    """The project at `root`, by default at SEMFLOW_ROOT, which `semflow agent` sets, else in the current folder."""
    return find_root(Path(root or os.environ.get("SEMFLOW_ROOT") or ".").resolve())
