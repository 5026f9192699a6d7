"""When a recipe or a film was first recorded: the oldest commit whose `dvc.lock` or pointer lists it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from flows.engine.dvc_store.dvc_pointer import parse_pointer
from flows.engine.dvc_store.history import list_outs
from flows.engine.dvc_store.object_store import ObjectStore
from flows.engine.recipe import RECIPE_FOLDER
from flows.reading.artifact_source import ArtifactSource
from flows.reading.git_repository import Commit
from tasks.errors import SemflowError

LOCK_FILE, RAW_FOLDER = "dvc.lock", "data/raw"
MAX_COMMITS = 1000
"""Versions that are searched, newest first."""


class History:
    """The recorded versions up to a revision; listings that are not in DVC's cache are left out, not fetched."""

    def __init__(self, source: ArtifactSource) -> None:
        self._source = source
        self._objects = ObjectStore.open(source.root)
        self._listings: dict[str, Mapping[str, str]] = {}

    def find_recipes(self, wanted: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Commit]:
        """(stage, file name) of recipes to the oldest commit that records the MD5 that `wanted` gives."""
        found: dict[tuple[str, str], Commit] = {}
        folders = {f"{RECIPE_FOLDER}/{stage}": stage for stage, _ in wanted}
        for commit, text in self.list_texts(LOCK_FILE):
            listings = list_outs(text, list(folders))
            for (stage, name), md5 in wanted.items():
                if self._listing(listings.get(f"{RECIPE_FOLDER}/{stage}", "")).get(name) == md5:
                    found[stage, name] = commit
        return found

    def find_artifact(self, folder: str, name: str, md5: str) -> Commit | None:
        """The oldest commit that records the file `name` of an artifact folder with this MD5."""
        found: Commit | None = None
        for commit, text in self.list_texts(LOCK_FILE):
            if self._listing(list_outs(text, [folder]).get(folder, "")).get(name) == md5:
                found = commit
        return found

    def find_film(self, name: str, md5: str) -> Commit | None:
        """The oldest commit whose pointer to the raw videos lists the file `name` with this MD5."""
        found: Commit | None = None
        for commit, text in self.list_texts(f"{RAW_FOLDER}.dvc"):
            try:
                held = parse_pointer(text.decode(errors="replace"), RAW_FOLDER)
            except SemflowError:
                continue  # with conflicts that somebody committed
            if held is not None and self._listing(held.md5).get(name) == md5:
                found = commit
        return found

    def list_texts(self, path: str) -> Iterator[tuple[Commit, bytes]]:
        """The versions of a file that git tracks, newest first."""
        repository = self._source.repository
        if repository is None:
            return
        commits = repository.list_commits(path, self._source.commit or "HEAD")[:MAX_COMMITS]
        texts = repository.read_texts([commit.commit for commit in commits], path)
        yield from ((commit, text) for commit, text in zip(commits, texts, strict=False) if text is not None)

    def list_folders(self, path: str) -> Iterator[tuple[Commit, Mapping[str, str]]]:
        """The versions of a folder without subfolders that git tracks, newest first, as file name to MD5."""
        repository = self._source.repository
        if repository is None:
            return
        commits = repository.list_commits(path, self._source.commit or "HEAD")[:MAX_COMMITS]
        names = {commit: repository.list_names(commit.commit, path) for commit in commits}
        found: dict[str, dict[str, str]] = {commit.commit: {} for commit in commits}
        for name in sorted(set[str]().union(*names.values())):
            holders = [commit.commit for commit in commits if name in names[commit]]
            for commit, text in zip(holders, repository.read_texts(holders, f"{path}/{name}"), strict=False):
                if text is not None:
                    found[commit][name] = hashlib.md5(text, usedforsecurity=False).hexdigest()
        yield from ((commit, found[commit.commit]) for commit in commits)

    def _listing(self, md5: str) -> Mapping[str, str]:
        if md5 not in self._listings:
            known = None if self._objects is None or not md5 else self._objects.read_listing(md5)
            self._listings[md5] = known or {}
        return self._listings[md5]
