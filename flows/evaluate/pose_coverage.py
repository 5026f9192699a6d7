"""Share of tracked people with a pose: every video goes through decode, detect, track and estimate_pose.

A person-frame is a row of tracks of class person in an undamaged frame, detected or interpolated by the tracker.
A pose is a row of `estimate_pose`: enough keypoints of trusted score. Times are processor time, of all threads.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.artifacts.frames import Frames
from tasks.artifacts.poses import Poses
from tasks.artifacts.raw_video import RawVideo
from tasks.artifacts.tracks import Tracks
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.detect.params import DetectParams
from tasks.detect.stage import detect
from tasks.estimate_pose.params import EstimatePoseParams
from tasks.estimate_pose.stage import estimate_pose
from tasks.params import Compute, ParamSections
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv", ".webm")
MIN_TALL_PX = 60  # of working size: below it joints are not visible
Metrics = dict[str, float]


def measure_coverage(
    videos: Sequence[Path], settings: EstimatePoseParams, params: ParamSections
) -> tuple[dict[str, Metrics], Metrics]:
    """Metrics of each video, and over all person-frames together."""
    counts: dict[str, Metrics] = {}
    with tempfile.TemporaryDirectory() as folder:
        for video in videos:
            frames, tracks = _track_people(video, Path(folder), params)
            start = time.process_time()
            poses, _ = estimate_pose(frames, tracks, settings, params.get_section(Compute))
            counts[video.stem] = count_person_frames(frames.ok, tracks, poses) | {
                "seconds": time.process_time() - start
            }
    total = {name: sum(each[name] for each in counts.values()) for name in next(iter(counts.values()))}
    return {video: compute_shares(each) for video, each in counts.items()}, compute_shares(total)


def count_person_frames(ok: np.ndarray, tracks: Tracks, poses: Poses) -> Metrics:
    """Counts of person-frames, of tall ones, of those with a pose, and of trusted keypoints in all poses."""
    person = (tracks.class_name == "person") & ok[tracks.frame]
    tall = person & (tracks.y2 - tracks.y1 > MIN_TALL_PX)
    # One number for a frame and a track.
    most = int(max(tracks.track_id.max(initial=0), poses.track_id.max(initial=0))) + 1
    posed = np.isin(
        tracks.frame.astype(np.int64) * most + tracks.track_id, poses.frame.astype(np.int64) * most + poses.track_id
    )
    return {
        "people": float(person.sum()),
        "tall": float(tall.sum()),
        "posed": float((person & posed).sum()),
        "tall_posed": float((tall & posed).sum()),
        "keypoints": float(poses.trusted.sum()),
    }


def compute_shares(counts: Metrics) -> Metrics:
    """Shares from the counts; those with a denominator of 0 are omitted."""
    people, tall = counts["people"], counts["tall"]
    found: Metrics = {"people": people, f"people_over_{MIN_TALL_PX}px": tall}
    if people:
        found |= {"posed": counts["posed"] / people, "ms_per_person": 1000 * counts["seconds"] / people}
    if tall:
        found[f"posed_over_{MIN_TALL_PX}px"] = counts["tall_posed"] / tall
    if counts["posed"]:
        found["keypoints_per_pose"] = counts["keypoints"] / counts["posed"]
    return found


def _track_people(video: Path, folder: Path, params: ParamSections) -> tuple[Frames, Tracks]:
    frames = decode(RawVideo.load(video), params.get_section(DecodeParams)).to(folder / f"{video.name}.parquet")
    found = detect(frames, params.get_section(DetectParams), params.get_section(Compute))
    return frames, track_detections(found, params.get_section(TrackParams))
