"""One version of a data set by its recipes: a working copy, or a revision as `dvc.lock` recorded it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from flows.engine.dvc_store.yaml_text import parse_yaml
from flows.engine.file_marks import scan_folder
from flows.engine.recipe import METHOD_SUFFIX, RECIPE_FOLDER, RECIPE_SUFFIX, Method, Recipe, parse_method, parse_recipe
from flows.reading.artifact_source import ArtifactSource
from tasks.content_hash import combine_hashes

PARAMS_FILE = "params.yaml"
REMEDY = "mend it, or choose another revision"


@dataclass(frozen=True)
class RecordedVersion:
    """The recipes, methods and parameters of a version; objects are read when they are asked for, each once."""

    source: ArtifactSource
    _texts: dict[str, str] = field(default_factory=dict[str, str])
    """MD5 to the text of a recipe or method that was read."""
    _files: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """Stage to what `list_files` gives."""

    @property
    def title(self) -> str:
        """The revision, or "working copy"."""
        return self.source.title.rpartition(" at ")[2] if self.source.commit else "working copy"

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The stages that have recipes, in the order in which they were recorded."""
        found = dict.fromkeys(name for name in self.source.records if self.list_files(name))
        folder = self.source.root / RECIPE_FOLDER
        if self.source.is_working_copy and folder.is_dir():
            found |= dict.fromkeys(sorted(path.name for path in folder.iterdir() if path.is_dir()))
        return tuple(found)

    def list_files(self, stage: str) -> Mapping[str, str]:
        """File name to MD5, of the recipes and methods of a stage."""
        if stage not in self._files:
            self._files[stage] = self._find_files(stage)
        return self._files[stage]

    def _find_files(self, stage: str) -> Mapping[str, str]:
        folder = f"{RECIPE_FOLDER}/{stage}"
        here = self.source.root / folder
        if not self.source.is_working_copy or not here.is_dir():
            return self.source.list_recorded(folder)
        found: dict[str, str] = {}
        for name in sorted(scan_folder(here)):
            if name.endswith((RECIPE_SUFFIX, METHOD_SUFFIX)):
                data = (here / name).read_bytes()
                md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
                self._texts[md5] = data.decode("utf-8", "replace")
                found[name] = md5
        return found

    def list_recipes(self, stage: str) -> dict[str, str]:
        """Stem to the MD5 of its recipe, of a stage."""
        return {
            name.removesuffix(RECIPE_SUFFIX): md5
            for name, md5 in self.list_files(stage).items()
            if name.endswith(RECIPE_SUFFIX)
        }

    def read_recipes(self, stage: str, stems: Iterable[str]) -> dict[str, Recipe]:
        """Stem to recipe; those that were edited or that do not exist are left out."""
        files = self.list_recipes(stage)
        wanted = {stem: files[stem] for stem in stems if stem in files}
        texts = self._read(wanted.values(), f"recipes of {stage}")
        found = {stem: parse_recipe(texts[md5]) for stem, md5 in wanted.items()}
        return {stem: recipe for stem, recipe in found.items() if recipe is not None}

    def read_methods(self, stage: str, digests: Iterable[str]) -> dict[str, Method]:
        """Digest to method of a stage; those that are not recorded are left out."""
        files = self.list_files(stage)
        wanted = {digest: md5 for digest in digests if (md5 := files.get(f"{digest}{METHOD_SUFFIX}")) is not None}
        texts = self._read(wanted.values(), f"methods of {stage}")
        found = {digest: parse_method(texts[md5]) for digest, md5 in wanted.items()}
        return {digest: method for digest, method in found.items() if method is not None}

    @cached_property
    def params(self) -> dict[str, Any]:
        """The sections of params.yaml; {} where there is none."""
        text = self.read_text(PARAMS_FILE)
        data, _ = parse_yaml(text or "", f"{PARAMS_FILE} of {self.title}", REMEDY)
        return data if isinstance(data, dict) else {}

    def read_text(self, path: str) -> str | None:
        """The text of a file that git tracks; None where there is none."""
        source = self.source
        if source.is_working_copy or source.repository is None:
            file = source.root / path
            return file.read_text(encoding="utf-8") if file.is_file() else None
        return source.repository.read_text(source.commit, path)

    def list_names(self, folder: str) -> list[str]:
        """The names of the JSON files of a folder that git tracks, sorted; [] where there is none."""
        source = self.source
        if source.is_working_copy or source.repository is None:
            names = [path.name for path in (source.root / folder).glob("*.json")]
        else:
            names = source.repository.list_names(source.commit, folder)
        return sorted(name for name in names if name.endswith(".json"))

    def _read(self, md5s: Iterable[str], what: str) -> Mapping[str, str]:
        lacking = {md5 for md5 in md5s if md5 not in self._texts}
        for md5, path in self.source.fetch_objects(lacking, what).items():
            self._texts[md5] = Path(path).read_text(encoding="utf-8")
        return self._texts


def list_contents(recipe: Recipe) -> dict[str, str]:
    """Artifact folder to the content hash of the item's artifact there, as other recipes name it among their inputs."""
    return {
        folder: combine_hashes({name: md5 for name, (md5, _) in files.items()})
        for folder, files in recipe.outputs.items()
    }
