"""Recipe files: only unmodified texts that the engine wrote are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.engine.recipe import Method, Recipe, compare_methods, parse_method, parse_outputs, parse_recipe

MD5 = hashlib.md5(b"x").hexdigest()
WORD = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=8)
NAME = WORD.filter(lambda word: word not in (".", ".."))


def make(outputs: Mapping[str, Mapping[str, tuple[str, int]]], error: str | None = None) -> Recipe:
    return Recipe("a", "track", "0" * 64, {"frames": MD5}, outputs, error)


@given(st.dictionaries(st.one_of(st.just(""), NAME), st.tuples(st.just(MD5), st.integers(0, 2**40))))
def test_written_values_are_read_back(files: dict[str, tuple[str, int]]) -> None:
    recipe = make({"data/tracks": files})
    assert parse_recipe(recipe.to_text()) == recipe


@pytest.mark.parametrize("field", ["video", "stage", "key", "method", "inputs", "outputs", "error", "seal"])
def test_an_edit_of_any_field_is_detected(field: str) -> None:
    fields = json.loads(make({"data/tracks": {"": (MD5, 1)}}).to_text())
    fields[field] = {"inputs": {"frames": "0"}, "outputs": {"data/tracks": {}}}.get(field, "edited")
    assert parse_recipe(json.dumps(fields)) is None


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "a//b", "a\\..\\b", "./a", ".."])
def test_a_file_outside_the_artifact_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be a file below its artifact"):
        parse_outputs({"reports": {name: [MD5, 1]}})
    assert parse_recipe(make({"reports": {name: (MD5, 1)}}).to_text()) is None, "also where the seal is right"


@pytest.mark.parametrize("file", [["0" * 31, 1], [MD5.upper(), 1], [MD5, -1], [MD5, "1"]])
def test_invalid_hashes_and_sizes_are_refused(file: list[object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse_outputs({"data/tracks": {"": file}})


@given(st.text(max_size=60))
def test_any_text_is_a_recipe_or_none(text: str) -> None:
    assert parse_recipe(text) is None
    assert parse_method(text) is None


def test_differences_are_named_with_both_values() -> None:
    old = Method("track", {"max_gap": 10}, {"tasks.a": "1", "tasks.b": "1"}, {"yolo": "a" * 64}, {"scipy": "1"}, "")
    new = Method("track", {"max_gap": 99, "new": 1}, {"tasks.a": "2"}, {"yolo": "b" * 64}, {"scipy": "2"}, "cpu-avx512")
    assert compare_methods(old, new, lambda module, _, __: f"{module}: predict changed") == [
        "parameter max_gap: 10 -> 99",
        "parameter new: none -> 1",
        "code tasks.a: predict changed",
        "code tasks.b is gone",
        f"weights yolo: {'a' * 12} -> {'b' * 12}",
        "library scipy: 1 -> 2",
        "device: any -> cpu-avx512",
    ]
