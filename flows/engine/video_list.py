"""The list of videos of the data set: recorded videos and files on this machine.

A video is in the list once its file was recorded, until it is removed explicitly. While its file is missing (another
machine, a disk that is not mounted), its features stay; it only cannot be decoded here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.engine.artifact_stems import assign_stems
from flows.engine.raw_files import RawFile
from flows.engine.video_names import assign_video_names, normalize_path


@dataclass(frozen=True, slots=True)
class Video:
    """One video of the data set."""

    name: str
    """The name used in commands."""
    stem: str
    """Stem of its artifacts: `<folder>/<stem><suffix>`."""
    flat_stem: str
    """Stem of its artifacts that are folders."""
    place: str | None
    """Absolute path of the raw file; None where it is not on this machine."""
    relative: str
    """Path below data/raw, as on disk or as recorded; the name in videos.yaml for a video that is listed there."""
    md5: str | None
    """MD5 as last recorded (the file may have changed since); None where it was never recorded."""

    @property
    def file(self) -> Path | None:
        """Path of the raw file; None where it is not on this machine."""
        return None if self.place is None else Path(self.place)

    @property
    def is_local(self) -> bool:
        """Whether the raw file is on this machine."""
        return self.place is not None


def merge_videos(
    files_at_hand: Iterable[RawFile],
    listed: Mapping[str, str | None],
    removed: Collection[str] = (),
    *,
    reserved: Collection[str] = (),
) -> dict[str, Video]:
    """The data set by video name, sorted by name.

    `listed`: path below data/raw to MD5 of recorded raw files, None for files that are absent and were never recorded.
    `removed`: paths that the user removed from the data set; a file that exists under such a path is a member again.
    Two spellings of one path (Unicode form C recorded, a Mac's form D on disk) are one video. `reserved`: names that
    must not be used as stems.
    """
    files = {file.relative: file for file in files_at_hand}
    # Exact paths first: where both spellings were recorded, they are two files on a disk that allows both.
    new, old = (_alone(paths) for paths in (files.keys() - listed.keys(), listed.keys() - files.keys()))
    at_hand = {path: new[text] for text, path in old.items() if text in new}
    gone = {normalize_path(path) for path in removed if path not in listed}
    recorded: dict[str, str | None] = {}
    for path, md5 in listed.items():
        relative = at_hand.get(path, path)
        if relative in files or (path not in removed and normalize_path(path) not in gone):
            recorded[relative] = md5
    names = assign_video_names([*files, *(path for path in recorded if path not in files)])
    nested, flat = (assign_stems(names.values(), flat=flat, reserved=reserved) for flat in (False, True))
    videos = {
        name: Video(
            name=name,
            stem=nested[name],
            flat_stem=flat[name],
            place=files[relative].place if relative in files else None,
            relative=relative,
            md5=recorded.get(relative),
        )
        for relative, name in names.items()
    }
    return dict(sorted(videos.items()))


def _alone(paths: Collection[str]) -> dict[str, str]:
    """Normalised path to path, where it is unique among `paths`."""
    texts = {path: normalize_path(path) for path in paths}
    users = Counter(texts.values())
    return {text: path for path, text in texts.items() if users[text] == 1}
