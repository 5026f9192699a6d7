"""The licence and the origin of model weights, by name and content."""

from __future__ import annotations

from tasks.weights.catalog import WEIGHTS

UNKNOWN_LICENCE = "your own"


def find_licence(name: str, sha256: str) -> tuple[str, str]:
    """Licence and origin of weights of the catalogue; UNKNOWN_LICENCE and "" for other files, whatever their name."""
    asset = WEIGHTS.get(name)
    return (asset.licence, asset.origin) if asset is not None and asset.sha256 == sha256 else (UNKNOWN_LICENCE, "")
