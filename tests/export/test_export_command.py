"""`semflow export`: what it refuses, and that a folder is complete or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.export.command import FORMATS, load_exporter
from tests.export.conftest import VIDEO


def test_the_answer_names_the_files_and_their_bytes(semflow: Any, tmp_path: Path) -> None:
    answer = semflow("export", "mot", "--out", str(tmp_path / "out"))
    assert answer["files"] == ["export.json", f"{VIDEO}/seqinfo.ini", f"{VIDEO}.txt"]
    assert answer["bytes"] == sum((tmp_path / "out" / name).stat().st_size for name in answer["files"])
    assert json.loads((tmp_path / "out/export.json").read_text())["format"] == "mot"


def test_an_earlier_export_of_the_format_is_replaced_and_nothing_else(semflow: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    semflow("export", "mot", "--out", str(out))
    assert semflow("export", "mot", "--out", str(out))["code"] == 0
    refused = semflow("export", "cvat", "--out", str(out))
    assert refused["code"] == 2
    assert "--out must be a new or an empty folder, or one of an earlier export to cvat" in refused["error"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own/thesis.txt").write_text("mine")
    assert semflow("export", "mot", "--out", str(tmp_path / "own"))["code"] == 2
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mot", "other"], "other"),
        (["mot", "--classes", "zebra"], "--classes must be among car, person, got 'zebra'"),
        (["flo"], f"{VIDEO} must have data/dense_flow to be exported, got none; run `semflow run` first"),
        (["mot", "--images"], "--images must be for one of coco, got mot; leave it out"),
        (["tiff"], "'tiff' is not one of 'mot'"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_left(
    semflow: Any, made: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    (made / "data/dense_flow" / f"{VIDEO}.parquet").unlink(missing_ok=True)
    refused = semflow("export", *words, "--out", str(tmp_path / "out"))
    assert refused["code"] == 2
    assert said in refused["error"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_there_or_names_the_package_to_install(form: str) -> None:
    assert callable(load_exporter(form))


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("flo", "rerun")])
def test_the_same_project_gives_the_same_bytes(semflow: Any, tmp_path: Path, form: str) -> None:
    """Rerun alone numbers its rows by the clock; dense flow has a test of its own."""
    found: list[dict[str, bytes]] = []
    for turn in ("one", "two"):
        assert semflow("export", form, "--out", str(tmp_path / turn))["code"] == 0
        files = [path for path in (tmp_path / turn).rglob("*") if path.is_file()]
        found.append({path.relative_to(tmp_path / turn).as_posix(): path.read_bytes() for path in files})
    assert found[0] == found[1]
