"""Odd files that people's tools make of whole ones: cut, joined, collected, photographed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.decode.film import COUNT, HEIGHT, RATE, WIDTH, film, maker, packets_of, picture

OPEN_GOP = {
    "x264-params": "open-gop=1:keyint=23:min-keyint=23:scenecut=0:bframes=3:ref=3:b-adapt=0:b-pyramid=normal:mbtree=0"
}
"""Settings under which pictures after a key frame are shown before it and refer to those before it."""
CUT_CODECS = {"open_gop_cut": "libx264", "hevc_cut": "libx265"}
OPEN_GOP_COUNT = 75
OPEN_GOP_CUT = 23
"""Frames before the second key frame of the film, in order of time."""
SEAM_COUNT = 48
"""Frames of the second part of a joined file; the first has COUNT."""
SMALL, LARGE, UPRIGHT = (80, 60), (320, 240), (120, 160)


OPEN_GOP_HEVC = {"x265-params": "open-gop=1:keyint=23:min-keyint=23:scenecut=0:bframes=3:b-adapt=0:log-level=none"}


def open_gop_film(path: Path, codec: str = "libx264") -> None:
    """The film that the cut ones are cut from; a texture moves, so that pictures do refer to others."""
    grain = np.random.default_rng(0).integers(0, 255, (15, 40, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as out:
        options = OPEN_GOP if codec == "libx264" else OPEN_GOP_HEVC
        stream: Any = out.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(OPEN_GOP_COUNT):
            image = grain[:, 2 * number : 2 * number + 160].copy()
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))


@maker(
    *(f"open_gop_cut.{suffix}" for suffix in ("mp4", "mov", "mkv", "ts")), "hevc_cut.mp4", "hevc_cut.mkv", "hevc_cut.ts"
)
def _open_gop_cut(path: Path) -> None:
    """Cut at the second key frame without encoding again; it is at time zero, and two pictures lie before it."""
    whole = path.with_name(f"whole_{path.stem}.ts")
    open_gop_film(whole, CUT_CODECS[path.stem])
    packets = packets_of(whole)
    second = [number for number, (*_, key) in enumerate(packets) if key][1]
    zero = packets[second][1]
    with (
        av.open(str(whole)) as source,
        av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for content, pts, dts, key in packets[second:]:
            packet: Any = av.Packet(content)
            packet.pts, packet.dts, packet.time_base = pts - zero, dts - zero, source.streams.video[0].time_base
            packet.stream, packet.is_keyframe = stream, key
            out.mux(packet)
    whole.unlink()


@maker("seam_h264.ts", "seam_hevc.ts", "seam_mpeg2.ts", "seam_one_gop.ts")
def _seam(path: Path) -> None:
    """Two recordings joined byte by byte; the second begins two frames before the first ends."""
    codec = {"seam_hevc": "libx265", "seam_mpeg2": "mpeg2video"}.get(path.stem, "libx264")
    options = {"seam_one_gop": {"bf": "3", "g": "250"}, "seam_h264": {"bf": "3"}, "seam_mpeg2": {"bf": "2"}}
    part = path.with_name("part_" + path.name)
    film(path, codec, options=options.get(path.stem, {}))
    film(
        part, codec, count=SEAM_COUNT, times=[n + COUNT - 2 for n in range(SEAM_COUNT)], options=options.get(path.stem)
    )
    path.write_bytes(path.read_bytes() + part.read_bytes())
    part.unlink()


@maker("time_lapse.avi", "time_lapse.mkv", "time_lapse.mov", "time_lapse_upright.mkv", "time_lapse_mirrored.mkv")
def _time_lapse(path: Path) -> None:
    """A camera's JPEGs joined without encoding again: each has an EXIF block."""
    _write_packets(path, 12, [_jpeg(n, {"upright": 6, "mirrored": 2}.get(path.stem[11:])) for n in range(12)])


def _jpeg(number: int, orientation: int | None) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F] = "Camera"
    if orientation:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(picture(number)).save(buffer, "JPEG", exif=exif, quality=92)
    return buffer.getvalue()


