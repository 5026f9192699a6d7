"""What goes wrong on an agent costs time and nothing else: no result is lost, torn, wrong or on the wrong video."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from flows.agents import results
from flows.agents.batch import Batch, read_batch
from flows.agents.compute_batch import AgentSettings, compute_batch
from flows.agents.cut_batches import BatchSizes
from flows.agents.document_store import FolderDocuments
from flows.agents.exchange import Exchange
from flows.agents.run_settings import AgentRunSettings
from flows.engine.dvc_store.remote import NoAnswer
from flows.engine.outcome import Outcome
from flows.engine.recipe import Recipe
from flows.engine.status_file import StatusFile
from tasks.errors import SemflowError
from tests.agents.team import BEAT_S, LEASE_S, QUICK, Team, make_team
from tests.agents.test_run_on_agents import FILMS, write_films
from tests.engine import toys


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = make_team(tmp_path, "remote")
    write_films(made.root)
    toys.CALLS.clear()
    return made


def test_a_batch_whose_agent_dies_goes_to_another(team: Team) -> None:
    died: list[str] = []

    def die_once(clone: Path, batch: Batch) -> None:
        if not died:
            died.append(batch.id)
            raise RuntimeError("the power is cut")

    team.launcher.before = die_once
    summary, _ = team.run()
    assert summary.is_good and died
    assert sorted(c for c in toys.CALLS if c.startswith("read")) == sorted(f"read {name}" for name in FILMS)


def test_an_agent_that_always_dies_is_named_and_what_waits_is_blocked(team: Team) -> None:
    def die(clone: Path, batch: Batch) -> None:
        raise RuntimeError("no disk")

    team.launcher.before = die
    summary, _ = team.run()
    assert not summary.is_good
    assert {o.result for o in summary.outcomes} <= {"failed", "blocked"}
    assert any("no disk" in (o.error or "") for o in summary.outcomes)
    assert len(team.launcher.launched) <= 5 * len(FILMS)


def test_an_agent_with_other_parameters_cannot_matter_as_a_batch_brings_them(team: Team) -> None:
    for clone in team.clones:
        (clone / "params.yaml").write_text(toys.PARAMS.replace("letter: a", "letter: n"))
    summary, _ = team.run()
    assert summary.is_good


def test_an_agent_with_other_code_is_refused_and_the_difference_is_named(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks import fingerprint

    true = fingerprint.fingerprint_module

    def change(module: str) -> dict[str, str]:
        in_agent = threading.current_thread() is not threading.main_thread()
        return {**true(module), **({"tests.engine.toys": "other"} if in_agent else {})}

    monkeypatch.setattr(fingerprint, "fingerprint_module", change)
    summary, _ = team.run()
    assert not summary.is_good and not toys.CALLS
    assert any("code tests.engine.toys differs" in (o.error or "") for o in summary.outcomes), summary.outcomes


def differ_on_agents(monkeypatch: pytest.MonkeyPatch, name: str, here: object, there: object) -> None:
    """Let the function `name` give `there` in the threads of agents, and `here` in the coordinator's."""

    def answer(*_: object) -> object:
        return here if threading.current_thread() is threading.main_thread() else there

    monkeypatch.setattr(name, answer)


def test_an_agent_with_other_weights_is_refused_and_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_weights = (replace(toys.TOYS[0], weights=lambda *_: ("toy-model",)), *toys.TOYS[1:])
    monkeypatch.setattr(toys, "TOYS", with_weights)
    differ_on_agents(monkeypatch, "tasks.weights.catalog.weights_sha256", "a" * 64, "b" * 64)
    team = make_team(tmp_path, "remote")
    write_films(team.root)
    toys.CALLS.clear()
    summary, _ = team.run()
    assert not summary.is_good and not toys.CALLS
    assert any("weights toy-model" in (o.error or "") for o in summary.outcomes), summary.outcomes


