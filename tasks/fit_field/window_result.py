"""The result of one window: its label maps, and the class probabilities on the frames it shares with its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats16, Floats32, LabelMap
from tasks.fit_field.windows import crossfade_weights
from tasks.motion_layers.occlusion_order import OcclusionCounts
from tasks.sequence.label_map import UNKNOWN

MIN_PROBABILITY = 0.5  # of a class, for a boundary label to be it; unknown below


@dataclass(frozen=True, eq=False)
class WindowResult:
    """Label maps of the n frames of a window, at h x w pixels, for c classes."""

    label: NDArray[np.uint8]
    """(n, h, w) class."""
    confidence: Floats16
    """(n, h, w) 0..1."""
    first: Floats16
    """(overlap, h, w, c) class probabilities on the frames shared with the window before."""
    last: Floats16
    """(overlap, h, w, c) class probabilities on the frames shared with the window after."""
    depth: Floats16
    """(n, h, w) ordinal depth, 0 farthest, 1 nearest; (0,) without a volume."""
    occlusions: OcclusionCounts
    """(c, c) pixels of one class that another one hid, on the window's core frames (`core_range`)."""

    def save(self, path: Path) -> None:
        """Write as NPZ."""
        with path.open("wb") as file:
            np.savez(file, **asdict(self))  # not compressed: it is read once, soon after

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path) as file:
            return cls(**{name: file[name] for name in file.files})

    def depth_at(self, n: int) -> Floats32 | None:
        """(h, w) ordinal depth of the n-th frame, None without a volume."""
        return self.depth[n].astype(np.float32) if len(self.depth) else None

    def boundary_labels(self, *, forwards: bool) -> LabelMap:
        """(h, w) seed label for the window after, on its first frame, or for the window before, on its last."""
        shares = self.last[0] if forwards else self.first[-1]
        return np.where(shares.max(axis=-1) > MIN_PROBABILITY, shares.argmax(axis=-1), UNKNOWN).astype(np.uint8)


def load_occlusion_counts(path: Path) -> OcclusionCounts:
    """(c, c) the occlusion counts of a saved window, without reading the rest of it."""
    with np.load(path) as file:
        return file["occlusions"]


def blend_windows(
    windows: Sequence[range], files: Sequence[Path], overlap: int
) -> Iterator[tuple[int, LabelMap, Floats32, Floats32 | None]]:
    """(index, label, confidence, ordinal depth) of every frame of a shot in order; two windows are in memory at once.

    Class probabilities of neighbouring windows are cross-faded. Depth is not, since each window has an order of its
    own: it is taken from the window whose middle is nearer.
    """
    before: WindowResult | None = None
    for number, window in enumerate(windows):
        result = WindowResult.load(files[number])
        for n, index in enumerate(window):
            if before is not None and n < overlap:
                earlier = before.depth_at(len(before.label) - overlap + n)
                depth = earlier if n < overlap // 2 else result.depth_at(n)
                yield index, *_blend_frame(before, result, n, float(crossfade_weights(overlap)[n])), depth
            elif number + 1 == len(windows) or index < window.stop - overlap:
                yield index, result.label[n], result.confidence[n].astype(np.float32), result.depth_at(n)
        before = result


def _blend_frame(earlier: WindowResult, later: WindowResult, shared: int, weight: float) -> tuple[LabelMap, Floats32]:
    """(h, w) label and confidence on a shared frame; `weight` is the later window's.

    A window whose own label differs from the blended one adds no confidence.
    """
    n = len(earlier.label) - len(earlier.last) + shared
    shares = (1 - weight) * earlier.last[shared].astype(np.float32) + weight * later.first[shared].astype(np.float32)
    label = shares.argmax(axis=-1).astype(np.uint8)
    one = (earlier.label[n] == label) * earlier.confidence[n].astype(np.float32)
    other = (later.label[shared] == label) * later.confidence[shared].astype(np.float32)
    return label, ((1 - weight) * one + weight * other).astype(np.float32)
