"""The volume of a synthetic scene, as the field and the removal of things ask it."""

from __future__ import annotations

from flows.evaluate.synthetic_case import SyntheticCase
from tasks.arrays import Mask
from tasks.fit_field.window_volume import fit_sequence_volume
from tasks.geometry.homography import estimate_camera_motion
from tasks.plane_volume.optimise import VolumeFrames, VolumeTraining
from tasks.plane_volume.volume_queries import VolumeQueries
from tasks.sequence.frame_pair_motion import FramePairMotion

VOLUME_CONFIG = VolumeTraining(steps=100, planes=8)
"""Of the volume; params.yaml takes no steps, for half of the time, and does without what pictures teach."""


def make_pair_motion(problem: SyntheticCase, first: int) -> FramePairMotion:
    """Between frame `first` and the next."""
    forward, valid, backward, valid_backward = problem.neighbours[first]
    return FramePairMotion(forward, backward, valid, valid_backward)


def fit_case_volume(problem: SyntheticCase, leave_out: Mask | None = None) -> VolumeQueries:
    """The volume of all frames; the camera is found without what the (t, h, w) `leave_out` covers."""
    motions = {first: make_pair_motion(problem, first) for first in range(len(problem) - 1)}
    free = {n: motion.valid if leave_out is None else motion.valid & ~leave_out[n] for n, motion in motions.items()}
    cameras = {n: estimate_camera_motion(motion.forward, free[n]).homography for n, motion in motions.items()}
    return fit_sequence_volume(VolumeFrames(list(problem.images), motions, cameras), VOLUME_CONFIG, "cpu")
