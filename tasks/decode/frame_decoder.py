"""Decoding of packets to frames in order of presentation, each with a status: ok, damaged or lost.

Every packet carries a tag through the decoder (FFmpeg's COPY_OPAQUE), so each frame is assigned to its packet, and
packets without a frame are known. Damage is detected in four ways, none of which suffices alone: the container flags
the packet, the decoder fails, the decoder flags the frame, or it reports an error in the log only (ffmpeg_log.py).
Arithmetic coders without checksums (VP8, VP9, partly HEVC) can decode damaged bytes to a wrong frame undetected.

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

MAX_B_FRAMES = 16  # frames shown before one that was decoded ahead of them, at most (the limit of x264 and x265)
RESTART_S = 1.0  # a time that falls back by more than this starts a new sequence (files joined end to end)

# H.264 asks to drop a reference picture that is not there: usual after a cut, and no picture is decoded from it. Where
# one is needed and missing, the decoder reports that too.
HARMLESS_ERRORS = frozenset({"mmco: unref short failure"})


@dataclass(frozen=True)
class DecodedPicture:
    """A decoded frame, or the position of a lost one."""

    ticks: int | None
    """Presentation time in units of the stream's time base; None where the file states none."""
    status: FrameStatus
    frame: VideoFrame | None
    """None where lost."""


@dataclass(frozen=True, eq=False)
class PacketTag:
    """Identity of a packet, which FFmpeg copies to the frame decoded from it."""

    number: int
    """Position in decode order."""
    ticks: int | None
    """Presentation time of the packet; None where the container stores none."""
    key: int = 0
    """Number of the last key frame's packet, itself included; all that comes before it is shown before it."""
    leads: int | None = None
    """That number again where the frame is shown before that key frame (a leading picture); else None."""


class FrameDecoder:
    """One decoding pass over a video file."""

    def __init__(self, source: VideoFile) -> None:
        self._source = source
        self._context = source.stream.codec_context
        self._context.thread_count = 1
        self._context.thread_type = ThreadType.NONE
        self._context.copy_opaque = True
        self._context.flags |= Flags.output_corrupt
        self._pending: dict[int, PacketTag] = {}
        self._corruption = CorruptionTracker()
        self._lost_numbers: set[int] = set()
        self._key = PacketTag(0, None)
        self._ticks: int | None = None
        self._delay: int | None = None

    def decode_pictures(self) -> Iterator[DecodedPicture]:
        """All frames in order of presentation; lost ones are at their positions as far as their times are known."""
        for number, (packet, container_broken) in enumerate(self._source.read_packets()):
            tag = self._tag_packet(number, packet)
            packet.opaque = tag
            if not packet.is_discard:
                self._pending[number] = tag
            frames, failed = self._decode(packet)
            if failed or container_broken or packet.is_corrupt:
                self._corruption.mark_error(number, tag.leads)
            for frame in frames:
                yield from self._emit_frame(frame)
        for frame in self._decode(None)[0]:
            yield from self._emit_frame(frame)
        yield from self._emit_lost(list(self._pending.values()))
        yield from (DecodedPicture(None, "lost", None) for _ in range(self._source.unread))

    def _tag_packet(self, number: int, packet: Packet[VideoStream]) -> PacketTag:
        ticks = packet.pts if self._source.has_pts else None
        if packet.is_keyframe:
            self._key = PacketTag(number, ticks, number)
            return self._key
        key_ticks = self._key.ticks
        # Matroska stores no times before zero, where the pictures lie that a cut left before its first key frame.
        early = ticks is None and "matroska" in self._source.formats
        leading = key_ticks is not None and (early or (ticks is not None and ticks < key_ticks))
        return PacketTag(number, ticks, self._key.number, self._key.number if leading else None)

    def _decode(self, packet: Packet[VideoStream] | None) -> tuple[list[VideoFrame], bool]:
        with capture_ffmpeg_log() as messages:
            try:
                frames, failed = self._context.decode(packet), False
            except FFmpegError:
                frames, failed = list[VideoFrame](), True
        errors = [what for what in select_errors(messages) if what not in HARMLESS_ERRORS]
        return frames, failed or bool(errors)

    def _emit_frame(self, frame: VideoFrame) -> Iterator[DecodedPicture]:
        tag = frame.opaque
        if not isinstance(tag, PacketTag):
            # No decoder of FFmpeg 8 that was tried drops the tag; the oldest packet is the best guess.
            tag = next(iter(self._pending.values()), PacketTag(0, frame.pts))
        if tag.number in self._lost_numbers:
            # After damage a decoder may return a frame after its position has passed: it stays lost.
            return
        if frame.is_corrupt:
            self._corruption.mark_error(tag.number, tag.leads)
        yield from self._emit_lost([late for late in self._pending.values() if self._is_overdue(late, tag)])
        if frame.key_frame:
            self._corruption.clear_before(tag.number)
        self._pending.pop(tag.number, None)
        status: FrameStatus = "damaged" if self._is_suspect(tag) else "ok"
        yield DecodedPicture(self._presentation_ticks(frame), status, frame)

    def _presentation_ticks(self, frame: VideoFrame) -> int | None:
        """Presentation time, ticks; in AVI, the decode time less the decoder's output delay."""
        if self._source.has_pts:
            return frame.dts if frame.pts is None else frame.pts
        if frame.dts is not None:
            self._delay = frame.dts - (self._source.first_dts or 0) if self._delay is None else self._delay
            self._ticks = frame.dts - self._delay
        elif self._ticks is not None:
            self._ticks += 1  # returned after the last packet; in AVI a tick is a frame
        return self._ticks

    def _is_overdue(self, late: PacketTag, shown: PacketTag) -> bool:
        """Whether the frame of `late` can no longer be returned after that of `shown`."""
        if late.key > shown.key:
            # In a file that is joined from others, what follows may have earlier times than what was shown before.
            return False
        if late.ticks is None or shown.ticks is None or not self._is_suspect(late):
            return late.number < shown.number - (MAX_B_FRAMES if self._context.has_b_frames else 0)
        behind_s = float((shown.ticks - late.ticks) * self._source.time_base)
        return behind_s > 0 and (late.number < shown.number or behind_s < RESTART_S)

    def _is_suspect(self, tag: PacketTag) -> bool:
        return self._corruption.is_suspect(tag.number, tag.leads)

    def _emit_lost(self, tags: list[PacketTag]) -> Iterator[DecodedPicture]:
        """Lost frames of packets that will not be decoded; packets that hold no frame are discounted."""
        for tag in sorted(tags, key=lambda t: (t.ticks is None, t.ticks, t.number)):
            del self._pending[tag.number]
            if self._source.is_frame_per_packet or self._is_suspect(tag):
                self._lost_numbers.add(tag.number)
                yield DecodedPicture(tag.ticks, "lost", None)
            else:
                self._source.discount_empty_packet()
