"""Two frames beside each other, parts that mean the same joined by lines, as an SVG that stays sharp at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.match_rendering import select_spread_cells as spread_cells
from tasks.report.colours import css, track_colour
from tasks.report.comparison import Comparison
from tasks.report.markup import Markup, tag
from tasks.report.picture import data_uri, jpeg, shrink
from tasks.report.regions import NO_TRACK, Box, Region, Same

LONGEST_PX = 360
GAP_PX = 6
REGIONS, PARTS_EACH, PARTS_ELSEWHERE = 6, 5, 10  # more lines are a thicket
PLAIN = "#ffffff"  # lines of what no track has a colour for


@dataclass(frozen=True, eq=False)
class Tie:
    """Lines of one colour."""

    colour: str
    cells: NDArray[np.intp]
    """(n,) places in the grid, in reading order."""


def ties(found: Comparison, same: Sequence[Same]) -> list[Tie]:
    """Sure cells to join: some of the largest regions, in their tracks' colours, and some of all that is around."""
    free = found.sure.astype(np.float32)
    largest = sorted(same, key=lambda s: -_area(s.a.xyxy))[:REGIONS]
    tied: list[Tie] = []
    for one in reversed(largest):  # the smaller first: a region in front of a larger one keeps its own lines
        rows, columns = _under(one.a.xyxy, found.grid)
        cut = free[rows, columns]
        if cut.size:
            y, x = np.divmod(spread_cells(cut, 1, PARTS_EACH), cut.shape[1])
            tied.append(Tie(colour(one.a), (y + rows.start) * found.grid.columns + x + columns.start))
            free[rows, columns] = 0
    return [Tie(PLAIN, spread_cells(free, 1, PARTS_ELSEWHERE)), *tied]


def colour(region: Region) -> str:
    """Its track's, as in the overlay video."""
    return PLAIN if region.track_id == NO_TRACK else css(track_colour(region.track_id))


def joined(images: tuple[Image, Image], found: Comparison, same: Sequence[Same], label: str) -> Markup:
    """The SVG: frame a left, frame b right, boxes of the regions, lines between parts; `label` says it in words."""
    first, second = (shrink(image, LONGEST_PX) for image in images)
    height, width = first.shape[:2]
    scale, right = width / images[0].shape[1], width + GAP_PX
    boxes = [_box(region, scale, offset) for one in same for region, offset in ((one.a, 0), (one.b, right))]
    return tag(
        "svg",
        tag("image", href=data_uri(jpeg(first)), width=width, height=height),
        tag("image", href=data_uri(jpeg(second)), width=width, height=height, x=right),
        *boxes,
        *(_lines(tie, found, scale, right) for tie in ties(found, same)),
        class_="joined",
        role="img",
        aria_label=label,
        viewBox=f"0 0 {right + width} {height}",
    )


def _lines(tie: Tie, found: Comparison, scale: float, right: float) -> Markup:
    start = found.grid.centres().reshape(-1, 2)[tie.cells]
    end = start + found.semantic.reshape(-1, 2)[tie.cells]
    # Pixel centres are at integers here, and pixels' edges in SVG.
    a, b = (start + 0.5) * scale, (end + 0.5) * scale + np.array([right, 0], np.float32)
    lines = "".join(f"M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}" for (x, y), (u, v) in zip(a, b, strict=True))
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in np.concatenate([a, b]))
    return tag(
        "g",
        tag("path", d=lines, class_="halo"),
        tag("path", d=lines, class_="tie"),
        tag("path", d=dots, class_="end"),
        stroke=tie.colour,
    )


def _box(region: Region, scale: float, offset: float) -> Markup:
    x1, y1, x2, y2 = ((float(v) + 0.5) * scale for v in region.xyxy)
    return tag(
        "rect",
        tag("title", region.name),
        x=f"{x1 + offset:.1f}",
        y=f"{y1:.1f}",
        width=f"{x2 - x1:.1f}",
        height=f"{y2 - y1:.1f}",
        stroke=colour(region),
    )


def _under(xyxy: Box, grid: CellGrid) -> tuple[slice, slice]:
    """Rows and columns of the cells whose centres lie in the box."""
    corners = grid.to_cells(xyxy.reshape(2, 2))
    low = np.maximum(np.ceil(corners[0]), 0).astype(int)
    high = np.minimum(np.floor(corners[1]) + 1, [grid.columns, grid.rows]).astype(int)
    return slice(int(low[1]), max(int(low[1]), int(high[1]))), slice(int(low[0]), max(int(low[0]), int(high[0])))


def _area(xyxy: Box) -> float:
    return float((xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]))
