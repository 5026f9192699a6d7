"""Test data of `semflow eval match` below a folder: frames, masks, keypoint pairs, homography pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image, Points
from tasks.errors import BadInput

IMAGES = {".jpg", ".jpeg", ".png", ".ppm"}


@dataclass(frozen=True)
class MatchClip:
    """The frames of one video, and the object's mask in each where there are masks."""

    name: str
    frames: tuple[Path, ...]
    masks: tuple[Path, ...]


@dataclass(frozen=True)
class KeypointPair:
    """Two images of different objects of one class with corresponding keypoints, in working-size pixels."""

    name: str
    images: tuple[Image, Image]
    points: tuple[Points, Points]


@dataclass(frozen=True)
class HomographyPair:
    """Two images of one planar scene, in working-size pixels."""

    name: str
    images: tuple[Image, Image]
    homography: NDArray[np.float64]
    px: float
    """Working-size pixels of the second image per pixel of the original."""


def find_clips(folder: Path) -> list[MatchClip]:
    """Folders `frames` at any depth below `folder`, with the `masks` beside them if any."""
    clips: list[MatchClip] = []
    for frames in sorted(path for path in folder.rglob("frames") if path.is_dir()):
        images, masks = _list_images(frames), _list_images(frames.parent / "masks")
        if images:
            matching = masks if len(masks) == len(images) else ()
            clips.append(MatchClip(_relative_name(folder, frames.parent), images, matching))
    return clips


def find_keypoint_pairs(folder: Path, side: int | None) -> Iterator[KeypointPair]:
    """Folders with exactly two images that each have a .mat file of `pts_coord` beside them."""
    from scipy.io import loadmat

    for parent in sorted({path.parent for path in folder.rglob("*.mat")}):
        files = [path for path in _list_images(parent) if path.with_suffix(".mat").is_file()]
        if len(files) == 2:  # noqa: PLR2004  a pair
            (a, size_a), (b, size_b) = (read_image(path, side) for path in files)
            points = [np.asarray(loadmat(path.with_suffix(".mat"))["pts_coord"], np.float64).T for path in files]
            if points[0].shape != points[1].shape:
                raise BadInput(
                    f"{parent} must name the same keypoints twice, got {len(points[0])} and {len(points[1])}"
                )
            scaled = [
                rescale_points(p, size, image) for p, size, image in zip(points, (size_a, size_b), (a, b), strict=True)
            ]
            yield KeypointPair(_relative_name(folder, parent), (a, b), (scaled[0], scaled[1]))


def find_homography_pairs(folder: Path, side: int | None) -> Iterator[HomographyPair]:
    """Folders with exactly two images and one OpenCV file whose first node is a 3x3 matrix, first image to second."""
    for path in sorted(folder.rglob("*.xml")):
        files = _list_images(path.parent)
        if len(files) == 2:  # noqa: PLR2004  a pair
            homography = _read_matrix(path)
            (a, size_a), (b, size_b) = (read_image(file, side) for file in files)
            scale = _scaling_matrix(size_b, b) @ homography @ np.linalg.inv(_scaling_matrix(size_a, a))
            yield HomographyPair(_relative_name(folder, path.parent), (a, b), scale, b.shape[1] / size_b[1])


def read_image(path: Path, side: int | None) -> tuple[Image, tuple[int, int]]:
    """The (h, w, 3) RGB image, its longer side at most `side`, and the (height, width) it had."""
    image: Any = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise BadInput(f"{path} must be an image, got something that cannot be read as one")
    height, width = image.shape[:2]
    if side is not None and max(height, width) > side:
        share = side / max(height, width)
        size = max(1, round(width * share)), max(1, round(height * share))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return image, (height, width)


def read_mask(path: Path, height: int, width: int) -> NDArray[np.bool_]:
    """(h, w) mask of the object, resized by nearest neighbour."""
    mask: Any = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise BadInput(f"{path} must be an image, got something that cannot be read as one")
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 127  # noqa: PLR2004  half of 255


def rescale_points(points: Points, size: tuple[int, int], image: Image) -> Points:
    """(n, 2) points of an image of (height, width) `size` on the resized `image`, pixel centres at integers."""
    return cv2.perspectiveTransform(points[None], _scaling_matrix(size, image))[0].astype(np.float64)


def _scaling_matrix(size: tuple[int, int], image: Image) -> NDArray[np.float64]:
    x, y = image.shape[1] / size[1], image.shape[0] / size[0]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])


def _read_matrix(path: Path) -> NDArray[np.float64]:
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
    matrix: Any = storage.getFirstTopLevelNode().mat()
    storage.release()
    if matrix is None or matrix.shape != (3, 3):
        raise BadInput(f"{path} must hold a 3x3 matrix, got {None if matrix is None else matrix.shape}")
    return np.asarray(matrix, np.float64)


def _list_images(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.glob("*") if path.suffix.lower() in IMAGES))


def _relative_name(folder: Path, parent: Path) -> str:
    name = parent.relative_to(folder).as_posix()
    return folder.name if name == "." else name
