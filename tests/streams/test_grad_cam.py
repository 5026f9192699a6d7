from __future__ import annotations

import numpy as np
import pytest
import torch

from tasks.streams.grad_cam import grad_cam


@pytest.mark.parametrize("places", [(4, 5), (3, 4, 5)])
def test_for_a_mean_and_a_linear_head_it_is_the_class_activation_map(places: tuple[int, ...]) -> None:
    """Selvaraju et al. (2017), section 3.1: there Grad-CAM and CAM (Zhou et al., 2016) are one, up to a factor."""
    torch.manual_seed(0)
    maps, weight = torch.randn(2, 6, *places), torch.randn(7, 6)
    labels = torch.tensor([[0, 3], [6, 2]])
    found = grad_cam(maps, lambda x: x.mean(dim=tuple(range(2, x.ndim))) @ weight.T, labels)
    assert found.shape == (2, 2, *places)
    for n, k in np.ndindex(2, 2):
        cam = torch.relu(torch.tensordot(weight[labels[n, k]], maps[n], dims=1)) / np.prod(places)
        assert torch.allclose(found[n, k], cam, atol=1e-6)


def test_it_finds_the_place_that_a_label_hangs_on_behind_a_head_that_is_not_linear() -> None:
    maps = torch.zeros(1, 2, 5, 5)
    maps[0, 0, 1, 2], maps[0, 1, 4, 4] = 3, 3
    weight = torch.tensor([[4.0, 0.0], [0.0, 4.0]])

    def head(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x.mean(dim=(2, 3))) @ weight

    found = grad_cam(maps, head, torch.tensor([[0, 1]]))[0]
    assert [divmod(int(cam.argmax()), 5) for cam in found] == [(1, 2), (4, 4)]
    assert (found >= 0).all() and int((found > 0).sum()) == 2


def test_maps_of_inference_mode_will_do_and_stay_as_they_are() -> None:
    with torch.inference_mode():
        maps = torch.rand(1, 3, 2, 2)
    before = maps.clone()
    grad_cam(maps, lambda x: x.mean(dim=(2, 3)), torch.tensor([[1]]))
    assert torch.equal(maps, before)
