"""Image sequences and takes are decoded as one film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.decode.film_list import SUFFIX, FilmList
from tasks.decode.inspect_video import inspect_video
from tasks.errors import BadInput
from tests.decode.conftest import Decode, Odd
from tests.decode.film import COUNT, picture


def write_list(path: Path, film: FilmList) -> Path:
    path.write_text(film.render())
    return path


def write_images(folder: Path, suffix: str, count: int = 10) -> tuple[Path, ...]:
    from PIL import Image

    folder.mkdir()
    files = [folder / f"{number:03d}.{suffix}" for number in range(count)]
    for number, file in enumerate(files):
        Image.fromarray(picture(number)).save(file, **({"lossless": True} if suffix == "webp" else {}))
    return tuple(files)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp"])
def test_images_are_frames_at_the_rate_that_is_given(suffix: str, decoded: Decode, tmp_path: Path) -> None:
    film = write_list(tmp_path / f"lapse{SUFFIX}", FilmList("frames", write_images(tmp_path / "i", suffix), 12.5))
    frames = decoded(film)
    assert frames.ok.tolist() == [True] * 10
    assert frames.pts_s == pytest.approx(np.arange(10) / 12.5)
    assert frames.decode_report.file == "lapse"
    assert frames.decode_report.fps == pytest.approx(12.5)
    for number, image in frames.images():
        expected = picture(number).astype(int)
        assert np.abs(image - expected).mean() < (3 if suffix in ("jpg", "webp") else 0.01)


def test_a_rate_that_is_no_whole_number_is_kept(decoded: Decode, tmp_path: Path) -> None:
    film = FilmList("frames", write_images(tmp_path / "i", "jpg"), 30000 / 1001)
    frames = decoded(write_list(tmp_path / f"lapse{SUFFIX}", film))
    assert frames.pts_s == pytest.approx(np.arange(10) * 1001 / 30000, abs=1e-6)


def test_takes_follow_each_other_with_numbers_and_times_continued(odd: Odd, decoded: Decode, tmp_path: Path) -> None:
    takes = (odd("plain.mp4"), odd("late_start.mkv"), odd("damaged.ts"))
    frames = decoded(write_list(tmp_path / f"lesson{SUFFIX}", FilmList("takes", takes)))
    assert frames.source_frame.tolist() == list(range(3 * COUNT))
    assert frames.pts_s == pytest.approx(np.arange(3 * COUNT) / 25)
    assert np.flatnonzero(frames.status == "damaged").tolist() == [2 * COUNT + n for n in range(11, 16)]
    report = frames.decode_report
    assert (report.file, report.expected, report.damaged, report.kept) == ("lesson", 72, 5, 72)
    assert report.duration_s == pytest.approx(2.88)
    assert report.fps == pytest.approx(25)
    assert report.notes[0] == "3 takes one after another: plain.mp4, late_start.mkv, damaged.ts"
    assert "damaged.ts: frames between 0.44 s and 0.60 s: 5 damaged" in report.notes


def test_the_images_of_takes_are_those_of_each_file(odd: Odd, decoded: Decode, tmp_path: Path) -> None:
    film = write_list(tmp_path / f"lesson{SUFFIX}", FilmList("takes", (odd("plain.mp4"), odd("hevc.mp4"))))
    joined, alone = decoded(film, "joined"), decoded(odd("hevc.mp4"), "alone")
    for number, image in alone.images():
        np.testing.assert_array_equal(joined.image(COUNT + number), image)


def test_takes_of_two_shapes_are_refused(odd: Odd, decoded: Decode, tmp_path: Path) -> None:
    film = write_list(tmp_path / f"lesson{SUFFIX}", FilmList("takes", (odd("plain.mp4"), odd("turned_90.mp4"))))
    with pytest.raises(BadInput, match=r"turned_90\.mp4 with 64x96 after plain\.mp4 with 96x64"):
        decoded(film)


def test_the_check_adds_takes_up(odd: Odd, tmp_path: Path) -> None:
    film = write_list(tmp_path / f"lesson{SUFFIX}", FilmList("takes", (odd("plain.mp4"), odd("interlaced.ts"))))
    check = inspect_video(film, None)
    assert (check.frames, check.interlaced) == (2 * COUNT, True)
    assert check.duration_s == pytest.approx(1.92)


def test_a_spoiled_list_is_refused(decoded: Decode, tmp_path: Path) -> None:
    (tmp_path / f"lesson{SUFFIX}").write_text("{}")
    with pytest.raises(BadInput, match="must be a list of files as"):
        decoded(tmp_path / f"lesson{SUFFIX}")
