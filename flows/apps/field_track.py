"""Points or a thing through time: `semflow field track VIDEO --points x,y[@frame] ... | --instance N [--class NAME]`.

Points are in working-size pixels; without `@frame` they are on frame 0. Of a thing, evenly spread points are followed,
from the frame in which most of it is seen. Left: `points.parquet` (tasks/artifacts/point_paths.py), the same as CSV,
and an overlay with a dot where a point is seen and a ring where it may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from flows.apps.field_output import open_output, report_progress, write_film
from flows.apps.object_queries import FieldObject, find_object
from flows.apps.video_artifacts import VideoArtifacts
from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option
from flows.cli.display import show_progress
from tasks.arrays import Image
from tasks.artifacts.point_paths import PointPaths
from tasks.errors import SemflowError
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.point_tracking.point_tracker import PointTrackingInputs, PointTracks, track_points

POINTS_STEM, OVERLAY_FILE = "points", "overlay.mp4"
MAX_POINTS = 48  # of a thing
MAX_CANDIDATE_FRAMES = 24  # frames, evenly spread, among which the one that shows most of a thing is chosen
EROSION_PX = 4  # from a thing's outline to its points: flow is mixed there
DILATION_PX = 6  # by which a point may lie off its thing's map and still count as on it
TRAIL_FRAMES = 20  # frames
MIN_DRAWN_CONFIDENCE = 0.3  # confidence of a hidden point that is still drawn: some twenty frames


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@list_option("--points", metavar="X,Y[@FRAME]", help="places, working-size pixels")
@click.option("--instance", type=int, metavar="N", help="a track as the report numbers it, or a map's value")
@click.option("--class", "class_name", metavar="NAME", help="everything of a class, or the instance's class")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="folder for the files; default field/VIDEO/track"
)
@JSON_OPTION
def command(
    *,
    video: str,
    points: tuple[str, ...] | None,
    instance: int | None,
    class_name: str | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Track chosen points, or one object, through a video."""
    shelf = VideoArtifacts.of(video)
    if bool(points) == (instance is not None or class_name is not None):
        raise SemflowError("either --points or --instance (or --class) must be given, got both or neither")
    with show_progress():
        if points:
            paths = track_user_points(shelf, [parse_point(text, shelf) for text in points])
        else:
            paths = track_object_points(shelf, find_object(shelf, instance, class_name))
        write_paths(shelf, paths, out, as_json=as_json)
    return 0


def write_paths(shelf: VideoArtifacts, paths: PointTracks, out: Path | None, *, as_json: bool) -> None:
    """The points as tables and as an overlay."""
    with open_output("track", shelf, out, as_json=as_json) as made:
        table = build_point_table(shelf, paths)
        table.save(made.folder / f"{POINTS_STEM}.parquet")
        table.to_pandas().to_csv(made.folder / f"{POINTS_STEM}.csv", index=False, float_format="%.3f")
        numbers = np.flatnonzero(shelf.frames.ok).tolist()
        going = report_progress(numbers, len(numbers), "overlay")
        write_film(made.folder / OVERLAY_FILE, shelf.frames, numbers, draw_points(shelf, paths, going))
        made.said.update(
            {
                "points": paths.positions.shape[1],
                "frames": len(shelf.frames),
                "seen": round(float(paths.visible.mean()), 3),
            }
        )


def parse_point(text: str, shelf: VideoArtifacts) -> tuple[int, NDArray[np.float64]]:
    """(frame, (2,) x, y), which must lie in a whole frame."""
    frames = shelf.frames
    spot, _, number = text.partition("@")
    try:
        x, y = (float(value) for value in spot.split(","))
        frame = int(number) if number else 0
    except ValueError:
        raise SemflowError(f"--points must be x,y or x,y@frame in numbers, got {text!r}") from None
    if not 0 <= frame < len(frames):
        raise SemflowError(f"the frame of a point must lie in [0, {len(frames)}), got {text!r}")
    if not frames.ok[frame]:
        raise SemflowError(
            f"a point must be on a whole frame, got {text!r}, which is {frames.status[frame]}; name another"
        )
    if not (-0.5 <= x < frames.width - 0.5 and -0.5 <= y < frames.height - 0.5):
        raise SemflowError(
            f"a point must lie in the {frames.width}x{frames.height} frame (working size, x first), got {text!r}"
        )
    return frame, np.array([x, y])


def track_user_points(shelf: VideoArtifacts, places: Sequence[tuple[int, NDArray[np.float64]]]) -> PointTracks:
    """The paths of the places, in their order; those of one frame are followed together."""
    length, count = len(shelf.frames), len(places)
    found = PointTracks.empty(length, count)
    for frame in sorted({frame for frame, _ in places}):
        some = [n for n, (number, _) in enumerate(places) if number == frame]
        paths = track_points(make_tracking_inputs(shelf), frame, np.stack([places[n][1] for n in some]), length)
        found.positions[:, some], found.visible[:, some] = paths.positions, paths.visible
        found.confidence[:, some] = paths.confidence
    return found


