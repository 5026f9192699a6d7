"""Outputs of items recorded by other commits: recipes in `dvc.lock` of any branch or tag.

The ledger has the results of this machine; this has those that colleagues and CI recorded, so that returning to an
earlier parameter, branch or commit costs a copy from the cache or a download rather than a computation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.engine.dvc_store.history import find_listings
from flows.engine.outcome import Item
from flows.engine.project import Project
from flows.engine.recipe import RECIPE_FOLDER, RECIPE_SUFFIX, Outputs, Recipe, parse_recipe
from flows.engine.storage import Storage

MAX_VERSIONS = 50
"""Most recorded versions of a stage that are searched, newest first."""


@dataclass
class RecordedResults:
    """Recipes of items in recorded versions, read from the object store."""

    project: Project
    storage: Storage | None
    _by_item: dict[Item, list[str]] = field(default_factory=dict[Item, list[str]])
    """Item to the MD5 of its recipes in other versions, newest first."""
    _parsed: dict[str, Recipe | None] = field(default_factory=dict[str, Recipe | None])

    @classmethod
    def load_items(cls, project: Project, items: Iterable[Item]) -> RecordedResults:
        """The recorded recipes of `items`; those that are only in the remote are fetched together."""
        past = cls(project, Storage.open(project.root))
        wanted: dict[str, list[Item]] = {}
        for item in items:
            wanted.setdefault(item.stage, []).append(item)
        if past.storage is None or not wanted or not (project.root / ".git").exists():
            return past
        folders = [f"{RECIPE_FOLDER}/{stage}" for stage in wanted]
        versions = find_listings(project.root, folders, MAX_VERSIONS)
        for stage, mine in wanted.items():
            for _, md5 in versions[f"{RECIPE_FOLDER}/{stage}"]:
                past._take(md5, mine)
        past._fetch()
        return past

    def find_outputs(self, item: Item, key: str) -> Outputs:
        """The outputs of `key` in some recorded version; {} where none has it."""
        for md5 in self._by_item.get(item, ()):
            recipe = self._load(md5)
            if recipe is not None and recipe.key == key and recipe.error is None:
                return recipe.outputs
        return {}

    def _take(self, listing_md5: str, items: list[Item]) -> None:
        assert self.storage is not None
        listing = self.storage.objects.read_listing(listing_md5)
        if listing is None and self.storage.has_remote and self.storage.fetch_objects([listing_md5]):
            listing = self.storage.objects.read_listing(listing_md5)
        for item in items if listing else ():
            md5 = (listing or {}).get(f"{self.project.artifact_stem(item.video)}{RECIPE_SUFFIX}")
            if md5 is not None and md5 not in (known := self._by_item.setdefault(item, [])):
                known.append(md5)

    def _fetch(self) -> None:
        assert self.storage is not None
        missing = {md5 for md5s in self._by_item.values() for md5 in md5s if not self.storage.objects.has_object(md5)}
        if missing and self.storage.has_remote:
            self.storage.fetch_objects(missing)

    def _load(self, md5: str) -> Recipe | None:
        if md5 not in self._parsed:
            assert self.storage is not None
            try:
                text = self.storage.objects.object_path(md5).read_text(encoding="utf-8")
            except (OSError, ValueError):
                text = ""
            self._parsed[md5] = parse_recipe(text)
        return self._parsed[md5]
