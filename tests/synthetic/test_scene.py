"""The truth of a scene, held to its pictures and to a slow renderer that knows nothing of its closed forms."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import fsolve

from tasks.errors import BadInput
from tasks.geometry.warp import warp_image
from tasks.synthetic.scene import scene_layers
from tasks.synthetic.scene.layer_outline import BlobOutline, PostOutline
from tasks.synthetic.scene.synthetic_scene import SCENE_VERSION, Scene, SceneSettings, make_scene
from tasks.synthetic.scene.texture_layer import TextureLayer

SMALL = SceneSettings(frames=8, height=72, width=96)
CLEAN = replace(SMALL, light=0.0, noise=0.0)
FRAME = st.integers(0, SMALL.frames - 1)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(3, CLEAN)


def test_a_seed_gives_the_same_scene_for_ever():
    scene = make_scene(0, SMALL)
    assert SCENE_VERSION == 1, "a new version has new pictures: pin their hashes below"
    assert hashlib.sha256(scene.instances.tobytes()).hexdigest()[:16] == "e8a4641f807302b3"
    assert hashlib.sha256(scene.frames.tobytes()).hexdigest()[:16] == "986a141aa14fccd6"


def test_shapes_and_dtypes_are_the_documented_ones(scene: Scene):
    shape = (CLEAN.frames, CLEAN.height, CLEAN.width)
    assert scene.frames.shape == (*shape, 3) and scene.frames.dtype == np.uint8
    assert scene.instances.shape == scene.classes.shape == scene.depth.shape == shape
    assert scene.cameras.shape == (CLEAN.frames, 3, 3)
    assert scene.boxes.shape == (len(scene.layers) - 1, CLEAN.frames, 4)
    assert set(np.unique(scene.classes)) <= set(range(len(scene_layers.CLASS_NAMES)))


@pytest.mark.parametrize("seed", range(4))
def test_a_warped_frame_is_the_other_frame_where_it_is_seen(seed: int):
    scene = make_scene(seed, CLEAN)
    for a, b in ((0, 1), (1, 0), (0, 7), (7, 2)):
        flow, seen = scene.flow(a, b)
        error = np.abs(warp_image(scene.frames[b], flow).astype(float) - scene.frames[a]).mean(axis=2)
        # Outlines are soft: a pixel on one shows what lies beside it too. Elsewhere only interpolation is left.
        assert np.median(error[seen]) < 3
        assert np.quantile(error[seen], 0.9) < 12
        assert error[seen].mean() < 0.5 * np.abs(scene.frames[b].astype(float) - scene.frames[a]).mean()


@settings(max_examples=8)
@given(frame=FRAME)
def test_a_frame_does_not_move_against_itself(frame: int, scene: Scene):
    flow, seen = scene.flow(frame, frame)
    assert np.abs(flow).max() < 1e-4
    assert seen.all()


@settings(max_examples=20)
@given(a=FRAME, b=FRAME, c=FRAME)
def test_points_come_back_and_come_by_another_frame_to_the_same_place(a: int, b: int, c: int, scene: Scene):
    grid = np.stack(np.meshgrid(np.arange(CLEAN.width), np.arange(CLEAN.height)), axis=2)[::5, ::5].reshape(-1, 2)
    ways = scene.track_points(a, grid)
    there, seen = ways[0][b], ways[1][b]
    again = scene.track_points(b, there[seen])
    assert np.allclose(again[0][a], grid[seen], atol=1e-3)
    assert again[1][a].all()  # what was seen to go there is seen where it came from
    assert np.allclose(again[0][c], ways[0][c][seen], atol=2e-3)
    assert (again[1][c] == ways[1][c][seen]).mean() > 0.995  # a float32 place may fall to the other side of an outline


@settings(max_examples=20)
@given(a=FRAME, b=FRAME)
def test_ids_agree_along_the_flow(a: int, b: int, scene: Scene):
    flow, seen = scene.flow(a, b)
    y, x = np.nonzero(seen)
    at = np.rint(np.stack([x, y], axis=1) + flow[seen]).astype(int)
    ids = scene.instances[b]
    # Rounding to a pixel crosses outlines, so only places amid their own kind are asked.
    amid = cv2.erode(ids, np.ones((3, 3), np.uint8)) == cv2.dilate(ids, np.ones((3, 3), np.uint8))
    asked = amid[at[:, 1], at[:, 0]]
    assert asked.mean() > 0.5
    assert (ids[at[:, 1], at[:, 0]] == scene.instances[a][seen])[asked].all()


def test_what_is_hidden_is_behind_something_nearer_and_what_left_is_outside(scene: Scene):
    flow, seen = scene.flow(0, 6)
    y, x = np.nonzero(~seen)
    at = np.rint(np.stack([x, y], axis=1) + flow[~seen]).astype(int)
    inside = ((at >= 0) & (at < (CLEAN.width, CLEAN.height))).all(axis=1)
    assert inside.any() and (~inside).any()
    nearer = scene.depth[6, at[inside, 1], at[inside, 0]] < scene.depth[0][~seen][inside]
    assert nearer.mean() > 0.95


def by_force(scene: Scene, layer: TextureLayer, frame: int, own: np.ndarray) -> np.ndarray:
    """A layer's point to a pixel: bend, turn, put into space, look at it. Written down again, a point at a time."""
    m, (x, y) = layer.motion, own
    x = x + m.bend_x[frame] * np.sin(m.wave_number * y + m.phases[frame, 0])
    y = y + m.bend_y[frame] * np.sin(m.wave_number * x + m.phases[frame, 1])
    z = m.scales[frame] * complex(x, y) * np.exp(1j * m.angles[frame]) + complex(*m.centres[frame])
    focal, cx, cy = scene.camera.intrinsics[0, 0], *scene.camera.intrinsics[:2, 2]
    point = np.array([(z.real - cx) / focal, (z.imag - cy) / focal, 1.0]) * layer.distance
    seen = scene.camera.rotations[frame] @ (point - scene.camera.places[frame])
    return np.array([focal * seen[0] / seen[2] + cx, focal * seen[1] / seen[2] + cy])


