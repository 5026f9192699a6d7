"""Bytes that change under unchanged marks are found, said and seen by the next plan; items made again are compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine.plan import Plan
from tests.engine import toys
from tests.factories.range_server import serve_ranges
from tests.maintenance.conftest import Repository


def rot(path: Path, text: str) -> None:
    """Change bytes so that size and times are what they were; the change time is all that could tell."""
    before = path.stat()
    data = text.encode()
    assert len(data) == before.st_size
    mode = before.st_mode
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A disk that rots leaves the change time too: marks without it."""
    import flows.engine.file_marks as scan

    whole = scan._mark

    def without_ctime(found: os.stat_result) -> scan.FileMark:
        return whole(found)._replace(ctime_ns=0)

    monkeypatch.setattr(scan, "_mark", without_ctime)
    return lambda: None


def read_statuses(repository: Repository) -> dict[str, str]:
    project = repository.open()
    try:
        return {str(item): state.status for item, state in Plan.examine_project(project).states.items()}
    finally:
        project.close()


def test_what_is_as_recorded_is_counted_by_stage(repository: Repository) -> None:
    repository.run()
    found = repository.semflow("verify", "--cache")
    assert found["good"]
    assert found["findings"] == []
    # Two artifacts, two recipes and a method; pages hold two files each.
    assert found["groups"]["read"] == {"good": 5, "bad": 0, "absent": 0, "bytes": found["groups"]["read"]["bytes"]}
    assert found["groups"]["join"]["good"] == 7
    assert found["groups"]["raw videos"]["good"] == 2
    assert found["groups"]["cache"]["good"] > 20
    assert "nothing is wrong" in repository.says("verify")


def test_rot_that_no_mark_shows_is_found_and_the_next_plan_sees_it(
    repository: Repository, blind: Callable[[], None]
) -> None:
    repository.run()
    path = repository.root / "data/echoes/one.txt"
    rot(path, "bananabanama")
    assert set(read_statuses(repository).values()) == {"fresh"}, "by marks alone nothing shows"
    found = repository.semflow("verify", code=1)
    assert found["findings"] == [
        {
            "group": "repeat",
            "path": "data/echoes/one.txt",
            "what": "is not as it was recorded",
            "do": "remove it, and `semflow run` brings it back",
        }
    ]
    assert found["groups"]["repeat"]["bad"] == 1
    assert path.read_text() == "bananabanama", "nothing is repaired"
    assert read_statuses(repository)["repeat one"] == "stale"
    path.unlink()
    assert repository.run().is_good
    assert path.read_text() == "bananabanana"
    assert repository.semflow("verify")["good"]


def test_rot_of_a_raw_video_is_found(repository: Repository, blind: Callable[[], None]) -> None:
    repository.run()
    rot(repository.root / "data/raw/one.mp4", "bananb")
    found = repository.semflow("verify", code=1)
    assert [(f["group"], f["path"]) for f in found["findings"]] == [("raw videos", "data/raw/one.mp4")]
    assert "semflow pull one --raw" in found["findings"][0]["do"]
    assert read_statuses(repository)["read one"] == "stale"


def test_rot_of_recipes_and_methods_is_found(repository: Repository, blind: Callable[[], None]) -> None:
    repository.run()
    recipe = repository.root / "data/recipes/count/one.recipe.json"
    rot(recipe, recipe.read_text().replace('"video": "one"', '"video": "onf"'))
    (method,) = (repository.root / "data/recipes/read").glob("*.method.json")
    rot(method, method.read_text().replace("false", "falsy"[:5]))
    assert set(read_statuses(repository).values()) == {"fresh"}
    found = repository.semflow("verify", code=1)
    assert {(f["path"], f["what"]) for f in found["findings"]} == {
        ("data/recipes/count/one.recipe.json", "was edited or is damaged"),
        (f"data/recipes/read/{method.name}", "was edited or is damaged"),
    }
    assert read_statuses(repository)["count one"] == "stale"
    assert read_statuses(repository)["read one"] == "stale"


