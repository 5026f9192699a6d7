from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.artifacts import parquet_file
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.dense_flow_file import METADATA_KEY
from tasks.artifacts.flow_encoding import FlowEncoding, downsample_flow, upsample_flow
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.parquet_file import ROWS_PER_GROUP
from tasks.errors import SemflowError

unhurried = settings(deadline=None)  # no time is asserted in tests

ENCODING = FlowEncoding(height=20, width=30, grid=2, steps_per_px=32)
sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


def smooth(height: int, width: int, seed: int = 0, length: float = 5) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, 2)).astype(np.float32)
    return length * cv2.GaussianBlur(noise, (0, 0), 2)


def pair(seed: int, **changes: object) -> FlowPair:
    mask = np.random.default_rng(seed).uniform(size=(20, 30)) > 0.3
    made = FlowPair(
        forward=smooth(20, 30, seed),
        backward=smooth(20, 30, seed + 1),
        valid=mask,
        valid_backward=~mask,
        photometric_error=float(np.float32(seed + 0.1)),
        cut=False,
        camera=np.array([[1, 0, seed], [0, 1, 0], [0, 0, 1.0]]),
        camera_inliers=0.5,
    )
    return replace(made, **changes)


def facts(frame_count: int) -> FlowMetadata:
    return FlowMetadata(frame_count=frame_count, backend="dis", encoding=ENCODING)


@pytest.fixture
def stored(tmp_path: Path) -> DenseFlow:
    """Forty pairs; number 3 is a cut, number 5 misses a frame."""
    cut = FlowPair.empty(ENCODING, photometric_error=60, cut=True)
    rows = [{3: cut, 5: FlowPair.empty(ENCODING)}.get(n) or pair(n) for n in range(40)]
    return DenseFlow.stream(rows, facts(41)).to(tmp_path / "flow.parquet")


