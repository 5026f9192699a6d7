"""Measures of artifacts: small whole numbers and sums that a recipe holds beside the hashes, for metrics and overviews.

They are sums over a video, so that those of a data set are sums too; RATIOS are made of them. They are read from the
finished file, where the file says them cheaply: of a table the columns that are counted, of a tensor its metadata.
Sums of fractions are exact (`math.fsum`) before they are rounded, so they are the same on every machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

Measures = Mapping[str, int | float]
RATIOS: Mapping[str, tuple[str, str]] = {
    "detections_per_frame": ("detections", "frames"),
    "detected_share": ("frames_with_detections", "frames"),
    "masked_share": ("masks", "detections"),
    "mean_valid_share": ("valid_share_sum", "pairs"),
    "mean_agreement": ("agreement_sum", "compared_pairs"),
    "mutual_share": ("mutual_matches", "matches"),
    "tracked_share": ("frames_with_tracks", "frames"),
    "filled_share": ("filled_rows", "rows"),
    "trusted_keypoints_per_pose": ("trusted_keypoints", "poses"),
    "confident_share": ("confident_labels", "first_labels"),
    "mean_confidence": ("confidence_sum", "maps"),
}
"""Name of a ratio to the measures above and below the line."""
PLOTTED: Mapping[str, tuple[str, ...]] = {
    "data/frames": ("frames",),
    "data/detections": ("detections_per_frame",),
    "data/dense_flow": ("mean_valid_share",),
    "data/semantic_flow": ("mean_agreement",),
    "data/tracks": ("tracks", "tracked_share"),
    "data/poses": ("trusted_keypoints_per_pose",),
    "data/actions": ("confident_share",),
    "data/semantic_field": ("mean_confidence",),
}
"""Folder of an artifact to its measures and ratios that have a plot."""
SUM = "_sum"
"""Ending of measures that only serve a ratio."""
SUM_DIGITS, RATIO_DIGITS = 3, 4
PERSON = "person"


def measure_artifacts(places: Iterable[tuple[str, Path]]) -> dict[str, int | float] | None:
    """The measures of an item's artifacts, (folder, path) each; None where one cannot be read as this version does."""
    found: dict[str, int | float] = {}
    try:
        for folder, path in places:
            measure = MEASURED.get(folder)
            if measure is not None:
                found |= measure(path)
    except (SemflowError, OSError, ValueError, KeyError, TypeError):
        return None
    return found


def compute_ratios(sums: Measures) -> dict[str, float]:
    """The ratios that `sums` give, rounded; one over zero is left out."""
    return {
        name: round(sums[above] / sums[below], RATIO_DIGITS)
        for name, (above, below) in RATIOS.items()
        if above in sums and sums.get(below)
    }


