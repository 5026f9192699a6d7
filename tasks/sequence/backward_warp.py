"""Backward warping between neighbouring frames: where each pixel's point lies in the neighbour, with a confidence.

The confidence of a pixel is lowered by three tests:

- forward-backward consistency: the flow there and back must return to the pixel (Sundaram et al., ECCV 2010);
- visibility: the point must not be occluded in the neighbour (opacity prior);
- photometric consistency: colours at both ends must be similar, at the pixel and around it. This finds flow that is
  smooth across an object's boundary, which returns consistently and is still wrong.

Values are interpolated between the four neighbouring pixels. At an object's boundary some of the four belong to another
object, and bilinear interpolation would blend both: the boundary would erode by about a pixel per frame. The bilinear
weights are therefore multiplied by a range weight, as in the cross-bilateral filter (Petschnigg et al., SIGGRAPH 2004):
each pixel's own forward-backward error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats32, FlowField, Mask
from tasks.geometry.warp import target_points
from tasks.sequence.frame_pair_motion import FramePairMotion

CYCLE_TOLERANCE_PX = 1.0  # forward-backward error at which confidence is exp(-1/2); more if the whole pair is noisy
MAX_STEP_TRUST = 0.98  # confidence of a perfect step: fifty of them leave a third
OCCLUDED_TRUST = 0.3  # least confidence per step, also of an occluded point, without the opacity prior
CORNER_TOLERANCE_PX = 0.25  # excess over the least forward-backward error of the four pixels that weighs exp(-1/2)
MIN_BILINEAR_WEIGHT = np.float32(1e-3)  # of a pixel one whole pixel away: it may be the only one of its object
MIN_CYCLE_WEIGHT = np.float32(1e-5)  # of a pixel that fails the forward-backward test: if all four fail, all count
COLOUR_TOLERANCE = 2.0  # times the pair's median colour difference: up to there two pixels are similar
MIN_COLOUR_LEVELS = 2.0  # grey levels, lower bound of that median: rounding alone differs by that
NEIGHBOURHOOD_SIGMA_PX = 2.25  # standard deviation of the Gaussian window around a pixel
MISMATCH_SCALE = np.float32(0.2)  # share of dissimilar pixels in the window at which confidence is exp(-1/2)
MIN_VALID_SHARE = 1e-3  # valid share of the window; with less there is no estimate


@dataclass(frozen=True, eq=False)
class BackwardWarp:
    """Positions of a frame's points in a neighbouring frame, and the interpolation weights there."""

    positions: FlowField
    """(h, w, 2) x, y."""
    corner_index: NDArray[np.int32]
    """(h, w, 4) flattened index of each of the four pixels around."""
    corner_weight: NDArray[np.float32]
    """(h, w, 4) interpolation weight of each; sums to 1."""
    trust: Floats32
    """(h, w) confidence, 0..1."""
    mismatch: Floats32
    """(h, w) share of the pixels around whose colours differ in the two frames."""

    def warp_values(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w) or (h, w, c) `values` of the neighbouring frame, interpolated at the positions of the points.

        The interpolation is a sparse matrix with four entries in each row, and one product serves all c channels.
        """
        from scipy.sparse import csr_array

        height, width, corners = self.corner_index.shape
        pixels = height * width
        starts = np.arange(0, pixels * corners + 1, corners, dtype=np.int32)
        matrix = csr_array((self.corner_weight.reshape(-1), self.corner_index.reshape(-1), starts), (pixels, pixels))
        warped: NDArray[np.float32] = matrix @ values.reshape(pixels, -1)
        return warped.reshape(values.shape)


def compute_backward_warp(
    motion: FramePairMotion, density: bool, images: tuple[NDArray[Any], NDArray[Any]] | None = None
) -> BackwardWarp:
    """From the later frame of a pair to the earlier one; `images` are (h, w, 3), of the later and the earlier.

    With `density`, a point that is occluded in the earlier frame has no confidence: the occluder has all the opacity.
    """
    height, width = motion.backward.shape[:2]
    positions, valid = target_points(motion.backward), motion.valid_backward
    index, bilinear = _bilinear_corners(positions)
    error = _return_errors(motion, index)
    least = np.minimum(np.minimum(error[0], error[1]), np.minimum(error[2], error[3]))
    excess = np.exp((least - error) / np.float32(2 * CORNER_TOLERANCE_PX**2))
    weight = (bilinear + MIN_BILINEAR_WEIGHT) * (excess + MIN_CYCLE_WEIGHT)
    weight /= weight[0] + weight[1] + weight[2] + weight[3]
    trust = _cycle_consistency(least, valid) * np.float32(MAX_STEP_TRUST)
    mismatch = np.zeros((height, width), np.float32)
    warp = BackwardWarp(positions, _corners_last(index), _corners_last(weight), trust, mismatch)
    if images is not None:
        here, there = (np.asarray(image, np.float32) for image in images)
        similarity, mismatch = _colour_similarity(here - warp.warp_values(there), valid)
        trust = trust * similarity * np.exp(-((mismatch / MISMATCH_SCALE) ** 2) / 2)
    trust = np.where(valid, trust, np.float32(0)) if density else np.maximum(trust, np.float32(OCCLUDED_TRUST))
    return replace(warp, trust=trust.astype(np.float32), mismatch=mismatch)


def _bilinear_corners(positions: FlowField) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(4, h, w) flattened index and bilinear weight of the pixels around (h, w, 2) positions, row by row.

    Beyond the border the index is that of the nearest pixel.
    """
    height, width = positions.shape[:2]
    x, y = np.ascontiguousarray(positions[..., 0]), np.ascontiguousarray(positions[..., 1])
    left, top = np.floor(x), np.floor(y)
    columns = [np.clip(left + n, 0, width - 1).astype(np.int32) for n in (0, 1)]
    rows = [np.clip(top + n, 0, height - 1).astype(np.int32) * np.int32(width) for n in (0, 1)]
    right_share, bottom_share = x - left, y - top
    across, down = (1 - right_share, right_share), (1 - bottom_share, bottom_share)
    index = np.stack([row + column for row in rows for column in columns])
    return index, np.stack([share * other for share in down for other in across])