def test_rot_of_the_cache_is_found_only_when_it_is_asked_for_and_a_listing_counts_too(repository: Repository) -> None:
    repository.run()
    cache = repository.cache
    md5 = repository.recorded()["data/echoes"]["one.txt"]
    listing = next(path for path in cache.folder.rglob("*.dir"))
    rot(cache.object_path(md5), "bananabanama")
    rot(listing, listing.read_text().replace("relpath", "relpatj"))
    assert repository.semflow("verify")["good"]
    found = repository.semflow("verify", "--cache", code=1)
    assert {Path(f["path"]) for f in found["findings"]} >= {
        cache.object_path(md5).relative_to(repository.root),
        listing.relative_to(repository.root),
    }
    assert cache.object_path(md5).read_text() == "bananabanama", "nothing is repaired"
    assert listing.exists()


def test_missing_and_extra_files_are_named(repository: Repository) -> None:
    repository.run()
    (repository.root / "data/counts/one.txt").unlink()
    (repository.root / "data/pages/two/9.txt").write_text("extra")
    found = repository.semflow("verify", code=1)
    assert {(f["path"], f["what"]) for f in found["findings"]} == {
        ("data/counts/one.txt", "is missing"),
        ("data/pages/two/9.txt", "does not belong there"),
    }


def test_what_is_in_the_remote_alone_is_counted_and_is_no_fault(repository: Repository) -> None:
    repository.run()
    repository.push()
    (repository.root / "data/counts/one.txt").unlink()
    repository.lose_cache()
    found = repository.semflow("verify")
    assert found["groups"]["count"]["absent"] == 1


def test_videos_and_stages_narrow_it(repository: Repository) -> None:
    repository.run()
    (repository.root / "data/counts/one.txt").write_text("9")
    assert repository.semflow("verify", "two")["good"]
    assert repository.semflow("verify", "--stage", "read")["good"]
    assert not repository.semflow("verify", "one", "--stage", "count", code=1)["good"]
    assert "--stage must be one of read" in repository.says("verify", "--stage", "none", code=2)
    assert "video must be one of" in repository.says("verify", "nobody", code=2)


def test_items_recomputed_are_equal_and_nothing_in_data_is_touched(repository: Repository) -> None:
    repository.run()
    marks = {path: path.stat() for path in (repository.root / "data").rglob("*")}
    toys.CALLS.clear()
    found = repository.semflow("verify", "--recompute", "100%")
    assert len(toys.CALLS) == 8
    assert {one["verdict"] for one in found["recomputed"]} == {"equal"}
    assert {path: path.stat().st_mtime_ns for path in marks} == {p: s.st_mtime_ns for p, s in marks.items()}
    assert set((repository.root / "data").rglob("*")) == set(marks)
    assert not list((repository.root / ".semflow").glob("again-*"))


def test_the_choice_is_fixed_unless_a_seed_is_given(repository: Repository) -> None:
    repository.run()

    def chosen(*more: str) -> list[tuple[str, str]]:
        found = repository.semflow("verify", "--recompute", "2", *more)["recomputed"]
        return sorted((one["stage"], one["video"]) for one in found)

    first = chosen()
    assert len(first) == 2
    assert chosen() == first
    assert {tuple(chosen("--seed", str(n))) for n in range(6)} != {tuple(first)}
    assert len(repository.semflow("verify", "--recompute", "1%")["recomputed"]) == 1, "at least one"


