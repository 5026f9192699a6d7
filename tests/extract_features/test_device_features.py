"""The path of CUDA, run on the CPU by torch's own name for it: the vectors of the other path, in batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasks.extract_features.device_features import join_device_layers, make_batch_extractor
from tasks.extract_features.feature_extractor import FeatureExtractor
from tasks.extract_features.hypercolumns import join_layers
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.geometry.wccn_projection import LinearProjection

LAYERS = ("b6", "b13", "b17")
CHANNELS = 32 + 96 + 320


def make_images(count: int) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (96, 160, 3), np.uint8) for _ in range(count)]


PARAMS = ExtractFeaturesParams.model_validate(
    {
        "network": "mobilenet-v2",
        "layers": LAYERS,
        "image_side": 160,
        "frame_interval": 1,
        "frame_offsets": [0],
        "dimensions": None,
    },
    strict=False,
)


def make_projection() -> LinearProjection:
    rng = np.random.default_rng(2)
    return LinearProjection(
        rng.normal(size=CHANNELS).astype(np.float32) * np.float32(0.01),
        rng.normal(size=(CHANNELS, 16)).astype(np.float32),
    )


@pytest.mark.parametrize("projection", [None, make_projection()], ids=["whole", "projected"])
def test_vectors_are_those_of_the_path_for_a_cpu(projection: LinearProjection | None) -> None:
    images = make_images(3)
    expected = FeatureExtractor(PARAMS, "cpu", projection)(images)
    found = FeatureExtractor(PARAMS, "cpu:0", projection)(images)
    for one, two in zip(expected, found, strict=True):
        assert two.dtype == np.float16
        np.testing.assert_allclose(one.astype(np.float32), two.astype(np.float32), atol=4e-3)


def test_an_image_has_the_same_vectors_alone_and_in_a_batch() -> None:
    extract = make_batch_extractor("mobilenet-v2", LAYERS, "cpu:0", make_projection())
    images = make_images(3)
    for image, together in zip(images, extract(images), strict=True):
        np.testing.assert_allclose(extract([image])[0].astype(np.float32), together.astype(np.float32), atol=2e-3)


@given(st.integers(0, 20), st.integers(1, 15), st.integers(1, 15))
def test_layers_of_any_size_are_joined_as_for_one_image(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [(rows, columns), (-(-rows // 2), -(-columns // 2)), (-(-rows // 4), -(-columns // 4))]
    layers = [rng.normal(size=(2, c, *size)).astype(np.float32) for size, c in zip(sizes, (4, 6, 8), strict=True)]
    found = join_device_layers([torch.from_numpy(layer) for layer in layers]).numpy()
    for n in range(2):
        expected = join_layers([layer[n].transpose(1, 2, 0) for layer in layers])
        whole = [size for size in sizes if size != (1, 1)]
        if len(whole) == len(sizes):  # a layer of one cell is its own mean: what is left is rounding
            np.testing.assert_allclose(found[n], expected, atol=1e-4)


@pytest.mark.gpu
def test_on_cuda_half_precision_stays_near_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    images = make_images(2)
    expected, found = (FeatureExtractor(PARAMS, device, make_projection())(images) for device in ("cpu", "cuda:0"))
    for one, two in zip(expected, found, strict=True):
        assert (one.astype(np.float64) * two.astype(np.float64)).sum(axis=-1).mean() > 0.999
