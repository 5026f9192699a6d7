"""The propagation problems of one shot: its frames between two cuts, its windows, and the labels in reach of each.

A shot's frames are those that get a label map, addressed by their index in the shot. Nothing is propagated across a
cut. Each window becomes one `PropagationTask` on a `SequenceView`: the frames of the widened window (windows.py), plus
the labelled frames nearest to it, which serve as context for feature matching although no flow leads to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import LabelMap
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.frame_motion import MapMotion
from tasks.fit_field.params import FitFieldParams
from tasks.fit_field.seed_labels import SeedLabels
from tasks.fit_field.windows import split_windows, widen_window
from tasks.geometry.resampling import rescale_grid
from tasks.label_propagation.mask_refinement import InstanceMasks, MaskRefiner
from tasks.label_propagation.propagate_labels import make_propagation_task
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG, PropagationConfig
from tasks.label_propagation.propagation_task import PropagationTask
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.sequence.sequence_view import SequenceView

if TYPE_CHECKING:
    from tasks.fit_field.reduced_volume import ReducedVolume

CACHED_IMAGES = 64  # 0.2 MB each at 320 x 180: those of a window
# Labelled frames on each side of a window that are added to its sequence; PropagationConfig.labelled are matched.
CONTEXT_LABELS_PER_SIDE = 2


@dataclass(frozen=True, eq=False)
class FieldContext:
    """What all shots of a video share: inputs, seed labels, parameters."""

    inputs: FieldInputs
    seeds: SeedLabels
    params: FitFieldParams
    size: tuple[int, int]
    """Height and width of the label maps, pixels."""
    device: str
    segment: Callable[[int], InstanceMasks] | None
    """Instance masks of a frame at the size of the maps; None where maps are not refined by masks."""

    @property
    def config(self) -> PropagationConfig:
        """The constants of label propagation with the two switches that params.yaml sets."""
        params = self.params
        return replace(DEFAULT_CONFIG, fit_weights=params.evidence_weights, temporal_smoothing=params.consistency)


@dataclass(frozen=True, eq=False)
class Shot:
    """The frames of a video between two cuts that get a label map."""

    frames: Sequence[int]
    """Their numbers in the video, ascending; the index into it is a frame's index in the shot."""
    labels: Mapping[int, LabelMap]
    """Index in the shot to (h, w) seed label."""
    windows: list[range]
    """Ranges of indices that are fitted together."""
    wide: list[range]
    """The same, widened to the nearest labels on each side."""
    motion: MapMotion
    context: FieldContext

    @property
    def classes(self) -> int:
        """Number of values of the label maps, the background's included."""
        return len(self.context.seeds.classes)

    def make_full_task(self) -> PropagationTask:
        """The propagation task of all frames at once, by which kinds of evidence are weighted."""
        return self._make_task(range(len(self.frames)), self.labels)

    def fit_volume(self, indices: range) -> ReducedVolume | None:
        """The multiplane volume of some frames; None where `planes` is 1."""
        context = self.context
        if context.params.planes == 1:
            return None
        from tasks.fit_field.reduced_volume import ReducedVolume, reduced_size
        from tasks.fit_field.window_volume import fit_window_volume

        size = reduced_size(*context.size)
        queries = fit_window_volume(context.inputs, self.motion, indices, context.params, context.device, size=size)
        return ReducedVolume(queries, *context.size)

    def make_window_task(
        self, number: int, handed: Mapping[int, LabelMap], volume: ReducedVolume | None
    ) -> tuple[PropagationTask, int]:
        """The propagation task of a window, and how many of its frames come before the window's first.

        `handed` are labels of neighbouring windows, by index in the shot. The labelled frames nearest before and after
        the widened window are added as context for feature matching; unless they adjoin it, no flow leads to them.
        """
        wide = self.wide[number]
        before = sorted(index for index in self.labels if index < wide.start)[-CONTEXT_LABELS_PER_SIDE:]
        after = sorted(index for index in self.labels if index >= wide.stop)[:CONTEXT_LABELS_PER_SIDE]
        task = self._make_task([*before, *wide, *after], {**handed, **self.labels})
        if volume is not None:
            through = partial(_volume_warp, volume, len(before))
            task = replace(task, view=replace(task.view, volume_warp=through))
        return task, len(before) + self.windows[number].start - wide.start

    def _make_task(self, indices: Sequence[int], labels: Mapping[int, LabelMap]) -> PropagationTask:
        context, config = self.context, self.context.config
        chosen = {n: labels[index] for n, index in enumerate(indices) if index in labels}
        refiner = None
        if context.segment is not None:
            refiner = MaskRefiner(partial(self._segment, context.segment, indices), context.seeds.reliability)
        # Labels handed on by a neighbouring window cannot validate the classifier on features, so they do not count.
        config = replace(config, classifier=config.classifier and len(self.labels) > 1)
        return make_propagation_task(self._view(indices), chosen, self.classes, config, refiner)

    def _view(self, indices: Sequence[int]) -> SequenceView:
        inputs, motion = self.context.inputs, self.motion
        grid = inputs.features.metadata
        return SequenceView(
            length=len(indices),
            height=motion.height,
            width=motion.width,
            cells=rescale_grid(grid.grid, grid.height, grid.width, motion.height, motion.width),
            feature_grid=lambda n: inputs.feature_grid(self.frames[indices[n]]),
            motion=partial(self._adjacent_motion, indices),
            images=lru_cache(maxsize=CACHED_IMAGES)(partial(self._image, indices)),
            direct_flow=lambda start, end: motion.semantic_flow_between(indices[start], indices[end]),
        )

    def _image(self, indices: Sequence[int], n: int) -> NDArray[np.uint8]:
        """(h, w, 3) RGB at the size of the maps."""
        image: Any = self.context.inputs.frames.image(self.frames[indices[n]])
        return cv2.resize(image, (self.motion.width, self.motion.height), interpolation=cv2.INTER_AREA)

    def _adjacent_motion(self, indices: Sequence[int], n: int) -> FramePairMotion | None:
        return self.motion.motion_to_next(indices[n]) if indices[n + 1] == indices[n] + 1 else None

    def _segment(self, segment: Callable[[int], InstanceMasks], indices: Sequence[int], n: int) -> InstanceMasks:
        return segment(self.frames[indices[n]])


