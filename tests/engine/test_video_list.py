"""The data set is a list: a video without its file here stays in it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flows.engine.raw_files import RawFile
from flows.engine.video_list import Video, merge_videos


def at_hand(*relatives: str) -> list[RawFile]:
    return [RawFile(f"/p/data/raw/{relative}", relative, 1, 2, 3) for relative in relatives]


def test_existing_and_listed_files_are_merged_and_sorted_by_name() -> None:
    videos = merge_videos(at_hand("b.mp4", "new.mp4"), {"c/d.mov": "111", "b.mp4": "222"}, [])
    assert list(videos.values()) == [
        Video("b", "b", "b", "/p/data/raw/b.mp4", "b.mp4", "222"),
        Video("c/d", "c/d", "c__d", None, "c/d.mov", "111"),
        Video("new", "new", "new", "/p/data/raw/new.mp4", "new.mp4", None),
    ]
    assert list(videos) == ["b", "c/d", "new"]
    assert [video.is_local for video in videos.values()] == [True, False, True]
    assert [video.file for video in videos.values()] == [Path("/p/data/raw/b.mp4"), None, Path("/p/data/raw/new.mp4")]


def test_only_an_explicit_removal_takes_a_video_out() -> None:
    listed = {"old.mp4": "1", "gone.mp4": "2", "plié.mp4": "3"}
    assert list(merge_videos(at_hand("new.mp4"), listed, ["gone.mp4"])) == ["new", "old", "plié"]
    assert list(merge_videos([], listed, ["plie\u0301.mp4", "never.mp4"])) == ["gone", "old"]


def test_a_removed_video_whose_file_comes_back_is_in_the_list_again() -> None:
    assert merge_videos(at_hand("x.mp4"), {"x.mp4": "1"}, ["x.mp4"])["x"].is_local


def test_a_recorded_path_in_form_c_is_the_file_that_a_mac_gives_in_form_d() -> None:
    videos = merge_videos(at_hand("plie\u0301.mp4"), {"plié.mp4": "3"}, [])
    assert list(videos) == ["plié"]
    assert videos["plié"].md5 == "3"
    assert videos["plié"].relative == "plie\u0301.mp4"


def test_two_spellings_that_were_both_recorded_are_two_videos() -> None:
    both = {"plié.mp4": "1", "plie\u0301.mp4": "2"}
    for files in ((), ("plié.mp4",), ("plie\u0301.mp4", "plié.mp4")):
        videos = merge_videos(at_hand(*files), both, [])
        assert {video.md5 for video in videos.values()} == {"1", "2"}
        assert sum(video.is_local for video in videos.values()) == len(files)
    assert [v.md5 for v in merge_videos([], both, ["plié.mp4"]).values()] == ["2"]


def test_a_video_that_is_not_here_still_keeps_another_from_its_name() -> None:
    videos = merge_videos(at_hand("x.mp4"), {"x.mov": "1", "X.avi": "2"}, [])
    assert {name: video.is_local for name, video in videos.items()} == {"X": False, "x.mov": False, "x.mp4": True}


def test_absent_videos_of_videos_yaml_stay_without_a_hash() -> None:
    assert merge_videos([], {"film": None}, [])["film"] == Video("film", "film", "film", None, "film", None)


def test_the_caller_may_reserve_names() -> None:
    video = merge_videos(at_hand("dataset.mp4"), {}, reserved=["dataset"])["dataset"]
    assert video.stem.startswith("dataset~")
    assert video.flat_stem.startswith("dataset~")


PATHS = st.lists(st.sampled_from([*"abX/.", "é", "e\u0301", ".mp4", ".mov"]), min_size=1, max_size=5).map("".join)


@given(st.sets(PATHS, max_size=6), st.sets(PATHS, max_size=6), st.sets(PATHS, max_size=3))
def test_no_existing_file_is_lost_and_no_listed_one_unless_removed(
    files: set[str], listed: set[str], removed: set[str]
) -> None:
    videos = merge_videos(at_hand(*files), {path: path for path in listed}, removed)
    assert {video.relative for video in videos.values() if video.is_local} == files
    assert all(video.name == name for name, video in videos.items())
    assert list(videos) == sorted(videos)
    for attribute in ("relative", "stem", "flat_stem"):
        assert len({getattr(video, attribute) for video in videos.values()}) == len(videos)
    hashes = {video.md5 for video in videos.values()} - {None}
    assert hashes <= listed
    if not removed:
        assert hashes == listed
    assert not {video.relative for video in videos.values() if not video.is_local} & removed
