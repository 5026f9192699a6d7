"""What the network tells apart: frames above, their features below, the first three principal components as colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.features import Features
from tasks.geometry.pca_colours import PcaPalette, fit_palette
from tasks.report.dossier import Dossier
from tasks.report.markup import Markup, join, tag
from tasks.report.picture import cells, data_uri, jpeg, shrink
from tasks.report.section import Section, nothing
from tasks.report.spread import spread
from tasks.report.words import clock

LONGEST_PX = 280
SAMPLE_FRAMES = 48  # that the palette is fitted on, evenly spread; reading them takes a few hundredths of a second
SAMPLE_CELLS = 900  # of each: more move no colour by a step that an eye sees


def sight(dossier: Dossier) -> Section | None:
    """The strip, or None where the parameters ask for no pictures; a sentence where no frame has features."""
    if not dossier.params.feature_pictures:
        return None
    features = dossier.features
    whole = np.flatnonzero(dossier.frames.ok)
    sample = vectors_of(features, spread(whole, SAMPLE_FRAMES))
    if not len(sample):
        return Section("sight", "What it sees", "", nothing("No frame came out whole, so there is nothing to see."))
    palette = fit_palette(sample)
    pictures = [_picture(dossier, int(frame), palette) for frame in spread(whole, dossier.params.feature_pictures)]
    strip = tag("div", *pictures, class_="strip sights", tabindex="0", role="group", aria_label="Features over time")
    return Section(
        "sight",
        "What it sees",
        _lead(),
        join([strip, tag("p", _caption(features, shown(sample, palette)), class_="more")]),
    )


def vectors_of(features: Features, frames: NDArray[np.intp]) -> NDArray[np.float32]:
    """(n, d) vectors of `frames`, some cells of each, evenly spaced in reading order; frames without any add none."""
    step = max(1, round(features.metadata.grid.rows * features.metadata.grid.columns / SAMPLE_CELLS))
    found = [features.vectors(int(frame)) for frame in frames]
    d = features.values.shape[3]
    some = [vectors.reshape(-1, d)[::step].astype(np.float32) for vectors in found if vectors is not None]
    return np.concatenate([np.zeros((0, d), np.float32), *some])


def shown(sample: NDArray[np.float32], palette: PcaPalette) -> float:
    """Share of the spread of (n, d) vectors that the palette's three axes hold, 0..1."""
    away = sample - palette.mean
    every = float(np.square(away, dtype=np.float64).sum())
    return float(np.square(away @ palette.axes, dtype=np.float64).sum()) / every if every else 0.0


def _lead() -> str:
    return (
        "What looks alike to the network has one colour, in every picture of this video: "
        "edges, shapes and parts of things, not the colours of the film."
    )


def _caption(features: Features, share: float) -> str:
    facts = features.metadata
    layers = _listed(list(facts.layers))
    joined = f"layers {layers}, joined" if len(facts.layers) > 1 else f"layer {layers}"
    return (
        f"One vector of {features.values.shape[3]} numbers for every {facts.grid.step_x:.0f} pixels, from "
        f"{facts.network}, {joined}. Red, green and blue are the three directions in which the vectors of this video "
        f"differ most; they hold {share:.0%} of all differences."
    )


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _picture(dossier: Dossier, frame: int, palette: PcaPalette) -> Markup:
    time_s = float(dossier.edges_s[frame])
    when = clock(time_s, 0.1)
    image = shrink(dossier.frames.image(frame), LONGEST_PX)
    height, width = image.shape[:2]
    return tag(
        "button",
        tag("img", src=data_uri(jpeg(image)), width=width, height=height, alt=f"Frame {frame}", loading="lazy"),
        cells(palette.paint(dossier.features.values[frame]), width, height, f"Features of frame {frame}"),
        tag("span", when, class_="when"),
        type="button",
        data_t=f"{time_s:.4f}",
        aria_label=f"Go to {when}, frame {frame} and its features",
    )
