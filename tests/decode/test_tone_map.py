"""HDR becomes what the same light looks like on an SDR display, and highlights are compressed, not cut."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tasks.decode.tone_map import DEFAULT_PEAK_NITS, REFERENCE_WHITE_NITS, HdrTransfer, tone_map
from tests.decode.conftest import Decode, Odd
from tests.decode.film import film

PQ_CODES = {0.0: 0.0, 1.0: 0.1499, 10.0: 0.2997, 100.0: 0.5081, 203.0: 0.5807, 1000.0: 0.7518, 10_000.0: 1.0}
"""cd/m2 and code, ITU-R BT.2408 table 1 and SMPTE ST 2084."""


def grey(code: float, transfer: HdrTransfer = "PQ", peak: float = DEFAULT_PEAK_NITS) -> int:
    """The level that a grey of this code becomes; all three channels are the same."""
    image = tone_map(np.full((1, 1, 3), round(code * 65535), np.uint16), transfer, peak)
    assert len(set(image.ravel().tolist())) == 1
    return int(image[0, 0, 0])


@pytest.mark.parametrize("nits", [0.0, 1.0, 10.0])
def test_dark_and_middle_light_is_what_an_sdr_display_shows(nits: float) -> None:
    expected = 255 * (nits / REFERENCE_WHITE_NITS) ** (1 / 2.4)
    assert grey(PQ_CODES[nits]) == pytest.approx(expected, abs=1)


def test_the_peak_becomes_white_and_what_is_darker_stays_darker() -> None:
    levels = [grey(code) for code in np.linspace(0, 1, 60)]
    assert levels == sorted(levels)
    assert grey(PQ_CODES[1000.0]) == 255
    assert grey(PQ_CODES[203.0]) < grey(0.65) < grey(0.7) < 255


def test_content_as_dark_as_sdr_is_not_compressed() -> None:
    assert grey(PQ_CODES[100.0], peak=REFERENCE_WHITE_NITS) == pytest.approx(255 * (100 / 203) ** (1 / 2.4), abs=1)


def test_the_reference_white_of_hlg_is_that_of_pq() -> None:
    assert grey(0.75, "HLG") == pytest.approx(grey(PQ_CODES[203.0]), abs=1)
    assert grey(0.0, "HLG") == 0
    assert grey(1.0, "HLG") == 255


def test_colours_of_bt709_come_back_in_their_hue() -> None:
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    light = 40 * np.array([1.0, 0.25, 0.05])
    m1, m2 = 2610 / 16384, 2523 / 32
    power = [(value / 10_000) ** m1 for value in to_2020 @ light]
    codes = [((3424 / 4096 + 2413 / 128 * p) / (1 + 2392 / 128 * p)) ** m2 for p in power]
    image = tone_map(np.round(np.array(codes) * 65535).astype(np.uint16)[None, None], "PQ", DEFAULT_PEAK_NITS)
    expected = [255 * math.pow(value / REFERENCE_WHITE_NITS, 1 / 2.4) for value in light]
    assert image[0, 0].tolist() == pytest.approx(expected, abs=2)


def test_a_film_is_tone_mapped_unless_asked_not_to_be(odd: Odd, decoded: Decode) -> None:
    mapped, plain = decoded(odd("hdr_pq.mkv")), decoded(odd("hdr_pq.mkv"), "plain", tone_map="none")
    assert mapped.decode_report.notes == ("colours are HDR (PQ) and were tone-mapped to BT.709",)
    assert plain.decode_report.notes == ("colours are HDR (PQ) and were not tone-mapped",)
    middle = plain.image(0)[20:44, 30:66].mean() / 255
    assert mapped.image(0)[20:44, 30:66].mean() == pytest.approx(grey(middle), abs=4)


def test_hlg_in_a_file_is_recognised(decoded: Decode, tmp_path: Path) -> None:
    film(tmp_path / "hlg.mkv", pixels="yuv420p10le", matrix=9, color_range=1, transfer=18)
    assert decoded(tmp_path / "hlg.mkv").decode_report.notes == (
        "colours are HDR (HLG) and were tone-mapped to BT.709",
    )


@pytest.mark.parametrize("transfer", [16, 18])
def test_colours_are_the_same_at_full_and_at_working_size(transfer: int, decoded: Decode, tmp_path: Path) -> None:
    film(tmp_path / "hdr.mkv", pixels="yuv420p10le", matrix=9, color_range=1, transfer=transfer, options={"crf": "5"})
    full, half = decoded(tmp_path / "hdr.mkv"), decoded(tmp_path / "hdr.mkv", "half", max_side=48)
    assert full.image(3).mean((0, 1)) == pytest.approx(half.image(3).mean((0, 1)), abs=1)
    assert full.image(3)[4, 4].tolist() == pytest.approx(half.image(3)[2, 2].tolist(), abs=6)
