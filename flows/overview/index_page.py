"""Render the index page of all videos, failures first, then by name; one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from flows.overview.model_summary import ModelSummary
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.report import Report
from tasks.artifacts.tracks import Tracks

THUMBNAIL_PX = 256
MAX_KINDS = 4  # classes named per video; the rest are counted together
SEARCH_FROM = 12  # number of videos from which the page has a search field


@dataclass(frozen=True)
class IndexItem:
    """The entry of one video; unknown values are None or empty."""

    video: str
    state: Literal["ok", "failed"] = "ok"
    stage: str | None = None
    """The stage that failed."""
    error: str | None = None
    """The reason of the failure."""
    link: str | None = None
    """Address of the video's report, relative to the index."""
    thumbnail: bytes | None = None
    """JPEG bytes."""
    account: DecodeReport | None = None
    detections: int | None = None
    tracks: Mapping[str, int] = field(default_factory=dict[str, int])
    """Class to its number of tracks, in descending order."""


def make_index_item(root: Path, video: str, stem: str | None = None, report_stem: str | None = None) -> IndexItem:
    """The entry of `video` in the project at `root`, from its existing artifacts; reads at most one image.

    `stem` and `report_stem` are the stems of its artifacts and of its report; by default the video's name.
    """
    frames, detections, tracks = (kind.path(root, stem or video) for kind in (Frames, Detections, Tracks))
    account, thumbnail = _look(frames) if frames.is_file() else (None, None)
    page = Report.path(root, report_stem or stem or video) / Report.PAGE
    return IndexItem(
        video=video,
        link=quote(page.relative_to(root / Report.FOLDER).as_posix()) if page.is_file() else None,
        thumbnail=thumbnail,
        account=account,
        detections=_row_count(detections) if detections.is_file() else None,
        tracks=_kinds(tracks) if tracks.is_file() else {},
    )


def render_index(items: Sequence[IndexItem], model: ModelSummary | None = None) -> str:
    """The page as HTML, with the scores of a team's action model; it does not depend on the order of the items."""
    from tasks.report.formatting import format_clock, format_count, format_number, format_rate, format_size
    from tasks.report.inline_images import make_data_uri
    from tasks.report.page_template import make_environment, make_style

    template = make_environment().from_string(
        resources.files("flows.overview").joinpath("index_page.html.jinja").read_text(encoding="utf-8")
    )
    return template.render(
        title="All videos",
        index="#main",
        style=make_style(()),
        model=model,
        items=sorted(items, key=lambda item: (item.state == "ok", item.video)),
        summary=summarise_videos(items),
        search=len(items) >= SEARCH_FROM,
        most_kinds=MAX_KINDS,
        clock=format_clock,
        count=format_count,
        number=format_number,
        rate=format_rate,
        size=format_size,
        data_uri=make_data_uri,
    )


def summarise_videos(items: Sequence[IndexItem]) -> str:
    """A summary of all videos in one to three sentences."""
    from tasks.report.formatting import format_count, format_duration, format_number

    if not items:
        return "No videos yet: put some into data/raw and run `semflow run`."
    failed = sum(item.state == "failed" for item in items)
    accounts = [item.account for item in items if item.account is not None]
    sentences = [
        f"{format_count(len(items), 'video')}, " + (f"{format_number(failed, 1)} failed." if failed else "all good.")
    ]
    if accounts:
        wrong = [
            f"{format_number(amount, 1)} {word}"
            for amount, word in ((sum(a.damaged for a in accounts), "damaged"), (sum(a.lost for a in accounts), "lost"))
            if amount
        ]
        sentences.append(
            f"{format_duration(sum(a.duration_s for a in accounts))} of video"
            + f" in {format_count(sum(a.kept for a in accounts), 'frame')}"
            + (f" ({', '.join(wrong)})" if wrong else "")
            + f", {format_count(sum(sum(item.tracks.values()) for item in items), 'track')}."
        )
    return " ".join(sentences)


def _look(path: Path) -> tuple[DecodeReport, bytes | None]:
    """The decode report, and a thumbnail (JPEG) of the middle one of the undamaged frames; None without any."""
    import numpy as np

    from tasks.report.inline_images import encode_jpeg, shrink_image

    frames = Frames.load(path)
    whole = np.flatnonzero(frames.ok)
    picture = encode_jpeg(shrink_image(frames.image(int(whole[len(whole) // 2])), THUMBNAIL_PX)) if len(whole) else None
    return frames.decode_report, picture


def _row_count(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _kinds(path: Path) -> dict[str, int]:
    """Class to its number of tracks, in descending order."""
    import pyarrow.parquet as pq

    pairs = pq.read_table(path, columns=["class_name", "track_id"]).group_by(["class_name", "track_id"]).aggregate([])
    kinds: dict[str, int] = {}
    for name in pairs.column("class_name").to_pylist():
        kinds[name] = kinds.get(name, 0) + 1
    return dict(sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0])))
