"""Single-object tracking by a template of feature vectors, sampled on a grid in the object's box.

A template tracker in the manner of siamese ones (Bertinetto et al., "Fully-convolutional siamese networks for object
tracking", 2016): the template's vectors are compared with those of the next frame at many positions and scales, and
displacements and scale changes are penalised. We differ in that the vectors come from the features artifact, that the
search is centred at the box moved by dense flow, that vectors that also occur in the background get low weights, and
that half of the template stays what was in the given box.
Below MIN_SIMILARITY the object counts as lost: box and template stay as they are, and the whole frame is searched until
a similarity of MIN_REDETECTION_SIMILARITY. An object lost beside a border has left the image and is searched for beside
that border alone, as elsewhere the most similar thing is another object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats, Vectors
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import FeatureGrids, FeatureMetadata
from tasks.geometry.bounding_boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.track.flow_propagated_boxes import median_box_flow

TEMPLATE_SIDE = 8  # points along each side of the template
BACKGROUND_EXTENT = 2.0  # times the box's size: the extent of the region taken as background
REACH_CELLS, STEP_CELLS, FINE_CELLS = 4.0, 0.5, 0.25  # of the search around the box moved by flow
SCALES = (0.97, 1.0, 1.03)  # from frame to frame; SiamFC tries 1.025 ^ (-2 .. 2)
MOVE_COST, SCALE_COST = 0.1, 0.005  # of similarity: per displacement by the box's size, and for another scale
MIN_POINT_WEIGHT = 0.05  # of a point that looks like the background
MIN_SIMILARITY = 0.5  # the same object some seconds later has .65 and more, another mostly less than .4
MIN_REDETECTION_SIMILARITY = 0.65  # of a lost object: the whole frame holds more that it can be confused with
EXIT_MARGIN = 0.5  # box sizes from the border: an object lost nearer to it has left the image
ENTRY_MARGIN = 1.5  # box sizes from that border within which it may reappear; a part of it is not similar enough
TEMPLATE_MEMORY = 0.95  # share of the old vectors in the moving average
FIRST_SHARE = 0.5  # share of the given box's vectors in the template


@dataclass(frozen=True, eq=False)
class ObjectTemplate:
    """Feature vectors of the object, with weights."""

    first: Vectors
    """(k, d) unit vectors in the given box."""
    latest: Vectors
    """(k, d) a moving average of those found in later frames."""
    weight: NDArray[np.float64]
    """(k,) how well a point separates the object from the background; sums to 1."""

    @property
    def vectors(self) -> Vectors:
        """(k, d) unit vectors that are compared."""
        return l2_normalize(FIRST_SHARE * self.first + (1 - FIRST_SHARE) * self.latest)

    def update(self, seen: Vectors) -> ObjectTemplate:
        """A template whose moving average includes `seen`, (k, d)."""
        return replace(self, latest=l2_normalize(TEMPLATE_MEMORY * self.latest + (1 - TEMPLATE_MEMORY) * seen))


def track_by_template(
    features: FeatureGrids, dense_flow: DenseFlow, frame: int, xyxy: Floats
) -> Iterator[tuple[int, Floats, float]]:
    """(frame, (4,) xyxy, similarity) from `frame`, where the box is given, to the end; similarity 0 where it is lost.

    The template is learned at the first frame with stored features. A frame without takes the box moved by the flow,
    with the last similarity; damaged and lost frames are left out.
    """
    grid = features.metadata.grid
    if features.is_stored(frame) and features.vectors(frame) is None:
        return
    template: ObjectTemplate | None = None
    box, last = xyxy_to_cxcywh(xyxy), 1.0
    places: Floats | None = None  # where it may reappear, while it is lost
    for now in range(frame, len(features)):
        vectors = features.vectors(now)
        if vectors is None and features.is_stored(now):
            continue
        if now > frame and places is None:
            box = np.append(box[:2] + median_box_flow(dense_flow, now - 1, cxcywh_to_xyxy(box[None]))[0][0], box[2:])
        if vectors is None or template is None:
            here = xyxy if now == frame else cxcywh_to_xyxy(box)
            template = template if vectors is None else learn_template(vectors, grid, here)
            yield now, here, last
            continue
        found, similarity = search_template(template, vectors, grid, box, places)
        if similarity >= (MIN_SIMILARITY if places is None else MIN_REDETECTION_SIMILARITY):
            places, box = None, found
            template = template.update(sample_vectors(vectors, grid, place_template_points(box[None]))[0])
        elif places is None:
            places = find_reappearance_places(box, features.metadata)
        last = similarity if places is None else 0.0
        yield now, cxcywh_to_xyxy(box), last


def learn_template(vectors: NDArray[Any], grid: CellGrid, xyxy: Floats) -> ObjectTemplate:
    """The template of the box `xyxy`, from a frame's (h, w, d) vectors."""
    inside = sample_vectors(vectors, grid, place_template_points(xyxy_to_cxcywh(xyxy)[None]))[0]
    centres = grid.cell_centres().reshape(-1, 2)
    distance = np.abs(centres - (xyxy[:2] + xyxy[2:]) / 2) / np.maximum((xyxy[2:] - xyxy[:2]) / 2, 1)
    is_near = (distance.max(axis=1) > 1) & (distance.max(axis=1) < BACKGROUND_EXTENT)
    weight = np.ones(len(inside))
    if is_near.any():
        background = l2_normalize(np.asarray(vectors, np.float32).reshape(-1, vectors.shape[-1])[is_near])
        weight = np.maximum(1 - (inside @ background.T).max(axis=1), MIN_POINT_WEIGHT).astype(np.float64)
    return ObjectTemplate(inside, inside, weight / weight.sum())


