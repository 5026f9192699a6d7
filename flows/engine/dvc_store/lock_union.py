"""Merge two versions of `dvc.lock` or of a pointer by the files that they record: a three-way merge per file.

DVC records a folder by one hash, so two branches that each add a video conflict in every folder, though no file does.
Here the listings behind the hashes are merged: a file that one side added, changed or removed is taken from that side;
where both changed a file, ours stays, and the next run computes or restores what the present inputs demand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from flows.engine.dvc_store.dvc_lock import DirHash, FileHash, StageRecord, parse_lock, update_lock_text
from flows.engine.dvc_store.dvc_pointer import parse_pointer
from flows.engine.dvc_store.object_store import hash_listing
from tasks.errors import SemflowError

Listing = Mapping[str, str]
"""Path of a file below its folder to its MD5."""
LoadListing = Callable[[str], Listing | None]
"""The listing of a `.dir` hash; None where it cannot be had."""


@dataclass
class UnionMerge:
    """One merge; `listings` are the new listings by their hash, which must be stored for the result to be of use."""

    load: LoadListing
    listings: dict[str, Listing] = field(default_factory=dict[str, Listing])

    def merge_locks(self, base: str, ours: str, theirs: str) -> str:
        """The merged text of a lock file; raises SemflowError where a listing of an output cannot be had."""
        before, mine, other = parse_lock(base), parse_lock(ours), parse_lock(theirs)
        merged: list[StageRecord] = []
        for name, record in other.items():
            if name not in mine:
                if name not in before:
                    merged.append(record)
                continue
            merged.append(self._merge_stages(before.get(name), mine[name], record))
        return update_lock_text(ours, merged)

    def merge_pointers(self, base: str, ours: str, theirs: str, path: str) -> str:
        """The merged text of the pointer to the folder `path`."""
        texts = (base, ours, theirs)
        before, mine, other = (parse_pointer(text, path) if text.strip() else None for text in texts)
        if mine is None or other is None:
            return theirs if mine is None else ours
        found = self._merge_folders(before, mine, other, path)
        text = ours.replace(mine.md5, found.md5)
        text = re.sub(r"(?m)^(\s+size: )\d+$", rf"\g<1>{found.size}", text)
        return re.sub(r"(?m)^(\s+nfiles: )\d+$", rf"\g<1>{found.nfiles}", text)

    def _merge_stages(self, before: StageRecord | None, mine: StageRecord, other: StageRecord) -> StageRecord:
        earlier = before or StageRecord(mine.name, mine.cmd)
        return replace(
            mine,
            deps=self._merge_hashes(earlier.deps, mine.deps, other.deps, is_output=False),
            outs=self._merge_hashes(earlier.outs, mine.outs, other.outs, is_output=True),
            params={**other.params, **mine.params},
        )

    def _merge_hashes(
        self,
        before: Mapping[str, FileHash | DirHash],
        mine: Mapping[str, FileHash | DirHash],
        other: Mapping[str, FileHash | DirHash],
        *,
        is_output: bool,
    ) -> dict[str, FileHash | DirHash]:
        found: dict[str, FileHash | DirHash] = {}
        for path in sorted({*mine, *other}):
            base, ours, theirs = before.get(path), mine.get(path), other.get(path)
            if isinstance(ours, DirHash) and isinstance(theirs, DirHash) and ours != theirs:
                known = base if isinstance(base, DirHash) else None
                found[path] = self._merge_folders(known, ours, theirs, path, keeps_ours=not is_output)
            else:
                chosen = theirs if ours == base or ours is None else ours
                if chosen is not None:
                    found[path] = chosen
        return found

    def _merge_folders(
        self, before: DirHash | None, mine: DirHash, other: DirHash, path: str, *, keeps_ours: bool = False
    ) -> DirHash:
        """The hash of the merged folder; `keeps_ours` where listings were not stored (folders that users write)."""
        if mine.md5 == other.md5 or (before is not None and other.md5 == before.md5):
            return mine
        if before is not None and mine.md5 == before.md5:
            return other
        ours, theirs = self.load(mine.md5), self.load(other.md5)
        base = {} if before is None else self.load(before.md5)
        if ours is None or theirs is None or base is None:
            if keeps_ours:
                return mine
            raise SemflowError(
                f"the recorded lists of {path} must be in DVC's cache or its remote to be merged, got none for one "
                "side; let the other side run `semflow publish` (or `dvc push`), then merge again"
            )
        merged = merge_listings(base, ours, theirs)
        md5 = hash_listing(merged)
        self.listings[md5] = merged
        size = mine.size + other.size - (0 if before is None else before.size)
        return DirHash(md5, max(size, mine.size), len(merged))


def merge_listings(base: Listing, ours: Listing, theirs: Listing) -> dict[str, str]:
    """The three-way merge of listings, file by file; where both sides changed a file, ours."""
    merged: dict[str, str] = {}
    for path in {*base, *ours, *theirs}:
        before, mine, other = base.get(path), ours.get(path), theirs.get(path)
        chosen = other if mine == before else mine if other == before or mine is not None else other
        if chosen is not None:
            merged[path] = chosen
    return merged
