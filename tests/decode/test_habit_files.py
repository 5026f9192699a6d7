"""What people's tools make of whole films is not called damaged, and is stored as players show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.decode.usual_size import find_usual_size
from tests.decode.conftest import Decode, Odd
from tests.decode.film import COUNT, picture
from tests.decode.habit_files import (
    CAPTURE_GAPS,
    CUT_CODECS,
    LARGE,
    OPEN_GOP_CUT,
    SEAM_COUNT,
    UPRIGHT,
    list_capture_times,
    open_gop_film,
)

HEVC_CUTS = ("hevc_cut.mp4", "hevc_cut.mkv", "hevc_cut.ts")


@pytest.mark.parametrize("name", [*(f"open_gop_cut.{end}" for end in ("mp4", "mov", "mkv", "ts")), *HEVC_CUTS])
def test_pictures_after_a_cut_in_an_open_gop_are_whole(name: str, odd: Odd, decoded: Decode, tmp_path: Path) -> None:
    open_gop_film(tmp_path / "whole.ts", CUT_CODECS[Path(name).stem])
    truth, frames = decoded(tmp_path / "whole.ts", "truth"), decoded(odd(name))
    assert truth.ok.all()
    shown = np.flatnonzero(frames.pts_s > -1e-6)
    assert len(shown) == len(truth) - OPEN_GOP_CUT
    assert frames.ok[shown].all()
    assert frames.pts_s[shown] == pytest.approx(np.arange(len(shown)) / 25)
    for number, row in enumerate(shown):
        np.testing.assert_array_equal(frames.image(row), truth.image(number + OPEN_GOP_CUT))


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_pictures_that_refer_to_what_was_cut_off_are_damaged(suffix: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(f"open_gop_cut.{suffix}"))
    assert np.flatnonzero(~frames.ok).tolist() == [0, 1]
    assert frames.pts_s[:3] == pytest.approx([-0.08, -0.04, 0])


@pytest.mark.parametrize("name", ["seam_h264.ts", "seam_hevc.ts", "seam_mpeg2.ts", "seam_one_gop.ts"])
def test_a_joined_film_has_all_frames_and_at_most_the_last_two_before_the_seam_suspected(
    name: str, odd: Odd, decoded: Decode
) -> None:
    frames = decoded(odd(name))
    assert len(frames) == COUNT + SEAM_COUNT
    assert (frames.status != "lost").all()
    assert frames.ok[: COUNT - 3].all()
    assert frames.ok[COUNT + 1 :].all()
    assert (~frames.ok).sum() <= 2


@pytest.mark.parametrize("name", ["time_lapse.avi", "time_lapse.mkv", "time_lapse.mov"])
def test_side_data_that_the_reader_does_not_know_is_passed_over(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    assert frames.ok.tolist() == [True] * 12
    assert frames.decode_report.duration_s == pytest.approx(1.0)


def test_the_orientation_beside_unknown_side_data_is_read(odd: Odd, decoded: Decode) -> None:
    assert decoded(odd("time_lapse_upright.mkv")).decode_report.rotation_deg == 90
    assert "mirrored left to right, as the file asks" in decoded(odd("time_lapse_mirrored.mkv")).decode_report.notes


@pytest.mark.parametrize("name", CAPTURE_GAPS)
def test_pictures_that_were_not_captured_are_no_loss(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    assert frames.ok.tolist() == [True] * COUNT
    times = np.array(list_capture_times(name)) / 25
    assert frames.pts_s == pytest.approx(times)
    longest = int(np.diff(times).argmax())
    pause = f"no frame between {times[longest]:.2f} s and {times[longest + 1]:.2f} s"
    assert [note for note in frames.decode_report.notes if "pause" in note] == [f"longest pause: {pause}"]
    assert not any("lost" in note or "ends" in note for note in frames.decode_report.notes)


@pytest.mark.parametrize("name", ["raw_50.hevc", "raw_50.h264"])
def test_a_raw_stream_has_the_rate_that_it_states(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    assert frames.pts_s == pytest.approx(np.arange(COUNT) / 50)
    assert frames.decode_report.fps == pytest.approx(50)


def test_a_tape_has_no_false_pause(odd: Odd, decoded: Decode) -> None:
    report = decoded(odd("tape.dv")).decode_report
    assert report.fps == pytest.approx(25)
    assert not any("pause" in note for note in report.notes)


@pytest.mark.parametrize("name", ["night.y4m", "camera.mjpeg", "camera_dump.bin"])
def test_video_that_looks_like_text_or_like_a_photo_is_read(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    assert frames.ok.tolist() == [True] * COUNT
    assert frames.pts_s == pytest.approx(np.arange(COUNT) / 25)


@pytest.mark.parametrize("name", ["animation.avif", "animation.apng"])
def test_animated_images_have_their_frames(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    assert frames.pts_s == pytest.approx(np.arange(6) / 25)
    assert frames.decode_report.notes == ()


@pytest.mark.parametrize(
    "name", ["growing_call.ts", "growing_call.mkv", "shrinking_call.ts", "three_sizes.ts", "growing_mpeg2.ts"]
)
def test_a_growing_call_is_stored_at_the_size_that_most_frames_have(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    assert (frames.decode_report.width, frames.decode_report.height) == LARGE
    assert frames.image(0).shape == frames.image(len(frames) - 1).shape == (240, 320, 3)
    assert find_usual_size(odd(name)) == LARGE
    assert find_usual_size(odd("plain.mkv")) is None


def test_a_turned_phone_is_fitted_in_and_not_stretched(odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd("turned_call.ts"))
    assert (frames.decode_report.width, frames.decode_report.height) == (160, 120)
    image = frames.image(28)
    inner = 120 * UPRIGHT[0] // UPRIGHT[1]
    side = (160 - inner) // 2
    assert image[:, : side - 1].max() <= 3
    assert image[:, 160 - side + 1 :].max() <= 3
    assert image[:, side + 2 : -side - 2].min() > 20


@pytest.mark.parametrize("name", ["ycgco.mkv", "ycgco_full.mkv"])
def test_colours_in_ycgco_are_read(name: str, odd: Odd, decoded: Decode) -> None:
    for number, image in decoded(odd(name)).images():
        assert np.abs(image.astype(int) - picture(number)).mean() < 2


@pytest.mark.parametrize("name", ["ten_hour_pause.mkv", "ten_hour_pause.mp4"])
@pytest.mark.parametrize("fps", [None, 12.5])
def test_a_pause_of_ten_hours_stays_in_the_times(name: str, fps: float | None, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name), fps=fps)
    assert len(frames) in ((COUNT,) if fps is None else (COUNT // 2, COUNT // 2 + 1))
    assert frames.ok.all()
    assert frames.pts_s[-1] - frames.pts_s[0] == pytest.approx(36_000 + (COUNT - 1) / 25, abs=0.05)