def _return_errors(motion: FramePairMotion, index: NDArray[np.int32]) -> NDArray[np.float32]:
    """(4, h, w) squared distance, px^2, of the flow there and back from a pixel, by the forward flow at each corner."""
    error = np.zeros(index.shape, np.float32)
    for axis in range(2):
        forward = np.ascontiguousarray(motion.forward[..., axis]).reshape(-1)
        gap = forward[index] + motion.backward[..., axis]
        error += gap * gap
    return error


def _corners_last(values: NDArray[Any]) -> NDArray[Any]:
    """(h, w, 4) of (4, h, w), contiguous."""
    return np.ascontiguousarray(values.transpose(1, 2, 0))


def _cycle_consistency(squared_error: NDArray[np.float32], valid: Mask) -> Floats32:
    """(h, w) 1 for a forward-backward error of 0, falling with the (h, w) squared error in pixels.

    The scale grows with the pair's median error: noise that affects every pixel does not remove all confidence.
    """
    median = float(np.median(squared_error[valid])) if valid.any() else 0.0
    return np.exp(-squared_error / np.float32(2 * (CYCLE_TOLERANCE_PX**2 + median)))


def _colour_similarity(difference: NDArray[np.float32], valid: Mask) -> tuple[Floats32, Floats32]:
    """(h, w) similarity by the (h, w, 3) colour difference, and the share of dissimilar pixels in the window."""
    distance = np.sqrt(np.einsum("hwc,hwc->hw", difference, difference))
    median = max(MIN_COLOUR_LEVELS, float(np.median(distance[valid])) if valid.any() else 0.0)
    similarity = np.exp(-(np.maximum(0, distance / np.float32(median) - COLOUR_TOLERANCE) ** 2) / 2).astype(np.float32)
    counted = valid.astype(np.float32)
    mismatch = _blur_window((1 - similarity) * counted) / np.maximum(_blur_window(counted), np.float32(MIN_VALID_SHARE))
    return similarity, mismatch.astype(np.float32)


def _blur_window(values: NDArray[np.float32]) -> NDArray[np.float32]:
    blurred: Any = cv2.GaussianBlur(values, (0, 0), NEIGHBOURHOOD_SIGMA_PX)
    return blurred
