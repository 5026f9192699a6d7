"""What the index page says of a film's people and actions: how many, where in the picture, what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tasks.artifacts.actions import Actions
from tasks.artifacts.tracks import Tracks
from tasks.report.film_summary import measure_union

PERSON = "person"
CELLS_ACROSS, CELLS_DOWN = 16, 9
"""Of the map of where people are, over the whole picture."""


@dataclass(frozen=True)
class PeopleFacts:
    """Tracks of one film, by class and by place."""

    tracks: Mapping[str, int] = field(default_factory=dict[str, int])
    """Class to its number of tracks, in descending order."""
    most_people: int = 0
    """Most persons in one frame."""
    presence: tuple[int, ...] = ()
    """Frames in which a person's centre is in a cell, row by row from the top left; empty without persons."""


def summarise_people_of_film(path: Path) -> PeopleFacts:
    """The facts of a tracks artifact."""
    tracks = Tracks.load(path)
    if not len(tracks):
        return PeopleFacts()
    _, first = np.unique(tracks.track_id, return_index=True)
    names, counts = np.unique(tracks.class_name[first].astype(str), return_counts=True)
    kinds = sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda kind: (-kind[1], kind[0]))
    people = tracks.class_name == PERSON
    if not people.any():
        return PeopleFacts(dict(kinds))
    centres = tracks.xyxy[people].reshape(-1, 2, 2).mean(axis=1)
    edges = [np.linspace(0, size, cells + 1) for size, cells in _picture_sides(tracks)]
    presence = np.histogram2d(centres[:, 1], centres[:, 0], bins=edges)[0].astype(int)
    return PeopleFacts(dict(kinds), int(np.bincount(tracks.frame[people]).max()), tuple(presence.reshape(-1).tolist()))


def _picture_sides(tracks: Tracks) -> tuple[tuple[int, int], tuple[int, int]]:
    return (tracks.height, CELLS_DOWN), (tracks.width, CELLS_ACROSS)


def summarise_labels(path: Path) -> dict[str, float]:
    """Label to the seconds of the windows that it is the confident first label of, in descending order.

    Of both streams fused where they are, else of each stream; those of several people add up, overlaps of one's do not.
    """
    actions = Actions.load(path)
    rows = actions.best & actions.confident
    if (actions.stream == "fused").any():
        rows &= actions.stream == "fused"
    found: dict[str, float] = {}
    for label, track_id in sorted({*zip(actions.label[rows].tolist(), actions.track_id[rows].tolist(), strict=True)}):
        mine = rows & (actions.label == label) & (actions.track_id == track_id)
        found[label] = found.get(label, 0.0) + measure_union(actions.take(mine))
    return {label: round(seconds, 1) for label, seconds in sorted(found.items(), key=lambda item: (-item[1], item[0]))}
