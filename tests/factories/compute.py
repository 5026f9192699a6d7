"""The section `compute` of a test: how a stage is to be computed, without anything that a test does not look at."""

from __future__ import annotations

from tasks.params import Compute


def make_compute(device: str = "cpu", batch: int = 1) -> Compute:
    """One worker without limits on `device`, with so many images per call of a model."""
    return Compute(
        device=device, workers=1, batch=batch, item_timeout_s=0, worker_memory_gb=0, store_raw=True, recompute=()
    )
