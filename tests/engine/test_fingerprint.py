"""Fingerprints of code: which edits change them."""

from __future__ import annotations

import ast
import gc
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks import data_files, source_cache, source_code, syntax
from tasks import fingerprint as fp
from tasks.errors import SemflowError
from tasks.source_code import SourceCode, describe_code_changes


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `rooms` on the path: `rooms.a` imports `rooms.b` inside a function."""
    room = tmp_path / "rooms"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "a.py").write_text('"""Doc."""\n\ndef f():\n    from rooms.b import g\n    return g()\n')
    (room / "b.py").write_text("def g():\n    return 1\n")
    (room / "c.py").write_text("unrelated = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "rooms", raising=False)  # an earlier test's package, elsewhere
    monkeypatch.setattr(source_code, "PACKAGES", ("rooms",))
    yield room
    fp.clear_caches()


def fresh(module: str) -> dict[str, str]:
    fp.clear_caches()
    return dict(fp.fingerprint_module(module))


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def changes(module: str, path: Path, content: str | bytes) -> set[str]:
    """The entries of a fingerprint that writing `content` to `path` changes."""
    before = fresh(module)
    write(path, content)
    after = fresh(module)
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_imports_inside_functions_count(package: Path) -> None:
    assert {"rooms.a", "rooms.b"} <= fresh("rooms.a").keys()


def test_a_module_that_is_not_imported_does_not_count(package: Path) -> None:
    assert "rooms.c" not in fresh("rooms.a")


def test_a_change_behind_an_import_changes_that_entry_alone(package: Path) -> None:
    before = fresh("rooms.a")
    (package / "b.py").write_text("def g():\n    return 2\n")
    after = fresh("rooms.a")
    assert {name for name in before if before[name] != after[name]} == {"rooms.b"}


def test_comments_docstrings_and_layout_do_not_count(package: Path) -> None:
    before = fresh("rooms.a")
    (package / "a.py").write_text(
        textwrap.dedent('''\
        """Another text."""
        # a comment

        def f():
            """Says more."""
            from rooms.b import g   # here

            return g()
        ''')
    )
    assert fresh("rooms.a") == before


@pytest.mark.parametrize(
    "statement",
    [
        "from .c import x",
        "from . import c",
        "import rooms\nrooms.c.x()",
        "import rooms.c",
        "import rooms as r\nr.c.x()",
        "from rooms import c as other",
        "from rooms import *",
        "import importlib\nimportlib.import_module('rooms.c')",
        "import importlib as i\ni.import_module('.c', 'rooms')",
        "from importlib import import_module as load\nload('.c', package='rooms')",
        "from importlib import import_module\nimport_module('.c', __package__)",
        "__import__('rooms.c')",
        "TABLE = {'c': 'rooms.c'}",
    ],
)
def test_every_way_to_import_by_a_constant_name_counts(package: Path, statement: str) -> None:
    write(package / "a.py", statement + "\n")
    assert "rooms.c" in fresh("rooms.a")
    assert changes("rooms.a", package / "c.py", "unrelated = False\n") == {"rooms.c"}


def test_relative_imports_climb_out_of_a_package(package: Path) -> None:
    write(package / "deep/__init__.py", "from ..c import unrelated\n")
    write(package / "deep/d.py", "from ..b import g\nfrom ...outside import h\n")
    assert {"rooms.deep", "rooms.deep.d", "rooms.b", "rooms.c"} == fresh("rooms.deep.d").keys()


def test_code_in_the_packages_above_a_module_is_executed_and_counts(package: Path) -> None:
    write(package / "deep/__init__.py", "")
    write(package / "deep/d.py", "x = 1\n")
    write(package / "a.py", "from rooms.deep.d import x\n")
    assert fresh("rooms.a").keys() == {"rooms.a", "rooms.deep.d"}
    assert changes("rooms.a", package / "deep/__init__.py", "import os\nos.environ['X'] = '1'\n") == {"rooms.deep"}
    assert changes("rooms.a", package / "__init__.py", "from rooms import c\n") == {"rooms", "rooms.c"}


def test_a_package_without_a_file_is_passed_through(package: Path) -> None:
    write(package / "plain/d.py", "x = 1\n")
    write(package / "a.py", "from rooms.plain.d import x\n")
    assert "rooms.plain.d" in fresh("rooms.a")


def test_no_stage_imports_by_a_name_put_together_at_run_time() -> None:
    """It could not be seen."""
    from flows.pipeline import STAGES

    for module in {name for stage in STAGES for name in fp.find_import_closure(stage.module)}:
        for node in ast.walk(ast.parse(fp.find_source_file(module).read_bytes())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if called in ("import_module", "__import__"):
                    assert isinstance(node.args[0], ast.Constant), f"{module}:{node.lineno}: {called}"
                named = isinstance(node.func, ast.Name) and called in ("exec", "eval")
                assert not named and called not in ("spec_from_file_location", "run_path"), f"{module}:{node.lineno}"


@pytest.mark.parametrize("name", ["page.html", "fonts/x.woff", "fonts/deeper/x.woff", "Makefile", "tool/t.so"])
def test_a_data_file_beside_the_code_or_below_it_counts(package: Path, name: str) -> None:
    write(package / name, "one")
    assert changes("rooms.a", package / name, "two") == {f"rooms/{name}"}


def test_a_script_that_makes_data_does_not_hide_it(package: Path) -> None:
    write(package / "fonts/make.py", "print('made')\n")
    assert changes("rooms.a", package / "fonts/x.woff", "new") == {"rooms/fonts/x.woff"}


def test_data_of_a_package_below_counts_for_who_imports_it(package: Path) -> None:
    write(package / "deep/__init__.py", "")
    write(package / "deep/d.py", "x = 1\n")
    write(package / "deep/page.html", "one")
    assert "rooms/deep/page.html" not in fresh("rooms.a")
    write(package / "a.py", "from rooms.deep import d\n")
    assert changes("rooms.a", package / "deep/page.html", "two") == {"rooms/deep/page.html"}


def test_two_data_files_of_one_name_do_not_hide_each_other(package: Path) -> None:
    write(package / "one/page.html", "1")
    write(package / "two/page.html", "2")
    assert changes("rooms.a", package / "one/page.html", "3") == {"rooms/one/page.html"}


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", ".b.py.swp", "b.py.swp", "b.py~", ".#b.py", "#b.py#", "Thumbs.db", "b.py.orig", "b.py.rej",
        "__pycache__/x.bin", ".idea/x.xml", ".gitignore", "~$page.docx", "x.npz.part", "core", "core.123", "Icon\r",
        "fonts/.DS_Store", "x.bak", "x.tmp", "desktop.ini", "b.BACKUP.12.py", "x.egg-info/PKG-INFO",
    ],
)  # fmt: skip
def test_what_editors_and_systems_leave_does_not_count(package: Path, name: str) -> None:
    assert changes("rooms.a", package / name, "anything") == set()


@pytest.mark.parametrize("name", ["x.npz", "page.html.jinja", "partial.html", "template", "core.css", "köln.txt"])
def test_ordinary_names_are_no_strays(name: str) -> None:
    assert not data_files.is_leftover_file(name)


def test_a_folder_that_links_to_itself_is_read_once(package: Path) -> None:
    (package / "again").symlink_to(package)
    (package / "gone").symlink_to(package / "nowhere")
    write(package / "x.txt", "one")
    assert {name for name in fresh("rooms.a") if name.endswith(".txt")} == {"rooms/x.txt"}


def test_a_file_that_is_no_python_is_named_with_its_line(package: Path) -> None:
    write(package / "b.py", "x = 1\ndef g(:\n")
    with pytest.raises(SemflowError, match=r"b\.py:2: must be Python, got invalid syntax"):
        fresh("rooms.a")
    write(package / "b.py", b"x = '\xff'\n")
    with pytest.raises(SemflowError, match=r"b\.py:1: must be Python"):
        fresh("rooms.a")


BEFORE = """\
import os
LIMIT = 3
A, B = 1, 2

