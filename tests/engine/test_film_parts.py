"""Films of several files: which files they are, in which order, and when they have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.engine.film_parts import FilmParts, write_film_list
from flows.engine.linked_videos import read_linked_videos
from flows.engine.raw_files import list_raw_files
from tasks.decode.film_list import read_film_list
from tasks.errors import SemflowError


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(name)


def names_of(parts: FilmParts) -> list[str]:
    return [file.name for file in parts.find_files()]


def read_parts(root: Path, text: str) -> FilmParts:
    (root / "videos.yaml").write_text(text)
    (video,) = read_linked_videos(root)
    assert video.parts is not None
    return video.parts


def test_the_images_of_a_folder_come_by_name_with_numbers_as_numbers(tmp_path: Path) -> None:
    put(tmp_path / "lapse", "IMG_10.JPG", "IMG_2.JPG", "IMG_1.JPG", "notes.txt", ".hidden.jpg")
    parts = read_parts(tmp_path, "lapse: {frames: lapse, fps: 12.5}\n")
    assert parts.fps == 12.5
    assert names_of(parts) == ["IMG_1.JPG", "IMG_2.JPG", "IMG_10.JPG"]


def test_a_numbered_pattern_takes_its_images_by_number(tmp_path: Path) -> None:
    put(tmp_path / "lapse", "f000002.jpg", "f000010.jpg", "f1000000.jpg", "f12.jpg", "g000001.jpg", "f000001.png")
    assert names_of(FilmParts(tmp_path / "lapse/f%06d.jpg", 25)) == ["f000002.jpg", "f000010.jpg", "f1000000.jpg"]
    assert names_of(FilmParts(tmp_path / "lapse/f%d.jpg", 25))[0] == "f000002.jpg"
    assert names_of(FilmParts(tmp_path / "lapse/*1.png", 25)) == ["f000001.png"]


def test_takes_keep_the_order_in_which_they_are_listed(tmp_path: Path) -> None:
    parts = read_parts(tmp_path, "lesson:\n  takes: [b.mp4, /mnt/a.mp4]\n")
    assert parts.takes == (tmp_path / "b.mp4", Path("/mnt/a.mp4"))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{frames: lapse}", "got frames without fps; write `{frames: FOLDER, fps: 25}`"),
        ("{fps: 25}", "must have frames and fps, or takes, got fps"),
        ("{frames: lapse, fps: 0}", "fps must be images per second, above 0, got 0"),
        ("{frames: lapse, fps: fast}", "fps must be images per second, above 0, got 'fast'"),
        ("{frames: lapse, fps: true}", "fps must be images per second"),
        ("{frames: [a], fps: 25}", "frames must be a folder or a pattern"),
        ("{takes: a.mp4}", "takes must be a list of files, got 'a.mp4'"),
        ("{takes: []}", "takes must be a list of files"),
        ("{takes: [1]}", "takes must be a list of files"),
        ("{}", "got nothing"),
        ("{takes: [a.mp4], fps: 25}", "got fps, takes"),
    ],
)
def test_what_is_no_film_is_refused_with_its_line(entry: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "videos.yaml").write_text(f"# films\nlapse: {entry}\n")
    with pytest.raises(SemflowError, match=r"videos\.yaml:2") as refusal:
        read_linked_videos(tmp_path)
    assert words in str(refusal.value)


def test_a_film_changes_when_one_of_its_files_does_and_only_then(tmp_path: Path) -> None:
    put(tmp_path / "lapse", "1.png", "2.png")
    (tmp_path / "videos.yaml").write_text("day/lapse: {frames: lapse, fps: 10}\n")
    (first,) = list_raw_files(tmp_path).files
    (second,) = list_raw_files(tmp_path).files
    assert first == second
    assert first.relative == "day/lapse"
    assert [file.name for file in read_film_list(first.path).files] == ["1.png", "2.png"]
    (tmp_path / "lapse/2.png").write_text("another")
    os.utime(tmp_path / "lapse/2.png", ns=(1, 1))
    before = first.path.read_bytes()
    (third,) = list_raw_files(tmp_path).files
    assert third.path.read_bytes() != before


@pytest.mark.parametrize(
    ("names", "words"),
    [((), "must have at least one image"), (("1.png", "2.jpg"), "images of a film must be of one kind")],
)
def test_a_film_without_images_of_one_kind_leaves_the_others_alone(
    names: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    put(tmp_path / "lapse", *names)
    put(tmp_path / "data/raw", "good.mp4")
    (tmp_path / "videos.yaml").write_text("lapse: {frames: lapse, fps: 10}\n")
    listing = list_raw_files(tmp_path)
    assert [file.relative for file in listing.files] == ["good.mp4"]
    assert words in listing.unreadable[0].reason
    assert [one.relative for one in listing.absent] == ["lapse"]


def test_a_take_that_is_not_there_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    (tmp_path / "videos.yaml").write_text("lesson: {takes: [a.mp4, gone.mp4]}\n")
    (absent,) = list_raw_files(tmp_path).absent
    assert f"{tmp_path / 'gone.mp4'} is not there" in absent.reason


def test_the_list_file_lies_outside_the_data(tmp_path: Path) -> None:
    put(tmp_path / "lapse", "1.png")
    file = write_film_list(tmp_path, "day/lapse", FilmParts(tmp_path / "lapse", 10))
    assert file == tmp_path / ".semflow/films/day__lapse.filmlist"
