"""The geometry of some frames of a take: the volume learned from their pictures and flow, as it is asked afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tasks.arrays import Image
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.plane_cameras import make_homography_cameras, make_plane_cameras
from tasks.plane_volume.optimise import VolumeFrames, VolumeTraining, fit_volume
from tasks.plane_volume.volume_queries import VolumeQueries
from tasks.sequence.frame_pair_motion import FramePairMotion

if TYPE_CHECKING:
    from tasks.fit_field.params import FitFieldParams


def fit_window_volume(  # noqa: PLR0917
    inputs: FieldInputs,
    chosen: Sequence[int],
    motion: Callable[[int], FramePairMotion | None],
    params: FitFieldParams,
    size: tuple[int, int],
    device: str,
) -> VolumeQueries:
    """The volume of the `chosen` frames, all of one take, on maps of height and width `size`.

    `motion` leads from a place among them to the next.
    """
    motions = {n: found for n in range(len(chosen) - 1) if (found := motion(n)) is not None}
    background = make_plane_cameras("homography", inputs, chosen, 1, size).to_frame[:, 0]
    shot = VolumeFrames(
        images=[_shrink_image(inputs.frames.image(frame), size) for frame in chosen],
        motions=motions,
        cameras={n: background[n + 1] @ np.linalg.inv(background[n]) for n in motions},
    )
    how = VolumeTraining(params.volume_steps, params.planes)
    volume = fit_volume(
        shot, lambda planes: make_plane_cameras(params.camera, inputs, chosen, planes, size).to_frame, how, device
    )
    return VolumeQueries(volume, size, np.array([n in motions for n in range(len(chosen) - 1)], np.bool_))


def fit_sequence_volume(shot: VolumeFrames, how: VolumeTraining, device: str) -> VolumeQueries:
    """The same of a shot by itself, all of whose steps are known and whose camera is that of its background."""
    steps = [shot.cameras[n] for n in range(len(shot.images) - 1)]
    volume = fit_volume(shot, lambda planes: make_homography_cameras(steps, planes).to_frame, how, device)
    return VolumeQueries(volume, shot.images[0].shape[:2], np.ones(len(steps), np.bool_))


def _shrink_image(image: Image, size: tuple[int, int]) -> Image:
    if image.shape[:2] == size:
        return image
    return cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA).astype(np.uint8)
