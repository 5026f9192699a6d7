"""Each odd file that holds a video comes out with the account it deserves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from tests.decode.conftest import Decode, Odd

PLAIN: dict[str, Any] = {
    "container": "mov,mp4,m4a,3gp,3g2,mj2",
    "codec": "h264",
    "pixel_format": "yuv420p",
    "source_width": 96,
    "source_height": 64,
    "rotation_deg": 0,
    "fps": 25.0,
    "vfr": False,
    "duration_s": 0.96,
    "expected": 24,
    "decoded": 24,
    "damaged": 0,
    "lost": 0,
    "kept": 24,
    "width": 96,
    "height": 64,
    "encoding": "png",
    "notes": (),
}
MATROSKA = {"container": "matroska,webm"}
TS = {"container": "mpegts"}
AVI = {"container": "avi"}
TURNED = {"width": 64, "height": 96}
TEN_BIT = MATROSKA | {"pixel_format": "yuv420p10le"}
BROKEN_BY = {  # damage in packets 11 and 12 of 24, next key frame at 16
    "damaged": 5,
    "notes": ("frames between 0.44 s and 0.60 s: 5 damaged",),
}

ACCOUNTS: dict[str, dict[str, Any]] = {
    # Containers and codecs
    "plain.mp4": {},
    "plain.mkv": MATROSKA,
    "plain.ts": TS,
    "plain.flv": {"container": "flv"},
    "fragmented.mp4": {},
    "hevc.mp4": {"codec": "hevc"},
    "av1.mp4": {"codec": "av1"},
    "vp9.webm": MATROSKA | {"codec": "vp9"},
    "vp8_hidden_pictures.webm": MATROSKA | {"codec": "vp8"},
    "mjpeg.avi": AVI | {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "boasting.avi": AVI | {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "b_frames.avi": AVI | {"codec": "mpeg4"},
    "prores.mov": {"codec": "prores", "pixel_format": "yuv422p10le"},
    "animation.gif": {"container": "gif", "codec": "gif", "pixel_format": "bgra"},
    # Times
    "vfr.mkv": MATROSKA
    | {"vfr": True, "expected": 12, "decoded": 12, "kept": 12, "duration_s": 0.64, "fps": 12 / 0.64},
    "long_pause.mkv": MATROSKA
    | {
        "vfr": True,
        "duration_s": 3.96,
        "fps": 24 / 3.96,
        "notes": ("longest pause: no frame between 0.44 s and 3.48 s",),
    },
    "late_start.mkv": MATROSKA
    | {"notes": ("the file's own clock starts at 7.000 s; times count from that moment, as players do",)},
    "edit_list.mp4": {"expected": 18, "decoded": 18, "kept": 18, "duration_s": 0.72},
    "raw.h264": {"container": "h264", "notes": ("24 frames without a time: placed 1/25 s after the one before",)},
    "empty_packet.avi": AVI
    | {
        "codec": "mpeg4",
        "duration_s": 1.0,
        "fps": 24.0,
        "notes": ("1 empty packet: the picture before stays on screen",),
    },
    "h264_without_pts.avi": AVI,
    "same_times.mkv": MATROSKA
    | {
        "codec": "mjpeg",
        "pixel_format": "yuvj420p",
        "notes": ("6 frames with a time not after the one before: placed right behind it",),
    },
    # Shapes
    "one_frame.mp4": {"expected": 1, "decoded": 1, "kept": 1, "duration_s": 0.04},
    "odd_size.mp4": {
        "pixel_format": "yuv444p",
        "source_width": 97,
        "source_height": 65,
        "notes": ("the last odd row or column was cut off: stored sizes are even",),
    },
    "anamorphic.mp4": {"height": 48, "notes": ("pixels of aspect 4/3 were made square",)},
    "turned_90.mp4": TURNED | {"rotation_deg": 90},
    "turned_180.mp4": {"rotation_deg": 180},
    "turned_270.mp4": TURNED | {"rotation_deg": 270},
    "turned_30.mp4": {"notes": ("the file asks to be turned by 30 degrees; 0 was done",)},
    "mirrored.mp4": {"notes": ("mirrored left to right, as the file asks",)},
    "two_videos.mkv": MATROSKA
    | {
        "source_width": 192,
        "source_height": 128,
        "width": 192,
        "height": 128,
        "notes": ("stream 1 taken of 2 video streams",),
    },
    "video_with_cover.mp4": {},
    "bad_metadata.mp4": {},
    # Colours
    "interlaced.ts": TS | {"codec": "mpeg2video", "notes": ("24 frames interlaced: deinterlaced by bwdif",)},
    "ten_bit_709.mkv": TEN_BIT,
    "full_range.mp4": {"pixel_format": "yuvj420p"},
    "hdr_pq.mkv": TEN_BIT | {"notes": ("colours are HDR (PQ) and were tone-mapped to BT.709",)},
    # Damage
    "damaged.mp4": BROKEN_BY,
    "damaged.mkv": MATROSKA | BROKEN_BY,
    "damaged.ts": TS | BROKEN_BY,
    "damaged_b_frames.mp4": {
        "damaged": 5,
        "notes": ("frame at 0.40 s: 1 damaged", "frames between 0.48 s and 0.60 s: 4 damaged"),
    },
    "damaged_mjpeg.avi": AVI
    | {
        "codec": "mjpeg",
        "pixel_format": "yuvj420p",
        "decoded": 22,
        "lost": 2,
        "notes": ("frames between 0.44 s and 0.48 s: 2 lost",),
    },
    "damaged_av1.mp4": {
        "codec": "av1",
        "decoded": 22,
        "damaged": 3,
        "lost": 2,
        "notes": ("frames between 0.44 s and 0.60 s: 3 damaged and 2 lost",),
    },
    "damaged_prores.mov": {
        "codec": "prores",
        "pixel_format": "yuv422p10le",
        "damaged": 2,
        "notes": ("frames between 0.44 s and 0.48 s: 2 damaged",),
    },
    "damaged_mpeg2.ts": TS
    | {"codec": "mpeg2video", "damaged": 5, "notes": ("frames between 0.44 s and 0.60 s: 5 damaged",)},
    "hole.mp4": {
        "decoded": 20,
        "damaged": 2,
        "lost": 4,
        "notes": ("frames between 0.40 s and 0.60 s: 2 damaged and 4 lost",),
    },
    "cut_tail.mp4": {
        "decoded": 18,
        "lost": 6,
        "notes": (
            "frames between 0.72 s and 0.92 s: 6 lost",
            "the file ends 5 frames before its index does",
            "reading stopped after 0.68 s of 0.96 s: the file is cut off",
        ),
    },
    "cut_tail.mkv": MATROSKA
    | {
        "expected": 18,
        "decoded": 18,
        "kept": 18,
        "duration_s": 0.72,
        "notes": ("reading stopped after 0.68 s of 0.96 s: the file is cut off",),
    },
    "cut_tail.avi": AVI
    | {
        "codec": "mjpeg",
        "pixel_format": "yuvj420p",
        "decoded": 18,
        "lost": 6,
        "notes": (
            "frames between 0.72 s and 0.92 s: 6 lost",
            "the file ends 5 frames before its index does",
        ),
    },
    "starts_without_key.ts": TS
    | {
        "expected": 21,
        "decoded": 21,
        "damaged": 5,
        "kept": 21,
        "duration_s": 0.84,
        "notes": ("frames between 0.00 s and 0.16 s: 5 damaged",),
    },
    "joined.ts": TS
    | {
        "expected": 100,
        "decoded": 100,
        "damaged": 2,
        "kept": 100,
        "duration_s": 4.0,
        "notes": (
            "frames between 1.92 s and 1.96 s: 2 damaged",
            "timestamps start over (1x): what follows was moved to continue",
        ),
    },
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_the_account_of(name: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    expected = {"file": name} | PLAIN | ACCOUNTS[name]
    found = asdict(frames.decode_report)
    for times in ("fps", "duration_s"):
        assert found.pop(times) == pytest.approx(expected.pop(times))
    assert found == expected
    assert len(frames) == expected["kept"]
    assert list(np.unique(frames.status, return_counts=True)[1]) == [
        n for n in (expected["damaged"], expected["lost"], len(frames) - expected["damaged"] - expected["lost"]) if n
    ]
