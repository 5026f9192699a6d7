"""Refinement of class probabilities by instance masks, to stop drift.

1. An instance is assigned to the class with the largest mean probability under its mask.
2. If the instances of a class cover most of its probability, their union counts as one observation of the class at
   each pixel, by Bayes' rule: the odds of the class are multiplied by the likelihood ratio of being inside or outside.
3. The result is the map of the frame, and what is fed back to the next frames, so that errors do not accumulate.

How much a mask is worth was measured on the labelled frames: recall and precision of the instances of each class. Where
they are the object's outline, they nearly replace the propagated one; where they miss a part of it (the bicycle below
its rider), what lies outside keeps its probability. Otherwise the propagated probabilities are kept. The segmenter only
knows its own categories (COCO's eighty); objects of other categories are seldom refined.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, Mask

MIN_SCORE = 0.1  # of an instance
MIN_CLASS_SHARE = 0.5  # mean probability of a class under an instance that is assigned to it
MIN_KNOWN_CLASS_SHARE = 0.4  # the same for categories that formed the class on its labelled frame
MIN_COVERAGE = 0.7  # share of a class that must lie in its instances, or MARGIN_PX around
MARGIN_PX = 8.0
MIN_RELIABILITY, MAX_RELIABILITY = 0.5, 0.98  # of recall and precision: a few frames cannot show more
MIN_PRIOR = 0.03  # and 1 less this is the most: propagated probabilities are more certain than they are right


@dataclass(frozen=True, eq=False)
class InstanceMasks:
    """Instance masks of a frame."""

    masks: Mask
    """(n, h, w)."""
    score: NDArray[np.float32]
    category: NDArray[np.int16]
    """The segmenter's class."""

    def select_rows(self, rows: NDArray[np.bool_]) -> InstanceMasks:
        """The instances that the (n,) boolean `rows` select."""
        return InstanceMasks(self.masks[rows], self.score[rows], self.category[rows])


@dataclass(frozen=True)
class MaskReliability:
    """What the instance masks of a class are worth."""

    categories: frozenset[int] = frozenset()
    """The segmenter's categories that formed the class on its labelled frames."""
    recall: float = 0.9
    """Share of the class that lies in its instances; the defaults hold where it had none on its labelled frames."""
    precision: float = 0.9
    """Share of its instances that is of the class."""

    @property
    def inside_ratio(self) -> float:
        """Likelihood ratio of the class where a mask is; as much background is taken to be near as the masks cover."""
        return _clip_reliability(self.recall) / (1 - _clip_reliability(self.precision))

    @property
    def outside_ratio(self) -> float:
        """Likelihood ratio of the class where no mask is."""
        return (1 - _clip_reliability(self.recall)) / _clip_reliability(self.precision)


@dataclass(frozen=True)
class MaskRefiner:
    """Instance masks of every frame, and what they are worth for each class."""

    instances: Callable[[int], InstanceMasks]
    reliability: tuple[MaskReliability, ...]

    def __call__(self, frame: int, probabilities: ClassProbabilities) -> ClassProbabilities | None:
        """(h, w, c) refined probabilities, None where no class was refined."""
        return refine_with_masks(probabilities, self.instances(frame), self.reliability)


def refine_with_masks(
    probabilities: ClassProbabilities, instances: InstanceMasks, reliability: tuple[MaskReliability, ...]
) -> ClassProbabilities | None:
    """See MaskRefiner; class 0 is the background, which takes the remainder."""
    instances = instances.select_rows(instances.score >= MIN_SCORE)
    unions = _class_unions(probabilities, instances, [known.categories for known in reliability])
    if not unions:
        return None
    refined = probabilities.copy()
    for number, union in unions.items():
        prior = np.clip(probabilities[..., number], np.float32(MIN_PRIOR), np.float32(1 - MIN_PRIOR))
        known = reliability[number]
        ratio = np.where(union, np.float32(known.inside_ratio), np.float32(known.outside_ratio))
        odds = prior / (1 - prior) * ratio
        refined[..., number] = odds / (1 + odds)
    return _renormalise(refined, unions)