def track_object_points(shelf: VideoArtifacts, chosen: FieldObject) -> PointTracks:
    """Paths of points of a thing; one counts as seen only where the thing's map is, if there is a map."""
    frame, points = sample_object_points(shelf, chosen)
    paths = track_points(make_tracking_inputs(shelf), frame, points, len(shelf.frames))
    for number in np.flatnonzero(shelf.frames.ok).tolist():
        mask = chosen.mask(number)
        if mask is None:
            continue
        near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * DILATION_PX + 1,) * 2, np.uint8))
        height, width = near.shape
        x, y = np.rint(paths.positions[number]).astype(int).T
        paths.visible[number] &= near[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > 0
    return paths


def sample_object_points(shelf: VideoArtifacts, chosen: FieldObject) -> tuple[int, NDArray[np.float64]]:
    """The frame that shows most of a thing, and (n, 2) evenly spread points on it there."""
    numbers = shelf.field.frames
    some = numbers[pick_evenly(len(numbers), MAX_CANDIDATE_FRAMES)]
    masks = {int(frame): chosen.mask(int(frame)) for frame in some}
    sizes = {frame: 0 if mask is None else int(mask.sum()) for frame, mask in masks.items()}
    frame = max(sizes, key=lambda number: (sizes[number], -number))
    mask = masks[frame]
    if mask is None or not sizes[frame]:
        raise SemflowError(
            f"the maps must show {chosen.name} {chosen.track_id or ''} somewhere, got none in {len(some)} of them; see "
            "the report's section 'Semantic field (label maps)' for what there is"
        )
    inner = cv2.erode(mask.astype(np.uint8), np.ones((2 * EROSION_PX + 1,) * 2, np.uint8)) > 0
    inner = inner if inner.any() else mask
    step = max(1, round(float(np.sqrt(inner.sum() / MAX_POINTS))))
    rows, columns = np.nonzero(inner)
    on_grid = (rows % step == step // 2) & (columns % step == step // 2)
    chosen_rows = np.flatnonzero(on_grid)[:MAX_POINTS] if on_grid.any() else np.array([len(rows) // 2])
    return frame, np.stack([columns, rows], axis=1)[chosen_rows].astype(np.float64)


def make_tracking_inputs(shelf: VideoArtifacts) -> PointTrackingInputs:
    """What points are followed through."""

    @lru_cache(maxsize=2)
    def image(frame: int) -> Image | None:
        return shelf.frames.image(frame) if shelf.frames.ok[frame] else None

    return PointTrackingInputs(shelf.dense_flow, shelf.features, image)


def build_point_table(shelf: VideoArtifacts, paths: PointTracks) -> PointPaths:
    """The paths as an artifact."""
    length, count = paths.visible.shape
    return PointPaths(
        frame=np.repeat(np.arange(length, dtype=np.int32), count),
        point=np.tile(np.arange(count, dtype=np.int32), length),
        x=paths.positions[..., 0].ravel(),
        y=paths.positions[..., 1].ravel(),
        visible=paths.visible.ravel(),
        confidence=np.clip(paths.confidence, 0, 1).ravel(),
        frame_count=length,
        width=shelf.frames.width,
        height=shelf.frames.height,
    )


def draw_points(shelf: VideoArtifacts, paths: PointTracks, numbers: Iterator[int]) -> Iterator[Image]:
    """Frames with the points and the ways they came."""
    from tasks.report.colours import track_colour

    frames = shelf.frames
    radius = max(2, round(max(frames.width, frames.height) / 200))
    for frame in numbers:
        picture: Any = frames.image(frame).copy()
        for point in range(paths.positions.shape[1]):
            colour = track_colour(point + 1)
            draw_trail(picture, paths, point, frame, colour)
            if paths.visible[frame, point] or paths.confidence[frame, point] > MIN_DRAWN_CONFIDENCE:
                x, y = np.rint(paths.positions[frame, point]).astype(int).tolist()
                filled = cv2.FILLED if paths.visible[frame, point] else 1
                cv2.circle(picture, (x, y), radius, colour, filled, cv2.LINE_AA)
        yield picture


def draw_trail(picture: Any, paths: PointTracks, point: int, frame: int, colour: tuple[int, int, int]) -> None:
    """Where a point was seen in the TRAIL frames before, joined where it was seen in neighbouring ones."""
    for before in range(max(0, frame - TRAIL_FRAMES), frame):
        if paths.visible[before, point] and paths.visible[before + 1, point]:
            start, end = (np.rint(paths.positions[n, point]).astype(int).tolist() for n in (before, before + 1))
            cv2.line(picture, start, end, colour, 1, cv2.LINE_AA)
