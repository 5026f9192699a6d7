"""Refinement of class probabilities by instance masks, to stop drift: where a segmenter detects the object, its outline
replaces the propagated one.

1. An instance is assigned to the class with the largest mean probability under its mask.
2. If the instances of a class cover most of its probability, their union replaces the class in the map that is fed
   back to the next frames, so that errors do not accumulate.
3. In the output the union is blended with the propagated probabilities, which are better where a mask misses parts or
   closes holes.

Otherwise the propagated probabilities are kept. The segmenter only knows its own categories (COCO's eighty); objects
of other categories are never refined.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
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
MASK_BLEND = 0.4  # weight of the masks in the output; the propagated probabilities have the rest


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
class MaskRefiner:
    """Instance masks of every frame, and the segmenter's categories of each class."""

    instances: Callable[[int], InstanceMasks]
    categories: tuple[frozenset[int], ...]
    """Per class the segmenter's categories that formed it on its labelled frame."""

    def __call__(
        self, frame: int, probabilities: ClassProbabilities
    ) -> tuple[ClassProbabilities, ClassProbabilities | None]:
        """(h, w, c) output probabilities, and those to be fed back, None where no class was refined."""
        return refine_with_masks(probabilities, self.instances(frame), self.categories)


def refine_with_masks(
    probabilities: ClassProbabilities, instances: InstanceMasks, categories: tuple[Collection[int], ...]
) -> tuple[ClassProbabilities, ClassProbabilities | None]:
    """See MaskRefiner; class 0 is the background, which takes the remainder."""
    instances = instances.select_rows(instances.score >= MIN_SCORE)
    unions = _class_unions(probabilities, instances, categories)
    if not unions:
        return probabilities, None
    output, fed_back = probabilities.copy(), probabilities.copy()
    for number, union in unions.items():
        fed_back[..., number] = union
        output[..., number] = MASK_BLEND * union + (1 - MASK_BLEND) * probabilities[..., number]
    return _renormalise(output, unions), _renormalise(fed_back, unions)


def find_class_categories(probabilities: ClassProbabilities, instances: InstanceMasks) -> tuple[frozenset[int], ...]:
    """Per class the categories of the instances that it fills, on a labelled frame."""
    instances = instances.select_rows(instances.score >= MIN_SCORE)
    found: list[set[int]] = [set() for _ in range(probabilities.shape[-1])]
    for mask, category in zip(instances.masks, instances.category, strict=True):
        shares = _mean_under_mask(probabilities, mask)
        number = int(shares.argmax())
        if number and shares[number] > MIN_CLASS_SHARE:
            found[number].add(int(category))
    return tuple(frozenset(categories) for categories in found)


def _class_unions(
    probabilities: ClassProbabilities, instances: InstanceMasks, categories: tuple[Collection[int], ...]
) -> dict[int, NDArray[np.float32]]:
    """(h, w) union of the instances of each class that they cover."""
    unions: dict[int, Mask] = {}
    for mask, category in zip(instances.masks, instances.category, strict=True):
        shares = _mean_under_mask(probabilities, mask)[1:]
        if not len(shares):
            continue
        number = 1 + int(shares.argmax())
        if shares[number - 1] > (MIN_KNOWN_CLASS_SHARE if int(category) in categories[number] else MIN_CLASS_SHARE):
            unions[number] = unions.get(number, np.zeros_like(mask)) | mask
    return {n: union.astype(np.float32) for n, union in unions.items() if _is_covered(probabilities[..., n], union)}


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
