"""What counts as a change of code."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from tasks import fingerprint as fp


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `rooms` on the path: `rooms.a` imports `rooms.b` inside a function."""
    room = tmp_path / "rooms"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "a.py").write_text('"""Doc."""\n\ndef f():\n    from rooms.b import g\n    return g()\n')
    (room / "b.py").write_text("def g():\n    return 1\n")
    (room / "c.py").write_text("unrelated = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "rooms", raising=False)  # an earlier test's package, elsewhere
    monkeypatch.setattr(fp, "PACKAGES", ("rooms",))
    return room


def fresh(module: str) -> dict[str, str]:
    for cached in (fp.fingerprint, fp.closure, fp.source, fp.resources, fp._imports, fp._hash):
        cached.cache_clear()
    return dict(fp.fingerprint(module))


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


def test_a_template_beside_the_code_counts(package: Path) -> None:
    (package / "page.html").write_text("<p>one</p>")
    before = fresh("rooms.a")
    (package / "page.html").write_text("<p>two</p>")
    after = fresh("rooms.a")
    assert {name for name in before if before[name] != after[name]} == {"page.html"}


def test_the_engine_is_left_out_of_every_fingerprint() -> None:
    from flows.pipeline import STAGES

    for stage in STAGES:
        names = fp.fingerprint(stage.module)
        assert stage.module in names
        assert not any(name.startswith(("tasks.stage", "tasks.recipe", "tasks.weights")) for name in names)


def test_a_build_tag_is_no_part_of_a_version() -> None:
    assert "+" not in fp.library_version("torch")


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(Exception, match="no-such-package must be installed"):
        fp.library_version("no-such-package")
