"""The raw file in a recipe: MD5, path, and the video's name where another file has the same path but for the ending."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import pytest

from flows.engine.job import Job
from flows.engine.job_execution import execute_job
from flows.engine.raw_input import format_raw_input, parse_raw_input
from flows.engine.video_names import assign_video_names
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.raw_video import RawVideo
from tasks.params import Params
from tasks.stage import stage


class NamedParams(Params):
    """None."""


@dataclass(frozen=True)
class Named(Artifact):
    """The name of a video, as text."""

    FOLDER: ClassVar[str] = "data/named"
    SUFFIX: ClassVar[str] = ".txt"

    name: str

    def save(self, path: Path) -> None:
        path.write_text(self.name)

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text())


@stage()
def name_video(raw: RawVideo, params: NamedParams) -> Named:
    return Named(raw.video)


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


def test_a_stage_that_reads_a_raw_file_is_told_the_name_of_its_video(tmp_path: Path) -> None:
    job = Job(
        "name_video",
        "a/walk.mp4",
        {"raw": str(tmp_path / "walk.mp4")},
        (("data/named", str(tmp_path / "n")),),
        str(tmp_path / "p"),
    )
    result = execute_job(job, name_video, {"name_video": NamedParams()}, tmp_path)
    assert result.status == "computed", result.message
    assert (tmp_path / "n").read_text() == "a/walk.mp4"
