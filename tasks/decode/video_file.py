"""An open video file: selection of the video stream, its packets, and the number of frames that it announces."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from tasks.decode.container_crop import ContainerCrop, read_container_crop
from tasks.decode.ffmpeg_log import capture_ffmpeg_log, select_errors
from tasks.decode.file_kind import explain_no_video, is_mp4, read_sample
from tasks.decode.film_address import name_film
from tasks.decode.film_list import SUFFIX, read_film_list
from tasks.decode.joined_images import JoinedImages
from tasks.decode.remote_film import RemoteFilm, RemoteStream, open_bytes, open_remote_film
from tasks.decode.video_stream import list_films, select_stream
from tasks.errors import BadInput

# Formats that make FFmpeg open other files (some from the network, some waiting for more data), and text.
REFUSED_FORMATS = frozenset({"hls", "dash", "concat", "sdp", "imf", "rtsp", "image2", "lavfi", "tty"})
MAX_PIXEL_ASPECT = 4  # anamorphic formats in use reach 2
MIN_ASPECT_DEVIATION = 0.01  # smaller deviations are rounding of the frame size, and not worth resampling for
MAX_CREDIBLE_LOSS = 100  # in units of the frames read; a header that announces more is wrong, not the file short
RAW_STREAMS = frozenset({"h264", "hevc", "vvc", "m4v", "mpegvideo", "vc1", "h261", "h263", "cavsvideo", "avs2", "obu"})
MAX_RATE_RATIO = 2  # an average rate above that many times the guessed one is no rate of frames
START_ROUNDING = Fraction(1, 100_000)  # seconds between two roundings of one time stamp, at most
MAX_RATE_TERM = 1_000_000  # largest denominator of a frame rate
FALLBACK_FPS = Fraction(25)  # FFmpeg's assumption for streams that state no rate


@dataclass
class VideoFile:
    """An open container with the video stream that is decoded."""

    name: str
    container: InputContainer
    stream: VideoStream
    notes: list[str] = field(default_factory=list[str])
    crop: ContainerCrop | None = None
    """The part of the picture that the container asks to show; None for all of it."""
    indexed: int = 0
    """Entries of the container's index before the first packet was read."""
    packets_read: int = 0
    """Packets that hold a frame: neither empty nor outside the edit list."""
    empty: int = 0
    """Packets without a frame: the frame before stays on screen."""
    first_dts: int | None = None
    """Decode time of the first packet, ticks."""
    ending: list[str] = field(default_factory=list[str])
    """FFmpeg's error messages where reading stopped."""
    check: Callable[[], None] = lambda: None
    """Raises where what was read is not what the file holds, but what a broken connection left of it."""

    @property
    def formats(self) -> list[str]:
        """FFmpeg's names of the container format."""
        return self.container.format.name.split(",")

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec."""
        return self.stream.codec_context.codec.canonical_name

    @property
    def pixel_aspect(self) -> Fraction:
        """Pixel aspect ratio, width by height; 1 where the file states none, an implausible one, or nearly 1."""
        aspect = self.stream.sample_aspect_ratio or Fraction(1)
        sensible = 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT
        return aspect if sensible and abs(aspect - 1) > MIN_ASPECT_DEVIATION else Fraction(1)

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick."""
        return self.stream.time_base or Fraction(1, 1000)

    @property
    def has_rate(self) -> bool:
        """Whether the file states a frame rate; without one FFmpeg guesses the rate of the container's clock."""
        return bool(self.stream.average_rate) or self.stream.guessed_rate not in (None, 0, 1 / self.time_base)

    @property
    def step_s(self) -> float:
        """Usual spacing of frames by the file's rate, seconds; that of FALLBACK_FPS where it states none."""
        if not self.has_rate:
            return float(1 / FALLBACK_FPS)
        average, guessed = self.stream.average_rate, self.stream.guessed_rate
        # The average is FFmpeg's default in streams without times, and in others may come from the time base.
        if guessed and (not average or not self.has_times or average > MAX_RATE_RATIO * guessed):
            average = guessed
        return float(1 / (average or FALLBACK_FPS))

    def find_step_s(self, frames: int, length_s: float) -> float:
        """`step_s`, or where the file states no rate the mean spacing of `frames` frames over `length_s` seconds."""
        return self.step_s if self.has_rate or frames < 2 or length_s <= 0 else length_s / (frames - 1)  # noqa: PLR2004

    @property
    def has_times(self) -> bool:
        """Whether the container stores times at all; a raw stream of a codec does not."""
        return not set(self.formats) & RAW_STREAMS

    @property
    def has_pts(self) -> bool:
        """Whether the container stores presentation times (AVI has none; FFmpeg fills in decode order)."""
        return "avi" not in self.formats

    @property
    def is_frame_per_packet(self) -> bool:
        """Whether every packet holds a frame, so that a packet without one is a loss even without an error.

        (In AVI an empty packet repeats the frame before; elsewhere it may be a second field or a hidden frame.)
        """
        return "mov" in self.formats

    @property
    def announced(self) -> int:
        """Displayed frames by the container's index, 0 where it has none; final after the last packet."""
        if "mov" in self.formats:
            # The header's count includes samples that an edit list leaves out; fragments are listed as they are read.
            listed = sum(not entry.is_discard for entry in self.stream.index_entries)
        elif "avi" in self.formats and self.indexed >= self.packets_read > 0:
            # A complete index; the header counts its empty entries, for pictures that were not captured, too.
            listed = self.indexed
        else:
            listed = self.stream.frames
        return max(listed - self.empty, 0)

    @property
    def unread(self) -> int:
        """Frames that the index lists and the file does not hold; 0 where that number is implausible."""
        missing = self.announced - self.packets_read
        return missing if 0 < missing <= MAX_CREDIBLE_LOSS * self.packets_read else 0

    @property
    def start(self) -> Fraction:
        """First time stamp of the file, of any stream, seconds of its own clock; 0 where it states none."""
        stated = cast("int | None", self.container.start_time)  # PyAV's types leave None out
        if stated is None:
            return Fraction(0)
        start = Fraction(stated, av.time_base)
        if self.stream.start_time is None:
            return start
        # The container's is rounded to microseconds.
        own = self.stream.start_time * self.time_base
        return own if abs(own - start) < START_ROUNDING else start

    @property
    def length_s(self) -> float | None:
        """Duration by the header, seconds; None where it states none."""
        return None if self.container.duration is None else self.container.duration / av.time_base

    def discount_empty_packet(self) -> None:
        """Count one of the packets read as empty."""
        if self.stream.frames:
            self.packets_read -= 1
            self.empty += 1

    def read_packets(self) -> Iterator[tuple[Packet[VideoStream], bool]]:
        """(packet, whether the demuxer reported an error before it) of the video stream, in decode order."""
        demuxer, broken = self.container.demux(self.stream), False
        while True:
            with capture_ffmpeg_log() as messages:
                try:
                    packet = next(demuxer, None)
                except (FFmpegError, OSError) as error:
                    packet, self.ending = None, [str(error.strerror)]
                except IndexError:
                    # PyAV 18 raises this at the end of files whose streams appear after the header.
                    packet = None
            self.check()
            wrong = select_errors(messages, self.container.format.name)
            if packet is None:
                self.ending += wrong
                return
            broken = broken or bool(wrong)
            if not packet.size:
                # The last one flushes the decoder; others are empty. A decoder takes any of them for the end.
                self.empty += packet.dts is not None
                self.ending = wrong if packet.dts is None else []
                continue
            self.first_dts = packet.dts if self.first_dts is None else self.first_dts
            self.packets_read += not packet.is_discard
            yield packet, broken
            broken = False


