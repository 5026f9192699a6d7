"""Semantic flow against ground truth: `semflow eval match --data DIR`.

Four kinds of items are looked for at any depth below DIR; each image is brought to the working size of `decode`, its
vectors come from `extract_features` and optical flow from `estimate_flow`, with their sections of params.yaml.

- `views/`: of `--frames` frames, spread over all folders named `frames`, a view is rendered with a known homography in
  another light (tasks/geometry/views.py). PCK@a is the share of the cells whose match lies within a of the image's
  width from the truth (Yang and Ramanan, 2013), over the cells in the view. Beside it: no motion at all; optical flow
  at once; and chained over `--steps` frames. No real film has truth over many frames, so this one runs half
  of them forward and then back to where it began, while the camera turns and the light changes on the way to the view:
  chained flow meets all that moves, hides and leaves the picture in between, and the truth stays exact. The same way
  past a film that stands still is what chained flow is at its best, and there it is better than any match of cells.
- `neighbours/`: the same frames and a view as a next frame would be. EPE in pixels of the cells, for both flows.
- `masks/`: real frames `--stride` apart, where a folder `masks` lies beside `frames`. J is the overlap of the object's
  cells in the first frame with those whose match lies on the object in the second one.
- `keypoints/`: folders with two images and two .mat files of `pts_coord` (2, k). PCK@a in parts of the longer side of
  the second image, and of the longer side of its keypoints' box.
- `homographies/`: folders with two images and an OpenCV file of a 3x3 matrix. Share within 8 px of the original size.

`combined` is the mean over the items of a kind.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.evaluate.match_data import (
    Clip,
    HomographyPair,
    KeypointPair,
    find_clips,
    find_homography_pairs,
    find_keypoint_pairs,
    read_image,
    read_mask,
)
from flows.evaluate.scores import Scores
from tasks.artifacts.flow_encoding import Flow
from tasks.artifacts.images import Image
from tasks.decode.stage import DecodeParams
from tasks.device import resolve_device
from tasks.errors import BadInput
from tasks.estimate_flow.backend import Backend, open_backend
from tasks.estimate_flow.stage import EstimateFlowParams
from tasks.extract_features.projection import shipped_projection
from tasks.extract_features.stage import ExtractFeaturesParams, cell_grid, input_size, viewer
from tasks.geometry import views as match_views
from tasks.geometry.carry import step
from tasks.geometry.grid import CellGrid
from tasks.match.grids import How, match_grids
from tasks.match.semantic import how
from tasks.match.stage import MatchParams
from tasks.params import Compute, Params

Places = NDArray[np.float32]
"""(h, w, 2) x, y in working-size pixels, one for each cell."""
Metrics = dict[str, float]
NEAR_PX = 8.0  # of the original, for homography pairs


@dataclass(frozen=True)
class Grid:
    """One image's vectors."""

    vectors: NDArray[Any]
    """(h, w, d)."""
    cells: CellGrid


