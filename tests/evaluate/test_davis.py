"""The suite davis: its ways on a small sequence, and the field's bars on the real ones."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.evaluate import davis
from flows.evaluate.davis_measures import compute_jaccard
from flows.evaluate.davis_methods import copy_first_mask, propagate_first_mask
from flows.evaluate.davis_sequence import DavisContext, DavisSequence, open_sequence
from flows.evaluate.match_data import find_clips
from tasks.errors import BadInput
from tasks.estimate_flow.flow_backend import FlowBackend
from tasks.estimate_flow.opencv_flow import make_dis_estimator
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.label_propagation.mask_refinement import InstanceMasks, MaskRefiner, MaskReliability

SIDE = 128


class Colours:
    """Features that are colours of cells of 8 pixels and their neighbours' below and to the right."""

    side, batched = SIDE, False

    def __call__(self, images: list[np.ndarray]) -> list[np.ndarray]:
        return [self._grid(image) for image in images]

    def _grid(self, image: np.ndarray) -> np.ndarray:
        small = cv2.resize(image, (image.shape[1] // 8, image.shape[0] // 8), interpolation=cv2.INTER_AREA)
        near = [np.roll(small, shift, (0, 1)) for shift in ((0, 0), (1, 0), (0, 1))]
        wide = np.concatenate(near, axis=2).astype(np.float32) - 128
        return (wide / np.linalg.norm(wide, axis=2, keepdims=True)).astype(np.float16)


@pytest.fixture
def context() -> DavisContext:
    feature_params = ExtractFeaturesParams(
        network="mobilenet-v2", layers=("b6",), image_side=SIDE, dimensions=None, frame_interval=1, frame_offsets=(0,)
    )
    return DavisContext(
        extractor=Colours(),
        feature_params=feature_params,
        flow_backend=FlowBackend(1, make_dis_estimator("medium")),
        max_side=SIDE,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A block of another cloth that slides to the right by 3 px a frame."""
    rng = np.random.default_rng(0)
    ground, cloth = (cv2.GaussianBlur(rng.integers(0, 255, (72, 128, 3), np.uint8), (0, 0), 2) for _ in range(2))
    cloth = np.clip(cloth.astype(int) * [0.3, 1.2, 1.5], 0, 255).astype(np.uint8)
    for folder in ("frames", "masks"):
        (tmp_path / "slide" / folder).mkdir(parents=True)
    for frame in range(6):
        mask = np.zeros((72, 128), np.uint8)
        mask[20:52, 16 + 3 * frame : 56 + 3 * frame] = 255
        image = np.where(mask[..., None] > 0, np.roll(cloth, 3 * frame, axis=1), ground)
        cv2.imwrite(str(tmp_path / "slide" / "frames" / f"{frame:05d}.png"), image)
        cv2.imwrite(str(tmp_path / "slide" / "masks" / f"{frame:05d}.png"), mask)
    return tmp_path


@pytest.fixture
def slide(data: Path, context: DavisContext) -> DavisSequence:
    return open_sequence(find_clips(data)[0], context)


def test_every_way_is_scored_and_the_field_is_no_worse_than_any(slide: DavisSequence) -> None:
    scores = davis.score_sequence(slide, with_masks=False)
    methods = ("copied", "warped", "propagated", "field")
    assert list(scores) == ["J", "F", "J&F", *(f"{measure} {name}" for name in methods for measure in "JF")]
    assert scores["J"] == scores["J field"] > 0.85
    assert scores["J&F"] == (scores["J field"] + scores["F field"]) / 2
    assert scores["J field"] >= max(scores["J copied"], scores["J warped"], scores["J propagated"]) - 0.02


def test_copying_is_the_overlap_of_the_first_mask(slide: DavisSequence) -> None:
    js = [compute_jaccard(share > 0.5, slide.truth(frame)) for frame, share in copy_first_mask(slide)]
    assert js[0] == 1
    assert js[3] == pytest.approx((40 - 9) / (40 + 9), abs=0.03)


def test_an_instance_mask_takes_the_place_of_the_propagated_one_and_is_fed_back(slide: DavisSequence) -> None:
    def find_instances(frame: int) -> InstanceMasks:
        if frame > 2:
            return InstanceMasks(np.zeros((0, 72, 128), np.bool_), np.zeros(0, np.float32), np.zeros(0, np.int16))
        return InstanceMasks(slide.truth(frame)[None], np.ones(1, np.float32), np.zeros(1, np.int16))

    refiner = MaskRefiner(find_instances, (MaskReliability(), MaskReliability(frozenset({0}), 1.0, 1.0)))
    refined = dict(propagate_first_mask(slide, refiner))
    plain = dict(propagate_first_mask(slide))
    assert ((refined[2] > 0.5) == slide.truth(2)).all()
    assert not ((plain[2] > 0.5) == slide.truth(2)).all()
    assert not np.array_equal(refined[3], plain[3])  # no instance there, but what was fed back is another


def test_a_folder_without_masks_is_named(tmp_path: Path) -> None:
    (tmp_path / "a" / "frames").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "a" / "frames" / "0.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(BadInput, match="must hold folders `frames` with as many `masks`"):
        davis.evaluate(argparse.Namespace(data=tmp_path, labels="first"), _params())


def _params() -> dict:
    from flows.engine.project import PARAMS_FILE
    from flows.pipeline import STAGES
    from tasks.params import Compute, read_params

    sections = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}
    return read_params(Path(__file__).parents[2] / PARAMS_FILE, sections)


@pytest.mark.slow
@pytest.mark.parametrize(("labels", "bar"), [("first", 0.85), ("masks", 0.93)])
def test_a_car_keeps_its_mask(labels: str, bar: float, ground_truth: Path, tmp_path: Path) -> None:
    """On its first 24 of 40 frames."""
    for folder in ("frames", "masks"):
        (tmp_path / "car-shadow" / folder).mkdir(parents=True)
        for file in sorted((ground_truth / "davis" / "car-shadow" / folder).iterdir())[:24]:
            (tmp_path / "car-shadow" / folder / file.name).symlink_to(file)
    scores = davis.evaluate(argparse.Namespace(data=tmp_path, labels=labels), _params())
    assert scores.combined["J"] > bar, scores.combined
    assert scores.combined["J field"] > scores.combined["J propagated"] - 0.02
