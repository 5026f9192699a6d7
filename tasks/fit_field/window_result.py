"""A window that is fitted: its maps, and what its neighbours need of it to go on and to fade into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats16, LabelMap
from tasks.fit_field.windows import crossfade_weights
from tasks.motion_layers.occlusion_order import OcclusionCounts
from tasks.sequence.label_map import UNKNOWN

MIN_SHARE = 0.5  # share of a class above which a frame handed on is of it; the rest is unknown there


@dataclass(frozen=True, eq=False)
class WindowResult:
    """The frames of a window."""

    label: NDArray[np.uint8]
    """(n, h, w) class."""
    confidence: Floats16
    """(n, h, w) 0..1."""
    first: Floats16
    """(overlap, h, w, c) shares on the frames shared with the window before."""
    last: Floats16
    """(overlap, h, w, c) the same for the window after."""
    near: Floats16
    """(n, h, w) ordinal depth; (0,) without a volume."""
    events: OcclusionCounts
    """(c, c) who hid whom, on the frames nearer to this window's middle than to its neighbours'."""

    def save(self, path: Path) -> None:
        """Write as NPZ."""
        with path.open("wb") as file:
            np.savez_compressed(file, **asdict(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path) as file:
            return cls(**{name: file[name] for name in file.files})

    def nearness(self, place: int) -> NDArray[np.float32] | None:
        """(h, w) ordinal depth of one frame, None without a volume."""
        return self.near[place].astype(np.float32) if len(self.near) else None

    def boundary_labels(self, *, forwards: bool) -> LabelMap:
        """(h, w) labels for the window after, on its first frame, or for the one before, on its last."""
        shares = self.last[0] if forwards else self.first[-1]
        return np.where(shares.max(axis=-1) > MIN_SHARE, shares.argmax(axis=-1), UNKNOWN).astype(np.uint8)


def load_occlusion_events(path: Path) -> OcclusionCounts:
    """(c, c) the events of a piece that was saved, without the rest of it."""
    with np.load(path) as file:
        return file["events"]


def blend_windows(
    windows: Sequence[range], files: Sequence[Path], overlap: int
) -> Iterator[tuple[int, LabelMap, NDArray[np.float32], NDArray[np.float32] | None]]:
    """(place, label, confidence, ordinal depth) of every frame in order, two windows held at once.

    They fade into each other, but for depth, whose order is each window's own: there the nearer one has the word.
    """
    before: WindowResult | None = None
    for number, window in enumerate(windows):
        piece = WindowResult.load(files[number])
        for n, place in enumerate(window):
            if before is not None and n < overlap:
                earlier = before.nearness(len(before.label) - overlap + n)
                near = earlier if n < overlap // 2 else piece.nearness(n)
                yield place, *_blend_frame(before, piece, n, float(crossfade_weights(overlap)[n])), near
            elif number + 1 == len(windows) or place < window.stop - overlap:
                yield place, piece.label[n], piece.confidence[n].astype(np.float32), piece.nearness(n)
        before = piece


def _blend_frame(
    earlier: WindowResult, later: WindowResult, shared: int, say: float
) -> tuple[LabelMap, NDArray[np.float32]]:
    """(h, w) label and confidence on a shared frame, of which the later window has `say`; who disagrees adds none."""
    place = len(earlier.label) - len(earlier.last) + shared
    shares = (1 - say) * earlier.last[shared].astype(np.float32) + say * later.first[shared].astype(np.float32)
    label = shares.argmax(axis=-1).astype(np.uint8)
    one = (earlier.label[place] == label) * earlier.confidence[place].astype(np.float32)
    other = (later.label[shared] == label) * later.confidence[shared].astype(np.float32)
    return label, ((1 - say) * one + say * other).astype(np.float32)
