"""Size, orientation and colour of what is stored."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import av.filter
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.decode.frame_transform import compute_working_size, make_transform
from tests.decode.conftest import Decode, Odd
from tests.decode.film import BLUE, COUNT, GREEN, RED, WHITE, film, grey_of

SIDES = st.integers(1, 5000)


@given(SIDES, SIDES, st.fractions(Fraction(1, 4), 4), st.booleans(), st.none() | st.integers(16, 4000))
def test_working_size_is_even_and_never_larger(
    width: int, height: int, aspect: Fraction, turned: bool, max_side: int | None
) -> None:
    w, h, _ = compute_working_size(width, height, aspect, turned, max_side)
    assert w % 2 == h % 2 == 0
    assert max(w, h) <= max(max_side or 5000, 2)
    if turned:
        w, h = h, w
    assert w <= max(width, 2)
    assert h <= max(height, 2)


@given(st.integers(200, 5000), st.integers(200, 5000), st.integers(100, 1000))
def test_working_size_keeps_the_aspect(width: int, height: int, max_side: int) -> None:
    w, h, _ = compute_working_size(width, height, Fraction(1), False, max_side)
    longer, shorter = max(w, h), min(w, h)
    assert shorter == pytest.approx(longer * min(width, height) / max(width, height), abs=2)


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((1920, 1080), 640, (640, 360, True)),
        ((1080, 1920), 640, (360, 640, True)),
        ((1768, 994), 640, (640, 360, True)),
        ((640, 360), 640, (640, 360, False)),
        ((320, 240), 640, (320, 240, False)),
        ((641, 481), None, (640, 480, False)),
        ((1000, 500), 333, (332, 166, True)),
        ((1, 1), 640, (2, 2, False)),
    ],
)
def test_working_size_of(size: tuple[int, int], max_side: int | None, expected: tuple[int, int, bool]) -> None:
    assert compute_working_size(*size, Fraction(1), False, max_side) == expected


def corners(image: np.ndarray) -> list[tuple[int, ...]]:
    """Colours of the four corners: top left, top right, bottom left, bottom right."""
    h, w = image.shape[0] // 10, image.shape[1] // 10
    return [tuple(image[y, x].tolist()) for y in (h, -h - 1) for x in (w, -w - 1)]


def close(found: list[tuple[int, ...]], expected: list[tuple[int, ...]], levels: int) -> bool:
    return bool(np.abs(np.array(found) - np.array(expected)).max() <= levels)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain.mp4", [RED, GREEN, BLUE, WHITE]),
        ("turned_90.mp4", [BLUE, RED, WHITE, GREEN]),
        ("turned_180.mp4", [WHITE, BLUE, GREEN, RED]),
        ("turned_270.mp4", [GREEN, WHITE, RED, BLUE]),
        ("mirrored.mp4", [GREEN, RED, WHITE, BLUE]),
    ],
)
def test_corners_lie_where_a_player_shows_them(
    name: str, expected: list[tuple[int, ...]], odd: Odd, decoded: Decode
) -> None:
    assert close(corners(decoded(odd(name)).image(0)), expected, 25)


TURNS = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)]
FLIPS = [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)]


def as_ffmpeg_turns(image: np.ndarray, a: int, b: int, c: int, d: int) -> np.ndarray:
    """What FFmpeg's own autorotation does (fftools/ffmpeg_filter.c, FFmpeg 8), through its filters."""
    theta = round(np.degrees(np.arctan2(b, a))) % 360
    names = {
        90: [("transpose", "cclock_flip" if c > 0 else "clock")],
        180: [("hflip", None)] * (a < 0) + [("vflip", None)] * (d < 0),
        270: [("transpose", "clock_flip" if c < 0 else "cclock")],
        0: [("vflip", None)] * (d < 0),
    }[theta]
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    graph = av.filter.Graph()
    nodes = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25))]
    nodes += [graph.add(name, option) if option else graph.add(name) for name, option in names]
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    graph.push(frame)
    return graph.pull().to_ndarray(format="rgb24")


@pytest.mark.parametrize("matrix", TURNS + FLIPS)
def test_every_display_matrix_is_obeyed_as_ffmpeg_does(matrix: tuple[int, int, int, int], tmp_path: Path) -> None:
    a, b, c, d = (65536 * v for v in matrix)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    path = tmp_path / "turned.mov"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "rgb24"
        stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    with av.open(str(path)) as source:
        frame = next(source.decode(video=0))
        shown = make_transform(frame, Fraction(1), None).render_image(frame)
    np.testing.assert_array_equal(shown, as_ffmpeg_turns(image, *matrix))


@pytest.mark.parametrize(
    "name", ["ten_bit_601.mkv", "ten_bit_709.mkv", "ten_bit_2020.mkv", "full_range.mp4", "untagged_hd.mp4"]
)
def test_colours_follow_matrix_and_range(name: str, odd: Odd, decoded: Decode) -> None:
    assert close(corners(decoded(odd(name)).image(0)), [RED, GREEN, BLUE, WHITE], 12)


def test_grey_rises_from_frame_to_frame(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("plain.mp4"))
    means = [float(frames.image(n)[16:-16].mean()) for n in range(COUNT)]
    assert means == pytest.approx([grey_of(n) for n in range(COUNT)], abs=3)


def test_scaling_takes_pixel_centres_at_integers() -> None:
    # A stored pixel covers four by four of the file: the ramp's mean there is its value at 4 x + 1.5.
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8), (64, 256))
    frame = av.VideoFrame.from_ndarray(np.repeat(ramp[:, :, None], 3, axis=2), format="rgb24")
    image = make_transform(frame, Fraction(1), 64).render_image(frame)
    assert image.shape == (16, 64, 3)
    # The first and the last pixel have neighbours on one side only.
    assert np.abs(image[8, 1:-1, 1] - (4 * np.arange(64) + 1.5)[1:-1]).max() <= 1


def test_scaling_is_area_averaging() -> None:
    rng = np.random.default_rng(0)
    source = cv2.GaussianBlur(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8), (0, 0), 2)
    frame = av.VideoFrame.from_ndarray(source, format="rgb24")
    image = make_transform(frame, Fraction(1), 160).render_image(frame)
    reference = cv2.resize(source, (160, 120), interpolation=cv2.INTER_AREA)
    assert cv2.PSNR(image, reference) > 45


def test_what_is_small_enough_is_not_touched() -> None:
    source = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(source, format="rgb24")
    np.testing.assert_array_equal(make_transform(frame, Fraction(1), 640).render_image(frame), source)


def test_an_odd_last_row_and_column_are_cut_off() -> None:
    source = np.random.default_rng(0).integers(0, 256, (49, 65, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(source, format="rgb24")
    np.testing.assert_array_equal(make_transform(frame, Fraction(1), None).render_image(frame), source[:48, :64])


def test_pictures_that_change_size_are_stored_at_one(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("size_change.ts"))
    assert {image.shape for _, image in frames.images()} == {(64, 96, 3)}
    assert any("picture size changes to 128x96" in note for note in frames.decode_report.notes)


def test_a_picture_one_pixel_wide_is_stored(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("narrow.mov"))
    assert (frames.width, frames.height, len(frames)) == (2, 32, COUNT)


def test_a_large_video_comes_at_working_size(tmp_path: Path, decoded: Decode) -> None:
    film(tmp_path / "large.mp4", size=(640, 360), count=2)
    frames = decoded(tmp_path / "large.mp4", max_side=160)
    assert frames.image(1).shape == (90, 160, 3)
    assert close(corners(frames.image(0)), [RED, GREEN, BLUE, WHITE], 12)
