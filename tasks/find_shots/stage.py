"""The stage `find_shots`: the film in shots, at cuts, fades and dissolves.

Cuts are pairs that no flow joins, and whose neighbours it joins; fades and dissolves are found in thumbnails of all
frames.
Precision comes first: a boundary where there is none splits tracks and windows of actions.
"""

from __future__ import annotations

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.find_shots.params import FindShotsParams
from tasks.stage import stage


@stage(libraries=("numpy", "opencv-python", "pyarrow"))
def find_shots(frames: Frames, dense_flow: DenseFlow, params: FindShotsParams) -> Shots:
    """The shots of a video, in order; none without frames."""
    from tasks.find_shots.shot_table import build_shot_table
    from tasks.find_shots.thumbnails import FilmThumbnails

    return build_shot_table(FilmThumbnails(frames), dense_flow, frames.pts_s, params)
