from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tasks.errors import BadParams
from tasks.estimate_flow import raft_inference
from tasks.estimate_flow.raft_inference import (
    InputPadder,
    estimate_on_accelerator,
    estimate_on_cpu,
    load_raft_network,
    make_raft_estimator,
)
from tasks.estimate_flow.raft_layers import RAFT_LARGE, RAFT_SMALL
from tasks.estimate_flow.raft_network import (
    Raft,
    build_correlation_pyramid,
    correlate_all_pairs,
    lookup_correlations,
    make_cell_coordinates,
)
from tasks.yolo.torchvision_ops import make_torchvision_importable

INNER = (slice(16, -16), slice(16, -16))
ITERATIONS = 4


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads gain nothing on pictures this small, and spin where other work needs the processors."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def images(view) -> list[np.ndarray]:
    return [view(3 * n, -2 * n) for n in range(4)]


@pytest.fixture(scope="module")
def small() -> Raft:
    return load_raft_network("raft-small", "cpu")


def fields(pairs) -> np.ndarray:
    return np.array([flow for pair in pairs for flow in pair])


@pytest.mark.parametrize(("size", "name"), [(RAFT_SMALL, "raft_small"), (RAFT_LARGE, "raft_large")])
def test_the_network_is_torchvisions_given_the_same_numbers(size, name):
    make_torchvision_importable()
    from torchvision.models import optical_flow

    torch.manual_seed(0)
    theirs, ours = getattr(optical_flow, name)(weights=None).eval(), Raft(size).eval()
    for kind in (nn.Conv2d, nn.BatchNorm2d):
        layers = ([m for m in network.modules() if isinstance(m, kind)] for network in (theirs, ours))
        for their, our in zip(*layers, strict=True):
            our.load_state_dict(their.state_dict())
    first, second = torch.rand(2, 2, 3, 136, 144) * 2 - 1
    with torch.inference_mode():
        expected = theirs(first, second, num_flow_updates=3)[-1]
        a, b = ours.encode_images(first), ours.encode_images(second)
        found = ours.estimate_flow(a, build_correlation_pyramid(correlate_all_pairs(a.features, b.features), 17, 18), 3)
    assert expected.abs().mean() > 0.05
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_a_look_up_at_whole_cells_reads_the_correlations_themselves():
    first, second = torch.randn(2, 1, 5, 16, 20)
    pyramid = build_correlation_pyramid(correlate_all_pairs(first, second), 16, 20)
    found = lookup_correlations(pyramid, make_cell_coordinates(first), radius=2)[0].view(4, 25, 16, 20)
    row, column = 7, 9
    for step_x in range(-2, 3):
        for step_y in range(-2, 3):
            product = first[0, :, row, column] @ second[0, :, row + step_y, column + step_x] / 5**0.5
            # The window's slow axis is x: so the published weights have it.
            torch.testing.assert_close(found[0, (step_x + 2) * 5 + step_y + 2, row, column], product)
    assert found[0, 0, 0, 0] == 0  # outside of the image


def test_the_correlations_backward_are_the_transpose_of_those_forward():
    first, second = torch.randn(2, 2, 5, 3, 4)
    torch.testing.assert_close(correlate_all_pairs(first, second).transpose(1, 2), correlate_all_pairs(second, first))


def test_the_published_weights_find_a_plain_motion(images):
    for there, back in make_raft_estimator("raft-small", 8, "cpu")(images):
        np.testing.assert_allclose(np.median(there[INNER], axis=(0, 1)), (3, -2), atol=0.3)
        np.testing.assert_allclose(np.median(back[INNER], axis=(0, 1)), (-3, 2), atol=0.3)


def test_on_a_cpu_neither_threads_nor_the_length_of_a_run_change_a_bit(small, images):
    alone = fields(pair for n in range(3) for pair in estimate_on_cpu(small, images[n : n + 2], ITERATIONS))
    torch.set_num_threads(3)
    together = fields(estimate_on_cpu(small, images, ITERATIONS))
    assert torch.get_num_threads() == 3  # the caller's setting is not touched
    np.testing.assert_array_equal(alone, together)


def test_batches_give_what_single_pairs_give(small, images):
    alone = fields(estimate_on_cpu(small, images, ITERATIONS))
    batch = fields(estimate_on_accelerator(small, images, ITERATIONS, torch.float32))
    np.testing.assert_allclose(batch, alone, atol=2e-2)


def test_half_precision_stays_near_single(small, images):
    alone = fields(estimate_on_cpu(small, images, ITERATIONS))
    half = fields(estimate_on_accelerator(small, images, ITERATIONS, torch.bfloat16))
    assert half.dtype == np.float32
    assert np.linalg.norm(half - alone, axis=-1).mean() < 0.25


def test_batches_are_cut_to_what_the_correlations_leave_room_for(small, images, monkeypatch):
    whole = fields(estimate_on_accelerator(small, images, 2, torch.float32))
    sizes: list[int] = []
    encode = Raft.encode_images

    def note(network, tensor):
        sizes.append(len(tensor))
        return encode(network, tensor)

    monkeypatch.setattr(Raft, "encode_images", note)
    monkeypatch.setattr(raft_inference, "MAX_CORRELATION_BYTES", 2.5 * InputPadder(96, 128).correlation_bytes)
    np.testing.assert_allclose(fields(estimate_on_accelerator(small, images, 2, torch.float32)), whole, atol=2e-2)
    assert sizes == [3, 2]


@pytest.mark.parametrize("size", [(6, 9), (129, 200), (136, 144)])
def test_frames_of_any_size_get_flow_of_their_size(small, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    ((there, back),) = estimate_on_cpu(small, [image, image], 1)
    assert there.shape == back.shape == (*size, 2)
    assert np.isfinite(there).all()


def test_the_border_is_the_images_own_and_comes_off_again():
    padder = InputPadder(130, 131)
    image = np.random.default_rng(0).integers(0, 256, (130, 131, 3), np.uint8)
    tensor = padder.pad_images([image])
    assert tensor.shape == (1, 3, 136, 136)
    assert padder.cells == (17, 17)
    expected = F.pad(torch.from_numpy(image).permute(2, 0, 1)[None].float(), (2, 3, 3, 3), mode="replicate")
    torch.testing.assert_close((tensor + 1) * 127.5, expected, atol=1e-3, rtol=0)
    inner = padder.crop_flow(tensor[:, :2])
    np.testing.assert_allclose((inner[0] + 1) * 127.5, image[..., :2], atol=1e-3)


def test_frames_too_large_for_the_correlations_are_refused_with_a_way_out():
    with pytest.raises(BadParams, match=r"got 3840x2160; lower decode\.max_side"):
        InputPadder(2160, 3840)


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["raft-sintel", "raft-things"])
def test_the_large_networks_weights_find_a_plain_motion(weights, images):
    there, _ = next(make_raft_estimator(weights, 8, "cpu")(images[:2]))
    np.testing.assert_allclose(np.median(there[INNER], axis=(0, 1)), (3, -2), atol=0.3)


@pytest.mark.gpu
def test_on_cuda_half_precision_stays_near_the_cpu(images):
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    on_cpu = fields(make_raft_estimator("raft-small", 8, "cpu")(images))
    on_gpu = fields(make_raft_estimator("raft-small", 8, "cuda:0")(images))
    assert np.linalg.norm(on_gpu - on_cpu, axis=-1).mean() < 0.1
