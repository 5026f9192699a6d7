"""Of several agents one holds a video, a dead one's claim ends, and one that slept too long knows it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from flows.agents.claims import STOPPED, ClaimTaker, Heartbeat, HeldClaims, make_holder, make_token
from flows.agents.document_store import FolderDocuments
from flows.agents.ended_claims import remove_ended_beats, remove_ended_claims
from tasks.errors import SemflowError

TOKEN = make_token("walk.mp4", "0" * 32)


class Clock:
    """A clock that moves when somebody sleeps; `during` is called at each sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.during = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.during()


@pytest.fixture
def documents(tmp_path: Path) -> FolderDocuments:
    return FolderDocuments(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taker(documents: FolderDocuments, agent: str, clock: Clock) -> ClaimTaker:
    return ClaimTaker(documents, agent, make_holder(agent), lease_s=40.0, pause_s=5.0, clock=clock, sleep=clock.sleep)


def beat(documents: FolderDocuments, of: ClaimTaker, count: object) -> None:
    documents.write_document(f"beats/{of.holder}", str(count).encode())


def test_a_free_video_is_claimed_at_once(documents: FolderDocuments, clock: Clock) -> None:
    found = taker(documents, "one", clock).take_claims([TOKEN])
    assert found.taken[TOKEN].number == 1 and not found.held and clock.now == 0.0


def test_a_video_of_a_living_agent_is_left_to_it_and_the_agent_is_named(
    documents: FolderDocuments, clock: Clock
) -> None:
    one = taker(documents, "one", clock)
    one.take_claims([TOKEN])
    beat(documents, one, 0)
    clock.during = lambda: beat(documents, one, clock.now)
    found = taker(documents, "two", clock).take_claims([TOKEN])
    assert not found.taken and found.held == {TOKEN: "one"}
    assert clock.now <= 10.0


def test_a_dead_agents_video_is_free_within_a_minute(documents: FolderDocuments, clock: Clock) -> None:
    one = taker(documents, "one", clock)
    one.take_claims([TOKEN])
    beat(documents, one, 7)
    found = taker(documents, "two", clock).take_claims([TOKEN])
    assert found.taken[TOKEN].number == 2 and 40.0 <= clock.now < 60.0


def test_an_agent_that_has_ended_leaves_its_videos_free_at_once(documents: FolderDocuments, clock: Clock) -> None:
    one = taker(documents, "one", clock)
    one.take_claims([TOKEN])
    beat(documents, one, STOPPED.decode())
    assert TOKEN in taker(documents, "two", clock).take_claims([TOKEN]).taken
    assert clock.now == 0.0


def test_an_ended_claim_leaves_its_video_free(documents: FolderDocuments, clock: Clock) -> None:
    one = taker(documents, "one", clock)
    HeldClaims(documents, dict(one.take_claims([TOKEN]).taken)).end_claims()
    assert taker(documents, "two", clock).take_claims([TOKEN]).taken[TOKEN].number == 2


def test_an_agent_that_slept_too_long_knows_who_has_taken_over(documents: FolderDocuments, clock: Clock) -> None:
    one = taker(documents, "one", clock)
    held = HeldClaims(documents, dict(one.take_claims([TOKEN]).taken))
    assert held.is_held(TOKEN)
    taker(documents, "two", clock).take_claims([TOKEN])
    assert not held.is_held(TOKEN) and held.lost == {TOKEN: "two"}
    held.end_claims()
    assert not documents.read_document(f"claims/{TOKEN}/1.end")


def test_of_twenty_agents_at_once_exactly_one_gets_each_video(documents: FolderDocuments) -> None:
    tokens = [make_token(f"film{n}.mp4", "0" * 32) for n in range(5)]
    winners: dict[str, list[str]] = {token: [] for token in tokens}
    barrier = threading.Barrier(20)

    def compete(name: str) -> None:
        holder = make_holder(name)
        with Heartbeat(documents, holder, beat_s=0.02):
            barrier.wait()
            found = ClaimTaker(documents, name, holder, lease_s=5.0, pause_s=0.05).take_claims(tokens)
            for token in found.taken:
                winners[token].append(name)
            barrier.wait()

    threads = [threading.Thread(target=compete, args=(f"agent{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(names) == 1 for names in winners.values()), winners


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a\\b", "a\0b"])
def test_a_document_cannot_lie_outside_the_store(documents: FolderDocuments, name: str) -> None:
    with pytest.raises(SemflowError, match="relative path"):
        documents.write_document(name, b"")


def test_a_document_is_created_once(documents: FolderDocuments) -> None:
    assert documents.create_document("a/b", b"first")
    assert not documents.create_document("a/b", b"second")
    assert documents.read_document("a/b") == b"first"
    assert documents.list_documents("a") == ["a/b"]
    documents.remove_documents("a")
    assert documents.read_document("a/b") is None and documents.list_documents("a") == []


def test_ended_claims_are_removed_and_those_that_go_on_stay(documents: FolderDocuments, clock: Clock) -> None:
    one, two = taker(documents, "one", clock), taker(documents, "two", clock)
    HeldClaims(documents, dict(one.take_claims([TOKEN]).taken)).end_claims()
    beat(documents, one, STOPPED.decode())
    going_on = two.take_claims([TOKEN]).taken[TOKEN]
    beat(documents, two, 0)
    ended = remove_ended_claims(documents, [TOKEN, make_token("other.mp4", "1" * 32)])
    remove_ended_beats(documents, ended, [], clock.sleep)
    assert ended == {one.holder} and clock.now == 0.0
    assert documents.list_documents("claims") == [going_on.name]
    assert documents.list_documents("beats") == [f"beats/{two.holder}"]
    assert HeldClaims(documents, {TOKEN: going_on}).is_held(TOKEN)


def test_a_video_whose_claims_were_removed_is_free_and_its_old_holder_has_lost_it(
    documents: FolderDocuments, clock: Clock
) -> None:
    one = taker(documents, "one", clock)
    first = one.take_claims([TOKEN]).taken
    HeldClaims(documents, dict(first)).end_claims()
    remove_ended_claims(documents, [TOKEN])
    assert taker(documents, "two", clock).take_claims([TOKEN]).taken[TOKEN].number == 1
    assert not HeldClaims(documents, dict(first)).is_held(TOKEN)


def test_claims_of_the_dead_and_of_those_that_stopped_without_a_word_are_removed(
    documents: FolderDocuments, clock: Clock
) -> None:
    one, two = taker(documents, "one", clock), taker(documents, "two", clock)
    other = make_token("other.mp4", "1" * 32)
    one.take_claims([TOKEN])
    beat(documents, one, 7)
    two.take_claims([other])
    beat(documents, two, STOPPED.decode())  # its mark of the end was lost on the way
    ended = remove_ended_claims(documents, [TOKEN, other], dead=[one.holder])
    remove_ended_beats(documents, ended, [one.holder], clock.sleep)
    assert documents.list_documents("claims") == [] == documents.list_documents("beats")


def test_a_beat_that_is_about_to_stop_is_waited_for(documents: FolderDocuments, clock: Clock) -> None:
    one = taker(documents, "one", clock)
    beat(documents, one, 3)
    clock.during = lambda: beat(documents, one, STOPPED.decode())
    remove_ended_beats(documents, [one.holder], [], clock.sleep)
    assert documents.list_documents("beats") == [] and clock.now == 1.0


def test_an_outage_longer_than_the_lease_frees_no_claim(documents: FolderDocuments, clock: Clock) -> None:
    """While nobody reaches the store, the holder cannot write its beat; it does when the store is back."""
    one = taker(documents, "one", clock)
    one.take_claims([TOKEN])
    beat(documents, one, 7)
    away = iter([100.0])

    def during() -> None:
        clock.now += next(away, 0.0)
        if clock.now > 110.0:
            beat(documents, one, clock.now)

    clock.during = during
    found = taker(documents, "two", clock).take_claims([TOKEN])
    assert found.held == {TOKEN: "one"} and not found.taken


class LossyDocuments(FolderDocuments):
    """Documents whose answers are lost once, so that the client puts a second time."""

    def create_document(self, name: str, data: bytes) -> bool:
        super().create_document(name, data)
        return super().create_document(name, data)


def test_a_claim_whose_answer_was_lost_is_held_all_the_same(tmp_path: Path, clock: Clock) -> None:
    documents = LossyDocuments(tmp_path)
    assert TOKEN in taker(documents, "one", clock).take_claims([TOKEN]).taken
    assert clock.now == 0.0
