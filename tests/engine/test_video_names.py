"""Video names are unique, depend only on the set of files, and typed variants are resolved."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.engine.video_names import assign_video_names, normalize_path, resolve_video_name, strip_suffix
from tasks.errors import SemflowError

BYTES_NAME = os.fsdecode(b"caf\xe9.mp4")


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["walk.mp4"], ["walk"]),
        (["day1/cam.MOV", "day2/cam.MOV"], ["day1/cam", "day2/cam"]),
        (["x.mp4", "x.mov"], ["x.mp4", "x.mov"]),
        (["x.mp4", "x.mov", "y.mov"], ["x.mp4", "x.mov", "y"]),
        (["x.mp4", "x"], ["x.mp4", "x"]),
        (["x.mp4", "x.mp4.avi"], ["x", "x.mp4.avi"]),
        (["x.mp4", "x.mov", "x.mp4.avi"], ["x.mp4", "x.mov", "x.mp4.avi"]),
        (["1.2.840.1", "1.2.840.2"], ["1.2.840.1", "1.2.840.2"]),
        (["1.2.840.1"], ["1.2.840.1"]),
        (["stream.264", "night.h264", "a.m2ts", "b.3gp"], ["stream", "night", "a", "b"]),
        (["Dr. Smith", "2024.05.01"], ["Dr. Smith", "2024.05.01"]),
        (["take #1 50%.mp4"], ["take #1 50%"]),
        (["plie\u0301.mp4"], ["plié"]),
        ([BYTES_NAME], ["caf%E9"]),
    ],
)
def test_a_name_is_the_path_without_its_ending_unless_two_would_share_it(files: list[str], names: list[str]) -> None:
    assert assign_video_names(files) == dict(zip(files, names, strict=True))


def test_files_with_equal_normalised_paths_each_get_a_hash_suffix() -> None:
    names = assign_video_names(["é.mp4", "e\u0301.mp4", "a.mp4"])
    assert names["a.mp4"] == "a"
    assert names["é.mp4"] != names["e\u0301.mp4"]
    assert all(names[file].startswith("é.mp4~") and len(names[file]) == 14 for file in ("é.mp4", "e\u0301.mp4"))


def test_a_file_that_already_has_such_a_suffix_is_distinguished() -> None:
    taken = assign_video_names(["é.mp4", "e\u0301.mp4"])["é.mp4"]
    names = assign_video_names(["é.mp4", "e\u0301.mp4", f"{taken}.avi"])
    assert len(set(names.values())) == 3
    assert names[f"{taken}.avi"] == taken


PIECES = st.sampled_from(
    ["a", "A", "x.mp4", "x.mov", ".", "/", "~", "_", "%FF", "\udcff", "é", "e\u0301", ".264", ".1"]
)
PATHS = st.lists(PIECES, min_size=1, max_size=6).map("".join)


@given(st.sets(PATHS, max_size=8))
def test_names_are_unique_normalised_encodable_and_independent_of_order(files: set[str]) -> None:
    names = assign_video_names(sorted(files))
    assert names == assign_video_names(sorted(files, reverse=True))
    assert set(names) == files
    assert len(set(names.values())) == len(files)
    for name in names.values():
        assert name.encode().decode() == name
        assert unicodedata.is_normalized("NFC", name)


@given(st.sets(PATHS, max_size=8))
def test_every_name_and_every_unambiguous_path_finds_its_video(files: set[str]) -> None:
    names = assign_video_names(files)
    texts = [normalize_path(file) for file in files]
    for file, name in names.items():
        assert resolve_video_name(names, name) == name
        assert resolve_video_name(names, unicodedata.normalize("NFD", name)) == name
        if texts.count(normalize_path(file)) == 1:
            assert resolve_video_name(names, file) == name


NAMES = assign_video_names(["day1/plié_1.mp4", "day1/cam.mp4", "day2/cam.mp4", "x.mp4", "x.mov", BYTES_NAME])


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("day1/plié_1", "day1/plié_1"),
        ("day1/plie\u0301_1", "day1/plié_1"),
        ("day1/plie\u0301_1.mp4", "day1/plié_1"),
        ("data/raw/day1/cam.mp4", "day1/cam"),
        ("./data/raw/day1/cam.mp4", "day1/cam"),
        ("/home/me/project/data/raw/day1/cam", "day1/cam"),
        ("./day2/cam", "day2/cam"),
        ("x.mov", "x.mov"),
        ("data/raw/x.mov", "x.mov"),
        (BYTES_NAME, "caf%E9"),
        ("caf%E9", "caf%E9"),
    ],
)
def test_typed_names_are_resolved(typed: str, name: str) -> None:
    assert resolve_video_name(NAMES, typed) == name


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("x", "'x', which may be x.mov or x.mp4"),
        ("day1/plie_1", "did you mean day1/plié_1"),
        ("cam", "did you mean day1/cam or day2/cam"),
        ("Day1/Cam", "did you mean day1/cam"),
        ("day1/cam.avi", "did you mean day1/cam"),
        ("zzzzzz", "must be one of caf%E9, day1/cam, day1/plié_1, day2/cam, x.mov and 1 more, got 'zzzzzz'"),
    ],
)
def test_the_error_for_an_unknown_name_lists_similar_names(typed: str, words: str) -> None:
    with pytest.raises(SemflowError) as caught:
        resolve_video_name(NAMES, typed)
    assert words in str(caught.value)


def test_an_empty_project_says_so() -> None:
    with pytest.raises(SemflowError, match="there are none"):
        resolve_video_name({}, "x")


def test_only_the_last_part_of_a_path_has_an_ending() -> None:
    assert strip_suffix("a.b/c") == "a.b/c"
    assert strip_suffix("a/.mp4") == "a/.mp4"
