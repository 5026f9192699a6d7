"""The stage: a grid of unit vectors per frame, zeros where there is no image, the same bytes however it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.artifacts.artifact import Dataset
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.feature_axes import FeatureAxes
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.errors import BadParams, SemflowError
from tasks.extract_features.feature_extractor import compute_input_size, make_cell_grid
from tasks.extract_features.fit_axes import FitAxesParams, fit_axes
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.extract_features.stage import extract_features
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.params import Compute
from tests.factories.compute import make_compute

HEIGHT, WIDTH = 72, 128


def params(**changes: Any) -> ExtractFeaturesParams:
    values: dict[str, Any] = {
        "network": "mobilenet-v2", "layers": ("b6", "b13", "b17"), "image_side": 128,
        "frame_interval": 1, "frame_offsets": (0,), "dimensions": 64,
    }  # fmt: skip
    return ExtractFeaturesParams(**(values | changes))


def axes(fitted_on: Any = "samples", frames: dict[str, Path] | None = None, **changes: Any) -> FeatureAxes:
    fitting = FitAxesParams(fitted_on=fitted_on, frames_per_video=2)
    return fit_axes(Dataset(Frames, frames or {}), fitting, params(**changes), compute())


def compute(batch: int = 1) -> Compute:
    return make_compute(batch=batch)


@pytest.fixture
def frames(tmp_path: Path) -> Frames:
    """Five frames of a drifting pattern, the second lost, the last damaged."""
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (HEIGHT, WIDTH + 40, 3), np.uint8)
    status = ["ok", "lost", "ok", "ok", "damaged"]
    rows = [
        Frame(n, n / 25, status[n], None if status[n] == "lost" else wide[:, 8 * n : 8 * n + WIDTH]) for n in range(5)
    ]
    account = DecodeReport("a.mp4", "mp4", "h264", "yuv420p", WIDTH, HEIGHT, 0, 25.0, False, 0.2, 5, 4, 1, 1, 5, WIDTH,
                      HEIGHT, "png")  # fmt: skip
    return Frames.stream(rows, lambda: account, "png").to(tmp_path / "frames.parquet")


def test_a_grid_of_unit_vectors_for_every_whole_frame(frames: Frames, tmp_path: Path) -> None:
    found = extract_features(frames, axes(), params(), compute()).to(tmp_path / "a.npy")
    assert found.values.shape == (5, 9, 16, 64)
    assert found.values.dtype == np.int8
    assert [found.vectors(n) is not None for n in range(5)] == [True, False, True, True, False]
    for frame in (0, 2, 3):
        np.testing.assert_allclose(np.linalg.norm(found.vectors(frame), axis=-1), 1, atol=1e-5)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), found.values)


def test_without_projection_all_channels_are_kept(frames: Frames, tmp_path: Path) -> None:
    found = extract_features(frames, axes(dimensions=None), params(dimensions=None), compute()).to(tmp_path / "a.npy")
    assert found.values.shape[-1] == 32 + 96 + 320


def test_frames_between_the_scheduled_ones_have_no_row_and_the_others_the_same_vectors(
    frames: Frames, tmp_path: Path
) -> None:
    every = extract_features(frames, axes(), params(), compute()).to(tmp_path / "every.npy")
    few = params(frame_interval=3, frame_offsets=(0, 1))
    for batch in (1, 4):
        found = extract_features(frames, axes(), few, compute(batch)).to(tmp_path / f"few-{batch}.npy")
        assert found.frames.tolist() == [0, 1, 3, 4]
        assert (len(found), [found.is_stored(n) for n in range(5)]) == (5, [True, True, False, True, True])
        np.testing.assert_array_equal(found.values, every.values[[0, 1, 3, 4]])
        assert found.vectors(2) is None
    with pytest.raises(
        SemflowError, match=r"track\.appearance must ask for frames whose features are stored, got frame 2"
    ):
        found.check_stored(range(5), "track.appearance")
    found.check_stored((0, 4), "match.strides")


def test_an_offset_beyond_its_interval_is_refused() -> None:
    with pytest.raises(ValidationError, match="frame_offsets must be less than frame_interval, 2, got 3"):
        params(frame_interval=2, frame_offsets=(0, 3))


def test_a_stored_vector_has_the_direction_of_the_computed_one_to_a_cosine_of_a_thousandth() -> None:
    rng = np.random.default_rng(3)
    vectors = l2_normalize(rng.normal(size=(2, 3, 4, 64)))
    vectors[1, 2] = 0
    stored = Features.from_vectors(vectors, FeatureMetadata("none", ("a",), 32, 24, CellGrid(3, 4, 8, 8, 0, 0)))
    cosines = [np.einsum("hwd,hwd->hw", vectors[n], stored.vectors(n)) for n in (0, 1)]
    assert cosines[0].min() > 0.9995 and cosines[1][:2].min() > 0.9995
    assert not stored.values[1, 2].any(), "a cell without a vector stays without"
    assert np.abs(stored.values[0]).max(axis=-1).min() == 127


def test_the_same_bytes_for_any_batch(frames: Frames, tmp_path: Path) -> None:
    for batch in (1, 4):
        extract_features(frames, axes(), params(), compute(batch)).save(tmp_path / f"{batch}.npy")
    assert (tmp_path / "1.npy").read_bytes() == (tmp_path / "4.npy").read_bytes()


def test_a_video_without_a_whole_frame_has_zeros(tmp_path: Path) -> None:
    account = DecodeReport("a.mp4", "mp4", "h264", "yuv420p", WIDTH, HEIGHT, 0, 25.0, False, 0.0, 1, 0, 0, 1, 1, WIDTH,
                      HEIGHT, "png")  # fmt: skip
    lost = Frames.stream([Frame(0, 0.0, "lost", None)], lambda: account, "png").to(tmp_path / "f.parquet")
    found = extract_features(lost, axes(), params(), compute()).to(tmp_path / "a.npy")
    assert found.vectors(0) is None
    none = Frames.stream([], lambda: account, "png").to(tmp_path / "none.parquet")
    assert len(extract_features(none, axes(), params(), compute()).to(tmp_path / "b.npy")) == 0


def test_other_layers_have_no_shipped_axes() -> None:
    with pytest.raises(BadParams, match="dimensions must be null, or up to 128"):
        axes(layers=("b6",))


def test_boxes_are_pooled_in_frame_pixels(frames: Frames, tmp_path: Path) -> None:
    found = extract_features(frames, axes(), params(), compute()).to(tmp_path / "a.npy")
    pooled = found.pool_box_features(0, np.array([[0, 0, 127, 71], [30, 30, 30, 30]], np.float32))
    assert pooled is not None
    np.testing.assert_allclose(np.linalg.norm(pooled, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(pooled[1], found.vectors(0)[4, 4], atol=1e-5)
    assert found.pool_box_features(1, np.zeros((1, 4), np.float32)) is None
    assert isinstance(found, Features)


@pytest.mark.parametrize(("height", "width"), [(360, 640), (272, 640), (640, 360), (75, 333), (16, 16)])
def test_cells_cover_the_frame_evenly(height: int, width: int) -> None:
    seen = compute_input_size(height, width, 640)
    grid = make_cell_grid(height, width, *seen)
    centres = grid.cell_centres()
    assert centres[0, 0, 0] >= -0.5
    assert centres[-1, -1, 0] <= width - 0.5
    np.testing.assert_allclose(grid.to_cells(centres)[-1, -1], [grid.columns - 1, grid.rows - 1], atol=1e-3)
    if seen == (height, width):
        assert (grid.left, grid.top, grid.step_x, grid.step_y) == (0, 0, 8, 8)


def test_axes_fitted_on_the_dataset_are_its_own_and_come_back_from_disk(frames: Frames, tmp_path: Path) -> None:
    own = axes("dataset", {"a": tmp_path / "frames.parquet"}, layers=("b6", "b13"), dimensions=8)
    assert own.values.shape == (9, 32 + 96)
    assert own.metadata.fitted_on == "dataset"
    own.save(tmp_path / "axes.npy")
    np.testing.assert_array_equal(FeatureAxes.load(tmp_path / "axes.npy").values, own.values)
    found = extract_features(frames, own, params(layers=("b6", "b13"), dimensions=8), compute()).to(tmp_path / "a.npy")
    assert found.values.shape == (5, 9, 16, 8)


def test_no_axes_come_back_from_disk_as_none(tmp_path: Path) -> None:
    axes(dimensions=None).save(tmp_path / "axes.npy")
    assert FeatureAxes.load(tmp_path / "axes.npy").projection is None


def test_a_dataset_without_a_whole_frame_cannot_be_fitted_on() -> None:
    with pytest.raises(BadParams, match="needs videos with whole frames, got none"):
        axes("dataset", {})
