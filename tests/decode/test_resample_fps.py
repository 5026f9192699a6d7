"""The working rate keeps real frames, each the nearest to some beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.decode.resample_fps import resample_fps
from tests.decode.conftest import Decode, Odd
from tests.decode.whole_files import VFR_MS


@dataclass(frozen=True)
class Tick:
    pts_s: float


def kept(times: list[float], fps: float) -> list[float]:
    return [tick.pts_s for tick in resample_fps([Tick(t) for t in times], fps)]


def nearest(times: list[float], fps: float) -> list[float]:
    """By brute force: every beat up to the last frame picks its nearest frame, the earlier one of two."""
    beats = times[0] + np.arange(int((times[-1] - times[0]) * fps + 1e-6) + 1) / fps
    chosen = {min(times, key=lambda t, beat=beat: (round(abs(t - beat), 9), t)) for beat in beats}
    return sorted(chosen)


@given(
    st.lists(st.integers(1, 400), min_size=0, max_size=40),
    st.floats(-100, 100),
    st.sampled_from([0.5, 1.0, 2.0, 4.0, 5.0, 10.0, 12.5, 25.0, 100.0]),
)
def test_the_same_as_by_brute_force(steps_ms: list[int], start: float, fps: float) -> None:
    times = list(start + np.concatenate([[0], np.cumsum(steps_ms)]) / 1000)
    assert kept(times, fps) == nearest(times, fps)


def test_half_the_rate_keeps_every_other_frame() -> None:
    times = [n / 30 for n in range(30)]
    assert kept(times, 15) == times[::2]


@pytest.mark.parametrize("fps", [24000 / 1001, 25.0, 29.97, 30000 / 1001, 50.0])
def test_its_own_rate_keeps_every_frame(fps: float) -> None:
    times = [n / fps for n in range(500)]
    assert kept(times, fps) == times


def test_more_than_there_is_keeps_every_frame_once() -> None:
    times = [0.0, 0.5, 0.6, 2.0]
    assert kept(times, 1000.0) == times


def test_no_frames_give_none() -> None:
    assert kept([], 10.0) == []


def test_a_pause_of_years_costs_nothing() -> None:
    assert kept([0.0, 1e9], 1000.0) == [0.0, 1e9]


def test_a_lower_rate_keeps_true_times_and_places(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("vfr.mkv"), fps=10.0)
    assert frames.pts_s == pytest.approx(nearest([t / 1000 for t in VFR_MS], 10.0))
    assert [VFR_MS[n] / 1000 for n in frames.source_frame] == pytest.approx(frames.pts_s)
    assert (frames.decode_report.expected, frames.decode_report.decoded) == (12, 12)
    assert frames.decode_report.kept == len(frames)
