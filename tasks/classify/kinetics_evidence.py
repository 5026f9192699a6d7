"""Whether a window shows one of Kinetics-400's actions at all: its largest logit.

I3D shares all probability among 400 actions, also where a film shows none of them: people who walk through a street are
"marching" at .95. A softmax only says which label is better than the others; the largest logit says how much there is
for it (Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", ICML 2022, MaxLogit).

Measured on 61 windows of 19 real clips, labelled by eye: 27 windows of ten clips show an action of Kinetics-400
(segway, cartwheel, cricket, soccer juggling, breakdance, parkour, bicycle, motorcycle, cars), the others none (walkers,
a street, a camel, a swan, dogs). First labels above one half: 26 right, 14 wrong; of these with a logit of 17 and more
23 right, none wrong (largest wrong one 16.2). Above .9 alone: 19 right, 2 wrong; where the left and the right crop say
the same: 19 and 3; half way between the largest wrong and the next right one, chosen without the clip that is judged:
23 and none. As the pipeline computes (at most 640 pixels, windows side by side) `semflow eval action` counts 20 right
and 11 wrong without the limit, 18 and 1 with it: a dog that walks alone is "walking the dog".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.classify.params import ClassifyParams
from tasks.classify.stream_prediction import StreamPrediction

UNCERTAIN = "Shows no action of Kinetics-400 clearly"
"""Beginning of the sentence of `describe_evidence`."""


def lacks_evidence(prediction: StreamPrediction, params: ClassifyParams) -> bool:
    """Whether there is too little evidence for every label of Kinetics-400; False for other vocabularies."""
    return prediction.max_logit < params.min_logit


def describe_evidence(predictions: Sequence[StreamPrediction], params: ClassifyParams) -> Iterator[str]:
    """A sentence of the windows whose labels of Kinetics-400 lack evidence; none where all have it."""
    judged = [one for one in predictions if np.isfinite(one.max_logit)]
    lacking = sum(lacks_evidence(one, params) for one in judged)
    if lacking:
        yield (
            f"{UNCERTAIN}: in {lacking} of {len(judged)} windows the evidence for the first label (its logit) is below "
            f"{params.min_logit:g}, as in films of other things than its 400 actions; none of them is called confident."
        )
