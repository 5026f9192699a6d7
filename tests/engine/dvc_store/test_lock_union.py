"""Versions that record different files merge file by file; only what both changed is a choice, and ours stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.engine.dvc_store.dvc_lock import DirHash, FileHash, StageRecord, parse_lock, update_lock_text
from flows.engine.dvc_store.lock_union import UnionMerge, merge_listings
from flows.engine.dvc_store.object_store import hash_listing
from tasks.errors import SemflowError

LISTINGS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("xyz"))


@given(LISTINGS, LISTINGS)
def test_a_side_that_changed_nothing_gives_the_other(base: dict[str, str], other: dict[str, str]) -> None:
    assert merge_listings(base, base, other) == other
    assert merge_listings(base, other, base) == other


@given(LISTINGS, LISTINGS, LISTINGS)
def test_each_file_comes_from_a_side_that_changed_it(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]
) -> None:
    merged = merge_listings(base, ours, theirs)
    for name in {*base, *ours, *theirs}:
        changed = [side.get(name) for side in (ours, theirs) if side.get(name) != base.get(name)]
        if not changed:
            assert merged.get(name) == base.get(name)
        elif None not in changed:
            assert merged.get(name) == changed[0]
        else:
            assert merged.get(name) in changed


class Site:
    """Listings by hash, and locks made of them."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, str]] = {}

    def lock(self, files: dict[str, str], *, code: str = "0" * 32, letter: str = "a") -> str:
        held = hash_listing(files)
        self.known[held] = files
        record = StageRecord(
            "read",
            "semflow stage read",
            {"tasks/read.py": FileHash(code, 3), "data/raw": DirHash(held, len(files), len(files))},
            {"read.letter": letter},
            {"data/words": DirHash(held, len(files), len(files))},
        )
        return update_lock_text("", [record])

    def merge(self, base: str, ours: str, theirs: str) -> tuple[StageRecord, UnionMerge]:
        union = UnionMerge(self.known.get)
        return parse_lock(union.merge_locks(base, ours, theirs))["read"], union


def md5(n: int) -> str:
    return f"{n:032x}"


def test_two_branches_that_each_add_a_video_give_both() -> None:
    site = Site()
    base, ours = site.lock({"a": md5(1)}), site.lock({"a": md5(1), "b": md5(2)})
    theirs = site.lock({"a": md5(1), "c": md5(3)})
    merged, union = site.merge(base, ours, theirs)
    expected = {"a": md5(1), "b": md5(2), "c": md5(3)}
    assert merged.outs["data/words"] == DirHash(hash_listing(expected), 3, 3)
    assert union.listings[hash_listing(expected)] == expected


def test_a_video_that_one_side_removed_is_gone() -> None:
    site = Site()
    base, ours = site.lock({"a": md5(1), "b": md5(2)}), site.lock({"a": md5(1)})
    theirs = site.lock({"a": md5(1), "b": md5(2), "c": md5(3)})
    merged, _ = site.merge(base, ours, theirs)
    assert merged.outs["data/words"] == DirHash(hash_listing({"a": md5(1), "c": md5(3)}), 2, 2)


def test_code_that_only_the_other_side_changed_is_taken_and_a_parameter_of_ours_stays() -> None:
    site = Site()
    files = {"a": md5(1)}
    base, ours = site.lock(files), site.lock(files, letter="n")
    theirs = site.lock(files, code=md5(9), letter="o")
    merged, _ = site.merge(base, ours, theirs)
    assert merged.deps["tasks/read.py"] == FileHash(md5(9), 3)
    assert merged.params == {"read.letter": "n"}


def test_a_list_that_nobody_has_is_an_error_that_says_what_to_do() -> None:
    site = Site()
    base, ours, theirs = site.lock({"a": md5(1)}), site.lock({"b": md5(2)}), site.lock({"c": md5(3)})
    site.known.clear()
    with pytest.raises(SemflowError, match=r"data/words must be in DVC's cache .*semflow publish"):
        site.merge(base, ours, theirs)


def test_pointers_merge_too() -> None:
    site = Site()
    texts: list[str] = []
    for files in ({"a": md5(1)}, {"a": md5(1), "b": md5(2)}, {"a": md5(1), "c": md5(3)}):
        held = hash_listing(files)
        site.known[held] = files
        texts.append(f"outs:\n- md5: {held}\n  size: {len(files)}\n  nfiles: {len(files)}\n  hash: md5\n  path: raw\n")
    union = UnionMerge(site.known.get)
    expected = hash_listing({"a": md5(1), "b": md5(2), "c": md5(3)})
    merged = union.merge_pointers(*texts, "data/raw")
    assert merged == f"outs:\n- md5: {expected}\n  size: 3\n  nfiles: 3\n  hash: md5\n  path: raw\n"
