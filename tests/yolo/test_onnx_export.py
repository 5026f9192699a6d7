"""Exported models: never used unverified, and nothing of a killed export stays."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.weights.weight_cache import hold_lock
from tasks.yolo import onnx_export as exports
from tasks.yolo.onnx_export import DAY_S, MAKING, check_export, export_path, manifest_path, onnx_path

WEIGHTS = "yolo26n"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An empty cache, and an exporter that writes a few bytes; the exports that were made."""
    monkeypatch.setenv("SEMFLOW_CACHE", str(tmp_path / "cache"))
    weights = tmp_path / "yolo26n.pt"
    weights.write_bytes(b"weights")
    monkeypatch.setattr(exports, "locate_weights", lambda name: weights)
    found: list[Path] = []

    class Model:
        def __init__(self, path: str) -> None:
            self.path = Path(path)

        def export(self, **settings: object) -> str:
            assert self.path.read_bytes() == b"weights"
            out = self.path.with_suffix(".onnx")
            out.write_bytes(b"graph" * 100)
            found.append(out)
            return str(out)

    class Library:
        YOLO = Model

    monkeypatch.setattr(exports, "import_ultralytics", Library)
    return found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_an_export_is_made_once_and_its_manifest_says_of_what(made: list[Path]) -> None:
    path = onnx_path(WEIGHTS)
    assert onnx_path(WEIGHTS) == path
    assert len(made) == 1
    said = json.loads(manifest_path(path).read_text())
    assert said["bytes"] == 500
    assert said["made_of"].keys() == {"weights", "settings", "exporters"}
    assert names(path.parent) == {path.name, f"{path.name}.json"}


def replace(path: Path) -> None:
    path.write_bytes(b"other" * 100)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:77])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lose_manifest(path: Path) -> None:
    manifest_path(path).unlink()


def damage_manifest(path: Path) -> None:
    manifest_path(path).write_text("[")


def odd_manifest(path: Path) -> None:
    manifest_path(path).write_text('["sha256"]')


DAMAGES = [replace, cut, empty, lose_manifest, damage_manifest, odd_manifest]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_wrong_cut_or_empty_export_is_recomputed_with_one_line(
    made: list[Path], damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = onnx_path(WEIGHTS)
    damage(path)
    assert check_export(path) == "corrupt"
    with caplog.at_level(logging.INFO, logger="semflow"):
        assert onnx_path(WEIGHTS) == path
    assert [record.getMessage() for record in caplog.records] == [f"{path} does not match its manifest: exported again"]
    assert path.read_bytes() == b"graph" * 100
    assert check_export(path) == "valid"
    assert len(made) == 2


def test_an_export_is_read_once_per_version_of_the_file(made: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = onnx_path(WEIGHTS)
    onnx_path(WEIGHTS)
    monkeypatch.setattr("hashlib.file_digest", None)
    assert onnx_path(WEIGHTS) == path


def test_an_export_that_fails_leaves_nothing(made: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "compute_sha256", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        onnx_path(WEIGHTS)
    assert names(export_path(WEIGHTS).parent) == set()


KILLED = f"""
import os, signal, sys
from pathlib import Path
from tasks.yolo import onnx_export
class Model:
    def __init__(self, path): self.path = Path(path)
    def export(self, **settings):
        self.path.with_suffix(".onnx").write_bytes(b"half")
        print("at it", flush=True)
        if sys.argv[1] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()
        return str(self.path.with_suffix(".onnx"))
onnx_export.import_ultralytics = lambda: type("L", (), {{"YOLO": Model}})
onnx_export.locate_weights = lambda name: Path(sys.argv[2])
onnx_export.onnx_path({WEIGHTS!r} if sys.argv[1] == "die" else "yolo11n")
"""


def start(how: str, weights: Path, checkout: Path) -> subprocess.Popen[bytes]:
    """An export by another process, under way."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, how, str(weights)], cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"at it\n"
    return process


def test_a_killed_export_leaves_nothing_that_stays_and_one_under_way_is_left_alone(
    made: list[Path], tmp_path: Path, checkout: Path
) -> None:
    with start("die", tmp_path / "yolo26n.pt", checkout) as killed:
        assert killed.wait() == -signal.SIGKILL
    folder = export_path(WEIGHTS).parent
    assert names(folder) == {f"{export_path(WEIGHTS).name}{MAKING}"}
    with start("wait", tmp_path / "yolo26n.pt", checkout) as other:
        path = onnx_path(WEIGHTS)
        under_way = f"{export_path('yolo11n').name}{MAKING}"
        assert names(folder) == {path.name, f"{path.name}.json", under_way}
        assert (folder / under_way).joinpath("yolo26n.onnx").read_bytes() == b"half"
        other.communicate()
        assert other.returncode == 0
    assert check_export(export_path("yolo11n")) == "valid"


def test_the_next_export_of_anything_clears_away_what_killed_ones_left(made: list[Path], tmp_path: Path) -> None:
    folder = export_path(WEIGHTS).parent
    gone = folder / f"yolo9-0123456789abcdef.onnx{MAKING}"
    (gone / "deep").mkdir(parents=True)
    old, young = folder / "tmpabcd_123", folder / "tmpefgh5678"
    for earlier in (old, young):
        earlier.mkdir()
        (earlier / "yolo26n.pt").write_bytes(b"x")
    before = time.time() - 2 * DAY_S
    for path in (old / "yolo26n.pt", old):
        os.utime(path, (before, before))
    path = onnx_path(WEIGHTS)
    assert names(folder) == {path.name, f"{path.name}.json", young.name}


def test_a_leftover_whose_lock_somebody_holds_stays(made: list[Path]) -> None:
    folder = export_path(WEIGHTS).parent
    other = folder / "yolo9-0123456789abcdef.onnx"
    held = folder / f"{other.name}{MAKING}"
    with hold_lock(other):
        held.mkdir()
        onnx_path(WEIGHTS)
        assert held.is_dir()
