"""Remove files from the recorded version: rewrite `dvc.lock` and `data/raw.dvc` without them.

Only directory listings are rewritten; their other files stay recorded as they were, whether up to date or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from flows.engine.dvc_store.dvc_lock import DirHash, FileHash, read_lock, update_lock
from flows.engine.dvc_store.dvc_pointer import read_pointer, write_pointer
from flows.engine.dvc_store.object_store import hash_listing
from flows.engine.file_marks import read_mark
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.storage import Storage
from tasks.errors import SemflowError

IsRemoved = Callable[[str, str, str], bool]
"""(folder, path below it, MD5) to whether that file is removed."""


def remove_from_record(
    project: Project,
    storage: Storage,
    folders: Collection[str],
    gone: IsRemoved,
    replaced: Mapping[tuple[str, str], str],
) -> int:
    """Rewrite the recorded version of `folders` without the files that are `gone`, with new hashes for `replaced` ones.

    `replaced`: (folder, path) to MD5. Gives the number of listings that changed. Raises SemflowError, before anything
    is written, where a listing is not available.
    """
    work = _Work(storage, folders, gone, replaced)
    root, lock = project.root, read_lock(project.root)
    records = [
        replace(
            record,
            deps={path: work.shrink(path, held) for path, held in record.deps.items()},
            outs={path: work.shrink(path, held) for path, held in record.outs.items()},
        )
        for record in lock.values()
        if record.name in project.by_name
    ]
    changed = [record for record in records if record != lock[record.name]]
    before = read_pointer(root, RAW_FOLDER)
    raw = None if before is None else work.shrink(RAW_FOLDER, before)
    work.write()
    update_lock(root, changed)
    if isinstance(raw, DirHash) and raw != before:
        write_pointer(root, RAW_FOLDER, raw)
    return len(work.new)


@dataclass
class _Work:
    storage: Storage
    folders: Collection[str]
    gone: IsRemoved
    replaced: Mapping[tuple[str, str], str]
    known: dict[tuple[str, str], DirHash] = field(default_factory=dict[tuple[str, str], DirHash])
    new: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def shrink(self, folder: str, held: FileHash | DirHash) -> FileHash | DirHash:
        """The hash of the folder without the removed files."""
        if not isinstance(held, DirHash) or folder not in self.folders:
            return held
        if (folder, held.md5) not in self.known:
            self.known[folder, held.md5] = self._shrink(folder, held)
        return self.known[folder, held.md5]

    def write(self) -> None:
        """Write the new listings to DVC's cache."""
        for listing in self.new:
            self.storage.objects.write_listing(listing)

    def _shrink(self, folder: str, held: DirHash) -> DirHash:
        listing = self.storage.objects.read_listing(held.md5)
        if listing is None and self.storage.has_remote and self.storage.fetch_objects([held.md5]):
            listing = self.storage.objects.read_listing(held.md5)
        if listing is None:
            raise SemflowError(
                f"the recorded list of {folder} ({held.md5[:8]}) must be here to be rewritten, got it neither from "
                "DVC's cache nor from its remote; run `dvc fetch`"
            )
        left = {
            name: self.replaced.get((folder, name), md5)
            for name, md5 in listing.items()
            if not self.gone(folder, name, md5)
        }
        if left == listing:
            return held
        self.new.append(left)
        changed = [(md5, left.get(name)) for name, md5 in listing.items() if left.get(name) != md5]
        size = held.size - sum(self._size(old) - (self._size(new) if new else 0) for old, new in changed)
        return DirHash(hash_listing(left), max(size, 0), len(left))

    def _size(self, md5: str) -> int:
        """Size of an object in bytes; 0 where it is unknown (DVC only displays it, and compares hashes)."""
        mark = read_mark(self.storage.objects.object_path(md5))
        return 0 if mark is None else mark.size
