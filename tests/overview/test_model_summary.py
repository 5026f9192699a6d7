from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.overview.index_page import render_index
from flows.overview.learning_chart import BOTTOM, HEIGHT, describe_curve, render_learning_curve
from flows.overview.model_summary import score_labels, summarise_action_model
from tasks.artifacts.action_model import ActionModel, LinearHead
from tasks.artifacts.artifact import DATASET_ITEM

CONFUSION = [[3, 1], [0, 4]]


def save_model(root: Path, vocabulary: str = "team", held_out: int = 8, curve: tuple = ()) -> None:
    head = LinearHead("i3d", np.zeros((2, 2), np.float32), np.zeros(2, np.float32))
    top1 = 7 / 8 if held_out else None
    metrics = {
        "trained": 24,
        "held_out": held_out,
        "top1": {"spatial": top1, "temporal": None, "fused": top1},
        "confusion": {"fused": CONFUSION if held_out else [[0, 0], [0, 0]]},
        "calibration_error": {"spatial": 0.123, "temporal": None, "fused": 0.123},
        "learning_curve": [{"segments": segments, "top1": top1} for segments, top1 in curve],
    }
    path = ActionModel.path(root, DATASET_ITEM)
    path.parent.mkdir(parents=True)
    ActionModel(("<jeté>", "plié"), vocabulary, head, None, "person", (1.0, 0.0), metrics).save(path)  # type: ignore[arg-type]


def test_recall_counts_rows_and_precision_counts_columns() -> None:
    jete, plie = score_labels(("jeté", "plié"), CONFUSION)
    assert (jete.recall, jete.precision, jete.count) == (0.75, 1.0, 4)
    assert (plie.recall, plie.precision) == (1.0, 0.8)
    (never,) = score_labels(("never",), [[0]])
    assert (never.recall, never.precision) == (None, None)


def test_the_page_shows_the_scores_and_the_confusion_of_a_team_s_model(tmp_path: Path) -> None:
    save_model(tmp_path)
    page = render_index([], summarise_action_model(tmp_path))
    assert "Trained on 24 labelled segments, measured on 8 of videos held out." in page
    assert "Appearance: 88 % right, calibration error 0.12." in page and "Motion:" not in page
    assert "<th>as &lt;jeté&gt;</th>" in page and '<td class="cell wrong" style="--share:25%">1</td>' in page
    assert "<td>0.75</td>" in page and "<td>0.80</td>" in page


def test_the_page_draws_the_learning_curve_and_says_whether_more_labels_help(tmp_path: Path) -> None:
    save_model(tmp_path, curve=((5, 0.5), (10, 0.7), (18, 0.9)))
    page = render_index([], summarise_action_model(tmp_path))
    assert "Learned from 18 labelled segments, 90% of the segments of other videos are named rightly." in page
    assert "The curve still rises" in page
    heights = [float(point.split(",")[1]) for point in page.split('points="')[1].split('"')[0].split()]
    assert heights == sorted(heights, reverse=True) and heights[0] == pytest.approx((HEIGHT - BOTTOM) / 2)
    assert "The curve is level" in describe_curve([(5, 0.5), (10, 0.9), (18, 0.9)])
    assert render_learning_curve([(8, 0.9)], 2) is None, "a point is no curve"


def test_without_held_out_videos_it_says_so(tmp_path: Path) -> None:
    save_model(tmp_path, held_out=0)
    assert "no video was held out, so there are no scores" in render_index([], summarise_action_model(tmp_path))


@pytest.mark.parametrize("made", [True, False])
def test_without_own_labels_there_is_no_such_section(tmp_path: Path, made: bool) -> None:
    if made:
        save_model(tmp_path, vocabulary="synthetic")
    assert summarise_action_model(tmp_path) is None
    assert "Your action classes" not in render_index([], None)
