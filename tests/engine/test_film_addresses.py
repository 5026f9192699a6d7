"""Films of videos.yaml at addresses: what is refused, what is remembered, and what happens without a network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from flows.cli import main
from flows.engine import project as project_module
from flows.engine.film_addresses import ASKED_SUFFIX, MAX_ANSWER_AGE_S, address_file, forget_film_address
from flows.engine.inventory import Inventory
from flows.engine.linked_videos import read_linked_videos
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.raw_files import list_raw_files
from flows.engine.run import run_stale_items
from flows.engine.settled_videos import find_unsettled
from flows.engine.state import State
from tasks.decode import remote_film
from tasks.errors import SemflowError
from tests.factories.range_server import RangeServer, serve_ranges


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Generator[RangeServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(remote_film, "RETRY_DELAYS_S", (0.0,))
    with serve_ranges() as held:
        yield held


def test_an_entry_may_be_an_address(tmp_path: Path) -> None:
    (tmp_path / "videos.yaml").write_text(
        "a: s3://bucket/films/a ?#.mp4\nday/b: HTTPS://host/b%20c.mov?id=3\nc: gs://bucket/c.mp4\nd: films/d.mp4\n"
    )
    found = {video.relative: video for video in read_linked_videos(tmp_path)}
    assert {name: video.address for name, video in found.items()} == {
        "a": "s3://bucket/films/a ?#.mp4",
        "day/b": "https://host/b%20c.mov?id=3",
        "c": "gs://bucket/c.mp4",
        "d": "",
    }
    assert found["day/b"].path == address_file(tmp_path, "day/b")
    assert found["a"].place == "s3://bucket/films/a ?#.mp4"
    assert found["d"].place == str(tmp_path / "films/d.mp4")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("file:///mnt/a.mp4", "got the protocol 'file'; write the path alone"),
        ("a b://host/a.mp4", "got the protocol 'a b'"),
        ("s3://bucket", "must be one film's, like s3://bucket/walk.mp4"),
        ("s3://bucket/films/", "must be one film's"),
        ("https://host/a.mp4#t=3", "must be one film's"),
        ("{takes: [s3://bucket/a.mp4]}", "must be files of this machine, got 's3://bucket/a.mp4'"),
        ("https://anna:hunter2@host/a.mp4", "must not hold a user or password, got one for host"),
        ("https://host/a.mp4?X-Amz-Signature=hunter2", "must not hold a signature, got X-Amz-Signature in it"),
        ("https://host/a.mp4?sv=1&sig=hunter2", "must not hold a signature, got sig in it"),
        ("https://host/a.mp4?access_token=hunter2", "got access_token in it"),
        ("https://host/a.mp4?AWSAccessKeyId=hunter2", "got AWSAccessKeyId in it"),
    ],
)
def test_what_is_no_address_or_holds_a_secret_is_refused_without_showing_it(
    entry: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "videos.yaml").write_text(f"# films\na: {entry}\n")
    with pytest.raises(SemflowError, match=r"videos\.yaml:2: ") as refusal:
        read_linked_videos(tmp_path)
    assert words in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_a_film_changes_when_its_server_says_so_and_only_then(server: RangeServer, tmp_path: Path) -> None:
    server.films["/a.mp4"] = b"first"
    (tmp_path / "videos.yaml").write_text(f"day/a: {server.url}/a.mp4\n")
    (first,) = list_raw_files(tmp_path).files
    (second,) = list_raw_files(tmp_path).files
    assert (first.relative, first.path) == ("day/a", address_file(tmp_path, "day/a"))
    assert second == first
    server.films["/a.mp4"] = b"other"
    (third,) = list_raw_files(tmp_path).files
    assert third.inode != first.inode or third.mtime_ns != first.mtime_ns


def test_a_film_that_its_server_lacks_or_hides_is_absent(server: RangeServer, tmp_path: Path) -> None:
    (tmp_path / "videos.yaml").write_text(
        f"a: {server.url}/a.mp4\nb: http://127.0.0.1:1/b.mp4\nc: http://127.0.0.1:1/c.mp4\n"
    )
    found = list_raw_files(tmp_path)
    assert found.files == ()
    assert [one.relative for one in found.absent] == ["a", "b", "c"]
    assert "a.mp4 is not there (404" in found.unreached[0].reason
    assert "b.mp4 cannot be reached" in found.unreached[1].reason
    server.films["/a.mp4"] = b"x"
    server.gives_ranges = False
    assert ["ranges" in one.reason for one in list_raw_files(tmp_path).unreadable] == [True]


def test_the_md5_is_computed_once_and_known_under_another_name(
    server: RangeServer, project_root: Path, reopen: Callable[[], Project]
) -> None:
    server.films["/a.mp4"] = b"banana" * 1000
    for name in ("far", "renamed"):
        (project_root / "videos.yaml").write_text(f"{name}: {server.url}/a.mp4\n")
        for _ in range(2):
            project = reopen()
            md5 = Inventory.scan_project(project).find_raw_md5(project.videos[name])
            assert md5 == hashlib.md5(server.films["/a.mp4"]).hexdigest()
            project.close()
    assert server.sent == len(server.films["/a.mp4"]) + server.requests - 1, (
        "one time the film, and one byte for each look"
    )


def test_a_new_film_is_not_waited_for(server: RangeServer, project_root: Path, reopen: Callable[[], Project]) -> None:
    server.films["/a.mp4"] = b"banana"
    (project_root / "videos.yaml").write_text(f"far: {server.url}/a.mp4\n")
    for file in (project_root / "data/raw").iterdir():
        file.unlink()
    project = reopen()
    assert find_unsettled(project, pause=lambda _: pytest.fail("nothing is being written")) == []
    project.close()


def test_without_a_network_the_results_stay(
    server: RangeServer, project_root: Path, reopen: Callable[[], Project]
) -> None:
    server.films["/a.mp4"] = b"banana"
    (project_root / "videos.yaml").write_text(f"far: {server.url}/a.mp4\nnever: {server.url}/none.mp4\n")
    project = reopen()
    assert any("never is not here" in note for note in project.notes)
    run_stale_items(project)
    project.close()
    text, server.films = server.films, {}
    project = reopen()
    plan = Plan.examine_project(project)
    assert {state.status for item, state in plan.states.items() if item.video == "far"} == {"fresh"}
    never = [state for item, state in plan.states.items() if item.video == "never"]
    assert {state.status for state in never} == {"blocked"}
    assert f"never is not here: {server.url}/none.mp4 is not there (404" in never[0].reason
    assert not any("127.0.0.1" in path.read_text() for path in (project_root / "data").rglob("*.json"))
    project.close()
    server.films = {path: data + b"s" for path, data in text.items()}
    project = reopen()
    states = Plan.examine_project(project).states
    assert "stale" in {state.status for item, state in states.items() if item.video == "far"}
    project.close()


def test_an_answer_counts_for_commands_that_compute_nothing_and_run_always_asks(
    server: RangeServer, tmp_path: Path
) -> None:
    server.films["/a.mp4"] = b"first"
    (tmp_path / "videos.yaml").write_text(f"a: {server.url}/a.mp4\n")
    assert list_raw_files(tmp_path, None).files == (), "nobody has asked yet"
    assert server.requests == 0
    (first,) = list_raw_files(tmp_path, MAX_ANSWER_AGE_S).files
    assert server.requests == 1
    server.films["/a.mp4"] = b"other"
    assert list_raw_files(tmp_path, MAX_ANSWER_AGE_S).files == list_raw_files(tmp_path, None).files == (first,)
    assert server.requests == 1
    asked = address_file(tmp_path, "a").with_suffix(ASKED_SUFFIX)
    os.utime(asked, (0, 0))
    assert list_raw_files(tmp_path, None).files == (first,)
    (later,) = list_raw_files(tmp_path, MAX_ANSWER_AGE_S).files
    assert server.requests == 2 and later != first
    list_raw_files(tmp_path)
    assert server.requests == 3
    (tmp_path / "videos.yaml").write_text(f"a: {server.url}/moved.mp4\n")
    assert list_raw_files(tmp_path, MAX_ANSWER_AGE_S).files == (), "another address has no answer yet"
    assert server.requests == 4


def test_each_command_asks_each_server_once_and_those_that_read_ask_nobody(
    server: RangeServer,
    project_root: Path,
    reopen: Callable[[], Project],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.films["/a.mp4"] = b"banana"
    (project_root / "videos.yaml").write_text(f"far: {server.url}/a.mp4\n")
    project = reopen()
    run_stale_items(project)
    project.close()
    monkeypatch.setattr(project_module, "PIPELINE", "tests.engine.toys:TOYS")
    monkeypatch.setattr(Project.open.__func__, "__defaults__", ("tests.engine.toys:TOYS",))
    monkeypatch.chdir(project_root)

    def count_requests(*words: str) -> int:
        before = server.requests
        main.main([*words, "--json"])
        said = capsys.readouterr()
        assert "far" in said.out or words[0] != "plan", said
        return server.requests - before

    count_requests("plan", "--all")  # its length is measured, once
    assert count_requests("plan", "--all") == 0
    assert count_requests("why", "far") == 0
    assert count_requests("status") == 0
    os.utime(address_file(project_root, "far").with_suffix(ASKED_SUFFIX), (0, 0))
    assert count_requests("plan", "--all") == 1
    assert count_requests("plan", "--all") == 0


def test_what_is_forgotten_leaves_no_answer(server: RangeServer, tmp_path: Path) -> None:
    server.films["/a.mp4"] = b"x"
    (tmp_path / "videos.yaml").write_text(f"a: {server.url}/a.mp4\n")
    list_raw_files(tmp_path)
    state = State.open(tmp_path)
    forget_film_address(tmp_path, state, "a")
    state.close()
    assert list((tmp_path / ".semflow/films").iterdir()) == []
