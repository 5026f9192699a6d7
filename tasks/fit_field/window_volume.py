"""Fits a multiplane volume to the frames of one window: RGB images, dense flow and plane cameras go in."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.arrays import Image
from tasks.fit_field.field_inputs import VolumeInputs
from tasks.fit_field.frame_motion import MapMotion
from tasks.fit_field.params import FitFieldParams
from tasks.fit_field.plane_cameras import make_homography_cameras, make_plane_cameras
from tasks.fit_field.reduced_volume import reduce_motion
from tasks.plane_volume.optimise import VolumeFrames, VolumeTraining, fit_volume
from tasks.plane_volume.volume_queries import VolumeQueries


def fit_window_volume(
    inputs: VolumeInputs,
    motion: MapMotion,
    indices: range,
    params: FitFieldParams,
    device: str,
    *,
    size: tuple[int, int] | None = None,
) -> VolumeQueries:
    """The volume of the frames with these `indices` in `motion.chosen`, all of one shot.

    Its frames are of `size` (height, width), by default that of the maps.
    """
    size = (motion.height, motion.width) if size is None else size
    chosen = [motion.chosen[index] for index in indices]
    steps = range(len(chosen) - 1)
    known = {n: found for n in steps if (found := motion.motion_to_next(indices[n])) is not None}
    motions = {n: reduce_motion(found, size) for n, found in known.items()}
    background = make_plane_cameras("homography", inputs, chosen, 1, size).to_frame[:, 0]
    if params.volume_steps:
        images = [_shrink_image(inputs.frames.image(frame), size) for frame in chosen]
    else:  # motion alone initialises the volume, so nothing is decoded
        images = [np.zeros((*size, 3), np.uint8)] * len(chosen)
    frames = VolumeFrames(
        images=images,
        motions=motions,
        cameras={n: background[n + 1] @ np.linalg.inv(background[n]) for n in motions},
    )
    training = VolumeTraining(params.volume_steps, params.planes)
    volume = fit_volume(
        frames,
        lambda planes: make_plane_cameras(params.camera, inputs, chosen, planes, size).to_frame,
        training,
        device,
    )
    return VolumeQueries(volume, size, np.array([n in motions for n in steps], np.bool_))


def fit_sequence_volume(frames: VolumeFrames, training: VolumeTraining, device: str) -> VolumeQueries:
    """The volume of frames that are not part of a project: all their motions known, the camera as their background."""
    steps = [frames.cameras[n] for n in range(len(frames.images) - 1)]
    volume = fit_volume(frames, lambda planes: make_homography_cameras(steps, planes).to_frame, training, device)
    return VolumeQueries(volume, frames.images[0].shape[:2], np.ones(len(steps), np.bool_))


def _shrink_image(image: Image, size: tuple[int, int]) -> Image:
    if image.shape[:2] == size:
        return image
    return cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA).astype(np.uint8)
