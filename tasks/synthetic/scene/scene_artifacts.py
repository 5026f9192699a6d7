"""Artifacts of a synthetic scene: frames, dense flow with noise, weak features, and labelled frames.

The features are weak on purpose: local histograms of colour and gradient directions (Dalal and Triggs, 2005), which
encode neither shape nor motion and vary with illumination and noise. The flow noise is smooth like the errors of
estimators and differs from pair to pair; validity is the true visibility in both frames.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Image
from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.image_codec import ImageEncoding
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.geometry.warp import warp_image
from tasks.synthetic.scene.scene_camera import invert_homography
from tasks.synthetic.scene.synthetic_scene import SCENE_VERSION, Scene

SCENE_FPS = 12.0
STEPS_PER_PX = 128  # stored flow is exact to 1/256 px
NOISE_LENGTH_PX = 8.0  # correlation length of flow errors
CELL_PX = 4
COLOUR_BINS, DIRECTION_BINS = 6, 8
POOLED_CELLS = 3  # cells per side of the pooling window of histograms


def make_frames(scene: Scene, encoding: ImageEncoding = "png") -> StreamingArtifact[Frames]:
    """The frames artifact of a scene."""
    height, width = scene.settings.height, scene.settings.width
    count = len(scene)
    account = DecodeReport(
        file=f"scene-{SCENE_VERSION}-{scene.seed}",
        container="synthetic",
        codec="none",
        pixel_format="rgb24",
        source_width=width,
        source_height=height,
        rotation_deg=0,
        fps=SCENE_FPS,
        vfr=False,
        duration_s=count / SCENE_FPS,
        expected=count,
        decoded=count,
        damaged=0,
        lost=0,
        kept=count,
        width=width,
        height=height,
        encoding=encoding,
    )
    rows = (Frame(frame, frame / SCENE_FPS, "ok", image) for frame, image in enumerate(scene.frames))
    return Frames.stream(rows, lambda: account, encoding)


def make_dense_flow(scene: Scene, noise_px: float = 0.0) -> StreamingArtifact[DenseFlow]:
    """The true flow between neighbouring frames with noise of standard deviation `noise_px` per component."""
    encoding = FlowEncoding(scene.settings.height, scene.settings.width, 1, STEPS_PER_PX)
    facts = FlowMetadata(len(scene), "synthetic", encoding)
    return DenseFlow.stream((make_flow_pair(scene, first, noise_px) for first in range(len(scene) - 1)), facts)


def make_flow_pair(scene: Scene, first: int, noise_px: float) -> FlowPair:
    """Dense flow of frames `first` and `first` + 1."""
    second = first + 1
    (forward, seen), (backward, seen_back) = scene.flow(first, second), scene.flow(second, first)
    change = np.abs(warp_image(scene.frames[second], forward).astype(np.float32) - scene.frames[first])
    rng = np.random.default_rng([SCENE_VERSION, scene.seed, first])
    return FlowPair(
        forward=forward + _make_flow_noise(rng, forward, noise_px),
        backward=backward + _make_flow_noise(rng, backward, noise_px),
        valid=seen,
        valid_backward=seen_back,
        photometric_error=float(change.mean()),
        cut=False,
        camera=invert_homography(scene.cameras[second]) @ scene.cameras[first],
        camera_inliers=float((scene.instances[first] == 0).mean()),
    )


def make_features(scene: Scene) -> StreamingArtifact[Features]:
    """The features artifact of a scene: a histogram vector per cell of CELL_PX pixels square."""
    grids, cells = make_feature_grids(scene)
    facts = FeatureMetadata("histograms", ("colour", "gradient"), scene.settings.width, scene.settings.height, cells)
    return Features.stream(grids, range(len(grids)), len(grids), grids.shape[-1], facts)


def make_feature_grids(scene: Scene) -> tuple[NDArray[np.float16], CellGrid]:
    """(t, rows, columns, d) feature vectors of all frames, and their cell grid."""
    rows, columns = scene.settings.height // CELL_PX, scene.settings.width // CELL_PX
    cells = CellGrid(rows, columns, CELL_PX, CELL_PX, (CELL_PX - 1) / 2, (CELL_PX - 1) / 2)
    return np.stack([compute_histograms(image) for image in scene.frames]), cells


def select_labelled_frames(count: int, total: int) -> list[int]:
    """`count` of `total` frames with minimal largest distance to any frame: 2 of 24 are 6 and 18."""
    return [(2 * n + 1) * total // (2 * count) for n in range(count)]


def compute_histograms(image: Image) -> NDArray[np.float16]:
    """(rows, columns, d) unit vectors of an (h, w, 3) image: square root of colour and gradient histograms."""
    height, width = (size // CELL_PX for size in image.shape[:2])
    levels = image[: height * CELL_PX, : width * CELL_PX].astype(np.float32)
    gray: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[: levels.shape[0], : levels.shape[1]]
    x, y = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    # Unsigned gradient directions: light on dark equals dark on light.
    direction = np.mod(np.arctan2(y, x) / np.pi, 1).astype(np.float32) * np.float32(DIRECTION_BINS)
    parts = [
        _soft_bins(levels[..., c] * np.float32((COLOUR_BINS - 1) / 255), COLOUR_BINS, cyclic=False) for c in range(3)
    ]
    parts.append(_soft_bins(direction, DIRECTION_BINS, cyclic=True) * np.hypot(x, y)[..., None] / 255)
    cells = [
        cv2.blur(cv2.resize(part[..., n], (width, height), interpolation=cv2.INTER_AREA), (POOLED_CELLS, POOLED_CELLS))
        for part in parts
        for n in range(part.shape[-1])
    ]
    return l2_normalize(np.sqrt(np.stack(cells, axis=-1))).astype(np.float16)


def _soft_bins(value: NDArray[np.float32], bins: int, *, cyclic: bool) -> NDArray[np.float32]:
    """(h, w, bins) linear (soft) assignment of each value to its two nearest bins."""
    away = np.abs(value[..., None] - np.arange(bins, dtype=np.float32))
    if cyclic:
        away = np.minimum(away, bins - away)
    return np.maximum(0, 1 - away)


def _make_flow_noise(rng: np.random.Generator, flow: FlowField, noise_px: float) -> FlowField:
    """(h, w, 2) smooth noise with standard deviation `noise_px` per component."""
    white = rng.normal(size=flow.shape).astype(np.float32)
    smooth: Any = cv2.GaussianBlur(white, (0, 0), NOISE_LENGTH_PX / 2)
    return np.float32(noise_px) * smooth / smooth.std(axis=(0, 1))