def measure_mask_reliability(
    frames: Iterable[tuple[ClassProbabilities, InstanceMasks]], classes: int
) -> tuple[MaskReliability, ...]:
    """Per class the reliability of instance masks, from labelled frames: (h, w, c) one-hot labels, zeros where
    unknown, and the instances found there. An instance is of the class that fills most of it."""
    categories: list[set[int]] = [set() for _ in range(classes)]
    # Pixels per class: of the class, in the union of its instances, in both.
    of_class, of_union, of_both = np.zeros((3, classes))
    for labels, found in frames:
        unions: dict[int, Mask] = {}
        chosen = found.select_rows(found.score >= MIN_SCORE)
        for mask, category in zip(chosen.masks, chosen.category, strict=True):
            shares = _mean_under_mask(labels, mask)
            number = int(shares.argmax())
            if number and shares[number] > MIN_CLASS_SHARE:
                categories[number].add(int(category))
                unions[number] = unions.get(number, np.zeros_like(mask)) | mask
        is_known = labels.sum(axis=-1) > 0
        for number in range(1, classes):
            is_class = labels[..., number] > 0
            union = unions.get(number, np.zeros_like(is_class)) & is_known
            of_class[number] += is_class.sum()
            of_union[number] += union.sum()
            of_both[number] += (union & is_class).sum()
    return tuple(
        MaskReliability(frozenset(categories[n]), float(of_both[n] / of_class[n]), float(of_both[n] / of_union[n]))
        if of_both[n]
        else MaskReliability()
        for n in range(classes)
    )


def _clip_reliability(share: float) -> float:
    return min(max(share, MIN_RELIABILITY), MAX_RELIABILITY)


def _class_unions(
    probabilities: ClassProbabilities, instances: InstanceMasks, categories: Sequence[Collection[int]]
) -> dict[int, Mask]:
    """(h, w) union of the instances of each class that they cover."""
    unions: dict[int, Mask] = {}
    for mask, category in zip(instances.masks, instances.category, strict=True):
        shares = _mean_under_mask(probabilities, mask)[1:]
        if not len(shares):
            continue
        number = 1 + int(shares.argmax())
        if shares[number - 1] > (MIN_KNOWN_CLASS_SHARE if int(category) in categories[number] else MIN_CLASS_SHARE):
            unions[number] = unions.get(number, np.zeros_like(mask)) | mask
    return {n: union for n, union in unions.items() if _is_covered(probabilities[..., n], union)}


def _mean_under_mask(probabilities: ClassProbabilities, mask: Mask) -> NDArray[np.float32]:
    """(c,) mean probability of each class under a mask; zeros where it is empty."""
    return probabilities[mask].mean(axis=0) if mask.any() else np.zeros(probabilities.shape[-1], np.float32)


def _is_covered(probability: NDArray[np.float32], union: Mask) -> bool:
    distance = cv2.distanceTransform((~union).astype(np.uint8), cv2.DIST_L2, 3)
    total = float(probability.sum())
    return total > 0 and float(probability[distance < MARGIN_PX].sum()) >= MIN_COVERAGE * total


def _renormalise(probabilities: ClassProbabilities, refined: Collection[int]) -> ClassProbabilities:
    """Probabilities that sum to 1 again: the classes that were not refined divide the remainder."""
    fixed = [n in refined for n in range(probabilities.shape[-1])]
    # Products with indicators: sums over a few classes are several times slower.
    is_fixed = np.array(fixed, np.float32)
    held, total = probabilities @ is_fixed, probabilities @ (1 - is_fixed)
    left = np.maximum(0, 1 - held)
    scale = 1 / np.maximum(held, 1)
    even = np.where(total > 0, np.float32(0), left / np.float32(len(fixed) - is_fixed.sum()))
    rest = left / np.maximum(total, np.float32(1e-9))
    normalised = np.empty_like(probabilities)
    for n, kept in enumerate(fixed):
        np.multiply(probabilities[..., n], scale if kept else rest, out=normalised[..., n])
        if not kept:
            normalised[..., n] += even
    return normalised
