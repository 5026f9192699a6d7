"""WebDataset: `semflow-000000.tar` and on, a sample per frame with `.jpg` and `.json`.

Format: the WebDataset convention, github.com/webdataset/webdataset: files of one sample stand together and share all up
to the first dot. The JSON holds video, frame, time, size and the tracked objects, in pixels of the image; people have
their keypoints. The same project gives the same bytes.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import select_classes
from tasks.artifacts.image_codec import encode_image
from tasks.artifacts.poses import Poses
from tasks.artifacts.tracks import Tracks

SAMPLES_PER_SHARD = 1000
JPEG_QUALITY = 95
FILE_MODE = 0o644


def export_webdataset(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the undamaged frames of all videos, in order."""
    with ExitStack() as stack:
        shard: tarfile.TarFile | None = None
        for number, (key, image, facts) in enumerate(_iterate_samples(sources, options)):
            if shard is None or number % SAMPLES_PER_SHARD == 0:
                stack.close()
                path = folder / f"semflow-{number // SAMPLES_PER_SHARD:06d}.tar"
                shard = stack.enter_context(tarfile.open(path, "w"))
            _add(shard, f"{key}.jpg", image)
            _add(shard, f"{key}.json", json.dumps(facts).encode())


def _iterate_samples(
    sources: Sequence[ExportSource], options: ExportOptions
) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Key, JPEG and facts of each frame."""
    for source in sources:
        timeline = source.timeline
        objects = _group_objects(source, options)
        for frame, image in source.timeline.read_images():
            facts = {
                "video": source.name,
                "frame": frame,
                "pts_s": float(timeline.pts_s[frame]),
                "width": timeline.width,
                "height": timeline.height,
                "objects": objects.get(frame, []),
            }
            # A dot ends the key of a sample.
            key = f"{source.file_stem.replace('.', '_')}/{frame:06d}"
            yield key, encode_image(image, "jpeg", JPEG_QUALITY)[0], facts


def _group_objects(source: ExportSource, options: ExportOptions) -> dict[int, list[dict[str, Any]]]:
    """Frame to its tracked objects."""
    tracks, poses = select_classes(source.load(Tracks), options.classes), source.find(Poses)
    keypoints: dict[tuple[int, int], list[Any]] = {}
    if poses is not None:
        count = poses.known_keypoints
        points = [[list(map(float, point)) for point in zip(x, y, score, strict=True)] for x, y, score in zip(
            poses.x[:, :count], poses.y[:, :count], poses.keypoint_score[:, :count], strict=True
        )]  # fmt: skip
        keypoints = dict(zip(zip(poses.frame.tolist(), poses.track_id.tolist(), strict=True), points, strict=True))
    found: dict[int, list[dict[str, Any]]] = {}
    for row, (frame, identity) in enumerate(zip(tracks.frame.tolist(), tracks.track_id.tolist(), strict=True)):
        one = {
            "track_id": identity,
            "class": str(tracks.class_name[row]),
            "score": float(tracks.score[row]),
            "xyxy": tracks.xyxy[row].tolist(),
        }
        if (frame, identity) in keypoints:
            one["keypoints"] = keypoints[frame, identity]
        found.setdefault(frame, []).append(one)
    return found


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    """A file without owner and time, so that the same data give the same bytes."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), FILE_MODE
    shard.addfile(member, io.BytesIO(data))
