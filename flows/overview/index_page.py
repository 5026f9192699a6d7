"""Render the index page of all videos, failures first, then by name; one self-contained HTML page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from flows.overview.film_facts import CELLS_ACROSS, CELLS_DOWN, summarise_labels, summarise_people_of_film
from flows.overview.model_summary import ModelSummary
from tasks.artifacts.actions import Actions
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.report import Report
from tasks.artifacts.tracks import Tracks

if TYPE_CHECKING:
    from flows.overview.dataset_facts import DatasetFacts

THUMBNAIL_PX = 176  # as wide as the page shows it
MAX_FAILURES = 5  # listed above everything; the list below has them all


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
    most_people: int | None = None
    """Most persons in one frame."""
    presence: tuple[int, ...] = ()
    """Frames in which a person is in each cell of the picture, as in `PeopleFacts`."""
    actions: Mapping[str, float] = field(default_factory=dict[str, float])
    """Confident label to the seconds of its windows, in descending order."""


def make_index_item(root: Path, video: str, stem: str | None = None, report_stem: str | None = None) -> IndexItem:
    """The entry of `video` in the project at `root`, from its existing artifacts; reads at most one image.

    `stem` and `report_stem` are the stems of its artifacts and of its report; by default the video's name.
    """
    kinds = (Frames, Detections, Tracks, Actions)
    frames, detections, tracks, actions = (kind.path(root, stem or video) for kind in kinds)
    people = summarise_people_of_film(tracks) if tracks.is_file() else None
    account, thumbnail = _look(frames) if frames.is_file() else (None, None)
    page = Report.path(root, report_stem or stem or video) / Report.PAGE
    return IndexItem(
        video=video,
        link=quote(page.relative_to(root / Report.FOLDER).as_posix()) if page.is_file() else None,
        thumbnail=thumbnail,
        account=account,
        detections=_row_count(detections) if detections.is_file() else None,
        tracks={} if people is None else people.tracks,
        most_people=None if people is None else people.most_people,
        presence=() if people is None else people.presence,
        actions=summarise_labels(actions) if actions.is_file() else {},
    )


def render_index(
    items: Sequence[IndexItem], model: ModelSummary | None = None, facts: DatasetFacts | None = None
) -> str:
    """The page as HTML, with the scores of a team's action model and the card of the data set from its facts; it does
    not depend on the order of the items."""
    from markupsafe import Markup

    from flows.overview.card_section import make_card
    from flows.overview.learning_chart import render_learning_curve
    from tasks.report.formatting import format_count, format_number
    from tasks.report.page_template import make_environment, make_style

    ordered = sorted(items, key=lambda item: (item.state == "ok", item.video))
    return (
        make_environment()
        .from_string(_read_file("index_page.html.jinja"))
        .render(
            title="All videos" if facts is None else facts.notes.name,
            card=None if facts is None else make_card(facts, ordered),
            index="#main",
            style=make_style(()) + Markup(_read_file("index_page.css")),  # safe: a file of this package
            script=Markup(_read_file("index_page.js")),  # safe: a file of this package
            model=model,
            curve=None if model is None else render_learning_curve(model.curve, len(model.labels)),
            items=ordered,
            failed=[item for item in ordered if item.state == "failed"],
            films=Markup(_dump_films(ordered)),  # safe: no "<" is left
            summary=summarise_videos(items),
            most_failures=MAX_FAILURES,
            count=format_count,
            number=format_number,
        )
    )


def _read_file(name: str) -> str:
    return resources.files("flows.overview").joinpath(name).read_text(encoding="utf-8")


def _dump_films(items: Sequence[IndexItem]) -> str:
    """The films as JSON for the page's script, which draws those in view; nothing in it can end a script element."""
    films = {"across": CELLS_ACROSS, "down": CELLS_DOWN, "films": [_film_facts(item) for item in items]}
    return json.dumps(films, ensure_ascii=True, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _film_facts(item: IndexItem) -> dict[str, Any]:
    account = item.account
    thumbnail = None if item.thumbnail is None else base64.b64encode(item.thumbnail).decode("ascii")
    facts = {
        "video": item.video,
        "state": item.state,
        "stage": item.stage,
        "error": item.error,
        "link": item.link,
        "detections": item.detections,
        "tracks": dict(item.tracks),
        "people": item.most_people,
        "presence": list(item.presence),
        "actions": dict(item.actions),
        "thumbnail": thumbnail,
    }
    if account is None:
        return facts
    return facts | {
        "seconds": account.duration_s,
        "fps": account.fps,
        "varying": account.vfr,
        "size": [account.source_width, account.source_height],
        "frames": account.kept,
        "damaged": account.damaged,
        "lost": account.lost,
    }


def summarise_videos(items: Sequence[IndexItem]) -> str:
    """A summary of all videos in one to three sentences."""
    from tasks.report.formatting import format_count, format_duration, format_number

    if not items:
        return "No videos yet: put some into data/raw and run `semflow run`."
    failed = sum(item.state == "failed" for item in items)
    accounts = [item.account for item in items if item.account is not None]
    sentences = [f"{format_count(len(items), 'video')}" + (f", {format_number(failed, 1)} failed." if failed else ".")]
    if accounts:
        wrong = [
            f"{format_number(amount, 1)} {word}"
            for amount, word in ((sum(a.damaged for a in accounts), "damaged"), (sum(a.lost for a in accounts), "lost"))
            if amount
        ]
        sentences.append(
            f"{format_duration(sum(a.duration_s for a in accounts))} of video"
            + f" in {format_count(sum(a.kept for a in accounts), 'frame')}"
            + (f" ({', '.join(wrong)})" if wrong else ", all decoded without damage")
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
