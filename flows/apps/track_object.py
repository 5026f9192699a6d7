"""Single-object tracking from a box: `semflow track-object VIDEO --box x1,y1,x2,y2 [--frame N] [--method METHOD]`.

The box is in working-size pixels. Methods: `semantic` (template of features of every frame, moved by dense flow),
`csrt` (OpenCV's correlation filter, contrib modules), `lucas-kanade` (median of sparse flow). Written to
`objects/<video>/`, or to `--out`: the boxes as Parquet (tasks/artifacts/object_track.py) and as CSV, and an overlay
video.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.apps.video_artifacts import VideoArtifacts, load_artifact
from flows.apps.video_writer import write_drawn_video
from flows.cli.command_options import JSON_OPTION, ValuesCommand
from tasks.arrays import Image
from tasks.artifacts.frames import Frames
from tasks.artifacts.object_track import ObjectTrack
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from tasks.report.overlay.drawing_canvas import Canvas

METHODS = ("semantic", "csrt", "lucas-kanade")
BOX_COLOUR = 1  # the colour of track 1
TrackRow = tuple[int, NDArray[Any], bool, float]
"""Frame, (4,) xyxy, whether the object was found, score."""


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@click.option("--box", required=True, metavar="X1,Y1,X2,Y2", help="the object, working-size pixels")
@click.option("--frame", type=int, default=0, metavar="N", help="frame of the box; it is tracked from there on")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=METHODS[0],
    help="features and dense flow, OpenCV's CSRT (contrib), or the median of sparse Lucas-Kanade flow",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="folder for the files")
@JSON_OPTION
def command(*, video: str, box: str, frame: int, method: str, out: Path | None, as_json: bool) -> int:
    """Track one object that you mark with a box."""
    from flows.engine.project import find_root

    root = find_root(Path.cwd())
    frames: Frames = load_artifact(root, video, Frames)
    xyxy = parse_box(box, frame, frames)
    track = build_object_track(frames, track_box(root, video, frame, xyxy, method), method)
    folder = out or root / ObjectTrack.FOLDER / video
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{frame:06d}-{'-'.join(f'{side:g}' for side in xyxy)}-{method}"
    files = [Path(f"{stem}{ending}") for ending in (".parquet", ".csv", ".mp4")]
    track.save(files[0])
    track.to_pandas().to_csv(files[1], index=False)
    write_box_video(files[2], frames, track)
    print_track(track, files, as_json=as_json)
    return 0


def track_box(root: Path, video: str, frame: int, xyxy: NDArray[Any], method: str) -> Iterator[TrackRow]:
    """A row per frame from `frame`, in which the object is `xyxy`; SemflowError where an artifact is missing."""
    frames: Frames = load_artifact(root, video, Frames)
    if method == "csrt":
        from tasks.track.csrt_tracker import track_by_csrt

        return ((at, box, found, 0.0) for at, box, found in track_by_csrt(frames, frame, xyxy))
    if method == "lucas-kanade":
        from tasks.track.median_flow_tracker import track_by_median_flow

        return ((at, box, found, 0.0) for at, box, found in track_by_median_flow(frames, frame, xyxy))
    from tasks.track.template_tracker import track_by_template

    artifacts = VideoArtifacts(root, video)
    tracked = track_by_template(artifacts.frame_features, artifacts.dense_flow, frame, xyxy)
    return ((at, box, score > 0, score) for at, box, score in tracked)


def build_object_track(frames: Frames, rows: Iterator[TrackRow], method: str) -> ObjectTrack:
    """The rows as the artifact `ObjectTrack`."""
    numbers, xyxy, found, scores = zip(*rows, strict=True)
    boxes = np.array(xyxy, np.float32).reshape(-1, 4)
    return ObjectTrack(
        frame=np.array(numbers, np.int32),
        pts_s=frames.pts_s[np.array(numbers, np.intp)],
        found=np.array(found, np.bool_),
        score=np.array(scores, np.float32),
        x1=boxes[:, 0],
        y1=boxes[:, 1],
        x2=boxes[:, 2],
        y2=boxes[:, 3],
        video=frames.video,
        by=method,
        frame_count=len(frames),
        width=frames.width,
        height=frames.height,
    )


def parse_box(text: str, frame: int, frames: Frames) -> NDArray[np.float64]:
    """(4,) the box x1, y1, x2, y2; SemflowError where it is not inside an undamaged frame of the video."""
    try:
        x1, y1, x2, y2 = (float(side) for side in text.split(","))
    except ValueError:
        raise SemflowError(f"--box must be four numbers x1,y1,x2,y2, got {text!r}") from None
    if not (0 <= x1 < x2 <= frames.width and 0 <= y1 < y2 <= frames.height):
        raise SemflowError(
            f"--box must have x1 < x2 and y1 < y2 within the {frames.width}x{frames.height} frame, got {text!r}"
        )
    if not 0 <= frame < len(frames):
        raise SemflowError(f"--frame must lie in [0, {len(frames)}), got {frame}")
    if not frames.ok[frame]:
        raise SemflowError(f"--frame must be a whole frame, got {frame}, which is {frames.status[frame]}; name another")
    return np.array([x1, y1, x2, y2])


def write_box_video(path: Path, frames: Frames, track: ObjectTrack) -> None:
    """An MP4 of the tracked frames with the box; dashed where the object was not found."""
    from tasks.report.colours import track_colour
    from tasks.report.overlay.draw_boxes import draw_box

    def draw(canvas: Canvas, image: Image, row: int) -> None:
        box = canvas.to_canvas(track.xyxy[row].reshape(2, 2)).round().astype(np.int64).ravel()
        draw_box(image, canvas, box, track_colour(BOX_COLOUR), seen=bool(track.found[row]))

    write_drawn_video(path, frames, track.frame.tolist(), draw)


def print_track(track: ObjectTrack, files: list[Path], *, as_json: bool) -> None:
    """Print the number of frames in which the object was found, and the files."""
    found = int(track.found.sum())
    if as_json:
        text = json.dumps({"frames": len(track), "found": found, "files": [str(path) for path in files]}, indent=1)
    else:
        text = "\n".join([f"found in {found} of {len(track)} frames", *map(str, files)])
    print(text)  # noqa: T201
