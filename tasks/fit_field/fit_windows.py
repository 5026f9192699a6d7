"""From a stage's artifacts to the field: labels, takes, windows one by one, and their maps joined."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import LabelMap
from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.semantic_field import DEPTH_METRIC_PREFIX, FieldMap, FieldMetadata, SemanticField
from tasks.checkpoints import Checkpoints, temporary_checkpoints
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.seed_labels import explain_missing_seeds, load_seed_labels, make_instance_segmenter
from tasks.fit_field.shot import Shot, make_shot, split_shots
from tasks.fit_field.window_result import WindowResult, blend_windows, load_occlusion_events
from tasks.fit_field.windows import core_range, schedule_windows
from tasks.label_propagation.propagate_labels import classify_frames, weigh_evidence
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG, PropagationConfig
from tasks.motion_layers.occlusion_order import count_occlusions, rank_nearness
from tasks.progress import ProgressCallback, track_progress

if TYPE_CHECKING:
    from tasks.fit_field.params import FitFieldParams
    from tasks.plane_volume.volume_queries import VolumeQueries


@dataclass(frozen=True)
class ShotEvidenceWeights:
    """The attention of a take, the same for all its windows, and what was learned on the way to it."""

    attention: list[float]
    metrics: dict[str, float]


def fit_semantic_field(
    inputs: FieldInputs, params: FitFieldParams, device: str = "cpu", parts: Checkpoints | None = None
) -> StreamingArtifact[SemanticField]:
    """The field of a video, written map by map; windows that are done are kept among `parts`, or nowhere."""
    return StreamingArtifact(SemanticField, lambda path: _write_field(path, inputs, params, device, parts))


def _write_field(
    path: Path, inputs: FieldInputs, params: FitFieldParams, device: str, parts: Checkpoints | None
) -> None:
    frames = inputs.frames
    size = compute_map_size(frames.height, frames.width, params.grid_side)
    with temporary_checkpoints() if parts is None else contextlib.nullcontext(parts) as kept:
        known = load_seed_labels(inputs, params, size, kept)
        seen = make_instance_segmenter(frames, params, size) if params.use_instance_masks else None
        takes = [
            make_shot(chosen, inputs, known, params, make_propagation_config(params), seen, size, device)
            for chosen in split_shots(inputs, params.frame_stride, known.labels)
        ]
        facts = FieldMetadata(
            frame_count=len(frames),
            frame_width=frames.width,
            frame_height=frames.height,
            width=size[1],
            height=size[0],
            classes=known.classes,
            source=known.source if takes else "none",
            reason=None if takes else explain_missing_seeds(inputs, params),
        )
        metrics: dict[str, float] = {}
        SemanticField.stream(
            _fit_maps(takes, frames.decode_report.file, params.overlap, kept, metrics), facts, metrics
        ).save(path)


def _fit_maps(
    takes: Sequence[Shot], title: str, overlap: int, parts: Checkpoints, metrics: dict[str, float]
) -> Iterator[FieldMap]:
    """The maps of each take, which is fitted by itself; fills `metrics` with means over the frames of takes."""
    heard: list[ShotEvidenceWeights] = []
    hiding = np.zeros((takes[0].classes,) * 2) if takes else np.zeros((0, 0))
    with track_progress("fit_field", title, sum(len(window) for take in takes for window in take.windows)) as step:
        for number, take in enumerate(takes):
            fit = _ShotFit(take, parts, f"{number:04d}", overlap, step)
            heard.append(fit.heard())
            files = fit.windows(heard[-1])
            for place, label, confidence, near in blend_windows(take.windows, files, overlap):
                yield FieldMap(take.frames[place], label, confidence, given=place in take.labels, near=near)
            hiding += sum(load_occlusion_events(file) for file in files)
    metrics.update(_average_metrics(heard, [len(take.frames) for take in takes]))
    near = rank_nearness(hiding) if takes else []
    metrics.update({f"{DEPTH_METRIC_PREFIX}{n}": float(value) for n, value in enumerate(near) if np.isfinite(value)})


@dataclass(frozen=True, eq=False)
class _ShotFit:
    """The fitting of a take, of which each step that is done is kept."""

    take: Shot
    parts: Checkpoints
    name: str
    overlap: int
    step: ProgressCallback

    def heard(self) -> ShotEvidenceWeights:
        """What the labelled frames say about the kinds of evidence."""

        def write(path: Path) -> None:
            task = weigh_evidence(self.take.whole())
            path.write_text(
                json.dumps(asdict(ShotEvidenceWeights(task.attention.tolist(), dict(task.metrics)))), encoding="utf-8"
            )

        return ShotEvidenceWeights(
            **json.loads(self.parts.get_or_write(f"{self.name}.json", write).read_text(encoding="utf-8"))
        )

    def windows(self, heard: ShotEvidenceWeights) -> list[Path]:
        """The file of each window's piece."""
        found: dict[int, Path] = {}
        for number, givers in schedule_windows(self.take.wide, self.take.labels):
            remark = f"window {len(found) + 1} of {len(self.take.windows)}"
            found[number] = self._window(number, {giver: found[giver] for giver in givers}, heard, remark)
        return [found[number] for number in sorted(found)]

    def _window(self, number: int, givers: Mapping[int, Path], heard: ShotEvidenceWeights, remark: str) -> Path:
        """The piece of one window, with what the pieces beside it hand on."""

        def write(path: Path) -> None:
            window = self.take.windows[number]
            handed = {
                window[0] if giver < number else window[-1]: WindowResult.load(file).boundary_labels(
                    forwards=giver < number
                )
                for giver, file in givers.items()
            }
            _fit_window(self.take, number, handed, heard, self.overlap).save(path)

        file = self.parts.get_or_write(f"{self.name}-{number:04d}.npz", write)
        for _ in self.take.windows[number]:
            self.step(remark)
        return file


