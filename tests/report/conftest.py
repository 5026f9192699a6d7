"""Small videos with known contents, and a reader of pages that trusts nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.matches import Matches
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata, SemanticFlowPair
from tasks.artifacts.tracks import Tracks
from tasks.geometry.cell_grid import CellGrid, l2_normalize
from tasks.report.params import ReportParams
from tasks.report.report_data import ReportData
from tests.factories.frames import make_decode_report

WIDTH, HEIGHT = 160, 90
Row = tuple[int, int, int, float, tuple[float, float, float, float]]
"""(frame, track id, class id, score or 0 for filled in, box)."""
CLASSES = {0: "person", 1: "bicycle", 2: "car"}


@pytest.fixture
def params() -> ReportParams:
    return ReportParams(
        film=True,
        overlay=False,
        trail=10,
        crf=23,
        preset="ultrafast",
        key_frames=4,
        motion_pictures=3,
        feature_pictures=3,
        matched_pairs=2,
        portraits=3,
        timeline_rows=5,
        table_rows=6,
    )


def make_account(status: Sequence[str], width: int, height: int, **changes: object) -> DecodeReport:
    lost, damaged = list(status).count("lost"), list(status).count("damaged")
    facts = {"file": "clip.mp4", "container": "mov,mp4,m4a,3gp,3g2,mj2", "encoding": "png"} | changes
    return make_decode_report((height, width), len(status), lost=lost, damaged=damaged, **facts)


@pytest.fixture
def make_frames(tmp_path: Path) -> Callable[..., Frames]:
    """Frames of a flat grey that brightens by `step` a frame from `base` on, PNG so that pixels are exact."""

    def make(
        status: Sequence[str] = ("ok",) * 12,
        pts_s: Sequence[float] | None = None,
        width: int = WIDTH,
        height: int = HEIGHT,
        base: int = 90,
        step: int = 1,
        **changes: object,
    ) -> Frames:
        times = np.arange(len(status)) / 25 if pts_s is None else pts_s
        rows = [
            Frame(
                i, float(t), s, None if s == "lost" else np.full((height, width, 3), base + step * (i % 60), np.uint8)
            )
            for i, (t, s) in enumerate(zip(times, status, strict=True))
        ]
        file = tmp_path / f"frames{len(list(tmp_path.iterdir()))}.parquet"
        Frames.stream(rows, lambda: make_account(status, width, height, **changes), encoding="png").save(file)
        return Frames.load(file)

    return make


def make_tables(frames: Frames, rows: Sequence[Row], names: dict[int, str] = CLASSES) -> tuple[Detections, Tracks]:
    """Tracks of `rows`, and the detections behind those with a score."""
    rows = sorted(rows, key=lambda row: row[:2])
    frame, track_id, class_id = (np.array([row[i] for row in rows]) for i in range(3))
    score = np.array([row[3] for row in rows], np.float32)
    box = np.array([row[4] for row in rows], np.float32).reshape(-1, 4)
    word = np.array([names[row[2]] for row in rows], dtype=object)
    facts = {"frame_count": len(frames), "width": frames.width, "height": frames.height}
    seen = score > 0
    detections = Detections(
        frame=frame[seen].astype(np.int32),
        class_id=class_id[seen].astype(np.int16),
        class_name=word[seen],
        score=score[seen],
        x1=box[seen, 0],
        y1=box[seen, 1],
        x2=box[seen, 2],
        y2=box[seen, 3],
        **facts,
    )
    tracks = Tracks(
        frame=frame.astype(np.int32),
        track_id=track_id.astype(np.int32),
        class_id=class_id.astype(np.int16),
        class_name=word,
        score=score,
        x1=box[:, 0],
        y1=box[:, 1],
        x2=box[:, 2],
        y2=box[:, 3],
        detection=np.where(seen, np.cumsum(seen) - 1, -1).astype(np.int32),
        **facts,
    )
    return detections, tracks


Motion = tuple[float, float] | str
"""What the whole picture does between two frames, px; or "cut", or "missing" for a frame that is."""


@pytest.fixture
def make_flow(tmp_path: Path) -> Callable[[Frames, Sequence[Motion]], DenseFlow]:
    """Flow without parallax: the camera does what the picture does, and the left quarter cannot be verified."""

    def make(frames: Frames, motions: Sequence[Motion]) -> DenseFlow:
        encoding = FlowEncoding(frames.height, frames.width, grid=2, steps_per_px=32)
        pairs = {motion: make_pair(encoding, motion) for motion in set(motions)}
        file = tmp_path / f"flow{len(list(tmp_path.iterdir()))}.parquet"
        facts = FlowMetadata(len(frames), "dis", encoding)
        DenseFlow.stream((pairs[motion] for motion in motions), facts).save(file)
        return DenseFlow.load(file)

    return make


def make_pair(encoding: FlowEncoding, motion: Motion) -> FlowPair:
    if isinstance(motion, str):
        return FlowPair.empty(encoding, 80.0, cut=True) if motion == "cut" else FlowPair.empty(encoding)
    forward = np.broadcast_to(np.array(motion, np.float32), (encoding.height, encoding.width, 2)).copy()
    valid = np.ones((encoding.height, encoding.width), np.bool_)
    valid[:, : encoding.width // 4] = False
    camera = np.array([[1, 0, motion[0]], [0, 1, motion[1]], [0, 0, 1.0]])
    return FlowPair(forward, -forward, valid, valid, 1.5, False, camera, 0.9)


CELL_PX, DIMENSIONS = 8, 6
STRIDES, EVERY = (1, 4), 2
"""Of the pairs that are matched."""


def make_grid(frames: Frames) -> CellGrid:
    return CellGrid(max(1, frames.height // CELL_PX), max(1, frames.width // CELL_PX), CELL_PX, CELL_PX, 0.0, 0.0)


def make_features(frames: Frames) -> Features:
    """Four upright stripes, each with a vector of its own and a little noise; zeros where a frame is not whole."""
    grid = make_grid(frames)
    stripe = np.eye(DIMENSIONS)[np.arange(grid.columns) * 4 // grid.columns]
    noise = np.random.default_rng(0).normal(0, 0.02, (len(frames), grid.rows, grid.columns, DIMENSIONS))
    values = l2_normalize(stripe + noise) * np.asarray(frames.ok, np.float32)[:, None, None, None]
    facts = FeatureMetadata("mobilenet-v2", ("b6", "b13"), frames.width, frames.height, grid)
    return Features.from_vectors(values, facts)


def make_semantic_flow(frames: Frames, speed: tuple[float, float] = (2.0, 1.0)) -> SemanticFlow:
    """Everything moves by `speed` px a frame, surely; zeros where a frame is not whole."""
    count, grid = len(frames), make_grid(frames)
    ends = [(a, a + stride) for a in range(0, count, EVERY) for stride in STRIDES if a + stride < count]
    whole = [bool(frames.ok[a] and frames.ok[b]) for a, b in ends]
    values = np.zeros((len(ends), grid.rows, grid.columns, 3), np.float16)
    for row, (a, b) in enumerate(ends):
        values[row] = [speed[0] * (b - a), speed[1] * (b - a), 1] if whole[row] else 0
    pairs = [
        SemanticFlowPair(a, b, 1.0, 0.9) if ok else SemanticFlowPair(a, b)
        for (a, b), ok in zip(ends, whole, strict=True)
    ]
    return SemanticFlow(values, tuple(pairs), SemanticFlowMetadata(count, frames.width, frames.height, grid))


def make_matches(detections: Detections, ties: Sequence[tuple[int, int, float]]) -> Matches:
    """Of each of `ties`: a row of the detections, one in a later frame, and their cosine."""
    ties = sorted(ties, key=lambda tie: (detections.frame[tie[0]], detections.frame[tie[1]], tie[0]))
    rows = {side: np.array([tie[i] for tie in ties], np.int32) for i, side in enumerate("ab")}
    columns = {
        f"{side}_{edge}": getattr(detections, edge)[at]
        for side, at in rows.items()
        for edge in ("x1", "y1", "x2", "y2")
    }
    for side, at in rows.items():
        columns |= {
            f"frame_{side}": detections.frame[at],
            f"detection_{side}": at,
            f"class_name_{side}": detections.class_name[at],
        }
    return Matches(
        **columns,
        cosine=np.array([tie[2] for tie in ties], np.float32),
        mutual=np.array([tie[2] > 0.6 for tie in ties], np.bool_),
        frame_count=detections.frame_count,
        width=detections.width,
        height=detections.height,
    )


@pytest.fixture
def make_dossier(
    make_frames: Callable[..., Frames],
    make_flow: Callable[[Frames, Sequence[Motion]], DenseFlow],
    params: ReportParams,
) -> Callable[..., ReportData]:
    """A dossier of made-up frames and rows, moving by `motions` or slowly, with detections matched as `ties` say.

    Other arguments go to `make_frames`.
    """

    def make(
        rows: Sequence[Row] = (),
        names: dict[int, str] = CLASSES,
        params: ReportParams = params,
        motions: Sequence[Motion] | None = None,
        ties: Sequence[tuple[int, int, float]] = (),
        **video: object,
    ) -> ReportData:
        frames = make_frames(**video)
        if motions is None:
            motions = [(2.0, 1.0) if ok else "missing" for ok in frames.ok[:-1] & frames.ok[1:]]
        detections, tracks = make_tables(frames, rows, names)
        return ReportData(
            frames=frames,
            detections=detections,
            dense_flow=make_flow(frames, motions),
            features=make_features(frames),
            semantic_flow=make_semantic_flow(frames),
            matches=make_matches(detections, ties),
            tracks=tracks,
            params=params,
        )

    return make


@pytest.fixture
def walk() -> list[Row]:
    """A person from left to right in frames 0 to 11, filled in at 4 and 5, away at 8; a car in frames 3 to 5."""
    person: list[Row] = [
        (f, 1, 0, 0.0 if f in (4, 5) else 0.5 + f / 100, (10 + 5 * f, 20, 30 + 5 * f, 70)) for f in range(12)
    ]
    car: list[Row] = [(f, 2, 2, 0.9, (100, 40, 150, 60)) for f in range(3, 6)]
    return [row for row in person if row[0] != 8] + car


class Page(HTMLParser):
    """Tags, ids, addresses and text of a page; fails on tags that do not match."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.addresses += [str(found[key]) for key in ("src", "href", "poster", "srcset", "data") if found.get(key)]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def count(self, name: str, class_: str) -> int:
        return sum(tag == name and class_ in (found.get("class") or "").split() for tag, found in self.tags)


@pytest.fixture
def read_page() -> Callable[[str], Page]:
    return Page
