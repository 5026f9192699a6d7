"""Late fusion: where both streams speak of the same subject in the same words, their weighted mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.classify.stream_prediction import SaliencyMap, StreamPrediction, select_top_labels
from tasks.streams.fusion import fuse_probabilities


def fuse_predictions(looks: Sequence[StreamPrediction], weights: tuple[float, float]) -> Iterator[StreamPrediction]:
    """A look `fused` for every window and subject that has one of each stream in one vocabulary."""
    motion = {(look.window, look.track_id, look.vocabulary): look for look in looks if look.stream == "flow"}
    for rgb in looks:
        flow = motion.get((rgb.window, rgb.track_id, rgb.vocabulary))
        if rgb.stream == "rgb" and flow is not None:
            found = fuse_probabilities(rgb.probabilities[None], flow.probabilities[None], weights)[0].astype(np.float32)
            square = rgb.evidence[0].square
            evidence = tuple(SaliencyMap.none(square) for _ in select_top_labels(found))
            yield StreamPrediction(rgb.window, "fused", rgb.track_id, rgb.vocabulary, rgb.labels, found, evidence)
