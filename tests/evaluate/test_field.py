"""The table of the synthetic scenes: its scores, its baselines on problems whose answer is known, and its suite."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pytest

from flows.evaluate import field as suite
from flows.evaluate import field_baselines as baselines
from flows.evaluate import field_point
from flows.evaluate import field_removal as removal
from flows.evaluate.field_methods import ABLATIONS, BASELINES, make_ablation, propagate_field
from flows.evaluate.field_point import FEATURES, PLAIN, fit_per_point
from flows.evaluate.score_table import SuiteScores
from flows.evaluate.synthetic_case import SyntheticCase, make_case, pool_class_shares, upsample_to_pixels
from tasks.errors import BadInput
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.warp import find_targets_inside
from tasks.synthetic.scene.scene_layers import POST
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene

HEIGHT, WIDTH, STEP = 24, 40, 4
CELLS = CellGrid(HEIGHT // STEP, WIDTH // STEP, STEP, STEP, 1.5, 1.5)
SMALL = SceneSettings(frames=6, height=64, width=96)


def sliding(shift: int = 4, frames: int = 5, labelled: tuple[int, ...] = (0,)) -> tuple[SyntheticCase, np.ndarray]:
    """A striped world that moves to the right by `shift` px with every frame; stripes have a colour and class each."""
    world = np.repeat(np.arange(60) % 3, 8)
    truth = np.stack(
        [np.tile(world[200 - shift * t : 200 - shift * t + WIDTH], (HEIGHT, 1)) for t in range(frames)]
    ).astype(np.uint8)

    def flow(a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        found = np.broadcast_to(np.array([shift * (b - a), 0], np.float32), (HEIGHT, WIDTH, 2)).copy()
        return found, find_targets_inside(found)

    case = SyntheticCase(
        images=np.repeat(truth[..., None] * 100, 3, axis=-1).astype(np.uint8),
        neighbours=[(*flow(i, i + 1), *flow(i + 1, i)) for i in range(frames - 1)],
        grids=np.stack([pool_class_shares(CELLS, labels, 3) for labels in truth]),
        cells=CELLS,
        labels={frame: truth[frame] for frame in labelled},
        class_count=3,
        direct=flow,
    )
    return case, truth


def test_mean_iou_is_that_of_counting_by_hand():
    rng = np.random.default_rng(0)
    truth, found = rng.integers(0, 4, (2, 3, 8, 9)).astype(np.uint8)
    truth[truth == 2] = 1  # a class that never occurs does not count, though it is found
    by_hand = [((truth == k) & (found == k)).sum() / ((truth == k) | (found == k)).sum() for k in (0, 1, 3)]
    assert suite.mean_iou(truth, found) == pytest.approx(np.mean(by_hand))
    assert suite.mean_iou(truth, truth) == 1


def test_labels_on_cells_are_shares_and_come_back_to_the_pixels_between():
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[:, :6] = 1
    shares = pool_class_shares(CELLS, labels, 2)
    assert shares[0, :3, 1].tolist() == [1, 0.5, 0]
    pixels = upsample_to_pixels(CELLS, shares, HEIGHT, WIDTH)
    assert pixels.shape == (HEIGHT, WIDTH, 2)
    assert pixels[5, :, 1] == pytest.approx(np.interp(np.arange(WIDTH), 1.5 + 4 * np.arange(10), shares[1, :, 1]))


def test_copies_come_from_the_nearest_labelled_frame():
    case, truth = sliding(labelled=(1, 4))
    found = baselines.copy_nearest_labels(case)
    for frame, source in enumerate((1, 1, 1, 4, 4)):
        assert (found[frame] == truth[source]).all()


@pytest.mark.parametrize(
    "method", [baselines.warp_along_chained_flow, baselines.warp_by_direct_flow, baselines.warp_by_both_flows]
)
@pytest.mark.parametrize("labelled", [(0,), (4,), (2,)])
def test_exact_flow_carries_labels_exactly_wherever_they_are_seen(method, labelled: tuple[int, ...]):
    case, truth = sliding(labelled=labelled)
    found = method(case)
    for frame in range(5):
        flow, _ = case.direct(frame, labelled[0]) if frame != labelled[0] else (np.zeros((HEIGHT, WIDTH, 2)), None)
        seen = find_targets_inside(flow.astype(np.float32))
        assert seen.mean() > 0.5
        assert (found[frame] == truth[frame])[seen].all()


def test_a_step_that_cannot_be_trusted_leaves_the_word_to_the_other_labelled_frame():
    case, truth = sliding(frames=3, labelled=(0, 2))
    wrong = np.zeros_like(case.neighbours[0][2])
    forward, valid, _, valid_backward = case.neighbours[0]
    broken = replace(case, neighbours=[(forward, valid, wrong, ~valid_backward | True), case.neighbours[1]])
    doubted = replace(broken, neighbours=[(forward, valid, wrong, np.zeros_like(valid)), case.neighbours[1]])
    inside = slice(0, WIDTH - 4)  # seen in frame 2
    assert (baselines.warp_along_chained_flow(broken)[1] != truth[1])[:, inside].any()
    assert (baselines.warp_along_chained_flow(doubted)[1] == truth[1])[:, inside].all()


def test_what_nothing_can_be_said_of_takes_its_surroundings():
    case, truth = sliding(shift=0, frames=2)
    forward, valid, backward, valid_backward = case.neighbours[0]
    hole = np.s_[10:12, 2:4]  # amid a stripe
    valid_backward, backward = valid_backward.copy(), backward.copy()
    valid_backward[hole], backward[hole] = False, (8, 0)  # into another stripe
    broken = replace(case, neighbours=[(forward, valid, backward, valid_backward)])
    assert (baselines.warp_along_chained_flow(broken)[1] != truth[1])[hole].all()
    assert (baselines.warp_and_fill(broken)[1] == truth[1])[hole].all()


@pytest.mark.parametrize(
    "method", [baselines.match_nearest_features, baselines.match_features_nearby, baselines.propagate_by_features]
)
def test_features_that_tell_all_find_all(method):
    case, truth = sliding(labelled=(0, 4))
    assert suite.mean_iou(truth, method(case)) > 0.97


@pytest.fixture
def quick_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for problems of a thousand pixels."""
    monkeypatch.setattr(field_point, "STEPS", 60)
    monkeypatch.setattr(field_point, "BATCH", 256)


