"""Features of the appearance stream for a trained head: I3D's of a clip, or MobileNetV2's of its middle frame.

A single frame is Simonyan and Zisserman's spatial stream (2014, section 2), and costs a hundredth of I3D's clip.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.artifacts.action_model import FeatureSource
from tasks.runtime import load_once, make_torch_pool
from tasks.streams.mobilenet_v2 import LAST_CHANNELS, MobileNetTrunk, load_imagenet_state
from tasks.streams.video_clips import VideoClip

PIXEL_MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # torchvision's, times 255
PIXEL_STD = np.array([58.395, 57.12, 57.375], np.float32)


def extract_spatial_features(
    feature_source: FeatureSource, clips: Iterable[VideoClip], device: str
) -> NDArray[np.float32]:
    """(n, 1024) of I3D or (n, 1280) of MobileNetV2, for n clips of (t, 224, 224, 3)."""
    if feature_source == "i3d":
        from tasks.streams.i3d import load_i3d

        return load_i3d(device).extract_features(clips)
    found = list(_extract_image_features((clip[len(clip) // 2] for clip in clips), device))
    return np.concatenate([np.empty((0, LAST_CHANNELS), np.float32), *found])


def _extract_image_features(pictures: Iterable[NDArray[np.uint8]], device: str) -> Iterator[NDArray[np.float32]]:
    """(1, 1280) of each (h, w, 3) picture, computed by one torch thread: sums depend on their number."""
    network = _load_mobilenet(device)

    @torch.inference_mode()
    def run(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        scaled = ((picture.astype(np.float32) - PIXEL_MEAN) / PIXEL_STD).transpose(2, 0, 1)[None]
        return network(torch.from_numpy(np.ascontiguousarray(scaled)).to(device)).cpu().numpy()

    with make_torch_pool() as pool:
        yield from pool.map(run, pictures)


@load_once
def _load_mobilenet(device: str) -> MobileNetTrunk:
    trunk = MobileNetTrunk(3)
    trunk.load_state_dict(load_imagenet_state(trunk))
    return trunk.eval().requires_grad_(False).to(torch.device(device))