@contextmanager
def open_video(file: Path, remote: RemoteFilm | None = None) -> Generator[VideoFile]:
    """Open `file` for decoding; BadInput where it is missing, empty, no video, or cut off before its index.

    `remote`: the film at the address that `file` holds, where others read it too (remote_film.py).
    """
    if not file.is_file():
        raise BadInput(f"{file.name} must be a video file, got {'a folder' if file.is_dir() else 'no such file'}")
    name = name_film(file)
    with ExitStack() as opened:
        remote = remote or opened.enter_context(open_remote_film(file))
        if not (file.stat().st_size if remote is None else remote.address.size):
            raise BadInput(f"{name} must be a video, got an empty file; copy it again from where it came")
        if file.suffix == SUFFIX:
            yield from _open_images(file)
            return
        sample = read_sample(file) if remote is None else remote.sample
        if (other := explain_no_video(sample)) is not None:
            raise BadInput(f"{name} must be a video, got {other}")
        check = (lambda: None) if remote is None else remote.check
        with capture_ffmpeg_log() as messages:
            try:
                container = _open_container(file if remote is None else remote)
            except (FFmpegError, OSError) as error:
                check()
                raise BadInput(_describe_open_error(name, sample, error, [what for _, _, what in messages])) from None
        with container:
            check()
            with file.open("rb") if remote is None else open_bytes(remote) as content:
                stream, notes = select_stream(name, container, sample, content)
                place = list_films(container).index(stream)
                crop = read_container_crop(content, container.format.name.split(","), stream.id, place)
            check()
            yield VideoFile(name, container, stream, notes, crop, indexed=len(stream.index_entries), check=check)


