"""Fits the semantic field of a video: seed labels, shots, windows one after the other, and their maps blended.

1. Seed labels (seed_labels.py) on a few frames; the frames that get a map, split into shots at cuts (shot.py).
2. Per shot, weights of the kinds of evidence by leave-one-out prediction of its labelled frames.
3. Per window (windows.py), label propagation over its frames; where a multiplane volume is wanted, it is fitted first.
4. Windows cross-faded into one sequence of maps (window_result.py); ordinal depth of the values from occlusions.

The results of steps 1 to 3 are checkpoints, so that an interrupted fit goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.arrays import Floats16, LabelMap
from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.semantic_field import DEPTH_METRIC_PREFIX, FieldMap, FieldMetadata, SemanticField
from tasks.checkpoints import Checkpoints, temporary_checkpoints
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.params import FitFieldParams
from tasks.fit_field.seed_labels import (
    explain_missing_seeds,
    load_seed_labels,
    make_instance_segmenter,
    measure_user_masks,
)
from tasks.fit_field.shot import FieldContext, Shot, make_shot, split_shots
from tasks.fit_field.window_result import WindowResult, blend_windows, load_occlusion_counts
from tasks.fit_field.windows import core_range, schedule_windows
from tasks.label_propagation.propagate_labels import classify_frames, weigh_evidence
from tasks.motion_layers.occlusion_order import count_occlusions, rank_nearness
from tasks.progress import ProgressCallback, track_progress

if TYPE_CHECKING:
    from tasks.fit_field.reduced_volume import ReducedVolume


@dataclass(frozen=True)
class ShotEvidenceWeights:
    """Weights of the kinds of evidence, the same for all windows of a shot."""

    evidence_weights: list[float]
    """One per kind, in the order of `EVIDENCE_KINDS`."""
    metrics: dict[str, float]
    """Quality of the leave-one-out prediction by which they were fitted."""


def fit_semantic_field(
    inputs: FieldInputs, params: FitFieldParams, device: str = "cpu", checkpoints: Checkpoints | None = None
) -> StreamingArtifact[SemanticField]:
    """The semantic field of a video, written map by map; finished windows are kept in `checkpoints`, if given."""
    return StreamingArtifact(SemanticField, lambda path: _write_field(path, inputs, params, device, checkpoints))


def _write_field(
    path: Path, inputs: FieldInputs, params: FitFieldParams, device: str, checkpoints: Checkpoints | None
) -> None:
    frames = inputs.frames
    size = compute_map_size(frames.height, frames.width, params.grid_side)
    with temporary_checkpoints() if checkpoints is None else contextlib.nullcontext(checkpoints) as kept:
        seeds = load_seed_labels(inputs, params, size, kept)
        segment = make_instance_segmenter(frames, params, size) if params.use_instance_masks else None
        if segment is not None and seeds.source == "user":
            seeds = measure_user_masks(seeds, segment, lambda frame: bool(frames.ok[frame]))
        context = FieldContext(inputs, seeds, params, size, device, segment)
        shots = [make_shot(chosen, context) for chosen in split_shots(inputs, params.frame_stride, seeds.labels)]
        metadata = FieldMetadata(
            frame_count=len(frames),
            frame_width=frames.width,
            frame_height=frames.height,
            width=size[1],
            height=size[0],
            classes=seeds.classes,
            source=seeds.source if shots else "none",
            video=frames.video,
            reason=None if shots else explain_missing_seeds(inputs, params),
        )
        metrics: dict[str, float] = {}
        maps = (
            replace(found, pts_s=float(frames.pts_s[found.frame]))
            for found in _fit_shots(shots, frames.decode_report.file, kept, metrics)
        )
        SemanticField.stream(maps, metadata, metrics).save(path)


def _fit_shots(
    shots: Sequence[Shot], title: str, checkpoints: Checkpoints, metrics: dict[str, float]
) -> Iterator[FieldMap]:
    """The maps of all shots; fills `metrics` with means over the shots' frames and the depth of each value."""
    weights: list[ShotEvidenceWeights] = []
    occlusions = np.zeros((shots[0].classes,) * 2) if shots else np.zeros((0, 0))
    with track_progress("fit_field", title, sum(len(window) for shot in shots for window in shot.windows)) as step:
        for number, shot in enumerate(shots):
            fit = _ShotFit(shot, checkpoints, f"{number:04d}", step)
            weights.append(fit.fit_weights())
            files = fit.fit_windows(weights[-1])
            overlap = shot.context.params.overlap
            for index, label, confidence, depth in blend_windows(shot.windows, files, overlap):
                yield FieldMap(shot.frames[index], label, confidence, given=index in shot.labels, near=depth)
            occlusions += sum(load_occlusion_counts(file) for file in files)
    metrics.update(_average_metrics(weights, [len(shot.frames) for shot in shots]))
    ranks = rank_nearness(occlusions) if shots else []
    metrics.update({f"{DEPTH_METRIC_PREFIX}{n}": float(value) for n, value in enumerate(ranks) if np.isfinite(value)})