def test_a_network_for_points_learns_the_labels_and_is_the_same_every_time(quick_learning: None):
    case, truth = sliding(shift=0)
    found = fit_per_point(case, FEATURES)
    assert suite.mean_iou(truth, found) > 0.9
    assert (fit_per_point(case, FEATURES) == found).all()
    assert (fit_per_point(case, PLAIN) != found).any()


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(0, SMALL)


def test_a_problem_holds_exact_or_noisy_flow_and_labels_of_the_chosen_frames(scene: Scene):
    case = make_case(scene, 2, 0.0)
    assert list(case.labels) == [1, 4]
    assert np.allclose(case.neighbours[2][0], scene.flow(2, 3)[0])
    assert np.allclose(case.neighbour_flow(3, 2)[0], scene.flow(3, 2)[0])
    assert np.allclose(case.neighbour_flow(3, 4)[0], scene.flow(3, 4)[0])
    noisy, estimated = make_case(scene, 2, 1.0), make_case(scene, 2, None)
    assert (noisy.neighbours[0][0] - scene.flow(0, 1)[0]).std() == pytest.approx(1, abs=0.05)
    assert (estimated.neighbours[0][0] == estimated.direct(0, 1)[0]).all()
    assert (estimated.neighbours[0][2] == estimated.direct(1, 0)[0]).all()


def test_every_method_gives_a_class_for_every_pixel(scene: Scene, quick_learning: None):
    case = make_case(scene, 2, 0.0)
    for name, method in {name: method for kind in BASELINES.values() for name, method in kind.items()}.items():
        found = method(case)
        assert found.shape == scene.classes.shape, name
        assert found.dtype == np.uint8 and found.max() < case.class_count, name


def test_the_field_and_what_is_left_of_it_keep_the_given_labels(scene: Scene):
    case = make_case(scene, 2, 0.0)
    for method in (propagate_field, *map(make_ablation, ABLATIONS)):
        found = method(case)
        assert found.shape == scene.classes.shape
        assert all((found[frame] == labels).all() for frame, labels in case.labels.items())


