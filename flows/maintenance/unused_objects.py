"""Find unused objects of DVC's cache that semflow created.

Objects are in use if a `dvc.lock` or `.dvc` file refers to them, in the working copy or at the tip of any branch or tag
(of other clones too, where they share the cache), if a recipe on this machine names them, or if a run of the last days
produced them. Only objects that a recipe, a listing of semflow's folders, or the ledger names count as unused; objects
of other origin and all listings are kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.dvc_store.object_store import DIR_SUFFIX
from flows.engine.file_marks import read_mark
from flows.engine.overview_files import OVERVIEW_FILES, PAGE, REPORTS
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.recipe import METHOD_SUFFIX, RECIPE_FOLDER, RECIPE_SUFFIX, parse_method, parse_recipe
from flows.engine.storage import Storage
from flows.maintenance.object_references import (
    ListingCache,
    find_cached_listings,
    find_committed_listings,
    find_current_listings,
    find_tip_references,
)
from tasks.errors import SemflowError

DAY_S = 86400.0


@dataclass
class UnusedObjects:
    """Objects that may be deleted, and counts of those that are kept."""

    objects: dict[str, str] = field(default_factory=dict[str, str])
    """Object to the folder that it was recorded in; in the cache or, as far as is known, in the remote."""
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    """Object to size in bytes, of those in the cache."""
    young: int = 0
    """Number of unused objects that are kept because they are newer than `keep_days`."""
    foreign: int = 0
    """Number of unreferenced objects in the cache that semflow did not create; they are kept."""
    needed: set[str] = field(default_factory=set[str])


def find_unused_objects(
    project: Project, storage: Storage, keep_days: float, others: Sequence[Path] = (), *, all_commits: bool = False
) -> UnusedObjects:
    """Search all references; SemflowError where a listing that is needed for that is not available."""
    return _Search(project, storage, keep_days * DAY_S, others, all_commits).run()


@dataclass
class _Search:
    project: Project
    storage: Storage
    keep_s: float
    others: Sequence[Path]
    all_commits: bool
    young: set[str] = field(default_factory=set[str])
    """Keys that runs of the last days produced."""
    kept: set[str] = field(default_factory=set[str])
    """Objects of their recipes and methods."""

    def run(self) -> UnusedObjects:
        border = time.time() - self.keep_s
        self.young = {row.key for row in self.project.state.read_ledger() if row.at > border}
        self.listings = ListingCache(self.storage)
        self.committed = find_committed_listings(self.project)
        self.loose = find_cached_listings(self.storage)
        garbage = UnusedObjects(needed=self._needed())
        self.listings.load([*self.committed, *self.loose])
        ours = self._ours(garbage.needed)
        here = dict(_objects(self.storage.objects.folder))
        for md5, folder in ours.items():
            if md5 in garbage.needed or md5 in self.kept or md5.endswith(DIR_SUFFIX):
                continue
            mark = read_mark(here[md5]) if md5 in here else None
            if mark is not None and mark.mtime_ns / 1e9 > border:
                garbage.young += 1
                continue
            garbage.objects[md5] = folder
            if mark is not None:
                garbage.sizes[md5] = mark.size
        known = ours.keys() | garbage.needed
        garbage.foreign = sum(not md5.endswith(DIR_SUFFIX) and md5 not in known for md5 in here)
        return garbage

    def _needed(self) -> set[str]:
        named = set(find_current_listings(self.project))
        for root in (self.project.root, *self.others):
            named |= find_tip_references(root).keys()
        if self.all_commits:
            named |= self.committed.keys()
        listings = {md5 for md5 in named if md5.endswith(DIR_SUFFIX)}
        self.listings.load(listings)
        if lacking := self.listings.unknown & listings:
            raise SemflowError(
                f"all recorded lists must be at hand to know what is needed, got {len(lacking)} neither in DVC's cache "
                f"nor in its remote (e.g. {min(lacking)[:8]}); run `dvc fetch --all-branches --all-tags`"
            )
        needed = set(named)
        for md5 in listings:
            needed |= set(self.listings[md5].values())
        return needed | set(self._needed_here())

    def _needed_here(self) -> Iterator[str]:
        """Objects of the recipes on this machine, of the runs of the last days, and of the raw videos."""
        store = self.project.recipe_store
        for recipe in store.recipes.values():
            yield from _files(recipe.outputs)
        for declaration in self.project.declarations:
            yield from (md5 for md5, _ in store.list_stage_files(declaration.name).values())
        yield from (video.md5 for video in self.project.videos.values() if video.md5 is not None)
        for row in self.project.state.read_ledger():
            if row.key in self.young:
                yield from _files(row.outputs)

    def _ours(self, needed: set[str]) -> dict[str, str]:
        """Object to folder, of everything that semflow is known to have created."""
        ours: dict[str, str] = {}

        def add(folders: Mapping[str, str]) -> None:
            """Add objects; one that occurs in several folders gets the first in alphabetical order."""
            for md5, folder in folders.items():
                ours[md5] = min(folder, ours.get(md5, folder))

        for row in self.project.state.read_ledger():
            for folder, files in row.outputs.items():
                add({md5: folder for md5, _ in files.values()})
        for listing, folder in self.committed.items():
            add(dict.fromkeys(self.listings[listing].values(), folder))
        for listing in self.loose - self.committed.keys():
            add(self._ours_by_recipes(listing, needed))
        for listing in self.loose - self.committed.keys():
            # An index page is recognised by the other files of its listing: reports that recipes name.
            entries = self.listings[listing]
            rest = [md5 for name, md5 in entries.items() if name not in OVERVIEW_FILES]
            if PAGE in entries and rest and all(ours.get(md5) == REPORTS or md5 in needed for md5 in rest):
                for name in entries.keys() & set(OVERVIEW_FILES):
                    ours.setdefault(entries[name], REPORTS)
        return ours

    def _ours_by_recipes(self, listing: str, needed: set[str]) -> dict[str, str]:
        """Object to folder, of the outputs of the recipes in a listing that no commit refers to.

        Recipes and methods whose keys are in `young` are added to `kept`.
        """
        found: dict[str, str] = {}
        methods: dict[str, str] = {}
        for name, md5 in self.listings[listing].items():
            if md5 in needed or not name.endswith((RECIPE_SUFFIX, METHOD_SUFFIX)):
                continue  # the outputs of a needed recipe are needed
            text = self._read(md5)
            if name.endswith(METHOD_SUFFIX):
                method = parse_method(text)
                if method is not None and method.digest == name.removesuffix(METHOD_SUFFIX):
                    found[md5], methods[method.digest] = f"{RECIPE_FOLDER}/{method.stage}", md5
                continue
            recipe = parse_recipe(text)
            if recipe is None:
                continue
            found[md5] = f"{RECIPE_FOLDER}/{recipe.stage}"
            for folder, files in recipe.outputs.items():
                found |= {file: min(folder, found.get(file, folder)) for file, _ in files.values()}
            found |= {value.partition(" ")[0]: RAW_FOLDER for value in recipe.inputs.values() if " " in value}
            if recipe.key in self.young:
                self.kept |= {md5, recipe.method}
        self.kept |= {md5 for digest, md5 in methods.items() if digest in self.kept}
        return found

    def _read(self, md5: str) -> str:
        try:
            return self.storage.objects.object_path(md5).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""


def _objects(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.glob("??/*"):
        yield f"{path.parent.name}{path.name}", path


def _files(outputs: Mapping[str, Mapping[str, tuple[str, int]]]) -> Iterator[str]:
    for files in outputs.values():
        yield from (md5 for md5, _ in files.values())
