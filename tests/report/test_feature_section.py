"""The section on features: frames above, their principal components below."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest

from tasks.geometry.pca_colours import fit_palette
from tasks.report.params import ReportParams
from tasks.report.report_data import ReportData
from tasks.report.sections.feature_section import (
    SAMPLE_CELLS,
    SAMPLE_FRAMES,
    explained_variance,
    make_feature_section,
    sample_features,
)


def _painted(body: str) -> list[np.ndarray]:
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"[^>]*class="cells"', body)
    return [
        cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for data in found
    ]


def test_frames_stand_above_their_features_evenly_over_whole_frames(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    page = read_page(make_feature_section(make_dossier(status=["lost"] * 6 + ["ok"] * 6)).body)
    alts = [attrs["alt"] for tag, attrs in page.tags if tag == "img"]
    assert alts == [f"{what} {n}" for n in (7, 9, 11) for what in ("Frame", "Features of frame")]
    assert [float(attrs["data-t"]) * 25 for tag, attrs in page.tags if tag == "button"] == pytest.approx([7, 9, 11])


def test_what_differs_has_its_own_colour_and_keeps_it_over_time(make_dossier: Callable[..., ReportData]) -> None:
    pictures = _painted(make_feature_section(make_dossier()).body)
    assert {picture.shape for picture in pictures} == {(11, 20, 3)}
    stripes = np.array([[picture[:, at].mean(axis=0) for at in (2, 7, 12, 17)] for picture in pictures])
    assert np.ptp(stripes, axis=0).max() < 12
    assert all(np.abs(a - b).max() > 100 for a, b in combinations(stripes[0], 2))


def test_every_frame_is_painted_by_its_own_features(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(status=["ok"] * 3)
    turned = dossier.features.values.copy()
    turned[1] = turned[1, :, ::-1]
    first, second, third = _painted(
        make_feature_section(replace(dossier, features=replace(dossier.features, values=turned))).body
    )
    assert np.abs(first.astype(int) - third).mean() < 10 < 50 < np.abs(first.astype(int) - second).mean()
    assert np.abs(first.astype(int) - second[:, ::-1]).mean() < 10


def test_the_caption_says_which_layers_were_joined_and_how_much_is_shown(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    dossier = make_dossier()
    text = read_page(make_feature_section(dossier).body).text
    assert "One vector of 6 numbers for every 8 pixels, from mobilenet-v2, layers b6 and b13, joined." in text
    assert "they explain 100% of the variance" in text
    single = replace(dossier.features.metadata, layers=("b6",))
    alone = read_page(
        make_feature_section(replace(dossier, features=replace(dossier.features, metadata=single))).body
    ).text
    assert "from mobilenet-v2, layer b6. " in alone


def test_a_long_video_is_sampled(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(status=["ok"] * 400, width=64, height=48)
    asked: list[int] = []
    inner = dossier.features.vectors
    vars(dossier.features)["vectors"] = lambda frame: asked.append(frame) or inner(frame)
    assert make_feature_section(dossier) is not None
    assert len(asked) == SAMPLE_FRAMES + dossier.params.feature_pictures


def test_of_a_fine_grid_some_cells_are_taken(make_dossier: Callable[..., ReportData]) -> None:
    features = make_dossier(status=["ok"] * 2, width=640, height=480).features
    found = sample_features(features, np.arange(2))
    assert len(found) == pytest.approx(2 * SAMPLE_CELLS, rel=0.4)


def test_a_video_without_whole_frames_gets_a_calm_sentence(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    for status in ([], ["lost"] * 2, ["damaged"]):
        page = read_page(make_feature_section(make_dossier(status=status)).body)
        assert page.count("p", "nothing") == 1 and "No frame is undamaged" in page.text


@pytest.mark.filterwarnings("error")
def test_a_video_of_one_colour_is_painted_without_a_complaint(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(status=["ok"])
    flat = np.broadcast_to(dossier.features.values[:, :1, :1], dossier.features.values.shape)
    section = make_feature_section(replace(dossier, features=replace(dossier.features, values=flat)))
    assert section is not None and "explain 0% of the variance" in section.body


def test_the_share_shown_is_that_of_the_three_widest_axes() -> None:
    spread = np.array([8.0, 4, 2, 1, 1])
    sample = np.random.default_rng(0).normal(size=(20_000, 5)).astype(np.float32) * spread.astype(np.float32)
    assert explained_variance(sample, fit_palette(sample)) == pytest.approx(84 / 86, abs=2e-3)


def test_no_pictures_leave_the_section_out(make_dossier: Callable[..., ReportData], params: ReportParams) -> None:
    assert make_feature_section(make_dossier(params=params.model_copy(update={"feature_pictures": 0}))) is None
