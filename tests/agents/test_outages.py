"""A server or a store that does not answer for a while delays a run and costs nothing else."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from flows.agents.batch import Batch
from flows.agents.document_store import BucketDocuments, FolderDocuments
from flows.agents.launcher import BatchRun
from flows.agents.outages import call_patiently
from flows.engine.dvc_store.remote import NoAnswer, Remote
from tasks.errors import SemflowError
from tests.agents.team import QUICK, Team, ThreadLauncher, make_team
from tests.agents.test_run_on_agents import FILMS, write_films
from tests.engine import toys


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = make_team(tmp_path, "remote")
    write_films(made.root)
    toys.CALLS.clear()
    return made


def reads() -> list[str]:
    return sorted(call for call in toys.CALLS if call.startswith("read"))


EACH_ONCE = sorted(f"read {name}" for name in FILMS)


class DeafLauncher(ThreadLauncher):
    """A launcher whose server does not answer some of the questions."""

    down: int = 4

    def _fail_sometimes(self) -> None:
        if self.down > 0:
            self.down -= 1
            raise SemflowError("the Prefect server must answer, got ConnectError")

    def launch_batch(self, batch: Batch) -> str:
        if len(self.launched) == 1:
            self._fail_sometimes()
        return super().launch_batch(batch)

    def read_runs(self, runs: Iterable[str]) -> Mapping[str, BatchRun]:
        self._fail_sometimes()
        return super().read_runs(runs)


def test_a_server_that_is_restarted_delays_the_run(team: Team) -> None:
    team.launcher = DeafLauncher(team.clones, team.launcher.settings)
    summary, _ = team.run()
    assert summary.is_good, summary
    assert team.launcher.down == 0 and reads() == EACH_ONCE


def test_a_server_that_stays_away_ends_the_run_with_its_words(team: Team) -> None:
    team.launcher = DeafLauncher(team.clones, team.launcher.settings)
    team.launcher.down = 10**9
    with pytest.raises(SemflowError, match="Prefect server must answer"):
        team.run(replace(QUICK, give_up_s=0.3))


def test_a_store_that_is_cut_off_while_results_are_handed_in_and_read(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fifth request fails, of the agents and of the coordinator, whatever it has read before."""
    team.launcher.settings = replace(team.launcher.settings, retry_s=(0.01,) * 20)
    count = 0

    def cut(function: Any) -> Any:
        def request(self: Any, *arguments: Any) -> Any:
            nonlocal count
            count += 1
            if count % 5 == 0:
                raise OSError(errno.ECONNRESET, "connection reset by peer")
            return function(self, *arguments)

        return request

    monkeypatch.setattr(Remote, "push_objects", cut(Remote.push_objects))
    true_list = FolderDocuments.list_documents

    def list_documents(self: FolderDocuments, folder: str) -> list[str]:
        nonlocal count
        if folder.startswith("results/"):
            count += 1
            if count % 5 == 0:
                raise OSError(errno.ETIMEDOUT, "timed out")
        return true_list(self, folder)

    monkeypatch.setattr(FolderDocuments, "list_documents", list_documents)
    summary, _ = team.run()
    assert summary.is_good, [str(outcome) for outcome in summary.outcomes if not outcome.is_good]
    assert count > 20


def test_an_agent_that_cannot_hand_in_ends_and_its_videos_go_to_another(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.launcher.settings = replace(team.launcher.settings, retry_s=())
    failures = iter([True, True])
    true_push = Remote.push_objects

    def push(self: Remote, md5s: Iterable[str]) -> set[str]:
        in_agent = "agent" in str(self.store.folder)
        if in_agent and next(failures, False):
            raise OSError(errno.ENOSPC, "no space left on device")
        return true_push(self, md5s)

    monkeypatch.setattr(Remote, "push_objects", push)
    summary, _ = team.run()
    assert summary.is_good, [str(outcome) for outcome in summary.outcomes if not outcome.is_good]


def test_a_store_that_does_not_answer_is_asked_again_and_other_errors_are_raised_at_once() -> None:
    slept: list[float] = []
    answers = iter([NoAnswer("away"), OSError(errno.ESTALE, "stale"), "here"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert call_patiently(ask, [1.0, 5.0, 20.0], slept.append) == "here" and slept == [1.0, 5.0]
    for error in (SemflowError("no such bucket"), OSError(errno.ENOSPC, "full"), NoAnswer("away for good")):
        answers = iter([error] * 2)
        with pytest.raises(type(error), match=str(error).rpartition("]")[2].strip()):
            call_patiently(ask, [1.0] if isinstance(error, NoAnswer) else [1.0] * 9, slept.append)
    assert slept == [1.0, 5.0, 1.0]


@dataclass
class FaultyBucket:
    """A file system whose requests end in `error`, with one document whose put was refused."""

    error: Exception
    content: bytes = b""

    def pipe_file(self, path: str, data: bytes, mode: str = "overwrite") -> None:
        raise self.error

    def cat_file(self, path: str, end: int) -> bytes:
        if not self.content:
            raise self.error
        return self.content

    def find(self, path: str) -> list[str]:
        raise self.error

    def invalidate_cache(self) -> None:
        pass


def test_errors_of_the_line_to_a_bucket_are_known_as_such() -> None:
    """botocore's are neither OSErrors nor translated by s3fs."""
    documents = BucketDocuments(FaultyBucket(EndpointConnectionError(endpoint_url="http://bucket")), "team/store")
    calls: list[Callable[[], object]] = [
        lambda: documents.read_document("a"),
        lambda: documents.write_document("a", b""),
        lambda: documents.create_document("a", b""),
        lambda: documents.list_documents("a"),
    ]
    for call in calls:
        with pytest.raises(NoAnswer, match="the bucket of team/store must answer, got EndpointConnectionError"):
            call()


@pytest.mark.parametrize(("content", "created"), [(b"mine", True), (b"of another", False)])
def test_a_put_that_is_refused_because_its_first_answer_was_lost_was_done(content: bytes, created: bool) -> None:
    refused = OSError(errno.EIO, "At least one of the pre-conditions you specified did not hold")
    answer = {"Error": {"Code": "412"}, "ResponseMetadata": {"HTTPStatusCode": 412}}
    refused.__cause__ = ClientError(answer, "PutObject")  # pyright: ignore[reportArgumentType]
    documents = BucketDocuments(FaultyBucket(refused, content), "team/store")
    assert documents.create_document("claims/x/1", b"mine") is created
