"""The path of CUDA for clips, run on the CPU by torch's own name for it: batches in half precision."""

from __future__ import annotations

import numpy as np

from tasks.streams import clip_network
from tasks.streams.i3d import load_i3d


def test_batches_in_half_precision_stay_near_single_clips(monkeypatch) -> None:
    monkeypatch.setattr(clip_network, "CUDA_BATCH", 2)
    clips = np.random.default_rng(0).integers(0, 255, (3, 8, 32, 32, 3), np.uint8)
    expected, found = (load_i3d(device).compute_logits(clips) for device in ("cpu", "cpu:0"))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()
