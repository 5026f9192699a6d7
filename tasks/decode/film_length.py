"""How long a film is by the headers of its files: to say what a run will take, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks.decode.film_list import SUFFIX as LIST_SUFFIX
from tasks.decode.film_list import list_takes, read_film_list


@dataclass(frozen=True)
class FilmLength:
    """Length and size of images, as headers state them."""

    seconds: float
    frames: int
    pixels: int
    """Of one image in the file, before it is scaled to working size."""


def read_film_length(file: Path) -> FilmLength | None:
    """The length of `file`, its takes together; None where no header states it. BadInput where it is no video."""
    takes = [_read_take(take) for take in list_takes(file)]
    known = [take for take in takes if take is not None]
    if len(known) < len(takes):
        return None
    return FilmLength(
        sum(take.seconds for take in known), sum(take.frames for take in known), max(take.pixels for take in known)
    )


def _read_take(file: Path) -> FilmLength | None:
    from tasks.decode.video_file import open_video  # imports PyAV, which a plan of known films does without

    with open_video(file) as source:
        context = source.stream.codec_context
        pixels = context.width * context.height
        if file.suffix == LIST_SUFFIX:
            frames = len(read_film_list(file).files)
            return FilmLength(frames * source.step_s, frames, pixels)
        seconds = source.length_s
        if seconds is None or seconds <= 0:
            return None
        return FilmLength(seconds, source.stream.frames or max(1, round(seconds / source.step_s)), pixels)