def predict(x):
    return x

class Filter:
    size: int
    \"\"\"Pixels.\"\"\"

    def update(self):
        return 1
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return x", "return x + 1", "predict changed"),
        ("return 1", "return 2", "Filter changed"),
        ("LIMIT = 3", "LIMIT = 4", "LIMIT changed"),
        ("A, B = 1, 2", "A, B = 2, 1", "A and B changed"),
        ("import os", "import sys", "statements outside definitions changed"),
        ("import os\n", "", "statements outside definitions changed"),
        ("LIMIT", "MOST", "MOST is new; LIMIT is gone"),
        ("LIMIT = 3\n", "LIMIT = 3\nLIMIT += 1\n", "LIMIT changed"),
        ("LIMIT = 3\nA, B = 1, 2\n", "A, B = 1, 2\nLIMIT = 3\n", "the order of definitions changed"),
        ("Pixels.", "Metres.", ""),
    ],
)
def test_a_change_is_named_by_what_it_is_of(package: Path, old: str, new: str, words: str) -> None:
    def of(text: str) -> tuple[str, dict[str, str]]:
        write(package / "b.py", text)
        return fresh("rooms.b")["rooms.b"], dict(fp.hash_definitions("rooms.b"))

    (hash_before, before), (hash_after, after) = of(BEFORE), of(BEFORE.replace(old, new))
    assert describe_code_changes("rooms.b", before, after) == (f"rooms.b: {words}" if words else "")
    assert (hash_before == hash_after) == (before == after) == (words == "")


