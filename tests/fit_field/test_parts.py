"""The field's parts one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.semantic_field import FieldClass
from tasks.fit_field.seed_labels import SeedLabels, measure_user_masks
from tasks.geometry.cell_grid import l2_normalize
from tasks.label_propagation.evidence import EVIDENCE_KINDS, Evidence, VoteStore
from tasks.label_propagation.evidence_weights import EQUAL_WEIGHTS, fit_evidence_weights
from tasks.label_propagation.mask_refinement import (
    InstanceMasks,
    MaskReliability,
    measure_mask_reliability,
    refine_with_masks,
)
from tasks.label_propagation.memory_bank import compute_cosine_spread, predict_nearest_labels
from tasks.sequence.backward_warp import compute_backward_warp
from tasks.sequence.flow_trajectory import WarpField, compute_flow_trust
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.sequence.label_map import UNKNOWN, encode_one_hot


def still(height: int = 8, width: int = 8) -> FramePairMotion:
    zero, sure = np.zeros((height, width, 2), np.float32), np.ones((height, width), np.bool_)
    return FramePairMotion(zero, zero, sure, sure)


def test_a_trail_leads_back_over_whole_pixels_exactly() -> None:
    right = np.zeros((8, 8, 2), np.float32)
    right[..., 0] = 1
    sure = np.ones((8, 8), np.bool_)
    step = compute_backward_warp(FramePairMotion(right, -right, sure, sure), True)
    trail = WarpField.identity(8, 8).compose_with(step).compose_with(step)
    picture = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    assert np.allclose(trail.warp_values(picture)[:, 2:], picture[:, :-2], atol=1e-5)


def test_trust_falls_where_the_way_back_misses_and_ends_where_a_point_was_hidden() -> None:
    wrong = np.full((8, 8, 2), 1.5, np.float32)
    hidden = np.ones((8, 8), np.bool_)
    hidden[:4] = False
    motion = FramePairMotion(np.zeros((8, 8, 2), np.float32), wrong, hidden, hidden)
    assert (compute_flow_trust(motion, True)[4:] < compute_flow_trust(still(), True)[4:]).all()
    assert (compute_flow_trust(motion, True)[:4] == 0).all()
    assert (compute_flow_trust(motion, False)[:4] > 0).all()


@given(st.integers(1, 5), st.integers(0, 100))
def test_shares_sum_to_one_whatever_the_evidence(classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    evidence = Evidence.empty(3, 4, classes)
    for kind in EVIDENCE_KINDS:
        shares = encode_one_hot(rng.integers(0, classes, (3, 4)).astype(np.uint8), classes)
        evidence.add_votes(kind, shares, rng.random((3, 4), np.float32) * rng.integers(0, 2))
    assert np.allclose(evidence.combine_kinds(EQUAL_WEIGHTS).probabilities.sum(axis=-1), 1, atol=1e-5)


def test_unknown_labels_are_no_evidence() -> None:
    evidence = Evidence.empty(1, 2, 2)
    evidence.add_votes("chained", encode_one_hot(np.array([[UNKNOWN, 1]], np.uint8), 2), np.ones((1, 2), np.float32))
    votes = evidence.combine_kinds(EQUAL_WEIGHTS)
    assert votes.total.tolist() == [[0, 1]]
    assert np.allclose(votes.probabilities[0], [[0.5, 0.5], [0, 1]], atol=1e-4)


def test_attention_finds_the_kind_that_tells_the_truth() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (20, 20)).astype(np.uint8)
    evidence = Evidence.empty(20, 20, 2)
    sure = np.ones((20, 20), np.float32)
    evidence.add_votes("chained", encode_one_hot(truth, 2), sure)
    evidence.add_votes("semantic", encode_one_hot(rng.integers(0, 2, (20, 20)).astype(np.uint8), 2), sure)
    weight = dict(zip(EVIDENCE_KINDS, fit_evidence_weights([(evidence, truth)]), strict=True))
    assert weight["chained"] > 2 > 1 > weight["semantic"]
    assert np.isclose(weight["direct"], 1)  # was never heard


def test_attention_that_learns_nothing_stays_even() -> None:
    assert (
        fit_evidence_weights([(Evidence.empty(4, 4, 2), np.full((4, 4), UNKNOWN, np.uint8))]) == EQUAL_WEIGHTS
    ).all()


def test_the_nearest_labels_are_those_of_a_full_sort() -> None:
    rng = np.random.default_rng(0)
    vectors, known = l2_normalize(rng.normal(size=(5, 8))), l2_normalize(rng.normal(size=(30, 8)))
    labels = rng.random((30, 3), np.float32)
    found = predict_nearest_labels(vectors, known, labels, 4, 0.1)
    for vector, heard in zip(vectors, found, strict=True):
        cosine = known @ vector
        best = np.argsort(-cosine)[:4]
        weight = np.exp(cosine[best] / 0.1)
        assert np.allclose(heard, (weight / weight.sum()) @ labels[best], atol=1e-5)


def test_spread_is_one_for_vectors_all_around_and_small_where_all_are_alike() -> None:
    around = l2_normalize(np.random.default_rng(0).normal(size=(40, 40, 64)))
    assert abs(compute_cosine_spread(around) - 1) < 0.01
    assert 0 < compute_cosine_spread(np.ones((4, 4, 1), np.float32)) < 0.01


def instances(*masks: np.ndarray, kind: int = 7, score: float = 0.9) -> InstanceMasks:
    return InstanceMasks(np.array(masks), np.full(len(masks), score, np.float32), np.full(len(masks), kind, np.int16))


def shares_with(rows: slice, value: float = 0.8) -> np.ndarray:
    share = np.full((20, 20), 0.05, np.float32)
    share[rows] = value
    return np.stack([1 - share, share], axis=-1)


def block(rows: slice) -> np.ndarray:
    mask = np.zeros((20, 20), np.bool_)
    mask[rows] = True
    return mask


GOOD = (MaskReliability(), MaskReliability(recall=1.0, precision=1.0))


def test_a_reliable_mask_that_covers_the_class_takes_its_place() -> None:
    refined = refine_with_masks(shares_with(slice(4, 12)), instances(block(slice(3, 12))), GOOD)
    assert refined is not None
    assert ((refined[..., 1] > 0.5) == block(slice(3, 12))).all()
    assert np.allclose(refined.sum(axis=-1), 1, atol=1e-6)


def test_outside_masks_that_were_seen_to_miss_a_part_the_class_keeps_its_place() -> None:
    shares, mask = shares_with(slice(4, 12)), instances(block(slice(4, 10)))
    partial = (MaskReliability(), MaskReliability(recall=0.7, precision=0.95))
    kept, cut = (refine_with_masks(shares, mask, known) for known in (partial, GOOD))
    assert kept is not None
    assert cut is not None
    assert (kept[10:12, :, 1] > 0.5).all()
    assert (cut[10:12, :, 1] < 0.5).all()


def test_a_mask_of_something_else_or_of_a_small_part_changes_nothing() -> None:
    assert refine_with_masks(shares_with(slice(4, 8)), instances(block(slice(12, 20))), GOOD) is None
    assert refine_with_masks(shares_with(slice(0, 20)), instances(block(slice(0, 2))), GOOD) is None


def test_categories_that_formed_the_class_come_back_with_less_evidence() -> None:
    shares, mask = shares_with(slice(4, 12), value=0.45), block(slice(4, 12))
    known = MaskReliability(frozenset({7}))
    assert refine_with_masks(shares, instances(mask), (MaskReliability(), MaskReliability())) is None
    assert refine_with_masks(shares, instances(mask), (MaskReliability(), known)) is not None


def test_reliability_is_recall_and_precision_on_labelled_frames() -> None:
    labels = encode_one_hot(block(slice(4, 12)).astype(np.uint8), 2)
    found = measure_mask_reliability([(labels, instances(block(slice(6, 13))))], 2)
    assert found == (MaskReliability(), MaskReliability(frozenset({7}), recall=6 / 8, precision=6 / 7))
    nothing = measure_mask_reliability([(labels, instances(block(slice(13, 20))))], 2)
    assert nothing == (MaskReliability(), MaskReliability())


def test_pixels_of_unknown_label_do_not_count_against_a_mask() -> None:
    labels = block(slice(4, 12)).astype(np.uint8)
    labels[12:] = UNKNOWN
    found = measure_mask_reliability([(encode_one_hot(labels, 2), instances(block(slice(4, 14))))], 2)
    assert found[1].precision == 1


def test_votes_are_added_up_and_come_back() -> None:
    evidence = Evidence.empty(2, 3, 2)
    evidence.add_votes("chained", encode_one_hot(np.ones((2, 3), np.uint8), 2), np.ones((2, 3), np.float32))
    store = VoteStore()
    store.add_votes(1, evidence.combine_kinds(EQUAL_WEIGHTS))
    store.add_votes(1, evidence.combine_kinds(EQUAL_WEIGHTS))
    assert store.take_votes(0) is None
    found = store.take_votes(1)
    assert (found.total == 2).all()
    assert (found.votes[..., 1] == 2).all()
    assert store.take_votes(1) is None


def test_masks_are_measured_on_the_users_labels_of_usable_frames() -> None:
    labels = block(slice(4, 12)).astype(np.uint8)
    classes = (FieldClass("background"), FieldClass("cloth"))
    seeds = SeedLabels(classes, {0: labels, 8: labels, 9: labels}, (MaskReliability(),) * 2, "user")
    asked: list[int] = []

    def segment(frame: int) -> InstanceMasks:
        asked.append(frame)
        return instances(block(slice(4, 10)))

    measured = measure_user_masks(seeds, segment, lambda frame: frame != 8)
    assert measured.reliability[1] == MaskReliability(frozenset({7}), recall=6 / 8, precision=1.0)
    assert asked == [0, 9]
    assert measured.labels is seeds.labels
