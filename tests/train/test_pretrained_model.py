"""The model in the repository: small, of this version's motions, and right about figures that it was not trained on."""

from __future__ import annotations

import numpy as np

from flows.training.figure_stacks import FIGURE_STACK_SETTINGS, FigureClipInputs, FigureClipJob, render_clip_inputs
from flows.training.pretrain_temporal_stream import TEST_SEED, TRAIN_SEED
from tasks.streams.linear_head import predict_probabilities
from tasks.streams.temporal_stream import extract_temporal_features
from tasks.synthetic.figures.figure_motions import MOTIONS
from tasks.train.pretrained_model import PRETRAINED_FILE, load_pretrained_model, load_pretrained_temporal

OTHER_SEED = 11


def said(seen: FigureClipInputs) -> np.ndarray:
    """(labels,) the mean of what the motion stream says of a clip's stacks."""
    stream = load_pretrained_temporal()
    return predict_probabilities(stream.head, extract_temporal_features(stream, seen.stacks)).mean(axis=0)


def test_it_is_small_and_knows_the_motions_of_this_version() -> None:
    model = load_pretrained_model()
    assert PRETRAINED_FILE.stat().st_size < 1_000_000
    assert model.labels == tuple(MOTIONS)
    assert (model.vocabulary, model.region, model.fusion, model.spatial) == ("synthetic", "person", (0.0, 1.0), None)
    assert model.temporal is not None and model.temporal.stacks == FIGURE_STACK_SETTINGS
    assert model.metrics["top1"]["temporal"] > 0.8


def test_it_tells_motions_of_figures_it_has_not_seen() -> None:
    assert OTHER_SEED not in (TRAIN_SEED, TEST_SEED)
    right = 0
    names = ("squat", "run", "stand", "jump", "wave", "kick")
    for label, name in enumerate(names):
        for number in range(2):
            seen = render_clip_inputs(FigureClipJob((OTHER_SEED, label, number), name, frames=23, segments=2))
            found = said(seen)
            right += load_pretrained_model().labels[int(found.argmax())] == name
    assert right >= 8  # of 12, ten labels to choose from


def test_shuffled_pictures_look_like_no_motion_it_knows_well() -> None:
    """The order of the pictures carries what it knows."""
    sure = {False: 0.0, True: 0.0}
    for is_shuffled in sure:
        for number in range(4):
            seen = render_clip_inputs(
                FigureClipJob((OTHER_SEED, 9, number), "squat", frames=23, segments=2, is_shuffled=is_shuffled)
            )
            found = said(seen)
            sure[is_shuffled] += float(found[load_pretrained_model().labels.index("squat")]) / 4
    assert sure[True] < sure[False] - 0.2
    assert np.isfinite(list(sure.values())).all()
