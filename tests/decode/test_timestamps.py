"""Times increase, whatever the file says, and those that are good stay."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.decode.frame_decoder import DecodedPicture
from tasks.decode.timestamps import MonotonicTimestamps
from tests.decode.conftest import Decode, Odd
from tests.decode.film import film, picture
from tests.decode.whole_files import VFR_MS

MS = Fraction(1, 1000)


def placed(ticks: list[int | None], step_s: float = 0.04) -> tuple[list[float], MonotonicTimestamps]:
    timestamps = MonotonicTimestamps(MS, step_s)
    return [timestamps.assign_time(DecodedPicture(tick, "ok", None)) for tick in ticks], timestamps


@given(st.lists(st.none() | st.integers(-(10**6), 10**6), max_size=200), st.floats(0.001, 1))
def test_times_always_increase(ticks: list[int | None], step_s: float) -> None:
    times, _ = placed(ticks, step_s)
    assert np.all(np.diff(times) > 0)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=100), st.integers(-(10**5), 10**5))
def test_times_that_increase_stay(steps: list[int], start: int) -> None:
    ticks = [start + int(n) for n in np.cumsum(steps)]
    times, timestamps = placed(list(ticks))
    assert times == [tick / 1000 for tick in ticks]
    assert (timestamps.missing, timestamps.squeezed, timestamps.restarts) == (0, 0, 0)


def test_frames_of_one_time_are_squeezed_in_before_the_next() -> None:
    times, timestamps = placed([0, 40, 40, 40, 80])
    assert times[1] == 0.04
    assert times[4] == 0.08
    assert times[1] < times[2] < times[3] < times[4]
    assert timestamps.squeezed == 2


def test_times_that_start_over_continue() -> None:
    times, timestamps = placed([0, 40, 80, 5000, 0, 40, 80])
    assert times == pytest.approx([0, 0.04, 0.08, 5, 5.04, 5.08, 5.12])
    assert timestamps.restarts == 1


def test_missing_times_follow_at_the_usual_step() -> None:
    times, timestamps = placed([None, None, 100, None])
    assert times == pytest.approx([0, 0.04, 0.1, 0.14])
    assert timestamps.missing == 3


@pytest.mark.parametrize(
    ("ticks", "varies"),
    [
        ([0, 33, 67, 100, 133, 167], False),  # 30 fps in milliseconds
        ([0, 40, 80, 120], False),
        ([0, 40, 82, 120], True),
        ([0], False),
        ([], False),
    ],
)
def test_spacing_varies_by_more_than_rounding(ticks: list[int | None], varies: bool) -> None:
    assert placed(ticks)[1].varies is varies


def test_repaired_times_say_nothing_about_spacing() -> None:
    assert not placed([0, 40, 40, 80, 120, None, 200, 240])[1].varies


def test_vfr_times_are_the_files_own(odd: Odd, decoded: Decode) -> None:
    assert decoded(odd("vfr.mkv")).pts_s == pytest.approx(np.array(VFR_MS) / 1000)


@pytest.mark.parametrize("start_ms", [0, 1480, 36_000_040])
@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_times_count_from_the_first_time_stamp_as_players_count(
    start_ms: int, suffix: str, decoded: Decode, tmp_path: Path
) -> None:
    path = tmp_path / f"late.{suffix}"
    times = [n * 40 + start_ms for n in range(24)]
    film(path, times=times, time_base=Fraction(1, 1000), options={"bf": "0"})
    frames = decoded(path)
    assert frames.pts_s == pytest.approx(np.arange(24) / 25, abs=1e-9)
    noted = [note for note in frames.decode_report.notes if note.startswith("the file's own clock starts at")]
    assert len(noted) == (start_ms > 0)


def test_a_picture_that_comes_after_the_sound_keeps_its_distance(decoded: Decode, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "late_picture.mkv"), "w") as out:
        sound: Any = out.add_stream("pcm_s16le", rate=8000)
        stream: Any = out.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        tone.sample_rate, tone.pts, tone.time_base = 8000, 24_000, Fraction(1, 8000)
        out.mux(sound.encode(tone))
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = number + 85, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert decoded(tmp_path / "late_picture.mkv").pts_s == pytest.approx(0.4 + np.arange(5) / 25)


def test_what_an_edit_list_leaves_out_is_not_there(odd: Odd, decoded: Decode) -> None:
    assert decoded(odd("edit_list.mp4")).pts_s == pytest.approx(np.arange(18) / 25)
