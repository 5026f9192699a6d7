"""Find references to objects of DVC's store: in listings of every recorded version, and in all `dvc.lock` and `.dvc`
files of the repository.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.dvc_store.dvc_config import LOCK_FILE
from flows.engine.dvc_store.dvc_lock import DirHash, read_lock
from flows.engine.dvc_store.dvc_pointer import read_pointer
from flows.engine.dvc_store.history import read_recorded_texts, read_tip_texts
from flows.engine.dvc_store.object_store import DIR_SUFFIX
from flows.engine.dvc_yaml import list_output_folders
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.recipe import RECIPE_FOLDER
from flows.engine.storage import Storage

DVC_FILE_SUFFIXES = (f"{LOCK_FILE}", ".dvc")
SKIPPED_FOLDERS = {".git", ".venv", "__pycache__", "node_modules"}
# An entry of a folder as DVC writes it: the path first, then its hash. Dependencies have the same form.
_ENTRY = re.compile(rb"^ *- path: (.*)\n(?: +(?!md5:)[a-z]+:.*\n)*? +md5: ([0-9a-f]{32}\.dir)$", re.MULTILINE)
_HASH = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")


@dataclass
class ListingCache:
    """Directory listings by hash, read once; missing ones are fetched from the remote together."""

    storage: Storage
    _known: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    unknown: set[str] = field(default_factory=set[str])
    """Listings that neither the cache nor the remote has."""

    def load(self, md5s: Iterable[str]) -> None:
        """Read the listings with these hashes."""
        wanted = set(md5s) - self._known.keys()
        missing = {md5 for md5 in wanted if not self.storage.objects.has_object(md5)}
        if missing and self.storage.has_remote:
            self.storage.fetch_objects(missing)
        for md5 in wanted:
            found = self.storage.objects.read_listing(md5)
            if found is None:
                self.unknown.add(md5)
            else:
                self._known[md5] = found

    def __getitem__(self, md5: str) -> dict[str, str]:
        """Relative path to MD5; {} for an unknown listing."""
        return self._known.get(md5, {})


def list_own_folders(project: Project) -> list[str]:
    """The folders that stages write."""
    return list(dict.fromkeys(folder for d in project.declarations for folder in list_output_folders(d)))


def is_own_folder(project: Project, folder: str) -> bool:
    """Whether a present stage writes the folder, or it contains recipes of a present or former stage."""
    return folder in list_own_folders(project) or folder.startswith(f"{RECIPE_FOLDER}/")


def find_current_listings(project: Project) -> dict[str, str]:
    """Listing to folder, of semflow's folders in the working copy's dvc.lock and data/raw.dvc."""
    found: dict[str, str] = {}
    for record in read_lock(project.root).values():
        for path, held in (*record.outs.items(), *record.deps.items()):
            if isinstance(held, DirHash) and path != RAW_FOLDER and is_own_folder(project, path):
                found[held.md5] = path
    raw = read_pointer(project.root, RAW_FOLDER)
    return found if raw is None else {**found, raw.md5: RAW_FOLDER}


def find_committed_listings(project: Project) -> dict[str, str]:
    """Listing to folder, of semflow's folders in every commit of every branch and tag."""
    root, found = project.root, dict[str, str]()
    for _, text in read_recorded_texts(root, LOCK_FILE):
        entries = {md5.decode("ascii"): _unquoted(path) for path, md5 in _ENTRY.findall(text)}
        found |= {
            md5: folder for md5, folder in entries.items() if folder != RAW_FOLDER and is_own_folder(project, folder)
        }
    for _, text in read_recorded_texts(root, f"{RAW_FOLDER}.dvc"):
        found |= {md5: RAW_FOLDER for md5 in find_hashes(text) if md5.endswith(DIR_SUFFIX)}
    return found


def _unquoted(path: bytes) -> str:
    """The path from its YAML form, which may have quotes."""
    text = path.decode("utf-8", "surrogateescape").strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def find_cached_listings(storage: Storage) -> set[str]:
    """The hash of every listing in the cache."""
    return {f"{path.parent.name}{path.name}" for path in storage.objects.folder.glob(f"??/*{DIR_SUFFIX}")}


def find_hashes(text: bytes) -> set[str]:
    """Everything in `text` that has the form of an object's hash, which may include other texts."""
    return {found.decode("ascii") for found in _HASH.findall(text)}


def find_tip_references(root: Path) -> dict[str, set[str]]:
    """Objects in any dvc.lock or .dvc file, in the working copy and at every branch and tag, whoever wrote it.

    Object to the folders that it is the listing of, as far as they are named.
    """
    found: dict[str, set[str]] = {}
    for text in (*(text for _, _, text in read_tip_texts(root, DVC_FILE_SUFFIXES)), *_texts_here(root)):
        for md5 in find_hashes(text):
            found.setdefault(md5, set())
        for path, md5 in _ENTRY.findall(text):
            found[md5.decode("ascii")].add(_unquoted(path))
    return found


def _texts_here(root: Path) -> Iterator[bytes]:
    for path in _dvc_files(root):
        try:
            yield path.read_bytes()
        except OSError:
            continue


def _dvc_files(root: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        below[:] = [
            name for name in below if name not in SKIPPED_FOLDERS and not (folder == str(root) and name == ".dvc")
        ]
        yield from (Path(folder) / name for name in names if name.endswith(DVC_FILE_SUFFIXES))
