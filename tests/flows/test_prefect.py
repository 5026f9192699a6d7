"""The Prefect flow: a task run per stale item, named after it, and a table of what became of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.testing.utilities import prefect_test_harness

from flows import dataset
from flows.engine.project import Project
from tests.engine import toys
from tests.engine.conftest import project_root, reopen

__all__ = ["project_root", "reopen"]  # fixtures


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def process(reopen: Callable[[], Project]) -> Callable[[], object]:
    """Run the body of the flows over the toy project, return the final state."""

    @flow(name="process_toys")
    def process_toys() -> object:
        return dataset.process(reopen(), None)

    return lambda: process_toys(return_state=True)


@pytest.mark.usefixtures("server")
def test_stale_items_become_task_runs_named_after_them(process: Callable[[], object], project_root: Path) -> None:
    toys.CALLS.clear()
    state = process()
    assert state.is_completed()  # type: ignore[attr-defined]
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs()
        assert {"read one", "join two"} <= {run.name for run in runs}
        assert len(runs) == 8
        versions = {run.task_version for run in runs if run.name.startswith("join")}
        assert len(versions) == 1 and None not in versions, "the task's version is the fingerprint of its code"
        tables = [a for a in client.read_artifacts() if a.key == "semflow-run"]
        assert len(tables) == 1
        assert '"stage": "join"' in str(tables[0].data)


@pytest.mark.usefixtures("server")
def test_a_flow_with_a_failed_item_ends_failed_and_the_rest_is_made(
    process: Callable[[], object], project_root: Path
) -> None:
    (project_root / "data/raw/bad.mp4").write_text("")
    state = process()
    assert state.is_failed()  # type: ignore[attr-defined]
    assert (project_root / "data/pages/one").is_dir()


@pytest.mark.usefixtures("server")
def test_what_may_pass_by_itself_is_tried_again(
    process: Callable[[], object], project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "RETRY_DELAYS_S", [0.0, 0.0])
    tries: list[int] = []
    save = toys.Counts.save

    def flaky(self: toys.Counts, path: Path) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(os.strerror(5))
        save(self, path)

    monkeypatch.setattr(toys.Counts, "save", flaky)
    state = process()
    assert state.is_completed()  # type: ignore[attr-defined]
    assert len(tries) == 3, "two videos, one of them twice"
