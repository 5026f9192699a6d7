"""Match the identities of two track tables by the overlap of their boxes: kept, split, merged, gone or new.

Two identities are linked where their boxes overlap with an IoU of at least MIN_IOU in a share of at least MIN_SHARE of
the frames of the shorter one. Groups of linked identities say what happened: one with one is kept, one with several is
split, several with one are merged, several with several are mixed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.geometry.bounding_boxes import pairwise_iou

MIN_IOU, MIN_SHARE = 0.5, 0.2
Groups = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
"""(identities before, identities after) of each group."""


@dataclass(frozen=True)
class IdentityChange:
    """What became of the identities of one video."""

    kept: int = 0
    """Identities that are one identity in both versions."""
    renumbered: int = 0
    """Those of them whose number is another."""
    split: Groups = ()
    merged: Groups = ()
    mixed: Groups = ()
    gone: tuple[int, ...] = ()
    """Identities before that no box of after overlaps."""
    new: tuple[int, ...] = ()

    @property
    def changed_share(self) -> float:
        """Share of the identities of both versions that are not kept, 0..1."""
        parts = [len(one) + len(other) for group in (self.split, self.merged, self.mixed) for one, other in group]
        changed = sum(parts) + len(self.gone) + len(self.new)
        return changed / (changed + 2 * self.kept) if changed else 0.0


@dataclass(frozen=True)
class BoxRows:
    """The columns of a track table that identities are matched by."""

    frame: NDArray[np.int32]
    track_id: NDArray[np.int32]
    xyxy: NDArray[np.float32]
    """(n, 4)."""

    @classmethod
    def load(cls, path: Path) -> BoxRows:
        """Read a tracks artifact of any schema version, ordered by frame."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            table = file.read(["frame", "track_id", "x1", "y1", "x2", "y2"], use_threads=False)
        columns = [table.column(name).to_numpy() for name in table.column_names]
        order = np.argsort(columns[0], kind="stable")
        return cls(columns[0][order], columns[1][order], np.stack(columns[2:], axis=1)[order])


def match_identities(before: BoxRows, after: BoxRows) -> IdentityChange:
    """What became of the identities of `before` in `after`."""
    links = _link_identities(before, after)
    neighbours: defaultdict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
    for one, other in links:
        neighbours["before", one].add(("after", other))
        neighbours["after", other].add(("before", one))
    nodes = [("before", number) for number in sorted(set(before.track_id.tolist()))]
    nodes += [("after", number) for number in sorted(set(after.track_id.tolist()))]
    groups: defaultdict[str, list[tuple[tuple[int, ...], tuple[int, ...]]]] = defaultdict(list)
    for members in _find_groups(nodes, neighbours):
        sides = tuple(tuple(sorted(number for side, number in members if side == name)) for name in ("before", "after"))
        groups[_name_group(len(sides[0]), len(sides[1]))].append((sides[0], sides[1]))
    return IdentityChange(
        kept=len(groups["kept"]),
        renumbered=sum(one != other for one, other in groups["kept"]),
        split=tuple(groups["split"]),
        merged=tuple(groups["merged"]),
        mixed=tuple(groups["mixed"]),
        gone=tuple(one[0] for one, _ in groups["gone"]),
        new=tuple(other[0] for _, other in groups["new"]),
    )


def _name_group(before: int, after: int) -> str:
    if not before or not after:
        return "new" if after else "gone"
    if before == 1:
        return "kept" if after == 1 else "split"
    return "merged" if after == 1 else "mixed"


def _link_identities(before: BoxRows, after: BoxRows) -> list[tuple[int, int]]:
    """Pairs of identities whose boxes overlap in enough frames."""
    together: Counter[tuple[int, int]] = Counter()
    frames = np.intersect1d(before.frame, after.frame)
    edges = [np.searchsorted(rows.frame, frames, side) for rows in (before, after) for side in ("left", "right")]  # pyright: ignore[reportArgumentType, reportCallIssue]
    for first, last, first_after, last_after in zip(*(edge.tolist() for edge in edges), strict=True):
        overlaps = pairwise_iou(before.xyxy[first:last], after.xyxy[first_after:last_after]) >= MIN_IOU
        for one, other in np.argwhere(overlaps).tolist():
            together[int(before.track_id[first + one]), int(after.track_id[first_after + other])] += 1
    lengths, lengths_after = Counter(before.track_id.tolist()), Counter(after.track_id.tolist())
    return sorted(
        (one, other)
        for (one, other), count in together.items()
        if count >= MIN_SHARE * min(lengths[one], lengths_after[other])
    )


def _find_groups(
    nodes: list[tuple[str, int]], neighbours: defaultdict[tuple[str, int], set[tuple[str, int]]]
) -> list[set[tuple[str, int]]]:
    """The connected components, in the order of `nodes`."""
    seen: set[tuple[str, int]] = set()
    found: list[set[tuple[str, int]]] = []
    for node in nodes:
        if node in seen:
            continue
        group, waiting = {node}, [node]
        while waiting:
            for other in neighbours.get(waiting.pop(), ()):
                if other not in group:
                    group.add(other)
                    waiting.append(other)
        seen |= group
        found.append(group)
    return found
