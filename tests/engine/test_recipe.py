"""Recipes that somebody, or a damage, changed: no traceback, and no belief where they contradict themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tasks.recipe import Ingredients, Recipe, difference

MADE_OF = Ingredients("count", {"words": "abc"}, {"letter": "a"}, {"tasks.x": "1"}, {"w": "2"}, {"numpy": "3"})
GOOD = Recipe(MADE_OF.key, MADE_OF, {"": "md5"}, None)
FAULT = Recipe(MADE_OF.key, MADE_OF, {}, "empty file")


def changed(recipe: Recipe, path: Path, where: tuple[str, ...], value: Any) -> Recipe | None:
    recipe.save(path)
    fields = json.loads(path.read_text())
    part = fields
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    path.write_text(json.dumps(fields))
    return Recipe.load(path)


@pytest.mark.parametrize("recipe", [GOOD, FAULT])
def test_what_was_saved_is_loaded(recipe: Recipe, tmp_path: Path) -> None:
    recipe.save(tmp_path / "a.recipe.json")
    assert Recipe.load(tmp_path / "a.recipe.json") == recipe


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("key",), 3),
        (("output",), []),
        (("output",), {"": 3}),
        (("error",), 3),
        (("error",), "boo"),
        (("ingredients",), []),
        (("ingredients", "stage"), None),
        (("ingredients", "params"), []),
        (("ingredients", "inputs"), "x"),
        (("ingredients", "code"), {"tasks.x": None}),
        (("ingredients", "weights"), 3),
        (("ingredients", "libraries"), None),
        (("ingredients", "more"), {}),
    ],
)
def test_a_recipe_of_another_shape_counts_as_none(where: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    assert changed(GOOD, tmp_path / "a.recipe.json", where, value) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PLACES = [("key",), ("output",), ("error",), ("ingredients",)]
INSIDE = [("ingredients", name) for name in ("stage", "params", "inputs", "code", "weights", "libraries", "odd")]


@settings(max_examples=100)
@given(st.sampled_from([GOOD, FAULT]), st.sampled_from([*PLACES, *INSIDE]), VALUES)
def test_whatever_loads_can_be_compared(
    tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, where: tuple[str, ...], value: Any
) -> None:
    found = changed(recipe, tmp_path_factory.mktemp("recipe") / "a.recipe.json", where, value)
    if found is not None:
        assert isinstance(difference(found.ingredients, MADE_OF), str)
        assert isinstance(found.ingredients.key, str)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"[]", b"null", b"3", b"{}"])
def test_any_bytes_are_a_recipe_or_none(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.recipe.json").write_bytes(data)
    assert Recipe.load(tmp_path / "a.recipe.json") is None
