"""Marks and hashes of the files on this machine: artifacts, raw videos and files that users wrote."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from flows.engine.declaration import ArtifactKind, Declaration
from flows.engine.file_marks import FileMark, read_mark, scan_folder
from flows.engine.film_addresses import find_film_md5
from flows.engine.project import Project
from flows.engine.recipe import Files, Outputs
from flows.engine.video_list import Video
from tasks.content_hash import combine_hashes, md5_file
from tasks.decode.film_address import SUFFIX
from tasks.errors import SemflowError


class OutputProblem(NamedTuple):
    """A problem with an artifact's files."""

    message: str
    is_missing: bool
    """Whether files are only missing, and none has other bytes than were recorded."""


@dataclass
class Inventory:
    """Marks of all artifact files from one scan, and their hashes; a file is hashed only when its mark is new."""

    project: Project
    scans: dict[str, dict[str, FileMark]] = field(default_factory=dict[str, dict[str, FileMark]])
    """Artifact folder to relative name to mark, of all files there."""
    _groups: dict[str, dict[str, dict[str, FileMark]]] = field(
        default_factory=dict[str, dict[str, dict[str, FileMark]]]
    )
    """The same for artifacts that are folders: artifact folder to stem to name within it to mark."""
    _written: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def scan_project(cls, project: Project) -> Inventory:
        """Scan every artifact folder once."""
        inventory = cls(project)
        for declaration in project.declarations:
            for kind in declaration.outputs:
                found = scan_folder(project.root / kind.folder)
                inventory.scans[kind.folder] = found
                if kind.is_folder:
                    inventory._groups[kind.folder] = _group(found)
        return inventory

    def scan_outputs(self, declaration: Declaration, video: str) -> None:
        """Look again at the files of one item's artifacts, which were written or removed since the scan."""
        for kind in declaration.outputs:
            stem = self.project.artifact_stem(video, kind)
            base = self.project.root / kind.folder
            if kind.is_folder:
                self._groups[kind.folder][stem] = scan_folder(base / stem)
            elif (mark := read_mark(base / f"{stem}{kind.suffix}")) is not None:
                self.scans[kind.folder][stem + kind.suffix] = mark
            else:
                self.scans[kind.folder].pop(stem + kind.suffix, None)

    def find_md5(self, path: str, mark: FileMark) -> str | None:
        """MD5 of the file at `path` (relative to the root, or absolute); None where it cannot be read."""
        known = self.project.state.find_md5(path, mark)
        if known is None and path.endswith(SUFFIX):
            try:
                known = find_film_md5(self.project.state, Path(path))
            except (OSError, SemflowError):
                return None
            self.project.state.save_own_md5(path, mark, known)
        if known is None:
            try:
                known = md5_file(self.project.root / path)
            except OSError:
                return None
            self.project.state.save_md5(path, mark, known)
        return known

    def find_raw_md5(self, video: Video) -> str | None:
        """MD5 of the raw file, or the recorded one where the file is not on this machine; None where neither exists."""
        if video.file is None:
            return video.md5
        mark = read_mark(video.file)
        return video.md5 if mark is None else self.find_md5(str(video.file), mark)

    def hash_user_input(self, kind: ArtifactKind, video: str) -> str:
        """One hash of a user input of `video`: a file, a folder, or nothing."""
        place = kind.user_path.format(video=video.removeprefix("/"))
        if place not in self._written:
            self._written[place] = combine_hashes(self._files(place))
        return self._written[place]

    def list_user_files(self, kind: ArtifactKind, video: str) -> dict[str, str]:
        """Path relative to the root to MD5, of the files of a user input of `video`."""
        place = kind.user_path.format(video=video.removeprefix("/"))
        return {f"{place}/{name}" if name else place: md5 for name, md5 in self._files(place).items()}

    def compare_outputs(self, declaration: Declaration, video: str, outputs: Outputs) -> OutputProblem | None:
        """The first problem of an item's artifacts compared with the `outputs` of its recipe; None where they match.

        A file with other bytes takes precedence over a missing one.
        """
        absent: OutputProblem | None = None
        for kind in declaration.outputs:
            stem = self.project.artifact_stem(video, kind)
            trouble = self._compare(kind, stem, outputs.get(kind.folder, {}))
            if trouble is not None and not trouble.is_missing:
                return trouble
            absent = absent or trouble
        return absent

    def is_in_remote(self, outputs: Outputs) -> bool:
        """Whether the files are assumed to be in the DVC remote: one is configured and the local cache lacks some."""
        from flows.engine.storage import Storage

        storage = Storage.open(self.project.root)
        md5s = {md5 for files in outputs.values() for md5, _ in files.values()}
        return storage is not None and storage.has_remote and not all(storage.objects.has_object(md5) for md5 in md5s)

    def find_orphans(self) -> list[Path]:
        """Files in artifact folders that belong to no video of the data set."""
        found: list[Path] = []
        for declaration in self.project.declarations:
            for kind in declaration.outputs:
                stems = {self.project.artifact_stem(owner, kind) for owner in self.project.list_owners(declaration)}
                if kind.is_folder:
                    names = [name for name in self._groups[kind.folder] if name not in stems]
                else:
                    ours = {stem + kind.suffix for stem in stems}
                    names = [name for name in self.scans[kind.folder] if name not in ours]
                found += [Path(kind.folder) / name for name in names]
        return found

    def _compare(self, kind: ArtifactKind, stem: str, files: Files) -> OutputProblem | None:
        if kind.is_folder:
            there = self._groups[kind.folder].get(stem, {})
            base = f"{kind.folder}/{stem}/"
        else:
            mark = self.scans[kind.folder].get(stem + kind.suffix)
            there = {} if mark is None else {"": mark}
            base = f"{kind.folder}/{stem}{kind.suffix}"
        for name in there:
            if name not in files:
                return OutputProblem(f"{base}{name} does not belong there", is_missing=False)
        missing = ""
        for name, (md5, size) in files.items():
            mark = there.get(name)
            if mark is None:
                missing = missing or f"{base}{name}"
            elif mark.size != size or self.find_md5(base + name, mark) != md5:
                return OutputProblem(f"{base}{name} is not as it was made", is_missing=False)
        return OutputProblem(f"{missing} is missing", is_missing=True) if missing or not files else None

    def _files(self, place: str) -> dict[str, str]:
        path = f"{self.project.root}/{place}"  # building a Path costs more than the check, which mostly finds nothing
        if os.path.isdir(path):  # noqa: PTH112
            marks = {f"{place}/{name}": (name, mark) for name, mark in sorted(scan_folder(Path(path)).items())}
            return {name: self.find_md5(full, mark) or "unreadable" for full, (name, mark) in marks.items()}
        mark = read_mark(path)
        return {} if mark is None else {"": self.find_md5(place, mark) or "unreadable"}


def _group(found: dict[str, FileMark]) -> dict[str, dict[str, FileMark]]:
    groups: dict[str, dict[str, FileMark]] = {}
    for name, mark in found.items():
        stem, slash, rest = name.partition("/")
        if slash:
            groups.setdefault(stem, {})[rest] = mark
    return groups
