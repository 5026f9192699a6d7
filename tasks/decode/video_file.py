"""An open video file: which of its streams is the video, its packets, and how many frames it announces."""

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

# Formats that FFmpeg reads by opening other files (some from the net, some waiting for ever for more), and text.
REFUSED_FORMATS = frozenset({"hls", "dash", "concat", "sdp", "imf", "rtsp", "image2", "lavfi", "tty"})
TEXT_SAMPLE_BYTES = 4096  # bytes looked at to tell text from a damaged video
MAX_PIXEL_ASPECT = 4  # anamorphic formats in use reach 2
MIN_ASPECT_DEVIATION = 0.01  # less is what is left of rounding the frame's size, and not worth resampling for
MAX_CREDIBLE_LOSS = 100  # times the frames that are there; a header that announces more is wrong, not the file short
FALLBACK_FPS = Fraction(25)  # what FFmpeg assumes of streams that do not say


@dataclass
class VideoFile:
    """An open container with the stream that is decoded."""

    name: str
    container: InputContainer
    stream: VideoStream
    notes: list[str] = field(default_factory=list[str])
    packets_read: int = 0
    """Packets that should become a picture: neither empty nor outside the edit list."""
    empty: int = 0
    """Packets without a picture in them: the one before stays."""
    first_dts: int | None = None
    """Decode time of the first packet, ticks."""
    ending: list[str] = field(default_factory=list[str])
    """What went wrong where reading stopped, in FFmpeg's words."""

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
        """Width by height of one pixel; 1 where the file says nothing, nothing sensible, or next to nothing."""
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
    def all_pictures(self) -> bool:
        """Whether every packet is a picture, so that one without is a loss even if the decoder does not complain.

        (In AVI it may stand for "as before"; elsewhere it may be a second field, or a picture that is never shown.)
        """
        return "mov" in self.formats

    @property
    def announced(self) -> int:
        """Frames that the index lists and that would be shown, 0 where there is none; final after the last packet."""
        if "mov" in self.formats:
            # The header's count includes samples that an edit list leaves out; fragments are listed as they are read.
            listed = sum(not entry.is_discard for entry in self.stream.index_entries)
        else:
            listed = self.stream.frames
        return max(listed - self.empty, 0)

    @property
    def unread(self) -> int:
        """Frames that the index lists and the file does not hold, as far as that can be believed."""
        missing = self.announced - self.packets_read
        return missing if 0 < missing <= MAX_CREDIBLE_LOSS * self.packets_read else 0

    @property
    def length_s(self) -> float | None:
        """Length that the header announces, seconds."""
        return None if self.container.duration is None else self.container.duration / av.time_base

    def held_no_picture(self) -> None:
        """One of the packets turned out to hold none."""
        if self.stream.frames:
            self.packets_read -= 1
            self.empty += 1

    def packets(self) -> Iterator[tuple[Packet[VideoStream], bool]]:
        """Packets of the video, each with whether the container was found broken on the way to it."""
        demuxer, broken = self.container.demux(self.stream), False
        while True:
            with capture_ffmpeg_log() as said:
                try:
                    packet = next(demuxer, None)
                except FFmpegError as error:
                    packet, self.ending = None, [str(error.strerror)]
                except IndexError:
                    # PyAV 18 stumbles over streams that turned up on the way, when all has been read.
                    packet = None
            wrong = select_errors(said, self.container.format.name)
            if packet is None:
                self.ending += wrong
                return
            broken = broken or bool(wrong)
            if not packet.size:
                # The last one asks the decoder to flush; others are empty. A decoder takes any of them for the end.
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
    with capture_ffmpeg_log() as said:
        try:
            # An absolute path cannot be taken for a protocol.
            container = av.open(str(file.resolve()), metadata_errors="replace", options=_this_file_alone())
        except (FFmpegError, OSError) as error:
            raise BadInput(_unreadable(file, error, [what for _, _, what in said])) from None
    with container:
        yield VideoFile(RawVideo(file).name, container, *_choose(file, container))


@cache
def _this_file_alone() -> dict[str, str]:
    """Options for FFmpeg to open nothing but the file it is given."""
    formats = ",".join(sorted(av.formats_available - REFUSED_FORMATS))
    return {"protocol_whitelist": "file", "format_whitelist": formats}


def _unreadable(file: Path, error: Exception, said: list[str]) -> str:
    if any("moov atom not found" in what for what in said) and _is_mp4(file):
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


def _choose(file: Path, container: InputContainer) -> tuple[VideoStream, list[str]]:
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
    # FFmpeg's own rule: the stream that the file marks as default, then the largest picture, then the first.
    best = max(readable, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height, -s.index))
    notes = [f"stream {best.index} taken of {len(real)} video streams"] if len(real) > 1 else []
    return best, notes
