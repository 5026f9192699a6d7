"""What a user can choose about an export."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportOptions:
    """The options of `semflow export` that formats read."""

    classes: tuple[str, ...] = ()
    """Names of the classes whose tracks are written; empty for all."""
    images: bool = False
    """Whether images are written beside annotations that refer to some."""
