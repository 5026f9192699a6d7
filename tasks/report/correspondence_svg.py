"""Two frames side by side, corresponding points joined by lines, as an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.match_rendering import select_spread_cells as spread_cells
from tasks.report.colours import css_colour, track_colour
from tasks.report.flow_comparison import FlowComparison
from tasks.report.inline_images import encode_jpeg, make_data_uri, shrink_image
from tasks.report.markup import Markup, tag
from tasks.report.named_regions import NO_TRACK, Box, NamedRegion, RegionMatch

LONGEST_PX = 360
GAP_PX = 6
MAX_REGIONS, LINES_PER_REGION, LINES_ELSEWHERE = 6, 5, 10  # more lines would hide the images
UNTRACKED_COLOUR = "#ffffff"  # of lines outside tracks


@dataclass(frozen=True, eq=False)
class LineGroup:
    """Lines of one colour."""

    colour: str
    cells: NDArray[np.intp]
    """(n,) flat indices into the grid."""


def group_lines(found: FlowComparison, same: Sequence[RegionMatch]) -> list[LineGroup]:
    """Groups of confident cells to be joined: in the largest regions, in their tracks' colours, and elsewhere."""
    free = found.sure.astype(np.float32)
    largest = sorted(same, key=lambda s: -_area(s.a.xyxy))[:MAX_REGIONS]
    tied: list[LineGroup] = []
    for one in reversed(largest):  # the smaller first: a region in front of a larger one keeps its own lines
        rows, columns = _cells_in_box(one.a.xyxy, found.grid)
        cut = free[rows, columns]
        if cut.size:
            y, x = np.divmod(spread_cells(cut, 1, LINES_PER_REGION), cut.shape[1])
            tied.append(LineGroup(region_colour(one.a), (y + rows.start) * found.grid.columns + x + columns.start))
            free[rows, columns] = 0
    return [LineGroup(UNTRACKED_COLOUR, spread_cells(free, 1, LINES_ELSEWHERE)), *tied]


def region_colour(region: NamedRegion) -> str:
    """Colour of its track, as in the overlay video."""
    return UNTRACKED_COLOUR if region.track_id == NO_TRACK else css_colour(track_colour(region.track_id))


def render_correspondences(
    images: tuple[Image, Image], found: FlowComparison, same: Sequence[RegionMatch], label: str
) -> Markup:
    """The SVG: frame a left, frame b right, boxes of the regions, lines between cells; `label` is its description."""
    first, second = (shrink_image(image, LONGEST_PX) for image in images)
    height, width = first.shape[:2]
    scale, right = width / images[0].shape[1], width + GAP_PX
    boxes = [_box(region, scale, offset) for one in same for region, offset in ((one.a, 0), (one.b, right))]
    return tag(
        "svg",
        tag("image", href=make_data_uri(encode_jpeg(first)), width=width, height=height),
        tag("image", href=make_data_uri(encode_jpeg(second)), width=width, height=height, x=right),
        *boxes,
        *(_lines(tie, found, scale, right) for tie in group_lines(found, same)),
        class_="joined",
        role="img",
        aria_label=label,
        viewBox=f"0 0 {right + width} {height}",
    )


def _lines(tie: LineGroup, found: FlowComparison, scale: float, right: float) -> Markup:
    start = found.grid.cell_centres().reshape(-1, 2)[tie.cells]
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


def _box(region: NamedRegion, scale: float, offset: float) -> Markup:
    x1, y1, x2, y2 = ((float(v) + 0.5) * scale for v in region.xyxy)
    return tag(
        "rect",
        tag("title", region.name),
        x=f"{x1 + offset:.1f}",
        y=f"{y1:.1f}",
        width=f"{x2 - x1:.1f}",
        height=f"{y2 - y1:.1f}",
        stroke=region_colour(region),
    )


def _cells_in_box(xyxy: Box, grid: CellGrid) -> tuple[slice, slice]:
    """Rows and columns of the cells whose centres lie in the box."""
    corners = grid.to_cells(xyxy.reshape(2, 2))
    low = np.maximum(np.ceil(corners[0]), 0).astype(int)
    high = np.minimum(np.floor(corners[1]) + 1, [grid.columns, grid.rows]).astype(int)
    return slice(int(low[1]), max(int(low[1]), int(high[1]))), slice(int(low[0]), max(int(low[0]), int(high[0])))


def _area(xyxy: Box) -> float:
    return float((xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]))