def _fit_window(
    take: Shot, number: int, handed: Mapping[int, LabelMap], heard: ShotEvidenceWeights, overlap: int
) -> WindowResult:
    """A window fitted."""
    window, nearer = take.windows[number], core_range(take.windows, number, overlap)
    reader = take.geometry(take.wide[number])
    task, before = take.window(number, handed, reader)
    task = replace(task, attention=np.array(heard.attention, np.float32))
    links, last = take.links, len(window) - 1
    label = np.zeros((len(window), links.height, links.width), np.uint8)
    confidence = np.zeros(label.shape, np.float16)
    shared: dict[bool, list[NDArray[np.float16]]] = {False: [], True: []}
    hiding = np.zeros((take.classes,) * 2)
    for n, found in enumerate(islice(classify_frames(task), before, before + len(window))):
        assert found is not None, "every frame of a take is whole, and some label leads there"
        label[n], confidence[n] = found.label, found.confidence
        if number and n < overlap:
            shared[False].append(found.soft.astype(np.float16))
        if number + 1 < len(take.windows) and last - n < overlap:
            shared[True].append(found.soft.astype(np.float16))
        motion = links.motion(window[n - 1]) if n and window[n - 1] in nearer else None
        if motion is not None:
            hiding += count_occlusions(label[n - 1], label[n], motion, take.classes)
    first, final = (np.array(shared[side], np.float16) for side in (False, True))
    near = _read_depths(reader, window.start - take.wide[number].start, len(window))
    return WindowResult(label, confidence, first, final, near, hiding)


def _read_depths(reader: VolumeQueries | None, start: int, count: int) -> NDArray[np.float16]:
    """(count, h, w) ordinal depth of the frames from `start` on; (0,) without a volume."""
    return np.array([] if reader is None else [reader.nearness(start + n) for n in range(count)], np.float16)


def _average_metrics(heard: Sequence[ShotEvidenceWeights], lengths: Sequence[int]) -> dict[str, float]:
    """Of the metrics over frames; takes that have none do not count."""
    names = sorted({name for one in heard for name in one.metrics})
    weighed = {
        name: [(one.metrics[name], n) for one, n in zip(heard, lengths, strict=True) if name in one.metrics]
        for name in names
    }
    return {name: sum(v * n for v, n in pairs) / sum(n for _, n in pairs) for name, pairs in weighed.items()}


def make_propagation_config(params: FitFieldParams) -> PropagationConfig:
    """The field's numbers with the switches of `params`."""
    return replace(DEFAULT_CONFIG, attention=params.evidence_weights, consistency=params.consistency)


def compute_map_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of maps whose longer side is `side` at most."""
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
