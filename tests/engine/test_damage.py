"""Edited or damaged recipes and methods: the plan reports them, does not use them, and never raises."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.engine.item_state import ItemState
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.recipe import METHOD_SUFFIX, RECIPE_SUFFIX, recipe_path
from flows.engine.run import run_stale_items
from tests.engine import toys

Reopen = Callable[[], Project]
EDITED = "its recipe was edited or is damaged"
METHOD_EDITED = "its method was edited or is missing"
STAGES = ("read", "count", "repeat", "join")


@pytest.fixture
def made(project_root: Path, reopen: Reopen) -> Path:
    """A project in which everything is made."""
    assert run_stale_items(reopen()).is_good
    toys.CALLS.clear()
    return project_root


def plan_of(root: Path) -> dict[Item, ItemState]:
    project = Project.open(root, toys.TOYS)
    try:
        return Plan.examine_project(project).states
    finally:
        project.close()


def to_make(states: dict[Item, ItemState]) -> dict[str, str]:
    """Item to reason, of what is stale by itself and does not only wait for something that is."""
    return {
        str(item): state.reason
        for item, state in states.items()
        if state.status == "stale" and not state.reason.startswith("waits for")
    }


def all_data(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((root / "data").rglob("*")) if path.is_file()}


def heals(root: Path, called: list[str], data: dict[str, bytes]) -> None:
    """A run makes what was damaged, and no more; then all is as it was."""
    toys.CALLS.clear()
    assert run_stale_items(Project.open(root, toys.TOYS)).is_good
    assert sorted(toys.CALLS) == sorted(called)
    assert all_data(root) == data
    assert {state.status for state in plan_of(root).values()} == {"fresh"}


EDITS: dict[str, Any] = {
    "video": "two",
    "stage": "repeat",
    "key": "0" * 64,
    "method": "0" * 64,
    "inputs": {"words": "0" * 32},
    "outputs": {"data/counts": {"": ["0" * 32, 1]}},
    "error": "boo",
    "measures": {"letters": 3},
    "seal": "0" * 64,
}


@pytest.mark.parametrize("field", EDITS)
def test_an_edited_recipe_is_ignored(made: Path, field: str) -> None:
    data = all_data(made)
    path = recipe_path(made, "count", "one")
    fields = json.loads(path.read_text())
    assert fields.keys() == EDITS.keys() and fields[field] != EDITS[field]
    path.write_text(json.dumps({**fields, field: EDITS[field]}))
    assert to_make(plan_of(made)) == {"count one": EDITED}
    heals(made, ["count"], data)


def sealed(fields: dict[str, Any]) -> str:
    body = {name: value for name, value in fields.items() if name != "seal"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return json.dumps({**body, "seal": hashlib.sha256(text.encode()).hexdigest()})


WRONG: tuple[Any, ...] = (None, True, 7, -1.5, "", "x", [], ["x"], [["x", 1]], {}, {"x": None}, {"x": {"": "y"}})


@pytest.mark.parametrize("field", [name for name in EDITS if name != "seal"])
def test_a_recipe_of_the_wrong_form_is_none_even_where_its_seal_is_right(made: Path, field: str) -> None:
    path = recipe_path(made, "count", "one")
    text = path.read_text()
    fields = json.loads(text)
    for wrong in WRONG:
        if wrong == fields[field] or (field in ("error", "video") and isinstance(wrong, str)):
            continue
        path.write_text(sealed({**fields, field: wrong}))
        states = plan_of(made)
        assert to_make(states).keys() == {"count one"}, wrong
        assert {state.status for state in states.values()} == {"fresh", "stale"}
    path.write_text(text)
    assert to_make(plan_of(made)) == {}


GARBAGE = {
    "empty": b"",
    "null": b"null",
    "number": b"7",
    "list": b"[]",
    "object": b"{}",
    "text": b'"x"',
    "half": b'{"error": null, "inp',
    "zeros": bytes(500),
    "no UTF-8": b"\xff\xfe\x00garbage",
    "deep": b"[" * 200_000,
    "deep and closed": b"[" * 200_000 + b"]" * 200_000,
    "long number": b"1" * 10_000,
    "seal of no kind": b'{"seal": {"a": []}}',
    "conflict": b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n",
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_file_that_is_no_recipe_is_recomputed(made: Path, kind: str) -> None:
    data = all_data(made)
    recipe_path(made, "count", "one").write_bytes(GARBAGE[kind])
    assert to_make(plan_of(made)) == {"count one": EDITED}
    assert to_make(plan_of(made)) == {"count one": EDITED}, "asked a second time, too"
    heals(made, ["count"], data)


def test_a_missing_recipe_is_recomputed(made: Path) -> None:
    data = all_data(made)
    recipe_path(made, "count", "one").unlink()
    assert to_make(plan_of(made)) == {"count one": "never made"}
    heals(made, ["count"], data)


def test_a_folder_in_the_place_of_a_recipe_is_no_recipe(made: Path) -> None:
    path = recipe_path(made, "count", "one")
    path.unlink()
    path.mkdir()
    assert to_make(plan_of(made)) == {"count one": "never made"}
    assert run_stale_items(Project.open(made, toys.TOYS)).is_good
    assert path.is_file()


def test_the_recipe_of_another_video_is_not_believed(made: Path) -> None:
    shutil.copy(recipe_path(made, "count", "two"), recipe_path(made, "count", "one"))
    assert to_make(plan_of(made)).keys() == {"count one"}


def test_the_damaged_recipe_of_a_video_whose_raw_file_is_here_changes_no_other_file(made: Path) -> None:
    data = all_data(made)
    recipe_path(made, "read", "one").write_text("garbage")
    assert to_make(plan_of(made)) == {"read one": EDITED}
    heals(made, ["read one"], data)


def the_method(root: Path, stage: str) -> Path:
    (path,) = (root / "data/recipes" / stage).glob(f"*{METHOD_SUFFIX}")
    return path


METHOD_EDITS: dict[str, Any] = {
    "stage": "repeat",
    "params": {"letter": "99"},
    "code": {"tests.engine.toys": "0" * 16},
    "weights": {"yolo": "0" * 64},
    "libraries": {"numpy": "1.0"},
    "device": "cuda",
}


@pytest.mark.parametrize("field", METHOD_EDITS)
def test_a_method_that_was_edited_proves_nothing(made: Path, field: str) -> None:
    data = all_data(made)
    path = the_method(made, "count")
    fields = json.loads(path.read_text())
    assert fields.keys() == METHOD_EDITS.keys() and fields[field] != METHOD_EDITS[field]
    path.write_text(json.dumps({**fields, field: METHOD_EDITS[field]}))
    assert to_make(plan_of(made)) == {"count one": METHOD_EDITED, "count two": METHOD_EDITED}
    heals(made, ["count"], data)  # with the first of them the method is back, which proves the second


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_file_that_is_no_method_is_written_again(made: Path, kind: str) -> None:
    data = all_data(made)
    the_method(made, "count").write_bytes(GARBAGE[kind])
    assert to_make(plan_of(made)) == {"count one": METHOD_EDITED, "count two": METHOD_EDITED}
    heals(made, ["count"], data)


def test_what_is_neither_recipe_nor_method_does_not_matter(made: Path) -> None:
    folder = made / "data/recipes/count"
    for name in (".DS_Store", ".one.recipe.json.swp", "notes.txt", "one.recipe.json~", "x.json"):
        (folder / name).write_bytes(b"\x00garbage")
    (folder / ".partial").mkdir(exist_ok=True)
    assert to_make(plan_of(made)) == {}


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that is made once, whose files are as they were after each example."""
    root = tmp_path_factory.mktemp("unchanged")
    (root / "data/raw").mkdir(parents=True)
    (root / "params.yaml").write_text(toys.PARAMS)
    for name, text in (("one", "banana"), ("two", "cat")):
        (root / f"data/raw/{name}.mp4").write_text(text)
    assert run_stale_items(Project.open(root, toys.TOYS)).is_good
    data = all_data(root)
    yield root
    assert all_data(root) == data


@given(chosen=st.integers(0), position=st.integers(0), change=st.integers(1, 255))
def test_a_changed_byte_of_a_recipe_or_method_concerns_its_items_or_nothing(
    unchanged: Path, chosen: int, position: int, change: int
) -> None:
    files = sorted((unchanged / "data/recipes").rglob("*.json"))
    assert len(files) == 12
    path = files[chosen % len(files)]
    before = path.read_bytes()
    after = bytearray(before)
    after[position % len(after)] ^= change
    stage, stem = path.parent.name, path.name.removesuffix(RECIPE_SUFFIX)
    items = {f"{stage} {stem}"} if path.name.endswith(RECIPE_SUFFIX) else {f"{stage} one", f"{stage} two"}
    try:
        path.write_bytes(after)
        states = plan_of(unchanged)
        assert set(to_make(states)) in (items, set())
        assert {state.status for state in states.values()} <= {"fresh", "stale"}
        if set(to_make(states)) != items:
            assert {state.status for state in states.values()} == {"fresh"}
            assert json.loads(after) == json.loads(before), "what is believed says the same"
    finally:
        path.write_bytes(before)
