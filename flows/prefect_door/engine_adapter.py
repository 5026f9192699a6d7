"""Connects Prefect with the engine: makes the mirror of a project, and runs the engine with it as observer.

What computes is imported where it is called: a run from the command line starts Prefect's process before it.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flows.engine.outcome import Item, Observer, Summary
from flows.engine.project import Project
from flows.prefect_door.prefect_mirror import PrefectMirror, SayLine
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.content_hash import combine_hashes

DRAIN_S = 5.0
"""Seconds that a run from the command line waits at its end until Prefect has recorded it."""
INTERRUPT_S = 1.5
"""The same for an interrupted run."""


class BatchMirror(PrefectMirror):
    """The mirror of a batch: an agent's folder is emptied after it, so there is no report to link."""

    def on_finished(self, summary: Summary) -> None:
        super().on_finished(replace(summary, index=""))


def make_mirror(
    project: Project,
    flow_run_id: str | None = None,
    api_url: str | None = None,
    say: SayLine | None = None,
    kind: type[PrefectMirror] = PrefectMirror,
) -> PrefectMirror:
    """The mirror of a run of `project`, with the code fingerprints of its stages and the inputs of its items."""
    from flows.engine.run_items import RETRY_DELAYS_S

    return kind(
        _versions(project),
        lambda item: find_sources(project, item),
        retry_delays_s=RETRY_DELAYS_S,
        flow_run_id=flow_run_id,
        api_url=api_url,
        say=say,
    )


class LazyMirror(PrefectMirror):
    """A mirror of the project at `root` that is opened only when there are items to compute.

    Prefect's server takes longer to start than a plan, so the other process is started before where a raw file is new.
    """

    def __init__(self, root: Path, videos: Sequence[str] | None) -> None:
        super().__init__()
        self.interrupted = False
        self._root = root
        self._videos = videos

    def describe_project(self, project: Project) -> None:
        """Give the code fingerprints of the stages of `project` and the inputs of its items, before `on_planned`."""
        from flows.engine.run_items import RETRY_DELAYS_S

        self._retry_delays_s = list(RETRY_DELAYS_S)
        self._versions = _versions(project)
        self._reads = lambda item: find_sources(project, item)

    def on_new_file(self) -> None:
        """Start the other process; a raw file has not been read before."""
        self.start_process(self._root)

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        self.open(self._root, self._videos)
        super().on_planned(items, expected_s, workers)

    def on_finished(self, summary: Summary) -> None:
        self.interrupted = bool(summary.interrupted)
        super().on_finished(summary)


@contextmanager
def mirror_run(root: Path, videos: Sequence[str] | None) -> Generator[LazyMirror]:
    """The mirror of a run from the command line; Prefect is not started for a run with nothing to do."""
    mirror = LazyMirror(root, videos)
    try:
        yield mirror
    finally:
        mirror.close(INTERRUPT_S if mirror.interrupted else DRAIN_S, quiet=mirror.interrupted)


def find_sources(project: Project, item: Item) -> list[Item]:
    """The items that an item may read, for the graph of the flow run."""
    declaration = project.by_name[item.stage]
    found: dict[Item, None] = {}
    for argument, kind in declaration.inputs.items():
        maker = project.producers.get(kind.folder)
        if maker is None or kind.is_raw or kind.user_path:
            continue
        owners = project.videos if argument in declaration.dataset_inputs else [item.video]
        found |= {Item(DATASET_ITEM if maker.over_dataset else owner, maker.name): None for owner in owners}
    return list(found)


def run_engine(project: Project, videos: Sequence[str] | None, observer: Observer) -> Summary:
    """Bring `videos` (None: all) up to date with `observer`.

    A signal that interrupted the run is raised again after the engine has released its lock, for Prefect's handler.
    """
    from flows.engine.run import run_stale_items

    summary = run_stale_items(project, videos, observers=[observer])
    if summary.interrupted:
        signal.raise_signal(summary.interrupted)
    return summary


def _versions(project: Project) -> dict[str, str]:
    return {declaration.name: combine_hashes(dict(declaration.method.code)) for declaration in project.declarations}