def search_template(
    template: ObjectTemplate, vectors: NDArray[Any], grid: CellGrid, expected: Floats, places: Floats | None = None
) -> tuple[Floats, float]:
    """The (4,) cxcywh box most similar to the template, around `expected` or at (n, 2) `places`, and its similarity.

    First a coarse search by the cosines of cells, then a fine one over position and scale by interpolated vectors.
    """
    cell = np.array([grid.step_x, grid.step_y])
    if places is None:
        coarse, moves, _ = make_candidates(expected, cell, REACH_CELLS, STEP_CELLS, (1.0,))
    else:
        coarse = np.concatenate([places, np.tile(expected[2:], (len(places), 1))], axis=1)
        moves = np.zeros(len(coarse))
    cosines = np.asarray(vectors, np.float32) @ template.vectors.T
    best = coarse[np.argmax(score_coarsely(template, cosines, grid, coarse) - MOVE_COST * moves)]
    fine, moves, scaled = make_candidates(best, cell, STEP_CELLS, FINE_CELLS, SCALES)
    seen = sample_vectors(vectors, grid, place_template_points(fine))
    similarity = np.einsum("nkd,kd->nk", seen, template.vectors) @ template.weight
    choice = int(np.argmax(similarity - MOVE_COST * moves - SCALE_COST * scaled))
    return fine[choice], float(similarity[choice])


def find_reappearance_places(box: Floats, facts: FeatureMetadata) -> Floats:
    """(n, 2) centres of the cells in which an object lost at a (4,) cxcywh box may reappear.

    All cells, or those beside the border through which it has left.
    """
    places = facts.grid.cell_centres().reshape(-1, 2).astype(np.float64)
    side = int(border_distances(box, facts).argmin())
    if border_distances(box, facts)[side] >= EXIT_MARGIN:
        return places
    there = np.concatenate([places, np.tile(box[2:], (len(places), 1))], axis=1)
    return places[border_distances(there, facts)[:, side] <= ENTRY_MARGIN]


def border_distances(cxcywh: Floats, facts: FeatureMetadata) -> Floats:
    """(..., 4) distances of boxes (..., 4) to the left, top, right and bottom border, in sizes of the box."""
    centre, half = cxcywh[..., :2] + 0.5, cxcywh[..., 2:] / 2  # borders lie half a pixel outside pixel centres
    inside = np.concatenate([centre - half, (facts.width, facts.height) - centre - half], axis=-1)
    return inside / np.sqrt(cxcywh[..., 2:].prod(axis=-1, keepdims=True)).clip(1)


def make_candidates(
    box: Floats, cell: Floats, reach: float, step: float, scales: tuple[float, ...]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """(n, 4) cxcywh candidates near a box, (n,) their displacements in box sizes, (n,) whether they are scaled."""
    offsets = np.arange(-reach, reach + step / 2, step)
    right, down, scale = (axis.ravel() for axis in np.meshgrid(offsets, offsets, scales, indexing="ij"))
    shift = np.stack([right, down], axis=1) * cell
    candidates = np.concatenate([box[:2] + shift, box[2:] * scale[:, None]], axis=1)
    return candidates, np.linalg.norm(shift / np.maximum(box[2:], 1), axis=1), scale != 1


def place_template_points(cxcywh: Floats) -> Floats:
    """(n, k, 2) pixels of the template's points in each of (n, 4) cxcywh boxes."""
    share = (np.arange(TEMPLATE_SIDE) + 0.5) / TEMPLATE_SIDE - 0.5
    offsets = np.stack(np.meshgrid(share, share), axis=-1).reshape(-1, 2)
    return cxcywh[:, None, :2] + offsets * cxcywh[:, None, 2:]


def sample_vectors(vectors: NDArray[Any], grid: CellGrid, at: Floats) -> Vectors:
    """(n, k, d) unit vectors at (n, k, 2) pixels, bilinear between cells, clamped at the border."""
    values = np.asarray(vectors, np.float32)
    return l2_normalize(
        np.sum([weight[..., None] * values[row, column] for weight, row, column in _bilinear_corners(grid, at)], axis=0)
    )


def score_coarsely(template: ObjectTemplate, cosines: Vectors, grid: CellGrid, boxes: Floats) -> Floats:
    """(n,) weighted mean cosine of (n, 4) cxcywh boxes, from the (h, w, k) cosines of cells and template points.

    Too low between cells, as the mean of two unit vectors is shorter than they are; good enough for a coarse search.
    """
    point = np.arange(cosines.shape[-1])
    parts = [
        weight * cosines[row, column, point]
        for weight, row, column in _bilinear_corners(grid, place_template_points(boxes))
    ]
    return np.asarray(np.sum(parts, axis=0) @ template.weight, np.float64)


def _bilinear_corners(grid: CellGrid, at: Floats) -> Iterator[tuple[Any, Any, Any]]:
    """(weight, row, column) of the four cells around each point, for bilinear interpolation."""
    cells = (at - (grid.left, grid.top)) / (grid.step_x, grid.step_y)
    x, y = np.clip(cells[..., 0], 0, grid.columns - 1), np.clip(cells[..., 1], 0, grid.rows - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - (y - top)) * np.abs(1 - right - (x - left))
            yield weight, np.minimum(top + down, grid.rows - 1), np.minimum(left + right, grid.columns - 1)
