"""Warp fields on arrays are those of the volume's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tasks.plane_volume.optimise import VolumeTraining, fit_volume
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.plane_volume.volume_warping import LATTICE_PX, VolumeWarper

SIZE = 144, 256
FRAME, SOURCE = 6, 2


@pytest.fixture(scope="module")
def volume(film) -> PlaneVolume:
    return fit_volume(film.shot, film.to_frame, VolumeTraining(0, 8), "cpu")


def lattice() -> torch.Tensor:
    y, x = np.mgrid[: SIZE[0] : LATTICE_PX, : SIZE[1] : LATTICE_PX] + (LATTICE_PX - 1) / 2
    return torch.from_numpy(np.stack([x, y], axis=-1).reshape(-1, 2)).float()


def test_points_go_where_the_volume_advects_them(volume: PlaneVolume) -> None:
    pixels = lattice()
    plane = volume.compute_ray_weights(FRAME, pixels).argmax(dim=0)
    points = volume.unproject_pixels(FRAME, pixels[None].expand(volume.planes, -1, -1))
    moved = volume.project_points(SOURCE, volume.advect_points(points, FRAME, SOURCE))
    expected = moved[plane, torch.arange(len(plane))] - pixels
    found = VolumeWarper(volume, SIZE).compute_warp_field(FRAME, SOURCE)
    grid = np.stack(np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0])), axis=-1)
    displacement = (found.positions - grid)[::LATTICE_PX, ::LATTICE_PX].reshape(-1, 2)
    apart = np.linalg.norm(displacement - expected.numpy(), axis=1)
    assert np.quantile(apart, 0.99) < 0.1
    assert found.trust.shape == SIZE
    assert 0 <= found.trust.min() <= found.trust.max() <= 1


def test_nearness_is_the_mean_plane_by_ray_weights(volume: PlaneVolume) -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    weights = volume.compute_ray_weights(FRAME, torch.from_numpy(np.stack([x, y], -1).reshape(-1, 2)).float())
    expected = (weights * torch.linspace(0, 1, volume.planes)[:, None]).sum(dim=0).numpy().reshape(SIZE)
    found = VolumeWarper(volume, SIZE).render_nearness(FRAME)
    assert np.abs(found - expected).mean() < 1e-3
    assert np.quantile(np.abs(found - expected), 0.99) < 0.02


def test_a_warp_field_does_not_depend_on_what_was_asked_before(volume: PlaneVolume) -> None:
    fresh = VolumeWarper(volume, SIZE).compute_warp_field(FRAME, SOURCE)
    asked = VolumeWarper(volume, SIZE)
    for frame, source in ((FRAME, FRAME - 1), (FRAME, FRAME + 2), (3, 5), (FRAME, FRAME - 2)):
        asked.compute_warp_field(frame, source)
    again = asked.compute_warp_field(FRAME, SOURCE)
    np.testing.assert_array_equal(again.positions, fresh.positions)
    np.testing.assert_array_equal(again.trust, fresh.trust)


def test_the_network_adds_to_the_velocity_once_its_output_is_not_zero(film) -> None:
    volume = fit_volume(film.shot, film.to_frame, VolumeTraining(0, 8), "cpu")
    assert torch.equal(volume.compute_velocity(2), volume.flow[2])
    with torch.no_grad():
        [*volume.network.parameters()][-1].fill_(0.5)
    assert torch.allclose(volume.compute_velocity(2), volume.flow[2] + 0.5)