@dataclass(frozen=True)
class Bench:
    """Everything that an item is measured with."""

    extract: Callable[[Image], Grid]
    optical: Backend
    how: How
    side: int | None

    def semantic(self, first: Grid, second: Grid) -> Places:
        """Where each cell of the first image is in the second by meaning."""
        return second.cells.to_px(match_grids(first.vectors, second.vectors, self.how).target)

    def chained(self, places: Places, images: Sequence[Image]) -> Places:
        """Where optical flow carries `places` of the first of `images` to the last, one by one, trusted everywhere."""
        for pair in pairwise(images):
            flow: Flow = next(iter(self.optical.estimate(pair)))[0]
            inside = np.clip(places, 0, np.array([flow.shape[1] - 1, flow.shape[0] - 1], np.float32))
            places = places + step(inside, flow, np.ones(flow.shape[:2], np.bool_)) - inside
        return places


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options beyond `--data` and `--json`."""
    parser.add_argument("--frames", type=int, default=20, help="frames that views are made of (default 20)")
    parser.add_argument("--steps", type=int, default=24, help="frames on the way of chained optical flow (default 24)")
    parser.add_argument("--stride", type=int, default=8, help="frames between the two of a pair with masks (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="of the random views (default 0)")


def evaluate(arguments: argparse.Namespace, params: Mapping[str, Params]) -> Scores:
    """Metrics per item, and their means over the items of each kind."""
    return measure(arguments, _bench(params))


def measure(arguments: argparse.Namespace, bench: Bench) -> Scores:
    """`evaluate` with whatever the bench holds."""
    clips = find_clips(arguments.data)
    items: dict[str, Metrics] = {}
    for name, film, rng in _films(clips, arguments, bench.side):
        items[f"views/{name}"], items[f"neighbours/{name}"] = score_views(film, rng, bench)
    for clip in clips:
        if clip.masks and len(clip.frames) > arguments.stride:
            items[f"masks/{clip.name}"] = score_masks(clip, arguments.stride, bench)
    for pair in find_keypoint_pairs(arguments.data, bench.side):
        items[f"keypoints/{pair.name}"] = score_keypoints(pair, bench)
    for pair in find_homography_pairs(arguments.data, bench.side):
        items[f"homographies/{pair.name}"] = score_homography(pair, bench)
    if not items:
        raise BadInput(
            f"{arguments.data} must hold folders `frames`, pairs of images with .mat keypoints, or pairs with a "
            "homography in .xml, got none"
        )
    return Scores("match", items, _means(items))


def score_views(film: Sequence[Image], rng: np.random.Generator, bench: Bench) -> tuple[Metrics, Metrics]:
    """Metrics of a view far away of the last image of `film`, which is the first again, and of a view near to it."""
    image = film[0]
    camera, light = match_views.far(rng)
    far, near = match_views.view(image, camera, light), match_views.view(image, match_views.near(rng))
    first = bench.extract(image)
    centres = first.cells.centres()
    ways = {
        "": bench.semantic(first, bench.extract(far.image)),
        " no motion": centres,
        " optical": bench.chained(centres, [image, far.image]),
        " optical chained": bench.chained(centres, _seen(film, camera, light)),
        " optical chained, still film": bench.chained(centres, _seen([image] * len(film), camera, light)),
    }
    shares = {way: _pck(at, far, centres) for way, at in ways.items()}
    found = {f"{metric}{way}": shares[way][metric] for metric in shares[""] for way in ways}
    close = {
        "EPE": _mean_error(bench.semantic(first, bench.extract(near.image)), near, centres),
        "EPE optical": _mean_error(bench.chained(centres, [image, near.image]), near, centres),
        "EPE no motion": _mean_error(centres, near, centres),
    }
    return found, close


def _seen(film: Sequence[Image], camera: match_views.Camera, light: match_views.Light) -> list[Image]:
    return [view.image for view in match_views.path(film, camera, light)]


def score_masks(clip: Clip, stride: int, bench: Bench) -> Metrics:
    """J of the object's cells carried over `stride` real frames: by meaning, by chained optical flow, not at all."""
    overlaps: dict[str, list[float]] = {"J": [], "J optical chained": [], "J no motion": []}
    for start in range(0, len(clip.frames) - stride, stride):
        images = [read_image(path, bench.side)[0] for path in clip.frames[start : start + stride + 1]]
        masks = [read_mask(clip.masks[frame], *images[0].shape[:2]) for frame in (start, start + stride)]
        first, second = bench.extract(images[0]), bench.extract(images[-1])
        centres = first.cells.centres()
        ways = bench.semantic(first, second), bench.chained(centres, images), centres
        for kept, at in zip(overlaps.values(), ways, strict=True):
            kept.append(_overlap(_at(masks[0], centres), _at(masks[1], at)))
    return {name: float(np.mean(values)) for name, values in overlaps.items()}


def score_keypoints(pair: KeypointPair, bench: Bench) -> Metrics:
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


