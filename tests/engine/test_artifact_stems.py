"""Stems: every artifact has a unique path on every kind of disk, and none is outside its folder."""

from __future__ import annotations

import hashlib
import posixpath
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.engine import artifact_stems as module
from flows.engine.artifact_stems import ENDINGS, FLAT_ENDINGS, MAX_BYTES, RESERVED, assign_stems


def suffixed(text: str, name: str) -> str:
    return f"{text}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@pytest.mark.parametrize(
    "name",
    ["walk", "day1/cam 2/GX010001", "take #1 50%", "a&b;c=d+e", "x.mp4", "1.2.840.1", "plié", "第1天/演员", "caf%E9",
     "concert/common", "dataset", "a.recipe", "x~y"],
)  # fmt: skip
def test_a_usual_name_is_its_own_stem(name: str) -> None:
    assert assign_stems([name], flat=False) == {name: name}
    assert assign_stems([name], flat=True) == {name: name.replace("/", "__")}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("what?", "what_"),
        ("a:b*c", "a_b_c"),
        ("back\\slash", "back_slash"),
        ("line\nbreak", "line_break"),
        ("x.", "x_"),
        ("day 1 /x", "day 1_/x"),
        ("../x", "__/x"),
        ("a/../../x", "a/__/__/x"),
        ("/etc/x", "_/etc/x"),
        (".hidden/x", "_hidden/x"),
        ("con", "con_"),
        ("Nul.x/y", "Nul_.x/y"),
        ("x~0123abcd", "x_0123abcd"),
        ("x~\ufb00\ufb00\ufb00\ufb00/y", "x_\ufb00\ufb00\ufb00\ufb00/y"),
        ("e\u0301", "é"),
    ],
)
def test_characters_that_some_disks_do_not_allow_are_replaced_and_marked(name: str, text: str) -> None:
    assert assign_stems([name], flat=False) == {name: suffixed(text, name)}


def test_long_names_are_cut_to_whole_characters() -> None:
    names = ["é" * 100, "é" * 99 + "a", "a" * 180, f"{'b' * 181}/x"]
    made = assign_stems(names, flat=False)
    assert made[names[2]] == names[2]
    assert made[names[0]] == suffixed("é" * 85, names[0])
    assert made[names[3]] == suffixed(f"{'b' * 180}/x", names[3])
    assert all(len(part.encode()) <= MAX_BYTES for stem in made.values() for part in stem.split("/"))
    deep = "/".join(["folder"] * 40)
    assert len(assign_stems([deep], flat=True)[deep]) <= MAX_BYTES


@pytest.mark.parametrize(
    "names",
    [["X", "x"], ["day/X", "DAY/x"], ["straße", "strasse"], ["ﬁlm", "film"], ["É", "é"]],
)
def test_names_that_are_equal_without_case_are_all_marked(names: list[str]) -> None:
    made = assign_stems([*names, "other"], flat=False)
    assert made == {name: suffixed(name, name) for name in names} | {"other": "other"}


def test_a_file_never_has_the_path_of_another_videos_folder() -> None:
    assert assign_stems(["x", "x/y"], flat=False) == {"x": "x", "x/y": "x/y"}
    assert assign_stems(["x", "x/y"], flat=True) == {"x": "x", "x/y": "x__y"}
    assert assign_stems(["x", "X.Parquet/y"], flat=False) == {"x": suffixed("x", "x"), "X.Parquet/y": "X.Parquet/y"}
    both = ["a", "a.recipe.json"]
    assert assign_stems(both, flat=False) == {name: name for name in both}
    assert assign_stems(both, flat=True) == {name: suffixed(name, name) for name in both}


def test_names_that_only_flattening_makes_equal_are_marked() -> None:
    names = ["x/y", "x__y"]
    assert assign_stems(names, flat=True) == {name: suffixed("x__y", name) for name in names}


@pytest.mark.parametrize("name", [*RESERVED, "Index.HTML"])
def test_a_reserved_name_is_marked(name: str) -> None:
    assert assign_stems([name], flat=True) == {name: suffixed(name, name)}
    assert assign_stems([name], flat=False) == {name: name}


def test_the_caller_may_reserve_more() -> None:
    assert assign_stems(["Mine", "mine/x"], flat=False, reserved=["mine"]) == {
        "Mine": suffixed("Mine", "Mine"),
        "mine/x": suffixed("mine_1/x", "mine/x"),
    }
    assert assign_stems(["x"], flat=False, reserved=["x.parquet"]) == {"x": suffixed("x", "x")}


def test_names_with_equal_first_digits_get_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Poor:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def hexdigest(self) -> str:
            return "0" * 8 + hashlib.md5(self.data).hexdigest() * 2

    monkeypatch.setattr(module, "hashlib", type("", (), {"sha256": Poor}))
    made = assign_stems(["X", "x", "a?"], flat=False)
    assert sorted(len(stem) for stem in made.values()) == [2 + 1 + 8, 1 + 1 + 16, 1 + 1 + 16]


def test_no_suffix_is_the_end_of_another() -> None:
    for endings in (ENDINGS, FLAT_ENDINGS):
        assert not [(a, b) for a in endings for b in endings if a != b and a.endswith(b)]


def test_the_suffixes_are_those_of_the_artifacts() -> None:
    from flows.engine.recipe import RECIPE_SUFFIX
    from flows.pipeline import STAGES

    suffixes = {kind.SUFFIX for stage in STAGES for kind in stage.outputs}
    assert suffixes - {""} | {RECIPE_SUFFIX} <= set(ENDINGS)


LETTERS = ("é", "e\u0301", "É", "ﬁ", "fi", "İ", "i", "\u0131", "ß", "ss", "\ufb00", "\x00", "\udcff", "\u0345")
WORDS = ("__", "..", "~0123abcd", "index.html", "a", "a.recipe.json", ".parquet", "dataset", "con", "x" * 170)
PIECES = st.sampled_from([*"/.~_%xX :?", *LETTERS, *WORDS])
NAMES = st.sets(st.lists(PIECES, min_size=1, max_size=5).map("".join), max_size=10)


def folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


@pytest.mark.parametrize("fold", [folded, lambda path: unicodedata.normalize("NFD", path).casefold()])
@given(names=NAMES, flat=st.booleans())
@example(names={"a", "a.recipe.json", "a~ca978112", "A"}, flat=True)
@example(names={"x", "x~2d711642.parquet/y", "X", "x.parquet/y"}, flat=False)
def test_stems_are_valid_and_unique_on_every_disk(fold: Callable[[str], str], names: set[str], flat: bool) -> None:
    made = assign_stems(names, flat=flat)
    assert made == assign_stems(sorted(names, reverse=True), flat=flat)
    assert set(made) == names
    folders: set[str] = set()
    files: list[str] = []
    for stem in made.values():
        parts = stem.split("/")
        assert posixpath.normpath(stem) == stem
        assert all(0 < len(part.encode()) <= MAX_BYTES for part in parts)
        assert not any(part.startswith(".") or part.endswith((".", " ")) for part in parts)
        assert unicodedata.is_normalized("NFC", stem)
        assert not flat or "/" not in stem
        above = ["/".join(parts[:n]) for n in range(1, len(parts))]
        folders |= {fold(folder) for folder in ([stem] if flat else above)}
        files += [fold(stem + ending) for ending in (FLAT_ENDINGS if flat else ENDINGS)]
    assert len({fold(stem) for stem in made.values()}) == len(names)
    assert len(set(files)) == len(files)
    assert not folders & set(files)
    if flat:
        assert not (folders | set(files)) & {fold(name) for name in RESERVED}
