"""The data set is a list of videos, not what lies in a folder: who has no copy of a file still has its features.

A video is in the list once its file was recorded, until it is removed explicitly; that its file is not here (another
machine, a disk that is not mounted) only means that nothing can be decoded from it here.
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
    """What people type."""
    stem: str
    """Where its artifacts lie: `<folder>/<stem><ending>`."""
    flat_stem: str
    """The same for artifacts that are folders."""
    place: str | None
    """Absolute path of the raw file; None where it is not here."""
    relative: str
    """Path below data/raw as the disk has it, or as it was recorded; the name in videos.yaml where it stands there."""
    md5: str | None
    """As last recorded: the file may have changed since. None where it never was."""

    @property
    def file(self) -> Path | None:
        """The raw file; None where it is not here."""
        return None if self.place is None else Path(self.place)

    @property
    def is_local(self) -> bool:
        """Whether the raw file can be read on this machine."""
        return self.place is not None


def merge_videos(
    files_at_hand: Iterable[RawFile],
    listed: Mapping[str, str | None],
    removed: Collection[str] = (),
    *,
    reserved: Collection[str] = (),
) -> dict[str, Video]:
    """The data set by video name, sorted by it.

    `listed`: path below data/raw to MD5, of raw files in earlier versions, and of `absent` ones with None. `removed`:
    paths that the user took out of the data set; a file that is at hand under such a path is in it again. Two spellings
    of one path (form C recorded, a Mac's form D at hand) are one video. `reserved`: names that no stem may have.
    """
    files = {file.relative: file for file in files_at_hand}
    # Exact paths first: where both spellings were recorded, they are two files of a disk that allows that.
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
    """Written path to the path, where only one of `paths` is written so."""
    texts = {path: normalize_path(path) for path in paths}
    users = Counter(texts.values())
    return {text: path for path, text in texts.items() if users[text] == 1}
