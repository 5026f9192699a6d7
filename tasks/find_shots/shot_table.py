"""The table of shots from the cuts of dense flow, and from fades and dissolves of the thumbnails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.shots import Shots, Transition
from tasks.find_shots.cuts import find_cuts
from tasks.find_shots.dissolves import join_windows, list_lengths
from tasks.find_shots.fades import find_fades
from tasks.find_shots.film_scan import scan_film
from tasks.find_shots.params import FindShotsParams
from tasks.find_shots.thumbnails import Thumbnails

CUT_MARGIN = 1  # frames beside a dissolve in which flow may fail
DEFAULT_FPS = 25.0  # for a film of one frame, which has no transition


def build_shot_table(
    thumbnails: Thumbnails, dense_flow: DenseFlow, pts_s: NDArray[np.float64], params: FindShotsParams
) -> Shots:
    """The shots of a film of (frames, d) thumbnails; `pts_s` are the times of its frames, seconds."""
    fps = 1 / float(np.median(np.diff(pts_s))) if len(pts_s) > 1 else DEFAULT_FPS
    found = find_transitions(thumbnails, dense_flow.cut, dense_flow.photometric_error, fps, params)
    return Shots.from_transitions(found, pts_s, dense_flow.video)


def find_transitions(
    thumbnails: Thumbnails,
    cut: NDArray[np.bool_],
    error: NDArray[np.floating],
    fps: float,
    params: FindShotsParams,
) -> list[Transition]:
    """Cuts, fades and dissolves in order of frames, each once: what lies in a fade or dissolve is no cut of its own.

    `cut` and `error` (frames - 1,) are the cuts and the photometric error of dense flow, grey levels.
    """
    scan = scan_film(thumbnails, find_cuts(cut, error), error, list_lengths(fps, params.max_dissolve_s))
    runs = find_fades(thumbnails, scan.contrast, fps) if params.fades else []
    fades = [run.transition for run in runs if run.transition is not None]
    dissolves = [
        one
        for one in join_windows(scan.windows)
        if not any(run.first - 1 <= one.last and one.first <= run.last + 1 for run in runs)
    ]
    cuts = [
        one
        for one in scan.cuts
        if not any(run.covers(one.frame) for run in runs)
        and not any(gradual.covers(one.frame, CUT_MARGIN) for gradual in dissolves)
    ]
    return sorted([*fades, *dissolves, *cuts], key=lambda one: one.frame)
