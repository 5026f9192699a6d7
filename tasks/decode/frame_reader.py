"""Reading a video file: rows of the frames artifact, and the decode report after the last one.

Frames are decoded in this thread, one by one; those that are kept are converted to RGB in the threads that encode
them. Only the few frames in between are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from av.video.frame import VideoFrame

from tasks.arrays import Image
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.image_codec import ImageEncoding
from tasks.decode.decode_stats import DecodeStats
from tasks.decode.deinterlace import Deinterlacer
from tasks.decode.film_list import list_takes
from tasks.decode.frame_decoder import FrameDecoder
from tasks.decode.frame_transform import FrameTransform, make_transform
from tasks.decode.joined_reports import join_reports
from tasks.decode.remote_film import open_remote_film
from tasks.decode.resample_fps import resample_fps
from tasks.decode.timed_picture import TimedPicture
from tasks.decode.timestamps import MonotonicTimestamps, place_untimed_start
from tasks.decode.usual_size import find_usual_size
from tasks.decode.video_file import VideoFile, open_video
from tasks.errors import BadInput, SemflowError

ANONYMISED = "faces that were found are blurred in all stored images (decode.anonymise)"


class FrameReader:
    """An iterable of the rows of a video file; each iteration opens the file anew."""

    def __init__(
        self,
        file: Path,
        max_side: int | None,
        fps: float | None,
        encoding: ImageEncoding,
        anonymise: Callable[[Image], Image] | None = None,
        *,
        deinterlace: bool = True,
        tone_map: bool = True,
    ) -> None:
        """`anonymise` changes every image before it is stored; it is called in several threads."""
        self._file = file
        self._max_side = max_side
        self._fps = fps
        self._encoding: ImageEncoding = encoding
        self._anonymise = anonymise
        self._deinterlace = deinterlace
        self._tone_map = tone_map
        self._report: DecodeReport | None = None

    def __iter__(self) -> Iterator[Frame]:
        """The kept rows in order of time; BadInput where the file is no video or no frame can be decoded."""
        self._report = None
        reports: list[DecodeReport] = []
        placed = self._decode_takes(reports)
        if self._deinterlace:
            placed = Deinterlacer().deinterlace(placed)
        kept = 0
        for item in placed if self._fps is None else resample_fps(placed, self._fps):
            yield _make_row(item, self._anonymise)
            kept += 1
        notes = (ANONYMISED,) if self._anonymise else ()
        self._report = join_reports(self._file.stem, reports, kept, notes)

    def decode_report(self) -> DecodeReport:
        """The report of the video; SemflowError before the last row was read."""
        if self._report is None:
            raise SemflowError(f"the decode report of {self._file.name} must be read after its last frame")
        return self._report

    def _decode_takes(self, reports: list[DecodeReport]) -> Iterator[TimedPicture]:
        """Frames of every take, their numbers and times continued; appends the report of each after its last frame."""
        number, start_s = 0, 0.0
        for take in list_takes(self._file):
            with open_remote_film(take) as remote, open_video(take, remote) as source:
                stats = DecodeStats()
                timestamps = MonotonicTimestamps(source.time_base, source.step_s, source.start)
                usual_size = find_usual_size(take, remote)
                for item in self._decode_timed(usual_size, source, stats, timestamps):
                    _check_shape(take, item.transform, reports)
                    yield replace(item, source_frame=number + item.source_frame, pts_s=start_s + item.pts_s)
                reports.append(self._make_report(source, stats, timestamps))
            number += reports[-1].expected
            start_s += timestamps.first_s + reports[-1].duration_s

    def _decode_timed(
        self, usual_size: tuple[int, int] | None, source: VideoFile, stats: DecodeStats, timestamps: MonotonicTimestamps
    ) -> Iterator[TimedPicture]:
        transform: FrameTransform | None = None
        pictures = place_untimed_start(FrameDecoder(source).decode_pictures(), source.step_s / float(source.time_base))
        for number, picture in enumerate(pictures):
            if transform is None and picture.frame is not None:
                transform = make_transform(picture.frame, source.pixel_aspect, self._max_side, usual_size, source.crop)
                transform = transform.with_tone_map(picture.frame) if self._tone_map else transform
                stats.transform = transform
            pts_s = timestamps.assign_time(picture)
            stats.add_picture(picture, pts_s)
            yield TimedPicture(number, pts_s, picture, transform)

    def _make_report(self, source: VideoFile, stats: DecodeStats, timestamps: MonotonicTimestamps) -> DecodeReport:
        transform = stats.transform
        if transform is None:
            raise BadInput(
                f"{source.name} must hold frames that decode, got {source.packets_read} packets of {source.codec} and "
                "not one picture; it is damaged or encrypted: copy it again from where it came"
            )
        count = stats.decoded + stats.lost
        step_s = source.find_step_s(count, timestamps.length_s)
        duration_s = timestamps.length_s + (float(stats.last_duration * source.time_base) or step_s)
        return DecodeReport(
            file=source.name,
            container=source.container.format.name,
            codec=source.codec,
            pixel_format=transform.pixel_format,
            source_width=transform.source_width,
            source_height=transform.source_height,
            rotation_deg=transform.orientation.turn_deg,
            fps=count / duration_s,
            vfr=timestamps.varies,
            duration_s=duration_s,
            expected=count,
            decoded=stats.decoded,
            damaged=stats.damaged,
            lost=stats.lost,
            kept=count,
            width=transform.width,
            height=transform.height,
            encoding=self._encoding,
            notes=stats.make_notes(source, timestamps, self._deinterlace),
        )


def _check_shape(take: Path, transform: FrameTransform | None, before: Sequence[DecodeReport]) -> None:
    """BadInput where a take is stored at another size than those before it."""
    if not before or transform is None or (transform.width, transform.height) == (before[0].width, before[0].height):
        return
    raise BadInput(
        f"takes of a film must have one shape, got {take.name} with {transform.width}x{transform.height} after "
        f"{before[0].file} with {before[0].width}x{before[0].height} (upright, at working size); list them as films of "
        "their own"
    )


def _make_row(item: TimedPicture, anonymise: Callable[[Image], Image] | None) -> Frame:
    frame, transform = item.picture.frame, item.transform
    image = None if frame is None or transform is None else partial(_render_image, frame, transform, anonymise)
    return Frame(item.source_frame, item.pts_s, item.picture.status, image)


def _render_image(frame: VideoFrame, transform: FrameTransform, anonymise: Callable[[Image], Image] | None) -> Image:
    """The stored image of a decoded frame."""
    image = transform.render_image(frame)
    return anonymise(image) if anonymise else image
