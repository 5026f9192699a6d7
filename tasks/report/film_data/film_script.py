"""`film.js`: all that the film page draws over the film and in its timeline, as one script beside the page.

A script, since a page opened from a folder may load scripts from there but may not read files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.artifacts.actions import Actions
from tasks.artifacts.shots import Shots
from tasks.artifacts.table import NULL
from tasks.report.film_data.packed_series import pack_series
from tasks.report.film_data.person_data import pack_curves, pack_poses, pack_tracks
from tasks.report.film_data.picture_layers import pack_arrows, pack_field, pack_masks
from tasks.report.overlay.film_ticks import compute_film_ticks
from tasks.report.overlay.plain_film import film_size
from tasks.report.report_data import ReportData
from tasks.report.vocabulary_words import PRETRAINED

STATUS_CODES = ("ok", "damaged", "lost")
VARIABLE = "semflowFilm"  # the global that the page's script reads


def render_film_script(data: ReportData) -> str:
    """The script's text, the same for the same artifacts."""
    text = json.dumps(pack_film(data), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return f"window.{VARIABLE}={text};\n"


def pack_film(data: ReportData) -> Mapping[str, Any]:
    """Times, states, tracks, people, actions and picture layers of one film; times are ticks since its first frame."""
    clock = compute_film_ticks(data.edges_s)
    status = np.array([STATUS_CODES.index(str(one)) for one in data.frames.status], np.int8)
    return {
        "video": data.video,
        "width": data.frames.width,
        "height": data.frames.height,
        "filmWidth": film_size(data)[0],
        "filmHeight": film_size(data)[1],
        "ticks": clock.per_s,
        "edges": pack_series(clock.edges),
        "status": pack_series(status),
        "cuts": data.film_shots.first_frame[1:].tolist(),
        "transitions": list_transitions(data.film_shots),
        "trail": data.params.trail,
        "tracks": pack_tracks(data),
        "poses": pack_poses(data.poses),
        "curves": pack_curves(data.kinematics),
        "actions": list_actions(data.actions),
        "field": pack_field(data),
        "masks": pack_masks(data),
        "arrows": pack_arrows(data.dense_flow),
    }


def list_transitions(shots: Shots) -> list[dict[str, Any]]:
    """Kind of every boundary, in the order of `cuts`, with the frames that a fade or dissolve changes."""
    return [
        {"kind": str(kind)} if kind == "cut" else {"kind": str(kind), "first": first, "last": last}
        for kind, first, last in zip(
            shots.transition[1:], shots.transition_first[1:].tolist(), shots.transition_last[1:].tolist(), strict=True
        )
    ]


def list_actions(actions: Actions | None) -> list[dict[str, Any]]:
    """The most probable label of each window, stream and subject; `track` is None for the whole frame.

    A window ends where the next one of its stream and subject begins, as windows overlap.
    """
    if actions is None:
        return []
    rows = np.flatnonzero(actions.best)
    order = rows[np.lexsort((actions.first_frame[rows], actions.track_id[rows], actions.stream[rows].astype(str)))]
    return [
        _describe_window(actions, int(row), int(order[place + 1]) if place + 1 < len(order) else None)
        for place, row in enumerate(order)
    ]


def _describe_window(actions: Actions, row: int, later: int | None) -> dict[str, Any]:
    stream, track_id, last = str(actions.stream[row]), int(actions.track_id[row]), int(actions.last_frame[row])
    if later is not None and (actions.stream[later], actions.track_id[later]) == (stream, track_id):
        last = min(last, int(actions.first_frame[later]) - 1)
    return {
        "stream": stream,
        "track": None if track_id == NULL else track_id,
        "first": int(actions.first_frame[row]),
        "last": last,
        "label": str(actions.label[row]),
        "probability": round(float(actions.probability[row]), 2),  # as it is shown: never rounded twice
        "confident": bool(actions.confident[row]),
        "nearest": str(actions.vocabulary[row]) == PRETRAINED,
    }
