"""Declarations: what the engine needs to know about each stage, as plain values.

They are derived from the stages and `params.yaml`, and cached until a source file, the parameters or the installed
packages change, so a plan imports no stage, no NumPy and no pydantic, and starts in a fraction of a second.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.engine.recipe import Method
from tasks.artifacts.artifact import Artifact, UserInput

if TYPE_CHECKING:
    from tasks.params import Params
    from tasks.stage import Stage

PACKAGES = ("flows", "tasks")
"""Packages whose source files the declarations are derived from."""
VIDEO_SLOT = "{video}"


@dataclass(frozen=True)
class ArtifactKind:
    """The properties of an artifact class that planning needs."""

    folder: str
    suffix: str
    """Suffix of the file; "" where the artifact is a folder of files."""
    is_raw: bool = False
    """Whether it is the raw video itself."""
    user_path: str = ""
    """For files that users write (labels, cameras): the path below the root, with {video} where each video has one."""

    @property
    def is_folder(self) -> bool:
        """Whether the artifact is a folder of files."""
        return not self.suffix and not self.is_raw and not self.user_path


@dataclass(frozen=True)
class Declaration:
    """The inputs, outputs and method of one stage."""

    name: str
    inputs: Mapping[str, ArtifactKind]
    """By argument name, in order."""
    dataset_inputs: tuple[str, ...]
    """The arguments that take the artifacts of all videos at once."""
    outputs: tuple[ArtifactKind, ...]
    selects_videos: bool
    """Whether a stage over the dataset reads only the videos that its `select_videos` names."""
    keeps_artifacts: bool
    """Whether its artifacts stay on disk and in DVC; False for the stages of `compute.recompute`."""
    accelerator: bool
    """Whether an item uses the accelerator with these parameters."""
    differs_on_cuda: bool
    """Whether CUDA may give other bytes than a CPU, so that the requested device matters."""
    method: Method
    sections: tuple[str, ...]
    """Sections of params.yaml that the stage reads, its own first."""
    code_files: tuple[str, ...]
    """All source files of the stage, the engine's included: its dependencies in dvc.yaml."""

    @cached_property
    def over_dataset(self) -> bool:
        """Whether the stage has one item for all videos rather than one per video."""
        return bool(self.dataset_inputs)


def declare_stages(
    stages: Sequence[Stage[..., Any]], params: Mapping[str, Params], device: str
) -> tuple[Declaration, ...]:
    """The declarations of `stages` with the parameters `params` on `device` (`cpu` or `cuda:N`).

    Raises SemflowError where a stage reads an artifact that no stage before it makes.
    """
    _check_order(stages)
    recompute = _read_recompute(stages, params)
    return tuple(_declare(stage, stages, params, device, recompute) for stage in stages)


def _check_order(stages: Sequence[Stage[..., Any]]) -> None:
    """Raise SemflowError where a stage reads an artifact that no stage before it makes."""
    from tasks.artifacts.raw_video import RawVideo
    from tasks.errors import SemflowError

    makers = {kind.FOLDER: stage.name for stage in stages for kind in stage.outputs}
    made: set[str] = set()
    for stage in stages:
        for kind in stage.inputs.values():
            if kind.FOLDER in made or kind is RawVideo or issubclass(kind, UserInput):
                continue
            artifact, maker = f"{kind.__name__} ({kind.FOLDER})", makers.get(kind.FOLDER)
            got = "no stage that makes it" if maker is None else f"{maker}, which makes it, after {stage.name}"
            todo = "add the stage that makes it to STAGES," if maker is None else f"move {maker}"
            raise SemflowError(
                f"STAGES must make what {stage.name} reads, {artifact}, before it, got {got}; "
                f"{todo} before {stage.name}"
            )
        made.update(kind.FOLDER for kind in stage.outputs)


def _read_recompute(stages: Sequence[Stage[..., Any]], params: Mapping[str, Params]) -> Sequence[str]:
    """The stages of `compute.recompute`; raises BadParams where one is not read by another stage of the same video."""
    from tasks.errors import BadParams
    from tasks.params import Compute

    compute = params["compute"]
    assert isinstance(compute, Compute)
    read = {kind for stage in stages for kind in stage.inputs.values()}
    allowed = [stage.name for stage in stages if not stage.dataset_inputs and read.intersection(stage.outputs)]
    for name in compute.recompute:
        if name not in allowed:
            raise BadParams(
                f"compute.recompute must name stages of one video that other stages read ({', '.join(allowed)}), "
                f"got {name!r}"
            )
    return compute.recompute


