"""The MP4: read back by FFmpeg, and its bytes looked at."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tasks.report.overlay.encode_video import VideoEncoding, encode_video

ENCODING = VideoEncoding(width=64, height=48, fps=25.0, crf=23, preset="ultrafast")


def _pictures(times_s: list[float]) -> list[tuple[float, np.ndarray]]:
    return [(t, np.full((48, 64, 3), 40 + i % 180, np.uint8)) for i, t in enumerate(times_s)]


def _read(path: Path) -> tuple[list[float], av.VideoStream]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [float(frame.time or 0) for frame in container.decode(stream)], stream


def test_varying_times_come_back_as_they_went_in(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.3, 0.34, 1.0, 1.0333667, 2.5]
    encode_video(tmp_path / "a.mp4", _pictures(times), 3.0, ENCODING)
    assert _read(tmp_path / "a.mp4")[0] == pytest.approx(times, abs=1 / 90_000)


def test_the_last_picture_lasts_to_the_end(tmp_path: Path) -> None:
    encode_video(tmp_path / "a.mp4", _pictures([0.0, 0.04, 0.5]), 2.0, ENCODING)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert (container.duration or 0) / 1e6 == pytest.approx(2.0, abs=0.002)


def test_one_picture_is_a_video(tmp_path: Path) -> None:
    encode_video(tmp_path / "a.mp4", _pictures([0.0]), 0.04, ENCODING)
    assert _read(tmp_path / "a.mp4")[0] == [0.0]


def test_browsers_find_what_they_need(tmp_path: Path) -> None:
    encode_video(tmp_path / "a.mp4", _pictures([i / 25 for i in range(60)]), 2.4, ENCODING)
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
        encode_video(tmp_path / name, _pictures([i / 25 for i in range(80)]), 3.2, ENCODING)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert b"Lavf" not in (tmp_path / "a.mp4").read_bytes()


def test_colours_survive_the_journey(tmp_path: Path) -> None:
    colour = (200, 60, 30)
    pictures = [(i / 25, np.full((48, 64, 3), colour, np.uint8)) for i in range(5)]
    encode_video(tmp_path / "a.mp4", pictures, 0.2, ENCODING)
    with av.open(str(tmp_path / "a.mp4")) as container:
        frame = next(container.decode(video=0))
        assert frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()[20, 30] == pytest.approx(
            colour, abs=4
        )
