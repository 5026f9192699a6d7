"""Packets in, pictures out, in the order of presentation, each with what is known about its health.

Every packet carries a ticket through the decoder (FFmpeg's COPY_OPAQUE), so each picture knows its packet, and a
packet whose picture never came is known too. Damage is seen in four ways, none of which suffices alone: the container
flags the packet, the decoder fails, the decoder flags the picture, or it only complains in the log (complaints.py).
Arithmetic coders without checksums (VP8, VP9, partly HEVC) can turn damaged bytes into a wrong picture with no sign.

One thread decodes: with more, FFmpeg conceals errors differently, and with frame threads differently on each run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from av.codec.context import Flags, ThreadType
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.artifacts.frames_file import FrameStatus
from tasks.decode.corruption_tracker import CorruptionTracker
from tasks.decode.ffmpeg_log import capture_ffmpeg_log, select_errors
from tasks.decode.video_file import VideoFile

MAX_B_FRAMES = 16  # pictures: so many may be shown before one that was decoded ahead of them (x264's and x265's limit)
RESTART_S = 1.0  # times that fall back by more than this have started over (files joined end to end)


@dataclass(frozen=True)
class DecodedPicture:
    """One picture, or the place of one that was lost."""

    ticks: int | None
    """Presentation time in the stream's time base; None where the file gives none."""
    status: FrameStatus
    frame: VideoFrame | None
    """None where lost."""


@dataclass(frozen=True, eq=False)
class PacketTag:
    """What a packet takes along through the decoder."""

    number: int
    """Position in decode order."""
    ticks: int | None
    """Presentation time of the packet; None where the container has none."""


class FrameDecoder:
    """One pass over a source."""

    def __init__(self, source: VideoFile) -> None:
        self._source = source
        self._context = source.stream.codec_context
        self._context.thread_count = 1
        self._context.thread_type = ThreadType.NONE
        self._context.copy_opaque = True
        self._context.flags |= Flags.output_corrupt
        self._waiting: dict[int, PacketTag] = {}
        self._suspicion = CorruptionTracker()
        self._given_up: set[int] = set()
        self._ticks: int | None = None
        self._delay: int | None = None

    def pictures(self) -> Iterator[DecodedPicture]:
        """All pictures in order of presentation, lost ones in their places as far as their times are known."""
        for number, (packet, container_broken) in enumerate(self._source.packets()):
            ticket = PacketTag(number, packet.pts if self._source.has_pts else None)
            packet.opaque = ticket
            if not packet.is_discard:
                self._waiting[number] = ticket
            frames, failed = self._decode(packet)
            if failed or container_broken or packet.is_corrupt:
                self._suspicion.raise_at(number)
            for frame in frames:
                yield from self._out(frame)
        for frame in self._decode(None)[0]:
            yield from self._out(frame)
        yield from self._lost(list(self._waiting.values()))
        yield from (DecodedPicture(None, "lost", None) for _ in range(self._source.unread))

    def _decode(self, packet: Packet[VideoStream] | None) -> tuple[list[VideoFrame], bool]:
        with capture_ffmpeg_log() as said:
            try:
                frames, failed = self._context.decode(packet), False
            except FFmpegError:
                frames, failed = list[VideoFrame](), True
        return frames, failed or bool(select_errors(said))

    def _out(self, frame: VideoFrame) -> Iterator[DecodedPicture]:
        ticket = frame.opaque
        if not isinstance(ticket, PacketTag):
            # No decoder in FFmpeg 8 that we tried drops it; the oldest packet is then the best guess.
            ticket = next(iter(self._waiting.values()), PacketTag(0, frame.pts))
        if ticket.number in self._given_up:
            # After damage a decoder may let a picture out when its place has passed: it stays lost.
            return
        if frame.is_corrupt:
            self._suspicion.raise_at(ticket.number)
        yield from self._lost([late for late in self._waiting.values() if self._overdue(late, ticket)])
        if frame.key_frame:
            self._suspicion.key_picture(ticket.number)
        self._waiting.pop(ticket.number, None)
        status: FrameStatus = "damaged" if self._suspicion.falls_on(ticket.number) else "ok"
        yield DecodedPicture(self._ticks_of(frame), status, frame)

    def _ticks_of(self, frame: VideoFrame) -> int | None:
        """Presentation time; in AVI, the decode time less the delay at which the decoder lets pictures out."""
        if self._source.has_pts:
            return frame.dts if frame.pts is None else frame.pts
        if frame.dts is not None:
            self._delay = frame.dts - (self._source.first_dts or 0) if self._delay is None else self._delay
            self._ticks = frame.dts - self._delay
        elif self._ticks is not None:
            self._ticks += 1  # let out after the last packet; in AVI a tick is a frame
        return self._ticks

    def _overdue(self, late: PacketTag, shown: PacketTag) -> bool:
        """Whether the picture of `late` will not come any more, now that `shown` is out."""
        if late.ticks is None or shown.ticks is None or not self._suspicion.falls_on(late.number):
            return late.number < shown.number - (MAX_B_FRAMES if self._context.has_b_frames else 0)
        behind_s = float((shown.ticks - late.ticks) * self._source.time_base)
        return behind_s > 0 and (late.number < shown.number or behind_s < RESTART_S)

    def _lost(self, tickets: list[PacketTag]) -> Iterator[DecodedPicture]:
        """Places of pictures that will not come, as far as any were due."""
        for ticket in sorted(tickets, key=lambda t: (t.ticks is None, t.ticks, t.number)):
            del self._waiting[ticket.number]
            if self._source.all_pictures or self._suspicion.falls_on(ticket.number):
                self._given_up.add(ticket.number)
                yield DecodedPicture(ticket.ticks, "lost", None)
            else:
                self._source.held_no_picture()
