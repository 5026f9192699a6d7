"""Label maps as class probabilities."""

from __future__ import annotations

import numpy as np

from tasks.sequence.label_map import weigh_classes


def test_every_class_of_a_pixel_has_its_weight() -> None:
    rng = np.random.default_rng(0)
    values, weight = rng.random((5, 7, 3), np.float32), rng.random((5, 7), np.float32)
    np.testing.assert_array_equal(weigh_classes(values, weight), values * weight[..., None])
