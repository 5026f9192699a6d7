"""Instance masks that re-anchor a drifting field: where a segmenter sees the thing, its outline is the better one.

Instances belong to the class whose shares fill most of them. Where the instances of a class explain it, their union is
the class: it is fed back, so that errors do not grow from frame to frame, and mixed with the field's own shares for
what is shown, which know the parts that a mask leaves out or fills in. Where they do not explain it, the field stands.
A segmenter knows its own classes only (COCO's eighty): what it does not know is never anchored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, Mask

LEAST_SCORE = 0.1  # of an instance
FILLED = 0.5  # share of a class in an instance that belongs to it
FILLED_KNOWN = 0.4  # the same for kinds of thing that made up the class where it was labelled: they come back
EXPLAINED = 0.7  # share of a class that must lie in its instances, or MARGIN_PX around
MARGIN_PX = 8.0
SHOWN = 0.4  # say of the masks in what is shown; the field has the rest


@dataclass(frozen=True, eq=False)
class InstanceMasks:
    """Things that a segmenter saw on a frame."""

    masks: Mask
    """(n, h, w)."""
    score: NDArray[np.float32]
    kind: NDArray[np.int16]
    """The segmenter's class."""

    def take(self, rows: NDArray[np.bool_]) -> InstanceMasks:
        """Some of them."""
        return InstanceMasks(self.masks[rows], self.score[rows], self.kind[rows])


@dataclass(frozen=True)
class MaskRefiner:
    """Masks for every frame, and what is known of the classes."""

    seen: Callable[[int], InstanceMasks]
    kinds: tuple[frozenset[int], ...]
    """Per class the segmenter's kinds that made it up where it was labelled."""

    def __call__(self, frame: int, shares: ClassProbabilities) -> tuple[ClassProbabilities, ClassProbabilities | None]:
        """The (h, w, c) shares to be shown, and those to be fed back, None where no class was anchored."""
        return refine_with_masks(shares, self.seen(frame), self.kinds)


def refine_with_masks(
    shares: ClassProbabilities, seen: InstanceMasks, kinds: tuple[Collection[int], ...]
) -> tuple[ClassProbabilities, ClassProbabilities | None]:
    """See Anchoring; class 0 is the background, which takes what the others leave."""
    seen = seen.take(seen.score >= LEAST_SCORE)
    unions = _unions(shares, seen, kinds)
    shown, fed = shares.copy(), shares.copy()
    for number, union in unions.items():
        fed[..., number] = union
        shown[..., number] = SHOWN * union + (1 - SHOWN) * shares[..., number]
    return (_closed(shown, unions), _closed(fed, unions)) if unions else (shares, None)


def find_class_categories(shares: ClassProbabilities, seen: InstanceMasks) -> tuple[frozenset[int], ...]:
    """Per class the kinds of the instances that it fills, on a labelled frame."""
    seen = seen.take(seen.score >= LEAST_SCORE)
    found: list[set[int]] = [set() for _ in range(shares.shape[-1])]
    for mask, kind in zip(seen.masks, seen.kind, strict=True):
        filling = _filling(shares, mask)
        number = int(filling.argmax())
        if number and filling[number] > FILLED:
            found[number].add(int(kind))
    return tuple(frozenset(kinds) for kinds in found)


def _unions(
    shares: ClassProbabilities, seen: InstanceMasks, kinds: tuple[Collection[int], ...]
) -> dict[int, NDArray[np.float32]]:
    """(h, w) union of the instances of each class that they explain."""
    unions: dict[int, Mask] = {}
    for mask, kind in zip(seen.masks, seen.kind, strict=True):
        filling = _filling(shares, mask)[1:]
        if not len(filling):
            continue
        number = 1 + int(filling.argmax())
        if filling[number - 1] > (FILLED_KNOWN if int(kind) in kinds[number] else FILLED):
            unions[number] = unions.get(number, np.zeros_like(mask)) | mask
    return {n: union.astype(np.float32) for n, union in unions.items() if _explained(shares[..., n], union)}


def _filling(shares: ClassProbabilities, mask: Mask) -> NDArray[np.float32]:
    """(c,) mean share of each class under a mask; zeros where it is empty."""
    return shares[mask].mean(axis=0) if mask.any() else np.zeros(shares.shape[-1], np.float32)


def _explained(share: NDArray[np.float32], union: Mask) -> bool:
    away = cv2.distanceTransform((~union).astype(np.uint8), cv2.DIST_L2, 3)
    total = float(share.sum())
    return total > 0 and float(share[away < MARGIN_PX].sum()) >= EXPLAINED * total


def _closed(shares: ClassProbabilities, anchored_classes: Collection[int]) -> ClassProbabilities:
    """Shares that sum to 1 again: those that were not anchored share what is left."""
    fixed = [n in anchored_classes for n in range(shares.shape[-1])]
    held = shares[..., fixed].sum(axis=-1, keepdims=True)
    left = np.maximum(0, 1 - held)
    free = shares[..., [not f for f in fixed]]
    total = free.sum(axis=-1, keepdims=True)
    even = np.float32(1 / free.shape[-1])
    closed = shares / np.maximum(held, 1)
    closed[..., [not f for f in fixed]] = left * np.where(total > 0, free / np.maximum(total, 1e-9), even)
    return closed
