"""A video is taken out of the data set, recorded so, and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.maintenance import remove
from tests.engine import toys
from tests.maintenance.conftest import Killed, Repository


def files(root: Path) -> dict[str, bytes]:
    found = [
        path for path in (root / "data").rglob("*") if path.is_file() and not path.name.endswith((".dvc", ".gitignore"))
    ]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def of(repository: Repository, name: str) -> list[str]:
    """Everything that the recorded version names of a video."""
    return [
        f"{out}/{path}" for out, listing in repository.recorded().items() for path in listing if path.startswith(name)
    ]


def test_all_of_it_is_moved_away_and_the_next_run_records_it(repository: Repository) -> None:
    repository.run()
    found = repository.semflow("remove", "one")
    assert len(found["removed"]["one"]) == 4 + 4 + 1
    assert not [name for name in files(repository.root) if "/one" in name]
    place = repository.root / found["to"]
    assert (place / "data/raw/one.mp4").read_text() == "banana"
    assert (place / "data/pages/one/0.txt").read_text() == "3"
    summary = repository.run()
    assert toys.CALLS == []
    assert summary.is_good
    assert summary.unrecorded == {}
    assert {outcome.video for outcome in summary.outcomes} == {"two"}
    assert of(repository, "one") == []
    assert of(repository, "two") != []
    assert repository.status() == "Data and pipelines are up to date."


@pytest.mark.parametrize("recorded", [False, True])
def test_undo_brings_everything_back_byte_for_byte(repository: Repository, recorded: bool) -> None:
    repository.run()
    before, held = files(repository.root), repository.recorded()
    repository.semflow("remove", "one")
    if recorded:
        repository.run()
    found = repository.semflow("remove", "--undo")
    assert len(found["restored"]["one"]) == 9
    assert files(repository.root) == before
    summary = repository.run()
    assert toys.CALLS == []
    assert summary.is_good
    assert repository.recorded() == held
    assert "must hold a removal to undo, got none" in repository.says("remove", "--undo", code=2)


def test_a_named_video_comes_back_from_an_earlier_removal_and_the_last_is_kept(repository: Repository) -> None:
    (repository.root / "data/raw/three.mp4").write_text("dog")
    repository.run()
    before = files(repository.root)
    repository.semflow("remove", "one", "three")
    repository.semflow("remove", "two")
    repository.semflow("remove", "data/raw/one.mp4", "--undo")
    assert [n for n in before if n not in files(repository.root)] == [
        n for n in before if "/one" not in n and ".method." not in n
    ]
    assert "video must be one of" in repository.says("remove", "one", "--undo", code=2)
    repository.semflow("remove", "--undo")
    repository.semflow("remove", "--undo")
    assert files(repository.root) == before
    assert not list((repository.root / ".semflow/removed").iterdir())


def test_a_video_whose_file_is_not_here_can_be_removed(repository: Repository) -> None:
    repository.run()
    (repository.root / "data/raw/one.mp4").unlink()
    found = repository.semflow("remove", "one")
    assert found["raw_not_here"] == ["one"]
    assert repository.run().unrecorded == {}
    assert of(repository, "one") == []


def test_its_file_put_back_by_hand_is_a_new_video(repository: Repository) -> None:
    repository.run()
    repository.semflow("remove", "one")
    (repository.root / "data/raw/one.mp4").write_text("banana")
    assert repository.run().is_good
    assert of(repository, "one.mp4") == ["data/raw/one.mp4"]
    assert "must be restored to paths that do not exist" in repository.says("remove", "--undo", code=2)
    assert (repository.root / "data/raw/one.mp4").exists()


def test_a_kill_in_the_middle_is_mended_by_a_second_call_and_by_undo(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.run()
    before = files(repository.root)
    whole, calls = remove.move_into_place, []

    def fail(source: Path, final: Path) -> None:
        calls.append(source)
        if len(calls) == 6:
            raise Killed
        whole(source, final)

    monkeypatch.setattr(remove, "move_into_place", fail)
    with pytest.raises(Killed):
        repository.semflow("remove", "one")
    monkeypatch.undo()
    monkeypatch.chdir(repository.root)
    _again(repository, monkeypatch)
    repository.semflow("remove", "one")
    assert not [name for name in files(repository.root) if "/one" in name]
    repository.semflow("remove", "--undo")
    repository.semflow("remove", "--undo")
    assert files(repository.root) == before


def _again(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `repository` had patched, after an undo."""
    from flows.engine.project import Project

    whole: Any = Project.open
    monkeypatch.setattr(Project, "open", lambda root, stages=None, **options: whole(root, repository.stages, **options))


