"""The suite for features: masks carried by likeness, cells found again in another view."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.engine.project import Project, find_root
from flows.evaluate import feature_quality
from flows.evaluate.feature_quality import FeatureEvalContext, FeatureGrid, evaluate_features
from flows.pipeline import STAGES
from tasks.arrays import Image
from tasks.errors import BadInput, BadParams
from tasks.geometry.cell_grid import CellGrid

SEQUENCES = ("blackswan", "dog")
"""Two of the sequences of DAVIS for which the README's figures stand: both together J .873, PCK@.05 .786."""
HERE = Path(__file__).parents[2]
HEIGHT, WIDTH, SIDE = 64, 96, 16
GRID = CellGrid(HEIGHT // 8, WIDTH // 8, 8, 8, 3.5, 3.5)


def options(data: Path, *words: str) -> argparse.Namespace:
    return argparse.Namespace(**feature_quality.command.make_context("features", ["--data", str(data), *words]).params)


def colours(image: Image) -> FeatureGrid:
    """Vectors that see nothing but a cell's mean colour."""
    blocks = image.reshape(HEIGHT // 8, 8, WIDTH // 8, 8, 3).mean(axis=(1, 3)).astype(np.float32) - 128
    return (blocks / np.linalg.norm(blocks, axis=2, keepdims=True)).astype(np.float16)


def blind(image: Image) -> FeatureGrid:
    return np.full((HEIGHT // 8, WIDTH // 8, 3), 3**-0.5, np.float16)


def context(look: Callable[[Image], FeatureGrid]) -> FeatureEvalContext:
    return FeatureEvalContext(extract=look, cells=lambda height, width: GRID, side=None)


@pytest.fixture
def square(tmp_path: Path) -> Path:
    """A red square that moves over blue by a cell a frame, and its masks."""
    for n in range(6):
        image, mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
        image[..., 2] = 255
        where = np.s_[16 : 16 + SIDE, 8 + 8 * n : 8 + 8 * n + SIDE]
        image[where], mask[where] = (255, 0, 0), 255
        for folder, picture in (("frames", image[..., ::-1]), ("masks", mask)):
            (tmp_path / "square" / folder).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "square" / folder / f"{n:05d}.png"), picture)
    return tmp_path


def test_a_mask_is_carried_by_vectors_that_know_the_object_and_not_by_blind_ones(square: Path) -> None:
    chosen = options(square, "--frames", "0")
    assert evaluate_features(chosen, context(colours)).items["masks/square"]["J"] > 0.85
    assert evaluate_features(chosen, context(blind)).items["masks/square"]["J"] < 0.5


def test_cells_are_found_again_by_vectors_that_differ_from_place_to_place(tmp_path: Path) -> None:
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    ramps = np.stack([255 * across / WIDTH, 255 * down / HEIGHT, np.full((HEIGHT, WIDTH), 128)], axis=2)
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "0.png"), ramps.astype(np.uint8)[..., ::-1])
    seeing, not_seeing = (
        evaluate_features(options(tmp_path, "--frames", "1"), context(look)) for look in (colours, blind)
    )
    assert seeing.combined["PCK@.1"] > not_seeing.combined["PCK@.1"] + 0.1
    assert seeing.combined["PCK@.1 no motion"] == not_seeing.combined["PCK@.1 no motion"]


def test_a_folder_without_frames_and_odd_values_are_refused(tmp_path: Path) -> None:
    params = Project.open(find_root(HERE), STAGES).params
    with pytest.raises(BadInput, match="folders `frames`"):
        evaluate_features(options(tmp_path), context(blind))
    with pytest.raises(BadParams, match="--set must be KEY=VALUE with a key of network"):
        feature_quality.evaluate(options(tmp_path, "--set", "size=3"), params)
    with pytest.raises(BadParams, match="image_side"):
        feature_quality.evaluate(options(tmp_path, "--set", "image_side=3"), params)


@pytest.mark.slow
def test_the_default_carries_masks_and_finds_cells_again(ground_truth: Path, tmp_path: Path) -> None:
    for name in SEQUENCES:
        shutil.copytree(ground_truth / "davis" / name, tmp_path / name)
    found = feature_quality.evaluate(options(tmp_path), Project.open(find_root(HERE), STAGES).params).combined
    assert found["J_mean"] > 0.865
    assert found["PCK@.05"] > 0.775
