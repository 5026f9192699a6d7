"""Films that lie at an address (`s3://`, `https://`, others that fsspec reads) and are read where they lie.

Such a film stands in an address file (JSON, with the ending of `SUFFIX`) that is decoded in place of a video. It has
the film's size and the mark that the server gives it, so it changes when the film is replaced.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from tasks.artifacts.raw_video import RawVideo
from tasks.errors import BadInput

SUFFIX = ".filmaddress"
WEB = ("http", "https")
"""Protocols whose addresses have escapes (`%20`) and queries."""


@dataclass(frozen=True)
class FilmAddress:
    """A film on a server, as it was when the server was asked."""

    url: str
    size: int
    """Bytes."""
    mark: str
    """Its ETag, else its time of change; another one means other bytes. "" where the server gives neither."""
    md5: str = ""
    """MD5 of the film's bytes where the server states it (an ETag of S3), else ""."""

    @property
    def file_name(self) -> str:
        """The last part of the address, as a file there would be named."""
        protocol, _, rest = self.url.partition("://")
        path = unquote(urlsplit(self.url).path) if protocol in WEB else rest
        return path.rstrip("/").rpartition("/")[2]

    def render(self) -> str:
        """The text of the address file."""
        return json.dumps(asdict(self), indent=0) + "\n"


def read_film_address(file: Path) -> FilmAddress:
    """The address that `file` holds; BadInput where it holds none."""
    try:
        return parse_film_address(file.read_text(encoding="utf-8"))
    except ValueError:
        raise BadInput(
            f"{file.name} must be an address as videos.yaml makes it, got something else; remove it, and run again"
        ) from None


def parse_film_address(text: str) -> FilmAddress:
    """The address in the text of an address file; ValueError where it is none."""
    try:
        return FilmAddress(**cast("dict[str, Any]", json.loads(text)))
    except TypeError as error:
        raise ValueError(str(error)) from None


def name_film(file: Path) -> str:
    """The name of a film in messages and reports: its path below data/raw, else its file name, also at an address."""
    return read_film_address(file).file_name if file.suffix == SUFFIX else RawVideo(file).name