def test_removal_is_scored_where_the_truth_is_seen_in_another_frame(scene: Scene):
    chosen = removal.choose_actor(scene)
    assert scene.layers[chosen.instance].class_id != POST
    assert chosen.frames
    truth = {frame: scene.render_without(frame, chosen.instance) for frame in chosen.frames}
    off = {
        frame: (image.astype(int) + np.where(image < 128, 10, -10)).astype(np.uint8) for frame, image in truth.items()
    }
    assert removal.compute_psnr(scene, chosen, off) == pytest.approx(20 * np.log10(255 / 10))
    elsewhere = {f: np.where(scene.find_visible_behind(f, chosen.instance)[..., None], truth[f], 0) for f in truth}
    assert removal.compute_psnr(scene, chosen, elsewhere) == removal.compute_psnr(scene, chosen, truth) > 100


def test_inpainting_changes_only_what_is_taken_out(scene: Scene):
    chosen = removal.choose_actor(scene)
    found = removal.inpaint_frames(make_case(scene, 2, 0.0), chosen.mask, chosen.frames)
    frame = chosen.frames[0]
    changed = (found[frame] != scene.frames[frame]).any(axis=-1)
    assert changed[chosen.mask[frame]].mean() > 0.9
    near = chosen.mask[frame] | np.roll(chosen.mask[frame], 3, 0) | np.roll(chosen.mask[frame], -3, 0)
    near |= np.roll(chosen.mask[frame], 3, 1) | np.roll(chosen.mask[frame], -3, 1)
    assert changed[~near].mean() < 0.02
    assert 5 < removal.compute_psnr(scene, chosen, found) < 60


def test_a_plate_of_other_frames_knows_what_one_frame_cannot():
    scene = make_scene(0, replace(SMALL, frames=10, actors=1, leaving=0, occlusion=0.0))
    case, chosen = make_case(scene, 2, 0.0), removal.choose_actor(scene)
    one, all_frames = (
        removal.compute_psnr(scene, chosen, remove(case, chosen.mask, chosen.frames))
        for remove in (removal.inpaint_frames, removal.composite_background)
    )
    assert all_frames > one + 3


def small_suite(monkeypatch: pytest.MonkeyPatch, *words: str) -> SuiteScores:
    monkeypatch.setattr(suite, "SceneSettings", lambda: SMALL)
    rivals = {
        "copy": {"copy": baselines.copy_nearest_labels},
        "flow": {"flow chained": baselines.warp_along_chained_flow},
    }
    monkeypatch.setattr(suite, "BASELINES", rivals)
    monkeypatch.setattr(suite, "ABLATIONS", {"without density": ABLATIONS["without density"]})
    return suite.evaluate(argparse.Namespace(**suite.command.make_context("field", list(words)).params), {})


def test_the_table_has_methods_ablations_noise_and_removal_by_seed(monkeypatch: pytest.MonkeyPatch):
    scores = small_suite(monkeypatch, "--seeds", "2", "--first-seed", "5", "--noise", "1")
    assert {name.partition("/")[0] for name in scores.items} == {"methods", "ablations", "noise", "removal"}
    ours, copied = scores.items["methods/field"], scores.items["methods/copy"]
    assert list(ours) == ["mIoU", "5", "6"]
    assert ours["mIoU"] == pytest.approx((ours["5"] + ours["6"]) / 2)
    assert scores.combined["field over copy"] == pytest.approx(ours["mIoU"] - copied["mIoU"])
    assert scores.combined["field wins over copy"] == (ours["5"] > copied["5"]) + (ours["6"] > copied["6"])
    assert "noise/flow chained, 1 px" in scores.items and "noise/field, DIS" in scores.items
    assert scores.combined["PSNR inpaint"] > 5
    assert scores.as_json()["suite"] == "field"


def test_methods_alone_are_quicker_and_say_the_same(monkeypatch: pytest.MonkeyPatch):
    scores = small_suite(monkeypatch, "--seeds", "1", "--first-seed", "5", "--methods-only")
    assert set(scores.items) == {"methods/copy", "methods/flow chained", "methods/field"}


def test_no_seeds_are_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadInput, match="--seeds must be at least 1, got 0"):
        small_suite(monkeypatch, "--seeds", "0")