def test_who_is_called_otherwise_without_it_is_not_in_the_way(repository: Repository) -> None:
    (repository.root / "data/raw/one.avi").write_text("other")
    repository.run()
    repository.semflow("remove", "one.avi")
    summary = repository.run()
    assert summary.unrecorded == {}
    assert {outcome.video for outcome in summary.outcomes} == {"one", "two"}
    assert toys.CALLS == ["read one"], "every row names the video, which has another name now"
    assert of(repository, "one.avi") == []


def test_odd_names_and_folders_go_and_come_back(repository: Repository) -> None:
    raw = repository.root / "data/raw"
    for name in ("a b/ünï 100%.mp4", "a b/x_.mp4", "Con.mp4", "x'\"$(1).mp4"):
        (raw / name).parent.mkdir(exist_ok=True)
        (raw / name).write_text("cat")
    repository.run()
    before = files(repository.root)
    names = ["a b/ünï 100%", "a b/x_", "Con", "x'\"$(1)"]
    repository.semflow("remove", *names)
    assert not (raw / "a b").exists()
    assert repository.run().unrecorded == {}
    assert set(repository.recorded()["data/raw"]) == {"one.mp4", "two.mp4"}
    repository.semflow("remove", "--undo")
    assert files(repository.root).items() >= before.items()
    repository.run()
    assert toys.CALLS == []


def test_what_is_not_the_projects_to_take_is_refused_with_a_message(
    repository: Repository, tmp_path_factory: Any
) -> None:
    films = tmp_path_factory.mktemp("films")
    (films / "far.mp4").write_text("dog")
    (repository.root / "data/raw/films").symlink_to(films)
    (repository.root / "videos.yaml").write_text(f"linked: {films / 'far.mp4'}\n")
    repository.run()
    assert "got it at" in repository.says("remove", "linked", code=2)
    words = repository.says("remove", "films/far", code=2)
    assert "take the file out of there yourself" in words
    assert (films / "far.mp4").exists()
    (repository.root / "data/raw/link.mp4").symlink_to(films / "far.mp4")
    repository.run()
    repository.semflow("remove", "link")
    assert (films / "far.mp4").exists(), "the link goes, not what it leads to"
    repository.semflow("remove", "--undo")
    assert (repository.root / "data/raw/link.mp4").is_symlink()


def test_without_a_video_or_with_a_wrong_one_it_says_so(repository: Repository) -> None:
    assert "VIDEO must be named" in repository.says("remove", code=2)
    assert "did you mean one" in repository.says("remove", "onne", code=2)


def test_on_a_terminal_it_asks(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.run()
    asked: list[str] = []

    def say_no(question: str, *, yes: bool, needed: bool) -> None:
        asked.append(question)
        assert not needed, "it can be undone"
        if not yes:
            raise remove.SemflowError("no")

    monkeypatch.setattr(remove, "ask_confirmation", say_no)
    repository.says("remove", "one", code=2)
    assert asked == ["Remove one from the data set?"]
    assert (repository.root / "data/raw/one.mp4").exists()
    repository.says("remove", "one", "--yes")
    assert not (repository.root / "data/raw/one.mp4").exists()
