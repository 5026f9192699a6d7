"""A video is erased everywhere, in every version, and nothing else is; whatever comes in between."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.engine.dvc_store.object_store import ObjectStore
from flows.engine.film_addresses import address_file
from flows.engine.project import Project
from flows.maintenance import erase_video
from tests.engine import toys
from tests.engine.dvc_store.conftest import dvc, git
from tests.factories.range_server import serve_ranges
from tests.maintenance.conftest import CONFIG, Killed, Repository, make_repository

NAME = "zebra_9"
TEXT = "a zebra crosses"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def whole_zoo(quiet_dvc: None, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Three versions of three videos, on a tag, a branch and main, all pushed; the last one is checked out."""
    folder = tmp_path_factory.mktemp("zoo")
    repository = make_repository(folder / "project", folder / "team")
    root = repository.root
    (root / f"data/raw/{NAME}.mp4").write_text(TEXT)
    repository.run()
    repository.commit("first")
    git(root, "tag", "v1")
    repository.push()
    git(root, "checkout", "-qb", "side")
    repository.edit("times: 2", "times: 5")
    repository.run()
    repository.commit("side")
    repository.push()
    git(root, "checkout", "-q", "main")
    repository.edit("times: 2", "times: 3")
    repository.run()
    repository.commit("third")
    repository.push()
    return repository


@pytest.fixture
def zoo(
    whole_zoo: Repository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    enter: Callable[[Repository], None],
) -> Repository:
    """A copy of one's own."""
    root, team = tmp_path / "project", tmp_path / "team"
    shutil.copytree(whole_zoo.root, root, symlinks=True)
    shutil.copytree(whole_zoo.team, team)
    (root / ".dvc/config").write_text(CONFIG.format(team))
    git(root, "commit", "-qam", "moved")
    made = Repository(root, team, capsys)
    toys.CALLS.clear()
    enter(made)
    return made


def texts() -> set[str]:
    """What the zoo holds of the video's own bytes."""
    return {TEXT, TEXT * 2, TEXT * 5, TEXT * 3, "2"}


def objects(store: ObjectStore) -> dict[str, bytes]:
    return {path.parent.name + path.name: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}


def others(store: ObjectStore) -> dict[str, bytes]:
    """All but listings and what is of the video."""
    own = {name for name, data in objects(store).items() if NAME.encode() in data or data.decode() in texts()}
    return {name: data for name, data in objects(store).items() if name not in own and not name.endswith(".dir")}


def assert_erased(repository: Repository, *, remote: bool = True) -> None:
    stores = [repository.cache, *([repository.remote] if remote else [])]
    for store in stores:
        for name, data in objects(store).items():
            assert data.decode() not in texts(), name
            assert name.endswith(".dir") or NAME.encode() not in data, "no recipe of it"
    assert not [out for out, listing in repository.recorded().items() if any(NAME in path for path in listing)]
    for path in repository.root.rglob("*"):
        inside = path.relative_to(repository.root).parts
        if path.is_file() and not {".git", "cache"} & {*inside} and not path.name.startswith("pending-"):
            assert NAME not in path.name, path
            assert inside[0] == ".dvc" or NAME.encode() not in path.read_bytes(), path


def test_every_version_of_it_goes_and_nothing_else(zoo: Repository) -> None:
    kept = {store.folder: others(store) for store in (zoo.cache, zoo.remote)}
    before = objects(zoo.cache)
    found = zoo.semflow("forget", NAME, "--remote", "--yes")
    assert found["good"]
    assert_erased(zoo)
    for store in (zoo.cache, zoo.remote):
        assert others(store).items() >= kept[store.folder].items()
    proof = found["forgotten"][0]["proof"]
    erased = {one["md5"] for one in proof["erased"]}
    assert erased >= {md5(text) for text in texts()}
    assert proof["found_after"] == {"working_copy": 0, "cache": 0, "remote": 0}
    assert {one["bytes"] for one in proof["erased"] if one["md5"] == md5(TEXT)} == {len(TEXT)}
    assert not erased & set(kept[zoo.cache.folder])
    assert before.keys() - objects(zoo.cache).keys() >= erased


