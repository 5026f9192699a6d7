"""The user's corrections that made rows of tracks what they are, found as `track` finds them: by where boxes are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.reading.artifact_source import ArtifactSource
from flows.reading.git_repository import Commit
from flows.versions.commits import History
from flows.versions.lineage import Lineage, LineageStep
from flows.versions.user_files import UserFile
from tasks.artifacts.corrections import BOX, Correction, Corrections
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import ADDED_BY_HAND, Tracks
from tasks.errors import BadInput, SemflowError
from tasks.track.corrected_rows import NONE, RowFinder

ARGUMENT = "corrections"
TOLERANCE_PX = 0.1
"""Pixels of the film between a box that was moved and its row: hundredths in the file, float32 in the table."""


@dataclass(frozen=True)
class RowCorrection:
    """One correction that is behind a row of tracks."""

    row: int
    """Of tracks."""
    file: str
    place: int
    """Of the correction in the file, from 1."""
    kind: str
    """identity, class, move or add."""
    identity: int
    """The number that the object has in the export or that a person gave; 0 for a new one, or another kind."""
    class_name: str
    """The class that it was given; "" for other kinds."""
    frames: tuple[int, int]
    """First and last frame of the film that it is about."""
    base: str
    """MD5 of the tracks that were exported."""
    exported: Commit | None
    """The first commit that recorded these tracks."""
    written: Commit | None
    """The first commit of the file with this correction."""

    def to_dict(self) -> dict[str, Any]:
        """Everything as values that JSON can represent."""
        commits = {"exported": self.exported, "written": self.written}
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in commits}
        return {**plain, **{name: None if one is None else one._asdict() for name, one in commits.items()}}


def find_row_corrections(
    source: ArtifactSource, lineage: Lineage, keys: Collection[tuple[int, int]]
) -> list[RowCorrection]:
    """The corrections behind the rows of tracks with these frames and identities, in the order of the file.

    Empty where there are none. SemflowError where the frames of the film are not known.
    """
    step = next((step for step in lineage.steps if step.stage == "track"), None)
    file = None if step is None else step.user_files.get(ARGUMENT)
    if step is None or file is None:
        return []
    corrections = _parse(file.text, file.path)
    tracks = Tracks.load(source.locate(Tracks, [step.video])[step.video])
    wanted = {
        row for row, key in enumerate(zip(tracks.frame.tolist(), tracks.track_id.tolist(), strict=True)) if key in keys
    }
    if not wanted:
        return []
    film_frame = _number_film_frames(source, lineage, tracks)
    scale = np.tile([tracks.width / corrections.width, tracks.height / corrections.height], 2)
    finder = RowFinder(film_frame[tracks.frame], tracks.track_id, tracks.xyxy / scale, film_frame)
    history = History(source)
    found: list[RowCorrection] = []
    for place, one in enumerate(corrections.corrections, 1):
        rows = sorted(wanted.intersection(_find_rows(finder, one, tracks)))
        if rows:
            exported = history.find_artifact(Tracks.FOLDER, f"{step.video}{Tracks.SUFFIX}", one.base)
            facts = _facts(one, file, place)
            found += [
                RowCorrection(row, **facts, exported=exported, written=_find_first(history, file, one)) for row in rows
            ]
    return found


def _facts(one: Correction, file: UserFile, place: int) -> dict[str, Any]:
    return {
        "file": file.path,
        "place": place,
        "kind": one.kind,
        "identity": one.identity,
        "class_name": one.class_name,
        "frames": one.frames,
        "base": one.base,
    }


def _find_rows(finder: RowFinder, one: Correction, tracks: Tracks) -> Iterator[int]:
    """Rows of the corrected table that the correction is about; none for a deletion."""
    if one.kind in ("identity", "class"):
        for segment in one.segments:
            yield from finder.find_segment(segment).tolist()
    elif one.boxes is not None:
        for box in one.boxes:
            row = finder.find_row(np.concatenate([box[:1], box[1 - BOX :]]))
            is_moved = row != NONE and bool(np.abs(finder.xyxy[row] - box[1 - BOX :]).max() < TOLERANCE_PX)
            if is_moved if one.kind == "move" else row != NONE and tracks.detection[row] == ADDED_BY_HAND:
                yield row


def _number_film_frames(source: ArtifactSource, lineage: Lineage, tracks: Tracks) -> NDArray[np.int64]:
    """(t,) frame of the film of each frame of the tracks: by the recipe of decode, else by the frames artifact or the
    film."""
    step = next((step for step in lineage.steps if step.stage == "decode"), None)
    method, measures = (None, None) if step is None else (step.method, step.recipe.measures)
    if method is not None and method.params.get("fps") is None and measures and measures.get("lost_frames") == 0:
        return np.arange(tracks.frame_count, dtype=np.int64)
    if source.is_working_copy and step is not None:
        return _read_film_frames(source.root, step)
    raise SemflowError(
        "the row's corrections must be looked up by frames of the film, got a revision whose films have lost frames or "
        "another rate (decode.fps); trace the working copy at that revision"
    )


def _read_film_frames(root: Path, step: LineageStep) -> NDArray[np.int64]:
    from flows.engine.project import Project
    from flows.export.export_source import ExportSource

    path = Frames.path(root, step.video)
    if path.is_file():
        return Frames.load(path).film_frame
    project = Project.open(root)
    try:
        return ExportSource(project, step.recipe.video).timeline.film_frame
    finally:
        project.close()


def _find_first(history: History, file: UserFile, one: Correction) -> Commit | None:
    """The first commit of the file that has the correction, whatever stands beside it; None where it is in none."""
    line = _show(one)
    found: Commit | None = None
    for commit, text in history.list_texts(file.path):
        try:
            if any(_show(other) == line for other in _parse(text, file.path).corrections):
                found = commit
        except BadInput:
            continue  # another version of the format
    return found


def _show(one: Correction) -> str:
    return Corrections(1, 1, (one,)).to_json()


def _parse(text: bytes, path: str) -> Corrections:
    with TemporaryDirectory() as folder:
        place = Path(folder) / Path(path).name
        place.write_bytes(text)
        return Corrections.load(place)
