"""Visual features: frames above, below them the first three principal components of their features as colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.features import Features
from tasks.geometry.pca_colours import PcaPalette, fit_palette
from tasks.report.frame_button import render_frame_button
from tasks.report.inline_images import render_cells, render_image, shrink_image
from tasks.report.markup import Markup, join, tag
from tasks.report.middle_samples import pick_middles
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message

LONGEST_PX = 280
SAMPLE_FRAMES = 48  # that the palette is fitted on, evenly spread; reading them takes a few hundredths of a second
SAMPLE_CELLS = 900  # of each: more move no colour by a step that an eye sees


def make_feature_section(data: ReportData) -> Section | None:
    """The strip of images; None where the parameters ask for none, a message where no frame has features."""
    if not data.params.feature_pictures:
        return None
    features = data.features
    whole = features.frames[data.frames.ok[features.frames]]
    sample = sample_features(features, pick_middles(whole, SAMPLE_FRAMES))
    if not len(sample):
        return Section(
            "sight", "Visual features", "", render_message("No frame is undamaged, so there are no features.")
        )
    palette = fit_palette(sample)
    pictures = [_picture(data, int(frame), palette) for frame in pick_middles(whole, data.params.feature_pictures)]
    strip = tag("div", *pictures, class_="strip sights", tabindex="0", role="group", aria_label="Features over time")
    return Section(
        "sight",
        "Visual features",
        _lead(),
        join([strip, tag("p", _caption(features, explained_variance(sample, palette)), class_="more")]),
    )


def sample_features(features: Features, frames: NDArray[np.intp]) -> NDArray[np.float32]:
    """(n, d) vectors of `frames`: every k-th cell of each in reading order; frames without features add none."""
    step = max(1, round(features.metadata.grid.rows * features.metadata.grid.columns / SAMPLE_CELLS))
    found = [features.vectors(int(frame)) for frame in frames]
    d = features.dimensions
    some = [vectors.reshape(-1, d)[::step] for vectors in found if vectors is not None]
    return np.concatenate([np.zeros((0, d), np.float32), *some])


def explained_variance(sample: NDArray[np.float32], palette: PcaPalette) -> float:
    """Share of the variance of (n, d) vectors that the palette's three axes explain, 0..1."""
    away = sample - palette.mean
    every = float(np.square(away, dtype=np.float64).sum())
    return float(np.square(away @ palette.axes, dtype=np.float64).sum()) / every if every else 0.0


def _lead() -> str:
    return (
        "Regions with similar features have similar colours in all frames of this video; "
        "features describe edges, shapes and parts of objects, not the colours of the image."
    )


def _caption(features: Features, share: float) -> str:
    facts = features.metadata
    layers = _join_words(list(facts.layers))
    joined = f"layers {layers}, joined" if len(facts.layers) > 1 else f"layer {layers}"
    return (
        f"One vector of {features.dimensions} numbers for every {facts.grid.step_x:.0f} pixels, from "
        f"{facts.network}, {joined}. Red, green and blue are the first three principal components of the vectors of "
        f"this video; they explain {share:.0%} of the variance."
    )


def _join_words(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _picture(data: ReportData, frame: int, palette: PcaPalette) -> Markup:
    image, vectors = shrink_image(data.frames.image(frame), LONGEST_PX), data.features.vectors(frame)
    assert vectors is not None
    height, width = image.shape[:2]
    return render_frame_button(
        data,
        frame,
        render_image(image, f"Frame {frame}"),
        render_cells(palette.to_rgb(vectors), width, height, f"Features of frame {frame}"),
        subject=" and its features",
    )
