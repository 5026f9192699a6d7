"""One pass over a video: rows for the artifact, and the account once they have passed.

Pictures are decoded here, one after the other; those that are kept are converted where they are encoded, in other
threads. Only the few that are on their way are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.artifacts.frames import Account, Frame
from tasks.artifacts.images import Encoding
from tasks.decode.pictures import Decoder, Picture
from tasks.decode.rate import at_rate
from tasks.decode.source import Source, open_source
from tasks.decode.tally import Tally
from tasks.decode.timeline import Timeline
from tasks.decode.view import View, view_of
from tasks.errors import BadInput, SemflowError


@dataclass(frozen=True)
class Placed:
    """A picture with its place in the video."""

    source_frame: int
    pts_s: float
    picture: Picture
    view: View | None
    """How to render it; None as long as no picture has come."""


class Reading:
    """Iterate for the rows; each iteration opens the file anew."""

    def __init__(self, file: Path, max_side: int | None, fps: float | None, encoding: Encoding) -> None:
        self._file = file
        self._max_side = max_side
        self._fps = fps
        self._encoding: Encoding = encoding
        self._account: Account | None = None

    def __iter__(self) -> Iterator[Frame]:
        """The kept rows in order of time; BadInput where the file is no video or holds no picture that decodes."""
        self._account = None
        with open_source(self._file) as source:
            tally, timeline = Tally(), Timeline(source.time_base, source.step_s)
            placed = self._placed(source, tally, timeline)
            kept = 0
            for item in placed if self._fps is None else at_rate(placed, self._fps):
                yield _row(item)
                kept += 1
            self._account = self._settle(source, tally, timeline, kept)

    def account(self) -> Account:
        """What became of the video; known once the last row has passed."""
        if self._account is None:
            raise SemflowError(f"the account of {self._file.name} must be asked for after its last frame")
        return self._account

    def _placed(self, source: Source, tally: Tally, timeline: Timeline) -> Iterator[Placed]:
        view: View | None = None
        for number, picture in enumerate(Decoder(source).pictures()):
            if view is None and picture.frame is not None:
                view = view_of(picture.frame, source.pixel_aspect, self._max_side)
                tally.view = view
            pts_s = timeline.place(picture)
            tally.add(picture, pts_s)
            yield Placed(number, pts_s, picture, view)

    def _settle(self, source: Source, tally: Tally, timeline: Timeline, kept: int) -> Account:
        view = tally.view
        if view is None:
            raise BadInput(
                f"{source.name} must hold frames that decode, got {source.packets_read} packets of {source.codec} and "
                "not one picture; it is damaged or encrypted: copy it again from where it came"
            )
        count = tally.decoded + tally.lost
        duration_s = timeline.length_s + (float(tally.last_duration * source.time_base) or source.step_s)
        return Account(
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


def _row(item: Placed) -> Frame:
    frame, view = item.picture.frame, item.view
    image = None if frame is None or view is None else partial(view.render, frame)
    return Frame(item.source_frame, item.pts_s, item.picture.status, image)
