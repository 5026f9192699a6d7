"""Find everything that was recorded of one video: its objects in every version, and which of them others need too.

Objects are assigned to a video by the content of recipes, not only by names: the recipe of a stage that reads the raw
file names that file, and the recipe of a later stage contains the content hashes of its inputs. So a video that had
another name before is found, and another video that had this name before is not affected.
"""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from flows.engine.declaration import ArtifactKind
from flows.engine.dvc_store.object_store import DIR_SUFFIX
from flows.engine.file_marks import read_mark
from flows.engine.overview_files import OVERVIEW_FILES, REPORTS
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.raw_input import parse_raw_input
from flows.engine.recipe import RECIPE_FOLDER, RECIPE_SUFFIX, Recipe, parse_recipe, recipe_path
from flows.engine.storage import Storage
from flows.engine.video_list import Video
from flows.engine.video_names import normalize_path
from flows.maintenance.object_references import (
    ListingCache,
    find_cached_listings,
    find_committed_listings,
    find_current_listings,
    find_tip_references,
)
from tasks.content_hash import combine_hashes, md5_file
from tasks.errors import SemflowError


@dataclass
class VideoTraces:
    """Everything that was found of one video."""

    names: set[str]
    """All names that it had."""
    stems: set[str]
    """Stems of its recipes and artifacts."""
    flat_stems: set[str]
    keys: set[str] = field(default_factory=set[str])
    objects: dict[str, tuple[int | None, str]] = field(default_factory=dict[str, "tuple[int | None, str]"])
    """Object (MD5) to size in bytes (None where unknown) and folder, of objects that only this video needs."""
    shared: set[str] = field(default_factory=set[str])
    """Objects that others need too."""
    listings: set[str] = field(default_factory=set[str])
    """Listings in the cache that contain one of `objects` and that no commit refers to."""
    committed: set[str] = field(default_factory=set[str])
    """Listings that contain one of `objects` and that a commit refers to; they are kept."""
    unknown: int = 0
    """Number of recorded listings that neither the cache nor the remote has."""


def find_traces(project: Project, storage: Storage, video: Video) -> VideoTraces:
    """Search every version that is recorded on any branch or tag, the cache, and this machine's ledger."""
    return _Search(project, storage, video).run()


