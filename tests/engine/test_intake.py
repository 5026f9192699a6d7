"""Own videos come into data/raw whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.intake import take_in
from tasks.errors import SemflowError


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a.mp4", "b.mp4", "c.mov"):
        (folder / name).write_text(f"bytes of {name}")
    return folder


def test_a_pattern_takes_what_it_matches(project_root: Path, elsewhere: Path) -> None:
    assert take_in(project_root, [f"{elsewhere}/*.mp4"]) == ["a", "b"]
    assert (project_root / "data/raw/a.mp4").read_text() == "bytes of a.mp4"
    assert not (project_root / "data/raw/c.mov").exists()
    assert not list(project_root.rglob(".partial"))


def test_a_folder_takes_all_its_files(project_root: Path, elsewhere: Path) -> None:
    assert take_in(project_root, [str(elsewhere)]) == ["a", "b", "c"]


def test_taking_in_twice_changes_nothing(project_root: Path, elsewhere: Path) -> None:
    take_in(project_root, [str(elsewhere)])
    before = (project_root / "data/raw/a.mp4").stat().st_mtime_ns
    assert take_in(project_root, [str(elsewhere)]) == ["a", "b", "c"]
    assert (project_root / "data/raw/a.mp4").stat().st_mtime_ns == before


def test_a_file_in_data_raw_may_be_named_itself(project_root: Path) -> None:
    assert take_in(project_root, [str(project_root / "data/raw/one.mp4")]) == ["one"]


def test_another_file_of_the_same_name_is_refused(project_root: Path, elsewhere: Path) -> None:
    (elsewhere / "one.mp4").write_text("not the banana")
    with pytest.raises(SemflowError, match="video names must differ"):
        take_in(project_root, [str(elsewhere / "one.mp4")])
    assert (project_root / "data/raw/one.mp4").read_text() == "banana"


def test_a_pattern_without_a_match_is_named(project_root: Path) -> None:
    with pytest.raises(SemflowError, match=r"no-such-\*\.mp4', which matches none"):
        take_in(project_root, ["no-such-*.mp4"])
