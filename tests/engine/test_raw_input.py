"""The raw file in a recipe: MD5, path, and the video's name where another file has the same path but for the ending."""

from __future__ import annotations

import pytest

from flows.engine.raw_input import format_raw_input, parse_raw_input
from flows.engine.video_names import assign_video_names


@pytest.mark.parametrize("relative", ["walk.mp4", "a folder/my film.mp4", "no ending", "1.2.840.1"])
def test_a_name_that_follows_from_the_path_adds_nothing(relative: str) -> None:
    name = assign_video_names([relative])[relative]
    assert format_raw_input("0a", relative, name) == f"0a {relative}"
    assert parse_raw_input(f"0a {relative}") == ("0a", relative, "")


def test_a_second_file_of_the_same_name_changes_the_entry_of_the_first() -> None:
    alone, both = assign_video_names(["my film.mp4"]), assign_video_names(["my film.mp4", "my film.mov"])
    entries = [format_raw_input("0a", "my film.mp4", names["my film.mp4"]) for names in (alone, both)]
    assert entries == ["0a my film.mp4", "0a my film.mp4//my film.mp4"]
    assert parse_raw_input(entries[1]) == ("0a", "my film.mp4", "my film.mp4")


def test_the_hash_of_another_input_names_no_file() -> None:
    assert parse_raw_input("0123abcd").relative == ""
