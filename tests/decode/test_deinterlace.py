"""Interlaced frames become progressive, at their times; all others stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import numpy as np
import pytest

from tasks.decode.deinterlace import Deinterlacer
from tasks.decode.frame_decoder import DecodedPicture
from tasks.decode.timed_picture import TimedPicture
from tests.decode.conftest import Decode, Odd
from tests.decode.film import COUNT

SIDE, SPEED, FIELDS = 96, 4, 24


def moving_square(number: int) -> np.ndarray:
    """A bright square that moves by SPEED pixels from field to field, on a soft ground."""
    image = np.full((SIDE, SIDE, 3), 60, np.uint8)
    image[32:64, 2 + SPEED * (number % 16) : 34 + SPEED * (number % 16)] = 200
    return image


def interlaced_frames(first_field: str) -> Iterator[av.VideoFrame]:
    """Frames of two fields each, taken from neighbouring images of the moving square."""
    first_line = 0 if first_field == "tff" else 1
    for number in range(0, FIELDS, 2):
        image = moving_square(number)
        image[1 - first_line :: 2] = moving_square(number + 1)[1 - first_line :: 2]
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv422p")
        graph = av.filter.Graph()
        source = graph.add_buffer(width=SIDE, height=SIDE, format=frame.format, time_base=Fraction(1, 25))
        graph.link_nodes(source, graph.add("setfield", first_field), graph.add("buffersink")).configure()
        graph.push(frame)
        yield graph.vpull()


def write_interlaced(path: Path, first_field: str) -> Path:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme", "qmax": "2"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = SIDE, SIDE, "yuv422p", 20_000_000
        for number, frame in enumerate(interlaced_frames(first_field)):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def mean_error(frames: Any) -> float:
    """Mean difference of the stored images from the moment of each frame's first field."""
    errors = [np.abs(image.astype(int) - moving_square(2 * number)).mean() for number, image in frames.images()]
    return float(np.mean(errors))


@pytest.mark.parametrize("first_field", ["tff", "bff"])
def test_a_moving_square_has_no_comb_whichever_field_comes_first(
    first_field: str, decoded: Decode, tmp_path: Path
) -> None:
    film = write_interlaced(tmp_path / "square.ts", first_field)
    combed, whole = decoded(film, "combed", deinterlace="none"), decoded(film, "whole")
    assert mean_error(whole) < mean_error(combed) / 2
    assert whole.pts_s == pytest.approx(combed.pts_s)
    assert len(whole) == FIELDS // 2
    assert whole.decode_report.notes == (f"{FIELDS // 2} frames interlaced: deinterlaced by bwdif",)
    assert combed.decode_report.notes == (f"{FIELDS // 2} frames interlaced: fields were not separated",)


@pytest.mark.parametrize("name", ["plain.mp4", "damaged.mp4", "vfr.mkv", "turned_90.mp4"])
def test_progressive_films_keep_their_bytes(name: str, odd: Odd, decoded: Decode, tmp_path: Path) -> None:
    decoded(odd(name), "with")
    decoded(odd(name), "without", deinterlace="none", tone_map="none")
    assert (tmp_path / "with.parquet").read_bytes() == (tmp_path / "without.parquet").read_bytes()


def test_a_working_rate_takes_deinterlaced_frames(odd: Odd, decoded: Decode) -> None:
    every, some = decoded(odd("interlaced.ts"), "every"), decoded(odd("interlaced.ts"), "some", fps=5)
    assert some.source_frame.tolist() == [0, 5, 10, 15, 20]
    for row, number in enumerate(some.source_frame):
        np.testing.assert_array_equal(some.image(row), every.image(int(number)))


def test_lost_frames_keep_their_places() -> None:
    pictures = [DecodedPicture(n, "ok", frame) for n, frame in enumerate(interlaced_frames("tff"))]
    pictures[3:3] = [DecodedPicture(None, "lost", None), DecodedPicture(None, "lost", None)]
    pictures.append(DecodedPicture(None, "lost", None))
    items = [TimedPicture(number, float(number), picture, None) for number, picture in enumerate(pictures)]
    done = list(Deinterlacer().deinterlace(items))
    assert [item.source_frame for item in done] == list(range(len(items)))
    assert [item.picture.status for item in done] == [picture.status for picture in pictures]
    assert not any(item.picture.frame.interlaced_frame for item in done if item.picture.frame is not None)


def test_a_film_may_become_progressive_and_change_its_size() -> None:
    fields = list(interlaced_frames("tff"))
    larger = [av.VideoFrame.from_ndarray(np.full((64, 128, 3), 90, np.uint8), format="rgb24") for _ in range(3)]
    items = [
        TimedPicture(n, float(n), DecodedPicture(n, "ok", frame), None) for n, frame in enumerate([*fields, *larger])
    ]
    frames = [item.picture.frame for item in Deinterlacer().deinterlace(items)]
    sizes = [(frame.width, frame.height) for frame in frames if frame is not None]
    assert sizes == [(SIDE, SIDE)] * len(fields) + [(128, 64)] * 3


def test_every_interlaced_frame_of_a_file_is_there(odd: Odd, decoded: Decode) -> None:
    assert decoded(odd("interlaced.ts")).ok.tolist() == [True] * COUNT
