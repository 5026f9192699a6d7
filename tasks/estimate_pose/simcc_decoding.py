"""Decoding of SimCC: a keypoint's x and y as the maxima of two one-dimensional distributions.

After Li et al. (2022, "SimCC: a simple coordinate classification perspective for human pose estimation"), as MMPose
decodes RTMPose (Jiang et al., 2023): bins are half a pixel of the network's input wide, the place is the bin of the
maximum, the score the smaller of the two maxima. With a mirrored image the two pairs of distributions are averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.poses import MIRRORED_KEYPOINT

BINS_PER_PIXEL = 2.0  # `simcc_split_ratio` of the model's configuration
Distributions = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(n, k, bins) of x and of y."""


def decode_simcc(distributions: Distributions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, k, 2) keypoints in pixels of the network's input, pixel centres at integers, and (n, k) scores, 0..1."""
    place = np.stack([each.argmax(axis=2) for each in distributions], axis=2).astype(np.float32) / BINS_PER_PIXEL
    score = np.minimum(*(each.max(axis=2) for each in distributions))
    # Trained towards a normalised Gaussian without a softmax, maxima exceed 0 and 1 a little.
    return place, np.clip(score, 0, 1)


def average_mirrored(straight: Distributions, mirrored: Distributions) -> Distributions:
    """Mean of the distributions of images and of their mirror images, in terms of the former."""
    order = list(MIRRORED_KEYPOINT)
    x, y = mirrored[0][:, order, ::-1], mirrored[1][:, order]
    half = np.float32(0.5)
    return (straight[0] + x) * half, (straight[1] + y) * half
