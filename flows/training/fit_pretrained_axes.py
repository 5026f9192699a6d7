"""Fit the default projection of extract_features on the sample clips: `python -m flows.training.fit_pretrained_axes`.

Runs the stage fit_axes for every network that has a pretrained projection (PRETRAINED_FILES).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from flows.cli.sample_videos import fetch_samples
from flows.engine.project import Project, find_root
from tasks.artifacts.artifact import Dataset
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.extract_features.fit_axes import FitAxesParams, fit_axes
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.extract_features.pretrained_projection import FOLDER, MAX_DIMENSIONS, PRETRAINED_FILES
from tasks.params import Compute


def main() -> None:
    """Fit the axes of each network and write the files."""
    params = Project.open(find_root(Path(__file__).parent)).params
    decoding, fitting, feature_params = params["decode"], params["fit_axes"], params["extract_features"]
    assert isinstance(decoding, DecodeParams)
    assert isinstance(fitting, FitAxesParams)
    assert isinstance(feature_params, ExtractFeaturesParams)
    compute = Compute(
        device="cpu",
        workers=1,
        batch=1,
        item_timeout_s=0,
        worker_memory_gb=0,
        store_raw=True,
        recompute=(),
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = {clip.stem: clip for clip in fetch_samples(Path(folder))}
        for name, clip in paths.items():
            paths[name] = Path(folder) / f"{name}.parquet"
            decode.function(RawVideo(clip), decoding).save(paths[name])
        for (network, layers), name in PRETRAINED_FILES.items():
            wanted = feature_params.model_copy(
                update={"network": network, "layers": layers, "dimensions": MAX_DIMENSIONS}
            )
            on_clips = fitting.model_copy(update={"fitted_on": "dataset"})
            np.save(FOLDER / name, fit_axes(Dataset(Frames, paths), on_clips, wanted, compute).values)


if __name__ == "__main__":
    main()
