"""Licences of the weight files that recipes name."""

from __future__ import annotations

from tasks.weights.catalog import WEIGHTS


def find_licence(name: str, sha256: str) -> str | None:
    """The licence of a weight file by its name and hash; None where it is not one of the catalogue."""
    asset = WEIGHTS.get(name)
    return asset.licence if asset is not None and asset.sha256 == sha256 else None
