"""Principal axes onto which the vectors of a backbone are projected; one file for the whole dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.npy_file import read_npy, write_npy
from tasks.errors import SemflowError
from tasks.geometry.wccn_projection import LinearProjection


@dataclass(frozen=True)
class AxesMetadata:
    """Backbone and data that the axes were fitted to."""

    network: str
    """Name of the backbone."""
    layers: tuple[str, ...]
    """Its layers whose outputs are concatenated."""
    fitted_on: Literal["samples", "dataset"]
    """Images that the axes were fitted on."""


@dataclass(frozen=True, eq=False)
class FeatureAxes(Artifact):
    """Mean and axes of a projection, or no rows: then all channels are kept."""

    FOLDER: ClassVar[str] = "data/feature_axes"
    SUFFIX: ClassVar[str] = ".npy"

    values: NDArray[np.float16]
    """(1 + d, c): the mean, then the axes; (0, c) where all channels are kept."""
    metadata: AxesMetadata

    def __post_init__(self) -> None:
        if self.values.dtype != np.float16 or self.values.ndim != 2 or len(self.values) == 1:  # noqa: PLR2004  a matrix
            raise SemflowError(
                f"FeatureAxes.values must be float16 of shape (1 + d, c) or (0, c), got {self.values.dtype} of "
                f"{self.values.shape}"
            )

    @property
    def projection(self) -> LinearProjection | None:
        """The projection of vectors; None where all channels are kept."""
        if not len(self.values):
            return None
        rows = self.values.astype(np.float32)
        return LinearProjection(rows[0], np.ascontiguousarray(rows[1:].T))

    def save(self, path: Path) -> None:
        write_npy(path, type(self), self.values, self.values.shape, asdict(self.metadata))

    @classmethod
    def load(cls, path: Path) -> Self:
        values, metadata = read_npy(path, cls)
        layers: tuple[str, ...] = tuple(metadata.pop("layers"))
        return cls(np.array(values), AxesMetadata(layers=layers, **metadata))


def pack_projection(projection: LinearProjection) -> NDArray[np.float16]:
    """(1 + d, c) values of a FeatureAxes: the mean, then the axes."""
    return np.vstack([projection.mean, projection.axes.T]).astype(np.float16)