def test_an_agent_with_another_kind_of_device_is_refused_where_the_device_is_named(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    differ_on_agents(monkeypatch, "tasks.device_class.classify_device", "", "cpu-aarch64")
    summary, _ = team.run()
    assert not summary.is_good and not toys.CALLS
    assert any("device: any -> cpu-aarch64" in (o.error or "") for o in summary.outcomes), summary.outcomes


def test_an_agent_with_another_kind_of_device_is_welcome_where_any_will_do(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = toys.PARAMS.replace("device: cpu", "device: auto")
    (team.root / "params.yaml").write_text(params)
    differ_on_agents(monkeypatch, "tasks.device_class.classify_device", "", "cpu-aarch64")
    summary, _ = team.run()
    assert summary.is_good, summary.outcomes
    toys.CALLS.clear()
    assert team.run()[0].is_good and not toys.CALLS


def test_two_agents_with_one_batch_compute_each_video_once(team: Team) -> None:
    one_batch = replace(QUICK, sizes=BatchSizes(min_s=1e6))
    second: list[threading.Thread] = []

    def start_second(clone: Path, batch: Batch) -> None:
        settings = AgentSettings("second", "remote", toys.TOYS, BEAT_S, LEASE_S)
        other = team.clones[1] if clone == team.clones[0] else team.clones[0]
        second.append(threading.Thread(target=compute_batch, args=(other, batch.id, settings)))
        second[-1].start()

    team.launcher.before = start_second
    summary, _ = team.run(one_batch)
    for thread in second:
        thread.join()
    assert summary.is_good
    assert sorted(c for c in toys.CALLS if c.startswith("read")) == sorted(f"read {name}" for name in FILMS)


def test_a_result_of_another_video_is_refused_and_the_item_is_computed(team: Team) -> None:
    """Its seal and key are right for what it claims to be."""
    documents = Exchange.open_project(team.root, "remote").documents
    forged: list[str] = []

    def forge(clone: Path, batch: Batch) -> None:
        if forged:
            return
        forged.append(batch.id)
        first, method = batch.videos[0].name, batch.methods[0]
        inputs = {"raw": f"{'0' * 32} other.mp4"}
        recipe = Recipe(first, "read", method.digest, inputs, {"data/words": {"": ("1" * 32, 3)}})
        result = results.ItemResult("mallory", Outcome(first, "read", "computed"), recipe, method)
        results.write_result(documents, batch.id, "0-forged", result)

    team.launcher.before = forge
    listener = Listener()
    summary, _ = team.run(observers=[listener])
    assert summary.is_good and forged
    assert any("was computed by mallory from another raw" in line for line in listener.lines), listener.lines
    assert all(read_words(team, name) == text for name, text in FILMS.items())


@dataclass
class Listener(StatusFile):
    """An observer that keeps the lines for the user."""

    root: Path = Path("/nonexistent")
    lines: list[str] = field(default_factory=list[str])

    def on_message(self, level: int, message: str) -> None:
        self.lines.append(message)


def read_words(team: Team, video: str) -> str:
    """The words of a video, by the MD5 in its recipe, from the place that all see."""
    recipe = json.loads((team.root / f"data/recipes/read/{video}.recipe.json").read_text())
    md5 = recipe["outputs"]["data/words"][""][0]
    shared = team.root.parent / "shared" / "files/md5"
    return (shared / md5[:2] / md5[2:]).read_text()


def test_a_batch_that_was_edited_is_refused(team: Team) -> None:
    exchange = Exchange.open_project(team.root, "remote")
    exchange.documents.write_document("batches/x.json", b'{"format": 1}')
    with pytest.raises(SemflowError, match="must be one that semflow wrote"):
        read_batch(exchange.documents, "x")
    with pytest.raises(SemflowError, match="letters, digits and dashes"):
        read_batch(exchange.documents, "../x")
    with pytest.raises(SemflowError, match="same default DVC remote"):
        read_batch(exchange.documents, "y")


def test_without_any_agent_the_run_says_so(team: Team) -> None:
    team.launcher.clones = []
    with pytest.raises(SemflowError, match="at least one agent"):
        team.run()


def test_nothing_of_a_run_stays_in_the_exchange_but_objects(team: Team) -> None:
    team.run()
    documents = Exchange.open_project(team.root, "remote").documents
    left = [documents.list_documents(folder) for folder in ("results", "batches", "claims", "beats")]
    assert left == [[], [], [], []]


def test_what_could_not_be_removed_when_a_batch_ended_is_removed_at_the_end(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = FolderDocuments.remove_document
    failures = iter(range(2))

    def remove(self: FolderDocuments, name: str) -> None:
        if name.startswith("batches/") and next(failures, None) is not None:
            raise NoAnswer("away")
        true(self, name)

    monkeypatch.setattr(FolderDocuments, "remove_document", remove)
    team.run()
    assert next(failures, None) is None, "the store was away twice"
    documents = Exchange.open_project(team.root, "remote").documents
    assert [documents.list_documents(folder) for folder in ("results", "batches")] == [[], []]


def test_a_batch_that_nobody_takes_is_given_up_in_time(team: Team) -> None:
    team.launcher._free.clear()  # agents that never take anything
    settings = AgentRunSettings(BatchSizes(min_s=0.0), poll_s=0.02, start_timeout_s=0.1)
    summary, _ = team.run(settings)
    assert any("no agent took it" in (o.error or "") for o in summary.outcomes)
