"""LeRobot v3: a data set for training policies and video models, an episode per film.

Format: huggingface.co/docs/lerobot, "LeRobotDataset v3.0": `meta/info.json`, `meta/stats.json`, `meta/tasks.parquet`,
`meta/episodes/`, `data/` and `videos/`. Features: `observation.images.film`; `observation.state`, smoothed keypoints of
the person who is tracked longest, in shares of the picture, 0 where unknown; `observation.pts_s`, the film's own
time. LeRobot has one frame rate: frame n lies at n / rate there. The task is the most probable action, else the name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flows.apps.video_writer import CRF, PRESET
from flows.export.episode_stats import FeatureStats
from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from tasks.arrays import Floats32, Image
from tasks.artifacts.actions import Actions
from tasks.artifacts.poses import KEYPOINTS, SKELETONS, Poses
from tasks.errors import SemflowError

VERSION = "v3.0"
CAMERA, STATE, TIME = "observation.images.film", "observation.state", "observation.pts_s"
FILES_PER_CHUNK = 1000
DATA_MB, VIDEO_MB = 100, 200  # LeRobot's own limits of a file; ours hold one episode each
PLACE = "chunk-{chunk:03d}/file-{file:03d}"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"


@dataclass(frozen=True)
class DatasetShape:
    """What all episodes have in common."""

    width: int
    height: int
    fps: int
    keypoints: int
    """Of the skeleton; 0 where no film has poses."""

    @property
    def features(self) -> dict[str, dict[str, Any]]:
        """LeRobot's description of the columns."""
        video = {
            "video.height": self.height, "video.width": self.width, "video.channels": 3, "video.fps": self.fps,
            "video.codec": "h264", "video.pix_fmt": "yuv420p", "video.is_depth_map": False, "has_audio": False,
        }  # fmt: skip
        names = [f"{name}.{axis}" for name in KEYPOINTS[: self.keypoints] for axis in "xy"]
        state = {STATE: {"dtype": "float32", "shape": [len(names)], "names": names}} if names else {}
        integers = ("frame_index", "episode_index", "index", "task_index")
        return {
            CAMERA: {
                "dtype": "video",
                "shape": [self.height, self.width, 3],
                "names": ["height", "width", "channels"],
                "info": video,
            },
            **state,
            TIME: {"dtype": "float32", "shape": [1], "names": None},
            "timestamp": {"dtype": "float32", "shape": [1], "names": None},
            **{name: {"dtype": "int64", "shape": [1], "names": None} for name in integers},
        }


