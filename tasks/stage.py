"""A stage is a typed pure function; its signature is the whole declaration.

    @stage(libraries=("scipy",))
    def track(detections: Detections, params: TrackParams) -> Tracks: ...

says: a stage named `track`, reading `data/detections/<video>.parquet` and the section `track` of `params.yaml`, leaving
`data/tracks/<video>.parquet`. The Prefect task, the command, the `dvc.yaml` entry and the recipe follow from it.
An argument of type Dataset[Features] makes it a stage over the whole dataset: one item, reading the features of every
video, leaving `<folder>/dataset<ending>`, which stages of one video may read like any artifact.
It reads all videos, or those that its `select_videos` chooses by the parameters and by what people wrote (a UserInput).
An argument of another Params class, `feature_params: ExtractFeaturesParams`, is the section of the stage whose class
that is.
An argument of class Compute is handed in and is no part of the recipe; so is one of class Checkpoints, where a stage
that takes long keeps the parts that it has done.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from tasks.artifacts.artifact import Artifact, Dataset, StreamingArtifact, UserInput
from tasks.checkpoints import Checkpoints
from tasks.device_class import Kernels
from tasks.params import Compute, Params

P = ParamSpec("P")
R = TypeVar("R")
WeightsSelector = Callable[..., tuple[str, ...]]
KernelSelector = Callable[..., tuple[Kernels, ...]]
VideoSelector = Callable[[Any, Mapping[str, UserInput]], Collection[str] | None]
"""Parameters, and sources by argument name, to the videos that a stage over the dataset reads; None for all of them."""
INJECTED_TYPES = (Compute, Checkpoints)
"""What the engine hands to a stage that asks for it: no part of its recipe."""


@dataclass(frozen=True)
class Stage(Generic[P, R]):
    """A stage function with everything that its signature declares."""

    name: str
    function: Callable[P, R]
    inputs: Mapping[str, type[Artifact]]
    """Argument name to artifact class, in order."""
    dataset_inputs: frozenset[str]
    """The arguments that take the artifacts of all videos at once."""
    outputs: tuple[type[Artifact], ...]
    params: type[Params]
    extra_params: Mapping[str, type[Params]]
    """Argument name to the class of another stage's section that this one reads too."""
    libraries: tuple[str, ...]
    """Distributions whose version can change the numbers."""
    weights: WeightsSelector
    """Parameters (the stage's own, then those it reads too) to the names of the weights they ask for
    (see tasks/weights/catalog.py)."""
    select_videos: VideoSelector
    """Which videos a stage over the dataset reads."""
    injected: Mapping[str, type]
    """Argument name to one of SUPPLIED."""
    accelerator: bool
    """Whether the function uses the accelerator where `kernels_for` has cuda: of such items as many run at once as its
    memory allows."""
    kernels: tuple[Kernels, ...] = ()
    """What it computes with whose choice of kernels can change bytes, whatever the parameters (see device_class.py)."""
    kernels_for: KernelSelector = field(default=lambda *_: ())
    """Parameters, as `weights` takes them, to those of `kernels` that they put to use."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    @property
    def selects_videos(self) -> bool:
        """Whether a stage over the dataset reads only the videos that `select_videos` names."""
        return self.select_videos is not _all_videos

    @property
    def over_dataset(self) -> bool:
        """Whether there is one item over all videos, not one per video."""
        return bool(self.dataset_inputs)

    @property
    def module(self) -> str:
        """The module that holds the function: the root of its fingerprint."""
        return self.function.__module__


def stage(
    *,
    libraries: tuple[str, ...] = (),
    weights: WeightsSelector | None = None,
    accelerator: bool = False,
    select_videos: VideoSelector | None = None,
    kernels: tuple[Kernels, ...] = (),
    kernels_for: KernelSelector | None = None,
) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """Turn a function of artifacts and parameters into a Stage; TypeError where the signature says too little."""

    def wrap(function: Callable[P, R]) -> Stage[P, R]:
        hints = get_type_hints(function)
        produced = _artifacts(hints.pop("return", None))
        inputs: dict[str, type[Artifact]] = {}
        params: type[Params] | None = None
        dataset_inputs: set[str] = set()
        extra_params: dict[str, type[Params]] = {}
        injected: dict[str, type] = {}
        for name in inspect.signature(function).parameters:
            kind = hints.get(name)
            if get_origin(kind) is Dataset:
                dataset_inputs.add(name)
                kind = get_args(kind)[0]
            if kind in INJECTED_TYPES:
                injected[name] = kind
            elif name == "params" and isinstance(kind, type) and issubclass(kind, Params):
                params = kind
            elif isinstance(kind, type) and issubclass(kind, Params):
                extra_params[name] = kind
            elif isinstance(kind, type) and issubclass(kind, Artifact):
                inputs[name] = kind
            else:
                raise TypeError(
                    f"{function.__name__}({name}) must be an Artifact, of a class of Params, Compute or Checkpoints, "
                    f"got {kind}"
                )
        if params is None or not inputs or not produced:
            signature = f"{function.__name__} must take an Artifact and `params`, and return an Artifact"
            raise TypeError(f"{signature}, got {inspect.signature(function)}")
        return Stage(
            name=function.__name__,
            function=function,
            inputs=inputs,
            dataset_inputs=frozenset(dataset_inputs),
            outputs=produced,
            params=params,
            extra_params=extra_params,
            libraries=libraries,
            weights=weights or _no_weights,
            select_videos=select_videos or _all_videos,
            injected=injected,
            accelerator=accelerator,
            kernels=kernels,
            kernels_for=kernels_for or (lambda *_: kernels),
        )

    return wrap


def _artifacts(hint: Any) -> tuple[type[Artifact], ...]:
    if get_origin(hint) is tuple:
        return tuple(kind for part in get_args(hint) for kind in _artifacts(part))
    if get_origin(hint) is StreamingArtifact:
        return (get_args(hint)[0],)
    return (hint,) if isinstance(hint, type) and issubclass(hint, Artifact) else ()


def _no_weights(*params: Params) -> tuple[str, ...]:
    del params
    return ()


def _all_videos(params: Any, sources: Mapping[str, UserInput]) -> None:
    del params, sources
