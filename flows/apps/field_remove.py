"""Object removal (video inpainting): `semflow field remove VIDEO --instance N [--class NAME]`, or `--class NAME` alone.

The multiplane volume of the video is fitted window by window, the object's density is set to zero, and what is then
visible is rendered from the other frames (tasks/plane_volume/object_removal.py). Written: `removed.mp4`, and
`masks.mp4`, which shows the removed pixels. Shadows and reflections stay: they have no label.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from flows.apps.field_output import list_readable_frames, open_output, report_progress
from flows.apps.object_queries import FieldObject, find_object
from flows.apps.video_artifacts import VideoArtifacts
from flows.apps.video_writer import write_image_video
from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.cli.display import show_progress
from flows.cli.text_formatting import format_duration
from tasks.arrays import Image, Mask
from tasks.device import resolve_device
from tasks.errors import SemflowError
from tasks.geometry.bounding_boxes import pairwise_iou

VIDEO_FILE, MASK_FILE = "removed.mp4", "masks.mp4"
CORE_FRAMES, MARGIN_FRAMES = 48, 12  # frames of a window that are rendered, and further ones at each end
DILATION_SHARE = 0.008  # of the longer side: dilation of the masks, because maps are coarser than frames
MIN_BOX_IOU = 0.4  # of the boxes of a track and of the instance mask that belongs to it
MIN_INSTANCE_SCORE = 0.15  # of such an instance; low, since the track already says that it is there
FRAME_S, HIT_FRAME_S, WINDOW_FRAME_S = 0.02, 0.2, 0.06
"""Measured processor time on the sample clip `walk`: of any frame, of one that shows the object, and of each frame of a
window whose volume is fitted."""
HIGHLIGHT = np.array([255, 60, 140], np.float32)


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@click.option("--instance", type=int, metavar="N", help="a track as the report numbers it, or a map's value")
@click.option("--class", "class_name", metavar="NAME", help="everything of a class, or the instance's class")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="folder for the files; default field/VIDEO/remove"
)
@JSON_OPTION
def command(*, video: str, instance: int | None, class_name: str | None, out: Path | None, as_json: bool) -> int:
    """Render a video without one object, or without a class."""
    artifacts = VideoArtifacts.find(video)
    with show_progress():
        write_removal(artifacts, find_object(artifacts, instance, class_name), out, as_json=as_json)
    return 0


def write_removal(artifacts: VideoArtifacts, chosen: FieldObject, out: Path | None, *, as_json: bool) -> None:
    """Write the video without the object, and the video of its masks."""
    numbers = list_readable_frames(artifacts.frames)
    mask = make_removal_masks(artifacts, chosen)
    sizes = {frame: int(mask(frame).sum()) for frame in report_progress(numbers, len(numbers), "find it")}
    if not any(sizes.values()):
        raise SemflowError(
            f"the maps must show {chosen.name} {chosen.track_id or ''} in some frame, got none; "
            "see the report's section 'Semantic field (label maps)' for what there is"
        )
    if not as_json:
        seconds = estimate_seconds(numbers, sizes, artifacts.shots.boundary)
        hit = sum(size > 0 for size in sizes.values())
        sys.stderr.write(
            f"{hit} of {len(numbers)} frames show it; removing it takes about {format_duration(seconds)}\n"
        )
    with open_output("remove", artifacts, out, as_json=as_json) as output:
        reported = report_progress(numbers, len(numbers), "remove")
        write_image_video(
            output.folder / VIDEO_FILE,
            artifacts.frames,
            numbers,
            (image for _, image in zip(reported, render_without_object(artifacts, mask, numbers), strict=True)),
        )
        write_image_video(output.folder / MASK_FILE, artifacts.frames, numbers, draw_masks(artifacts, mask, numbers))
        output.summary.update(
            {
                "frames": len(numbers),
                "frames with it": sum(size > 0 for size in sizes.values()),
                "share of the picture": round(
                    float(np.mean([*sizes.values()]) / (artifacts.frames.height * artifacts.frames.width)), 4
                ),
            }
        )


def make_removal_masks(artifacts: VideoArtifacts, chosen: FieldObject) -> Callable[[int], Mask]:
    """A function of the frame number: (h, w) dilated mask of the pixels to remove; empty where no map is near."""
    px = round(DILATION_SHARE * max(artifacts.frames.width, artifacts.frames.height))
    kernel = np.ones((2 * px + 1,) * 2, np.uint8)
    instance_mask = (
        segment_track(artifacts, chosen.track_id) if chosen.track_id is not None and artifacts.params.segments else None
    )

    packed: dict[int, bytes] = {}  # each is read several times, and segmentation takes a tenth of a second
    shape = artifacts.frames.height, artifacts.frames.width

    def mask(frame: int) -> Mask:
        if frame not in packed:
            packed[frame] = zlib.compress(np.packbits(draw(frame)).tobytes(), 1)
        bits = np.frombuffer(zlib.decompress(packed[frame]), np.uint8)
        return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(np.bool_)

    def draw(frame: int) -> Mask:
        found = chosen.mask(frame)
        if found is None:
            found = np.zeros(shape, np.bool_)
        if instance_mask is not None:
            found = found | instance_mask(frame)
        return cv2.dilate(found.astype(np.uint8), kernel) > 0

    return mask


def segment_track(artifacts: VideoArtifacts, track_id: int) -> Callable[[int], Mask]:
    """A function of the frame number: (h, w) instance mask of a track by YOLO26n-seg; empty where none matches."""
    from tasks.yolo.instance_segmentation import load_segmenter

    tracks, params, segmenter = artifacts.tracks, artifacts.params, load_segmenter()

    def instance_mask(frame: int) -> Mask:
        rows = np.flatnonzero((tracks.frame == frame) & (tracks.track_id == track_id))
        empty = np.zeros((artifacts.frames.height, artifacts.frames.width), np.bool_)
        if not len(rows):
            return empty
        instances = segmenter(artifacts.frames.image(frame), params.segment_side, MIN_INSTANCE_SCORE)
        instances = instances.take(instances.class_id == tracks.class_id[rows[0]])
        if not len(instances):
            return empty
        overlaps = pairwise_iou(tracks.xyxy[rows], instances.xyxy)[0]
        return instances.masks[int(overlaps.argmax())] if overlaps.max() >= MIN_BOX_IOU else empty

    return instance_mask


def render_without_object(
    artifacts: VideoArtifacts, mask: Callable[[int], Mask], numbers: Sequence[int]
) -> Iterator[Image]:
    """Images of the frames `numbers` with the masked pixels inpainted; one window is in memory at a time."""
    from tasks.fit_field.field_inputs import VolumeArtifacts
    from tasks.fit_field.fit_windows import compute_map_size
    from tasks.fit_field.frame_motion import MapMotion
    from tasks.fit_field.window_volume import fit_window_volume
    from tasks.plane_volume.object_removal import remove_object

    frames = artifacts.frames
    size = compute_map_size(frames.height, frames.width, artifacts.params.grid_side)
    device = resolve_device(artifacts.compute.device)
    inputs = VolumeArtifacts(frames, artifacts.dense_flow, artifacts.camera_poses)
    for window in list_removal_windows(numbers, artifacts.shots.boundary, lambda frame: bool(mask(frame).any())):
        if not window.shows_it:
            yield from (frames.image(window.frames[n]) for n in window.rendered)
            continue
        motion = MapMotion(artifacts.dense_flow, None, window.frames, *size)
        volume = fit_window_volume(inputs, motion, range(len(window.frames)), artifacts.params, device)
        images, masks = [frames.image(frame) for frame in window.frames], [mask(frame) for frame in window.frames]
        yield from (image for _, image in remove_object(volume, images, masks, window.rendered))


@dataclass(frozen=True)
class RemovalWindow:
    """Frames that are in memory at once."""

    frames: Sequence[int]
    """Those that are rendered, with margins where the object is seen."""
    rendered: range
    """Places in `frames` of the frames that are rendered."""
    shows_it: bool
    """Whether the object is in one of them."""


def list_removal_windows(
    numbers: Sequence[int], boundary: NDArray[np.bool_], shows_it: Callable[[int], bool]
) -> Iterator[RemovalWindow]:
    """The windows of the frames `numbers`, in order: in each shot from the first frame that shows the object."""
    for shot in group_by_shot(numbers, boundary):
        seen = [place for place, frame in enumerate(shot) if shows_it(frame)]
        between = [*range(seen[0], seen[-1] + 1, CORE_FRAMES), seen[-1] + 1] if seen else []
        for start, end in pairwise(sorted({0, *between, len(shot)})):
            hit = any(start <= place < end for place in seen)
            margin = MARGIN_FRAMES if hit else 0
            first = max(0, start - margin)
            yield RemovalWindow(shot[first : end + margin], range(start - first, end - first), hit)


def estimate_seconds(numbers: Sequence[int], sizes: Mapping[int, int], boundary: NDArray[np.bool_]) -> float:
    """Expected processor seconds of the removal, given the object's pixels in each frame: rough, for 640 x 360."""
    windows = list_removal_windows(numbers, boundary, lambda frame: sizes[frame] > 0)
    fitted = sum(len(window.frames) for window in windows if window.shows_it)
    hit = sum(size > 0 for size in sizes.values())
    return len(numbers) * FRAME_S + hit * HIT_FRAME_S + fitted * WINDOW_FRAME_S


def group_by_shot(numbers: Sequence[int], boundary: NDArray[np.bool_]) -> list[list[int]]:
    """Frame `numbers`, ascending, by shot; `boundary[n]` says whether a shot begins between frames n and n + 1."""
    found: list[list[int]] = []
    for number in numbers:
        if not found or boundary[found[-1][-1] : number].any():
            found.append([])
        found[-1].append(number)
    return found


def draw_masks(artifacts: VideoArtifacts, mask: Callable[[int], Mask], numbers: Sequence[int]) -> Iterator[Image]:
    """Images of the frames `numbers` with the masked pixels tinted."""
    for frame in numbers:
        image, hit = artifacts.frames.image(frame), mask(frame)
        image[hit] = np.rint(0.4 * image[hit] + 0.6 * HIGHLIGHT).astype(np.uint8)
        yield image
