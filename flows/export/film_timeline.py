"""Times, sizes and images of a film, also where its frames artifact is not kept.

Images and times come from the frames artifact where it is there, else from the film itself by the reader of `decode`,
with the same parameters: the same size, and faces blurred where `decode.anonymise` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.frames import Frames, number_film_frames
from tasks.decode.frame_reader import FrameReader
from tasks.decode.params import DecodeParams

QUARTER_TURN = 90
HALF_TURN = 180


@dataclass(frozen=True, eq=False)
class FilmTimeline:
    """The rows of the frames artifact of one film without their images, which `read_images` reads one by one."""

    report: DecodeReport
    source_frame: NDArray[np.int32]
    """(t,) position in the decoder's output."""
    pts_s: NDArray[np.float64]
    """(t,) presentation times, seconds."""
    status: NDArray[np.object_]
    """(t,) ok, damaged or lost."""
    read_images: Callable[[], Iterator[tuple[int, Image]]]
    """Opens an iterator of row and (h, w, 3) RGB image at working size of the undamaged frames, in order."""

    def __len__(self) -> int:
        return len(self.pts_s)

    @property
    def width(self) -> int:
        """Working width in pixels."""
        return self.report.width

    @property
    def height(self) -> int:
        """Working height in pixels."""
        return self.report.height

    @property
    def film_size(self) -> tuple[int, int]:
        """Width and height of the film's upright images in pixels."""
        return upright_size(self.report)

    @cached_property
    def film_frame(self) -> NDArray[np.int64]:
        """(t,) number of each row among the images that a decoder returns: lost frames have none."""
        return number_film_frames(self.source_frame, self.status)


def upright_size(report: DecodeReport) -> tuple[int, int]:
    """Width and height of a film's images after rotation, pixels."""
    turned = report.rotation_deg % HALF_TURN == QUARTER_TURN
    width, height = report.source_width, report.source_height
    return (height, width) if turned else (width, height)


def timeline_from_frames(frames: Frames) -> FilmTimeline:
    """The timeline of a frames artifact."""
    return FilmTimeline(frames.decode_report, frames.source_frame, frames.pts_s, frames.status, frames.images)


def timeline_from_film(file: Path, params: DecodeParams) -> FilmTimeline:
    """The timeline of a film, decoded once without keeping images; BadInput where it is no video."""
    reader = FrameReader(file, params.max_side, params.fps, params.encoding)
    rows = [(row.source_frame, row.pts_s, row.status) for row in reader]
    status = np.array([row[2] for row in rows], object)

    def read_images() -> Iterator[tuple[int, Image]]:
        from tasks.decode.anonymise_faces import make_face_anonymiser

        change = make_face_anonymiser() if params.anonymise == "faces" else None
        film = FrameReader(file, params.max_side, params.fps, params.encoding, change)
        for number, row in enumerate(film):
            if row.status == "ok" and row.image is not None:
                yield number, row.image() if callable(row.image) else row.image

    return FilmTimeline(
        reader.decode_report(),
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.float64),
        status,
        read_images,
    )
