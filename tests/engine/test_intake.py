"""Import of videos: which files are imported, and their paths in data/raw."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from flows.cli.import_videos import import_videos
from tasks.errors import SemflowError
from tests.engine.clips import in_raw, put


def test_a_pattern_imports_what_it_matches(project_root: Path, elsewhere: Path) -> None:
    assert import_videos(project_root, [f"{elsewhere}/*.mp4"]) == ["a", "b"]
    assert (project_root / "data/raw/a.mp4").read_text() == "bytes of a.mp4"
    assert in_raw(project_root) == ["a.mp4", "b.mp4"]


def test_a_folder_imports_all_its_files(project_root: Path, elsewhere: Path) -> None:
    assert import_videos(project_root, [str(elsewhere)]) == ["a", "b", "c"]


def test_importing_twice_changes_nothing(project_root: Path, elsewhere: Path) -> None:
    import_videos(project_root, [str(elsewhere)])
    before = (project_root / "data/raw/a.mp4").stat()
    assert import_videos(project_root, [str(elsewhere)]) == ["a", "b", "c"]
    after = (project_root / "data/raw/a.mp4").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_copy_keeps_the_time_of_its_source(project_root: Path, elsewhere: Path) -> None:
    os.utime(elsewhere / "a.mp4", ns=(5, 1_500_000_000_000_000_000))
    import_videos(project_root, [str(elsewhere / "a.mp4")])
    assert (project_root / "data/raw/a.mp4").stat().st_mtime_ns == 1_500_000_000_000_000_000


def test_a_file_in_data_raw_may_be_named_itself(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    nas = tmp_path_factory.mktemp("nas")
    put(nas, "x.mp4")
    put(project_root / "data/raw", "day/y.mp4")
    (project_root / "data/raw/nas").symlink_to(nas)
    (project_root / "data/raw/z.mp4").symlink_to(nas / "x.mp4")
    before = in_raw(project_root)
    raw = project_root / "data/raw"
    assert import_videos(project_root, [str(raw / "one.mp4"), str(raw / "nas/x.mp4")]) == ["nas/x", "one"]
    assert import_videos(project_root, [str(raw / "day")]) == ["day/y"]
    assert import_videos(project_root, [f"{raw}/*/*.mp4"]) == ["day/y", "nas/x"]
    assert in_raw(project_root) == before


def test_a_video_of_videos_yaml_is_not_copied(project_root: Path, elsewhere: Path) -> None:
    (project_root / "videos.yaml").write_text(f"films/a: {elsewhere}/a.mp4\n")
    assert import_videos(project_root, [f"{elsewhere}/[ab].mp4"]) == ["b", "films/a"]
    assert in_raw(project_root) == ["b.mp4"]


def test_another_file_of_the_same_name_is_refused_before_anything_is_copied(
    project_root: Path, elsewhere: Path
) -> None:
    (elsewhere / "one.mp4").write_text("not the banana")
    with pytest.raises(SemflowError, match="video names must differ"):
        import_videos(project_root, [str(elsewhere)])
    assert (project_root / "data/raw/one.mp4").read_text() == "banana"
    assert in_raw(project_root) == []
    (elsewhere / "one.mp4").write_text("BANANA")
    with pytest.raises(SemflowError, match="video names must differ"):
        import_videos(project_root, [str(elsewhere)])
    (elsewhere / "one.mp4").write_text("banana")
    assert import_videos(project_root, [str(elsewhere)]) == ["a", "b", "c", "one"]


def test_files_that_differ_in_their_ending_are_two_videos(project_root: Path, elsewhere: Path) -> None:
    put(elsewhere, "a.mov")
    assert import_videos(project_root, [str(elsewhere)]) == ["a.mov", "a.mp4", "b", "c"]


def test_a_pattern_without_a_match_is_named(project_root: Path, elsewhere: Path) -> None:
    for pattern in ("no-such-*.mp4", f"{elsewhere}/none.mp4", "x" * 300, "~nobody-here/x.mp4"):
        with pytest.raises(SemflowError, match="which matches none") as caught:
            import_videos(project_root, [str(elsewhere / "a.mp4"), pattern])
        assert repr(pattern) in str(caught.value)
    (elsewhere / "gone.mp4").symlink_to("/nowhere/gone.mp4")
    with pytest.raises(SemflowError, match=r"a link to /nowhere/gone\.mp4, which is not there"):
        import_videos(project_root, [str(elsewhere / "gone.mp4")])
    assert in_raw(project_root) == []


def test_a_folder_of_folders_is_taken_with_its_structure(project_root: Path, elsewhere: Path) -> None:
    films = elsewhere / "films"
    put(films, "cam1/0001.mp4", "cam2/0001.mp4", "cam2/deep/x.mov", "top.mp4", ".trash/y.mp4")
    assert import_videos(project_root, [str(films)]) == ["cam1/0001", "cam2/0001", "cam2/deep/x", "top"]
    assert (project_root / "data/raw/cam2/0001.mp4").read_text() == f"bytes of {films}/cam2/0001.mp4"
    assert in_raw(project_root) == [
        "cam1", "cam1/0001.mp4", "cam2", "cam2/0001.mp4", "cam2/deep", "cam2/deep/x.mov", "top.mp4",
    ]  # fmt: skip


@pytest.mark.parametrize("pattern", ["*/0001.mp4", "**/0001.mp4", "cam*", "*"])
def test_a_pattern_over_folders_keeps_the_structure_below_its_fixed_part(
    project_root: Path, elsewhere: Path, pattern: str
) -> None:
    put(elsewhere / "films", "cam1/0001.mp4", "cam2/0001.mp4")
    assert import_videos(project_root, [f"{elsewhere}/films/{pattern}"]) == ["cam1/0001", "cam2/0001"]


@pytest.mark.parametrize("names", [["cam1", "cam2"], ["cam1/0001.mp4", "cam2/0001.mp4"], ["cam2", "cam1/0001.mp4"]])
def test_names_that_a_shell_spelled_out_keep_the_structure_where_they_clash(
    project_root: Path, elsewhere: Path, names: list[str]
) -> None:
    put(elsewhere / "films", "cam1/0001.mp4", "cam2/0001.mp4")
    assert import_videos(project_root, [f"{elsewhere}/films/{name}" for name in names]) == ["cam1/0001", "cam2/0001"]


def test_one_file_named_twice_is_one_video(project_root: Path, elsewhere: Path) -> None:
    assert import_videos(project_root, [str(elsewhere), f"{elsewhere}/*.mp4", str(elsewhere / "a.mp4")]) == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("[cam] 1/x.mp4", "[cam] 1"),
        ("[cam] 1/x.mp4", "[cam] 1/*.mp4"),
        ("take [1].mp4", "take [1].mp4"),
        ("take [1] a.mp4", "take [1]*.mp4"),
        ("what*?.mp4", "what*?.mp4"),
    ],
)
def test_brackets_and_stars_of_names_are_taken_as_they_are(
    project_root: Path, elsewhere: Path, name: str, pattern: str
) -> None:
    put(elsewhere / "odd", name, "what else?.mp4")
    assert import_videos(project_root, [f"{elsewhere}/odd/{pattern}"]) == [Path(name).name.removesuffix(".mp4")]


@pytest.mark.parametrize("spelling", ["{}/", "{}/.", "{}/cam1/..", "{}//"])
def test_a_folder_may_be_written_in_every_way(project_root: Path, elsewhere: Path, spelling: str) -> None:
    put(elsewhere / "films", "cam1/0001.mp4", "cam2/0001.mp4")
    assert import_videos(project_root, [spelling.format(elsewhere / "films")]) == ["cam1/0001", "cam2/0001"]


def test_names_with_dots_in_place_of_an_ending_stay_apart(project_root: Path, elsewhere: Path) -> None:
    put(elsewhere / "exam", "1.2.840.1", "1.2.840.2", "1.2.840.10", "2024.01.02 10.30.00.MP4")
    assert import_videos(project_root, [str(elsewhere / "exam")]) == [
        "1.2.840.1", "1.2.840.10", "1.2.840.2", "2024.01.02 10.30.00",
    ]  # fmt: skip


def test_sidecars_are_skipped_with_a_reason(
    project_root: Path, elsewhere: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = elsewhere / "DCIM"
    put(card, "GX010001.LRV", "GX010001.MP4", "GX010001.THM", "DJI.SRT", "DJI.MP4", ".hidden")
    with caplog.at_level(logging.WARNING, "semflow"):
        assert import_videos(project_root, [str(card)]) == ["DJI", "GX010001"]
    assert in_raw(project_root) == ["DJI.MP4", "GX010001.MP4"]
    assert "GX010001.LRV (a camera's low-resolution proxy of a video)" in caplog.text
    assert "and 0 more" not in caplog.text


@pytest.mark.parametrize(
    ("name", "reason"), [("x.lrv", "low-resolution"), (".x.mp4", "begins with a dot"), ("empty", "no file")]
)
def test_what_is_no_video_and_named_alone_is_refused(
    project_root: Path, elsewhere: Path, name: str, reason: str
) -> None:
    put(elsewhere, "x.lrv", ".x.mp4", "empty/.keep")
    with pytest.raises(SemflowError, match="must name at least one video") as caught:
        import_videos(project_root, [str(elsewhere / name)])
    assert reason in str(caught.value)
    assert in_raw(project_root) == []


def test_a_pipe_is_not_waited_for(project_root: Path, elsewhere: Path) -> None:
    os.mkfifo(elsewhere / "pipe.mp4")
    assert import_videos(project_root, [str(elsewhere)]) == ["a", "b", "c"]
    with pytest.raises(SemflowError, match="a device or pipe"):
        import_videos(project_root, [str(elsewhere / "pipe.mp4")])


def test_a_folder_around_data_raw_is_refused(project_root: Path) -> None:
    with pytest.raises(SemflowError, match="must not name a folder that data/raw lies in"):
        import_videos(project_root, [str(project_root)])


def test_a_video_would_never_be_put_into_a_hidden_folder(project_root: Path, elsewhere: Path) -> None:
    put(elsewhere / "tree", ".a/x.mp4", "b/x.mp4")
    with pytest.raises(SemflowError, match="where it would be hidden"):
        import_videos(project_root, [f"{elsewhere}/tree/.a", f"{elsewhere}/tree/b"])
    assert import_videos(project_root, [f"{elsewhere}/tree/.a"]) == ["x"]


def test_a_file_in_place_of_a_folder_is_reported(project_root: Path, elsewhere: Path) -> None:
    put(elsewhere / "films", "one.mp4/x.mp4")
    with pytest.raises(SemflowError, match="must have a folder in data/raw, got the file"):
        import_videos(project_root, [f"{elsewhere}/films"])
    put(project_root / "data/raw", "x.mp4/deep.mp4")
    with pytest.raises(SemflowError, match="must have a free place in data/raw"):
        import_videos(project_root, [f"{elsewhere}/films/one.mp4"])


def test_a_name_that_just_fits_is_copied(project_root: Path, elsewhere: Path) -> None:
    put(elsewhere / "long", "x" * 251 + ".mp4")
    assert import_videos(project_root, [str(elsewhere / "long")]) == ["x" * 251]
