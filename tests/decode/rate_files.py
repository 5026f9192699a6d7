"""Films that state no frame rate, or whose clock says little about it: of browsers, cameras and screen recorders."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.decode.ebml import (
    CLUSTER,
    INFO,
    SEGMENT,
    TRACK,
    TRACKS,
    join_elements,
    make_element,
    split_elements,
)
from tests.decode.film import COUNT, film, maker

DEFAULT_DURATION = bytes.fromhex("23E383")
JITTER_MS = 8
PAUSE_MS = 900
UNRATED = ("unrated.mkv", "unrated.webm", "unrated.flv", "unrated_b_frames.mkv", "unrated_mjpeg.mkv")
"""Of 25 frames a second whose times jitter: FFmpeg then names the ticks of the clock, 1000 a second, as the rate."""


def list_unrated_times(name: str) -> list[int]:
    """The time of each picture of such a film, milliseconds."""
    jitter = np.random.default_rng(0).integers(-JITTER_MS, JITTER_MS + 1, COUNT)
    jitter[0] = 0
    step = 1 if "high_speed" in name else 40
    times = step * np.arange(COUNT) + (0 if "high_speed" in name else jitter)
    return (times + PAUSE_MS * ("pause" in name) * (np.arange(COUNT) >= COUNT // 2)).tolist()


@maker(*UNRATED, "unrated_pause.mkv", "unrated_high_speed.mkv", "unrated_high_speed.flv")
def _unrated(path: Path) -> None:
    codec = "libvpx" if path.suffix == ".webm" else "mjpeg" if "mjpeg" in path.stem else "libx264"
    film(
        path,
        codec,
        "yuvj420p" if codec == "mjpeg" else "yuv420p",
        times=list_unrated_times(path.name),
        time_base=Fraction(1, 1000),
        options={"bf": "2" if "b_frames" in path.stem else "0"} if codec == "libx264" else {},
    )
    if path.suffix == ".flv":
        path.write_bytes(path.read_bytes().replace(b"framerate", b"frameXate"))
    else:
        _drop_default_duration(path)


def _drop_default_duration(path: Path) -> None:
    """Write a Matroska file again without the length of a frame in its track."""
    content = path.read_bytes()
    start = content.index(SEGMENT)
    parts = split_elements(content[start + len(SEGMENT) + 8 :])
    kept = [(ident, _strip_tracks(part) if ident == TRACKS else part) for ident, part in parts]
    path.write_bytes(
        content[:start]
        + make_element(SEGMENT, join_elements([each for each in kept if each[0] in (INFO, TRACKS, CLUSTER)]))
    )


def _strip_tracks(tracks: bytes) -> bytes:
    return join_elements(
        [
            (ident, join_elements([each for each in split_elements(part) if each[0] != DEFAULT_DURATION]))
            if ident == TRACK
            else (ident, part)
            for ident, part in split_elements(tracks)
        ]
    )
