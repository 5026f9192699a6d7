"""Chosen points followed through a video along its dense flow, forwards and backwards.

A point is lost where the flow may not be trusted: where it is hidden, leaves the frame, or the scene is cut. It is not
found again: what comes out later may be another point (label maps say what things are then).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.point_tracks import PointTracks
from tasks.errors import BadInput
from tasks.geometry.carry import Places, step


def followed(dense_flow: DenseFlow, asked: Sequence[tuple[int, float, float]]) -> PointTracks:
    """Every (frame, x, y) asked, working-size pixels, in all frames of the video."""
    count = dense_flow.facts.frame_count
    for frame, x, y in asked:
        if not (0 <= frame < count and 0 <= x <= dense_flow.width - 1 and 0 <= y <= dense_flow.height - 1):
            raise BadInput(
                f"points must lie in frames 0 to {count - 1}, on {dense_flow.width}x{dense_flow.height} pixels, got "
                f"{(frame, x, y)}"
            )
    at = np.full((count, len(asked), 2), np.nan, np.float32)
    for frame in sorted({point[0] for point in asked}):
        rows = [n for n, point in enumerate(asked) if point[0] == frame]
        start = np.array([[asked[n][1:] for n in rows]], np.float32)
        at[frame, rows] = start[0]
        for way in (_onwards(dense_flow, frame, start), _back(dense_flow, frame, start)):
            for number, places in way:
                at[number, rows] = places[0]
    return PointTracks(
        frame=np.repeat(np.arange(count, dtype=np.int32), len(asked)),
        point=np.tile(np.arange(len(asked), dtype=np.int32), count),
        x=at[..., 0].ravel(),
        y=at[..., 1].ravel(),
        visible=_known(at).ravel(),
        frame_count=count,
        width=dense_flow.width,
        height=dense_flow.height,
    )


def _onwards(dense_flow: DenseFlow, frame: int, places: Places) -> Iterator[tuple[int, Places]]:
    for pair in range(frame, len(dense_flow)):
        places = step(places, dense_flow.forward(pair), dense_flow.valid(pair))
        if not _known(places).any():
            return
        yield pair + 1, places


def _back(dense_flow: DenseFlow, frame: int, places: Places) -> Iterator[tuple[int, Places]]:
    for pair in range(frame - 1, -1, -1):
        places = step(places, dense_flow.backward(pair), dense_flow.valid_backward(pair))
        if not _known(places).any():
            return
        yield pair, places


def _known(places: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.isfinite(places[..., 0]) & np.isfinite(places[..., 1])