def _write_packets(path: Path, rate: int, packets: Sequence[bytes], times: Sequence[int] = ()) -> None:
    """JPEGs as the packets of a video, at their `times` in frames."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mjpeg", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        stream.codec_context.open()
        for number, content in enumerate(packets):
            packet: Any = av.Packet(content)
            packet.pts = packet.dts = times[number] if times else number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, rate), stream, True
            out.mux(packet)


CAPTURE_GAPS: dict[str, tuple[tuple[int, int], ...]] = {
    "capture_gaps.avi": ((8, 6),),
    "capture_gaps_two.avi": ((3, 2), (10, 9)),
    "capture_gaps_mpeg4.avi": ((1, 4), (COUNT - 1, 5)),
}
"""File to (picture, how many were not captured before it): the index has empty entries for them."""


def list_capture_times(name: str) -> list[int]:
    """The time of each picture of such a file, in frames."""
    return [n + sum(lost for at, lost in CAPTURE_GAPS[name] if n >= at) for n in range(COUNT)]


@maker(*CAPTURE_GAPS)
def _capture_gaps(path: Path) -> None:
    """Pictures that were not captured, of JPEGs and of a codec whose pictures refer to each other."""
    times = list_capture_times(path.name)
    if "mpeg4" in path.name:
        film(path, "mpeg4", times=times)
    else:
        _write_packets(path, RATE, [_jpeg(n, None) for n in range(COUNT)], times=times)


@maker("raw_50.hevc", "raw_50.h264")
def _raw_50(path: Path) -> None:
    codec = {".hevc": "libx265", ".h264": "libx264"}[path.suffix]
    with av.open(str(path), "w", format=path.suffix[1:]) as out:
        stream: Any = out.add_stream(codec, rate=50, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(COUNT):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        out.mux(stream.encode(None))


@maker("tape.dv")
def _tape(path: Path) -> None:
    film(path, "dvvideo", size=(720, 576), count=6)


@maker("night.y4m")
def _night(path: Path) -> None:
    """Dark pictures, uncompressed: all bytes are printable characters."""
    header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(header + b"".join(b"FRAME\n" + bytes([48 + n]) * (WIDTH * HEIGHT * 3 // 2) for n in range(COUNT)))


@maker("camera.mjpeg", "camera_dump.bin")
def _camera(path: Path) -> None:
    """JPEGs one after another, without a container."""
    path.write_bytes(b"".join(_jpeg(n, None) for n in range(COUNT)))


@maker("animation.avif", "animation.webp", "animation.apng", "photo.avif", "photo.ico", "photo.webp")
def _image(path: Path) -> None:
    from PIL import Image

    images = [Image.fromarray(picture(n)) for n in range(6 if path.stem == "animation" else 1)]
    more = {"save_all": True, "append_images": images[1:], "duration": 40} if images[1:] else {}
    images[0].save(path, **more)


CALLS = {
    "growing_call": ((SMALL, 10), (LARGE, 25)),
    "turned_call": (((160, 120), 20), (UPRIGHT, 10)),
    "shrinking_call": ((LARGE, 25), (SMALL, 10)),
    "three_sizes": ((SMALL, 5), (LARGE, 20), ((160, 120), 8)),
    "growing_mpeg2": ((SMALL, 10), (LARGE, 25)),
}
"""File to the sizes in which a call arrived, and their frames."""


@maker(
    "growing_call.ts", "growing_call.mkv", "turned_call.ts", "shrinking_call.ts", "three_sizes.ts", "growing_mpeg2.ts"
)
def _call(path: Path) -> None:
    """A call as it arrived: small for a moment, or turned upright after a while."""
    codec = "mpeg2video" if "mpeg2" in path.stem else "libx264"
    parts = [path.with_name(f"{n}_{path.stem}.ts") for n in range(len(CALLS[path.stem]))]
    start = 0
    for part, (size, count) in zip(parts, CALLS[path.stem], strict=True):
        film(part, codec, size=size, count=count, times=[n + start for n in range(count)], options={"bf": "0"})
        start += count
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    if path.suffix != ".ts":
        path.rename(joined := path.with_name(f"joined_{path.stem}.ts"))
        with av.open(str(joined)) as source, av.open(str(path), "w") as out:
            stream = out.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
        joined.unlink()


@maker("ten_hour_pause.mkv", "ten_hour_pause.mp4")
def _ten_hour_pause(path: Path) -> None:
    """Recorded until ten hours later, with nothing between."""
    times = [40 * n + 36_000_000 * (n >= 6) for n in range(COUNT)]
    film(path, times=times, time_base=Fraction(1, 1000), options={"bf": "0"})


@maker("ycgco.mkv", "ycgco_full.mkv")
def _ycgco(path: Path) -> None:
    """Colours in YCgCo, which libswscale knows no way from or to."""
    full = path.stem.endswith("full")
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=RATE, options={"qp": "4"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        stream.codec_context.colorspace, stream.codec_context.color_range = 8, 2 if full else 1
        for number in range(COUNT):
            red, green, blue = picture(number).astype(float).transpose(2, 0, 1)
            luma, cg, co = green / 2 + (red + blue) / 4, green / 2 - (red + blue) / 4, (red - blue) / 2
            if not full:
                luma, cg, co = luma * 219 / 255 + 16, cg * 224 / 255, co * 224 / 255
            planes = np.clip(np.round(np.stack([luma, cg + 128, co + 128])), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
            frame.colorspace, frame.color_range = 8, 2 if full else 1
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
