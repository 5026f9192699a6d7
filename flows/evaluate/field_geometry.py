"""The multiplane volume of a synthetic case, for the field and for object removal."""

from __future__ import annotations

from flows.evaluate.synthetic_case import SyntheticCase
from tasks.arrays import Mask
from tasks.fit_field.window_volume import fit_sequence_volume
from tasks.geometry.homography import estimate_camera_motion
from tasks.plane_volume.optimise import VolumeFrames, VolumeTraining
from tasks.plane_volume.volume_queries import VolumeQueries
from tasks.sequence.frame_pair_motion import FramePairMotion

VOLUME_CONFIG = VolumeTraining(steps=100, planes=8)
"""Optimisation of the volume. params.yaml sets `volume_steps: 0` (no photometric optimisation, half of the time)."""


def make_pair_motion(case: SyntheticCase, first: int) -> FramePairMotion:
    """Flow between frame `first` and the next."""
    forward, valid, backward, valid_backward = case.neighbours[first]
    return FramePairMotion(forward, backward, valid, valid_backward)


def fit_case_volume(case: SyntheticCase, leave_out: Mask | None = None) -> VolumeQueries:
    """The volume of all frames; the camera is estimated without the pixels in the (t, h, w) `leave_out`."""
    motions = {first: make_pair_motion(case, first) for first in range(len(case) - 1)}
    free = {n: motion.valid if leave_out is None else motion.valid & ~leave_out[n] for n, motion in motions.items()}
    cameras = {n: estimate_camera_motion(motion.forward, free[n]).homography for n, motion in motions.items()}
    return fit_sequence_volume(VolumeFrames(list(case.images), motions, cameras), VOLUME_CONFIG, "cpu")
