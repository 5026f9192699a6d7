"""What the quick check says of a file is what decoding it finds."""

from __future__ import annotations

import pytest

from tasks.decode.inspect_video import inspect_video
from tasks.errors import BadInput
from tests.decode.conftest import Decode, Odd
from tests.decode.film import COUNT
from tests.decode.test_not_video import REFUSED

# fmt: off
WHOLE = (
    "plain.mp4", "plain.mkv", "plain.ts", "plain.flv", "vp9.webm", "av1.mp4", "hevc.mp4", "mjpeg.avi", "prores.mov",
    "b_frames.avi", "raw.h264", "fragmented.mp4", "odd_size.mp4", "anamorphic.mp4", "turned_90.mp4",
    "turned_270.mp4", "vfr.mkv", "late_start.mkv", "two_videos.mkv", "video_with_cover.mp4", "edit_list.mp4",
    "capture_gaps.avi", "raw_50.hevc", "tape.dv", "night.y4m", "camera.mjpeg", "animation.avif", "growing_call.ts",
    "time_lapse_upright.mkv", "interlaced.ts", "hdr_pq.mkv", "animation.gif",
)
# fmt: on


@pytest.mark.parametrize("name", WHOLE)
def test_the_check_agrees_with_the_decode_report(name: str, odd: Odd, decoded: Decode) -> None:
    check, report = inspect_video(odd(name), 64), decoded(odd(name), max_side=64).decode_report
    assert (check.container, check.codec, check.pixel_format) == (report.container, report.codec, report.pixel_format)
    assert (check.source_width, check.source_height) == (report.source_width, report.source_height)
    assert (check.width, check.height, check.rotation_deg) == (report.width, report.height, report.rotation_deg)
    assert check.frames == report.expected
    assert check.fps == pytest.approx(report.fps, rel=0.02)
    assert check.duration_s == pytest.approx(report.duration_s, rel=0.02)
    assert check.interlaced == any("interlaced" in note for note in report.notes)
    assert (check.hdr is not None) == any("HDR" in note for note in report.notes)


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "nothing_decodes.mp4"])
def test_what_decoding_refuses_is_refused_in_the_same_words(name: str, odd: Odd) -> None:
    with pytest.raises(BadInput) as refusal:
        inspect_video(odd(name), None)
    assert REFUSED[name] in str(refusal.value)


def test_a_file_without_a_picture_is_refused(odd: Odd) -> None:
    with pytest.raises(BadInput, match=f"got {COUNT} packets of h264 and not one picture"):
        inspect_video(odd("nothing_decodes.mp4"), None)


def test_a_file_that_is_cut_off_is_told(odd: Odd) -> None:
    assert any("before its index does" in note for note in inspect_video(odd("cut_tail.mp4"), None).notes)
    assert any("reading stops before the end" in note for note in inspect_video(odd("cut_tail.mkv"), None).notes)
    assert inspect_video(odd("hole.ts"), None).flagged > 0
