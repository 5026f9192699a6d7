"""Stages run one by one on a device, outside the engine, and the artifacts that they read.

Artifacts lie where a project has them: what the CPU made below the folder of the work, what another device made below a
folder of its own. Every stage reads what the CPU made, so that differences do not add up from stage to stage.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.stages import STAGES
from flows.cli.sample_videos import cut_clip
from tasks.artifacts.artifact import DATASET_ITEM, Artifact, Dataset, UserInput
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.checkpoints import Checkpoints
from tasks.params import Compute, ParamSections, read_params
from tasks.stage import Stage

SHORT, LONG = "short", "long"
CLIP_SECONDS: Mapping[str, float] = {SHORT: 0.2, LONG: 2.1}
"""Length of the two clips: one to load models and for networks that are slow on a CPU, one to measure on."""
PRODUCERS = {kind: stage for stage in STAGES for kind in stage.outputs}
BY_NAME = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True)
class Timed:
    """A stage that has run."""

    seconds: float
    """By the clock, with reading and writing of artifacts."""
    frames: int
    outputs: Mapping[type[Artifact], Path]


@dataclass(frozen=True)
class StageRunner:
    """Runs stages on the clips below `root`, with the parameters there."""

    root: Path
    params: ParamSections

    @classmethod
    def open(cls, root: Path, params_file: Path, clip: Path) -> StageRunner:
        """A runner whose two clips are the beginning of `clip`."""
        for name, seconds in CLIP_SECONDS.items():
            path = root / RawVideo.FOLDER / f"{name}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file():
                cut_clip(clip, path, seconds)
        sections = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}
        return cls(root, read_params(params_file, sections))

    def run_stage(
        self, stage: Stage[..., Any], video: str, device: str, target: Path, changes: Mapping[str, Any] | None = None
    ) -> Timed:
        """Run a stage on `device` and save what it makes below `target`; `changes` replace values of its section."""
        arguments: dict[str, Any] = {name: self._open_input(stage, name, video) for name in stage.inputs}
        arguments["params"] = change_params(self.params[stage.name], changes or {})
        sections = {type(section): section for section in self.params.values()}
        arguments |= {name: sections[kind] for name, kind in stage.extra_params.items()}
        compute = self.params.get_section(Compute).model_copy(update={"device": device})
        outputs = {kind: kind.path(target, DATASET_ITEM if stage.over_dataset else video) for kind in stage.outputs}
        with tempfile.TemporaryDirectory() as parts:
            for name, kind in stage.injected.items():
                arguments[name] = compute if kind is Compute else Checkpoints.open_folder(Path(parts))
            began = time.perf_counter()
            made = stage.function(**arguments)
            for path, artifact in zip(outputs.values(), made if isinstance(made, tuple) else (made,), strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                artifact.save(path)
            seconds = time.perf_counter() - began
        return Timed(seconds, self.count_frames(video), outputs)

    def count_frames(self, video: str) -> int:
        """Frames of a clip; 0 before it is decoded."""
        path = Frames.path(self.root, video)
        return len(Frames.load(path)) if path.exists() else 0

    def ensure_inputs(self, stage: Stage[..., Any], video: str) -> None:
        """Make on the CPU what a stage reads and what is not there yet, with the default parameters."""
        for name, kind in stage.inputs.items():
            maker = PRODUCERS.get(kind)
            if maker is None or name in stage.dataset_inputs:
                continue
            if not kind.path(self.root, DATASET_ITEM if maker.over_dataset else video).exists():
                self.ensure_inputs(maker, video)
                self.run_stage(maker, video, "cpu", self.root)

    def _open_input(self, stage: Stage[..., Any], name: str, video: str) -> Any:
        kind = stage.inputs[name]
        if name in stage.dataset_inputs:
            return Dataset(kind, {})  # with the default parameters nothing is fitted to the data set
        if issubclass(kind, UserInput):
            return kind.absent()
        if issubclass(kind, RawVideo):
            return kind.load(self.root / RawVideo.FOLDER / f"{video}.mp4")
        maker = PRODUCERS[kind]
        return kind.load(kind.path(self.root, DATASET_ITEM if maker.over_dataset else video))


def change_params(section: Any, changes: Mapping[str, Any]) -> Any:
    """The section with some values replaced and checked like those of params.yaml."""
    return type(section).model_validate_json(json.dumps(section.model_dump(mode="json") | dict(changes)))
