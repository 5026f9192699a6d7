"""MOTChallenge text: `<video>.txt` with a line per tracked object and frame, and `<video>/seqinfo.ini`.

Format: Dendorfer et al., "MOTChallenge: a benchmark for single-camera multiple target tracking", 2021, as TrackEval
reads results: frame from 1, identity, left, top, width, height, confidence, and three unused columns of -1. Pixels are
those of the film; left and top count from 1. Frames are the images that a decoder returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import FilmTracks, read_film_tracks

FIRST = 1
"""MOTChallenge counts frames and pixels from 1."""
UNUSED = "-1,-1,-1"  # position in the world
DECIMALS = 2


def export_mot(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the tracks of each video."""
    for source in sources:
        tracks = read_film_tracks(source, options.classes)
        (folder / f"{source.file_stem}.txt").write_text(format_mot_lines(tracks), encoding="ascii")
        info = folder / source.file_stem / "seqinfo.ini"
        info.parent.mkdir()
        info.write_text(_format_sequence(source), encoding="utf-8")


def format_mot_lines(tracks: FilmTracks) -> str:
    """The lines of all rows, ordered by frame, then identity."""
    lines: list[str] = []
    for frame, track_id, (left, top, right, bottom), score in zip(
        tracks.frame.tolist(), tracks.track_id.tolist(), tracks.xyxy.tolist(), tracks.score.tolist(), strict=True
    ):
        box = (left + FIRST, top + FIRST, right - left, bottom - top)
        text = ",".join(f"{side:.{DECIMALS}f}" for side in box)
        lines.append(f"{frame + FIRST},{track_id},{text},{score:.4f},{UNUSED}\n")
    return "".join(lines)


def _format_sequence(source: ExportSource) -> str:
    """MOTChallenge's description of a sequence, which TrackEval reads for its length."""
    timeline = source.timeline
    width, height = timeline.film_size
    facts = {
        "name": source.file_stem,
        "imDir": "img1",
        "frameRate": f"{timeline.report.fps:.6g}",
        "seqLength": int(timeline.film_frame[-1]) + FIRST if len(timeline) else 0,
        "imWidth": width,
        "imHeight": height,
        "imExt": ".jpg",
    }
    return "[Sequence]\n" + "".join(f"{name}={value}\n" for name, value in facts.items())
