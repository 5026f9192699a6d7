"""`semflow check`: every file is named, with what it is or why it is not taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from tests.decode.odd_files import make

PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()
MADE = ("plain.mp4", "turned_90.mp4", "interlaced.ts", "photo.avif", "cut_tail.mp4")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with some films, a photo and what cameras put beside them; we are in it."""
    (tmp_path / "params.yaml").write_text(PARAMS)
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    for name in MADE:
        make(name, raw)
    (raw / "DJI_0001.SRT").write_text("subtitles")
    (raw / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "videos.yaml").write_text("far/away: /mnt/disk/away.mov\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main.main(["check", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_what_will_be_taken_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = check_json(capsys)
    found = {video["video"]: video for video in answer["videos"]}
    assert code == 1
    assert not answer["good"]
    assert found["plain"]["check"]["frames"] == 24
    assert (found["turned_90"]["check"]["width"], found["turned_90"]["check"]["height"]) == (64, 96)
    assert found["interlaced"]["check"]["interlaced"]
    assert found["photo"]["check"] is None
    assert "got a still image" in found["photo"]["problem"]
    assert any("before its index does" in note for note in found["cut_tail"]["check"]["notes"])
    assert [one["relative"] for one in answer["skipped"]] == ["DJI_0001.SRT"]
    assert [one["relative"] for one in answer["unreadable"]] == ["gone.mp4"]
    assert answer["absent"] == ["far/away"]
    assert answer["film_s"] == pytest.approx(3 * 0.96 + 0.76)  # the last one is cut off


def test_one_video_is_checked_by_its_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = check_json(capsys, "plain")
    assert code == 0
    assert [video["video"] for video in answer["videos"]] == ["plain"]
    assert answer["skipped"] == []


def test_the_terminal_shows_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["check"]) == 1
    out = capsys.readouterr().out
    for words in (
        "h264 in mp4",
        "not taken: photo.avif must be a video, got a still image",
        "not taken: gone.mp4 is a link to",
        "not here: far/away",
        "skipped: DJI_0001.SRT, subtitles",
        "4 of 5 files are videos that will be taken",
    ):
        assert words in out


def test_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main.main(["check"])
    assert not (folder / "data/frames").exists()
    assert not (folder / "data/recipes").exists()


def test_an_empty_project_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    monkeypatch.chdir(tmp_path)
    assert main.main(["check"]) == 2
    assert "put files there" in capsys.readouterr().err
