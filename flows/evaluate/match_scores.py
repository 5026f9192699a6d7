"""The metrics of one item of `semflow eval match`; match.py defines each of them."""

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


def score_views(film: Sequence[Image], rng: np.random.Generator, context: MatchContext) -> tuple[Metrics, Metrics]:
    """Metrics of a far view of the last image of `film`, which equals the first, and metrics of a near view of it."""
    image = film[0]
    camera, light = match_views.sample_far_view(rng)
    far, near = (
        match_views.render_view(image, camera, light),
        match_views.render_view(image, match_views.sample_near_view(rng)),
    )
    first = context.extract(image)
    centres = first.cells.cell_centres()
    methods = {
        "": context.match_cells(first, context.extract(far.image)),
        " no motion": centres,
        " optical": context.chain_flow(centres, [image, far.image]),
        " optical chained": context.chain_flow(centres, _render_path_images(film, camera, light)),
        " optical chained, still film": context.chain_flow(
            centres, _render_path_images([image] * len(film), camera, light)
        ),
    }
    shares = {method: _compute_pck(at, far, centres) for method, at in methods.items()}
    found = {f"{metric}{method}": shares[method][metric] for metric in shares[""] for method in methods}
    close = {
        "EPE": _mean_error(context.match_cells(first, context.extract(near.image)), near, centres),
        "EPE optical": _mean_error(context.chain_flow(centres, [image, near.image]), near, centres),
        "EPE no motion": _mean_error(centres, near, centres),
    }
    return found, close


def _render_path_images(
    film: Sequence[Image], camera: match_views.ViewTransform, light: match_views.LightChange
) -> list[Image]:
    return [view.image for view in match_views.render_view_path(film, camera, light)]


def score_masks(clip: MatchClip, stride: int, context: MatchContext) -> Metrics:
    """J of the object's cells over `stride` real frames: by semantic flow, by chained optical flow, without motion."""
    overlaps: dict[str, list[float]] = {"J": [], "J optical chained": [], "J no motion": []}
    for start in range(0, len(clip.frames) - stride, stride):
        images = [read_image(path, context.side)[0] for path in clip.frames[start : start + stride + 1]]
        masks = [read_mask(clip.masks[frame], *images[0].shape[:2]) for frame in (start, start + stride)]
        first, second = context.extract(images[0]), context.extract(images[-1])
        centres = first.cells.cell_centres()
        methods = context.match_cells(first, second), context.chain_flow(centres, images), centres
        for kept, at in zip(overlaps.values(), methods, strict=True):
            kept.append(_mask_iou(_sample_mask(masks[0], centres), _sample_mask(masks[1], at)))
    return {name: float(np.mean(values)) for name, values in overlaps.items()}


def score_keypoints(pair: KeypointPair, context: MatchContext) -> Metrics:
    """PCK of keypoints, each moved by the match of its nearest cell."""
    first, second = (context.extract(image) for image in pair.images)
    at = context.match_cells(first, second)
    column, row = np.rint(first.cells.to_cells(pair.points[0].astype(np.float32))).astype(int).T
    row, column = np.clip(row, 0, first.cells.rows - 1), np.clip(column, 0, first.cells.columns - 1)
    offset = pair.points[0] - first.cells.cell_centres()[row, column]
    error = np.linalg.norm(at[row, column] + offset - pair.points[1], axis=1)
    side = max(pair.images[1].shape[:2])
    box = float(np.ptp(pair.points[1], axis=0).max())
    return {
        "PCK@.05": float((error <= 0.05 * side).mean()),
        "PCK@.1": float((error <= 0.1 * side).mean()),
        "PCK@.1 of box": float((error <= 0.1 * box).mean()),
    }


def score_homography(pair: HomographyPair, context: MatchContext) -> Metrics:
    """Share of cells within MAX_HOMOGRAPHY_ERROR_PX of the truth, over all cells and over mutual matches."""
    first, second = (context.extract(image) for image in pair.images)
    found = match_grids(first.vectors, second.vectors, context.config)
    centres = first.cells.cell_centres()
    error, inside = _compute_errors(
        second.cells.to_px(found.target), pair.homography, centres, pair.images[1].shape[:2]
    )
    close = error <= MAX_HOMOGRAPHY_ERROR_PX * pair.px
    mutual = inside & found.mutual
    return {
        "within 8 px": float(close[inside].mean()),
        "within 8 px mutual": float(close[mutual].mean()) if mutual.any() else float("nan"),
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
    inside = (x >= -0.5) & (y >= -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)  # noqa: PLR2004  half a pixel beyond the outermost centres
    return np.hypot(at[..., 0] - x, at[..., 1] - y), inside


def _sample_mask(mask: NDArray[np.bool_], places: Points32) -> NDArray[np.bool_]:
    """(h, w) the mask at the pixel nearest to each position."""
    x, y = np.rint(places).astype(int).transpose(2, 0, 1)
    return mask[np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)]


def _mask_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 1.0
