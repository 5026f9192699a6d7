"""The volume's arithmetic, and what it learns."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasks.plane_volume.bounds import ReferenceBounds
from tasks.plane_volume.frame_batch import make_frame_batch
from tasks.plane_volume.losses import LossWeights, Rays, compute_loss
from tasks.plane_volume.object_removal import compute_visibility, remove_object
from tasks.plane_volume.optimise import VolumeFrames, VolumeTraining, fit_volume
from tasks.plane_volume.plane_volume import PlaneVolume, composite_alpha
from tests.plane_volume.conftest import FRAMES


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_weights_are_what_nearer_planes_let_through(opacity: list[float]) -> None:
    found = composite_alpha(torch.tensor([1.0, *opacity])).tolist()
    left = 1.0
    for value, weight in zip(reversed([1.0, *opacity]), reversed(found), strict=True):
        assert weight == pytest.approx(left * value, abs=1e-5)
        left *= 1 - value
    assert sum(found) == pytest.approx(1, abs=1e-5)


def turning(frames: int = 9, radians: float = 0.1) -> PlaneVolume:
    """One plane that turns about the middle: x' = -w (y - c), y' = w (x - c)."""
    box = ReferenceBounds(0, 0, 40, 40)
    rows, columns = box.grid_shape
    y, x = np.mgrid[:rows, :columns] * 2.0 - 20
    flow = torch.from_numpy(np.stack([-radians * y, radians * x])).float()
    ways = torch.eye(3).expand(frames, 1, 3, 3).clone()
    return PlaneVolume(box, ways, flow.expand(frames - 1, 1, -1, -1, -1).clone(), torch.ones(frames, 1, rows, columns))


def test_the_midpoint_rule_turns_in_second_order_and_comes_back() -> None:
    volume = turning()
    begun = torch.tensor([[[30.0, 20.0]]])
    with torch.no_grad():
        there = volume.advect_points(begun, 0, 8)[0, 0] - 20
        back = volume.advect_points(volume.advect_points(begun, 0, 8), 8, 0)
    truth = 10 * torch.tensor([np.cos(0.8), np.sin(0.8)]).float()
    euler = 10 * (1 + 0.1j) ** 8
    assert (there - truth).norm() < 0.02
    assert (there - truth).norm() < 0.05 * abs(euler - 10 * np.exp(0.8j))
    assert (back - begun).norm() < 0.02


def test_each_term_of_the_loss_sees_its_own_fault(film) -> None:
    volume = fit_volume(film.shot, film.to_frame, VolumeTraining(0, 8), "cpu")
    seen = make_frame_batch(film.shot.images, film.shot.motions, "cpu")
    y, x = (torch.from_numpy(v.ravel()) for v in np.mgrid[:144:4, :256:4])
    rays = Rays(4, 5, x, y)

    def total(**weights: float) -> float:
        none = dict.fromkeys(("photometric", "flow", "order", "conservation", "trust"), 0.0)
        with torch.no_grad():
            return float(compute_loss(volume, seen, rays, begun, LossWeights(**(none | weights))))

    begun = volume.density.detach().clone()
    terms = ("photometric", "flow", "order", "conservation")
    good = {term: total(**{term: 1.0}) for term in terms}
    assert total(trust=1.0) == 0
    flow = volume.flow.clone()
    volume.flow[4] += 2.0  # everything goes 3 px astray
    assert total(flow=1.0) > good["flow"] + 2
    assert total(photometric=1.0) > 1.2 * good["photometric"]
    volume.flow.copy_(flow)
    with torch.no_grad():
        volume.density[5] = -volume.density[5]  # what was seen is not there in the next frame, and the reverse
    assert total(conservation=1.0) > 3 * good["conservation"]
    assert total(order=1.0) > good["order"]
    assert total(trust=1.0) > 0


def test_learning_lowers_the_loss_and_is_the_same_every_time(film) -> None:
    seen = make_frame_batch(film.shot.images, film.shot.motions, "cpu")
    y, x = (torch.from_numpy(v.ravel()) for v in np.mgrid[1:144:4, 1:256:4])

    def total(volume: PlaneVolume, begun: torch.Tensor) -> float:
        pairs = [(n, n + span) for span in (1, 2) for n in range(6)]
        with torch.no_grad():
            return sum(float(compute_loss(volume, seen, Rays(a, b, x, y), begun, LossWeights())) for a, b in pairs)

    start = fit_volume(film.shot, film.to_frame, VolumeTraining(0, 8), "cpu")
    one, two = (fit_volume(film.shot, film.to_frame, VolumeTraining(12, 8), "cpu") for _ in range(2))
    assert torch.equal(one.density, two.density)
    assert total(one, start.density) < 0.98 * total(start, start.density)


def test_a_trail_leads_where_the_point_is_though_it_was_hidden_between(film, make_reader) -> None:
    reader, scene = make_reader(film), film.scene
    right = {"volume": 0, "chain": 0}
    asked = 0
    for frame, source in ((8, 0), (0, 8)):
        truth, seen = scene.flow(frame, source)
        trail = reader.compute_warp_field(frame, source)
        best, at = trail.trust, trail.positions
        grid = np.stack(np.meshgrid(np.arange(256), np.arange(144)), axis=2)
        close = np.linalg.norm(at - grid - truth, axis=2) < 2
        assert (close & seen)[(best > 0.5)].mean() > 0.9
        right["volume"] += int((close & seen & (best > 0.5)).sum())
        asked += int(seen.sum())
        way = 1 if source > frame else -1
        alive, place = np.ones((144, 256), np.bool_), grid.astype(np.float32)
        for step in range(frame, source, way):
            motion = film.shot.motions[min(step, step + way)]
            flow, valid = (motion.forward, motion.valid) if way > 0 else (motion.backward, motion.valid_backward)
            alive &= cv2.remap(valid.astype(np.float32), place, None, cv2.INTER_LINEAR) > 0.5
            place = place + cv2.remap(flow, place, None, cv2.INTER_LINEAR)
        right["chain"] += int((alive & seen & (np.linalg.norm(place - grid - truth, axis=2) < 2)).sum())
    assert right["volume"] > right["chain"]
    assert right["volume"] > 0.85 * asked


def test_what_lies_nearer_is_reported_to_be_nearer(film, make_reader) -> None:
    reader, scene = make_reader(film), film.scene
    near, far = reader.render_nearness(5)[scene.instances[5] > 0], reader.render_nearness(5)[scene.instances[5] == 0]
    assert near.mean() > 0.4
    assert far.mean() < 0.05


def test_visibility_of_points_by_the_planes_before_them_is_that_by_all_planes(film, make_reader) -> None:
    volume = make_reader(film).volume
    height, width = film.scene.instances.shape[1:]
    pixels = torch.rand((volume.planes, 50, 2), generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [width, height]
    )
    assert volume.planes > 1
    for frame in (0, FRAMES - 1):
        found = compute_visibility(volume, frame, pixels)
        torch.testing.assert_close(found, volume.compute_visibility(frame, pixels), rtol=1e-5, atol=1e-6)


def test_a_thing_taken_out_leaves_what_lies_behind_it(film, make_reader) -> None:
    reader, scene, frame = make_reader(film), film.scene, 5
    sizes = [int((scene.instances == n).sum()) for n in range(len(scene.layers))]
    thing = max((n for n in range(1, len(sizes)) if scene.layers[n].class_id != 4), key=lambda n: sizes[n])
    masks = list((scene.instances == thing)[: len(reader)])
    ((number, found),) = remove_object(reader, film.shot.images, masks, [frame])
    asked, truth = scene.find_visible_behind(frame, thing), scene.render_without(frame, thing).astype(float)
    filled = cv2.inpaint(scene.frames[frame], masks[frame].astype(np.uint8), 3, cv2.INPAINT_TELEA)
    assert number == frame
    assert asked.any()
    assert ((found - truth)[asked] ** 2).mean() < 0.5 * ((filled - truth)[asked] ** 2).mean()
    beside = ~cv2.dilate(masks[frame].astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    assert (found[beside] == scene.frames[frame][beside]).all()


@pytest.mark.parametrize("frames", [1, 2])
def test_a_window_of_one_or_two_frames_has_a_volume(film, frames: int) -> None:
    shot = VolumeFrames(
        film.shot.images[:frames], {n: film.shot.motions[n] for n in range(frames - 1)}, film.shot.cameras
    )
    volume = fit_volume(shot, lambda planes: film.to_frame(planes)[:frames], VolumeTraining(2, 8), "cpu")
    assert volume.frames == frames


def test_a_still_window_without_texture_has_a_backdrop_and_nothing_else() -> None:
    from tasks.sequence.frame_pair_motion import FramePairMotion

    still = np.zeros((40, 56, 2), np.float32)
    everywhere = np.ones((40, 56), np.bool_)
    motions = {n: FramePairMotion(still, still, everywhere, everywhere) for n in range(3)}
    shot = VolumeFrames([np.full((40, 56, 3), 90, np.uint8)] * 4, motions, dict.fromkeys(motions, np.eye(3)))
    volume = fit_volume(
        shot, lambda planes: np.broadcast_to(np.eye(3), (4, planes, 3, 3)).copy(), VolumeTraining(3, 8), "cpu"
    )
    assert volume.planes == 1
    assert torch.isfinite(volume.density).all()


@pytest.mark.gpu
def test_the_volume_is_learned_on_cuda_as_on_the_processor(film) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    there = fit_volume(film.shot, film.to_frame, VolumeTraining(20, 8), "cuda:0")
    here = fit_volume(film.shot, film.to_frame, VolumeTraining(20, 8), "cpu")
    assert (torch.sigmoid(there.density).cpu() - torch.sigmoid(here.density)).abs().mean() < 0.01