@contextmanager
def _open_parquet(path: Path) -> Generator[pq.ParquetFile]:
    """The file, memory-mapped; given a path, pyarrow would first look for its file system."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.memory_map(str(path)) as source, pq.ParquetFile(source) as file:
        yield file


def _read_columns(path: Path, *names: str) -> tuple[dict[str, NDArray[Any]], Mapping[bytes, bytes]]:
    """The columns `names`, and the metadata of the file."""
    with _open_parquet(path) as file:
        table = file.read(list(names), use_threads=False)
        metadata: Mapping[bytes, bytes] = file.metadata.metadata or {}
        return {name: table.column(name).to_numpy() for name in names}, metadata


def _read_table_metadata(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    from tasks.artifacts.table import TABLE_METADATA_KEY

    return json.loads(metadata[TABLE_METADATA_KEY])


def _count_distinct(values: NDArray[Any]) -> int:
    return len(np.unique(values))


def _add_up(values: Iterable[float]) -> float:
    return round(math.fsum(values), SUM_DIGITS)


def _measure_frames(path: Path) -> dict[str, int | float]:
    from tasks.artifacts.frames_file import REPORT_KEY

    rows, metadata = _read_columns(path, "status")
    report = json.loads(metadata[REPORT_KEY])
    status = rows["status"].astype(str)
    return {
        "frames": len(status),
        "damaged_frames": int((status == "damaged").sum()),
        "lost_frames": int((status == "lost").sum()),
        "film_s": round(float(report["duration_s"]), SUM_DIGITS),
    }


def _measure_detections(path: Path) -> dict[str, int | float]:
    rows, metadata = _read_columns(path, "frame")
    return {
        "frames": _read_table_metadata(metadata)["frame_count"],
        "detections": len(rows["frame"]),
        "frames_with_detections": _count_distinct(rows["frame"]),
    }


def _measure_masks(path: Path) -> dict[str, int | float]:
    rows, _ = _read_columns(path, "area")
    return {"detections": len(rows["area"]), "masks": int((rows["area"] > 0).sum())}


def _measure_dense_flow(path: Path) -> dict[str, int | float]:
    rows, _ = _read_columns(path, "cut", "valid_share")
    return {
        "pairs": len(rows["cut"]),
        "cuts": int(rows["cut"].sum()),
        "valid_share_sum": _add_up(rows["valid_share"].tolist()),
    }


def _measure_shots(path: Path) -> dict[str, int | float]:
    rows, _ = _read_columns(path, "transition")
    kinds = rows["transition"].tolist()
    return {"shots": len(kinds), "fades": kinds.count("fade"), "dissolves": kinds.count("dissolve")}


def _measure_features(path: Path) -> dict[str, int | float]:
    from tasks.artifacts.features import Features

    return {"stored_frames": len(Features.load(path).frames)}


def _measure_semantic_flow(path: Path) -> dict[str, int | float]:
    from tasks.artifacts.semantic_flow import SemanticFlow

    agreements = [pair.agreement for pair in SemanticFlow.load(path).pairs]
    known = [value for value in agreements if value is not None]
    return {"pairs": len(agreements), "compared_pairs": len(known), "agreement_sum": _add_up(known)}


def _measure_matches(path: Path) -> dict[str, int | float]:
    rows, _ = _read_columns(path, "mutual")
    return {"matches": len(rows["mutual"]), "mutual_matches": int(rows["mutual"].sum())}


def _measure_tracks(path: Path) -> dict[str, int | float]:
    rows, metadata = _read_columns(path, "frame", "track_id", "class_name", "detection")
    people = rows["track_id"][rows["class_name"].astype(str) == PERSON]
    return {
        "frames": _read_table_metadata(metadata)["frame_count"],
        "rows": len(rows["frame"]),
        "filled_rows": int((rows["detection"] < 0).sum()),
        "tracks": _count_distinct(rows["track_id"]),
        "people": _count_distinct(people),
        "frames_with_tracks": _count_distinct(rows["frame"]),
    }


def _measure_poses(path: Path) -> dict[str, int | float]:
    with _open_parquet(path) as file:
        scores: Any = file.read(["keypoint_score"], use_threads=False).column(0).combine_chunks()
        trusted_from = _read_table_metadata(file.metadata.metadata or {})["trusted_score"]
    trusted = scores.flatten().to_numpy(zero_copy_only=False) >= np.float32(trusted_from)
    return {"poses": len(scores), "trusted_keypoints": int(trusted.sum())}


def _measure_actions(path: Path) -> dict[str, int | float]:
    rows, _ = _read_columns(path, "rank", "confident")
    first = rows["rank"] == 1
    return {"first_labels": int(first.sum()), "confident_labels": int((first & rows["confident"]).sum())}


def _measure_action_model(path: Path) -> dict[str, int | float]:
    from tasks.artifacts.action_model import ActionModel

    model = ActionModel.load(path)
    top1 = (model.metrics.get("top1") or {}).get("fused") if model.vocabulary == "team" else None
    return {"labels": len(model.labels)} | ({} if top1 is None else {"held_out_top1": round(top1, RATIO_DIGITS)})


def _measure_feature_axes(path: Path) -> dict[str, int | float]:
    from tasks.artifacts.feature_axes import FeatureAxes

    return {"dimensions": max(len(FeatureAxes.load(path).values) - 1, 0)}


def _measure_semantic_field(path: Path) -> dict[str, int | float]:
    from tasks.artifacts.semantic_field import METADATA_KEY

    with _open_parquet(path) as file:
        confidence = file.read(["mean_confidence"], use_threads=False).column(0).to_pylist()
        facts: dict[str, Any] = json.loads((file.metadata.metadata or {})[METADATA_KEY])["facts"]
    return {
        "maps": len(confidence),
        "field_labels": max(len(facts["classes"]) - 1, 0),
        "confidence_sum": _add_up(confidence),
    }


MEASURED: Mapping[str, Callable[[Path], dict[str, int | float]]] = {
    "data/frames": _measure_frames,
    "data/detections": _measure_detections,
    "data/masks": _measure_masks,
    "data/dense_flow": _measure_dense_flow,
    "data/shots": _measure_shots,
    "data/feature_axes": _measure_feature_axes,
    "data/features": _measure_features,
    "data/semantic_flow": _measure_semantic_flow,
    "data/matches": _measure_matches,
    "data/tracks": _measure_tracks,
    "data/poses": _measure_poses,
    "data/action_model": _measure_action_model,
    "data/actions": _measure_actions,
    "data/semantic_field": _measure_semantic_field,
}
"""Folder of an artifact to the function that measures a file of it."""
