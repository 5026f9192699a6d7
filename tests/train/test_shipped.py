"""The model in the repository: small, of this version's motions, and right about figures that it was not trained on."""

from __future__ import annotations

import numpy as np

from flows.training.figure_stacks import SETTINGS, Job, Seen, look_at
from flows.training.fit_temporal import TEST_SEED, TRAIN_SEED
from tasks.streams.heads import probabilities
from tasks.streams.temporal import temporal_features
from tasks.synthetic.figures.figure_motions import MOTIONS
from tasks.train.shipped import FILE, shipped_model, shipped_temporal

OTHER_SEED = 11


def said(seen: Seen) -> np.ndarray:
    """(labels,) the mean of what the motion stream says of a clip's stacks."""
    stream = shipped_temporal()
    return probabilities(stream.head, temporal_features(stream, seen.stacks)).mean(axis=0)


def test_it_is_small_and_knows_the_motions_of_this_version() -> None:
    model = shipped_model()
    assert FILE.stat().st_size < 1_000_000
    assert model.labels == tuple(MOTIONS)
    assert (model.vocabulary, model.region, model.fusion, model.spatial) == ("synthetic", "person", (0.0, 1.0), None)
    assert model.temporal is not None and model.temporal.stacks == SETTINGS
    assert model.metrics["top1"]["temporal"] > 0.8


def test_it_tells_motions_of_figures_it_has_not_seen() -> None:
    assert OTHER_SEED not in (TRAIN_SEED, TEST_SEED)
    right = 0
    names = ("squat", "run", "stand", "jump", "wave", "kick")
    for label, name in enumerate(names):
        for number in range(2):
            seen = look_at(Job((OTHER_SEED, label, number), name, frames=23, segments=2))
            found = said(seen)
            right += shipped_model().labels[int(found.argmax())] == name
    assert right >= 8  # of 12, ten labels to choose from


def test_shuffled_pictures_look_like_no_motion_it_knows_well() -> None:
    """The order of the pictures carries what it knows."""
    sure = {False: 0.0, True: 0.0}
    for shuffled in sure:
        for number in range(4):
            seen = look_at(Job((OTHER_SEED, 9, number), "squat", frames=23, segments=2, shuffled=shuffled))
            found = said(seen)
            sure[shuffled] += float(found[shipped_model().labels.index("squat")]) / 4
    assert sure[True] < sure[False] - 0.2
    assert np.isfinite(list(sure.values())).all()
