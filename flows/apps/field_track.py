"""Point tracking: `semflow field track VIDEO --points x,y[@frame] ... | --instance N [--class NAME] [--method METHOD]`.

Points are in working-size pixels, on frame 0 unless `@frame` is given. Of an object, evenly spaced points are tracked
from the frame that shows most of it. Methods: `semantic` (dense flow, and re-detection by features and patches after an
occlusion; tasks/point_tracking/point_tracker.py), `lucas-kanade` (sparse flow until the first failure). Written:
`points.parquet` (tasks/artifacts/point_paths.py), the same as CSV, and an overlay video with a filled dot where a point
is visible and a ring where it is hidden.
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

from flows.apps.field_output import open_output, report_progress
from flows.apps.object_queries import FieldObject, find_object
from flows.apps.video_artifacts import VideoArtifacts
from flows.apps.video_writer import write_image_video
from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option
from flows.cli.display import show_progress
from tasks.arrays import Image
from tasks.artifacts.point_paths import PointPaths
from tasks.errors import SemflowError
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.point_tracking.lucas_kanade_tracker import track_by_lucas_kanade
from tasks.point_tracking.point_tracker import PointTrackingInputs, PointTracks, track_points

METHODS = ("semantic", "lucas-kanade")
POINTS_STEM, OVERLAY_FILE = "points", "overlay.mp4"
MAX_POINTS = 48  # of one object
MAX_CANDIDATE_FRAMES = 24  # evenly spaced frames, of which the one that shows most of an object is chosen
EROSION_PX = 4  # from an object's boundary to its points: flow is unreliable there
DILATION_PX = 6  # a visible point may lie this far outside its object's mask
TRAIL_FRAMES = 20
MIN_DRAWN_CONFIDENCE = 0.3  # of a hidden point that is still drawn: for some twenty frames


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@list_option("--points", metavar="X,Y[@FRAME]", help="points, working-size pixels")
@click.option("--instance", type=int, metavar="N", help="a track as the report numbers it, or a map's value")
@click.option("--class", "class_name", metavar="NAME", help="everything of a class, or the instance's class")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=METHODS[0],
    help="dense flow and features, or sparse Lucas-Kanade flow",
)
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
    method: str,
    out: Path | None,
    as_json: bool,
) -> int:
    """Track chosen points, or one object, through a video."""
    artifacts = VideoArtifacts.find(video)
    if bool(points) == (instance is not None or class_name is not None):
        raise SemflowError("either --points or --instance (or --class) must be given, got both or neither")
    with show_progress():
        if points:
            paths = track_user_points(artifacts, [parse_point(text, artifacts) for text in points], method)
        else:
            paths = track_object_points(artifacts, find_object(artifacts, instance, class_name), method)
        write_paths(artifacts, paths, out, as_json=as_json)
    return 0


def write_paths(artifacts: VideoArtifacts, paths: PointTracks, out: Path | None, *, as_json: bool) -> None:
    """Write the tracks as Parquet, as CSV and as an overlay video."""
    with open_output("track", artifacts, out, as_json=as_json) as output:
        table = build_point_table(artifacts, paths)
        table.save(output.folder / f"{POINTS_STEM}.parquet")
        table.to_pandas().to_csv(output.folder / f"{POINTS_STEM}.csv", index=False, float_format="%.3f")
        numbers = np.flatnonzero(artifacts.frames.ok).tolist()
        reported = report_progress(numbers, len(numbers), "overlay")
        write_image_video(
            output.folder / OVERLAY_FILE, artifacts.frames, numbers, draw_points(artifacts, paths, reported)
        )
        output.summary.update(
            {
                "points": paths.positions.shape[1],
                "frames": len(artifacts.frames),
                "seen": round(float(paths.visible.mean()), 3),
            }
        )


def parse_point(text: str, artifacts: VideoArtifacts) -> tuple[int, NDArray[np.float64]]:
    """(frame, (2,) x, y) of `x,y[@frame]`; SemflowError where it is not inside an undamaged frame."""
    frames = artifacts.frames
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
    if not (-0.5 <= x < frames.width - 0.5 and -0.5 <= y < frames.height - 0.5):  # noqa: PLR2004  half a pixel beyond the outermost centres
        raise SemflowError(
            f"a point must lie in the {frames.width}x{frames.height} frame (working size, x first), got {text!r}"
        )
    return frame, np.array([x, y])


def track_user_points(
    artifacts: VideoArtifacts, places: Sequence[tuple[int, NDArray[np.float64]]], method: str
) -> PointTracks:
    """Tracks of (frame, (2,) point) pairs, in their order; those of one frame are tracked together."""
    found = PointTracks.empty(len(artifacts.frames), len(places))
    for frame in sorted({frame for frame, _ in places}):
        some = [n for n, (number, _) in enumerate(places) if number == frame]
        paths = track_from_frame(artifacts, frame, np.stack([places[n][1] for n in some]), method)
        found.positions[:, some], found.visible[:, some] = paths.positions, paths.visible
        found.confidence[:, some] = paths.confidence
    return found


def track_object_points(artifacts: VideoArtifacts, chosen: FieldObject, method: str) -> PointTracks:
    """Tracks of points of an object; where there is a mask of it, points outside count as hidden."""
    frame, points = sample_object_points(artifacts, chosen)
    paths = track_from_frame(artifacts, frame, points, method)
    for number in np.flatnonzero(artifacts.frames.ok).tolist():
        mask = chosen.mask(number)
        if mask is None:
            continue
        near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * DILATION_PX + 1,) * 2, np.uint8))
        height, width = near.shape
        x, y = np.rint(paths.positions[number]).astype(int).T
        paths.visible[number] &= near[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > 0
    return paths


def sample_object_points(artifacts: VideoArtifacts, chosen: FieldObject) -> tuple[int, NDArray[np.float64]]:
    """The frame that shows most of an object, and (n, 2) evenly spaced points inside its mask there."""
    numbers = artifacts.field.frames
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


def track_from_frame(artifacts: VideoArtifacts, frame: int, points: NDArray[np.float64], method: str) -> PointTracks:
    """Tracks of the (n, 2) `points` of `frame` over all frames of the video."""
    inputs, length = make_tracking_inputs(artifacts), len(artifacts.frames)
    if method == "lucas-kanade":
        return track_by_lucas_kanade(inputs, frame, points, length)
    return track_points(inputs, frame, points, length)


def make_tracking_inputs(artifacts: VideoArtifacts) -> PointTrackingInputs:
    """The inputs of a point tracker; the last two images are cached."""

    @lru_cache(maxsize=2)
    def image(frame: int) -> Image | None:
        return artifacts.frames.image(frame) if artifacts.frames.ok[frame] else None

    return PointTrackingInputs(artifacts.dense_flow, artifacts.frame_features, image, artifacts.shots.boundary)


def build_point_table(artifacts: VideoArtifacts, paths: PointTracks) -> PointPaths:
    """The tracks as the artifact `PointPaths`."""
    length, count = paths.visible.shape
    return PointPaths(
        frame=np.repeat(np.arange(length, dtype=np.int32), count),
        pts_s=np.repeat(artifacts.frames.pts_s[:length], count),
        point=np.tile(np.arange(count, dtype=np.int32), length),
        x=paths.positions[..., 0].ravel(),
        y=paths.positions[..., 1].ravel(),
        visible=paths.visible.ravel(),
        confidence=np.clip(paths.confidence, 0, 1).ravel(),
        video=artifacts.frames.video,
        frame_count=length,
        width=artifacts.frames.width,
        height=artifacts.frames.height,
    )


def draw_points(artifacts: VideoArtifacts, paths: PointTracks, numbers: Iterator[int]) -> Iterator[Image]:
    """Images of the frames `numbers` with the points and their trails."""
    from tasks.report.colours import track_colour

    frames = artifacts.frames
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
    """Draw lines between the positions in the last TRAIL_FRAMES frames, where a point is visible in both of two."""
    for before in range(max(0, frame - TRAIL_FRAMES), frame):
        if paths.visible[before, point] and paths.visible[before + 1, point]:
            start, end = (np.rint(paths.positions[n, point]).astype(int).tolist() for n in (before, before + 1))
            cv2.line(picture, start, end, colour, 1, cv2.LINE_AA)
