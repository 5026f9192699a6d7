"""The little film that most odd files show, and tools to cut, join and spoil it.

24 frames of 96x64 at 25 fps, a key frame every 8, a grey level that rises from frame to frame, and four corners in red,
green, blue and white. Encoders run in one thread with settings under which they give the same bytes every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import Interpolation

WIDTH, HEIGHT, COUNT, RATE, GOP = 96, 64, 24, 25, 8
RED, GREEN, BLUE, WHITE = (230, 30, 30), (30, 200, 30), (30, 30, 230), (235, 235, 235)
STEADY = {  # these two plan ahead with memory they never set: their bytes differ from run to run unless told not to
    "libx264": {"x264-params": "mbtree=0:b-adapt=0"},
    "libx265": {"x265-params": f"cutree=0:b-adapt=0:log-level=none:keyint={GOP}:min-keyint={GOP}:scenecut=0"},
}
Picture = np.ndarray
PacketParts = tuple[bytes, int, int, bool]
"""Content, pts, dts, key."""
Maker = Callable[[Path], None]
MAKERS: dict[str, Maker] = {}
"""How each odd file is made, by its name."""


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """Frame `number` of the film: grey 40 + 5 per frame, corners red, green / blue, white."""
    image = np.full((height, width, 3), 40 + 5 * (number % COUNT), np.uint8)
    ramp = np.linspace(0, 20, width).astype(np.uint8)
    image += ramp[None, :, None]
    h, w = height // 4, width // 4
    image[:h, :w], image[:h, -w:], image[-h:, :w], image[-h:, -w:] = RED, GREEN, BLUE, WHITE
    return image


def grey_of(number: int) -> float:
    """Mean grey of the middle of frame `number`."""
    return float(picture(number)[HEIGHT // 4 : -HEIGHT // 4].mean())


def film(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    count: int = COUNT,
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, RATE),
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    form: str | None = None,
    matrix: int | None = None,
    color_range: int | None = None,
    transfer: int | None = None,
    aspect: Fraction | None = None,
    turn: float | None = None,
    mirror: bool = False,
    key_only: bool = False,
) -> None:
    """Write the film; `times` are presentation times in units of `time_base`."""
    with av.open(str(path), "w", format=form, options=container or {}) as out:
        # add_stream is declared to return any kind of stream.
        stream: Any = out.add_stream(codec, rate=RATE, options={**STEADY.get(codec, {}), **(options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.codec_context.time_base = time_base
        stream.codec_context.gop_size = 1 if key_only else GOP
        stream.codec_context.thread_count = 1
        if "crf" not in (options or {}):
            stream.bit_rate = 300_000
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for name, value in (("colorspace", matrix), ("color_range", color_range), ("color_trc", transfer)):
            if value is not None:
                setattr(stream.codec_context, name, value)
        if turn is not None:
            stream.set_display_rotation(turn, hflip=mirror)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            # Without these flags swscale takes short cuts that are off by a level or two.
            frame = frame.reformat(
                format=pixels,
                dst_colorspace=matrix,
                dst_color_range=color_range,
                interpolation=Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.BICUBIC,
                threads=1,
            )
            frame.pts = times[number] if times else number
            frame.time_base = time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def packets_of(path: Path) -> list[PacketParts]:
    """Every video packet of `path`."""
    with av.open(str(path)) as source:
        return [(bytes(p), p.pts or 0, p.dts or 0, p.is_keyframe) for p in source.demux(video=0) if p.size]


def spoil(path: Path, first: int, last: int, seed: int = 7) -> None:
    """Overwrite the middle of packets `first` to `last` (decode order) inside the file with noise."""
    data, rng, place = bytearray(path.read_bytes()), np.random.default_rng(seed), 0
    for number, (content, *_) in enumerate(packets_of(path)):
        # MPEG-TS cuts packets into pieces, so only their first bytes lie together there.
        head = content[:100] if path.suffix == ".ts" else content
        place = data.index(head, place) + len(head)
        if first <= number <= last:
            start, length = place - len(head) + len(content) // 4, len(content) // 2
            data[start : start + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
    path.write_bytes(data)


def maker(*names: str) -> Callable[[Maker], Maker]:
    def register(function: Maker) -> Maker:
        MAKERS.update(dict.fromkeys(names, function))
        return function

    return register


def remux(path: Path, packets: Sequence[PacketParts]) -> None:
    """Write `packets` in place of those in `path`."""
    beside = path.with_name("remux_" + path.name)
    with av.open(str(path)) as source, av.open(str(beside), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for content, pts, dts, key in packets:
            packet: Any = av.Packet(content)
            packet.pts, packet.dts, packet.time_base = pts, dts, source.streams.video[0].time_base
            packet.stream, packet.is_keyframe = stream, key
            out.mux(packet)
    beside.replace(path)


def with_sound(path: Path, video: bool, cover: bool) -> None:
    """A second of tone, with the film and a cover picture as asked."""
    with av.open(str(path), "w", format="mp4") as out:
        sound = out.add_stream("aac", rate=48000)
        image = out.add_stream("mjpeg", rate=RATE) if cover else None
        moving = out.add_stream("libx264", rate=RATE) if video else None
        if moving is not None:
            moving.width, moving.height, moving.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if image is not None:
            image.width, image.height, image.pix_fmt = 640, 640, "yuvj420p"
            image.disposition = Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(picture(0, 640, 640), format="rgb24")
            frame.pts, frame.time_base = 0, Fraction(1, RATE)
            out.mux(image.encode(frame))
            out.mux(image.encode(None))
        if moving is not None:
            for number in range(COUNT):
                frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, RATE)
                out.mux(moving.encode(frame))
            out.mux(moving.encode(None))
        wave = np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000).astype(np.float32)
        for start in range(0, 48000 - 1023, 1024):
            tone = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
            tone.sample_rate, tone.pts, tone.time_base = 48000, start, Fraction(1, 48000)
            out.mux(sound.encode(tone))
        out.mux(sound.encode(None))
