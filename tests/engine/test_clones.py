"""The data set belongs to a team: a clone that holds a part of it, or nothing yet, computes nothing that is recorded
and drops nothing that is recorded, whichever door it goes through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.content_hash import md5_file
from tests.engine.entry_points import VIDEOS, Toy, prefork_server, start_project
from tests.engine.mutations import EACH, items

ALL_ITEMS = items("read", "count", "collect", "look", "tell")
RAW = set(VIDEOS)


@dataclass
class Team:
    """A project that was pushed to a folder, and one colleague's experiment on a branch."""

    toy: Toy
    remote: Path
    objects: dict[str, str]
    """Path below the project of every recorded file to its MD5."""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("clones")
    with prefork_server(folder) as served:
        toy = start_project(folder / "made", folder, served)
        remote = folder / "remote"
        toy.dvc("remote", "add", "-d", "team", str(remote))
        toy.run()
        commit(toy, "Features")
        objects = {
            name: md5_file(toy.root / name)
            for name in toy.files()
            if not name.startswith("data/notes") and not name.endswith((".dvc", ".lock", ".gitignore"))
        }
        toy.git("checkout", "-qb", "experiment")
        toy.edit("params.yaml", "letter: a", "letter: n")
        toy.run()
        commit(toy, "Count another letter")
        toy.git("checkout", "-q", "main")
        toy.run()
        assert toy.is_clean()
        yield Team(toy, remote, objects)


def commit(toy: Toy, message: str) -> None:
    """Share a version with the team."""
    toy.dvc("push", "-q")
    toy.git("add", ".")
    toy.git("commit", "-qm", message)


@pytest.fixture
def clone(team: Team, tmp_path: Path) -> Toy:
    return team.toy.clone(tmp_path / "clone")


def stems(toy: Toy, out: str) -> set[str]:
    """The videos that an out has on record."""
    return {name.partition(".")[0] for name in toy.recorded(out) if not name.endswith(".method.json")}


def expect_all_recorded(toy: Toy, *more: str) -> None:
    """Every video, and `more`, in every stage and among the raw files."""
    expect_features_recorded(toy, *more)
    assert toy.recorded("data/raw.dvc") == RAW | {f"{video}.mp4" for video in more}


def expect_features_recorded(toy: Toy, *more: str) -> None:
    for out in ("data/words", "data/facts", "data/counts", "data/looks", "data/recipes/read", "data/recipes/tell"):
        assert stems(toy, out) == {*EACH, *more}, out
    assert {name.partition("/")[0] for name in toy.recorded("data/pages")} == {"one", "two", "day__three", *more}


def here(team: Team, toy: Toy) -> set[str]:
    """Recorded files whose bytes are in the clone's DVC cache."""
    cache = toy.root / ".dvc/cache/files/md5"
    return {name for name, md5 in team.objects.items() if (cache / md5[:2] / md5[2:]).exists()}


def test_a_fresh_clone_knows_every_video_and_computes_nothing(team: Team, clone: Toy) -> None:
    lock = (clone.root / "dvc.lock").read_bytes()
    assert clone.read_statuses() == dict.fromkeys(ALL_ITEMS, "remote")
    answer = clone.command("semflow", "run", "--json")
    assert answer.code == 0
    assert {outcome["result"] for outcome in answer.json["outcomes"]} == {"remote"}
    assert answer.json["unrecorded"] == {}
    assert answer.json["moved"] == []
    assert clone.calls() == []
    assert (clone.root / "dvc.lock").read_bytes() == lock
    assert all(name.startswith("data/recipes/") for name in here(team, clone)), "no artifact was fetched"


def test_pulled_features_are_fresh_without_a_raw_file(team: Team, clone: Toy) -> None:
    answer = clone.command("semflow", "run", "--pull", "--json")
    assert answer.code == 0
    assert {outcome["result"] for outcome in answer.json["outcomes"]} == {"restored"}
    assert clone.read_statuses() == dict.fromkeys(ALL_ITEMS, "fresh")
    assert clone.calls() == []
    made = team.toy.files()
    assert {name: data for name, data in clone.files().items() if name in team.objects} == {
        name: data for name, data in made.items() if name in team.objects and not name.startswith("data/raw/")
    }


def test_a_clone_adds_its_own_video_and_records_all(clone: Toy) -> None:
    clone.write("data/raw/mine.mp4", "salad")
    computed = items("read", "count", "look", videos=("mine",)) | items("collect", "tell", videos=(*EACH, "mine"))
    answer = clone.semflow("run")
    results = {f"{o['stage']} {o['video'].replace('/dataset', '(dataset)')}": o["result"] for o in answer["outcomes"]}
    assert {item for item, result in results.items() if result == "computed"} == computed
    assert {item for item, result in results.items() if result == "remote"} == items("read")
    assert {item for item, result in results.items() if result == "restored"} == items("count", "look"), "what is read"
    assert answer["moved"] == []
    assert answer["unrecorded"] == {}
    expect_all_recorded(clone, "mine")
    assert clone.run() == {}
    expect_all_recorded(clone, "mine")


