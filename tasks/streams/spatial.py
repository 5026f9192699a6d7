"""The appearance stream's features under a head of one's own: I3D's of a clip, or MobileNetV2's of its middle picture.

A single picture is Simonyan and Zisserman's spatial stream (2014, section 2), and costs a hundredth of I3D's clip.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.artifacts.action_model import FeatureSource
from tasks.streams.clips import Clip
from tasks.streams.mobilenet import LAST, Trunk, imagenet_state

MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # torchvision's, times 255
SPREAD = np.array([58.395, 57.12, 57.375], np.float32)
_loading = threading.Lock()


def spatial_features(seen: FeatureSource, clips: Iterable[Clip], device: str) -> NDArray[np.float32]:
    """(n, 1024) of I3D or (n, 1280) of MobileNetV2, for n clips of (t, 224, 224, 3)."""
    if seen == "i3d":
        from tasks.streams.i3d import load_i3d

        return load_i3d(device).features(clips)
    found = list(_of_pictures((clip[len(clip) // 2] for clip in clips), device))
    return np.concatenate([np.empty((0, LAST), np.float32), *found])


def _of_pictures(pictures: Iterable[NDArray[np.uint8]], device: str) -> Iterator[NDArray[np.float32]]:
    """(1, 1280) of each (h, w, 3) picture, by one thread, so that no machine gives other sums."""
    with _loading:  # a cache alone would let two threads load it at once
        network = _load(device)

    @torch.inference_mode()
    def run(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        scaled = ((picture.astype(np.float32) - MEAN) / SPREAD).transpose(2, 0, 1)[None]
        return network(torch.from_numpy(np.ascontiguousarray(scaled)).to(device)).cpu().numpy()

    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(run, pictures)


@cache
def _load(device: str) -> Trunk:
    trunk = Trunk(3)
    trunk.load_state_dict(imagenet_state(trunk))
    return trunk.eval().requires_grad_(False).to(torch.device(device))
