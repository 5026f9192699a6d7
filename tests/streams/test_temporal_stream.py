"""The motion network: weights across modalities, the way through the artifact, numbers that hang on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tasks.artifacts.action_model import LinearHead, StackSettings, TemporalStream
from tasks.errors import SemflowError
from tasks.streams.flow_stack import reverse_stacks
from tasks.streams.mobilenet_v2 import MobileNetTrunk, load_imagenet_state
from tasks.streams.temporal_stream import (
    compute_temporal_maps,
    extract_temporal_features,
    init_cross_modality,
    trunk_from_arrays,
    trunk_to_arrays,
)
from tasks.yolo.torchvision_ops import make_torchvision_importable

HEAD = LinearHead("temporal", np.zeros((384, 2), np.float32), np.zeros(2, np.float32))
STACKS = np.random.default_rng(0).normal(0, 0.2, (3, 20, 64, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def stream() -> TemporalStream:
    return TemporalStream(trunk_to_arrays(init_cross_modality()), HEAD, StackSettings("camera", 64))


def test_the_trunk_is_torchvisions_network() -> None:
    """torchvision's own code with the same weights."""
    make_torchvision_importable()
    from torchvision.models import mobilenet_v2

    trunk = MobileNetTrunk(3)
    state = load_imagenet_state(trunk)
    trunk.load_state_dict(state)
    reference = mobilenet_v2().features
    reference.load_state_dict({name.removeprefix("features."): value for name, value in state.items()})
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 64, 64)).astype(np.float32))
    with torch.inference_mode():
        expected = reference.eval()(x).mean(dim=(2, 3))
        np.testing.assert_allclose(trunk.eval()(x), expected, atol=1e-5)


def test_the_first_layer_sees_every_flow_channel_as_the_mean_of_rgb() -> None:
    """On a stack whose channels are all alike it gives what ImageNet's gives on grey, times 20 / 3."""
    grey = torch.from_numpy(STACKS[:1, :1])
    flow, rgb = init_cross_modality(), MobileNetTrunk(3)
    rgb.load_state_dict(load_imagenet_state(rgb))
    first, second = (trunk.features[0][0] for trunk in (flow, rgb))  # pyright: ignore[reportIndexIssue]
    with torch.inference_mode():
        np.testing.assert_allclose(
            first(grey.expand(-1, 20, -1, -1)) * 3 / 20, second(grey.expand(-1, 3, -1, -1)), atol=1e-5
        )


def test_folded_and_stored_it_gives_what_the_network_gives(stream: TemporalStream) -> None:
    with torch.inference_mode():
        expected = trunk_from_arrays(stream.trunk).eval()(torch.from_numpy(STACKS)).numpy()
    np.testing.assert_allclose(extract_temporal_features(stream, STACKS), expected, atol=1e-5)


def test_convolutions_are_stored_in_half_precision_and_stay_under_a_megabyte(stream: TemporalStream) -> None:
    kinds = {value.dtype.name for value in stream.trunk.values() if value.ndim == 4}
    assert kinds == {"float16"}
    assert sum(value.nbytes for value in stream.trunk.values()) < 1_000_000


def test_features_are_the_mean_of_the_last_map_and_no_stacks_give_none(stream: TemporalStream) -> None:
    maps = compute_temporal_maps(stream, STACKS)
    assert maps.shape == (3, 384, 4, 4)
    np.testing.assert_allclose(extract_temporal_features(stream, STACKS), maps.mean(axis=(2, 3)), atol=1e-6)
    assert compute_temporal_maps(stream, STACKS[:0]).shape == (0, 384, 4, 4)


def test_neither_company_nor_threads_change_a_bit(stream: TemporalStream) -> None:
    together = extract_temporal_features(stream, STACKS)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        alone = np.concatenate([extract_temporal_features(stream, STACKS[n : n + 1]) for n in range(3)])
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(together, alone)


def test_a_network_with_a_layer_missing_is_refused(stream: TemporalStream) -> None:
    less = {name: value for name, value in stream.trunk.items() if name != "features.3.conv.2.weight"}
    with pytest.raises(SemflowError, match=r"must have all its layers, got none for features\.3"):
        trunk_from_arrays(less)


def test_features_of_both_ways_are_those_of_the_stack_and_of_the_stack_backwards(stream: TemporalStream) -> None:
    found = extract_temporal_features(stream, STACKS, both_ways=True)
    backwards = extract_temporal_features(stream, reverse_stacks(STACKS))
    np.testing.assert_array_equal(found, np.concatenate([extract_temporal_features(stream, STACKS), backwards], axis=1))
    assert compute_temporal_maps(stream, STACKS[:0], both_ways=True).shape == (0, 768, 4, 4)