def test_the_recorded_version_is_rewritten_at_once_and_the_next_run_has_nothing_to_do(zoo: Repository) -> None:
    zoo.semflow("forget", NAME, "--yes")
    assert zoo.status() == "Data and pipelines are up to date."
    summary = zoo.run()
    assert toys.CALLS == []
    assert summary.is_good
    assert summary.unrecorded == {}
    assert {outcome.video for outcome in summary.outcomes} == {"one", "two"}
    assert zoo.status() == "Data and pipelines are up to date."
    zoo.push()


def test_other_videos_come_back_at_every_branch_and_tag(zoo: Repository) -> None:
    zoo.semflow("forget", NAME, "--remote", "--yes")
    zoo.commit("forgotten")
    for commit in ("v1", "side", "main"):
        git(zoo.root, "checkout", "-q", commit)
        summary = zoo.run(record=False)
        assert toys.CALLS == [], commit
        good = {outcome.video for outcome in summary.outcomes if outcome.is_good}
        assert good == {"one", "two"}


def test_the_proof_does_not_say_the_name_and_says_what_stays(zoo: Repository) -> None:
    found = zoo.semflow("forget", NAME, "--yes")["forgotten"][0]
    text = (zoo.root / found["path"]).read_text()
    assert NAME not in text
    proof = json.loads(text)
    assert proof["video_sha256"] == hashlib.sha256(NAME.encode()).hexdigest()
    assert proof["remote"] is None
    said = " ".join(proof["cannot_reach"])
    for words in (
        "dvc.lock in earlier commits",
        "other clones",
        "backups",
        "SSD",
        "remote 'team', which was not asked",
    ):
        assert words in said
    assert not list((zoo.root / ".semflow/forgotten").glob("pending*"))


def test_without_remote_it_stays_there_and_a_second_call_erases_it(zoo: Repository) -> None:
    far = objects(zoo.remote)
    zoo.semflow("forget", NAME, "--yes")
    assert_erased(zoo, remote=False)
    assert objects(zoo.remote) == far
    assert "which was forgotten at" in zoo.says("forget", NAME, "--yes", code=2)
    found = zoo.semflow("forget", NAME, "--remote", "--yes")
    assert found["forgotten"][0]["proof"]["found_after"]["remote"] == 0
    assert_erased(zoo)
    assert "which was forgotten at" in zoo.says("forget", NAME, "--remote", "--yes", code=2)


def test_objects_that_others_have_too_stay(zoo: Repository) -> None:
    (zoo.root / "data/raw/copy.mp4").write_text(TEXT)
    zoo.run()
    assert zoo.recorded()["data/words"]["copy.txt"] == md5(TEXT)
    found = zoo.semflow("forget", NAME, "--remote", "--yes")["forgotten"][0]
    assert md5(TEXT) in found["proof"]["shared"]
    assert md5(TEXT * 3) in found["proof"]["shared"]
    assert {one["md5"] for one in found["proof"]["erased"]} >= {md5(TEXT * 2), md5(TEXT * 5)}
    assert zoo.cache.has_object(md5(TEXT))
    assert not zoo.cache.has_object(md5(TEXT * 5))
    zoo.lose_cache()
    zoo.run()
    assert (zoo.root / "data/words/copy.txt").read_text() == TEXT


def test_a_video_with_the_same_bytes_on_another_branch_keeps_them(zoo: Repository) -> None:
    git(zoo.root, "checkout", "-q", "side")
    (zoo.root / "data/raw/copy.mp4").write_text(TEXT)
    zoo.run()
    zoo.commit("a copy on the side")
    (zoo.root / "data/raw/copy.mp4").unlink()
    git(zoo.root, "checkout", "-q", "main")
    shutil.rmtree(zoo.root / ".semflow")
    for folder in ("words", "counts", "echoes", "pages", "recipes"):
        shutil.rmtree(zoo.root / "data" / folder)
    zoo.run()
    assert "copy" not in zoo.semflow("plan")["items"]
    found = zoo.semflow("forget", NAME, "--yes")["forgotten"][0]
    assert set(found["proof"]["shared"]) >= {md5(TEXT), md5(TEXT * 5)}
    assert {one["md5"] for one in found["proof"]["erased"]} >= {md5(TEXT * 2), md5(TEXT * 3)}


