"""One take: the frames between two cuts that get a map, and the tasks of its windows."""

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
from tasks.fit_field.seed_labels import SeedLabels
from tasks.fit_field.windows import split_windows, widen_window
from tasks.geometry.resampling import rescale_grid
from tasks.label_propagation.mask_refinement import InstanceMasks, MaskRefiner
from tasks.label_propagation.propagate_labels import make_propagation_task
from tasks.label_propagation.propagation_config import PropagationConfig
from tasks.label_propagation.propagation_pass import PropagationTask
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.sequence.sequence_view import SequenceView

if TYPE_CHECKING:
    from tasks.fit_field.params import FitFieldParams
    from tasks.plane_volume.volume_queries import VolumeQueries

CACHED_IMAGES = 64  # 0.2 MB each at 320 x 180: a window's
CONTEXT_LABELS_PER_SIDE = (
    2  # labelled frames to each side of a window that are seen from it; How.labelled of all are heard
)


@dataclass(frozen=True, eq=False)
class Shot:
    """The frames of a take are numbered by place; what one take shows says little about the next."""

    frames: Sequence[int]
    labels: Mapping[int, LabelMap]
    """Place to the true (h, w) label."""
    windows: list[range]
    """Of places."""
    wide: list[range]
    """The same with the way to the labels beside them."""
    inputs: FieldInputs
    links: MapMotion
    known: SeedLabels
    how: PropagationConfig
    seen: Callable[[int], InstanceMasks] | None
    """What a segmenter sees on a frame, where masks are fed back."""
    params: FitFieldParams
    device: str

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.known.classes)

    def whole(self) -> PropagationTask:
        """The task of all frames in one."""
        return self._task(range(len(self.frames)), self.labels)

    def geometry(self, places: range) -> VolumeQueries | None:
        """The volume of some places, None where it is not wanted."""
        if self.params.planes == 1:
            return None
        from tasks.fit_field.window_volume import fit_window_volume

        size = self.links.height, self.links.width
        chosen = [self.frames[place] for place in places]
        return fit_window_volume(
            self.inputs, chosen, lambda n: self.links.motion(places[n]), self.params, size, self.device
        )

    def window(
        self, number: int, handed: Mapping[int, LabelMap], reader: VolumeQueries | None
    ) -> tuple[PropagationTask, int]:
        """The task of a window with what its neighbours `handed` on (by place), and how many frames come before it.

        Around it lie the labelled frames nearest before and after. Unless they are neighbours, no flow leads there, but
        what looks like them is heard.
        """
        wide = self.wide[number]
        before = sorted(place for place in self.labels if place < wide.start)[-CONTEXT_LABELS_PER_SIDE:]
        after = sorted(place for place in self.labels if place >= wide.stop)[:CONTEXT_LABELS_PER_SIDE]
        task = self._task([*before, *wide, *after], {**handed, **self.labels})
        if reader is not None:
            through = partial(_volume_warp, reader, len(before))
            task = replace(task, view=replace(task.view, volume_warp=through))
        return task, len(before) + self.windows[number].start - wide.start

    def _task(self, places: Sequence[int], labels: Mapping[int, LabelMap]) -> PropagationTask:
        chosen = {n: labels[place] for n, place in enumerate(places) if place in labels}
        anchor = None if self.seen is None else MaskRefiner(partial(self._seen, places), self.known.kinds)
        # What was handed on is no label that could check what looks alone say.
        how = replace(self.how, classifier=self.how.classifier and len(self.labels) > 1)
        return make_propagation_task(self._clip(places), chosen, self.classes, how, anchor)

    def _clip(self, places: Sequence[int]) -> SequenceView:
        facts, links = self.inputs.features.metadata, self.links
        return SequenceView(
            length=len(places),
            height=links.height,
            width=links.width,
            cells=rescale_grid(facts.grid, facts.height, facts.width, links.height, links.width),
            feature_grid=lambda n: self.inputs.features.vectors(self.frames[places[n]]),
            motion=partial(self._motion, places),
            images=lru_cache(maxsize=CACHED_IMAGES)(partial(self._image, places)),
            direct_flow=lambda start, end: links.skip(places[start], places[end]),
        )

    def _image(self, places: Sequence[int], n: int) -> NDArray[np.uint8]:
        """(h, w, 3) at the size of the maps."""
        image: Any = self.inputs.frames.image(self.frames[places[n]])
        return cv2.resize(image, (self.links.width, self.links.height), interpolation=cv2.INTER_AREA)

    def _motion(self, places: Sequence[int], n: int) -> FramePairMotion | None:
        return self.links.motion(places[n]) if places[n + 1] == places[n] + 1 else None

    def _seen(self, places: Sequence[int], n: int) -> InstanceMasks:
        assert self.seen is not None
        return self.seen(self.frames[places[n]])


def _volume_warp(reader: VolumeQueries, first: int, frame: int, source: int) -> WarpField | None:
    """Where the pixels of a frame lie in another, if the volume, which begins at the `first`, knows both."""
    start, end = frame - first, source - first
    known = min(start, end) >= 0 and max(start, end) < len(reader) and reader.is_connected(start, end)
    return reader.compute_warp_field(start, end) if known else None


def split_shots(inputs: FieldInputs, every: int, labels: Mapping[int, LabelMap]) -> list[list[int]]:
    """Frames that get a map, take by take: the whole ones among every n-th and the labelled, parted at cuts.

    A take without a label stays without maps.
    """
    total = len(inputs.frames)
    wanted = sorted({*range(0, total, every), *(frame for frame in labels if frame < total)})
    number = np.concatenate([[0], np.cumsum(inputs.dense_flow.cut)])
    takes: dict[int, list[int]] = {}
    for frame in wanted:
        if inputs.whole(frame):
            takes.setdefault(int(number[frame]), []).append(frame)
    return [take for take in takes.values() if not labels.keys().isdisjoint(take)]


def make_shot(  # noqa: PLR0917
    frames: Sequence[int],
    inputs: FieldInputs,
    known: SeedLabels,
    params: FitFieldParams,
    how: PropagationConfig,
    seen: Callable[[int], InstanceMasks] | None,
    size: tuple[int, int],
    device: str,
) -> Shot:
    """The take of `frames`, with maps of `size`, cut into windows."""
    labels = {place: known.labels[frame] for place, frame in enumerate(frames) if frame in known.labels}
    links = MapMotion(inputs.dense_flow, inputs.semantic_flow, frames, *size)
    windows = split_windows(len(frames), params.window, params.overlap)
    wide = [widen_window(window, labels, params.overlap) for window in windows]
    return Shot(frames, labels, windows, wide, inputs, links, known, how, seen, params, device)
