"""Splits a long shot into overlapping windows that are fitted one by one, and orders them by dependence.

Windows are of about equal length; two neighbours overlap, so that one can be cross-faded into the next. A frame of a
shot fitted in one piece gets evidence from the nearest label on each side. To keep that, a window is widened: evidence
is gathered on the way to the nearest label on each side, if that is no farther than a window's length. Widened windows
that contain a label do not depend on each other. All others are fitted outwards from them: the window nearer to a label
hands the label map of its outermost overlapping frame on, as a seed label of the next. True labels beside a window stay
in its sequence as context for feature matching (shot.py), which keeps such a chain from drifting.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tasks.arrays import Floats32


def split_windows(length: int, longest: int, overlap: int) -> list[range]:
    """Ranges that cover `length` frames, each at most `longest` long, each sharing `overlap` frames with the next."""
    count = 1 if length <= longest else -(-(length - overlap) // (longest - overlap))
    total = length + (count - 1) * overlap
    edges = [number * total // count for number in range(count + 1)]
    return [range(edges[n] - n * overlap, edges[n + 1] - n * overlap) for n in range(count)]


def widen_window(window: range, labelled: Collection[int], overlap: int) -> range:
    """The window with the frames up to the nearest label on each side, added up to the window's own length.

    A side whose overlap contains a label is not widened: frames farther out have little weight there.
    """
    first, last = window[0], window[-1]
    before = [index for index in labelled if first - len(window) <= index < first]
    after = [index for index in labelled if last < index <= last + len(window)]
    has_label = [any(index in shared for index in labelled) for shared in (window[:overlap], window[-overlap:])]
    return range(
        max(before) if before and not has_label[0] else first, (min(after) if after and not has_label[1] else last) + 1
    )


def schedule_windows(windows: Collection[range], labelled: Collection[int]) -> list[tuple[int, tuple[int, ...]]]:
    """(number, numbers of the neighbours whose labels it needs) of (widened) windows, in the order of fitting.

    `labelled` are the indices of seed labels, of which at least one must lie in a window.
    """
    anchored = np.array([any(index in window for index in labelled) for window in windows])
    numbers = np.arange(len(anchored))
    distance = np.abs(numbers[:, None] - numbers[anchored]).min(axis=1)
    neighbours = {
        n: tuple(m for m in (n - 1, n + 1) if 0 <= m < len(numbers) and distance[m] < distance[n])
        for n in numbers.tolist()
    }
    return [(n, neighbours[n]) for n in sorted(neighbours, key=lambda n: int(distance[n]))]


def core_range(windows: list[range], number: int, overlap: int) -> range:
    """The frames of a window that lie nearer to its middle than to its neighbours': half of each overlap."""
    window = windows[number]
    start = window.start + (overlap // 2 if number else 0)
    return range(start, window.stop - (overlap - overlap // 2 if number + 1 < len(windows) else 0))


def crossfade_weights(overlap: int) -> Floats32:
    """(overlap,) weight of the later of two windows on the frames they share: linear from 0 to 1.

    A frame that one window handed to the other as a label has weight 0 there.
    """
    return np.linspace(0, 1, overlap, dtype=np.float32)
