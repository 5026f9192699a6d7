"""The frame size that most frames of a video have, where the size may change inside one file.

Calls are recorded as they arrive: the first moments small, then larger, sideways where a phone is turned. Sizes change
at key frames alone, so the others are not decoded: 2 to 5 % of the time of decoding all.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from av.error import FFmpegError

from tasks.decode.ffmpeg_log import capture_ffmpeg_log
from tasks.decode.remote_film import RemoteFilm
from tasks.decode.video_file import open_video

CHANGING_FORMATS = frozenset({"matroska", "webm", "mpegts", "flv", "ogg", "asf", "mpeg"})
"""Formats (FFmpeg's names) that take a stream whose frame size changes; others state one size in the header."""
CHANGING_CODECS = frozenset({"vp8", "vp9", "av1", "h264", "hevc", "mpeg2video", "mpeg4", "flv1"})
"""Codecs whose key frames state their own size, with frames between them."""


def find_usual_size(file: Path, remote: RemoteFilm | None = None) -> tuple[int, int] | None:
    """Width and height that most frames have, pixels, the earlier at a tie; None where the first frame's holds.

    `remote`: as in open_video.
    """
    with open_video(file, remote) as source:
        if not set(source.formats) & CHANGING_FORMATS or source.codec not in CHANGING_CODECS:
            return None
        context = source.stream.codec_context
        context.thread_count = 1
        context.skip_frame = "NONKEY"
        frames: Counter[tuple[int, int]] = Counter()
        size: tuple[int, int] | None = None
        for packet, _ in source.read_packets():
            if packet.is_keyframe:
                with capture_ffmpeg_log():
                    try:
                        # A flushed decoder returns each key frame at once.
                        decoded = [*context.decode(packet), *context.decode(None)]
                        context.flush_buffers()
                    except FFmpegError:
                        decoded = []
                size = (decoded[-1].width, decoded[-1].height) if decoded else size
            if size is not None:
                frames[size] += 1
    return max(frames, key=lambda known: frames[known]) if len(frames) > 1 else None
