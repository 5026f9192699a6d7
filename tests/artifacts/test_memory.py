"""What artifacts of long films hold in memory for each frame."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.parquet_file import read_column
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata, SemanticFlowPair
from tasks.geometry.cell_grid import CellGrid

ENCODING = FlowEncoding(height=8, width=8, grid=2, steps_per_px=16)
GRID = CellGrid(rows=1, columns=1, step_x=8.0, step_y=8.0, left=0.0, top=0.0)


def measure_peak(call: Callable[[], object]) -> int:
    """Bytes that Python and NumPy hold at most during the call, beside those before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def read_forward(flow: DenseFlow) -> None:
    for pair in range(len(flow)):
        assert flow.known[pair] and flow.forward(pair).shape == (8, 8, 2) and flow.camera(pair).shape == (3, 3)


def test_dense_flow_holds_a_few_numbers_of_each_pair(tmp_path: Path) -> None:
    field = np.ones((8, 8, 2), np.float32)
    pair = FlowPair(field, -field, field[..., 0] > 0, field[..., 0] > 0, 1.0, False, np.eye(3), 1.0)

    def measure(pairs: int) -> int:
        metadata = FlowMetadata(pairs + 1, "dis", ENCODING)
        flow: DenseFlow = DenseFlow.stream([pair] * pairs, metadata).to(tmp_path / f"{pairs}.parquet")
        before = pa.total_allocated_bytes()
        opened = DenseFlow.load(tmp_path / f"{pairs}.parquet")
        assert len(opened) == pairs and pa.total_allocated_bytes() == before, "an opened file holds no pair"
        read_forward(flow)  # what is loaded once does not count
        return measure_peak(lambda: read_forward(opened))

    assert (measure(2400) - measure(400)) / 2000 < 25, "bytes a pair: a homography would take 72"


def test_equal_texts_of_a_column_are_one(tmp_path: Path) -> None:
    status = ["ok", "lost", "ok", "ok", "lost"]
    pq.write_table(pa.table({"status": status}), tmp_path / "film.parquet", row_group_size=2)
    found = read_column(pq.ParquetFile(tmp_path / "film.parquet"), "status")
    assert found.tolist() == status and found.dtype == object
    assert len({id(text) for text in found}) == 2


def test_writing_semantic_flow_holds_little_of_each_pair(tmp_path: Path) -> None:
    def measure(pairs: int) -> int:
        def rows() -> Iterator[tuple[SemanticFlowPair, np.ndarray[tuple[int, ...], np.dtype[np.float16]]]]:
            for n in range(pairs):
                yield SemanticFlowPair(n, n + 1, 0.5 + n, 0.25 + n, 1.0 * n, 1.0 + n), np.ones((1, 1, 3), np.float16)

        metadata = SemanticFlowMetadata(pairs + 1, 8, 8, GRID)
        path = tmp_path / f"{pairs}.npy"
        peak = measure_peak(lambda: SemanticFlow.stream(rows(), pairs, metadata).save(path))
        assert SemanticFlow.load(path).pairs[-1].mutual_share == pairs - 0.5
        return peak

    measure(10)  # what is loaded once does not count
    assert (measure(2400) - measure(400)) / 2000 < 350
