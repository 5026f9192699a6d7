"""Which raw files are still being written: somebody copies a film into data/raw while a run starts."""

from __future__ import annotations

import time
from collections.abc import Callable

from flows.engine.file_marks import FileMark, read_mark
from flows.engine.project import Project
from tasks.decode.film_address import SUFFIX

RECENT_S = 120.0
"""Seconds. A file that changed so recently may still be written; copies that keep old times have a new ctime."""
SETTLE_S = 2.0
"""Seconds for which such a file must keep its size and times."""


def find_unsettled(
    project: Project, pause: Callable[[float], None] = time.sleep, settle_s: float = SETTLE_S
) -> list[str]:
    """Names of the videos whose files change while this function waits; it waits only where a file is recent."""
    recent = {video.name: mark for video in project.videos.values() if (mark := _read_recent(video.place)) is not None}
    if not recent:
        return []
    pause(settle_s)
    return [name for name, mark in recent.items() if read_mark(str(project.videos[name].place)) != mark]


def _read_recent(place: str | None) -> FileMark | None:
    """The mark of a file that was changed or created lately; None for others."""
    # An address file is written whole, and whoever reads the film notices where it changes meanwhile.
    mark = None if place is None or place.endswith(SUFFIX) else read_mark(place)
    if mark is None:
        return None
    latest = max(mark.mtime_ns, mark.ctime_ns) / 1e9
    return mark if time.time() - latest < RECENT_S else None