@dataclass(frozen=True, eq=False)
class _ShotFit:
    """The fit of one shot, with a checkpoint for its evidence weights and for each window."""

    shot: Shot
    checkpoints: Checkpoints
    name: str
    step: ProgressCallback

    def fit_weights(self) -> ShotEvidenceWeights:
        """Weights of the kinds of evidence, from the labelled frames of the shot."""

        def write(path: Path) -> None:
            task = weigh_evidence(self.shot.make_full_task())
            weights = ShotEvidenceWeights(task.evidence_weights.tolist(), dict(task.metrics))
            path.write_text(json.dumps(asdict(weights)), encoding="utf-8")

        file = self.checkpoints.get_or_write(f"{self.name}.json", write)
        return ShotEvidenceWeights(**json.loads(file.read_text(encoding="utf-8")))

    def fit_windows(self, weights: ShotEvidenceWeights) -> list[Path]:
        """The file of each window's result, in the order of the windows."""
        files: dict[int, Path] = {}
        for number, neighbours in schedule_windows(self.shot.wide, self.shot.labels):
            remark = f"window {len(files) + 1} of {len(self.shot.windows)}"
            files[number] = self._fit_window(number, {n: files[n] for n in neighbours}, weights, remark)
        return [files[number] for number in sorted(files)]

    def _fit_window(
        self, number: int, neighbours: Mapping[int, Path], weights: ShotEvidenceWeights, remark: str
    ) -> Path:
        """The file of one window's result; `neighbours` are files of windows whose boundary labels are its seeds."""

        def write(path: Path) -> None:
            window = self.shot.windows[number]
            handed = {
                window[0] if n < number else window[-1]: WindowResult.load(file).boundary_labels(forwards=n < number)
                for n, file in neighbours.items()
            }
            _fit_window(self.shot, number, handed, weights).save(path)

        file = self.checkpoints.get_or_write(f"{self.name}-{number:04d}.npz", write)
        for _ in self.shot.windows[number]:
            self.step(remark)
        return file


def _fit_window(shot: Shot, number: int, handed: Mapping[int, LabelMap], weights: ShotEvidenceWeights) -> WindowResult:
    """The label maps of one window; `handed` are boundary labels of its neighbours, by index in the shot."""
    overlap = shot.context.params.overlap
    window, core = shot.windows[number], core_range(shot.windows, number, overlap)
    volume = shot.fit_volume(shot.wide[number])
    task, before = shot.make_window_task(number, handed, volume)
    task = replace(task, evidence_weights=np.array(weights.evidence_weights, np.float32))
    motion, last = shot.motion, len(window) - 1
    label = np.zeros((len(window), motion.height, motion.width), np.uint8)
    confidence = np.zeros(label.shape, np.float16)
    first_shares: list[Floats16] = []
    last_shares: list[Floats16] = []
    occlusions = np.zeros((shot.classes,) * 2)
    for n, found in enumerate(islice(classify_frames(task), before, before + len(window))):
        assert found is not None, "every frame of a shot is usable, and some label reaches every window"
        label[n], confidence[n] = found.label, found.confidence
        if number and n < overlap:
            first_shares.append(found.probabilities.astype(np.float16))
        if number + 1 < len(shot.windows) and last - n < overlap:
            last_shares.append(found.probabilities.astype(np.float16))
        flow = motion.motion_to_next(window[n - 1]) if n and window[n - 1] in core else None
        if flow is not None:
            occlusions += count_occlusions(label[n - 1], label[n], flow, shot.classes)
    first, final = (np.array(shares, np.float16) for shares in (first_shares, last_shares))
    depth = _read_depths(volume, window.start - shot.wide[number].start, len(window))
    return WindowResult(label, confidence, first, final, depth, occlusions)


def _read_depths(volume: ReducedVolume | None, start: int, count: int) -> Floats16:
    """(count, h, w) ordinal depth of the frames from `start` on; (0,) without a volume."""
    return np.array([] if volume is None else [volume.render_nearness(start + n) for n in range(count)], np.float16)


def _average_metrics(weights: Sequence[ShotEvidenceWeights], lengths: Sequence[int]) -> dict[str, float]:
    """Means of the shots' metrics, weighted by number of frames; shots without a metric do not count."""
    names = sorted({name for one in weights for name in one.metrics})
    weighted = {
        name: [(one.metrics[name], n) for one, n in zip(weights, lengths, strict=True) if name in one.metrics]
        for name in names
    }
    return {name: sum(v * n for v, n in pairs) / sum(n for _, n in pairs) for name, pairs in weighted.items()}


def compute_map_size(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) of label maps whose longer side is at most `side`, never larger than the frame."""
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
