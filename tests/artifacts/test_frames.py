"""Frames come back from disk as they went: times, status, decode report, and pictures a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.arrays import Image
from tasks.artifacts import parquet_file
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame, FrameStatus
from tasks.artifacts.image_codec import ImageEncoding
from tasks.artifacts.parquet_file import ROWS_PER_GROUP
from tasks.errors import SemflowError
from tests.factories.frames import make_decode_report

HEIGHT, WIDTH = 48, 64


def image(number: int) -> Image:
    """A picture that shows its number."""
    values = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) + 7 * number
    return np.repeat((values % 256)[:, :, None], 3, axis=2).astype(np.uint8)


def make_report(kept: int, encoding: ImageEncoding = "png") -> DecodeReport:
    return make_decode_report((HEIGHT, WIDTH), kept, file="film.mp4", encoding=encoding, notes=("a note",))


def rows(statuses: list[FrameStatus]) -> Iterator[Frame]:
    for number, status in enumerate(statuses):
        yield Frame(2 * number, number / 25, status, None if status == "lost" else image(number))


def stored(path: Path, statuses: list[FrameStatus], encoding: ImageEncoding = "png") -> Frames:
    return Frames.stream(rows(statuses), lambda: make_report(len(statuses), encoding), encoding).to(path)


@pytest.fixture
def frames(tmp_path: Path) -> Frames:
    """40 frames: 5 is damaged, 20 and 21 are lost."""
    statuses: list[FrameStatus] = ["ok"] * 40
    statuses[5], statuses[20], statuses[21] = "damaged", "lost", "lost"
    return stored(tmp_path / "film.parquet", statuses)


def test_times_status_and_account_come_back(frames: Frames) -> None:
    assert len(frames) == 40
    assert frames.pts_s.tolist() == [n / 25 for n in range(40)]
    assert frames.source_frame.tolist() == list(range(0, 80, 2))
    assert frames.status[[4, 5, 20]].tolist() == ["ok", "damaged", "lost"]
    assert np.flatnonzero(~frames.ok).tolist() == [5, 20, 21]
    assert frames.decode_report == make_report(40)
    assert (frames.width, frames.height) == (WIDTH, HEIGHT)


def test_images_gives_the_whole_ones_in_order(frames: Frames) -> None:
    seen = dict(frames.images())
    assert list(seen) == [n for n in range(40) if n not in (5, 20, 21)]
    for number, found in seen.items():
        np.testing.assert_array_equal(found, image(number))


def test_images_of_a_range(frames: Frames) -> None:
    assert [number for number, _ in frames.images(18, 24)] == [18, 19, 22, 23]
    assert [number for number, _ in frames.images(38, 99)] == [38, 39]


def test_batches_hold_the_same_images(frames: Frames) -> None:
    batches = list(frames.batches(10))
    assert [len(numbers) for numbers, _ in batches] == [10, 10, 10, 7]
    assert [n for numbers, _ in batches for n in numbers] == [n for n, _ in frames.images()]
    np.testing.assert_array_equal(batches[-1][1][-1], image(39))


def test_frames_are_read_in_any_order(frames: Frames) -> None:
    for number in (39, 0, 17, 16, 15, 38):
        np.testing.assert_array_equal(frames.image(number), image(number))


def test_a_damaged_image_can_be_looked_at(frames: Frames) -> None:
    np.testing.assert_array_equal(frames.image(5), image(5))


def test_a_lost_image_is_an_error(frames: Frames) -> None:
    with pytest.raises(SemflowError, match=r"frame 20 of film\.mp4 must have an image, got one that was lost"):
        frames.image(20)


@pytest.mark.parametrize("number", [-1, 40])
def test_a_frame_outside_is_an_error(frames: Frames, number: int) -> None:
    with pytest.raises(SemflowError, match=r"frame must lie in \[0, 40\)"):
        frames.image(number)


def test_no_more_than_one_row_group_is_kept_in_memory(frames: Frames) -> None:
    for _ in frames.images():
        assert len(frames._row_group) == 1


def test_row_groups_are_short(frames: Frames) -> None:
    groups = [frames.file.metadata.row_group(n).num_rows for n in range(frames.file.num_row_groups)]
    assert groups == [ROWS_PER_GROUP, ROWS_PER_GROUP, 8]


def test_row_groups_far_into_a_film_are_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "LATER_ROW", 2 * ROWS_PER_GROUP)
    monkeypatch.setattr(parquet_file, "ROWS_PER_LATER_GROUP", 3 * ROWS_PER_GROUP)
    frames = stored(tmp_path / "frames.parquet", ["ok"] * (6 * ROWS_PER_GROUP))
    groups = [frames.file.metadata.row_group(n).num_rows for n in range(frames.file.num_row_groups)]
    assert groups == [ROWS_PER_GROUP, ROWS_PER_GROUP, 3 * ROWS_PER_GROUP, ROWS_PER_GROUP]
    monkeypatch.undo()  # a reader asks the file
    for number in (0, 2 * ROWS_PER_GROUP - 1, 2 * ROWS_PER_GROUP, 5 * ROWS_PER_GROUP - 1, 6 * ROWS_PER_GROUP - 1):
        assert np.array_equal(frames.image(number), image(number))


@pytest.mark.parametrize("encoding", ["jpeg", "png", "raw"])
def test_saving_again_gives_the_same_bytes(encoding: ImageEncoding, tmp_path: Path) -> None:
    first = stored(tmp_path / "one.parquet", ["ok", "lost", "damaged"] * 9, encoding)
    first.save(tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_an_image_is_a_copy_of_its_own(tmp_path: Path) -> None:
    frames = stored(tmp_path / "film.parquet", ["ok"], "raw")
    frames.image(0)[:] = 0
    np.testing.assert_array_equal(frames.image(0), image(0))


def test_images_may_be_made_where_they_are_encoded(tmp_path: Path) -> None:
    lazy = (replace(row, image=lambda number=n: image(number)) for n, row in enumerate(rows(["ok"] * 20)))
    frames = Frames.stream(lazy, lambda: make_report(20), "png").to(tmp_path / "film.parquet")
    np.testing.assert_array_equal(frames.image(19), image(19))


def test_no_frames_are_frames_too(tmp_path: Path) -> None:
    frames = stored(tmp_path / "film.parquet", [])
    assert len(frames) == 0
    assert list(frames.images()) == list(frames.batches(4)) == []
    frames.save(tmp_path / "again.parquet")
    assert len(Frames.load(tmp_path / "again.parquet")) == 0


def test_times_must_increase(tmp_path: Path) -> None:
    still = (Frame(n, 1.0, "ok", image(n)) for n in range(3))
    streamed = Frames.stream(still, lambda: make_report(3), "png")
    with pytest.raises(SemflowError, match=r"frames\.pts_s must increase, got 1\.0 then 1\.0 in row 1"):
        streamed.to(tmp_path / "film.parquet")


def test_an_error_among_the_rows_is_not_swallowed(tmp_path: Path) -> None:
    def failing() -> Iterator[Frame]:
        yield from rows(["ok"] * 3)
        raise SemflowError("the video ended")

    with pytest.raises(SemflowError, match="the video ended"):
        Frames.stream(failing(), lambda: make_report(3), "png").to(tmp_path / "film.parquet")


def test_a_decode_report_of_another_version_is_refused() -> None:
    with pytest.raises(SemflowError, match=r"film\.parquet must carry the decode report of this version"):
        DecodeReport.from_json(b'{"file": "film.mp4"}', "film.parquet")


def test_columns_say_what_they_mean(frames: Frames) -> None:
    schema = frames.file.schema_arrow
    assert schema.names == ["video", "frame", "source_frame", "pts_s", "status", "image"]
    assert schema.field("pts_s").metadata[b"unit"] == b"s"
