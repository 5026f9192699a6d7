"""The Prefect flows: a task run per stale item, named after it; nothing here computes or decides, the engine does.

One flow run per call and no subflows: each would cost a second (Prefect joins a heartbeat thread), a task 3 ms.
"""

from __future__ import annotations

import os

# Nothing leaves the machine unasked. Set before Prefect reads its settings.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "semflow")
# The default of 20 s is too little for a first start (it builds a database) on a busy machine.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import Task, flow
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State as RunState
from prefect.states import Completed, Failed

from flows.engine.outcome import Item, Outcome
from flows.engine.project import Project, find_root
from flows.engine.run import bring_up_to_date
from flows.pipeline import STAGES
from tasks.content import digest
from tasks.errors import SemflowError
from tasks.fingerprint import fingerprint
from tasks.stage import Stage

RETRY_DELAYS_S = [1.0, 10.0]
"""Waits before the second and the third try of what may pass by itself: a full disk cache, a busy accelerator."""


@flow(name="process_dataset", validate_parameters=False)
def process_dataset(root: str | None = None, videos: list[str] | None = None) -> RunState[Any]:
    """Bring every video of the project at `root` up to date, or only `videos` (names as `semflow plan` prints them)."""
    project = Project.open(find_root(Path(root or ".").resolve()), STAGES)
    return process(project, videos)


@flow(name="process_video", validate_parameters=False)
def process_video(video: str, root: str | None = None) -> RunState[Any]:
    """Bring one video up to date."""
    project = Project.open(find_root(Path(root or ".").resolve()), STAGES)
    if video not in project.videos:
        raise SemflowError(
            f"video must be one of those in data/raw ({', '.join(project.videos) or 'none'}), got {video!r}"
        )
    return process(project, [video])


def process(project: Project, videos: list[str] | None) -> RunState[Any]:
    """The body of both flows; the state's data is the Summary."""
    summary = bring_up_to_date(project, videos, submit=submit_tasks(project))
    create_table_artifact(
        key="semflow-run",
        table=[_row(outcome) for outcome in summary.outcomes],
        description="What became of every video and stage",
    )
    bad = [outcome for outcome in summary.outcomes if not outcome.good]
    if bad:
        return Failed(message=f"{len(bad)} of {len(summary.outcomes)} items are not good: {bad[0]}", data=summary)
    return Completed(message=f"{len(summary.outcomes)} items are good", data=summary)


def submit_tasks(project: Project) -> Submit:
    """Submit items as Prefect tasks of the flow that is running."""
    tasks: Mapping[str, Task[..., Any]] = {stage.name: as_task(project, stage) for stage in project.stages}

    def submit(item: Item, before: list[Any]) -> Any:
        named = tasks[item.stage].with_options(task_run_name=str(item))
        return named.submit(item.video, wait_for=before)

    return submit


def as_task(project: Project, stage: Stage[..., Any]) -> Task[..., Any]:
    """The Prefect task of `stage`: takes a video's name, gives an Outcome; its version is the code's fingerprint."""

    def run(video: str) -> Outcome:
        return make(project, stage, video)

    return Task(
        fn=run,
        name=stage.name,
        description=stage.function.__doc__,
        version=digest(fingerprint(stage.module)),
        cache_policy=NO_CACHE,  # recipes decide; tensors never pass through Prefect
        persist_result=False,
        retries=len(RETRY_DELAYS_S),
        retry_delay_seconds=RETRY_DELAYS_S,
        retry_condition_fn=_may_pass,
    )


def _may_pass(task: Any, run: Any, state: RunState[Any]) -> bool:
    """Whether a failure may pass by itself: the machine's (I/O, memory), not the input's or the code's."""
    del task, run
    try:
        state.result()
    except SemflowError:
        return False
    except (OSError, MemoryError):
        return True
    except Exception as error:
        return type(error).__name__ in ("OutOfMemoryError", "AcceleratorError")
    return False


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "video": outcome.video,
        "stage": outcome.stage,
        "result": outcome.result,
        "seconds": round(outcome.seconds, 2),
        "frames": outcome.frames,
        "error": outcome.error or "",
    }
