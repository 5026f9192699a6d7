"""List the files of a project's videos: all below data/raw, following links, and those that videos.yaml names.

One walk with `os.scandir`, a `stat` per file. Skipped files are returned with the reason: sidecar files by their name
(non_video_files.py), broken links, files and folders without permission. Hidden names are skipped
silently, but for placeholders of videos that lie in a cloud.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.engine.film_addresses import find_film_files
from flows.engine.film_parts import write_film_list
from flows.engine.linked_videos import LinkedVideo, read_linked_videos
from flows.engine.non_video_files import explain_hidden_file, explain_non_video_file, explain_non_video_folder
from tasks.artifacts.raw_video import RawVideo
from tasks.errors import SemflowError

_READABLE_BY_ALL = 0o444


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file that may be a video; size (bytes), mtime_ns and inode are those of the link's target."""

    place: str
    """Absolute path; text, since 10,000 Path objects cost more than the walk."""
    relative: str
    """Path below data/raw as on disk, with `/`; the name in videos.yaml for files that are listed there."""
    size: int
    mtime_ns: int
    inode: int

    @property
    def path(self) -> Path:
        """Absolute path."""
        return Path(self.place)


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file or folder that is not listed as a video, and the reason."""

    relative: str
    """As in RawFile; "" for the folder itself."""
    reason: str


@dataclass(frozen=True)
class RawListing:
    """The result of a walk; each tuple is sorted by relative path."""

    files: tuple[RawFile, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()
    """Files that are not videos, and folders that are listed already."""
    unreadable: tuple[SkippedFile, ...] = ()
    """Broken links, and files and folders without read permission: to be fixed by the user."""
    absent: tuple[SkippedFile, ...] = ()
    """Videos of videos.yaml whose file is missing, e.g. because its disk is not mounted; they stay in the data set."""
    unreached: tuple[SkippedFile, ...] = ()
    """Those of `absent` that lie at an address whose server does not answer, or does not have them."""


def list_raw_files(root: Path, max_answer_age_s: float | None = 0) -> RawListing:
    """All files in data/raw and videos.yaml of the project at `root`, an absolute path.

    Of films at addresses, servers' answers of up to `max_answer_age_s` seconds count; with None no server is asked.
    Raises SemflowError where videos.yaml has an invalid line, or a name that a file in data/raw has too.
    """
    found = walk_video_files(root / RawVideo.FOLDER)
    linked = read_linked_videos(root)
    if not linked:
        return found
    files = {file.relative: file for file in found.files}
    absent: list[SkippedFile] = []
    unreadable = list(found.unreadable)
    unreached: list[SkippedFile] = []
    addresses = {video.relative: video.address for video in linked if video.address}
    remote = find_film_files(root, addresses, max_answer_age_s)
    for video in linked:
        if video.relative in files:
            raise SemflowError(
                f"{video.where}: names must differ, got {video.relative!r}, which is a file in data/raw too; "
                "rename it here, or remove this line"
            )
        try:
            place = _place(root, video, remote.get(video.relative))
            at = place.stat()
        except OSError as error:
            reason = str(error) if video.address else _describe_error(error, error.filename or str(video.path))
            absent.append(SkippedFile(video.relative, reason))
            unreached += [absent[-1]] if video.address else []
            continue
        except SemflowError as error:
            unreadable.append(SkippedFile(video.relative, str(error)))
            absent.append(unreadable[-1])
            continue
        if stat.S_ISDIR(at.st_mode):
            raise SemflowError(f"{video.where}: {video.relative!r} must be a file, got the folder {video.path}")
        if not stat.S_ISREG(at.st_mode) or not _readable(str(place), at.st_mode):
            reason = "no file, but a device or pipe" if not stat.S_ISREG(at.st_mode) else _NO_PERMISSION
            unreadable.append(SkippedFile(video.relative, f"{video.path}: {reason}"))
            absent.append(unreadable[-1])
            continue
        files[video.relative] = RawFile(str(place), video.relative, at.st_size, at.st_mtime_ns, at.st_ino)
    return replace(
        found,
        files=tuple(files[relative] for relative in sorted(files)),
        unreadable=_sorted(unreadable),
        absent=_sorted(absent),
        unreached=_sorted(unreached),
    )


def _place(root: Path, video: LinkedVideo, remote: Path | OSError | SemflowError | None) -> Path:
    """The file that stands for a linked video; raises `remote` where a server gave an error."""
    if isinstance(remote, Path):
        return remote
    if remote is not None:
        raise SemflowError(str(remote)) if isinstance(remote, PermissionError) else remote
    return write_film_list(root, video.relative, video.parts) if video.parts else video.path


def walk_video_files(folder: Path) -> RawListing:
    """Every file below `folder` that may be a video; linked folders are followed, each real folder is listed once.

    Empty where `folder` does not exist; raises SemflowError where it is a file.
    """
    walk = _Walk()
    walk.start(str(folder))
    return RawListing(
        files=tuple(sorted(walk.files, key=lambda file: file.relative)),
        skipped=_sorted(walk.skipped),
        unreadable=_sorted(walk.unreadable),
    )


Identity = tuple[int, int] | str
"""Identity of a folder: device and inode, or its real path on a file system without inodes."""


@dataclass
class _Walk:
    files: list[RawFile] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    unreadable: list[SkippedFile] = field(default_factory=list)
    above: set[Identity] = field(default_factory=set)
    """The parents of the first folder."""
    seen: dict[Identity, str] = field(default_factory=dict)
    """Folders that are listed or queued, to their relative path."""
    links: list[tuple[int, str, str, os.stat_result]] = field(default_factory=list)
    """Heap of linked folders: depth, relative path, path, stat of the target. Followed after all real ones."""

    def start(self, place: str) -> None:
        try:
            at = os.stat(place)  # noqa: PTH116 (strings all the way)
        except OSError as error:
            if error.errno != errno.ENOENT or os.path.islink(place):  # noqa: PTH114
                self.unreadable.append(SkippedFile("", _describe_error(error, place)))
            return
        if not stat.S_ISDIR(at.st_mode):
            raise SemflowError(f"{place} must be a folder, got a file; move it away")
        self.above = {_identity(str(parent), parent.stat()) for parent in Path(place).resolve().parents}
        self.seen[_identity(place, at)] = ""
        self.folders(place, "")
        while self.links:
            _, relative, path, target = heapq.heappop(self.links)
            if self.is_new(path, relative, target):
                self.folders(path, relative)

    def is_new(self, path: str, relative: str, at: os.stat_result) -> bool:
        """Whether this folder has not been listed yet; marks it as listed."""
        identity = _identity(path, at)
        if identity in self.above:
            self.skipped.append(SkippedFile(relative, "leads to a folder that this one lies in"))
        elif identity in self.seen:
            other = self.seen[identity]
            self.skipped.append(SkippedFile(relative, f"is the same folder as {other or 'the one it lies in'}"))
        else:
            self.seen[identity] = relative
            return True
        return False

    def folders(self, place: str, relative: str) -> None:
        """List a folder and the real ones below it."""
        waiting = [(place, relative)]
        while waiting:
            place, relative = waiting.pop()
            below: list[tuple[str, str]] = []
            prefix = f"{relative}/" if relative else ""
            try:
                with os.scandir(place) as entries:
                    for entry in entries:
                        if not entry.name.startswith("."):
                            self.entry(entry, prefix + entry.name, below)
                        elif (reason := explain_hidden_file(entry.name)) is not None:
                            self.skipped.append(SkippedFile(prefix + entry.name, reason))
            except OSError as error:
                self.unreadable.append(SkippedFile(relative, _describe_error(error, place)))
            waiting.extend(sorted(below, reverse=True))

    def entry(self, entry: os.DirEntry[str], relative: str, below: list[tuple[str, str]]) -> None:
        """Classify one entry; real folders to be listed are appended to `below`."""
        reason = None if entry.is_dir(follow_symlinks=False) else explain_non_video_file(entry.name)
        try:
            at = entry.stat()
        except OSError as error:
            if reason is None:
                self.unreadable.append(SkippedFile(relative, _describe_error(error, entry.path)))
            else:
                self.skipped.append(SkippedFile(relative, reason))
            return
        if stat.S_ISDIR(at.st_mode):
            if (reason := explain_non_video_folder(entry.name)) is not None:
                self.skipped.append(SkippedFile(relative, reason))
            elif entry.is_symlink():
                heapq.heappush(self.links, (relative.count("/"), relative, entry.path, at))
            elif self.is_new(entry.path, relative, at):
                below.append((entry.path, relative))
        elif reason is not None:
            self.skipped.append(SkippedFile(relative, reason))
        elif not stat.S_ISREG(at.st_mode):
            self.skipped.append(SkippedFile(relative, "no file, but a device or pipe"))
        elif not _readable(entry.path, at.st_mode):
            self.unreadable.append(SkippedFile(relative, _NO_PERMISSION))
        else:
            self.files.append(RawFile(entry.path, relative, at.st_size, at.st_mtime_ns, at.st_ino))


_NO_PERMISSION = "must be readable, got no permission; `chmod u+r` it, or run as its owner"
_EFFECTIVE = os.access in os.supports_effective_ids


def _readable(path: str, mode: int) -> bool:
    """Whether this process may read the file; a file that all may read is not tested, which saves a call per file."""
    return mode & _READABLE_BY_ALL == _READABLE_BY_ALL or os.access(path, os.R_OK, effective_ids=_EFFECTIVE)


def _identity(path: str, at: os.stat_result) -> Identity:
    return (at.st_dev, at.st_ino) if at.st_ino else os.path.realpath(path)


def _describe_error(error: OSError, path: str) -> str:
    """Message with the problem of `path`, and what to do."""
    link = os.path.islink(path)  # noqa: PTH114
    if link and error.errno == errno.ENOENT and "/annex/objects/" in str(Path(path).readlink()):
        return "is a link of git-annex to a file that was not fetched; run `git annex get` on it"
    if link and error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"is a link to {Path(path).readlink()}, which is not there; is a disk not mounted?"
    if link and error.errno == errno.ELOOP:
        return "is a link that leads to itself; remove it"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{path} is not there; is a disk not mounted?"
    if error.errno == errno.EACCES:
        return _NO_PERMISSION
    return f"cannot be read: {error.strerror}"


def _sorted(notes: list[SkippedFile]) -> tuple[SkippedFile, ...]:
    return tuple(sorted(notes, key=lambda note: note.relative))
