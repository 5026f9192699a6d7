"""The metrics of one item of `semflow eval match`; match.py says what each of them means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.evaluate.match_context import MatchContext
from flows.evaluate.match_data import HomographyPair, KeypointPair, MatchClip, read_image, read_mask
from tasks.arrays import Image, Points32
from tasks.geometry import synthetic_views as match_views
from tasks.match.grid_matching import match_grids

Metrics = dict[str, float]
MAX_HOMOGRAPHY_ERROR_PX = 8.0  # of the original, for homography pairs


def score_views(film: Sequence[Image], rng: np.random.Generator, bench: MatchContext) -> tuple[Metrics, Metrics]:
    """Metrics of a view far away of the last image of `film`, which is the first again, and of a view near to it."""
    image = film[0]
    camera, light = match_views.sample_far_view(rng)
    far, near = (
        match_views.render_view(image, camera, light),
        match_views.render_view(image, match_views.sample_near_view(rng)),
    )
    first = bench.extract(image)
    centres = first.cells.centres()
    ways = {
        "": bench.semantic(first, bench.extract(far.image)),
        " no motion": centres,
        " optical": bench.chained(centres, [image, far.image]),
        " optical chained": bench.chained(centres, _render_path_images(film, camera, light)),
        " optical chained, still film": bench.chained(centres, _render_path_images([image] * len(film), camera, light)),
    }
    shares = {way: _compute_pck(at, far, centres) for way, at in ways.items()}
    found = {f"{metric}{way}": shares[way][metric] for metric in shares[""] for way in ways}
    close = {
        "EPE": _mean_error(bench.semantic(first, bench.extract(near.image)), near, centres),
        "EPE optical": _mean_error(bench.chained(centres, [image, near.image]), near, centres),
        "EPE no motion": _mean_error(centres, near, centres),
    }
    return found, close


def _render_path_images(
    film: Sequence[Image], camera: match_views.ViewTransform, light: match_views.LightChange
) -> list[Image]:
    return [view.image for view in match_views.render_view_path(film, camera, light)]


def score_masks(clip: MatchClip, stride: int, bench: MatchContext) -> Metrics:
    """J of the object's cells carried over `stride` real frames: by meaning, by chained optical flow, not at all."""
    overlaps: dict[str, list[float]] = {"J": [], "J optical chained": [], "J no motion": []}
    for start in range(0, len(clip.frames) - stride, stride):
        images = [read_image(path, bench.side)[0] for path in clip.frames[start : start + stride + 1]]
        masks = [read_mask(clip.masks[frame], *images[0].shape[:2]) for frame in (start, start + stride)]
        first, second = bench.extract(images[0]), bench.extract(images[-1])
        centres = first.cells.centres()
        ways = bench.semantic(first, second), bench.chained(centres, images), centres
        for kept, at in zip(overlaps.values(), ways, strict=True):
            kept.append(_mask_iou(_sample_mask(masks[0], centres), _sample_mask(masks[1], at)))
    return {name: float(np.mean(values)) for name, values in overlaps.items()}


def score_keypoints(pair: KeypointPair, bench: MatchContext) -> Metrics:
    """PCK of keypoints, each matched as the cell nearest to it and moved along."""
    first, second = (bench.extract(image) for image in pair.images)
    at = bench.semantic(first, second)
    column, row = np.rint(first.cells.to_cells(pair.points[0].astype(np.float32))).astype(int).T
    row, column = np.clip(row, 0, first.cells.rows - 1), np.clip(column, 0, first.cells.columns - 1)
    beside = pair.points[0] - first.cells.centres()[row, column]
    error = np.linalg.norm(at[row, column] + beside - pair.points[1], axis=1)
    side = max(pair.images[1].shape[:2])
    box = float(np.ptp(pair.points[1], axis=0).max())
    return {
        "PCK@.05": float((error <= 0.05 * side).mean()),
        "PCK@.1": float((error <= 0.1 * side).mean()),
        "PCK@.1 of box": float((error <= 0.1 * box).mean()),
    }


def score_homography(pair: HomographyPair, bench: MatchContext) -> Metrics:
    """Share of the cells that lie within NEAR_PX of the truth, all of them and those that are sure."""
    first, second = (bench.extract(image) for image in pair.images)
    found = match_grids(first.vectors, second.vectors, bench.how)
    centres = first.cells.centres()
    error, inside = _compute_errors(
        second.cells.to_px(found.target), pair.homography, centres, pair.images[1].shape[:2]
    )
    close = error <= MAX_HOMOGRAPHY_ERROR_PX * pair.px
    sure = inside & found.mutual
    return {
        "within 8 px": float(close[inside].mean()),
        "within 8 px mutual": float(close[sure].mean()) if sure.any() else float("nan"),
        "median px": float(np.median(error[inside]) / pair.px),
    }


def _compute_pck(at: Points32, view: match_views.SyntheticView, centres: Points32) -> Metrics:
    error, inside = _compute_errors(at, view.homography, centres, view.image.shape[:2])
    width = view.image.shape[1]
    return {f"PCK@{name}": float((error[inside] <= part * width).mean()) for name, part in ((".05", 0.05), (".1", 0.1))}


def _mean_error(at: Points32, view: match_views.SyntheticView, centres: Points32) -> float:
    error, inside = _compute_errors(at, view.homography, centres, view.image.shape[:2])
    return float(error[inside].mean())


def _compute_errors(
    at: Points32, homography: NDArray[np.float64], centres: Points32, size: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(h, w) distance from the truth in pixels, and where the truth lies in the second image."""
    truth: Any = cv2.perspectiveTransform(centres.astype(np.float64), homography)
    x, y = truth[..., 0], truth[..., 1]
    inside = (x >= -0.5) & (y >= -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)
    return np.hypot(at[..., 0] - x, at[..., 1] - y), inside


def _sample_mask(mask: NDArray[np.bool_], places: Points32) -> NDArray[np.bool_]:
    """(h, w) the mask at the pixel nearest to each place."""
    x, y = np.rint(places).astype(int).transpose(2, 0, 1)
    return mask[np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)]


def _mask_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 1.0