class TestEncoding:
    @unhurried
    @given(sizes, sizes, seeds, st.sampled_from([8, 16, 32, 64]))
    def test_at_full_grid_no_component_moves_by_more_than_half_a_step(self, height, width, seed, steps):
        flow = np.random.default_rng(seed).normal(0, 20, (height, width, 2)).astype(np.float32)
        encoding = FlowEncoding(height, width, 1, steps)
        assert np.abs(encoding.decode(encoding.encode(flow)) - flow).max() <= 0.5 / steps + 1e-5

    @unhurried
    @given(sizes, sizes, seeds)
    def test_a_field_that_was_made_at_half_size_comes_back_within_half_a_step(self, height, width, seed):
        cells = np.random.default_rng(seed).normal(0, 5, (-(-height // 2), -(-width // 2), 2)).astype(np.float32)
        flow = upsample_flow(cells, height, width)
        encoding = FlowEncoding(height, width, 2, 32)
        assert np.abs(encoding.decode(encoding.encode(flow)) - flow).max() <= 0.5 / 32 + 1e-4

    @unhurried
    @given(sizes, sizes, seeds, st.sampled_from([1, 2]))
    def test_encoding_what_was_decoded_gives_the_same_bytes(self, height, width, seed, grid):
        encoding = FlowEncoding(height, width, grid, 32)
        data = encoding.encode(smooth(height, width, seed))
        assert encoding.encode(encoding.decode(data)) == data

    @unhurried
    @given(sizes, sizes, seeds)
    def test_masks_come_back_exactly(self, height, width, seed):
        mask = np.random.default_rng(seed).uniform(size=(height, width)) > 0.5
        encoding = FlowEncoding(height, width, 2, 32)
        np.testing.assert_array_equal(encoding.decode_mask(encoding.encode_mask(mask)), mask)

    @pytest.mark.parametrize("grid", [1, 2])
    def test_a_mask_of_stored_vectors_covers_the_pixels_that_each_stands_for(self, grid):
        encoding = FlowEncoding(5, 8, grid, 32)
        cells = np.random.default_rng(0).random(encoding.stored) < 0.5
        y, x = np.mgrid[:5, :8] // grid
        np.testing.assert_array_equal(encoding.spread_mask(cells), cells[y, x])

    @pytest.mark.parametrize("size", [(20, 30), (21, 31), (20, 31), (2, 2), (3, 3)])
    def test_pixel_centres_lie_at_integers_so_cells_lie_between_pixels(self, size):
        height, width = size
        y, x = np.mgrid[:height, :width].astype(np.float32)
        ramp = np.stack([x, y], axis=2)
        cells = downsample_flow(ramp)
        inner = cells[1:-1, 1:-1]
        expected = 2 * np.stack(np.meshgrid(*(np.arange(n) for n in cells.shape[1::-1])), axis=2) + 0.5
        np.testing.assert_allclose(inner, expected[1:-1, 1:-1], atol=1e-5)
        np.testing.assert_allclose(upsample_flow(cells, height, width)[3:-3, 3:-3], ramp[3:-3, 3:-3], atol=1e-5)

    def test_doubling_is_linear_interpolation_written_out(self):
        cells = np.random.default_rng(0).normal(size=(5, 4, 2)).astype(np.float32)
        x = np.clip((np.arange(8) - 0.5) / 2, 0, 3)
        rows = np.array([[[np.interp(x, range(4), row[:, k])] for k in (0, 1)] for row in cells])[:, :, 0]
        y = np.clip((np.arange(10) - 0.5) / 2, 0, 4)
        expected = np.array([[np.interp(y, range(5), rows[:, k, i]) for i in range(8)] for k in (0, 1)]).T
        np.testing.assert_allclose(upsample_flow(cells, 10, 8), expected, atol=1e-5)

    def test_motion_beyond_all_images_is_kept_within_the_range_of_the_steps(self):
        encoding = FlowEncoding(1, 2, 1, 32)
        flow = np.array([[[5000, -5000], [1000, 0]]], np.float32)
        assert encoding.decode(encoding.encode(flow)).tolist() == [[[32767 / 32, -32767 / 32], [1000, 0]]]

    def test_no_bytes_mean_no_motion_and_no_trust(self):
        assert not ENCODING.decode(None).any()
        assert not ENCODING.decode_mask(None).any()
        assert ENCODING.decode(None).shape == (20, 30, 2)


class TestFile:
    def test_what_was_stored_is_read(self, stored):
        assert len(stored) == 40
        assert (stored.height, stored.width) == (20, 30)
        for n in (39, 0, 17, 16):
            made, found = pair(n), stored.pair(n)
            assert np.linalg.norm(found.forward - made.forward, axis=2).mean() < 0.05
            np.testing.assert_array_equal(found.forward, ENCODING.decode(ENCODING.encode(made.forward)))
            np.testing.assert_array_equal(found.backward, ENCODING.decode(ENCODING.encode(made.backward)))
            np.testing.assert_array_equal(found.valid, made.valid)
            np.testing.assert_array_equal(found.valid_backward, made.valid_backward)
            np.testing.assert_array_equal(found.camera, made.camera)
            np.testing.assert_array_equal(stored.camera(n), made.camera)
            assert found.photometric_error == made.photometric_error
        assert stored.forward(0).dtype == np.float32
        assert stored.valid(0).dtype == np.bool_

    def test_arrays_over_all_pairs_agree_with_the_pairs(self, stored):
        pairs = list(stored)
        np.testing.assert_array_equal(stored.photometric_error, [p.photometric_error for p in pairs])
        np.testing.assert_array_equal(stored.cut, [p.cut for p in pairs])
        np.testing.assert_array_equal(stored.known, [p.known for p in pairs])
        np.testing.assert_allclose(stored.valid_share, [p.valid.mean() for p in pairs], rtol=1e-6)
        np.testing.assert_array_equal(stored.cameras, [p.camera for p in pairs])
        np.testing.assert_array_equal(stored.camera_inliers, [p.camera_inliers for p in pairs])

    @pytest.mark.parametrize(("n", "cut"), [(3, True), (5, False)])
    def test_cuts_and_missing_frames_have_no_flow_and_no_trust(self, stored, n, cut):
        found = stored.pair(n)
        assert found.cut == cut
        assert not found.known
        assert np.isnan(found.photometric_error) != cut
        assert not (found.forward.any() or found.backward.any() or found.valid.any() or found.valid_backward.any())
        np.testing.assert_array_equal(found.camera, np.eye(3))

    def test_saving_what_was_loaded_gives_the_same_bytes(self, stored, tmp_path):
        stored.save(tmp_path / "again.parquet")
        assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "flow.parquet").read_bytes()

    def test_reading_one_pair_touches_one_group_of_one_column(self, stored, monkeypatch):
        asked: list[tuple[int, list[str]]] = []
        read = stored.file.read_row_group

        def note(group: int, columns: list[str]) -> pa.Table:
            asked.append((group, columns))
            return read(group, columns=columns)

        monkeypatch.setattr(stored.file, "read_row_group", note)
        stored.forward(2 * ROWS_PER_GROUP + 1)
        stored.forward(2 * ROWS_PER_GROUP + 2)
        assert asked == [(2, ["forward"])]

    def test_groups_far_into_a_film_are_longer_and_read_all_the_same(self, tmp_path, monkeypatch):
        monkeypatch.setattr(parquet_file, "LATER_ROW", ROWS_PER_GROUP)
        monkeypatch.setattr(parquet_file, "ROWS_PER_LATER_GROUP", 2 * ROWS_PER_GROUP)
        count = 4 * ROWS_PER_GROUP
        pairs = [pair(n, forward=smooth(20, 30, n)) for n in range(count)]
        DenseFlow.stream(iter(pairs), facts(count + 1)).save(tmp_path / "flow.parquet")
        monkeypatch.undo()
        found = DenseFlow.load(tmp_path / "flow.parquet")
        assert found.file.num_row_groups == 3
        for n in (0, ROWS_PER_GROUP - 1, ROWS_PER_GROUP, 3 * ROWS_PER_GROUP, count - 1):
            np.testing.assert_allclose(found.forward(n), pairs[n].forward, atol=0.2)

    def test_pairs_are_written_as_they_come_and_not_kept(self, tmp_path):
        alive = 0
        most = 0

        class Counted(np.ndarray):
            def __del__(self) -> None:
                nonlocal alive
                alive -= 1

        def rows() -> Iterator[FlowPair]:
            nonlocal alive, most
            for n in range(3 * ROWS_PER_GROUP):
                alive += 1
                most = max(most, alive)
                yield pair(n, forward=smooth(20, 30, n).view(Counted))

        DenseFlow.stream(rows(), facts(3 * ROWS_PER_GROUP + 1)).save(tmp_path / "flow.parquet")
        assert alive <= 0
        assert most <= 4

    def test_a_video_without_pairs_gives_an_empty_file_with_the_right_schema(self, stored, tmp_path):
        empty = DenseFlow.stream([], facts(1)).to(tmp_path / "empty.parquet")
        assert len(empty) == 0
        assert list(empty) == []
        assert empty.cameras.shape == (0, 3, 3)
        assert empty.known.shape == empty.cut.shape == empty.photometric_error.shape == (0,)
        assert empty.file.schema_arrow.equals(stored.file.schema_arrow)
        assert len(empty.to_pandas()) == 0

    def test_the_file_says_its_scale_and_the_numbers_read_without_this_project(self, stored, tmp_path):
        table = pq.read_table(tmp_path / "flow.parquet", columns=["frame", "cut", "photometric_error", "camera"])
        assert table.column("frame").to_pylist() == list(range(40))
        assert table.column("photometric_error").null_count == 1  # null, which SQL leaves out of a mean, not NaN
        assert table.column("camera")[7].as_py() == [1, 0, 7, 0, 1, 0, 0, 0, 1]
        said = json.loads(pq.read_schema(tmp_path / "flow.parquet").metadata[METADATA_KEY])
        assert said["encoding"] == {"height": 20, "width": 30, "grid": 2, "steps_per_px": 32}
        assert all(field.metadata[b"meaning"] for field in pq.read_schema(tmp_path / "flow.parquet"))

    def test_pandas_gets_the_numbers_without_the_fields(self, stored):
        assert set(stored.to_pandas()) == {
            "video",
            "frame",
            "pts_s",
            "end_s",
            "cut",
            "photometric_error",
            "valid_share",
            "camera",
            "camera_inliers",
        }

    @pytest.mark.parametrize("n", [-1, 40])
    def test_a_pair_that_is_not_there_is_an_error(self, stored, n):
        for ask in (stored.forward, stored.valid_backward, stored.camera, stored.pair):
            with pytest.raises(SemflowError, match=rf"pair must lie in \[0, 40\), got {n}"):
                ask(n)

    def test_a_file_of_another_version_is_refused(self, stored, tmp_path):
        odd = pq.read_table(tmp_path / "flow.parquet").replace_schema_metadata({METADATA_KEY: b'{"frames": 3}'})
        pq.write_table(odd, tmp_path / "odd.parquet")
        with pytest.raises(SemflowError, match="must carry the metadata of this version"):
            DenseFlow.load(tmp_path / "odd.parquet")
