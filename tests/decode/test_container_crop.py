"""What a container asks to show of the picture is what is stored."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from tasks.decode.container_crop import read_container_crop
from tasks.decode.inspect_video import inspect_video
from tests.decode.conftest import Decode, Odd
from tests.decode.cropped_files import BOTTOM, LEFT, RIGHT, TOP
from tests.decode.film import COUNT, HEIGHT, WIDTH, picture

SHOWN = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
EVEN = (SHOWN[0] // 2 * 2, SHOWN[1] // 2 * 2)


@pytest.mark.parametrize("name", ["cropped.mkv", "cropped.webm", "cropped.mp4", "cropped.mov"])
def test_the_part_that_the_container_asks_for_is_stored(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    report = frames.decode_report
    assert (report.source_width, report.source_height, report.width, report.height) == (*SHOWN, *EVEN)
    assert len(frames) == COUNT
    for number in (0, COUNT - 1):
        asked = picture(number)[TOP : TOP + EVEN[1], LEFT : LEFT + EVEN[0]].astype(int)
        assert np.abs(frames.image(number).astype(int) - asked).mean() < 3
    words = f"{SHOWN[0]}x{SHOWN[1]} of {WIDTH}x{HEIGHT} pixels are shown, as the container asks"
    assert words in report.notes
    check = inspect_video(odd(name), None)
    assert words in check.notes
    assert (check.width, check.height) == EVEN
    assert not any("aspect" in note or "size changes" in note for note in (*check.notes, *report.notes))


def test_a_cropped_film_is_scaled_to_working_size(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("cropped_large.mkv"), max_side=152)
    shown = picture(0, 320, 240)[TOP : 240 - BOTTOM, LEFT : 320 - RIGHT].astype(float)
    assert (frames.width, frames.height) == (152, 114)
    small = shown.reshape(228, 304, 3)[:228].reshape(114, 2, 152, 2, 3).mean(axis=(1, 3))
    assert np.abs(frames.image(0) - small).mean() < 4


def test_a_cropped_film_is_turned_after_it_was_cropped(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("cropped_turned.mp4"))
    shown = picture(0)[TOP : HEIGHT - BOTTOM, LEFT : WIDTH - RIGHT]
    turned = np.rot90(shown, -frames.decode_report.rotation_deg // 90)[: frames.height, : frames.width]
    assert (frames.width, frames.height) == EVEN[::-1]
    assert np.abs(frames.image(0).astype(int) - turned).mean() < 3


@pytest.mark.parametrize("name", ["plain.mkv", "plain.mp4", "plain.ts", "plain.flv", "fragmented.mp4", "vp9.webm"])
def test_ordinary_films_are_shown_whole(name: str, odd: Odd) -> None:
    formats = {".mkv": ["matroska"], ".webm": ["webm"], ".mp4": ["mov"]}.get(Path(name).suffix, ["mpegts"])
    with odd(name).open("rb") as stream:
        assert read_container_crop(stream, formats, 1, 0) is None


@pytest.mark.parametrize(("name", "form"), [("cropped.mkv", "matroska"), ("cropped.mp4", "mov")])
def test_a_header_that_is_cut_or_spoiled_asks_for_nothing(name: str, form: str, odd: Odd) -> None:
    whole = odd(name).read_bytes()
    rng = np.random.default_rng(0)
    for number in range(60):
        spoiled = bytearray(whole[: rng.integers(1, len(whole))] if number % 2 else whole)
        for place in rng.integers(0, len(spoiled), 200):
            spoiled[place] = rng.integers(0, 256)
        found = read_container_crop(io.BytesIO(spoiled), [form], 1, 0)
        assert found is None or found.left + found.width <= found.coded_width
