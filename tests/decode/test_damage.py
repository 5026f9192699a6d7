"""Good frames stay as they are, and every frame that shows an error is flagged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tasks.decode.corruption_tracker import CorruptionTracker
from tests.decode.conftest import Decode, Odd
from tests.decode.film import COUNT, film, packets_of, spoil
from tests.decode.whole_files import AV1

DAMAGED: dict[str, dict[str, Any]] = {  # file, and how its film was written before it was spoiled
    "damaged.mp4": {"options": {"bf": "0", "crf": "10"}},
    "damaged.mkv": {"options": {"bf": "0", "crf": "10"}},
    "damaged.ts": {"options": {"bf": "0", "crf": "10"}},
    "damaged_b_frames.mp4": {"options": {"bf": "2", "crf": "10"}},
    "damaged_mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "damaged_mpeg2.ts": {"codec": "mpeg2video"},
    "damaged_prores.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "damaged_av1.mp4": {"codec": "libsvtav1", "options": AV1},
    "hole.mp4": {"options": {"bf": "0"}},
    "cut_tail.mp4": {"options": {"bf": "0", "crf": "10"}, "container": {"movflags": "faststart"}},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_frames_called_whole_are_whole(name: str, odd: Odd, decoded: Decode, tmp_path: Path) -> None:
    film(tmp_path / name, **DAMAGED[name])
    truth, frames = decoded(tmp_path / name, "truth"), decoded(odd(name))
    assert truth.ok.all()
    assert 0 < frames.ok.sum() < COUNT
    assert frames.pts_s == pytest.approx(truth.pts_s)
    for number, image in frames.images():
        np.testing.assert_array_equal(image, truth.image(number))


def test_damage_reaches_from_the_error_to_the_next_key_frame(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("damaged.mp4"))
    assert np.flatnonzero(frames.status == "damaged").tolist() == [11, 12, 13, 14, 15]
    assert frames.image(15).shape == (64, 96, 3)


def test_damage_stays_in_its_frame_where_every_frame_is_a_key_frame(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("damaged_prores.mov"))
    assert np.flatnonzero(~frames.ok).tolist() == [11, 12]


def test_damage_that_only_the_log_tells_of_is_seen(decoded: Decode, tmp_path: Path) -> None:
    path = tmp_path / "log_only.avi"
    film(path, "mjpeg", "yuvj420p")
    data, content = bytearray(path.read_bytes()), packets_of(path)[7][0]
    place = data.index(content) + len(content) * 7 // 10
    data[place : place + 40] = b"\xff\x01" * 20
    path.write_bytes(data)
    with av.open(str(path)) as source:
        assert not any(frame.is_corrupt for frame in source.decode(video=0))
    assert np.flatnonzero(decoded(path).status == "damaged").tolist() == [7]


def test_a_lost_frame_keeps_its_place_and_time(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("hole.mp4"))
    assert np.flatnonzero(frames.status == "lost").tolist() == [10, 11, 12, 13]
    assert frames.pts_s == pytest.approx(np.arange(COUNT) / 25)
    assert frames.source_frame.tolist() == list(range(COUNT))


def test_frames_beyond_the_cut_are_lost_with_times_that_continue(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("cut_tail.mp4"))
    assert np.flatnonzero(frames.status == "lost").tolist() == list(range(18, 24))
    assert frames.pts_s == pytest.approx(np.arange(COUNT) / 25)


def test_the_same_damaged_file_gives_the_same_bytes_each_time(decoded: Decode, tmp_path: Path) -> None:
    path = tmp_path / "again.mp4"
    film(path, "mpeg4")
    spoil(path, 11, 12)
    decoded(path, "one")
    decoded(path, "two")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_suspicion_lasts_until_a_clean_key_picture() -> None:
    tracker = CorruptionTracker()
    assert not tracker.is_suspect(3)
    tracker.mark_error(5)
    assert [tracker.is_suspect(n) for n in (4, 5, 6)] == [False, True, True]
    tracker.clear_before(8)
    assert not tracker.is_suspect(9)


def test_a_key_picture_with_an_error_of_its_own_clears_nothing() -> None:
    tracker = CorruptionTracker()
    tracker.mark_error(8)
    tracker.mark_error(5)
    tracker.clear_before(8)
    assert tracker.is_suspect(8)
    tracker.clear_before(16)
    assert not tracker.is_suspect(17)
