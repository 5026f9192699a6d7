"""The user's action labels: `data/labels/actions.csv`, which semflow only reads. It may be absent.

    video,label,start_s,end_s,track_id,split
    lesson_1,plié,12.0,15.5,,
    lesson_1,jeté,20.0,21.2,3,held-out

`video` and `label` are required; the rest may be left out or empty: then a label holds for the whole video and the
person visible longest, and semflow selects the held-out videos.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from tasks.artifacts.artifact import UserInput
from tasks.errors import BadInput
from tasks.text import read_text

DatasetSplit = Literal["train", "held-out"]
SPLITS: tuple[DatasetSplit, ...] = ("train", "held-out")
REQUIRED_COLUMNS = ("video", "label")
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""Column separators of spreadsheets in locales where a comma is the decimal mark."""
MAX_SHOWN = 200
MAX_TRACK_ID = 2**31 - 1
HINT = "mend the file, or remove it to go on with the model that ships with semflow"
EXPECTED = {
    "video": "given",
    "label": "given",
    "start_s": "seconds from 0 on, like 12.5",
    "end_s": "seconds from 0 on, like 12.5",
    "track_id": "a whole number from 1 on, as in data/tracks",
    "split": f"{' or '.join(SPLITS)}, or empty",
}
"""What a cell of a column must be, for messages."""


def _check_digits(cell: str | None) -> str | None:
    """The cell; ValueError where it is not digits alone: pydantic reads "1.0" and "1_0" as whole numbers too."""
    if cell is not None and not cell.isdecimal():
        raise ValueError("must be digits")
    return cell


Text = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
TrackId = Annotated[int, Field(ge=1, le=MAX_TRACK_ID)]


@dataclass(frozen=True)
class ActionLabel:
    """One row: the action in a time interval of a video."""

    video: Text
    """Name of the video as `semflow plan` shows it, with or without the suffix of its file."""
    label: Text
    """The action."""
    start_s: Seconds | None
    """Start, seconds of the video's own time; None for its beginning."""
    end_s: Seconds | None
    """End, seconds; None for the end of the video."""
    track_id: Annotated[TrackId | None, BeforeValidator(_check_digits)]
    """The person, as in data/tracks; None for the one who is visible longest."""
    split: DatasetSplit | None
    """train or held-out, the same for all rows of a video; None: semflow assigns it."""
    line: int
    """Line in the file, from 1."""


COLUMNS = tuple(field.name for field in fields(ActionLabel) if field.name != "line")
OPTIONAL_COLUMNS = COLUMNS[len(REQUIRED_COLUMNS) :]
_row_type = TypeAdapter(ActionLabel)


@dataclass(frozen=True)
class ActionLabels(UserInput):
    """The rows of the file in its order, or none because there is no file."""

    FOLDER: ClassVar[str] = "data/labels"
    SUFFIX: ClassVar[str] = ".csv"
    NAME: ClassVar[str] = "actions"

    rows: tuple[ActionLabel, ...]
    given: bool = True
    """Whether there is a file."""

    @classmethod
    def absent(cls) -> Self:
        """The value for a missing file."""
        return cls((), given=False)

    @classmethod
    def path(cls, root: Path, video: str) -> Path:
        """The one file of the project, whatever the video."""
        del video
        return root / cls.FOLDER / f"{cls.NAME}{cls.SUFFIX}"

    @property
    def labels(self) -> tuple[str, ...]:
        """The different labels, sorted."""
        return tuple(sorted({row.label for row in self.rows}))

    @property
    def videos(self) -> frozenset[str]:
        """Names of the labelled videos, with and without the suffix of their file."""
        return frozenset(name for row in self.rows for name in possible_video_names(row.video))

    def save(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for row in self.rows:
                values = (getattr(row, name) for name in COLUMNS)
                writer.writerow("" if value is None else value for value in values)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check the table; BadInput with file, line, what was expected and what to do."""
        reader = csv.DictReader(io.StringIO(read_text(path, path.name), newline=""), skipinitialspace=True)
        try:
            _check_header(path.name, reader.fieldnames)
            rows = tuple(
                _parse_row(path.name, reader.line_num, raw) for raw in reader if any(filter(None, raw.values()))
            )
        except csv.Error as error:
            raise BadInput(f"{path.name}:{reader.line_num}: must be a table, got an error: {error}; {HINT}") from None
        _check_splits(path.name, rows)
        _check_duplicates(path.name, rows)
        return cls(rows)


def possible_video_names(video: str) -> tuple[str, str]:
    """Video names that a cell of the column `video` may refer to: the cell, and the cell without a file suffix.

    In Unicode form C, as names are: a Mac's file names, and what is copied from them, may be in form D.
    """
    video = unicodedata.normalize("NFC", video)
    path = PurePosixPath(video)
    return video, path.with_suffix("").as_posix() if path.name else video  # "." and "/" name no file


def _check_header(file: str, names: object) -> None:
    found = [str(name).strip() for name in cast("list[str]", names or [])]
    missing = [name for name in REQUIRED_COLUMNS if name not in found]
    unknown = [name for name in found if name not in COLUMNS]
    twice = [name for name in found if found.count(name) > 1]
    if missing or unknown or twice:
        other = next((word for mark, word in OTHER_SEPARATORS.items() if len(found) == 1 and mark in found[0]), None)
        got = f"{other}; save it as CSV with commas" if other else ", ".join(found)[:MAX_SHOWN] or "nothing"
        raise BadInput(
            f"{file}:1: columns must be {', '.join(REQUIRED_COLUMNS)} and, where wanted, "
            f"{', '.join(OPTIONAL_COLUMNS)}, separated by commas, got {got}; {HINT}"
        )


def _parse_row(file: str, line: int, raw: dict[str | None, str | list[str] | None]) -> ActionLabel:
    """One row, its values checked."""
    where = f"{file}:{line}"
    if None in raw:
        raise BadInput(f"{where}: row must have as many cells as the header, got more; quote a label that has a comma")
    cells = {cast("str", name).strip(): cast("str | None", value) or "" for name, value in raw.items()}
    values = {name: cells.get(name, "").strip() or None for name in COLUMNS}
    try:
        row = _row_type.validate_python({**values, "line": line})
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        value = values[name]
        got = "nothing" if value is None else repr(value[:MAX_SHOWN])
        raise BadInput(f"{where}: {name} must be {EXPECTED[name]}, got {got}; {HINT}") from None
    if row.end_s is not None and row.end_s <= (row.start_s or 0):
        raise BadInput(f"{where}: end_s must be after start_s {row.start_s or 0:g}, got {row.end_s:g}; {HINT}")
    return row


def _check_splits(file: str, rows: tuple[ActionLabel, ...]) -> None:
    """BadInput where a video is in both splits: its windows are alike, so testing on them would be biased."""
    first: dict[str, ActionLabel] = {}
    for row in rows:
        before = first.setdefault(row.video, row)
        if row.split != before.split:
            raise BadInput(
                f"{file}:{row.line}: split of {row.video} must be {before.split or 'empty'} as in line {before.line}, "
                f"got {row.split or 'nothing'}; a video is trained on or measured on, never both"
            )


def _check_duplicates(file: str, rows: tuple[ActionLabel, ...]) -> None:
    lines: dict[ActionLabel, int] = {}
    for row in rows:
        before = lines.setdefault(replace(row, line=0), row.line)
        if before != row.line:
            raise BadInput(f"{file}:{row.line}: row must differ from those before, got line {before} again; {HINT}")
