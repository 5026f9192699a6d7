"""What a video file is and what of it will be stored, from its headers, its packets and its first frame.

All packets are read and none but the first few decoded, so this takes the time of reading the file. Damage inside a
packet shows in decoding alone; what the container tells of is found: packets that it flags, a file that is cut off, an
index that lists more than is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from av.error import FFmpegError
from av.video.frame import VideoFrame

from tasks.decode.ffmpeg_log import capture_ffmpeg_log
from tasks.decode.film_list import list_takes
from tasks.decode.frame_transform import FrameTransform, make_transform
from tasks.decode.remote_film import open_remote_film
from tasks.decode.usual_size import find_usual_size
from tasks.decode.video_file import VideoFile, open_video
from tasks.errors import BadInput

MAX_TRIED = 64  # packets that are decoded to get one frame


@dataclass(frozen=True)
class VideoCheck:
    """One file that will be decoded."""

    container: str
    """Container format, FFmpeg's name."""
    codec: str
    pixel_format: str
    source_width: int
    """Of most frames, pixels, before rotation."""
    source_height: int
    width: int
    """As stored, pixels."""
    height: int
    rotation_deg: int
    """Display rotation that will be applied, degrees clockwise."""
    frames: int
    """Frames in the file by its packets; frames that share a packet or have two may be counted wrongly."""
    fps: float
    """Average frame rate by the packets' times, frames per second."""
    duration_s: float
    """From the first frame to the end of the last one."""
    start_s: float
    """First time stamp by the file's own clock; times of all tables count from it."""
    interlaced: bool
    """Whether the first frame is."""
    hdr: str | None
    """PQ or HLG; None for standard range."""
    has_sound: bool
    flagged: int
    """Packets that the container flags as damaged."""
    notes: tuple[str, ...]
    """What differs from an ordinary, whole file, in sentences."""


def inspect_video(file: Path, max_side: int | None) -> VideoCheck:
    """What `file` is; `max_side`: decode.max_side. BadInput where it would be refused."""
    takes = list_takes(file)
    checks = [_inspect_take(take, max_side) for take in takes]
    if len(checks) == 1:
        return checks[0]
    frames, duration_s = sum(one.frames for one in checks), sum(one.duration_s for one in checks)
    return replace(
        checks[0],
        frames=frames,
        duration_s=duration_s,
        fps=frames / duration_s,
        interlaced=any(one.interlaced for one in checks),
        flagged=sum(one.flagged for one in checks),
        notes=(
            f"{len(takes)} takes",
            *(f"{take.name}: {note}" for take, one in zip(takes, checks, strict=True) for note in one.notes),
        ),
    )


def _inspect_take(file: Path, max_side: int | None) -> VideoCheck:
    with open_remote_film(file) as remote, open_video(file, remote) as source:
        usual_size = find_usual_size(file, remote)
        scan = _Scan(source)
        first = scan.read_all()
        if first is None:
            raise BadInput(
                f"{source.name} must hold frames that decode, got {source.packets_read} packets of {source.codec} and "
                "not one picture; it is damaged or encrypted: copy it again from where it came"
            )
        transform = make_transform(first, source.pixel_aspect, max_side, usual_size, source.crop)
        frames, duration_s = source.packets_read, scan.duration_s
        return VideoCheck(
            container=source.container.format.name,
            codec=source.codec,
            pixel_format=transform.pixel_format,
            source_width=transform.source_width,
            source_height=transform.source_height,
            width=transform.width,
            height=transform.height,
            rotation_deg=transform.orientation.turn_deg,
            frames=frames,
            fps=frames / duration_s,
            duration_s=duration_s,
            start_s=float(source.start),
            interlaced=first.interlaced_frame,
            hdr=transform.hdr,
            has_sound=bool(source.container.streams.audio),
            flagged=scan.flagged,
            notes=tuple(_describe(source, scan, first, transform)),
        )


class _Scan:
    """One pass over the packets of a file."""

    def __init__(self, source: VideoFile) -> None:
        self.flagged = 0
        self._source = source
        self._lowest: int | None = None
        self._highest: int | None = None
        self._last_step = 0

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last, seconds; by the frame count where the file states no times."""
        source = self._source
        if self._lowest is None or self._highest is None or not source.has_times:
            return max(1, source.packets_read) * source.step_s
        length_s = float((self._highest - self._lowest) * source.time_base)
        return length_s + (
            float(self._last_step * source.time_base) or source.find_step_s(source.packets_read, length_s)
        )

    def read_all(self) -> VideoFrame | None:
        """Read every packet; the first frame that decodes, None where there is none."""
        context = self._source.stream.codec_context
        context.thread_count = 1
        first: VideoFrame | None = None
        for number, (packet, broken) in enumerate(self._source.read_packets()):
            self.flagged += packet.is_corrupt or broken
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks is not None and not packet.is_discard:
                self._lowest = ticks if self._lowest is None else min(self._lowest, ticks)
                if self._highest is None or ticks >= self._highest:
                    self._highest, self._last_step = ticks, packet.duration or 0
            if first is None and number < MAX_TRIED:
                with capture_ffmpeg_log():
                    try:
                        first = next(iter(context.decode(packet)), None)
                    except FFmpegError:
                        continue
        if first is None:
            with capture_ffmpeg_log():
                try:
                    first = next(iter(context.decode(None)), None)
                except FFmpegError:
                    first = None
        return first


def _describe(source: VideoFile, scan: _Scan, first: VideoFrame, transform: FrameTransform) -> list[str]:
    notes: list[str] = []
    if source.unread:
        notes.append(f"the file ends {source.unread} frames before its index does")
    if source.ending:
        notes.append(f"reading stops before the end: {source.ending[0]}")
    if scan.flagged:
        notes.append(f"{scan.flagged} packet{'s' * (scan.flagged > 1)} flagged as damaged")
    if transform.crop is not None:
        notes.append(f"{transform.crop} are shown, as the container asks")
    if (first.width, first.height) != transform.coded_size:
        notes.append(f"the picture size changes: it begins with {first.width}x{first.height}")
    if transform.orientation.mirrored:
        notes.append("mirrored left to right, as the file asks")
    if source.pixel_aspect != 1:
        notes.append(f"pixels of aspect {source.pixel_aspect} are made square")
    return [*notes, *source.notes]