def _volume_warp(volume: ReducedVolume, first: int, frame: int, source: int) -> WarpField | None:
    """The warp from `frame` to `source` through a volume whose first frame is `first`; None where it has not both."""
    start, end = frame - first, source - first
    known = min(start, end) >= 0 and max(start, end) < len(volume) and volume.is_connected(start, end)
    return volume.compute_warp_field(start, end) if known else None


def split_shots(inputs: FieldInputs, stride: int, labels: Mapping[int, LabelMap]) -> list[list[int]]:
    """Numbers of the frames that get a label map, shot by shot: every `stride`-th and the labelled ones.

    Frames without image or features are left out, and so are shots without a labelled frame.
    """
    total = len(inputs.frames)
    wanted = sorted({*range(0, total, stride), *(frame for frame in labels if frame < total)})
    number = inputs.shot_of_frames
    shots: dict[int, list[int]] = {}
    for frame in wanted:
        if inputs.is_usable(frame):
            shots.setdefault(int(number[frame]), []).append(frame)
    return [shot for shot in shots.values() if not labels.keys().isdisjoint(shot)]


def make_shot(frames: Sequence[int], context: FieldContext) -> Shot:
    """The shot of `frames`, split into windows."""
    inputs, params, seeds = context.inputs, context.params, context.seeds
    labels = {index: seeds.labels[frame] for index, frame in enumerate(frames) if frame in seeds.labels}
    motion = MapMotion(inputs.dense_flow, inputs.semantic_flow, frames, *context.size)
    windows = split_windows(len(frames), params.window, params.overlap)
    wide = [widen_window(window, labels, params.overlap) for window in windows]
    return Shot(frames, labels, windows, wide, motion, context)