def score_homography(pair: HomographyPair, bench: Bench) -> Metrics:
    """Share of the cells that lie within NEAR_PX of the truth, all of them and those that are sure."""
    first, second = (bench.extract(image) for image in pair.images)
    found = match_grids(first.vectors, second.vectors, bench.how)
    centres = first.cells.centres()
    error, inside = _errors(second.cells.to_px(found.target), pair.homography, centres, pair.images[1].shape[:2])
    close = error <= NEAR_PX * pair.px
    sure = inside & found.mutual
    return {
        "within 8 px": float(close[inside].mean()),
        "within 8 px mutual": float(close[sure].mean()) if sure.any() else float("nan"),
        "median px": float(np.median(error[inside]) / pair.px),
    }


def _pck(at: Places, view: match_views.View, centres: Places) -> Metrics:
    error, inside = _errors(at, view.homography, centres, view.image.shape[:2])
    width = view.image.shape[1]
    return {f"PCK@{name}": float((error[inside] <= part * width).mean()) for name, part in ((".05", 0.05), (".1", 0.1))}


def _mean_error(at: Places, view: match_views.View, centres: Places) -> float:
    error, inside = _errors(at, view.homography, centres, view.image.shape[:2])
    return float(error[inside].mean())


def _errors(
    at: Places, homography: NDArray[np.float64], centres: Places, size: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(h, w) distance from the truth in pixels, and where the truth lies in the second image."""
    truth: Any = cv2.perspectiveTransform(centres.astype(np.float64), homography)
    x, y = truth[..., 0], truth[..., 1]
    inside = (x >= -0.5) & (y >= -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)
    return np.hypot(at[..., 0] - x, at[..., 1] - y), inside


def _at(mask: NDArray[np.bool_], places: Places) -> NDArray[np.bool_]:
    """(h, w) the mask at the pixel nearest to each place."""
    x, y = np.rint(places).astype(int).transpose(2, 0, 1)
    return mask[np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)]


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 1.0


def _films(
    clips: Sequence[Clip], arguments: argparse.Namespace, side: int | None
) -> Iterator[tuple[str, list[Image], np.random.Generator]]:
    """About `--frames` films there and back, spread over clips and time, each with random numbers of its own."""
    each = max(1, round(arguments.frames / max(1, len(clips))))
    for number, clip in enumerate(clips):
        last = len(clip.frames) - 1
        half = min(arguments.steps // 2, last)
        for frame in sorted({*np.linspace(0, last, each).astype(int).tolist()}):
            way = 1 if frame + half <= last else -1
            there = range(frame, frame + way * (half + 1), way)
            images = [read_image(clip.frames[k], side)[0] for k in there]
            rng = np.random.default_rng([arguments.seed, number, frame])
            yield f"{clip.name}/{frame:05d}", images + images[-2::-1], rng


def _means(items: Mapping[str, Metrics]) -> Metrics:
    kinds: dict[str, list[float]] = {}
    for name, metrics in items.items():
        for metric, value in metrics.items():
            kinds.setdefault(f"{name.partition('/')[0]} {metric}", []).append(value)
    return {name: float(np.nanmean(values)) for name, values in kinds.items()}


def _bench(params: Mapping[str, Params]) -> Bench:
    """The stages' own code, with their sections of params.yaml."""
    compute = cast("Compute", params["compute"])
    looking = cast("ExtractFeaturesParams", params["extract_features"])
    flowing = cast("EstimateFlowParams", params["estimate_flow"])
    device = resolve_device(compute.device)
    shipped = shipped_projection(looking.network, looking.layers, looking.dimensions)
    look = viewer(looking, compute, shipped)

    def extract(image: Image) -> Grid:
        height, width = image.shape[:2]
        cells = cell_grid(height, width, *input_size(height, width, looking.image_side))
        return Grid(look([image])[0], cells)

    return Bench(
        extract=extract,
        optical=open_backend(flowing, device if flowing.network else "cpu", compute.batch),
        how=how(cast("MatchParams", params["match"]), device),
        side=cast("DecodeParams", params["decode"]).max_side,
    )
