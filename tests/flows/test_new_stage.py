"""Adding a stage: one artifact, one function, one line in the flow, one section of parameters. This is all of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from flows.cli.sample_videos import fetch_samples
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.pipeline import STAGES
from tasks.artifacts.frames import Frames
from tasks.artifacts.table import Column, Table, column
from tasks.params import Params
from tasks.stage import stage


# ---- the artifact -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Sharpness(Table):
    """A row per frame."""

    FOLDER: ClassVar[str] = "data/sharpness"

    frame: Column = column("int32", "index", "frame")
    variance: Column = column("float64", "grey levels squared", "variance of the Laplacian (Pech-Pacheco et al. 2000)")


# ---- the room -----------------------------------------------------------------------------------------------------
class SharpnessParams(Params):
    aperture: int
    """Size of the Laplacian's kernel, pixels, odd."""


@stage(libraries=("opencv-python",))
def sharpness(frames: Frames, params: SharpnessParams) -> Sharpness:
    """How sharp each frame is."""
    found = [
        (n, cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F, ksize=params.aperture).var())
        for n, image in frames.images()
    ]
    return Sharpness(np.array([n for n, _ in found], np.int32), np.array([v for _, v in found], np.float64))


# ---- the line in the flow, and the section in params.yaml ---------------------------------------------------------
MORE_STAGES = (*STAGES, sharpness)
SECTION = "\nsharpness:\n  aperture: 3\n"


def test_a_stage_of_ones_own_runs_caches_and_is_rendered_like_any_other(checkout: Path, tmp_path: Path) -> None:
    from flows.engine.dvc_yaml import render_dvc_yaml

    fetch_samples(tmp_path, seconds=0.4)
    for clip in (tmp_path / "data/raw").glob("[!b]*"):
        clip.unlink()
    (tmp_path / "params.yaml").write_text((checkout / "params.yaml").read_text() + SECTION)
    mine = [s for s in MORE_STAGES if s.name in ("decode", "sharpness")]

    def run() -> dict[str, str]:
        summary = run_stale_items(Project.open(tmp_path, MORE_STAGES), stages=[stage.name for stage in mine])
        return {o.stage: o.result for o in summary.outcomes}

    assert run() == {"decode": "computed", "sharpness": "computed"}
    assert run() == {"decode": "reused", "sharpness": "reused"}
    table = Sharpness.load(tmp_path / "data/sharpness/bikes.parquet")
    assert len(table) == Frames.load(tmp_path / "data/frames/bikes.parquet").ok.sum() > 0
    assert (table.variance > 0).all()
    assert "cmd: semflow stage sharpness" in render_dvc_yaml(Project.open(tmp_path, MORE_STAGES))
