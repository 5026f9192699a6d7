"""An interrupted fit resumes from its checkpoints and gives the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.checkpoints import Checkpoints
from tasks.fit_field import fit_windows as fitting
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.fit_windows import fit_semantic_field

CUTS = {"window": 8, "overlap": 2, "label_every": 100}
WINDOW_FILES = [f"0000-{number:04d}.npz" for number in range(3)]
FRAMES = 15


@pytest.fixture
def inputs(make_inputs: Callable[..., dict]) -> FieldInputs:
    made = make_inputs(FRAMES)
    return FieldInputs(**{name: value for name, value in made.items() if name != "truth"})


@pytest.fixture
def parts(tmp_path: Path) -> Checkpoints:
    return Checkpoints.open_folder(tmp_path / "parts")


def names(parts: Checkpoints) -> list[str]:
    return sorted(path.name for path in parts.folder.iterdir())


def test_an_error_costs_the_current_window_alone(inputs, params, parts, tmp_path: Path, monkeypatch) -> None:
    fit_semantic_field(inputs, params(**CUTS)).save(tmp_path / "uninterrupted.parquet")
    calls: list[int] = []
    fit_window = fitting._fit_window

    def counted(shot, number, *rest):
        calls.append(number)
        if len(calls) == 2:
            raise RuntimeError("a bug")
        return fit_window(shot, number, *rest)

    monkeypatch.setattr(fitting, "_fit_window", counted)
    with pytest.raises(RuntimeError):
        fit_semantic_field(inputs, params(**CUTS), checkpoints=parts).save(tmp_path / "failed.parquet")
    assert names(parts) == ["0000-0000.npz", "0000.json", "labels.npz"]
    fit_semantic_field(inputs, params(**CUTS), checkpoints=parts).save(tmp_path / "resumed.parquet")
    assert calls == [0, 1, 1, 2], "a finished window is not fitted again"
    assert (tmp_path / "resumed.parquet").read_bytes() == (tmp_path / "uninterrupted.parquet").read_bytes()


def test_one_window_can_be_fitted_again_alone(inputs, params, parts, tmp_path: Path) -> None:
    fit_semantic_field(inputs, params(**CUTS), checkpoints=parts).save(tmp_path / "first.parquet")
    before = {path.name: path.stat().st_mtime_ns for path in parts.folder.iterdir()}
    (parts.folder / WINDOW_FILES[1]).unlink()
    fit_semantic_field(inputs, params(**CUTS), checkpoints=parts).save(tmp_path / "again.parquet")
    after = {path.name: path.stat().st_mtime_ns for path in parts.folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {WINDOW_FILES[1]}
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "first.parquet").read_bytes()


KILLED = """
import sys, time
from pathlib import Path
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.tracks import Tracks
from tasks.checkpoints import Checkpoints
from tasks.fit_field.fit_windows import fit_semantic_field
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.params import FitFieldParams

folder = Path(sys.argv[1])
inputs = FieldInputs(
    Frames.load(folder / "frames.parquet"),
    DenseFlow.load(folder / "flow.parquet"),
    Features.load(folder / "features.npy"),
    SemanticFlow.load(folder / "semantic_flow.npy"),
    Tracks.load(folder / "tracks.parquet"),
    FieldLabels.absent(),
)
params = FitFieldParams.model_validate_json(sys.argv[2])
parts = Checkpoints.open_folder(folder / "parts")
fit_semantic_field(inputs, params, checkpoints=parts).save(folder / "killed.parquet")
"""


@pytest.mark.slow
def test_a_killed_fit_resumes_with_the_window_it_was_at(inputs, params, parts, tmp_path: Path) -> None:
    fit_semantic_field(inputs, params(**CUTS)).save(tmp_path / "uninterrupted.parquet")
    inputs.features.save(tmp_path / "features.npy")
    inputs.semantic_flow.save(tmp_path / "semantic_flow.npy")
    inputs.tracks.save(tmp_path / "tracks.parquet")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), params(**CUTS).model_dump_json()], cwd=Path(__file__).parents[2]
    )
    waited = time.monotonic() + 120
    while not parts.has_checkpoint(WINDOW_FILES[0]):
        assert time.monotonic() < waited and process.poll() is None, "the process must finish a window"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not parts.has_checkpoint(WINDOW_FILES[2]), "the process must be killed before the last window"
    before = (parts.folder / WINDOW_FILES[0]).stat().st_mtime_ns
    again = Checkpoints.open_folder(parts.folder)
    assert not [name for name in names(again) if name.startswith(".")]
    fit_semantic_field(inputs, params(**CUTS), checkpoints=again).save(tmp_path / "resumed.parquet")
    assert (parts.folder / WINDOW_FILES[0]).stat().st_mtime_ns == before
    assert (tmp_path / "resumed.parquet").read_bytes() == (tmp_path / "uninterrupted.parquet").read_bytes()
