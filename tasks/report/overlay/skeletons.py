"""Draw skeletons: a line per bone whose two keypoints are trusted, with one colour for each side of the body."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.poses import KEYPOINTS, SKELETON_EDGES, Poses
from tasks.report.colours import Rgb, track_colour
from tasks.report.overlay.draw_boxes import OUTLINE_SHADE
from tasks.report.overlay.drawing_canvas import Canvas
from tasks.report.overlay.trails import SUBPIXEL_BITS

LEFT: Rgb = (255, 176, 72)
RIGHT: Rgb = (92, 178, 255)
"""Orange and blue: distinguishable with any colour vision; also the colours of the curves on the page."""
LINE_SHARE = 60  # line widths in a body's extent at least: small people are not painted over


def draw_skeletons(picture: Image, canvas: Canvas, poses: Poses, frame: int) -> None:
    """Draw the smoothed poses of one frame onto its prepared picture; trunk and head in the track's colour."""
    for row in range(*np.searchsorted(poses.frame, [frame, frame + 1]).tolist()):
        xy: NDArray[np.float32] = np.stack([poses.smooth_x[row], poses.smooth_y[row]], axis=1)
        draw_skeleton(picture, canvas, xy, track_colour(int(poses.track_id[row])))


def draw_skeleton(picture: Image, canvas: Canvas, xy: NDArray[np.float32], middle: Rgb) -> None:
    """Draw (26, 2) keypoints, working pixels, NaN where unknown."""
    known = ~np.isnan(xy[:, 0])
    if not known.any():
        return
    extent = float(np.ptp(xy[known], axis=0).max()) * canvas.factor
    width = max(1, min(canvas.line_px, round(extent / LINE_SHARE)))
    place = (canvas.to_canvas(np.nan_to_num(xy)) * (1 << SUBPIXEL_BITS)).round().astype(np.int32)
    bones = [(place[a], place[b], _colour(a, b, middle)) for a, b in SKELETON_EDGES if known[a] and known[b]]
    # All the dark ground first, so that no bone is cut by the ground of the next.
    for first, second, colour in bones:
        _line(picture, first, second, _dark(colour), width + 2)
    for first, second, colour in bones:
        _line(picture, first, second, colour, width)


def _colour(first: int, second: int, middle: Rgb) -> Rgb:
    for side, colour in (("left", LEFT), ("right", RIGHT)):
        if KEYPOINTS[first].endswith(side) and KEYPOINTS[second].endswith(side):
            return colour
    return middle


def _dark(colour: Rgb) -> Rgb:
    red, green, blue = (round(channel * OUTLINE_SHADE) for channel in colour)
    return red, green, blue


def _line(picture: Image, first: NDArray[np.int32], second: NDArray[np.int32], colour: Rgb, width: int) -> None:
    cv2.line(picture, first.tolist(), second.tolist(), colour, width, cv2.LINE_AA, SUBPIXEL_BITS)