def test_an_item_that_comes_out_different_is_a_fault(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.run()
    monkeypatch.setattr(toys.Counts, "save", lambda self, path: path.write_text("7"))
    found = repository.semflow("verify", "--recompute", "100%", code=1)
    verdicts = {(one["stage"], one["video"]): one["verdict"] for one in found["recomputed"]}
    assert verdicts["count", "one"] == verdicts["count", "two"] == "different"
    assert verdicts["read", "one"] == "equal"
    assert (repository.root / "data/counts/one.txt").read_text() == "3"
    words = repository.says("verify", "--recompute", "100%", code=1)
    assert "count one comes out different" in words
    assert "2 things are wrong" in words


def test_items_whose_inputs_are_damaged_or_not_here_are_not_recomputed(repository: Repository) -> None:
    repository.run()
    (repository.root / "data/raw/one.mp4").unlink()
    (repository.root / "data/words/two.txt").write_text("cot")
    found = repository.semflow("verify", "--recompute", "100%", code=1)
    again = {(one["stage"], one["video"]) for one in found["recomputed"]}
    assert again == {("count", "one"), ("repeat", "one"), ("join", "one"), ("join", "two")} - {("join", "two")}
    assert found["not_recomputable"] == 5


@pytest.mark.parametrize("text", ["0", "0%", "101%", "-3", "many", "%"])
def test_an_amount_that_is_none_is_an_error(repository: Repository, text: str) -> None:
    assert "--recompute must be a share like 5%" in repository.says("verify", f"--recompute={text}", code=2)


def test_in_worker_processes_the_same_comes_out(repository: Repository) -> None:
    repository.stages = "tests.engine.toys:TOYS"
    assert repository.run().is_good
    found = repository.semflow("verify", "--recompute", "3")
    assert {one["verdict"] for one in found["recomputed"]} == {"equal"}
    assert len(found["recomputed"]) == 3


def test_onnx_exports_are_held_to_their_first_sight_and_weights_to_their_sha256(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from flows.maintenance import verify_hashes
    from tasks.weights.catalog import find_weights
    from tasks.weights.fetch import cached_path

    monkeypatch.setenv("SEMFLOW_CACHE", str(tmp_path / "fetched"))
    project = repository.open()
    declaration = project.declarations[0]
    method = replace(declaration.method, weights={"yolo26n": "x", "yolo11n": "x"})
    monkeypatch.setitem(project.__dict__, "declarations", (replace(declaration, method=method),))
    weights = cached_path(find_weights("yolo26n"))
    export = tmp_path / "fetched/onnx/yolo26n-1.onnx"
    for path in (weights, export):
        path.parent.mkdir(parents=True)
        path.write_text("first")

    def check() -> tuple[verify_hashes.FileCounts, list[str]]:
        checked = verify_hashes.IntegrityReport()
        verify_hashes._check(project, list(verify_hashes.list_weights(project, ["read"])), checked)
        return checked.group_counts(verify_hashes.WEIGHTS), [Path(found.path).name for found in checked.findings]

    counts, found = check()
    assert (counts.good, counts.bad, counts.absent) == (1, 1, 1)
    assert found == [weights.name], "the export is noted, the fetched file is not what the catalog says"
    export.write_text("other")
    assert check()[1] == [weights.name, export.name]
    project.close()


def test_an_item_whose_inputs_are_not_kept_is_recomputed_after_they_are(repository: Repository) -> None:
    params = repository.root / "params.yaml"
    params.write_text(params.read_text().replace("recompute: []", "recompute: [read]"))
    repository.run()
    assert not list((repository.root / "data/words").glob("*.txt"))
    found = repository.semflow("verify", "--recompute", "100%", "--stage", "count")
    assert [(one["video"], one["verdict"]) for one in found["recomputed"]] == [("one", "equal"), ("two", "equal")]
    repository.run()
    assert not list((repository.root / "data/words").glob("*.txt"))


def test_of_a_film_at_an_address_the_bytes_are_verified(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve_ranges() as server:
        server.films["/x.mp4"] = b"far away" * 1000
        (repository.root / "videos.yaml").write_text(f"linked: {server.url}/x.mp4\n")
        repository.run()
        before = server.sent
        assert repository.semflow("verify")["good"]
        assert server.sent >= before + len(server.films["/x.mp4"])
        monkeypatch.setattr(server, "mark", lambda _: '"the same"')
        repository.run()
        server.films["/x.mp4"] = b"far awaY" * 1000
        assert not repository.semflow("verify", code=1)["good"], "a server that gives other bytes under the same mark"
