"""What a film says of its frame rate, where the container states none."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.decode.film_length import read_film_length
from tasks.decode.inspect_video import inspect_video
from tests.decode.conftest import Decode, Odd
from tests.decode.film import COUNT
from tests.decode.rate_files import PAUSE_MS, UNRATED, list_unrated_times


@pytest.mark.parametrize("name", UNRATED)
def test_the_clock_of_a_film_is_no_frame_rate(name: str, odd: Odd, decoded: Decode) -> None:
    frames, check = decoded(odd(name)), inspect_video(odd(name), None)
    report = frames.decode_report
    assert frames.pts_s == pytest.approx(np.array(list_unrated_times(name)) / 1000)
    assert frames.ok.all() and report.vfr
    assert report.fps == pytest.approx(25, rel=0.03)
    assert (check.fps, check.duration_s) == pytest.approx((report.fps, report.duration_s), rel=0.02)
    assert report.notes == check.notes == ()


@pytest.mark.parametrize("name", UNRATED)
def test_the_forecast_counts_the_frames_of_such_a_film_about_right(name: str, odd: Odd) -> None:
    length = read_film_length(odd(name))
    assert length is None or length.frames == pytest.approx(COUNT, rel=0.1)


def test_a_pause_in_a_film_without_a_rate_is_told(odd: Odd, decoded: Decode) -> None:
    notes = decoded(odd("unrated_pause.mkv")).decode_report.notes
    times = np.array(list_unrated_times("unrated_pause.mkv")) / 1000
    before = int(np.diff(times).argmax())
    assert times[before + 1] - times[before] > PAUSE_MS / 1000
    assert notes == (f"longest pause: no frame between {times[before]:.2f} s and {times[before + 1]:.2f} s",)


@pytest.mark.parametrize("name", ["unrated_high_speed.mkv", "unrated_high_speed.flv"])
def test_a_thousand_frames_a_second_are_taken_where_no_rate_is_stated(name: str, odd: Odd, decoded: Decode) -> None:
    report = decoded(odd(name)).decode_report
    assert report.fps == pytest.approx(1000)
    assert inspect_video(odd(name), None).fps == pytest.approx(1000)
    assert not report.vfr and report.notes == ()