def found_by_search(scene: Scene, layer: TextureLayer, frame: int, pixel: np.ndarray) -> np.ndarray:
    start = pixel - layer.motion.centres[frame]
    turned = complex(*start) * np.exp(-1j * layer.motion.angles[frame])
    start = np.array([turned.real, turned.imag])
    own = np.asarray(fsolve(lambda q: by_force(scene, layer, frame, q) - pixel, start, xtol=1e-10))
    assert np.allclose(by_force(scene, layer, frame, own), pixel, atol=1e-6)
    return own


def inside_by_angle(layer: TextureLayer, own: np.ndarray) -> bool:
    shape = layer.outline
    if isinstance(shape, BlobOutline):
        angle = np.arctan2(own[1], own[0])
        bumps = sum(
            a * np.cos(m * angle + p) for a, m, p in zip(shape.amplitudes, (2, 3, 4, 5), shape.phases, strict=True)
        )
        return bool(np.hypot(*own) < shape.radius * (1 + bumps))
    return not isinstance(shape, PostOutline) or bool(abs(own[0]) < shape.half_width)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_slow_renderer_finds_the_same_things_in_the_same_places(seed: int):
    scene = make_scene(seed, CLEAN)
    rng = np.random.default_rng(seed)

    def top(frame: int, pixel: np.ndarray) -> TextureLayer:
        nearest = sorted(scene.layers, key=lambda layer: layer.distance)
        return next(k for k in nearest if inside_by_angle(k, found_by_search(scene, k, frame, pixel)))

    for _ in range(60):
        a, b = rng.integers(0, CLEAN.frames, 2)
        # Half of the places where something is in front, or all would lie on the background.
        y, x = rng.choice(np.argwhere(scene.instances[a] > 0)) if rng.random() < 0.5 else rng.integers(0, (72, 96))
        layer = top(a, np.array([x, y], float))
        assert layer.instance == scene.instances[a, y, x]
        there = by_force(scene, layer, b, found_by_search(scene, layer, a, np.array([x, y], float)))
        flow, seen = scene.flow(a, b)
        assert np.allclose(flow[y, x], there - (x, y), atol=1e-3)
        inside = (-0.5 <= there[0] < CLEAN.width - 0.5) and (-0.5 <= there[1] < CLEAN.height - 0.5)
        assert seen[y, x] == (inside and top(b, there) is layer)


def test_the_cameras_take_the_background_to_frame_0(scene: Scene):
    flow, _ = scene.flow(5, 0)
    y, x = np.nonzero(scene.instances[5] == 0)
    there = np.stack([x, y, np.ones_like(x)], axis=1) @ scene.cameras[5].T
    assert np.allclose(there[:, :2] / there[:, 2:], np.stack([x, y], axis=1) + flow[y, x], atol=1e-3)
    assert np.allclose(scene.cameras[0], np.eye(3))


def test_near_things_pass_by_faster_than_far_ones():
    scene = make_scene(0, replace(CLEAN, occlusion=1.0, actors=0, leaving=0))
    flow, _ = scene.flow(0, 7)
    moved = [np.linalg.norm(flow[scene.instances[0] == i].mean(axis=0)) for i in np.unique(scene.instances[0])]
    assert max(moved[1:]) > 1.5 * moved[0]