def test_an_out_of_somebody_else_in_the_repository_keeps_its_bytes(zoo: Repository) -> None:
    (zoo.root / "models").mkdir()
    (zoo.root / "models/weights.bin").write_text(TEXT * 3)
    (zoo.root / "single.bin").write_text(TEXT * 5)
    dvc(zoo.root, "add", "-q", "models", "single.bin")
    zoo.commit("models")
    (zoo.root / "models.dvc").unlink()
    shutil.rmtree(zoo.root / "models")
    (zoo.root / "single.bin").unlink()
    found = zoo.semflow("forget", NAME, "--remote", "--yes")["forgotten"][0]
    assert set(found["proof"]["shared"]) == {md5(TEXT * 3), md5(TEXT * 5)}
    assert zoo.cache.has_object(md5(TEXT * 3))
    assert zoo.cache.has_object(md5(TEXT * 5))


def test_versions_that_no_commit_names_go_too(zoo: Repository) -> None:
    zoo.edit("times: 3", "times: 7")
    zoo.run()
    zoo.edit("times: 7", "times: 8")
    zoo.run()
    assert zoo.cache.has_object(md5(TEXT * 7))
    zoo.semflow("forget", NAME, "--yes")
    for times in (7, 8):
        assert not zoo.cache.has_object(md5(TEXT * times))
    assert_erased(zoo, remote=False)
    assert zoo.run().is_good


def test_a_raw_file_that_was_replaced_goes_in_both_states(zoo: Repository) -> None:
    (zoo.root / f"data/raw/{NAME}.mp4").write_text("another zebra")
    zoo.run()
    zoo.semflow("forget", NAME, "--remote", "--yes")
    assert_erased(zoo)
    assert not zoo.cache.has_object(md5("another zebra"))


def test_a_video_whose_file_is_not_here_is_erased_as_well(zoo: Repository) -> None:
    (zoo.root / f"data/raw/{NAME}.mp4").unlink()
    zoo.semflow("forget", NAME, "--remote", "--yes")
    assert_erased(zoo)


def test_a_clone_without_any_object_erases_the_remote(zoo: Repository) -> None:
    zoo.lose_cache()
    shutil.rmtree(zoo.root / ".semflow")
    for folder in ("words", "counts", "echoes", "pages", "recipes", "raw"):
        shutil.rmtree(zoo.root / "data" / folder)
    zoo.semflow("forget", NAME, "--remote", "--yes")
    assert_erased(zoo)


