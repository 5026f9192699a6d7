"""Encode an MP4 that plays in every browser: H.264, yuv420p, index at the front, given presentation times.

x264 runs with a fixed number of threads and without choices that depend on the processor, and the container carries
no date and no version: the same pictures give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from tasks.arrays import Image
from tasks.report.overlay.yuv import to_yuv420

TICKS_PER_S = 90_000  # MPEG's clock: holds the usual rates exactly, and any time to 6 microseconds
THREADS = 2  # x264's output depends on it, so it must not depend on the machine
# No choice by processor, and none by x264's lookahead, which reads memory that nobody wrote and so varies by itself.
DETERMINISTIC_OPTIONS = "cpu-independent=1:mbtree=0:b-adapt=0"
KEY_FRAME_S = 2  # a player seeks to the nearest key frame before the place: at most this much to decode


@dataclass(frozen=True)
class VideoEncoding:
    """Parameters of the x264 encoder."""

    width: int
    height: int
    fps: float
    """Nominal frame rate; the presentation times of the images determine the timing."""
    crf: int
    preset: str


def encode_video(path: Path, pictures: Iterable[tuple[float, Image]], end_s: float, encoding: VideoEncoding) -> None:
    """Encode (time in seconds, RGB image with even sides) pairs as they come; the last one lasts until `end_s`."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = _add_stream(container, encoding)
        end = round(end_s * TICKS_PER_S)
        for time_s, image in pictures:
            frame = av.VideoFrame.from_ndarray(to_yuv420(image), format="yuv420p")
            frame.pts, frame.time_base = round(time_s * TICKS_PER_S), Fraction(1, TICKS_PER_S)
            _mux(container, stream.encode(frame), end)
        _mux(container, stream.encode(None), end)


def _add_stream(container: OutputContainer, encoding: VideoEncoding) -> VideoStream:
    stream = container.add_stream("libx264", rate=Fraction(encoding.fps).limit_denominator(1001))
    stream.width, stream.height, stream.pix_fmt = encoding.width, encoding.height, "yuv420p"
    stream.options = {
        "crf": str(encoding.crf),
        "preset": encoding.preset,
        "threads": str(THREADS),
        "x264-params": f"keyint={max(1, round(KEY_FRAME_S * encoding.fps))}:{DETERMINISTIC_OPTIONS}",
    }
    codec = stream.codec_context
    codec.time_base = Fraction(1, TICKS_PER_S)
    codec.color_range = ColorRange.MPEG
    codec.color_primaries = ColorPrimaries.BT709
    codec.color_trc = ColorTrc.BT709
    codec.colorspace = Colorspace.ITU709
    return stream


def _mux(container: OutputContainer, packets: Iterable[Packet], end: int) -> None:
    for packet in packets:
        if packet.pts is not None:
            packet.duration = end - packet.pts  # counts for the last one alone: MP4 takes the others from their times
        container.mux(packet)
