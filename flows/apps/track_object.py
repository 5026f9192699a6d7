"""Following one object that somebody points at: `semflow track-object VIDEO --box x1,y1,x2,y2 [--frame N]`.

VIDEO is a video of this project, by its name as `semflow plan` shows it, whose artifacts are there: frames, and for
`--by match` features and dense flow. The box is in working-size pixels. Left in `objects/<video>/` or the folder that
`--out` names: the path as Parquet and as CSV, and an overlay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import JSON_OPTION, ValuesCommand
from tasks.arrays import Image
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.object_track import ObjectTrack
from tasks.errors import SemflowError

CRF, PRESET = 23, "veryfast"  # as the report's overlay
COLOUR = 1  # as track 1


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@click.option("--box", required=True, metavar="X1,Y1,X2,Y2", help="the object, working-size pixels")
@click.option("--frame", type=int, default=0, metavar="N", help="frame of the box; it is followed from there on")
@click.option(
    "--by",
    type=click.Choice(["match", "csrt"]),
    default="match",
    help="features and dense flow, or OpenCV's CSRT (contrib)",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="folder for the files")
@JSON_OPTION
def command(*, video: str, box: str, frame: int, by: str, out: Path | None, as_json: bool) -> int:
    """Track one object that you mark with a box."""
    from flows.engine.project import find_root

    root = find_root(Path.cwd())
    frames = opened(root, video, Frames)
    xyxy = parse_box(box, frame, frames)
    if by == "csrt":
        track = track_csrt(frames, frame, xyxy)
    else:
        track = track_semantic(frames, opened(root, video, Features), opened(root, video, DenseFlow), frame, xyxy)
    folder = out or root / ObjectTrack.FOLDER / video
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{frame:06d}-{'-'.join(f'{side:g}' for side in xyxy)}-{by}"
    files = [Path(f"{stem}{ending}") for ending in (".parquet", ".csv", ".mp4")]
    track.save(files[0])
    track.to_pandas().to_csv(files[1], index=False)
    write_film(files[2], frames, track)
    show(track, files, as_json=as_json)
    return 0


def track_semantic(
    frames: Frames, features: Features, dense_flow: DenseFlow, frame: int, xyxy: NDArray[Any]
) -> ObjectTrack:
    """The object by features and dense flow."""
    from tasks.track.template_tracker import track_by_template

    rows = [(at, box, score > 0, score) for at, box, score in track_by_template(features, dense_flow, frame, xyxy)]
    return build_object_track(frames, rows, "match")


def track_csrt(frames: Frames, frame: int, xyxy: NDArray[Any]) -> ObjectTrack:
    """The object by OpenCV's CSRT; SemflowError where it is not there."""
    from tasks.track.csrt_tracker import track_by_csrt

    return build_object_track(
        frames, [(at, box, found, 0.0) for at, box, found in track_by_csrt(frames, frame, xyxy)], "csrt"
    )


def build_object_track(frames: Frames, rows: list[tuple[int, NDArray[Any], bool, float]], by: str) -> ObjectTrack:
    """The rows as an artifact."""
    boxes = np.array([box for _, box, _, _ in rows], np.float32).reshape(-1, 4)
    return ObjectTrack(
        frame=np.array([frame for frame, _, _, _ in rows], np.int32),
        found=np.array([found for _, _, found, _ in rows], np.bool_),
        score=np.array([score for _, _, _, score in rows], np.float32),
        x1=boxes[:, 0],
        y1=boxes[:, 1],
        x2=boxes[:, 2],
        y2=boxes[:, 3],
        by=by,
        frame_count=len(frames),
        width=frames.width,
        height=frames.height,
    )


def parse_box(text: str, frame: int, frames: Frames) -> NDArray[np.float64]:
    """(4,) the box, which must lie in a whole frame of the video."""
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


def opened(root: Path, video: str, kind: type[Any]) -> Any:
    """An artifact of the video; SemflowError where it is not there."""
    assert issubclass(kind, Artifact)
    path = kind.path(root, video)
    if not path.exists():
        there = sorted(found.stem for found in path.parent.glob(f"*{kind.SUFFIX}"))
        raise SemflowError(
            f"VIDEO must be a video with {path.relative_to(root)}, got {video!r}; "
            f"there are {', '.join(there) or 'none'}: run `semflow run` first"
        )
    return kind.load(path)


def write_film(path: Path, frames: Frames, track: ObjectTrack) -> None:
    """The frames from the given one on, with the box; dashed where the object was not found."""
    from tasks.report.overlay.drawing_canvas import Canvas
    from tasks.report.overlay.encode_video import VideoEncoding, encode_video

    canvas = Canvas(frames.width, frames.height)
    times = frames.pts_s[track.frame] - frames.pts_s[track.frame[0]]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    encoding = VideoEncoding(canvas.even_width, canvas.even_height, 1 / step, CRF, PRESET)
    encode_video(path, draw_boxes(frames, track, canvas, times), float(times[-1]) + step, encoding)


def draw_boxes(frames: Frames, track: ObjectTrack, canvas: Any, times: NDArray[Any]) -> Iterator[tuple[float, Image]]:
    """(seconds, picture) of each row."""
    from tasks.report.colours import track_colour
    from tasks.report.overlay.draw_boxes import draw_box

    for row, frame in enumerate(track.frame.tolist()):
        picture = canvas.prepare_image(frames.image(frame))
        box = canvas.to_canvas(track.xyxy[row].reshape(2, 2)).round().astype(np.int64).ravel()
        draw_box(picture, canvas, box, track_colour(COLOUR), seen=bool(track.found[row]))
        yield float(times[row]), picture


def show(track: ObjectTrack, files: list[Path], *, as_json: bool) -> None:
    """What was found, and where it is written."""
    found = int(track.found.sum())
    if as_json:
        said = json.dumps({"frames": len(track), "found": found, "files": [str(path) for path in files]}, indent=1)
    else:
        said = "\n".join([f"found in {found} of {len(track)} frames", *map(str, files)])
    print(said)  # noqa: T201
