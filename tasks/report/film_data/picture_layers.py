"""Layers of the film page that cover the picture: label maps of the semantic field, and arrows of dense flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.dense_flow import DenseFlow
from tasks.report.colours import css_colour, track_colour
from tasks.report.film_data.packed_series import pack_series
from tasks.report.middle_samples import pick_middles
from tasks.report.report_data import ReportData

MAX_MAPS, MAP_SIDE = 400, 160  # label maps, evenly spaced; pixels of the longer side
MAX_VALUES = 255  # of a map of bytes, 0 being nothing
MAX_ARROW_FRAMES, ARROW_COLUMNS = 150, 20
ARROW_STEPS_PER_PX = 4


def pack_field(data: ReportData) -> Mapping[str, Any] | None:
    """Label maps at a fraction of their size, with the colour of each value; None without any."""
    field = data.semantic_field
    if field is None or not len(field):
        return None
    rows = pick_middles(np.arange(len(field)), MAX_MAPS)
    share = min(1.0, MAP_SIDE / max(field.metadata.width, field.metadata.height))
    size = (max(1, round(field.metadata.width * share)), max(1, round(field.metadata.height * share)))
    maps = np.stack([cv2.resize(field.map(int(row)).label, size, interpolation=cv2.INTER_NEAREST) for row in rows])
    return {
        "width": size[0],
        "height": size[1],
        "frame": pack_series(field.frames[rows]),
        "maps": pack_series(maps.reshape(len(rows), -1), by_row=True),
        "labels": [{"name": one.name, "colour": css_colour(one.rgb)} for one in data.label_paints],
    }


def pack_masks(data: ReportData) -> Mapping[str, Any] | None:
    """Pixels of tracked objects as maps of small size, a value for each track; None where there are no masks."""
    masks = data.masks
    if masks is None or not (masks.area > 0).any():
        return None
    track_of = {
        int(row): int(track_id)
        for row, track_id in zip(data.tracks.detection, data.tracks.track_id, strict=True)
        if row >= 0
    }
    shown = np.array([row for row in np.flatnonzero(masks.area > 0) if int(row) in track_of], np.intp)
    frames = pick_middles(np.unique(masks.frame[shown]).astype(np.intp), MAX_MAPS)
    track_ids = sorted({track_of[int(row)] for row in shown})[:MAX_VALUES]
    value_of = {track_id: value for value, track_id in enumerate(track_ids, start=1)}
    share = min(1.0, MAP_SIDE / max(masks.width, masks.height))
    size = (max(1, round(masks.width * share)), max(1, round(masks.height * share)))
    maps = np.zeros((len(frames), size[1], size[0]), np.uint8)
    for row in shown:
        place = int(np.searchsorted(frames, masks.frame[row]))
        value = value_of.get(track_of[int(row)])
        if value is None or place == len(frames) or frames[place] != masks.frame[row]:
            continue
        small = cv2.resize(masks.mask(int(row)).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        maps[place][small > 0] = value
    return {
        "width": size[0],
        "height": size[1],
        "frame": pack_series(frames),
        "maps": pack_series(maps.reshape(len(frames), -1), by_row=True),
        "labels": [{"name": "", "colour": "#000000"}]
        + [{"name": str(one), "colour": css_colour(track_colour(one))} for one in track_ids],
    }


def pack_arrows(flow: DenseFlow) -> Mapping[str, Any] | None:
    """Dense flow on a coarse grid, of some frames evenly spaced, where it is valid; None without any flow."""
    rows = pick_middles(np.flatnonzero(flow.known), MAX_ARROW_FRAMES)
    if not len(rows):
        return None
    columns = min(ARROW_COLUMNS, flow.width)
    lines = max(1, round(columns * flow.height / flow.width))
    x = ((np.arange(columns) + 0.5) * flow.width / columns).astype(np.intp)
    y = ((np.arange(lines) + 0.5) * flow.height / lines).astype(np.intp)
    vectors = np.stack([_sample_vectors(flow, int(row), x, y) for row in rows])
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "frame": pack_series(rows),
        "vectors": pack_series(np.rint(vectors * ARROW_STEPS_PER_PX).reshape(len(rows), -1), by_row=True),
        "scale": ARROW_STEPS_PER_PX,
    }


def _sample_vectors(flow: DenseFlow, row: int, x: NDArray[np.intp], y: NDArray[np.intp]) -> NDArray[np.float32]:
    """(lines, columns, 2) displacement at the grid's points, px to the next frame; 0 where it is not valid."""
    valid = flow.valid(row)[np.ix_(y, x)]
    return np.where(valid[..., None], flow.forward(row)[np.ix_(y, x)], np.float32(0))