def _declare(
    stage: Stage[..., Any],
    stages: Sequence[Stage[..., Any]],
    params: Mapping[str, Params],
    device: str,
    recompute: Sequence[str],
) -> Declaration:
    from tasks.device_class import classify_device
    from tasks.fingerprint import fingerprint_module, library_version
    from tasks.weights.catalog import weights_sha256

    section_of = {other.params: other.name for other in stages}
    extra_params = {argument: params[section_of[kind]] for argument, kind in stage.extra_params.items()}
    own = params[stage.name]
    values = own.model_dump(mode="json")
    for argument, section in extra_params.items():
        values |= {f"{argument}.{key}": value for key, value in section.model_dump(mode="json").items()}
    kernels = stage.kernels_for(own, *extra_params.values())
    method = Method(
        stage=stage.name,
        params=values,
        code=dict(fingerprint_module(stage.module)),
        weights={name: weights_sha256(name) for name in stage.weights(own, *extra_params.values())},
        libraries={name: library_version(name) for name in stage.libraries},
        device=classify_device(device, kernels),
    )
    return Declaration(
        name=stage.name,
        inputs={argument: _kind(kind) for argument, kind in stage.inputs.items()},
        dataset_inputs=tuple(argument for argument in stage.inputs if argument in stage.dataset_inputs),
        outputs=tuple(_kind(kind) for kind in stage.outputs),
        selects_videos=stage.selects_videos,
        keeps_artifacts=stage.name not in recompute,
        accelerator=stage.accelerator and (not stage.kernels or "cuda" in kernels),
        differs_on_cuda="cuda" in stage.kernels,
        method=method,
        sections=(stage.name, *(section_of[kind] for kind in stage.extra_params.values())),
        code_files=tuple(map(str, _code_files(stage))),
    )


def _kind(kind: type[Artifact]) -> ArtifactKind:
    from tasks.artifacts.raw_video import RawVideo

    if kind is RawVideo:
        return ArtifactKind(kind.FOLDER, kind.SUFFIX, is_raw=True)
    user_path = kind.path(Path(), VIDEO_SLOT).as_posix() if issubclass(kind, UserInput) else ""
    return ArtifactKind(kind.FOLDER, kind.SUFFIX, user_path=user_path)


def _code_files(stage: Stage[..., Any]) -> list[Path]:
    """The stage's module, the modules of the project that it imports (the engine's too), and its data files; sorted."""
    from tasks.fingerprint import find_import_closure, find_source_file, list_resources

    modules = (find_source_file(name) for name in find_import_closure(stage.module, engine=True))
    return sorted({*modules, *list_resources(stage.module)})


def load_stages(pipeline: str) -> tuple[Stage[..., Any], ...]:
    """Import the stages that `package.module:NAME` names; the package counts as code of the project from then on."""
    from tasks import source_code

    module, _, name = pipeline.partition(":")
    source_code.add_own_package(module.partition(".")[0])
    return getattr(importlib.import_module(module), name)


def hash_code_state(pipeline: str, params: bytes) -> str:
    """A hash over everything that declarations depend on, from times and sizes of files, without reading them."""
    module = pipeline.partition(":")[0].partition(".")[0]
    seen: list[object] = [sys.version, hashlib.sha256(params).hexdigest(), pipeline]
    for package in sorted({*PACKAGES, module}):
        spec = importlib.util.find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            seen += [(folder, sorted(_stamps(folder)))]
    packages = [Path(folder) for folder in sys.path if folder.endswith("-packages")]
    seen += [(str(folder), folder.stat().st_mtime_ns) for folder in packages if folder.is_dir()]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def _stamps(folder: str) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_dir():
                found += _stamps(entry.path)
            else:
                stat = entry.stat()
                found.append((entry.path, stat.st_mtime_ns, stat.st_size))
    return found


def encode_declarations(declarations: Sequence[Declaration]) -> list[dict[str, Any]]:
    """The declarations as values that JSON can represent."""
    return [asdict(declaration) for declaration in declarations]


def decode_declarations(values: Sequence[dict[str, Any]]) -> tuple[Declaration, ...]:
    """The inverse of `encode_declarations`."""
    return tuple(_from_json(value) for value in values)


def _from_json(value: dict[str, Any]) -> Declaration:
    plain: dict[str, Any] = {
        **value,
        "inputs": {argument: ArtifactKind(**kind) for argument, kind in value["inputs"].items()},
        "outputs": tuple(ArtifactKind(**kind) for kind in value["outputs"]),
        "method": Method(**value["method"]),
    }
    for name in ("dataset_inputs", "sections", "code_files"):
        plain[name] = tuple(value[name])
    return Declaration(**plain)
