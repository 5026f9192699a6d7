"""A video without one thing: `semflow field remove VIDEO --instance N [--class NAME]`, or `--class NAME` alone.

The volume of the video is learned window by window, the thing's density is set to zero, and what then is seen is
rendered from the other frames (tasks/plane_volume/object_removal.py). Left: `removed.mp4`, and `masks.mp4`,
which shows what was taken out. Shadows and reflections stay: no label map knows whose they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from flows.apps.field_output import list_readable_frames, open_output, report_progress, write_film
from flows.apps.object_queries import FieldObject, find_object
from flows.apps.video_artifacts import VideoArtifacts
from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.cli.display import show_progress
from tasks.arrays import Image, Mask
from tasks.device import resolve_device
from tasks.errors import SemflowError
from tasks.geometry.bounding_boxes import pairwise_iou

VIDEO_FILE, MASK_FILE = "removed.mp4", "masks.mp4"
CORE_FRAMES, MARGIN_FRAMES = 32, 12  # frames of a window that are asked for, and more at each end that are looked at
DILATION_SHARE = 0.008  # of the longer side: by so much a mask is grown, because maps are coarser than frames
MIN_BOX_IOU = 0.4  # overlap of boxes that makes a segmenter's instance the tracked thing
MIN_INSTANCE_SCORE = 0.15  # of such an instance: that it is there the track knows
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
    shelf = VideoArtifacts.of(video)
    with show_progress():
        write_removal(shelf, find_object(shelf, instance, class_name), out, as_json=as_json)
    return 0


def write_removal(shelf: VideoArtifacts, chosen: FieldObject, out: Path | None, *, as_json: bool) -> None:
    """The video without the thing, and the masks of what was taken out."""
    numbers = list_readable_frames(shelf.frames)
    mask = make_removal_masks(shelf, chosen)
    sizes = {frame: int(mask(frame).sum()) for frame in numbers}
    if not any(sizes.values()):
        raise SemflowError(
            f"the maps must show {chosen.name} {chosen.track_id or ''} in some frame, got none; "
            "see the report's section 'Semantic field (label maps)' for what there is"
        )
    with open_output("remove", shelf, out, as_json=as_json) as made:
        going = report_progress(numbers, len(numbers), "remove")
        write_film(
            made.folder / VIDEO_FILE,
            shelf.frames,
            numbers,
            (image for _, image in zip(going, render_without_object(shelf, mask, numbers), strict=True)),
        )
        write_film(made.folder / MASK_FILE, shelf.frames, numbers, draw_masks(shelf, mask, numbers))
        made.said.update(
            {
                "frames": len(numbers),
                "frames with it": sum(size > 0 for size in sizes.values()),
                "share of the picture": round(
                    float(np.mean([*sizes.values()]) / (shelf.frames.height * shelf.frames.width)), 4
                ),
            }
        )


def make_removal_masks(shelf: VideoArtifacts, chosen: FieldObject) -> Callable[[int], Mask]:
    """(h, w) of each frame what goes, a little grown; nothing where the field knows nothing."""
    px = round(DILATION_SHARE * max(shelf.frames.width, shelf.frames.height))
    around = np.ones((2 * px + 1,) * 2, np.uint8)
    drawn = segment_track(shelf, chosen.track_id) if chosen.track_id is not None and shelf.params.segments else None

    @lru_cache(maxsize=CORE_FRAMES + 2 * MARGIN_FRAMES)
    def mask(frame: int) -> Mask:
        found = chosen.mask(frame)
        if found is None:
            found = np.zeros((shelf.frames.height, shelf.frames.width), np.bool_)
        if drawn is not None:
            found = found | drawn(frame)
        return cv2.dilate(found.astype(np.uint8), around) > 0

    return mask


def segment_track(shelf: VideoArtifacts, track_id: int) -> Callable[[int], Mask]:
    """What a segmenter draws of a tracked thing: frame to (h, w), nothing where it sees it not."""
    from tasks.yolo.instance_segmentation import load_segmenter

    tracks, params, segmenter = shelf.tracks, shelf.params, load_segmenter()

    def drawn(frame: int) -> Mask:
        rows = np.flatnonzero((tracks.frame == frame) & (tracks.track_id == track_id))
        nothing = np.zeros((shelf.frames.height, shelf.frames.width), np.bool_)
        if not len(rows):
            return nothing
        seen = segmenter(shelf.frames.image(frame), params.segment_side, MIN_INSTANCE_SCORE)
        seen = seen.take(seen.class_id == tracks.class_id[rows[0]])
        if not len(seen):
            return nothing
        overlaps = pairwise_iou(tracks.xyxy[rows], seen.xyxy)[0]
        return seen.masks[int(overlaps.argmax())] if overlaps.max() >= MIN_BOX_IOU else nothing

    return drawn


def render_without_object(
    shelf: VideoArtifacts, mask: Callable[[int], Mask], numbers: Sequence[int]
) -> Iterator[Image]:
    """The frames `numbers` without what is masked, window by window: memory holds one."""
    from tasks.fit_field.fit_windows import compute_map_size
    from tasks.fit_field.frame_motion import MapMotion
    from tasks.fit_field.window_volume import fit_window_volume
    from tasks.plane_volume.object_removal import remove_object

    frames = shelf.frames
    size = compute_map_size(frames.height, frames.width, shelf.params.grid_side)
    device = resolve_device(shelf.compute.device)
    for take in group_by_shot(numbers, shelf.dense_flow.cut):
        for start in range(0, len(take), CORE_FRAMES):
            chosen = take[max(0, start - MARGIN_FRAMES) : start + CORE_FRAMES + MARGIN_FRAMES]
            first = min(start, MARGIN_FRAMES)
            asked = range(first, first + len(take[start : start + CORE_FRAMES]))
            masks = [mask(frame) for frame in chosen]
            if not any(masks[n].any() for n in asked):
                yield from (frames.image(chosen[n]) for n in asked)
                continue
            inputs = shelf.inputs(shelf.labels)
            motion = MapMotion(shelf.dense_flow, None, chosen, *size)
            reader = fit_window_volume(inputs, motion, range(len(chosen)), shelf.params, device)
            for _, image in remove_object(reader, [frames.image(frame) for frame in chosen], masks, asked):
                yield image


def group_by_shot(numbers: Sequence[int], cut: NDArray[np.bool_]) -> list[list[int]]:
    """`numbers` of frames in order, parted where a cut lies between two; `cut` is of each frame and the next."""
    found: list[list[int]] = []
    for number in numbers:
        if not found or cut[found[-1][-1] : number].any():
            found.append([])
        found[-1].append(number)
    return found


def draw_masks(shelf: VideoArtifacts, mask: Callable[[int], Mask], numbers: Sequence[int]) -> Iterator[Image]:
    """Frames with what goes in one strong colour."""
    for frame in numbers:
        image, hit = shelf.frames.image(frame), mask(frame)
        image[hit] = np.rint(0.4 * image[hit] + 0.6 * HIGHLIGHT).astype(np.uint8)
        yield image