def export_lerobot(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the data set; SemflowError where the films have several sizes or frame rates."""
    del options
    shape = _find_shape(sources)
    tasks = [_name_task(source) for source in sources]
    numbers = {task: number for number, task in enumerate(dict.fromkeys(tasks))}
    stats = {name: FeatureStats() for name in shape.features}
    episodes: list[dict[str, Any]] = []
    for episode, (source, task) in enumerate(zip(sources, tasks, strict=True)):
        start = episodes[-1]["dataset_to_index"] if episodes else 0
        rows = _make_rows(source, shape, episode, start, numbers[task])
        _write_table(folder / "data" / f"{_place(episode)}.parquet", rows)
        path = folder / "videos" / CAMERA / f"{_place(episode)}.mp4"
        _write_video(path, _iterate_images(source, shape, stats[CAMERA]), len(source.timeline), shape)
        for name, values in rows.items():
            stats[name].add(np.asarray(values, np.float64).reshape(len(source.timeline), -1))
        episodes.append(_describe_episode(episode, task, start, len(source.timeline), shape.fps))
    _write_metadata(folder, shape, episodes, numbers)
    plain = {name: one.to_json(*((1, 1) if name == CAMERA else ())) for name, one in stats.items()}
    (folder / "meta/stats.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")


def _find_shape(sources: Sequence[ExportSource]) -> DatasetShape:
    sizes = {(source.timeline.width // 2 * 2, source.timeline.height // 2 * 2) for source in sources}
    rates = {max(1, round(source.timeline.report.fps)) for source in sources}
    for what, values in (("size", sizes), ("frame rate", rates)):
        if len(values) > 1:
            raise SemflowError(
                f"videos must have one {what} for LeRobot, got {', '.join(map(str, sorted(values)))}; name some of one"
            )
    poses = [found for source in sources if (found := source.find(Poses)) is not None]
    keypoints = min((SKELETONS[one.skeleton] for one in poses), default=0)
    return DatasetShape(*sizes.pop(), rates.pop(), keypoints)


def _name_task(source: ExportSource) -> str:
    actions = source.find(Actions)
    streams = {} if actions is None else actions.summarise_streams()
    best = streams.get("fused") or streams.get("rgb")
    return best[0].label if best else source.name


def _make_rows(source: ExportSource, shape: DatasetShape, episode: int, start: int, task: int) -> dict[str, Any]:
    """The columns of one episode but the images."""
    count = len(source.timeline)
    frame = np.arange(count)
    state = {STATE: _make_state(source, shape)} if shape.keypoints else {}
    return {
        **state,
        TIME: source.timeline.pts_s.astype(np.float32),
        "timestamp": (frame / shape.fps).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.full(count, episode),
        "index": start + frame,
        "task_index": np.full(count, task),
    }


def _make_state(source: ExportSource, shape: DatasetShape) -> Floats32:
    """(t, 2 keypoints) smoothed keypoints of the person with most frames, in shares of the picture."""
    found = np.zeros((len(source.timeline), 2 * shape.keypoints), np.float32)
    poses = source.find(Poses)
    if poses is not None and len(poses):
        people, counts = np.unique(poses.track_id, return_counts=True)
        mine = poses.take(poses.track_id == people[counts.argmax()])
        size = np.array([source.timeline.width, source.timeline.height], np.float32)
        found[mine.frame] = np.nan_to_num(mine.smooth_xy[:, : shape.keypoints] / size).reshape(len(mine), -1)
    return found


def _iterate_images(source: ExportSource, shape: DatasetShape, stats: FeatureStats) -> Iterator[Image]:
    """An image for every frame, with even sides; in place of a damaged one the image before."""
    image = np.zeros((shape.height, shape.width, 3), np.uint8)
    at = 0
    for frame, read in source.timeline.read_images():
        for _ in range(at, frame):
            yield image
        image, at = np.ascontiguousarray(read[: shape.height, : shape.width]), frame + 1
        stats.add_image(image)
        yield image
    for _ in range(at, len(source.timeline)):
        yield image


def _write_video(path: Path, images: Iterator[Image], count: int, shape: DatasetShape) -> None:
    from tasks.report.overlay.encode_video import VideoEncoding, encode_video

    path.parent.mkdir(parents=True, exist_ok=True)
    encoding = VideoEncoding(shape.width, shape.height, shape.fps, CRF, PRESET)
    encode_video(path, images, np.arange(count + 1) / shape.fps, encoding)


def _write_table(path: Path, columns: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: _to_arrow(np.asarray(values)) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), path)


def _to_arrow(values: np.ndarray) -> Any:
    import pyarrow as pa

    flat = pa.array(values.reshape(-1))
    return flat if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _describe_episode(episode: int, task: str, start: int, count: int, fps: int) -> dict[str, Any]:
    chunk, file = divmod(episode, FILES_PER_CHUNK)
    return {
        "episode_index": episode,
        "tasks": [task],
        "length": count,
        "dataset_from_index": start,
        "dataset_to_index": start + count,
        "data/chunk_index": chunk,
        "data/file_index": file,
        f"videos/{CAMERA}/chunk_index": chunk,
        f"videos/{CAMERA}/file_index": file,
        f"videos/{CAMERA}/from_timestamp": 0.0,
        f"videos/{CAMERA}/to_timestamp": count / fps,
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
    }


def _write_metadata(
    folder: Path, shape: DatasetShape, episodes: Sequence[dict[str, Any]], tasks: dict[str, int]
) -> None:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    info = {
        "codebase_version": VERSION,
        "robot_type": None,
        "total_episodes": len(episodes),
        "total_frames": sum(one["length"] for one in episodes),
        "total_tasks": len(tasks),
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": DATA_MB,
        "video_files_size_in_mb": VIDEO_MB,
        "fps": shape.fps,
        "splits": {"train": f"0:{len(episodes)}"},
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH,
        "features": shape.features,
    }
    path = folder / "meta/episodes" / f"{_place(0)}.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(list(episodes)), path)
    (folder / "meta/info.json").write_text(json.dumps(info, indent=1), encoding="utf-8")
    pd.DataFrame({"task_index": list(tasks.values())}, index=list(tasks)).to_parquet(folder / "meta/tasks.parquet")


def _place(episode: int) -> str:
    chunk, file = divmod(episode, FILES_PER_CHUNK)
    return PLACE.format(chunk=chunk, file=file)
