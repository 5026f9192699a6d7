"""Fits the principal axes that extract_features ships with: `python -m flows.fit_projection`.

24 frames of each sample clip, evenly spaced, every third cell along each axis.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.pipeline import STAGES
from flows.project import Project, find_root
from flows.samples import fetch_samples
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.stage import DecodeParams, decode
from tasks.extract_features.join import fit_projection
from tasks.extract_features.projection import FITTED, FOLDER, KEPT
from tasks.extract_features.stage import ExtractFeaturesParams, viewer
from tasks.params import Compute

FRAMES = 24
EVERY = 3


def main() -> None:
    """Fit and write the files."""
    params = Project.open(find_root(Path(__file__).parent), STAGES).params
    decoding, seeing = params["decode"], params["extract_features"]
    assert isinstance(decoding, DecodeParams)
    assert isinstance(seeing, ExtractFeaturesParams)
    with tempfile.TemporaryDirectory() as folder:
        clips = fetch_samples(Path(folder))
        frames = [decode.function(RawVideo(clip), decoding).to(Path(folder) / clip.stem) for clip in clips]
        for (network, layers), name in FITTED.items():
            chosen = seeing.model_copy(update={"network": network, "layers": layers, "dimensions": None})
            found = fit_projection(np.concatenate(list(_vectors(frames, chosen))), KEPT)
            np.save(FOLDER / name, np.vstack([found.mean, found.axes.T]).astype(np.float16))


def _vectors(videos: list[Frames], params: ExtractFeaturesParams) -> Iterator[NDArray[np.float32]]:
    look = viewer(params, Compute(device="cpu", workers=1, batch=1))
    for frames in videos:
        for number in np.linspace(0, len(frames) - 1, FRAMES).astype(int):
            grid = look([frames.image(int(number))])[0]
            yield grid[::EVERY, ::EVERY].reshape(-1, grid.shape[-1]).astype(np.float32)


if __name__ == "__main__":
    main()
