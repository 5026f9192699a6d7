"""Counts of decoded, damaged and lost frames of one video, and warnings about it in sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.decode.frame_decoder import DecodedPicture
from tasks.decode.frame_transform import FrameTransform
from tasks.decode.timestamps import MonotonicTimestamps
from tasks.decode.video_file import VideoFile

MAX_NAMED_PLACES = 5  # places of one kind that are listed; the rest is counted
LONG_PAUSE_STEPS = 5  # in units of the usual frame spacing
MIN_NOTED_START_S = 0.5  # seconds; most files start at less, and nobody reads labels off them by another clock
TRUNCATION_MESSAGES = ("partial file", "File ended prematurely")  # messages of FFmpeg's MP4 and Matroska demuxers


@dataclass
class DamagedInterval:
    """A run of consecutive damaged or lost frames."""

    from_s: float
    to_s: float
    damaged: int = 0
    lost: int = 0

    def __str__(self) -> str:
        counts = [f"{n} {word}" for n, word in ((self.damaged, "damaged"), (self.lost, "lost")) if n]
        many = self.to_s > self.from_s
        where = f"frames between {self.from_s:.2f} s and {self.to_s:.2f} s" if many else f"frame at {self.to_s:.2f} s"
        return f"{where}: {' and '.join(counts)}"


@dataclass
class DecodeStats:
    """Counts and properties of the decoded frames of one video."""

    transform: FrameTransform | None = None
    """Transform of decoded frames to stored images; None until the first frame was decoded."""
    ok: int = 0
    damaged: int = 0
    lost: int = 0
    intervals: list[DamagedInterval] = field(default_factory=list[DamagedInterval])
    sizes: dict[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])
    """(width, height) that occur, with the time of the first frame of each size, seconds."""
    interlaced: int = 0
    last_duration: int = 0
    """Duration of the last frame, ticks; 0 where the file does not state one."""
    last_decoded_s: float = 0.0
    """Time of the last decoded frame, seconds."""
    _in_interval: bool = False

    @property
    def decoded(self) -> int:
        """Frames that the decoder returned, damaged ones included."""
        return self.ok + self.damaged

    def add_picture(self, picture: DecodedPicture, pts_s: float) -> None:
        """Count one frame at `pts_s` seconds."""
        self.ok += picture.status == "ok"
        self.damaged += picture.status == "damaged"
        self.lost += picture.status == "lost"
        if picture.status != "ok":
            if not self._in_interval:
                self.intervals.append(DamagedInterval(pts_s, pts_s))
            interval = self.intervals[-1]
            interval.to_s = pts_s
            interval.damaged += picture.status == "damaged"
            interval.lost += picture.status == "lost"
        self._in_interval = picture.status != "ok"
        self.last_duration = 0
        if picture.frame is not None:
            self.sizes.setdefault((picture.frame.width, picture.frame.height), pts_s)
            self.interlaced += picture.frame.interlaced_frame
            self.last_duration = max(picture.frame.duration, 0)
            self.last_decoded_s = pts_s

    def make_notes(self, source: VideoFile, timestamps: MonotonicTimestamps, deinterlaced: bool) -> tuple[str, ...]:
        """Warnings in sentences, most important first; empty for an undamaged ordinary file or without a frame."""
        return (
            *self._describe_damage(source),
            *_describe_timestamps(source, timestamps, self.decoded + self.lost),
            *(self._describe_image(source, self.transform, deinterlaced) if self.transform else ()),
            *source.notes,
        )

    def _describe_damage(self, source: VideoFile) -> list[str]:
        notes = [str(interval) for interval in self.intervals[:MAX_NAMED_PLACES]]
        if len(self.intervals) > MAX_NAMED_PLACES:
            notes.append(f"{len(self.intervals) - MAX_NAMED_PLACES} more damaged places after that")
        if source.unread:
            notes.append(f"the file ends {_count_frames(source.unread)} before its index does")
        elif source.announced not in (0, source.packets_read):
            notes.append(f"the header announces {source.announced} frames, {source.packets_read} are there")
        if source.ending:
            whole = "" if source.length_s is None else f" of {source.length_s:.2f} s"
            cut_off = any(sign in source.ending[0] for sign in TRUNCATION_MESSAGES)
            why = "the file is cut off" if cut_off else source.ending[0]
            notes.append(f"reading stopped after {self.last_decoded_s:.2f} s{whole}: {why}")
        return notes

    def _describe_image(self, source: VideoFile, transform: FrameTransform, deinterlaced: bool) -> list[str]:
        notes: list[str] = []
        if transform.orientation.mirrored:
            notes.append("mirrored left to right, as the file asks")
        if transform.crop is not None:
            notes.append(f"{transform.crop} are shown, as the container asks")
        if not transform.orientation.is_right_angle:
            asked, turn = transform.orientation.asked_deg, transform.orientation.turn_deg
            notes.append(f"the file asks to be turned by {asked:.0f} degrees; {turn} was done")
        if source.pixel_aspect != 1:
            notes.append(f"pixels of aspect {source.pixel_aspect} were made square")
        if not transform.scaled and (transform.source_width % 2 or transform.source_height % 2):
            notes.append("the last odd row or column was cut off: stored sizes are even")
        for size, when_s in list(self.sizes.items())[1 : MAX_NAMED_PLACES + 1]:
            notes.append(f"picture size changes to {size[0]}x{size[1]} at {when_s:.2f} s; all are stored at one size")
        if self.interlaced:
            done = "deinterlaced by bwdif" if deinterlaced else "fields were not separated"
            notes.append(f"{_count_frames(self.interlaced)} interlaced: {done}")
        if transform.hdr is not None:
            done = "were tone-mapped to BT.709" if transform.peak_nits else "were not tone-mapped"
            notes.append(f"colours are HDR ({transform.hdr}) and {done}")
        return notes


def _describe_timestamps(source: VideoFile, timestamps: MonotonicTimestamps, count: int) -> list[str]:
    notes: list[str] = []
    if abs(source.start) >= MIN_NOTED_START_S:
        stated = float(source.start)
        notes.append(f"the file's own clock starts at {stated:.3f} s; times count from that moment, as players do")
    if timestamps.missing:
        notes.append(
            f"{_count_frames(timestamps.missing)} without a time: placed 1/{1 / source.step_s:g} s after the one before"
        )
    if timestamps.squeezed:
        notes.append(
            f"{_count_frames(timestamps.squeezed)} with a time not after the one before: placed right behind it"
        )
    if timestamps.restarts:
        notes.append(f"timestamps start over ({timestamps.restarts}x): what follows was moved to continue")
    if source.empty:
        notes.append(f"{source.empty} empty packet{'s' * (source.empty > 1)}: the picture before stays on screen")
    from_s, to_s = timestamps.pause
    if to_s - from_s > LONG_PAUSE_STEPS * source.find_step_s(count, timestamps.length_s):
        notes.append(f"longest pause: no frame between {from_s:.2f} s and {to_s:.2f} s")
    return notes


def _count_frames(count: int) -> str:
    return f"{count} frame{'s' * (count != 1)}"