@pytest.mark.parametrize("reachable", ["no remote", "no answer"])
def test_no_recorded_file_is_lost_while_the_remote_is_unreachable(clone: Toy, reachable: str) -> None:
    if reachable == "no remote":
        clone.dvc("remote", "remove", "team")
    else:
        clone.dvc("remote", "modify", "team", "url", "/nowhere/at/all")
    before = {name: (clone.root / name).read_bytes() for name in ("dvc.lock", "data/raw.dvc")}
    clone.write("data/raw/mine.mp4", "salad")
    answer = clone.semflow("run")
    assert set(answer["unrecorded"]) == {"read", "count", "collect", "look", "tell"}
    for reason in answer["unrecorded"].values():
        assert "is neither in DVC's cache nor in its remote" in reason or "is blocked" in reason
    assert any("dvc.lock records recipes that are not here" in note for note in answer["notes"])
    assert {name: (clone.root / name).read_bytes() for name in before} == before


def test_a_changed_parameter_pulls_what_its_stage_reads_and_nothing_else(team: Team, clone: Toy) -> None:
    clone.dvc("pull", "-q", "data/words/one.txt", "data/facts/one.txt")
    assert clone.read_statuses() == dict.fromkeys(ALL_ITEMS, "remote") | {"read one": "fresh"}
    clone.edit("params.yaml", "times: 2", "times: 3")
    assert clone.stale() == dict.fromkeys(items("tell"), "parameter times: 2 -> 3")
    before = here(team, clone)
    read = items("count", "collect", "look")
    assert clone.run() == dict.fromkeys(items("tell"), "computed") | dict.fromkeys(read, "restored")
    assert clone.calls() == ["tell", "tell", "tell"]
    folders = {"data/counts", "data/totals", "data/looks"}
    wanted = {name for name in team.objects if "/".join(name.split("/")[:2]) in folders}
    # Some files have the same bytes as others, and so the same object; the new pages share some with the old ones.
    pages = {md5_file(path) for path in (clone.root / "data/pages").rglob("*.txt")}
    same = {team.objects[name] for name in before | wanted} | pages
    assert {team.objects[name] for name in here(team, clone) if "/recipes/" not in name} <= same
    assert wanted <= here(team, clone)
    expect_all_recorded(clone)


def test_a_value_that_a_colleague_recorded_on_another_branch_is_restored(clone: Toy) -> None:
    clone.edit("params.yaml", "letter: a", "letter: n")
    assert set(clone.stale()) == items("count", "collect", "tell")
    assert clone.run().items() >= dict.fromkeys(items("count", "collect", "tell"), "restored").items()
    assert clone.calls() == []
    expect_all_recorded(clone)


def test_dvc_repro_in_a_partial_clone_keeps_what_is_recorded(clone: Toy) -> None:
    clone.dvc("pull", "-q", "data/raw.dvc")
    (clone.root / "data/raw/two.mp4").unlink()
    clone.edit("params.yaml", "times: 2", "times: 3")
    assert clone.repro().items() >= dict.fromkeys(items("tell"), "computed").items()
    assert clone.calls() == ["tell", "tell", "tell"]
    expect_all_recorded(clone)
    # DVC itself takes what lies in data/raw for all there is, when no stage has to run that puts the rest back.
    assert clone.repro() == {}
    expect_features_recorded(clone)
    assert clone.run() == {}
    assert clone.calls() == []
    expect_all_recorded(clone)


def test_dvc_repro_without_any_raw_file_says_what_to_pull_and_records_nothing(clone: Toy) -> None:
    before = {name: (clone.root / name).read_bytes() for name in ("dvc.lock", "data/raw.dvc")}
    answer = clone.command("dvc", "repro")
    assert answer.code != 0
    assert "data/raw" in answer.err
    assert {name: (clone.root / name).read_bytes() for name in before} == before


def test_two_clones_that_each_add_a_video_are_merged(team: Team, tmp_path: Path) -> None:
    ours, theirs = (team.toy.clone(tmp_path / name) for name in ("ours", "theirs"))
    for toy, video in ((theirs, "hers"), (ours, "his")):
        toy.write(f"data/raw/{video}.mp4", f"{video} salad")
        toy.run()
        commit(toy, f"Add {video}")
    ours.git("config", "merge.conflictStyle", "merge")
    with pytest.raises(AssertionError, match="CONFLICT"):
        ours.git("pull", "-q", "--no-rebase", str(theirs.root), "main")
    files = ours.files()
    for words in (["plan"], ["run"], ["why", "his"], ["stage", "read"], ["dvc"]):
        answer = ours.command("semflow", *words)
        assert "Traceback" not in answer.out + answer.err, words
        if words != ["dvc"]:
            assert "merge conflict" in answer.out + answer.err, words
            assert "git checkout --theirs" in (answer.out + answer.err).replace("\n", " "), words
    assert ours.files().items() >= files.items(), "nothing is touched before the conflict is settled"
    ours.git("checkout", "--theirs", "dvc.lock", "data/raw.dvc")
    ours.calls()
    worked = ours.run()
    everyone = (*EACH, "his", "hers")
    computed = {item for item, result in worked.items() if result == "computed"}
    assert computed == items("collect", "tell", videos=everyone)
    assert ours.calls() == sorted(item.partition(" ")[0] for item in computed)
    expect_all_recorded(ours, "his", "hers")
    assert ours.run() == {}
