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
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.report.overlay.film_ticks import compute_film_ticks
from tasks.report.overlay.yuv import to_yuv420

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


def encode_video(path: Path, images: Iterable[Image], edges_s: NDArray[np.float64], encoding: VideoEncoding) -> None:
    """Encode RGB images with even sides as they come.

    `edges_s`: (t + 1,) seconds from 0 at which each image begins, and the end of the last one.
    """
    clock = compute_film_ticks(edges_s)
    options = {"movflags": "+faststart", "fflags": "+bitexact", "video_track_timescale": str(clock.per_s)}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = _add_stream(container, encoding, clock.per_s)
        end = int(clock.edges[-1])
        for ticks, image in zip(clock.edges[:-1].tolist(), images, strict=True):
            frame = av.VideoFrame.from_ndarray(to_yuv420(image), format="yuv420p")
            frame.pts, frame.time_base = ticks, Fraction(1, clock.per_s)
            _mux(container, stream.encode(frame), end)
        _mux(container, stream.encode(None), end)


def _add_stream(container: OutputContainer, encoding: VideoEncoding, ticks_per_s: int) -> VideoStream:
    stream = container.add_stream("libx264", rate=Fraction(encoding.fps).limit_denominator(1001))
    stream.width, stream.height, stream.pix_fmt = encoding.width, encoding.height, "yuv420p"
    stream.options = {
        "crf": str(encoding.crf),
        "preset": encoding.preset,
        "threads": str(THREADS),
        "x264-params": f"keyint={max(1, round(KEY_FRAME_S * encoding.fps))}:{DETERMINISTIC_OPTIONS}",
    }
    codec = stream.codec_context
    codec.time_base = Fraction(1, ticks_per_s)
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