@dataclass
class _Search:
    project: Project
    storage: Storage
    video: Video
    found: dict[str, tuple[int | None, str]] = field(default_factory=dict[str, "tuple[int | None, str]"])
    mine: set[str] = field(default_factory=set[str])
    """Recipe objects of the video."""
    digests: set[str] = field(default_factory=set[str])
    """Content hashes of the video's artifacts, as later recipes name them."""
    claimed: set[str] = field(default_factory=set[str])
    """Stems that another raw file had in some version."""
    pages: set[str] = field(default_factory=set[str])
    """Objects of index pages that show the video."""
    _parsed: dict[str, Recipe | None] = field(default_factory=dict[str, "Recipe | None"])

    def run(self) -> VideoTraces:
        video = self.video
        self.traces = VideoTraces({video.name}, {video.stem}, {video.flat_stem})
        self.committed = find_committed_listings(self.project)
        self.recorded = self.committed | find_current_listings(self.project)
        self.listings = ListingCache(self.storage)
        loose = find_cached_listings(self.storage) - self.recorded.keys()
        self.listings.load([*self.recorded, *loose])
        self.loose = loose
        if lacking := self.listings.unknown & find_current_listings(self.project).keys():
            raise SemflowError(
                f"the recorded lists must be here to be rewritten, got {len(lacking)} of them neither from DVC's cache "
                "nor from its remote; run `dvc fetch` (nothing was erased)"
            )
        self._take_recipes()
        self._take_raw()
        self._take_ledger()
        self._take_by_name()
        self._take_pages()
        needed = self._needed()
        traces = self.traces
        traces.objects = {md5: at for md5, at in self.found.items() if md5 not in needed or md5 in self.pages}
        traces.shared = {md5 for md5 in self.found if md5 not in traces.objects}
        for md5 in (*self.recorded, *loose):
            if not traces.objects.keys().isdisjoint(self.listings[md5].values()):
                (traces.committed if md5 in self.committed else traces.listings).add(md5)
        traces.unknown = len(self.listings.unknown & self.recorded.keys())
        return traces

    # What belongs to the video

    def _take_recipes(self) -> None:
        """Search all recipes, in the order of the stages, so that the inputs of a recipe are known before it."""
        by_stage: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """Stage ("" for a listing of unknown stage) to recipe object to stem."""
        for md5 in (*self.recorded, *self.loose):
            stage = self.recorded.get(md5, "").removeprefix(f"{RECIPE_FOLDER}/")
            for name, recipe in self.listings[md5].items():
                if name.endswith(RECIPE_SUFFIX):
                    by_stage[stage][recipe] = name.removesuffix(RECIPE_SUFFIX)
        declared = {d.name: d for d in self.project.declarations if not d.over_dataset}
        gone = sorted(by_stage.keys() - {d.name for d in self.project.declarations} - {""})
        for stage in (*declared, *gone, ""):
            reads_raw = stage in declared and any(kind.is_raw for kind in declared[stage].inputs.values())
            self._take_stage(stage, {**by_stage.get("", {}), **by_stage.get(stage, {})}, every=reads_raw)
            here = self.project.recipe_store.recipes.get((stage, self.video.stem))
            if here is not None:
                path = recipe_path(self.project.root, stage, self.video.stem)
                self._take(here, md5_file(path) if path.is_file() else "")

    def _take_stage(self, stage: str, recipes: dict[str, str], *, every: bool) -> None:
        """Search the recipes of one stage: all if `every` (they name the raw file), else those of the video's stems."""
        wanted = {md5: stem for md5, stem in recipes.items() if every or stem in self.traces.stems}
        missing = {md5 for md5 in wanted if not self.storage.objects.has_object(md5)}
        if missing and self.storage.has_remote:
            self.storage.fetch_objects(missing)
        for md5, stem in wanted.items():
            recipe = self._parse(md5)
            if recipe is not None and stage in (recipe.stage, ""):
                self._assign_recipe(recipe, stem, md5)

    def _assign_recipe(self, recipe: Recipe, stem: str, md5: str) -> None:
        """Add the recipe if it is the video's, by the raw file that it names, else by its inputs."""
        relatives = [parse_raw_input(value).relative for value in recipe.inputs.values() if " " in value]
        if not relatives:
            if stem not in self.claimed or not self.digests.isdisjoint(recipe.inputs.values()):
                self._take(recipe, md5)
        elif any(map(self._is_raw, relatives)):
            self.traces.stems.add(stem)
            self.traces.flat_stems.add(stem.replace("/", "__"))
            self.traces.names.add(recipe.video)
            self._take(recipe, md5)
        else:
            self.claimed.add(stem)

    def _take(self, recipe: Recipe, md5: str) -> None:
        if md5:
            self.mine.add(md5)
            self._note(md5, None, f"{RECIPE_FOLDER}/{recipe.stage}")
        self.traces.keys.add(recipe.key)
        for folder, files in recipe.outputs.items():
            self.digests.add(combine_hashes({name: md5 for name, (md5, _) in files.items()}))
            for file, size in files.values():
                self._note(file, size, folder)
        for value in recipe.inputs.values():
            raw_md5, relative, _ = parse_raw_input(value)
            if relative and self._is_raw(relative):
                self._note(raw_md5, None, RAW_FOLDER)

    def _take_raw(self) -> None:
        for md5, folder in self.recorded.items():
            for name, file in self.listings[md5].items() if folder == RAW_FOLDER else ():
                if self._is_raw(name):
                    self._note(file, None, RAW_FOLDER)
        if self.video.file is not None:
            self._note(md5_file(self.video.file), self.video.file.stat().st_size, RAW_FOLDER)

    def _take_ledger(self) -> None:
        own = self.video.name if self.video.stem not in self.claimed else ""
        for row in self.project.state.read_ledger():
            if row.key in self.traces.keys or (row.item is not None and row.item.video == own):
                self.traces.keys.add(row.key)
                for folder, files in row.outputs.items():
                    for file, size in files.values():
                        self._note(file, size, folder)

    def _take_by_name(self) -> None:
        """Add files under its stems whose recipe is lost, unless another video had the stem."""
        for md5, folder in self.recorded.items():
            for name, file in self.listings[md5].items():
                if file not in self.found and self._belongs(folder, name, file):
                    self._note(file, None, folder)

    def _take_pages(self) -> None:
        """Add index pages and cards that show the video: a thumbnail of each, its name, hashes of its files."""
        forms = (html.escape, lambda name: json.dumps(name, ensure_ascii=False)[1:-1])
        names = [form(name).encode() for name in self.traces.names for form in forms]
        flat = tuple(f"{stem}/" for stem in self.traces.flat_stems)
        for md5, folder in self.recorded.items():
            listing = self.listings[md5] if folder == REPORTS else {}
            for page in sorted({listing[name] for name in OVERVIEW_FILES if name in listing} - self.pages):
                try:
                    text = self.storage.objects.object_path(page).read_bytes()
                except OSError:
                    text = b""
                if any(name in text for name in names) or any(name.startswith(flat) for name in listing):
                    self.pages.add(page)
                    self._note(page, None, REPORTS)

    # What others need

    def _needed(self) -> set[str]:
        """Objects that something else refers to: another video in any recorded version, or other DVC files."""
        needed: set[str] = set()
        for md5, folder in self.recorded.items():
            for name, file in self.listings[md5].items():
                if not self._belongs(folder, name, file):
                    needed.add(file)
        others = {m: at for m, at in find_tip_references(self.project.root).items() if m not in self.recorded}
        foreign = {md5: folders for md5, folders in others.items() if md5.endswith(DIR_SUFFIX)}
        self.listings.load(foreign)
        made = {folder for _, folder in self.found.values()}
        for md5, folders in foreign.items():
            # A folder that a former stage wrote: its files are named after the video too.
            old = not folders.isdisjoint(made)
            for name, file in self.listings[md5].items():
                if not (old and file in self.found and self._is_after_video(name)):
                    needed.add(file)
        return needed | (others.keys() - foreign.keys()) | set(self._needed_here())

    def _needed_here(self) -> Iterator[str]:
        for row in self.project.state.read_ledger():
            if row.key not in self.traces.keys:
                yield from _files(row.outputs)
        others = {other.stem for other in self.project.videos.values() if other.name != self.video.name}
        for (_, stem), recipe in self.project.recipe_store.recipes.items():
            if stem in others or stem not in self.traces.stems:
                yield from _files(recipe.outputs)
        for other in self.project.videos.values():
            if other.name != self.video.name and other.md5 is not None:
                yield other.md5

    def _belongs(self, folder: str, name: str, file: str) -> bool:
        """Whether an entry of a listing belongs to the video."""
        if folder == RAW_FOLDER:
            return self._is_raw(name)
        if folder.startswith(f"{RECIPE_FOLDER}/"):
            stem = name.removesuffix(RECIPE_SUFFIX)
            known = stem != name and stem in self.traces.stems
            return file in self.mine or (known and stem not in self.claimed and self._parse(file) is None)
        kind = self.kinds.get(folder)
        if kind is None:
            return False
        if folder == REPORTS and file in self.pages:
            return True
        if kind.is_folder:
            stem = name.partition("/")[0]
            return stem in self.traces.flat_stems and (stem not in self.flat_claimed or file in self.found)
        stem = name.removesuffix(kind.suffix)
        return stem in self.traces.stems and (stem not in self.claimed or file in self.found)

    @cached_property
    def kinds(self) -> dict[str, ArtifactKind]:
        """Artifact folder to kind, of the artifacts per video."""
        return {kind.folder: kind for d in self.project.declarations if not d.over_dataset for kind in d.outputs}

    @cached_property
    def flat_claimed(self) -> set[str]:
        """`claimed` as stems of folders; used only after all recipes have been searched."""
        return {stem.replace("/", "__") for stem in self.claimed}

    def _is_after_video(self, name: str) -> bool:
        """Whether a file is named after the video, with any suffix."""
        return name.startswith(
            tuple(f"{stem}{end}" for stem in self.traces.stems | self.traces.flat_stems for end in "./")
        )

    def _is_raw(self, relative: str) -> bool:
        return normalize_path(relative) == normalize_path(self.video.relative)

    def _note(self, md5: str, size: int | None, folder: str) -> None:
        if md5 not in self.found or self.found[md5][0] is None:
            if size is None and (mark := read_mark(self.storage.objects.object_path(md5))) is not None:
                size = mark.size
            self.found[md5] = (size, folder)

    def _parse(self, md5: str) -> Recipe | None:
        if md5 not in self._parsed:
            try:
                text = self.storage.objects.object_path(md5).read_text(encoding="utf-8")
            except (OSError, ValueError):
                text = ""
            self._parsed[md5] = parse_recipe(text)
        return self._parsed[md5]


def _files(outputs: Mapping[str, Mapping[str, tuple[str, int]]]) -> Iterable[str]:
    return (md5 for files in outputs.values() for md5, _ in files.values())
