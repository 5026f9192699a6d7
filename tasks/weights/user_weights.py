"""Weight files of a user's own, named by path and sha256 in params.yaml, beside those of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks.errors import BadParams
from tasks.weights.catalog import weights_sha256
from tasks.weights.download import compute_sha256
from tasks.weights.fetch import weights_path


@dataclass(frozen=True)
class UserWeights:
    """A file and the sha256 that it must have; nothing of it is read before that is checked."""

    key: str
    """Where it is named in params.yaml, for messages."""
    path: Path
    sha256: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    def verify(self) -> Path:
        """The path of the file; BadParams where it is not there or another one."""
        if not self.path.is_file():
            raise BadParams(f"{self.key}.path must be a file, got {self.path}, which is not there")
        if (actual := compute_sha256(self.path)) != self.sha256:
            raise BadParams(
                f"{self.key}.sha256 must be that of {self.path.name}, {actual}, got {self.sha256}; if you trust the "
                "file, write its sha256 there"
            )
        return self.path


def locate_weights(weights: str | UserWeights) -> Path:
    """The verified file of a name in the catalogue, downloaded if needed, or of a user's own."""
    return weights_path(weights) if isinstance(weights, str) else weights.verify()


def find_sha256(weights: str | UserWeights) -> str:
    """SHA-256 that the file must have."""
    return weights_sha256(weights) if isinstance(weights, str) else weights.sha256
