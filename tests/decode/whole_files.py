"""Odd files that are whole: containers, codecs, times, shapes, colours."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Disposition

from tests.decode.film import COUNT, HEIGHT, RATE, WIDTH, film, maker, packets_of, picture, remux, with_sound


@maker("plain.mp4", "plain.mkv", "plain.ts", "plain.flv")
def _plain(path: Path) -> None:
    film(path)


@maker("vp9.webm")
def _vp9(path: Path) -> None:
    film(path, "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})


@maker("vp8_hidden_pictures.webm")
def _vp8(path: Path) -> None:
    film(path, "libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good", "cpu-used": "4"})


os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder talks to the terminal otherwise
AV1 = {"preset": "12", "crf": "10", "svtav1-params": "lp=1"}  # one thread: with more its bytes differ from run to run


@maker("av1.mp4")
def _av1(path: Path) -> None:
    film(path, "libsvtav1", options=AV1)


@maker("hevc.mp4")
def _hevc(path: Path) -> None:
    film(path, "libx265")


@maker("mjpeg.avi")
def _mjpeg(path: Path) -> None:
    film(path, "mjpeg", "yuvj420p")


@maker("boasting.avi")
def _boasting(path: Path) -> None:
    """The header announces seventy million frames."""
    film(path, "mjpeg", "yuvj420p")
    data = bytearray(path.read_bytes())
    length = data.index(b"strh") + 8 + 32  # dwLength, the ninth word of AVISTREAMHEADER
    assert int.from_bytes(data[length : length + 4], "little") == COUNT
    data[length : length + 4] = (70_000_000).to_bytes(4, "little")
    path.write_bytes(data)


@maker("prores.mov")
def _prores(path: Path) -> None:
    film(path, "prores_ks", "yuv422p10le")


@maker("animation.gif")
def _gif(path: Path) -> None:
    film(path, "gif", "rgb8")


@maker("b_frames.avi")
def _mpeg4_b(path: Path) -> None:
    film(path, "mpeg4", options={"bf": "2"})


@maker("h264_without_pts.avi")
def _h264_avi(path: Path) -> None:
    film(path)


@maker("raw.h264")
def _raw(path: Path) -> None:
    film(path, form="h264")


@maker("fragmented.mp4")
def _fragmented(path: Path) -> None:
    film(path, container={"movflags": "frag_keyframe+empty_moov"})


@maker("interlaced.ts")
def _interlaced(path: Path) -> None:
    film(path, "mpeg2video", options={"flags": "+ildct+ilme"})


@maker("one_frame.mp4")
def _one(path: Path) -> None:
    film(path, count=1)


@maker("odd_size.mp4")
def _odd(path: Path) -> None:
    film(path, pixels="yuv444p", size=(97, 65))


@maker("narrow.mov")
def _narrow(path: Path) -> None:
    film(path, "png", "rgb24", size=(1, 33))


@maker("anamorphic.mp4")
def _anamorphic(path: Path) -> None:
    film(path, aspect=Fraction(4, 3))


@maker("turned_90.mp4", "turned_180.mp4", "turned_270.mp4", "turned_30.mp4")
def _turned(path: Path) -> None:
    # FFmpeg counts display rotation counter-clockwise.
    film(path, turn=-float(path.stem.split("_")[1]))


@maker("mirrored.mp4", "mirrored_90.mp4")
def _mirrored(path: Path) -> None:
    film(path, turn=-90.0 if path.stem.endswith("90") else 0.0, mirror=True)


VFR_MS = [0, 40, 80, 120, 200, 240, 320, 330, 400, 480, 520, 600]


@maker("vfr.mkv")
def _vfr(path: Path) -> None:
    film(path, count=len(VFR_MS), times=VFR_MS, time_base=Fraction(1, 1000))


@maker("long_pause.mkv")
def _pause(path: Path) -> None:
    film(path, times=[n * 40 + (n >= 12) * 3000 for n in range(COUNT)], time_base=Fraction(1, 1000))


@maker("late_start.mkv")
def _late(path: Path) -> None:
    film(path, times=[n * 40 + 7000 for n in range(COUNT)], time_base=Fraction(1, 1000))


@maker("ten_bit_709.mkv", "ten_bit_2020.mkv", "ten_bit_601.mkv")
def _ten_bit(path: Path) -> None:
    film(path, pixels="yuv420p10le", matrix={"709": 1, "2020": 9, "601": 5}[path.stem[8:]], color_range=1)


@maker("full_range.mp4")
def _full(path: Path) -> None:
    film(path, pixels="yuv420p", matrix=1, color_range=2)


@maker("hdr_pq.mkv")
def _hdr(path: Path) -> None:
    film(path, pixels="yuv420p10le", matrix=9, color_range=1, transfer=16)


@maker("untagged_hd.mp4")
def _untagged(path: Path) -> None:
    tagged = path.with_name("tagged_" + path.name)
    film(tagged, size=(1280, 720), count=2, matrix=1, color_range=1)
    # Raw H.264 has its tags in the first parameter set; ask x264 to say "unspecified" by converting without tags.
    with av.open(str(tagged)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"qp": "10"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for frame in source.decode(video=0):
            bare = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
            out.mux(stream.encode(bare))
        out.mux(stream.encode(None))
    tagged.unlink()


@maker("edit_list.mp4")
def _edit_list(path: Path) -> None:
    """Six frames before time zero, which an edit list leaves out."""
    film(path, times=[n - 6 for n in range(COUNT)], container={"avoid_negative_ts": "disabled"}, options={"bf": "0"})


@maker("two_videos.mkv")
def _two(path: Path) -> None:
    with av.open(str(path), "w") as out:
        small = out.add_stream("libx264", rate=RATE)
        large = out.add_stream("libx264", rate=RATE)
        for stream, size in ((small, (WIDTH, HEIGHT)), (large, (2 * WIDTH, 2 * HEIGHT))):
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.disposition = Disposition(0)
        for number in range(COUNT):
            for stream in (small, large):
                frame = av.VideoFrame.from_ndarray(picture(number, stream.width, stream.height), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, RATE)
                out.mux(stream.encode(frame))
        for stream in (small, large):
            out.mux(stream.encode(None))


@maker("video_with_cover.mp4")
def _with_cover(path: Path) -> None:
    with_sound(path, video=True, cover=True)


@maker("same_times.mkv")
def _same_times(path: Path) -> None:
    """Frames 5 and 6, and 10 to 12, carry the time of the one before; frame 15 lies a little before frame 14."""
    times = [n * 40 for n in range(COUNT)]
    times[5] = times[6] = times[4]
    times[10] = times[11] = times[12] = times[9]
    times[15] = times[13] + 20
    _remux_mjpeg(path, times)


@maker("empty_packet.avi")
def _empty_packet(path: Path) -> None:
    """As DivX writes it: packet 9 is one byte long and stands for no picture."""
    film(path, "mpeg4", options={"bf": "1"})
    divx = [
        (re.sub(rb"\xb2Lavc[0-9.]+", b"\xb2DivX503b2816p", c), pts, dts, key) for c, pts, dts, key in packets_of(path)
    ]
    later = [(content, pts + 1, dts + 1, key) for content, pts, dts, key in divx[9:]]
    remux(path, [*divx[:9], (b"\x7f", 9, 9, False), *later])


@maker("joined.ts")
def _joined(path: Path) -> None:
    """Two recordings of 2 s joined end to end: the timestamps start over."""
    film(path, count=50, options={"bf": "0"})
    path.write_bytes(path.read_bytes() * 2)


@maker("size_change.ts")
def _size_change(path: Path) -> None:
    second = path.with_name("second_" + path.name)
    film(path)
    film(second, size=(128, 96), times=[n + COUNT for n in range(COUNT)])
    path.write_bytes(path.read_bytes() + second.read_bytes())
    second.unlink()


@maker("bad_metadata.mp4")
def _bad_metadata(path: Path) -> None:
    """A title that is not UTF-8."""
    with av.open(str(path), "w") as out:
        out.metadata["title"] = "TITLETITLE"
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(COUNT):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        out.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"TITLETITLE", b"T\xff\xfeLE\xc3TITL"))


def _remux_mjpeg(path: Path, times: Iterable[int]) -> None:
    """The film as JPEGs with any presentation times one likes, in milliseconds."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as out:
        stream = out.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        pictures = []
        for number in range(COUNT):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24").reformat(format="yuvj420p")
            pictures += [bytes(packet) for packet in stream.encode(frame)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        stream.codec_context.open()
        # Matroska keeps presentation times alone, so decode times only have to satisfy the muxer.
        for number, (content, time) in enumerate(zip(pictures, times, strict=True)):
            packet = av.Packet(content)
            packet.pts, packet.dts, packet.time_base = time, number - COUNT, Fraction(1, 1000)
            packet.stream, packet.is_keyframe = stream, True
            out.mux(packet)
