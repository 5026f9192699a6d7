"""Limits on names, sizes and imports that keep the code readable; see CONTRIBUTING.md, "Style"."""

from __future__ import annotations

import re

from tests.repository import code_measures as measures

MAX_ONE_WORD, MAX_PARTICIPLES = 0.35, 0.03
"""Shares of public function names that are one word, or a past participle without a noun."""
MAX_CIRCLES, MAX_FILE_LINES, MAX_FUNCTION_LINES = 2, 300, 60


def test_most_function_names_are_a_verb_and_a_noun() -> None:
    assert measures.one_word_share() <= MAX_ONE_WORD


def test_few_function_names_are_past_participles() -> None:
    public = [function for function in measures.functions() if function.is_public and not function.is_property]
    assert len(measures.participles()) <= MAX_PARTICIPLES * len(public), measures.participles()


def test_a_class_name_stands_in_one_module() -> None:
    assert measures.repeated_classes() == {}


def test_a_module_name_stands_in_one_package() -> None:
    assert measures.repeated_modules() == {}


def test_modules_import_each_other_one_way() -> None:
    circles = measures.import_circles()
    assert len(circles) <= MAX_CIRCLES, circles


def test_files_are_short() -> None:
    assert {name: count for name, count in measures.line_counts().items() if count >= MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    long = [f"{one.module}.{one.name}" for one in measures.functions() if one.lines >= MAX_FUNCTION_LINES]
    assert long == []


def test_limits_are_named_min_and_max() -> None:
    paths = [path for package in measures.PACKAGES for path in (measures.ROOT / package).rglob("*.py")]
    found = {
        f"{path.relative_to(measures.ROOT)}: {name}"
        for path in paths
        for name in re.findall(r"\b_?(?:LEAST|MOST)_\w+", path.read_text(encoding="utf-8"))
    }
    assert found == set()
