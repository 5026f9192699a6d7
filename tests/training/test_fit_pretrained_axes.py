"""The pretrained axes: fitted on the sample clips and saved as the stage reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from flows.training import fit_pretrained_axes
from tasks.extract_features import pretrained_projection
from tasks.extract_features.pretrained_projection import PRETRAINED_FILES, load_pretrained_axes

NETWORK, LAYERS = "mobilenet-v2", ("b6", "b13", "b17")


def write_clip(path: Path) -> Path:
    """Four frames of noise, 96 x 64."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(4):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (64, 96, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_the_axes_are_fitted_on_the_clips_and_saved_as_the_stage_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretrained = load_pretrained_axes(NETWORK, LAYERS, 4)
    written = tmp_path / "axes"
    written.mkdir()

    def fetch(folder: Path) -> Sequence[Path]:
        return [write_clip(folder / "noise.mp4")]

    monkeypatch.setattr(fit_pretrained_axes, "fetch_samples", fetch)
    monkeypatch.setattr(fit_pretrained_axes, "FOLDER", written)
    monkeypatch.setattr(fit_pretrained_axes, "PRETRAINED_FILES", {(NETWORK, LAYERS): "axes.npy"})
    monkeypatch.setattr(fit_pretrained_axes, "MAX_DIMENSIONS", 4)
    fit_pretrained_axes.main()
    found = np.load(written / "axes.npy")
    assert (found.dtype, found.shape) == (pretrained.dtype, pretrained.shape)
    assert np.isfinite(found).all()
    assert not np.array_equal(found, pretrained)


@pytest.mark.parametrize("layers", PRETRAINED_FILES.values())
def test_every_pretrained_file_has_the_mean_and_the_largest_number_of_axes(layers: str) -> None:
    rows = np.load(pretrained_projection.FOLDER / layers)
    assert len(rows) == pretrained_projection.MAX_DIMENSIONS + 1
