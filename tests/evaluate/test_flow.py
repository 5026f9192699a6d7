from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.evaluate import flow as suite
from flows.evaluate.flow import evaluate, find_flow_pairs
from tasks.errors import BadInput
from tasks.estimate_flow.flow_backend import FlowBackend
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.params import ParamSections
from tests.factories.compute import make_compute

PARAMS = ParamSections(
    {
        "estimate_flow": EstimateFlowParams(
            backend="dis",
            dis_preset="medium",
            raft_weights="raft-sintel",
            raft_iterations=12,
            stored_grid=2,
            stored_steps_per_px=32,
        ),
        "compute": make_compute(),
    }
)
PUBLISHED_DIS = {"rubberwhale": 0.2255, "sintel_alley1": 0.298, "chairs1": 1.59}  # OpenCV's medium, measured before
HEIGHT, WIDTH = 40, 60


def score(folder: Path, backend: str | None = None):
    return evaluate(argparse.Namespace(data=folder, backend=backend), PARAMS)


def put(folder: Path, truth: np.ndarray, seed: int = 0, suffix: str = "png") -> None:
    folder.mkdir(parents=True)
    image = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for stem in ("frame1", "frame2"):
        cv2.imwrite(str(folder / f"{stem}.{suffix}"), image)
    cv2.writeOpticalFlow(str(folder / "flow.flo"), truth)


def constant(x: float, y: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 2), (x, y), np.float32)


@pytest.fixture
def standing_still(monkeypatch):
    """A backend that never sees any motion, so that errors are the lengths of the true vectors."""

    def estimate(images: Sequence[np.ndarray]):
        zero = np.zeros((*images[0].shape[:2], 2), np.float32)
        yield zero, zero

    monkeypatch.setattr(suite, "open_flow_backend", lambda params, device, batch: FlowBackend(1, estimate))


def test_pairs_are_found_at_any_depth_and_named_by_their_path(tmp_path: Path):
    for name, suffix in (("b", "ppm"), ("deep/er/a", "png")):
        put(tmp_path / name, constant(0, 0), suffix=suffix)
    assert [item.name for item in find_flow_pairs(tmp_path)] == ["b", "deep/er/a"]
    assert [item.name for item in find_flow_pairs(tmp_path / "b")] == ["b"]


def test_epe_and_fl_count_known_pixels_and_combined_counts_them_all_alike(tmp_path: Path, standing_still):
    first = constant(3, 4)
    first[:, : WIDTH // 2] = 1e9
    put(tmp_path / "half_known", first)
    put(tmp_path / "known", constant(2, 0))
    scores = score(tmp_path)
    assert scores.items["half_known"]["EPE"] == pytest.approx(5)
    assert scores.items["half_known"]["Fl"] == 100
    assert scores.items["known"]["EPE"] == pytest.approx(2)
    assert scores.items["known"]["Fl"] == 0
    assert scores.combined["EPE"] == pytest.approx((5 * 0.5 + 2 * 1) / 1.5)
    assert scores.combined["Fl"] == pytest.approx(100 / 3)
    assert scores.combined["EPE_stored"] == pytest.approx(scores.combined["EPE"])
    assert scores.combined["added"] == 0


def test_the_result_is_one_json_object_with_the_fields_names(tmp_path: Path, standing_still):
    put(tmp_path / "one", constant(1, 0))
    printed = json.loads(json.dumps(score(tmp_path).as_json()))
    assert set(printed) == {"suite", "items", "combined"}
    assert printed["suite"] == "flow"
    assert {"EPE", "Fl", "EPE_stored"} <= set(printed["combined"])


def test_a_backend_may_be_named_and_gives_other_figures(tmp_path: Path):
    put(tmp_path / "one", constant(0, 0))
    image = cv2.imread(str(tmp_path / "one/frame1.png"))
    cv2.imwrite(str(tmp_path / "one/frame2.png"), cv2.GaussianBlur(image, (0, 0), 1))
    assert score(tmp_path, "farneback").combined["EPE"] != score(tmp_path).combined["EPE"]


@pytest.mark.parametrize("lack", ["all", "image", "size"])
def test_what_is_not_whole_is_an_error_that_says_so(tmp_path: Path, lack):
    if lack != "all":
        put(tmp_path / "one", constant(0, 0) if lack == "image" else constant(0, 0)[:-1])
    if lack == "image":
        (tmp_path / "one/frame2.png").unlink()
    expected = {"all": "got none", "image": r"frame2\.\* as an image", "size": "of one size"}[lack]
    with pytest.raises(BadInput, match=expected):
        list(find_flow_pairs(tmp_path))


def test_dis_is_as_good_as_published_and_storing_costs_next_to_nothing(ground_truth: Path):
    scores = score(ground_truth / "flow")
    for name, published in PUBLISHED_DIS.items():
        item = scores.items[name]
        assert item["EPE"] <= published
        assert item["added"] < 1 / 8
        assert item["share"] <= 10
        assert abs(item["EPE_stored"] - item["EPE"]) < 0.01


@pytest.mark.slow
def test_raft_is_better_than_dis_everywhere_and_by_a_third_where_motion_is_large(ground_truth: Path):
    dis, raft = (score(ground_truth / "flow", backend) for backend in ("dis", "raft"))
    for name, item in raft.items.items():
        assert item["EPE"] < dis.items[name]["EPE"]
        assert item["added"] < 1 / 8
    for name in ("sintel_alley1", "chairs1"):
        assert raft.items[name]["EPE"] <= 0.7 * dis.items[name]["EPE"]
