"""An open video file: selection of the video stream, its packets, and the number of frames that it announces."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from tasks.artifacts.raw_video import RawVideo
from tasks.decode.ffmpeg_log import capture_ffmpeg_log, select_errors
from tasks.errors import BadInput

# Formats that make FFmpeg open other files (some from the network, some waiting for more data), and text.
REFUSED_FORMATS = frozenset({"hls", "dash", "concat", "sdp", "imf", "rtsp", "image2", "lavfi", "tty"})
TEXT_SAMPLE_BYTES = 4096  # bytes inspected to distinguish text from a damaged video
MAX_PIXEL_ASPECT = 4  # anamorphic formats in use reach 2
MIN_ASPECT_DEVIATION = 0.01  # smaller deviations are rounding of the frame size, and not worth resampling for
MAX_CREDIBLE_LOSS = 100  # in units of the frames read; a header that announces more is wrong, not the file short
FALLBACK_FPS = Fraction(25)  # FFmpeg's assumption for streams that state no rate


@dataclass
class VideoFile:
    """An open container with the video stream that is decoded."""

    name: str
    container: InputContainer
    stream: VideoStream
    notes: list[str] = field(default_factory=list[str])
    packets_read: int = 0
    """Packets that hold a frame: neither empty nor outside the edit list."""
    empty: int = 0
    """Packets without a frame: the frame before stays on screen."""
    first_dts: int | None = None
    """Decode time of the first packet, ticks."""
    ending: list[str] = field(default_factory=list[str])
    """FFmpeg's error messages where reading stopped."""

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
    def step_s(self) -> float:
        """Usual spacing of frames, seconds."""
        return float(1 / (self.stream.average_rate or self.stream.guessed_rate or FALLBACK_FPS))

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
        else:
            listed = self.stream.frames
        return max(listed - self.empty, 0)

    @property
    def unread(self) -> int:
        """Frames that the index lists and the file does not hold; 0 where that number is implausible."""
        missing = self.announced - self.packets_read
        return missing if 0 < missing <= MAX_CREDIBLE_LOSS * self.packets_read else 0

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
                except FFmpegError as error:
                    packet, self.ending = None, [str(error.strerror)]
                except IndexError:
                    # PyAV 18 raises this at the end of files whose streams appear after the header.
                    packet = None
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
def open_video(file: Path) -> Generator[VideoFile]:
    """Open `file` for decoding; BadInput where it is missing, empty, no video, or cut off before its index."""
    if not file.is_file():
        raise BadInput(f"{file.name} must be a video file, got {'a folder' if file.is_dir() else 'no such file'}")
    if not file.stat().st_size:
        raise BadInput(f"{file.name} must be a video, got an empty file; copy it again from where it came")
    if _is_text(file):
        raise BadInput(f"{file.name} must be a video, got text; remove it from the raw videos")
    with capture_ffmpeg_log() as messages:
        try:
            # An absolute path is not parsed as a protocol.
            container = av.open(str(file.resolve()), metadata_errors="replace", options=_single_file_options())
        except (FFmpegError, OSError) as error:
            raise BadInput(_describe_open_error(file, error, [what for _, _, what in messages])) from None
    with container:
        yield VideoFile(RawVideo(file).name, container, *_select_stream(file, container))


@cache
def _single_file_options() -> dict[str, str]:
    """Options of FFmpeg that forbid opening any other file."""
    formats = ",".join(sorted(av.formats_available - REFUSED_FORMATS))
    return {"protocol_whitelist": "file", "format_whitelist": formats}


def _describe_open_error(file: Path, error: Exception, messages: list[str]) -> str:
    if any("moov atom not found" in what for what in messages) and _is_mp4(file):
        return (
            f"{file.name} must be a whole video, got one that was cut off before its index (no moov atom), "
            "so no frame can be found; copy it again, or rebuild the index with a repair tool such as untrunc"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return f"{file.name} must be a video that FFmpeg can open, got {reason!r}; check that it plays, or remove it"


def _is_text(file: Path) -> bool:
    with file.open("rb") as stream:
        sample = stream.read(TEXT_SAMPLE_BYTES)
    try:
        # A multi-byte character may be cut at the end of the sample.
        text = sample[: len(sample) - 3 if len(sample) == TEXT_SAMPLE_BYTES else None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)


def _is_mp4(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(8)[4:] in (b"ftyp", b"mdat", b"free", b"wide", b"skip")


def _select_stream(file: Path, container: InputContainer) -> tuple[VideoStream, list[str]]:
    if container.format.name.endswith("_pipe"):
        raise BadInput(f"{file.name} must be a video, got a still image; remove it from the raw videos")
    real = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not real:
        held = [s.type for s in container.streams if s.type != "video"] + ["cover picture"] * bool(
            container.streams.video
        )
        found = f"only {' and '.join(sorted(set(held)))}" if held else "none"
        raise BadInput(f"{file.name} must hold a video stream, got {found}; remove it from the raw videos")
    # PyAV leaves the codec context away where the build has no decoder, though its types do not say so.
    readable = [s for s in real if getattr(s, "codec_context", None) is not None]
    if not readable:
        raise BadInput(f"{file.name} must be in a codec that FFmpeg can decode, got an unknown one; convert it first")
    # FFmpeg's rule: the stream that the file marks as default, then the largest frame size, then the first.
    best = max(readable, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height, -s.index))
    notes = [f"stream {best.index} taken of {len(real)} video streams"] if len(real) > 1 else []
    return best, notes
