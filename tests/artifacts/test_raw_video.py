"""A raw video is named by its path below data/raw."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.artifacts.raw_video import RawVideo
from tasks.errors import SemflowError


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/home/me/clip.mp4", "clip.mp4"),
        ("/project/data/raw/clip.mp4", "clip.mp4"),
        ("/project/data/raw/day1/cam 2.mov", "day1/cam 2.mov"),
        ("/data/raw/old/project/data/raw/a.mp4", "a.mp4"),
    ],
)
def test_its_name_is_what_its_owner_sees(file: str, name: str) -> None:
    assert RawVideo(Path(file)).name == name


def test_no_stage_writes_one(tmp_path: Path) -> None:
    with pytest.raises(SemflowError, match="must be put there by you"):
        RawVideo(tmp_path / "a.mp4").save(tmp_path / "b.mp4")
