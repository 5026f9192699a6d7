"""Makes the videos that people really have: every file here is written by PyAV's own encoders, then spoiled on purpose.

    python tests/decode/odd_files.py FOLDER        writes them all, to look at

`make(name, folder)` writes one. Most show the same little film: 24 frames of 96x64 at 25 fps, a key frame every 8, a
grey level that rises from frame to frame, and four corners in red, green, blue and white.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from av.video.reformatter import Interpolation

WIDTH, HEIGHT, COUNT, RATE, GOP = 96, 64, 24, 25, 8
RED, GREEN, BLUE, WHITE = (230, 30, 30), (30, 200, 30), (30, 30, 230), (235, 235, 235)
STEADY = {  # these two plan ahead with memory they never set: their bytes differ from run to run unless told not to
    "libx264": {"x264-params": "mbtree=0:b-adapt=0"},
    "libx265": {"x265-params": f"cutree=0:b-adapt=0:log-level=none:keyint={GOP}:min-keyint={GOP}:scenecut=0"},
}
Picture = np.ndarray
Maker = Callable[[Path], None]
MAKERS: dict[str, Maker] = {}


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
        stream = out.add_stream(codec, rate=RATE, options={**STEADY.get(codec, {}), **(options or {})})
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
            # Without these flags swscale's results may differ by a level from call to call.
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


def packets_of(path: Path) -> list[tuple[bytes, int | None, int | None, bool]]:
    """(content, pts, dts, key) of every video packet of `path`."""
    with av.open(str(path)) as source:
        return [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in source.demux(video=0) if p.size]


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


def make(name: str, folder: Path) -> Path:
    """Write the odd file `name` into `folder`; its path."""
    path = folder / name
    MAKERS[name](path)
    return path


# Whole files ---------------------------------------------------------------------------------------------------------


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
    _with_streams(path, video=True, cover=True)


@maker("same_times.mkv")
def _same_times(path: Path) -> None:
    """Frames 5 and 6, and 10 to 12, carry the time of the one before; frame 15 lies a little before frame 14."""
    times = [n * 40 for n in range(COUNT)]
    times[5] = times[6] = times[4]
    times[10] = times[11] = times[12] = times[9]
    times[15] = times[13] + 20
    _remux_mjpeg(path, times)


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


# Damaged files -------------------------------------------------------------------------------------------------------


@maker("damaged.mp4", "damaged.mkv", "damaged.ts")
def _damaged(path: Path) -> None:
    """H.264 without B-frames: packets 11 and 12 of 24 are noise in the middle; the next key frame is 16."""
    film(path, options={"bf": "0", "crf": "10"})
    spoil(path, 11, 12)


@maker("damaged_b_frames.mp4")
def _damaged_b(path: Path) -> None:
    film(path, options={"bf": "2", "crf": "10"})
    spoil(path, 11, 12)


@maker("damaged_mjpeg.avi")
def _damaged_mjpeg(path: Path) -> None:
    film(path, "mjpeg", "yuvj420p")
    spoil(path, 11, 12)


@maker("damaged_av1.mp4", "damaged_prores.mov", "damaged_mpeg2.ts")
def _damaged_other(path: Path) -> None:
    codec, pixels, options = {
        "damaged_av1": ("libsvtav1", "yuv420p", AV1),
        "damaged_prores": ("prores_ks", "yuv422p10le", {}),
        "damaged_mpeg2": ("mpeg2video", "yuv420p", {}),
    }[path.stem]
    film(path, codec, pixels, options=options)
    spoil(path, 11, 12)


@maker("hole.mp4")
def _hole(path: Path) -> None:
    """Packets 10 to 13 are all zero: their frames never come out."""
    film(path, options={"bf": "0"})
    data = path.read_bytes()
    for content, *_ in packets_of(path)[10:14]:
        data = data.replace(content, bytes(len(content)))
    path.write_bytes(data)


@maker("hole.ts")
def _hole_ts(path: Path) -> None:
    """A fifth of the file, from its middle on, is zero, packet headers and all."""
    film(path, options={"bf": "0", "crf": "5"})
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) * 7 // 10] = bytes(len(data) * 7 // 10 - len(data) // 2)
    path.write_bytes(data)


@maker("cut_tail.mp4")
def _cut_tail_mp4(path: Path) -> None:
    """The index comes first, so the frames before the cut are there."""
    film(path, container={"movflags": "faststart"}, options={"bf": "0", "crf": "10"})
    content = packets_of(path)[18][0]
    data = path.read_bytes()
    path.write_bytes(data[: data.find(content) + len(content) // 2])


@maker("cut_tail.mkv", "cut_tail.avi")
def _cut_tail(path: Path) -> None:
    film(path, *(("mjpeg", "yuvj420p") if path.suffix == ".avi" else ("libx264",)), options={"bf": "0"})
    content = packets_of(path)[18][0]
    data = path.read_bytes()
    path.write_bytes(data[: data.find(content) + len(content) // 2])


@maker("starts_without_key.ts")
def _no_key(path: Path) -> None:
    """A recording that was switched on between two key frames."""
    film(path, options={"bf": "0", "crf": "10"})
    whole = packets_of(path)
    with av.open(str(path)) as source, av.open(str(path.with_suffix(".cut.ts")), "w", format="mpegts") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for content, pts, dts, key in whole[3:]:
            packet = av.Packet(content)
            packet.pts, packet.dts, packet.time_base = pts, dts, source.streams.video[0].time_base
            packet.stream, packet.is_keyframe = stream, key
            out.mux(packet)
    path.with_suffix(".cut.ts").replace(path)


# No videos -----------------------------------------------------------------------------------------------------------


@maker("cut_off.mp4")
def _cut_off(path: Path) -> None:
    """The index would come last, and is not there."""
    film(path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


@maker("nothing_decodes.mp4")
def _nothing(path: Path) -> None:
    film(path)
    data = path.read_bytes()
    for content, *_ in packets_of(path):
        data = data.replace(content, bytes(len(content)))
    path.write_bytes(data)


@maker("empty.mp4")
def _empty(path: Path) -> None:
    path.write_bytes(b"")


@maker("text.mp4", "text.txt", "text.avi")
def _text(path: Path) -> None:
    path.write_text("This is a list of videos, not a vidéo.\n" * 200, encoding="utf-8")


@maker("playlist.m3u8")
def _playlist(path: Path) -> None:
    film(path.with_name("part.ts"))
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\npart.ts\n#EXT-X-ENDLIST\n")


@maker("noise.mp4")
def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8).tobytes())


@maker("still.png", "still.jpg", "still.mp4")
def _still(path: Path) -> None:
    import cv2

    path.write_bytes(cv2.imencode(".jpg" if path.suffix == ".jpg" else ".png", picture(0))[1].tobytes())


@maker("folder.mp4")
def _folder(path: Path) -> None:
    path.mkdir()


@maker("audio_only.m4a")
def _audio(path: Path) -> None:
    _with_streams(path, video=False, cover=False)


@maker("audio_with_cover.mp4")
def _audio_cover(path: Path) -> None:
    _with_streams(path, video=False, cover=True)


def _with_streams(path: Path, video: bool, cover: bool) -> None:
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


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for odd in MAKERS:
        try:
            make(odd, target)
        except (FFmpegError, ValueError) as error:
            print(f"{odd}: {error}")
