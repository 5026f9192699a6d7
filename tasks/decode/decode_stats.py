"""Counts while the video passes, and says in words what a person should know."""

from __future__ import annotations

from dataclasses import dataclass, field

from av.video.reformatter import ColorTrc

from tasks.decode.frame_decoder import DecodedPicture
from tasks.decode.frame_transform import FrameTransform, is_right_angle
from tasks.decode.timestamps import MonotonicTimestamps
from tasks.decode.video_file import VideoFile

MAX_NAMED_PLACES = 5  # that many places of a kind are named; more would be a list, not a note
LONG_PAUSE_STEPS = 5  # times the usual spacing
TRUNCATION_MESSAGES = ("partial file", "File ended prematurely")  # as the MP4 and the Matroska reader of FFmpeg say it
HDR_TRANSFERS = {int(ColorTrc.SMPTE2084): "PQ", int(ColorTrc.ARIB_STD_B67): "HLG"}


@dataclass
class DamagedInterval:
    """Neighbouring pictures that are not whole."""

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
    """What came out of one video."""

    view: FrameTransform | None = None
    """How pictures are rendered; None until the first one."""
    ok: int = 0
    damaged: int = 0
    lost: int = 0
    stretches: list[DamagedInterval] = field(default_factory=list[DamagedInterval])
    sizes: dict[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])
    """Picture sizes that occur, with the time of the first one of each."""
    interlaced: int = 0
    last_duration: int = 0
    """Duration of the last picture, ticks; 0 where the file says nothing."""
    last_decoded_s: float = 0.0
    """Time of the last picture that came."""
    _in_stretch: bool = False

    @property
    def decoded(self) -> int:
        """Pictures that came out of the decoder."""
        return self.ok + self.damaged

    def add(self, picture: DecodedPicture, pts_s: float) -> None:
        """Count one picture."""
        self.ok += picture.status == "ok"
        self.damaged += picture.status == "damaged"
        self.lost += picture.status == "lost"
        if picture.status != "ok":
            if not self._in_stretch:
                self.stretches.append(DamagedInterval(pts_s, pts_s))
            stretch = self.stretches[-1]
            stretch.to_s = pts_s
            stretch.damaged += picture.status == "damaged"
            stretch.lost += picture.status == "lost"
        self._in_stretch = picture.status != "ok"
        self.last_duration = 0
        if picture.frame is not None:
            self.sizes.setdefault((picture.frame.width, picture.frame.height), pts_s)
            self.interlaced += picture.frame.interlaced_frame
            self.last_duration = max(picture.frame.duration, 0)
            self.last_decoded_s = pts_s

    def notes(self, source: VideoFile, timeline: MonotonicTimestamps, view: FrameTransform) -> tuple[str, ...]:
        """Sentences, most important first; none where all is well."""
        return (
            *self._health(source),
            *_times(source, timeline),
            *self._shape(source, view),
            *source.notes,
        )

    def _health(self, source: VideoFile) -> list[str]:
        notes = [str(stretch) for stretch in self.stretches[:MAX_NAMED_PLACES]]
        if len(self.stretches) > MAX_NAMED_PLACES:
            notes.append(f"{len(self.stretches) - MAX_NAMED_PLACES} more damaged places after that")
        if source.unread:
            notes.append(f"the file ends {_frames(source.unread)} before its index does")
        elif source.announced not in (0, source.packets_read):
            notes.append(f"the header announces {source.announced} frames, {source.packets_read} are there")
        if source.ending:
            whole = "" if source.length_s is None else f" of {source.length_s:.2f} s"
            cut_off = any(sign in source.ending[0] for sign in TRUNCATION_MESSAGES)
            why = "the file is cut off" if cut_off else source.ending[0]
            notes.append(f"reading stopped after {self.last_decoded_s:.2f} s{whole}: {why}")
        return notes

    def _shape(self, source: VideoFile, view: FrameTransform) -> list[str]:
        notes: list[str] = []
        if view.orientation.mirrored:
            notes.append("mirrored left to right, as the file asks")
        if not is_right_angle(view.orientation):
            asked, turn = view.orientation.asked_deg, view.orientation.turn_deg
            notes.append(f"the file asks to be turned by {asked:.0f} degrees; {turn} was done")
        if source.pixel_aspect != 1:
            notes.append(f"pixels of aspect {source.pixel_aspect} were made square")
        if not view.scaled and (view.source_width % 2 or view.source_height % 2):
            notes.append("the last odd row or column was cut off: stored sizes are even")
        for size, when_s in list(self.sizes.items())[1 : MAX_NAMED_PLACES + 1]:
            notes.append(f"picture size changes to {size[0]}x{size[1]} at {when_s:.2f} s; all are stored at one size")
        if self.interlaced:
            notes.append(f"{_frames(self.interlaced)} interlaced: fields were not separated")
        if view.transfer in HDR_TRANSFERS:
            notes.append(f"colours are HDR ({HDR_TRANSFERS[view.transfer]}) and were not tone-mapped")
        return notes


def _times(source: VideoFile, timeline: MonotonicTimestamps) -> list[str]:
    notes: list[str] = []
    if timeline.missing:
        notes.append(
            f"{_frames(timeline.missing)} without a time: placed 1/{1 / source.step_s:g} s after the one before"
        )
    if timeline.squeezed:
        notes.append(f"{_frames(timeline.squeezed)} with a time not after the one before: placed right behind it")
    if timeline.restarts:
        notes.append(f"timestamps start over ({timeline.restarts}x): what follows was moved to continue")
    if source.empty:
        notes.append(f"{source.empty} empty packet{'s' * (source.empty > 1)}: the picture before stays on screen")
    from_s, to_s = timeline.pause
    if to_s - from_s > LONG_PAUSE_STEPS * source.step_s:
        notes.append(f"longest pause: no frame between {from_s:.2f} s and {to_s:.2f} s")
    return notes


def _frames(count: int) -> str:
    return f"{count} frame{'s' * (count != 1)}"
