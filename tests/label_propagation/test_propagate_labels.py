"""Labels of a few frames on all frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.label_propagation.propagate_labels import make_propagation_task, propagate_labels, weigh_evidence
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG
from tasks.sequence.label_map import UNKNOWN


def test_one_label_reaches_every_frame(make_world, iou) -> None:
    world = make_world()
    maps = propagate_labels(world.clip, {0: world.truth[0]}, 2)
    assert (maps[0].label == world.truth[0]).all()
    assert all(iou(found.label == 1, true == 1) > 0.9 for found, true in zip(maps[1:], world.truth[1:], strict=True))


@pytest.mark.parametrize("labelled", [(5,), (2,), (0, 5), (1, 3)])
def test_labels_reach_both_ways(make_world, iou, labelled) -> None:
    world = make_world()
    maps = propagate_labels(world.clip, {frame: world.truth[frame] for frame in labelled}, 2)
    assert all(iou(found.label == 1, true == 1) > 0.9 for found, true in zip(maps, world.truth, strict=True))


def test_flow_alone_is_enough_where_nothing_can_be_recognised(make_world, iou) -> None:
    world = make_world(features=False)
    maps = propagate_labels(world.clip, {0: world.truth[0]}, 2, replace(DEFAULT_CONFIG, semantic=False))
    assert iou(maps[5].label == 1, world.truth[5] == 1) > 0.95


def test_features_alone_are_enough_where_there_is_no_flow(make_world, iou) -> None:
    world = make_world(flows=False)
    maps = propagate_labels(world.clip, {0: world.truth[0]}, 2)
    assert iou(maps[5].label == 1, world.truth[5] == 1) > 0.8


def test_flow_makes_edges_sharper_than_cells(make_world, iou) -> None:
    world = make_world()
    labels = {0: world.truth[0]}
    with_flow = propagate_labels(world.clip, labels, 2)[5].label == 1
    without = propagate_labels(make_world(flows=False).clip, labels, 2)[5].label == 1
    assert iou(with_flow, world.truth[5] == 1) > iou(without, world.truth[5] == 1)


def test_without_the_opacity_prior_what_is_hidden_has_its_say(make_world, iou) -> None:
    world = make_world(features=False)
    how = replace(DEFAULT_CONFIG, semantic=False, temporal_smoothing=False)
    with_prior = propagate_labels(world.clip, {0: world.truth[0]}, 2, how)[5].label == 1
    without = propagate_labels(world.clip, {0: world.truth[0]}, 2, replace(how, density=False))[5].label == 1
    assert iou(with_prior, world.truth[5] == 1) > iou(without, world.truth[5] == 1)


def test_a_missing_frame_has_no_map_and_those_after_it_have(make_world, iou) -> None:
    world = make_world(missing=(2,))
    maps = propagate_labels(world.clip, {0: world.truth[0]}, 2)
    assert maps[2] is None
    assert iou(maps[4].label == 1, world.truth[4] == 1) > 0.7


def test_frames_that_no_label_leads_to_have_no_map(make_world) -> None:
    world = make_world()
    assert propagate_labels(world.clip, {}, 2) == [None] * 6
    nothing = np.full_like(world.truth[0], UNKNOWN)
    assert propagate_labels(world.clip, {0: nothing}, 2) == [None] * 6


def test_unknown_pixels_of_a_labelled_frame_are_found(make_world) -> None:
    world = make_world()
    partly = world.truth[3].copy()
    partly[:, :40] = UNKNOWN
    found = propagate_labels(world.clip, {0: world.truth[0], 3: partly}, 2)[3].label
    assert (found[:, 40:] == world.truth[3][:, 40:]).all()
    assert (found[:, :40] == world.truth[3][:, :40]).mean() > 0.95


def test_confidence_is_highest_where_labels_were_given_and_falls_with_doubt(make_world) -> None:
    world = make_world()
    maps = propagate_labels(world.clip, {0: world.truth[0]}, 2)
    assert (maps[0].confidence == 1).all()
    assert maps[1].confidence.mean() < 1
    lost = propagate_labels(make_world(flows=False).clip, {0: world.truth[0]}, 2)
    assert lost[5].confidence.mean() < maps[5].confidence.mean()


def test_the_same_inputs_give_the_same_maps(make_world) -> None:
    world = make_world()
    labels = {0: world.truth[0], 5: world.truth[5]}
    first, again = propagate_labels(world.clip, labels, 2), propagate_labels(make_world().clip, labels, 2)
    assert all((a.probabilities == b.probabilities).all() for a, b in zip(first, again, strict=True))


def test_a_frame_alone_keeps_its_label(make_world) -> None:
    world = make_world(frames=1)
    (only,) = propagate_labels(world.clip, {0: world.truth[0]}, 2)
    assert (only.label == world.truth[0]).all()


def test_attention_stays_even_with_one_label_and_prefers_flow_where_features_are_blind(make_world) -> None:
    world = make_world(features=False)
    alone = make_propagation_task(world.clip, {0: world.truth[0]}, 2)
    assert weigh_evidence(alone) is alone
    both = weigh_evidence(make_propagation_task(world.clip, {0: world.truth[0], 5: world.truth[5]}, 2))
    assert both.metrics["heard chained"] > both.metrics["heard semantic"]
    assert both.metrics["foretold mIoU"] > 0.8