def test_what_was_moved_away_or_lies_beside_goes_too(zoo: Repository) -> None:
    root = zoo.root
    zoo.semflow("remove", NAME, "one")
    (root / f"data/raw/{NAME}.mp4").write_text(TEXT)
    zoo.run()
    for path in (f"field/{NAME}/complete/x.txt", f"objects/{NAME}/x.csv", f".semflow/removed/data/echoes/{NAME}.txt"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("of it")
    (root / ".semflow/parts/unknown").mkdir(parents=True)
    (root / ".semflow/errors.log").write_text(
        f"2026-01-01T00:00:00+0000 count {NAME}\nTraceback\n2026-01-01T00:00:00+0000 count one\nTraceback of one\n"
    )
    (root / ".semflow/logs").mkdir(exist_ok=True)
    (root / ".semflow/logs/worker-0.log").write_text(f"reading {NAME}.mp4")
    (root / ".semflow/logs/worker-1.log").write_text("reading one.mp4")
    zoo.semflow("forget", NAME, "--remote", "--yes")
    assert_erased(zoo)
    assert not (root / ".semflow/parts/unknown").exists()
    assert (root / ".semflow/errors.log").read_text() == "2026-01-01T00:00:00+0000 count one\nTraceback of one\n"
    assert (root / ".semflow/logs/worker-1.log").exists()
    assert [entry for entry in (root / ".semflow/runs.jsonl").read_text().splitlines() if '"video": "two"' in entry]
    zoo.semflow("remove", "--undo")
    assert (root / "data/raw/one.mp4").exists(), "who was removed in the same call comes back"


STEPS = ("note_removed", "erase_files", "rewrite_record", "erase_objects", "erase_memory", "find_copies")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_an_interrupted_call_is_finished_by_the_next(
    zoo: Repository, step: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Callable[..., Any] = getattr(erase_video, step)

    def interrupt(*arguments: Any) -> None:
        if after:
            whole(*arguments)
        raise Killed

    monkeypatch.setattr(erase_video, step, interrupt)
    with pytest.raises(Killed):
        zoo.semflow("forget", NAME, "--remote", "--yes")
    monkeypatch.setattr(erase_video, step, whole)
    found = zoo.semflow("forget", *([NAME] if step == "erase_files" else ["--resume"]))
    assert found["good"]
    assert_erased(zoo)
    assert zoo.run().is_good
    assert zoo.run().unrecorded == {}


def test_a_kill_among_the_objects_is_finished_too_also_with_a_run_in_between(
    zoo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, count = Path.unlink, [0]

    def unlink(path: Path, missing_ok: bool = False) -> None:
        count[0] += path.is_relative_to(zoo.cache.folder)
        if count[0] == 4:
            raise Killed
        whole(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(Killed):
        zoo.semflow("forget", NAME, "--remote", "--yes")
    count[0] = 100
    assert zoo.run().is_good
    assert zoo.semflow("forget", "--resume")["good"]
    assert_erased(zoo)


def test_what_another_video_came_to_need_in_between_stays(zoo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = erase_video.erase_objects
    monkeypatch.setattr(erase_video, "erase_objects", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        zoo.semflow("forget", NAME, "--yes")
    monkeypatch.setattr(erase_video, "erase_objects", whole)
    (zoo.root / "data/raw/new.mp4").write_text(TEXT)
    assert zoo.run().is_good
    found = zoo.semflow("forget", "--resume")["forgotten"][0]
    assert md5(TEXT) in found["proof"]["shared"]
    assert zoo.cache.has_object(md5(TEXT))
    assert zoo.run().is_good
    assert toys.CALLS == []


def test_a_remote_that_does_not_answer_is_reported_and_finished_later(zoo: Repository) -> None:
    hidden = zoo.team.with_name("hidden")
    zoo.team.rename(hidden)
    found = zoo.semflow("forget", NAME, "--remote", "--yes", code=1)
    assert "must be an existing folder" in found["forgotten"][0]["left"]
    assert_erased(zoo, remote=False)
    words = zoo.says("forget", "--resume", code=1)
    assert "not done: the remote 'team'" in words
    assert "`semflow forget --resume` continues" in words
    hidden.rename(zoo.team)
    assert zoo.semflow("forget", "--resume")["good"]
    assert_erased(zoo)
    assert "got nothing that an earlier call left" in zoo.says("forget", "--resume", code=2)


def test_a_copy_that_somebody_made_is_named_and_the_call_is_not_done(zoo: Repository) -> None:
    (zoo.root / "mine").mkdir()
    (zoo.root / "mine/copy.txt").write_text(TEXT * 3)
    found = zoo.semflow("forget", NAME, "--yes", code=1)["forgotten"][0]
    assert found["copies"] == ["mine/copy.txt"]
    (zoo.root / "mine/copy.txt").unlink()
    assert zoo.semflow("forget", "--resume")["good"]


def test_odd_names_are_erased_and_their_like_stay(repository: Repository) -> None:
    raw = repository.root / "data/raw"
    odd = {"day 1/ünï_100%": "odd one", "day 1/ünïX100%": "odd two", "x'\"; rm": "odd three", "Con": "odd four"}
    for name, text in odd.items():
        (raw / f"{name}.mp4").parent.mkdir(exist_ok=True)
        (raw / f"{name}.mp4").write_text(text)
    repository.run()
    repository.commit("odd")
    repository.push()
    for name in ("day 1/ünï_100%", "x'\"; rm", "Con"):
        found = repository.semflow("forget", name, "--remote", "--yes")
        assert found["good"]
        for store in (repository.cache, repository.remote):
            assert not store.has_object(md5(odd[name]))
            assert not store.has_object(md5(odd[name] * 2))
    summary = repository.run()
    assert toys.CALLS == []
    assert {outcome.video for outcome in summary.outcomes} == {"one", "two", "day 1/ünïX100%"}
    assert repository.cache.has_object(md5("odd two"))


def test_its_older_name_does_not_hide_it(zoo: Repository) -> None:
    (zoo.root / f"data/raw/{NAME}.avi").write_text("not the same animal")
    summary = zoo.run()
    assert {outcome.video for outcome in summary.outcomes} >= {f"{NAME}.avi", f"{NAME}.mp4"}
    zoo.semflow("forget", f"{NAME}.mp4", "--remote", "--yes")
    for store in (zoo.cache, zoo.remote):
        assert not [name for name, data in objects(store).items() if data.decode() in texts()]
    assert zoo.cache.has_object(md5("not the same animal"))
    assert zoo.run().is_good


def test_who_had_the_name_before_is_left_alone(zoo: Repository) -> None:
    zoo.semflow("remove", NAME)
    (zoo.root / f"data/raw/{NAME}.avi").write_text("the next of this name")
    zoo.run()
    zoo.commit("another one")
    zoo.semflow("forget", NAME, "--yes")
    assert not zoo.cache.has_object(md5("the next of this name"))
    assert not zoo.cache.has_object(md5("the next of this name" * 3))
    for text in texts():
        assert zoo.cache.has_object(md5(text)), "an earlier video had this name; it was another file"


def test_nothing_goes_unasked(zoo: Repository) -> None:
    assert "must be answered on a terminal, got none; add --yes" in zoo.says("forget", NAME, code=2)
    assert "either VIDEO or --resume" in zoo.says("forget", code=2)
    assert "did you mean" in zoo.says("forget", "zebra_8", "--yes", code=2)
    assert zoo.run().is_good
    assert toys.CALLS == []


def test_a_linked_video_is_refused_until_its_line_is_gone(zoo: Repository, tmp_path_factory: Any) -> None:
    film = tmp_path_factory.mktemp("films") / "far.mp4"
    film.write_text("far away")
    (zoo.root / "videos.yaml").write_text(f"linked: {film}\n")
    zoo.run()
    assert "remove that line first" in zoo.says("forget", "linked", "--yes", code=2)
    (zoo.root / "videos.yaml").unlink()
    assert zoo.semflow("forget", "linked", "--yes")["good"]
    assert film.exists()
    assert not zoo.cache.has_object(md5("far away"))


def test_of_a_film_at_an_address_nothing_is_remembered(zoo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve_ranges() as server:
        server.films["/x.mp4"] = b"far away"
        (zoo.root / "videos.yaml").write_text(f"linked: {server.url}/x.mp4\n")
        zoo.run()
        assert "remove that line first" in zoo.says("forget", "linked", "--yes", code=2)
        (zoo.root / "videos.yaml").unlink()
        assert address_file(zoo.root, "linked").is_file()
        assert zoo.semflow("forget", "linked", "--yes")["good"]
        assert not address_file(zoo.root, "linked").exists()
        kept = [path for path in (zoo.root / ".semflow").rglob("*") if path.is_file()]
        assert not any(server.url.encode() in path.read_bytes() for path in kept)


def test_without_dvc_the_working_copy_is_erased(repository: Repository) -> None:
    project_root = repository.root
    shutil.rmtree(project_root / ".dvc")
    from flows.engine import storage

    storage._open.cache_clear()
    repository.run()
    assert repository.semflow("forget", "one", "--yes")["good"]
    assert not list((project_root / "data").rglob("one*"))
    storage._open.cache_clear()


def test_a_recorded_list_that_nobody_has_stops_it_before_anything_is_erased(zoo: Repository) -> None:
    zoo.lose_cache()
    zoo.team.rename(zoo.team.with_name("away"))
    assert "nothing was erased" in zoo.says("forget", NAME, "--yes", code=2)
    assert (zoo.root / f"data/raw/{NAME}.mp4").exists()


def test_the_state_holds_nothing_of_it(zoo: Repository) -> None:
    project = zoo.open()
    project.state.save_memo("index-item:zebra_9", {"thumbnail": "x"})
    project.state.save_memo("index-item:zebra-9", {"thumbnail": "y"})
    project.close()
    zoo.semflow("forget", NAME, "--yes")
    project: Project = zoo.open()
    assert project.state.read_memo("index-item:zebra-9") == {"thumbnail": "y"}
    assert {video for _, video, _, _ in project.state.read_timings()} == {"one", "two"}
    assert all(row.item is not None and row.item.video != NAME for row in project.state.read_ledger())
    project.close()
