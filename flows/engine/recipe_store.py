"""All recipes and methods of a project; a file is read again only when its mark has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.atomic_files import write_into_place
from flows.engine.file_marks import FileMark, read_mark, scan_folder
from flows.engine.recipe import (
    METHOD_SUFFIX,
    RECIPE_FOLDER,
    RECIPE_SUFFIX,
    Method,
    Recipe,
    parse_method,
    parse_recipe,
    parse_trusted_recipe,
)
from flows.engine.state import State, is_mark_stable


@dataclass
class RecipeStore:
    """The recipes on this machine by stage and stem, and the methods by stage and digest."""

    root: Path
    state: State
    recipes: dict[tuple[str, str], Recipe] = field(default_factory=dict[tuple[str, str], Recipe])
    invalid: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Files that are not valid recipes or were edited, by stage and stem, to a description of the problem."""
    methods: dict[tuple[str, str], Method] = field(default_factory=dict[tuple[str, str], Method])
    _files: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict[str, dict[str, tuple[str, int]]])
    """Stage to file name to MD5 and size in bytes."""

    @classmethod
    def load(cls, root: Path, state: State, stages: Iterable[str]) -> RecipeStore:
        """Read every recipe and method of `stages` in the project at `root`."""
        store = cls(root, state)
        known = state.read_recipe_texts()
        new: dict[str, tuple[FileMark, str]] = {}
        for stage in stages:
            folder = f"{RECIPE_FOLDER}/{stage}/"
            for name, mark in scan_folder(root / folder).items():
                path = folder + name
                before = known.get(path)
                if before is not None and before[0] == mark:
                    store._load_file(stage, name, before[1], trusted=True)
                    continue
                text = _read(root / path)
                if store._load_file(stage, name, text, trusted=False) and is_mark_stable(mark):
                    new[path] = (mark, text)
        state.save_recipe_texts(new)
        return store

    def write_recipe(self, stem: str, recipe: Recipe, method: Method) -> None:
        """Write a recipe file; its method file is written first."""
        known = self.methods.get((recipe.stage, method.digest))
        path = f"{RECIPE_FOLDER}/{recipe.stage}/{method.digest}{METHOD_SUFFIX}"
        if known is None or not (self.root / path).is_file():
            self._write_file(path, method.to_text())
            self.methods[recipe.stage, method.digest] = method
        self._write_file(f"{RECIPE_FOLDER}/{recipe.stage}/{stem}{RECIPE_SUFFIX}", recipe.to_text())
        self.recipes[recipe.stage, stem] = recipe
        self.invalid.pop((recipe.stage, stem), None)

    def remove_recipe(self, stage: str, stem: str) -> None:
        """Remove a recipe file, if it exists."""
        (self.root / RECIPE_FOLDER / stage / f"{stem}{RECIPE_SUFFIX}").unlink(missing_ok=True)
        self._files.get(stage, {}).pop(f"{stem}{RECIPE_SUFFIX}", None)
        self.recipes.pop((stage, stem), None)
        self.invalid.pop((stage, stem), None)

    def write_recipe_text(self, stage: str, stem: str, text: str) -> Recipe | None:
        """Write the text of a recipe from another machine unchanged; None, with nothing written, if it is invalid."""
        recipe = parse_recipe(text)
        if recipe is not None:
            self._write_file(f"{RECIPE_FOLDER}/{stage}/{stem}{RECIPE_SUFFIX}", text)
            self.recipes[stage, stem] = recipe
        return recipe

    def stage_recipes(self, stage: str) -> Mapping[str, Recipe]:
        """Stem to recipe, of one stage."""
        return {stem: recipe for (name, stem), recipe in self.recipes.items() if name == stage}

    def list_stage_files(self, stage: str) -> Mapping[str, tuple[str, int]]:
        """File name to MD5 and size in bytes, of the valid recipes and methods of a stage."""
        return self._files.get(stage, {})

    def find_unused_methods(self) -> list[tuple[str, str]]:
        """(stage, digest) of the methods that no recipe on this machine uses."""
        used = {(stage, recipe.method) for (stage, _), recipe in self.recipes.items()}
        return sorted(self.methods.keys() - used)

    def remove_methods(self, unused: Iterable[tuple[str, str]]) -> None:
        """Remove the files of these (stage, digest) methods."""
        for stage, digest in unused:
            (self.root / RECIPE_FOLDER / stage / f"{digest}{METHOD_SUFFIX}").unlink(missing_ok=True)
            self.methods.pop((stage, digest), None)
            self._files.get(stage, {}).pop(f"{digest}{METHOD_SUFFIX}", None)

    def _write_file(self, path: str, text: str) -> None:
        _, _, stage, name = path.split("/", 3)
        final = self.root / path
        # The next run removes a file that a killed run left beside.
        write_into_place(final, self.root / RECIPE_FOLDER / stage, text.encode())
        self._remember_file(stage, name, text)
        mark = read_mark(final)
        if mark is not None:
            self.state.save_recipe_texts({path: (mark, text)})

    def _load_file(self, stage: str, name: str, text: str, *, trusted: bool) -> bool:
        """Add the content of a file; False where it is not a recipe or method, or was edited.

        `trusted`: its checksums were verified before and the file has not changed.
        """
        if name.endswith(METHOD_SUFFIX):
            digest = name.removesuffix(METHOD_SUFFIX)
            method = parse_method(text)
            if method is None or (not trusted and method.digest != digest):
                return False
            self.methods[stage, digest] = method
            self._remember_file(stage, name, text)
            return True
        if not name.endswith(RECIPE_SUFFIX):
            return False
        stem = name.removesuffix(RECIPE_SUFFIX)
        recipe = parse_trusted_recipe(json.loads(text)) if trusted else parse_recipe(text)
        if recipe is None or recipe.stage != stage:
            self.invalid[stage, stem] = "its recipe was edited or is damaged"
            return False
        self.recipes[stage, stem] = recipe
        self._remember_file(stage, name, text)
        return True

    def _remember_file(self, stage: str, name: str, text: str) -> None:
        data = text.encode()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self._files.setdefault(stage, {})[name] = (md5, len(data))


def _read(path: Path) -> str:
    """Text of the file; "", which is not a valid recipe, where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