def _open_images(file: Path) -> Iterator[VideoFile]:
    """The images of a film list as the packets of a video, without decoding or copying them."""
    film = read_film_list(file)
    options = {"framerate": str(Fraction(film.fps or float(FALLBACK_FPS)).limit_denominator(MAX_RATE_TERM))}
    with capture_ffmpeg_log():
        try:
            joined = io.BufferedReader(JoinedImages(film.files))
            container = av.open(joined, "r", format=film.image_format, metadata_errors="replace", options=options)
        except (FFmpegError, OSError) as error:
            raise BadInput(
                f"{file.stem} must be a film of images that FFmpeg can open, got {error} in {film.files[0]} and those "
                "after it; check that they open"
            ) from None
    with container:
        yield VideoFile(file.stem, container, container.streams.video[0])


def _open_container(file: Path | RemoteFilm) -> InputContainer:
    container = _open_as(file, None)
    if container.format.name != "jpeg_pipe":
        return container
    # By its first bytes, a raw Motion JPEG stream (a camera's dump) is a JPEG file.
    stream = _open_as(file, "mjpeg")
    packets = sum(1 for _, packet in zip(range(2), stream.demux(video=0), strict=False) if packet.size)
    stream.close()
    if packets < 2:  # noqa: PLR2004  a single image
        return container
    container.close()
    return _open_as(file, "mjpeg")


def _open_as(file: Path | RemoteFilm, form: str | None) -> InputContainer:
    # An absolute path is not parsed as a protocol.
    place = str(file.resolve()) if isinstance(file, Path) else RemoteStream(file)
    return av.open(place, "r", format=form, metadata_errors="replace", options=_single_file_options())


@cache
def _single_file_options() -> dict[str, str]:
    """Options of FFmpeg that forbid opening any other file."""
    formats = ",".join(sorted(av.formats_available - REFUSED_FORMATS))
    return {"protocol_whitelist": "file", "format_whitelist": formats}


def _describe_open_error(name: str, sample: bytes, error: Exception, messages: list[str]) -> str:
    if any("moov atom not found" in what for what in messages) and is_mp4(sample):
        return (
            f"{name} must be a whole video, got one that was cut off before its index (no moov atom), "
            "so no frame can be found; copy it again, or rebuild the index with a repair tool such as untrunc"
        )
    if sample and not any(sample):
        return f"{name} must be a video, got nothing but zeros at its beginning; it was never whole: download it again"
    reason = getattr(error, "strerror", None) or str(error)
    return f"{name} must be a video that FFmpeg can open, got {reason!r}; check that it plays, or remove it"
