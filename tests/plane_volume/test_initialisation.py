"""Trajectories, groups of them, layers, and the planes that they lie in."""

from __future__ import annotations

import numpy as np

from tasks.motion_layers.layer_merging import merge_layers
from tasks.motion_layers.layer_segmentation import segment_layers
from tasks.motion_layers.motion_layer import MotionLayer
from tasks.motion_layers.point_trajectories import STRIDE_PX, trace_trajectories
from tasks.motion_layers.trajectory_clustering import cluster_trajectories
from tasks.plane_volume.initialisation import initialise_volume
from tasks.plane_volume.plane_layout import assign_planes
from tasks.sequence.frame_pair_motion import FramePairMotion

SIZE = 48, 80


def sliding(
    frames: int, step: int, *, left: int = 8, top: int = 12
) -> tuple[list[np.ndarray], dict[int, FramePairMotion]]:
    """Masks of a block that slides right over a ground that rests, and the true motion."""
    masks = []
    for frame in range(frames):
        mask = np.zeros(SIZE, np.bool_)
        mask[top : top + 20, left + step * frame : left + 20 + step * frame] = True
        masks.append(mask)
    motions = {}
    for n in range(frames - 1):
        forward, backward = np.zeros((2, *SIZE, 2), np.float32)
        forward[masks[n], 0], backward[masks[n + 1], 0] = step, -step
        motions[n] = FramePairMotion(forward, backward, masks[n] | ~masks[n + 1], masks[n + 1] | ~masks[n])
    return masks, motions


def test_a_point_is_followed_while_it_is_seen_and_another_begins_where_none_is() -> None:
    masks, motions = sliding(5, 4)
    at = trace_trajectories(motions, 5, *SIZE)
    begun = SIZE[0] // STRIDE_PX * (SIZE[1] // STRIDE_PX)
    inner = np.array([masks[0][int(y), int(x)] for x, y in at[:begun, 0]])
    assert np.allclose(at[:begun][inner, 4, 0] - at[:begun][inner, 0, 0], 16)
    assert len(at) > begun
    late = at[begun:]
    assert np.isnan(late[:, 0]).all()
    # Ground that the block covers is not seen again as the same point.
    covered = [n for n in range(begun) if not inner[n] and masks[4][int(at[n, 0, 1]), int(at[n, 0, 0])]]
    assert covered
    assert np.isnan(at[covered, 4]).all()


def test_a_missing_step_ends_every_trajectory() -> None:
    _, motions = sliding(4, 4)
    at = trace_trajectories({n: m for n, m in motions.items() if n != 1}, 4, *SIZE)
    assert not (~np.isnan(at[:, 1, 0]) & ~np.isnan(at[:, 2, 0])).any()


def test_what_moves_apart_once_is_two_groups_and_what_turns_is_one() -> None:
    places = np.stack(np.meshgrid(np.arange(0, 40, 4), np.arange(0, 24, 4)), axis=2).reshape(-1, 2).astype(np.float32)
    right = places[:, 0] >= 20
    rest = np.repeat(places[:, None], 6, axis=1)
    parted = rest.copy()
    parted[right, 3:, 1] += 3  # one jump of the right half, in one step of five
    found = cluster_trajectories(parted)
    assert len(np.unique(found)) == 2
    assert (found[right] == found[right][0]).all()
    assert found[right][0] != found[~right][0]
    angle = 0.06 * np.arange(6)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    turning = np.einsum("tij,nj->nti", turn, places - places.mean(axis=0)).astype(np.float32)
    assert len(np.unique(cluster_trajectories(turning))) == 1


def test_a_layer_is_the_thing_that_moves_though_it_pauses() -> None:
    masks, motions = sliding(8, 4)
    masks[4:], stopped = [masks[4]] * 4, np.zeros((*SIZE, 2), np.float32)
    everywhere = np.ones(SIZE, np.bool_)
    motions |= {n: FramePairMotion(stopped, stopped, everywhere, everywhere) for n in range(4, 7)}
    nothing = {n: np.zeros(SIZE, np.bool_) for n in range(8)}
    (layer,) = segment_layers(motions, dict.fromkeys(motions, np.eye(3)), nothing, 8)
    assert sorted(layer.masks) == [*range(8)]
    for n, mask in layer.masks.items():
        assert (mask & masks[n]).sum() / (mask | masks[n]).sum() > 0.85


def test_pieces_are_one_where_one_motion_explains_both_and_two_where_not() -> None:
    masks, motions = sliding(6, 4)
    upper = {n: mask & (np.arange(SIZE[0]) < 20)[:, None] for n, mask in enumerate(masks)}
    lower = {n: mask & ~upper[n] for n, mask in enumerate(masks)}
    ground = {n: np.roll(mask, 26, axis=0) & ~mask for n, mask in enumerate(masks)}
    step = np.array([[1, 0, 4], [0, 1, 0], [0, 0, 1.0]])
    pieces = [MotionLayer(upper, dict.fromkeys(range(5), step)), MotionLayer(lower, dict.fromkeys(range(5), step))]
    (one,) = merge_layers(pieces, motions)
    assert all((one.masks[n] == masks[n]).all() for n in range(6))
    assert len(merge_layers([*pieces, MotionLayer(ground, dict.fromkeys(range(5), np.eye(3)))], motions)) == 2


def test_what_hides_another_lies_before_it(film) -> None:
    scene, shot = film.scene, film.shot
    frames = range(len(shot.images))
    layers = [MotionLayer({n: scene.instances[n] == layer.instance for n in frames}, {}) for layer in scene.layers[1:]]
    planes = assign_planes(layers, shot.motions, scene.instances.shape[1:], 8)
    hidden = []
    for n, motion in shot.motions.items():
        lost = ~motion.valid
        rows, columns = np.nonzero(lost)
        at = np.rint(np.stack([columns, rows], axis=1) + motion.forward[rows, columns]).astype(int)
        inside = ((at >= 0) & (at < (256, 144))).all(axis=1)
        pairs = zip(scene.instances[n][lost][inside], scene.instances[n + 1][at[inside, 1], at[inside, 0]], strict=True)
        hidden += [(a, b) for a, b in pairs if a and b and a != b]
    counted = {pair: hidden.count(pair) for pair in set(hidden)}
    sure = [(a, b) for (a, b), count in counted.items() if count > 60]
    assert sure
    assert all(planes[a - 1] < planes[b - 1] for a, b in sure)
    assert (planes >= 1).all()


def test_the_start_holds_what_is_seen_and_continues_it_behind_what_hides_it(film) -> None:
    scene, shot = film.scene, film.shot
    start = initialise_volume(shot.motions, shot.cameras, len(shot.images), scene.instances.shape[1:], 8)
    assert start.opacity.shape == (9, start.planes, 144, 256)
    assert (start.opacity[:, 0] == 1).all()
    frame = 5
    shown = np.zeros((144, 256), int)
    for layer, plane in zip(start.layers, start.plane, strict=True):
        if frame in layer.masks:
            shown[layer.masks[frame]] = plane
    front = np.take_along_axis(start.opacity[frame], shown[None], axis=0)[0]
    assert (front > 0.9).all()
    assert ((start.opacity[frame, 1:] > 0.5) & (shown > np.arange(1, start.planes)[:, None, None])).any()
    # Where a plane is seen it moves as the flow does.
    motion = np.take_along_axis(start.motion[frame], shown[None, ..., None], axis=0)[0]
    known = shot.motions[frame].valid
    right = np.abs(motion - shot.motions[frame].forward).max(axis=-1)[known] < 1e-3
    assert right.mean() > 0.97  # but for the rims that belong to another thing
