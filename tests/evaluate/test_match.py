"""The suite that measures semantic flow, on pictures made up for it."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from flows.evaluate.match import command, evaluate_match
from flows.evaluate.match_context import ImageFeatures, MatchContext
from flows.evaluate.match_data import find_homography_pairs, find_keypoint_pairs, read_image
from tasks.errors import BadInput
from tasks.estimate_flow.flow_backend import FlowBackend
from tasks.estimate_flow.opencv_flow import make_dis_estimator
from tasks.geometry import synthetic_views as match_views
from tasks.geometry.cell_grid import CellGrid
from tasks.match.grid_matching import MatchConfig

SIZE = (96, 128)


def picture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(*SIZE, 3))
    return cv2.normalize(
        sum(s * cv2.GaussianBlur(noise, (0, 0), s) for s in (2, 6, 15)), None, 0, 255, cv2.NORM_MINMAX
    ).astype(np.uint8)


def patches(image: np.ndarray) -> ImageFeatures:
    """Vectors that know their surroundings: blurred colours at several scales, centred."""
    scales = [cv2.GaussianBlur(image.astype(np.float32), (0, 0), s) for s in (1, 3, 6, 10, 16)]
    field = np.concatenate(scales, axis=2)[::4, ::4]
    field = field - field.mean(axis=(0, 1))
    return ImageFeatures(field / field.std(axis=(0, 1)), CellGrid(field.shape[0], field.shape[1], 4.0, 4.0, 0.0, 0.0))


@pytest.fixture
def context() -> MatchContext:
    return MatchContext(
        patches, FlowBackend(1, make_dis_estimator("medium")), MatchConfig("euclidean", 0.05, 1, 3), None
    )


def options(folder: Path, *more: str) -> argparse.Namespace:
    return argparse.Namespace(**command.make_context("match", ["--data", str(folder), *more]).params)


def write_clip(folder: Path, frames: int = 10) -> None:
    for name in ("frames", "masks"):
        (folder / name).mkdir(parents=True)
    scene = picture()
    for n in range(frames):
        moved = np.roll(scene, n, axis=1)
        mask = np.zeros(SIZE, np.uint8)
        mask[40:70, 40 + n : 80 + n] = 255
        cv2.imwrite(str(folder / "frames" / f"{n:05d}.png"), moved)
        cv2.imwrite(str(folder / "masks" / f"{n:05d}.png"), mask)


def test_views_neighbours_and_masks_are_scored_and_repeat_exactly(tmp_path: Path, context: MatchContext) -> None:
    write_clip(tmp_path / "clips" / "roll")
    arguments = options(tmp_path, "--frames", "2", "--steps", "4", "--stride", "3")
    scores, again = (evaluate_match(arguments, context) for _ in range(2))
    assert scores == again
    assert set(scores.items) == {
        "views/clips/roll/00000",
        "views/clips/roll/00009",
        "neighbours/clips/roll/00000",
        "neighbours/clips/roll/00009",
        "masks/clips/roll",
    }
    combined = scores.combined
    assert combined["neighbours EPE optical"] < 0.3 < combined["neighbours EPE no motion"]
    assert combined["views PCK@.05 optical chained, still film"] > 0.9
    assert combined["masks J"] > 0.9 > combined["masks J no motion"]
    other = evaluate_match(options(tmp_path, "--frames", "2", "--steps", "4", "--stride", "3", "--seed", "1"), context)
    assert other.combined["views PCK@.05 no motion"] != combined["views PCK@.05 no motion"]


def test_keypoints_of_an_image_and_a_smaller_copy_are_found(tmp_path: Path, context: MatchContext) -> None:
    large = cv2.resize(picture(), (256, 192), interpolation=cv2.INTER_CUBIC)
    points = np.array([[40.0, 100, 200], [50, 120, 90]])
    for name, image, scale in (("a", large, 1.0), ("b", picture(), 0.5)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
        savemat(tmp_path / f"{name}.mat", {"pts_coord": points * scale})
    scores = evaluate_match(options(tmp_path), context)
    assert set(scores.items) == {f"keypoints/{tmp_path.name}"}
    (pair,) = find_keypoint_pairs(tmp_path, side=128)
    assert pair.images[0].shape == (96, 128, 3)
    assert np.allclose(pair.points[0], points.T * 0.5 - 0.25)  # centres at integers
    assert np.allclose(pair.points[1], points.T * 0.5)


def test_a_homography_is_scaled_with_its_images(tmp_path: Path, context: MatchContext) -> None:
    (tmp_path / "pair").mkdir()
    shift = np.array([[1, 0, 16], [0, 1, 0], [0, 0, 1.0]])
    for name, image in (("1", picture()), ("2", np.roll(picture(), 16, axis=1))):
        cv2.imwrite(str(tmp_path / "pair" / f"{name}.png"), image)
    storage = cv2.FileStorage(str(tmp_path / "pair" / "h.xml"), cv2.FILE_STORAGE_WRITE)
    storage.write("H", shift)
    storage.release()
    (pair,) = find_homography_pairs(tmp_path, side=64)
    assert pair.px == 0.5
    assert np.allclose(pair.homography[:2, 2], [8, 0])
    found = evaluate_match(options(tmp_path), context).items["homographies/pair"]
    assert found["within 8 px"] > 0.8
    assert found["median px"] < 2


def test_a_view_is_where_its_homography_says() -> None:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[30:33, 80:83] = 255
    camera, light = match_views.sample_far_view(np.random.default_rng(3))
    seen = match_views.render_view(image, camera)
    y, x = np.nonzero(seen.image[..., 0] > 128)
    there = cv2.perspectiveTransform(np.array([[[81.0, 31.0]]]), seen.homography)[0, 0]
    assert np.hypot(x.mean() - there[0], y.mean() - there[1]) < 0.7
    assert np.allclose(camera.scale_by(0).to_homography(*SIZE), np.eye(3))
    assert (light.scale_by(0).relight_image(picture()) == picture()).all()
    assert (light.relight_image(picture()) != picture()).mean() > 0.5


def test_a_folder_without_anything_to_measure_is_refused(tmp_path: Path, context: MatchContext) -> None:
    with pytest.raises(BadInput, match="must hold folders `frames`"):
        evaluate_match(options(tmp_path), context)


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"a\.png must be an image"):
        read_image(tmp_path / "a.png", None)
