"""The MP4: read back by FFmpeg, and its bytes looked at."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tasks.report.film_data.packed_series import pack_series
from tasks.report.overlay.encode_video import VideoEncoding, encode_video
from tasks.report.overlay.film_ticks import compute_film_ticks
from tests.report.test_film_data import unpack

ENCODING = VideoEncoding(width=64, height=48, fps=25.0, crf=23, preset="ultrafast")


def _encode(path: Path, times_s: list[float], end_s: float) -> None:
    base = np.full((48, 64, 3), 40, np.uint8)
    encode_video(path, (base + i % 180 for i in range(len(times_s))), np.array([*times_s, end_s]), ENCODING)


def _read(path: Path) -> tuple[list[float], av.VideoStream]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [float(frame.time or 0) for frame in container.decode(stream)], stream


def test_varying_times_come_back_as_they_went_in(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.3, 0.34, 1.0, 1.0333667, 2.5]
    _encode(tmp_path / "a.mp4", times, 3.0)
    assert _read(tmp_path / "a.mp4")[0] == pytest.approx(times, abs=1 / 90_000)


def test_the_last_picture_lasts_to_the_end(tmp_path: Path) -> None:
    _encode(tmp_path / "a.mp4", [0.0, 0.04, 0.5], 2.0)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert (container.duration or 0) / 1e6 == pytest.approx(2.0, abs=0.002)


def test_one_picture_is_a_video(tmp_path: Path) -> None:
    _encode(tmp_path / "a.mp4", [0.0], 0.04)
    assert _read(tmp_path / "a.mp4")[0] == [0.0]


def test_browsers_find_what_they_need(tmp_path: Path) -> None:
    _encode(tmp_path / "a.mp4", [i / 25 for i in range(60)], 2.4)
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt, codec.width, codec.height) == ("h264", "yuv420p", 64, 48)
        assert (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range) == (1, 1, 1, 1)
        keys = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.pts is not None and p.is_keyframe]
    assert keys == pytest.approx([0.0, 2.0])


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        _encode(tmp_path / name, [i / 25 for i in range(80)], 3.2)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert b"Lavf" not in (tmp_path / "a.mp4").read_bytes()


def test_colours_survive_the_journey(tmp_path: Path) -> None:
    colour = (200, 60, 30)
    images = [np.full((48, 64, 3), colour, np.uint8)] * 5
    encode_video(tmp_path / "a.mp4", images, np.arange(6) / 25, ENCODING)
    with av.open(str(tmp_path / "a.mp4")) as container:
        frame = next(container.decode(video=0))
        assert frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()[20, 30] == pytest.approx(
            colour, abs=4
        )


@pytest.mark.parametrize("pause_s", [4 * 3600.0, 36_000.0, 30 * 86_400.0])
def test_a_pause_of_hours_or_days_is_written_and_read_back(pause_s: float, tmp_path: Path) -> None:
    times = [i / 25 + pause_s * (i >= 6) for i in range(12)]
    _encode(tmp_path / "a.mp4", times, times[-1] + 0.04)
    assert _read(tmp_path / "a.mp4")[0] == pytest.approx(times, abs=0.003)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert (container.duration or 0) / 1e6 == pytest.approx(times[-1] + 0.04, abs=0.05)


@pytest.mark.parametrize("edges_s", [[0, 0.04, 7 * 3600], [0, 0.02, 0.04, 6e8, 6e8 + 0.02], [0, 1, 3e9, 6e9, 1e15]])
def test_ticks_increase_and_fit_what_the_page_reads(edges_s: list[float]) -> None:
    clock = compute_film_ticks(np.array(edges_s))
    steps = np.diff(clock.edges)
    assert steps.min() > 0
    assert steps.max() < 2**30
    assert clock.edges[-1] < 2**31
    assert unpack(pack_series(clock.edges))[:, 0].tolist() == clock.edges.tolist()


def test_the_clock_of_a_film_below_six_hours_is_that_of_mpeg() -> None:
    edges_s = np.arange(0, 6.5 * 3600, 60.0)
    clock = compute_film_ticks(edges_s)
    assert (clock.per_s, clock.edges.tolist()) == (90_000, (edges_s * 90_000).astype(int).tolist())
