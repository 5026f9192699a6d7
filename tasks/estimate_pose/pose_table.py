"""The table of poses: detection in every frame with tracked people, then smoothing of every track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.frames import Frames
from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINTS, SKELETONS, Poses
from tasks.artifacts.tracks import Tracks
from tasks.estimate_pose.frame_poses import FramePoses
from tasks.estimate_pose.keypoint_smoothing import smooth_keypoints
from tasks.estimate_pose.pose_finder import SKELETON_OF, make_pose_finder
from tasks.estimate_pose.pose_segments import split_at_gaps
from tasks.yolo.keypoint_decoding import Skeletons

if TYPE_CHECKING:
    from tasks.estimate_pose.params import EstimatePoseParams

PERSON = "person"  # the class whose tracks get poses


def make_pose_table(frames: Frames, tracks: Tracks, params: EstimatePoseParams, device: str, batch: int) -> Poses:
    """Poses of all tracked people, smoothed by `params`."""
    people = tracks.take(tracks.class_name == PERSON)
    found = list(_find_poses(frames, people, params, device, batch))
    rows = np.concatenate([np.empty(0, np.intp), *(start + each.box for start, each in found)])
    skeleton = SKELETON_OF[params.backend]
    skeletons = Skeletons.from_parts([each.people for _, each in found], SKELETONS[skeleton])
    from_crop = np.concatenate([np.empty(0, np.bool_), *(each.is_from_crop for _, each in found)])
    x, y = (_fill_up(skeletons.keypoints[..., axis], np.nan) for axis in (0, 1))
    poses = Poses(
        frame=people.frame[rows],
        pts_s=frames.pts_s[people.frame[rows]],
        track_id=people.track_id[rows],
        score=skeletons.score,
        source=np.where(from_crop, "crop", "whole").astype(object),
        x=x,
        y=y,
        keypoint_score=_fill_up(skeletons.keypoint_score, 0),
        smooth_x=x,
        smooth_y=y,
        video=frames.video,
        frame_count=len(frames),
        width=frames.width,
        height=frames.height,
        trusted_score=params.keypoint_score,
        skeleton=skeleton,
        keypoints=KEYPOINTS,
    )
    smoothed = smooth_tracks(poses, frames.pts_s, params).astype(np.float32)
    return replace(poses, smooth_x=smoothed[..., 0].copy(), smooth_y=smoothed[..., 1].copy())


def _fill_up(values: NDArray[np.float32], absent: float) -> NDArray[np.float32]:
    """(n, 26) from the (n, k) values of the model's keypoints; the others are `absent`."""
    filled = np.full((len(values), KEYPOINT_COUNT), absent, np.float32)
    filled[:, : values.shape[1]] = values
    return filled


def smooth_tracks(poses: Poses, pts_s: NDArray[np.float64], params: EstimatePoseParams) -> NDArray[np.float64]:
    """(n, 26, 2) smoothed keypoints of `poses`, per track and segment without gaps; NaN where not trusted."""
    if params.smoothing == "none":
        return np.where(poses.trusted[..., None], poses.xy, np.nan).astype(np.float64)
    smoothed = np.full((len(poses), poses.x.shape[1], 2), np.nan)
    time_s, xy, score = pts_s[poses.frame], poses.xy.astype(np.float64), poses.keypoint_score.astype(np.float64)
    for rows in group_track_rows(poses.track_id):
        for run in split_at_gaps(time_s[rows], params.bridge_s):
            part = rows[run]
            smoothed[part] = smooth_keypoints(
                time_s[part],
                xy[part],
                score[part],
                poses.trusted[part],
                cutoff_hz=params.cutoff_hz,
                bridge_s=params.bridge_s,
            )
    return smoothed


def group_track_rows(track_id: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """The rows of each track, in order of time."""
    order = np.argsort(track_id, kind="stable")
    cuts = np.flatnonzero(np.diff(track_id[order])) + 1
    return [rows for rows in np.split(order, cuts) if len(rows)]


def _find_poses(
    frames: Frames, people: Tracks, params: EstimatePoseParams, device: str, batch: int
) -> Iterator[tuple[int, FramePoses]]:
    """(first row of the frame in `people`, poses) per frame; the model is loaded only if there are people."""
    if not len(people):
        return
    find = make_pose_finder(params, device, batch)
    memory: dict[int, tuple[float, NDArray[np.float32]]] = {}
    unseen = np.full((SKELETONS[SKELETON_OF[params.backend]], 2), np.nan, np.float32)
    numbers, starts = np.unique(people.frame, return_index=True)
    stops = np.append(starts[1:], len(people))
    for frame, start, stop in zip(numbers.tolist(), starts.tolist(), stops.tolist(), strict=True):
        if not frames.ok[frame]:
            continue
        now, ids = float(frames.pts_s[frame]), people.track_id[start:stop].tolist()
        recent = [memory[i][1] if i in memory and now - memory[i][0] <= params.bridge_s else unseen for i in ids]
        found = find(frames.image(frame), people.xyxy[start:stop], np.stack(recent))
        memory |= {ids[box]: (now, found.people.keypoints[n]) for n, box in enumerate(found.box.tolist())}
        yield start, found
