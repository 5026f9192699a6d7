"""Two flows of one pair of frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.report.flow_comparison import compare_flows
from tasks.report.report_data import ReportData


def test_optical_flow_is_chained_over_the_frames_between(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(motions=[(2.0, 1.0)] * 11)
    row = dossier.semantic_flow.row(2, 6)
    assert row is not None
    found = compare_flows(dossier.semantic_flow, dossier.dense_flow, row)
    kept = np.isfinite(found.optical[..., 0])
    # The left quarter cannot be verified, and what runs out of the picture is lost.
    assert not kept[:, :5].any() and kept[2:8, 6:18].all()
    assert np.allclose(found.optical[kept], (8, 4), atol=0.2)
    assert np.allclose(found.agreement[kept], 1, atol=0.05)
    assert np.isnan(found.agreement[~kept]).all()
    assert found.share_within_cell == 1 and found.sure.all()
    assert found.scale_px == 10


def test_flows_that_part_are_reported_to(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(motions=[(2.0, 1.0)] * 4 + [(-6.0, 1.0)] * 7)
    late = dossier.semantic_flow.row(4, 8)
    assert late is not None
    found = compare_flows(dossier.semantic_flow, dossier.dense_flow, late)
    assert found.share_within_cell == 0
    assert np.nanmean(found.agreement) == pytest.approx(1 / (1 + 32 / 8), abs=0.01)  # 32 px apart, four cells


def test_where_optical_flow_lost_everything_nothing_is_known(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(motions=["cut"] * 11)
    found = compare_flows(dossier.semantic_flow, dossier.dense_flow, 0)
    assert np.isnan(found.optical).all() and np.isnan(found.share_within_cell)
    assert found.scale_px == 3  # of the semantic flow alone: hypot(2, 1), rounded up