def test_many_changes_are_counted_and_unknown_ones_are_reported_to_be_so() -> None:
    before = dict.fromkeys("abcdef", "1")
    assert describe_code_changes("m", before, dict.fromkeys("abcdef", "2")) == "m: a, b, c and 3 more changed"
    assert describe_code_changes("m", None, before) == "m changed"


class Kept:
    """A memo in a dict."""

    def __init__(self) -> None:
        self.texts: dict[str, tuple[str, str]] = {}

    def get(self, path: str, mark: str) -> str | None:
        kept, text = self.texts.get(path, ("", ""))
        return text if kept == mark else None

    def put(self, path: str, mark: str, text: str) -> None:
        self.texts[path] = mark, text


@pytest.fixture
def memo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    kept = Kept()
    monkeypatch.setattr(source_cache, "RACY_NS", 0)
    monkeypatch.setattr(source_cache, "_known", source_cache._Known(kept))
    yield kept


def next_process(memo: Kept) -> None:
    source_cache._known.seen.clear()


def test_with_a_memo_the_next_process_parses_nothing(
    package: Path, memo: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(package / "page.html", "one")
    before, parts = fresh("rooms.a"), dict(fp.hash_definitions("rooms.a"))
    read: list[bytes] = []
    next_process(memo)
    monkeypatch.setattr(
        source_cache, "parse_source", lambda source: read.append(source) or source_code.parse_source(source)
    )
    assert fresh("rooms.a") == before
    assert dict(fp.hash_definitions("rooms.a")) == parts
    assert read == []
    write(package / "b.py", "def g():\n    return 22\n")
    assert fresh("rooms.a")["rooms.b"] != before["rooms.b"]
    assert len(read) == 1


@pytest.mark.parametrize("text", ["", "null", "[1, 2, 3]", '["x", ["y"], [1]]', "[[[[", '{"a": 1}', "\x00"])
def test_a_damaged_memo_costs_time_and_nothing_else(package: Path, memo: Kept, text: str) -> None:
    before = fresh("rooms.a")
    memo.texts = {path: (mark, text) for path, (mark, _) in memo.texts.items()}
    next_process(memo)
    assert fresh("rooms.a") == before


def test_a_file_that_was_just_written_is_not_remembered(
    package: Path, memo: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_cache, "RACY_NS", 10**18)
    fresh("rooms.a")
    assert memo.texts == {}


def test_what_a_memo_keeps_comes_back_as_it_was() -> None:
    code = source_code.parse_source(b"from .x import y\ndef f(): pass\n")
    assert SourceCode.from_text(code.to_text()) == code
    assert SourceCode.from_text(SourceCode("abc").to_text()) == SourceCode("abc")


def test_one_thread_parses_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = 0, 0
    parse = ast.parse

    def watched(source: str, *how: str, **also: str) -> ast.Module:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.002)
        inside -= 1
        return parse(source, *how, **also)

    monkeypatch.setattr(ast, "parse", watched)
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda _: syntax.parse_python("x = 1"), range(12)))) == 12
    assert most == 1


def test_threads_may_read_code_at_once() -> None:
    """A finalizer that runs inside a parse lets another thread in: CPython 3.11 then loses count of its depth."""
    texts = [path.read_bytes() for path in sorted(Path(fp.__file__).parent.glob("report/*.py"))]

    class Litter:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            for _ in range(200):
                pass

    def parse(turn: int) -> int:
        for _ in range(3):
            for text in texts:
                Litter()
                syntax.parse_python(text)
        return turn

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(parse, range(4))) == [0, 1, 2, 3]
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)


def test_a_parse_disturbed_by_another_library_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    parse, faults = ast.parse, [SystemError("AST constructor recursion depth mismatch (before=15, after=12)")] * 3

    def disturbed(source: str, *how: str, **also: str) -> ast.Module:
        if faults:
            raise faults.pop()
        return parse(source, *how, **also)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert isinstance(syntax.parse_python("x = 1").body[0], ast.Assign)
    assert syntax.parse_literal("{0: 'a'}") == {0: "a"}


def test_the_engine_is_left_out_of_every_fingerprint() -> None:
    from flows.pipeline import STAGES

    for stage in STAGES:
        names = fp.fingerprint_module(stage.module)
        assert stage.module in names
        assert not any(name.startswith(("tasks.stage", "tasks.weights")) for name in names)


def test_a_build_tag_is_no_part_of_a_version() -> None:
    assert "+" not in fp.library_version("torch")


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(Exception, match="no-such-package must be installed"):
        fp.library_version("no-such-package")
