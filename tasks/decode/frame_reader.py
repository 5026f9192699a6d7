"""One pass over a video: rows for the artifact, and the account once they have passed.

Pictures are decoded here, one after the other; those that are kept are converted where they are encoded, in other
threads. Only the few that are on their way are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.image_codec import ImageEncoding
from tasks.decode.decode_stats import DecodeStats
from tasks.decode.frame_decoder import DecodedPicture, FrameDecoder
from tasks.decode.frame_transform import FrameTransform, make_transform
from tasks.decode.resample_fps import resample_fps
from tasks.decode.timestamps import MonotonicTimestamps
from tasks.decode.video_file import VideoFile, open_video
from tasks.errors import BadInput, SemflowError


@dataclass(frozen=True)
class TimedPicture:
    """A picture with its place in the video."""

    source_frame: int
    pts_s: float
    picture: DecodedPicture
    view: FrameTransform | None
    """How to render it; None as long as no picture has come."""


class FrameReader:
    """Iterate for the rows; each iteration opens the file anew."""

    def __init__(self, file: Path, max_side: int | None, fps: float | None, encoding: ImageEncoding) -> None:
        self._file = file
        self._max_side = max_side
        self._fps = fps
        self._encoding: ImageEncoding = encoding
        self._report: DecodeReport | None = None

    def __iter__(self) -> Iterator[Frame]:
        """The kept rows in order of time; BadInput where the file is no video or holds no picture that decodes."""
        self._report = None
        with open_video(self._file) as source:
            tally, timeline = DecodeStats(), MonotonicTimestamps(source.time_base, source.step_s)
            placed = self._placed(source, tally, timeline)
            kept = 0
            for item in placed if self._fps is None else resample_fps(placed, self._fps):
                yield _row(item)
                kept += 1
            self._report = self._settle(source, tally, timeline, kept)

    def decode_report(self) -> DecodeReport:
        """The report of the video; SemflowError before the last row was read."""
        if self._report is None:
            raise SemflowError(f"the decode report of {self._file.name} must be read after its last frame")
        return self._report

    def _placed(self, source: VideoFile, tally: DecodeStats, timeline: MonotonicTimestamps) -> Iterator[TimedPicture]:
        view: FrameTransform | None = None
        for number, picture in enumerate(FrameDecoder(source).pictures()):
            if view is None and picture.frame is not None:
                view = make_transform(picture.frame, source.pixel_aspect, self._max_side)
                tally.view = view
            pts_s = timeline.place(picture)
            tally.add(picture, pts_s)
            yield TimedPicture(number, pts_s, picture, view)

    def _settle(self, source: VideoFile, tally: DecodeStats, timeline: MonotonicTimestamps, kept: int) -> DecodeReport:
        view = tally.view
        if view is None:
            raise BadInput(
                f"{source.name} must hold frames that decode, got {source.packets_read} packets of {source.codec} and "
                "not one picture; it is damaged or encrypted: copy it again from where it came"
            )
        count = tally.decoded + tally.lost
        duration_s = timeline.length_s + (float(tally.last_duration * source.time_base) or source.step_s)
        return DecodeReport(
            file=source.name,
            container=source.container.format.name,
            codec=source.codec,
            pixel_format=view.pixel_format,
            source_width=view.source_width,
            source_height=view.source_height,
            rotation_deg=view.orientation.turn_deg,
            fps=count / duration_s,
            vfr=timeline.varies,
            duration_s=duration_s,
            expected=count,
            decoded=tally.decoded,
            damaged=tally.damaged,
            lost=tally.lost,
            kept=kept,
            width=view.width,
            height=view.height,
            encoding=self._encoding,
            notes=tally.notes(source, timeline, view),
        )


def _row(item: TimedPicture) -> Frame:
    frame, view = item.picture.frame, item.view
    image = None if frame is None or view is None else partial(view.render, frame)
    return Frame(item.source_frame, item.pts_s, item.picture.status, image)
