"""YAML as DVC reads and writes it."""

from __future__ import annotations

import io
import string

import pytest
from dvc.utils.serialize import dumps_yaml, loads_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.engine.dvc_store.yaml_text import parse_yaml, render_mapping
from tasks.errors import SemflowError

WORDS = [
    "yes",
    "on",
    "No",
    "null",
    "~",
    "true",
    "1e5",
    "1e-5",
    "010",
    "0o17",
    "0x1f",
    "1_000",
    "12:30",
    "=",
    ".inf",
    "1.",
]
WORDS += [
    "2020-01-01",
    "a: b",
    "a #b",
    "- a",
    "a - b",
    "-a",
    "",
    " a",
    "a ",
    "a\nb",
    "ü",
    "日本",
    "x" * 90,
    "ab " * 40 + "c",
]
WORDS += [
    "0123456789" * 3 + "12",
    "0" * 28 + "1e12",
    "0b" + "01" * 15,
    "d" * 32 + ".dir",
    "a/b c/d.txt",
    "{a}",
    "!t",
    "a, b",
]
texts = st.sampled_from(WORDS) | st.text(string.ascii_letters + string.digits + " ._-/:#'\"é~=@+,[]", max_size=100)
scalars = texts | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
keys = texts.filter(lambda text: len(text) < 60)  # ruamel.yaml folds longer ones, and cannot read them again
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(texts, values, min_size=1, max_size=4), st.sampled_from([0, 2]))
@example({"path": "data/" + "a" * 70, "md5": "1" * 32}, 2)
def test_any_mapping_is_written_as_dvc_writes_it(data: dict[str, object], indent: int) -> None:
    expected = dumps_yaml({"x": data}).removeprefix("x:\n") if indent else dumps_yaml(data)
    assert render_mapping(data, indent) == expected


@given(st.dictionaries(keys, values, min_size=1, max_size=4))
@settings(max_examples=40)
def test_what_dvc_writes_is_read_as_dvc_reads_it(data: dict[str, object]) -> None:
    text = dumps_yaml(data)
    assert parse_yaml(text, "x", "")[0] == loads_yaml(text)


@pytest.mark.parametrize(
    "word", ["yes", "off", "12:30", "1e-5", "1e5", "010", "0o17", "-0x1F", "1_0", ".5", "+1", "~", "Null", "y"]
)
def test_a_plain_scalar_has_the_same_type_as_in_dvc(word: str) -> None:
    assert parse_yaml(f"a: {word}", "x", "")[0] == loads_yaml(f"a: {word}")


def test_a_shared_value_is_written_twice_without_alias() -> None:
    shared = ["ü"]
    stream = io.StringIO(render_mapping({"a": shared, "b": shared}))
    assert loads_yaml(stream.read()) == {"a": ["ü"], "b": ["ü"]}
    assert "&" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", "file:2 must be YAML, got a merge conflict; do this"),
        ("a: 1\nb: [\n", "file:3 must be YAML"),
        ("a: 1\nb: 2\na: 3\n", "file:3 must be YAML, got the key 'a' occurs twice"),
        ("a: !unknown 1\n", "file:1 must be YAML"),
        ("a: \x07\n", "file must be YAML"),
        ("[" * 5000, "file"),
    ],
)
def test_damage_is_reported_with_file_and_line(text: str, words: str) -> None:
    with pytest.raises(SemflowError) as raised:
        parse_yaml(text, "file", "do this")
    assert str(raised.value).startswith(words)
    assert "do this" in str(raised.value)
