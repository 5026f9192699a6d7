"""A long take is fitted window by window: how it is cut, and which window hands on to which.

Windows are of about equal length and overlap, so that one can fade into the next. A frame in one piece hears the label
before it and the one after it; so that it does in a window too, a window's evidence is gathered on the way to the label
nearest on each side, if that is no farther than a window is long. Such windows do not depend on each other. Whatever
lies beyond is fitted from its neighbour outwards: the window nearer to a label hands its outermost frame of the overlap
on, as a label. The true labels nearest around a window stay in its sight all the while, by their looks (take.py):
that is what keeps such a chain from drifting away.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray


def split_windows(length: int, longest: int, overlap: int) -> list[range]:
    """Windows over `length` frames of at most `longest`; each shares `overlap` frames with the next, with no other."""
    count = 1 if length <= longest else -(-(length - overlap) // (longest - overlap))
    total = length + (count - 1) * overlap
    edges = [number * total // count for number in range(count + 1)]
    return [range(edges[n] - n * overlap, edges[n + 1] - n * overlap) for n in range(count)]


def widen_window(window: range, labelled: Collection[int], overlap: int) -> range:
    """The window with the frames on the way to the nearest label on each side, up to its own length.

    Where a label lies on the frames shared with a neighbour there is no need: those farther out have less say.
    """
    first, last = window[0], window[-1]
    before = [place for place in labelled if first - len(window) <= place < first]
    after = [place for place in labelled if last < place <= last + len(window)]
    settled = [any(place in shared for place in labelled) for shared in (window[:overlap], window[-overlap:])]
    return range(
        max(before) if before and not settled[0] else first, (min(after) if after and not settled[1] else last) + 1
    )


def schedule_windows(windows: Collection[range], labelled: Collection[int]) -> list[tuple[int, tuple[int, ...]]]:
    """Numbers of (widened) windows in the order in which to fit them, each with the neighbours that hand on to it.

    `labelled` are the places of labels, of which one must lie in a window.
    """
    anchored = np.array([any(place in window for place in labelled) for window in windows])
    numbers = np.arange(len(anchored))
    away = np.abs(numbers[:, None] - numbers[anchored]).min(axis=1)
    givers = {
        n: tuple(m for m in (n - 1, n + 1) if 0 <= m < len(numbers) and away[m] < away[n]) for n in numbers.tolist()
    }
    return [(n, givers[n]) for n in sorted(givers, key=lambda n: int(away[n]))]


def core_range(windows: list[range], number: int, overlap: int) -> range:
    """The places of a window that lie nearer to its middle than to its neighbours'."""
    window = windows[number]
    start = window.start + (overlap // 2 if number else 0)
    return range(start, window.stop - (overlap - overlap // 2 if number + 1 < len(windows) else 0))


def crossfade_weights(overlap: int) -> NDArray[np.float32]:
    """(overlap,) say of the later of two windows on the frames that they share; 0 at first, 1 in the end.

    So a frame that one handed to the other as a label has no say there.
    """
    return np.linspace(0, 1, overlap, dtype=np.float32)