def test_walkers_and_swingers_wear_the_same_cloth(scene: Scene):
    cloth = {layer.class_id: layer.texture for layer in scene.layers}
    assert cloth[scene_layers.WALKER] is cloth[scene_layers.SWINGER]
    assert cloth[scene_layers.WALKER] is not cloth[scene_layers.ROLLER]


@pytest.mark.parametrize("seed", range(12))
def test_who_leaves_comes_back(seed: int):
    scene = make_scene(seed, SceneSettings(frames=24, height=36, width=64, occlusion=0.0))
    away = 0
    for layer in scene.layers[1:]:
        box = np.array([layer.bounds(scene.camera, t) for t in range(24)])
        out = (box[:, 2] < 0) | (box[:, 0] > 63)
        away += bool(out.any() and not out[0] and not out[-1])
    assert away >= scene.settings.leaving


def test_more_occlusion_hides_more():
    def hidden(occlusion: float) -> float:
        scenes = [make_scene(seed, replace(CLEAN, leaving=0, occlusion=occlusion)) for seed in range(4)]
        return float(np.mean([1 - s.flow(t, 4)[1][s.classes[t] > 0].mean() for s in scenes for t in (0, 2, 6)]))

    assert 1.3 * hidden(0.0) < hidden(1.0)


def test_boxes_hold_what_is_seen(scene: Scene):
    for instance, frame in ((1, 0), (3, 4), (len(scene.layers) - 1, 7)):
        y, x = np.nonzero(scene.instances[frame] == instance)
        box = scene.boxes[instance - 1, frame]
        if len(x):
            assert (box == (x.min() - 0.5, y.min() - 0.5, x.max() + 0.5, y.max() + 0.5)).all()
        else:
            assert np.isnan(box).all()


def test_without_an_instance_only_its_place_changes(scene: Scene):
    frame = 2
    instance = int(scene.instances[frame][scene.instances[frame] > 0][0])
    plate = scene.render_without(frame, instance)
    # One pixel around is mixed with its soft edge.
    near = scene.instances[frame] == instance
    for axis in (0, 1):
        near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    assert (plate == scene.frames[frame])[~near].all()
    assert (plate != scene.frames[frame])[scene.instances[frame] == instance].any()


def test_what_is_seen_behind_an_instance_can_be_fetched_from_another_frame():
    scene = make_scene(5, CLEAN)
    frame = 3
    for instance in np.unique(scene.instances[frame])[1:]:
        shown, plate = scene.find_visible_behind(frame, int(instance)), scene.render_without(frame, int(instance))
        assert not shown[scene.instances[frame] != instance].any()
        fetched = np.zeros_like(shown)
        for other in range(len(scene)):
            flow, seen = scene.flow(other, frame)
            at = np.rint(np.argwhere(seen | True)[:, ::-1] + flow.reshape(-1, 2)).astype(int)
            lands = ((at >= 0) & (at < (CLEAN.width, CLEAN.height))).all(axis=1) & ~seen.ravel()
            lands &= (scene.instances[other] != instance).ravel()
            fetched[at[lands, 1], at[lands, 0]] = True
        assert fetched[shown].mean() > 0.8  # rounding leaves holes
        assert plate.shape == (*shown.shape, 3)


def test_light_and_noise_change_pictures_but_nothing_of_the_truth():
    plain, lit = make_scene(1, CLEAN), make_scene(1, replace(CLEAN, light=0.2, noise=4.0))
    assert (plain.instances == lit.instances).all()
    assert (plain.flow(0, 5)[0] == lit.flow(0, 5)[0]).all()
    gain = lit.light[3]
    assert np.abs(gain - 1).max() > 0.01
    rest = lit.frames[3] - plain.frames[3] * gain
    unclipped = ((lit.frames[3] > 12) & (lit.frames[3] < 243)).all(axis=2)
    assert np.abs(rest[unclipped].mean()) < 0.2
    assert rest[unclipped].std() == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("frames", [1, 2])
def test_short_scenes_are_scenes(frames: int):
    scene = make_scene(0, replace(CLEAN, frames=frames))
    assert scene.flow(0, frames - 1)[1].any()
    assert len(scene) == frames


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(BadInput, match=r"leaving must be at most actors \(1\), got 2"):
        SceneSettings(actors=1, leaving=2)
    with pytest.raises(BadInput, match=r"occlusion must lie in 0\.\.1"):
        SceneSettings(occlusion=1.5)
    with pytest.raises(BadInput, match="instance must lie in 1"):
        make_scene(0, CLEAN).render_without(0, 99)
