"""Films with the truth of who is where, and the way from such a film to tracks by the project's own stages.

A film is a folder with `gt/gt.txt` in MOTChallenge's format and a video file, or `img1/` with its frames. Frames of
`img1/` are packed into a video file as they are, without encoding them again. Where the truth ends before the film,
the film is cut there, so that no tracker sees what comes after.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np

from flows.evaluate.motchallenge import MotSequence, open_sequence
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.raw_video import RawVideo
from tasks.artifacts.tracks import Tracks
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.detect.params import DetectParams
from tasks.detect.stage import detect
from tasks.errors import BadInput
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.estimate_flow.stage import estimate_flow
from tasks.params import Compute, ParamSections
from tasks.track.params import TrackParams

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv", ".webm")
IMAGE_CODECS: Mapping[str, tuple[str, str]] = {".jpg": ("mjpeg", "yuvj420p"), ".png": ("png", "rgb24")}
"""FFmpeg's codec and pixel format of a frame in `img1/`, by its suffix."""
UNREAD = cast(Any, None)
"""In place of an artifact that no parameter asks for."""


@dataclass(frozen=True)
class TrackingFilm:
    """One film with ground truth."""

    sequence: MotSequence
    source: Path
    """The video file, or the folder `img1`."""


@dataclass(frozen=True, eq=False)
class PreparedFilm:
    """What tracking reads of one film, and the seconds it took to compute."""

    frames: Frames
    detections: Detections
    dense_flow: DenseFlow
    seconds: float

    @property
    def people(self) -> Detections:
        """The detections of people, which are what MOTChallenge scores."""
        return self.detections.take(np.flatnonzero(self.detections.class_name == "person"))


def find_films(root: Path, film: Path | None = None) -> list[TrackingFilm]:
    """Every folder at any depth below `root`, or `root` itself, with `gt/gt.txt` and a film; BadInput where none is.

    `film` is the video file of the only folder with truth, where it lies elsewhere.
    """
    folders = sorted(path.parent.parent for path in root.rglob("gt/gt.txt"))
    if film is not None:
        if len(folders) != 1 or not film.is_file():
            raise BadInput(f"--film must be the video file of the one gt/gt.txt below {root}, got {film}")
        return [TrackingFilm(open_sequence(folders[0], folders[0].resolve().name), film)]
    sources = {folder: source for folder in folders if (source := _find_source(folder)) is not None}
    if not sources:
        raise BadInput(f"{root} must hold folders with gt/gt.txt and a video file or img1/, got none at any depth")
    names = [folder.resolve().name for folder in sources]
    return [
        TrackingFilm(open_sequence(folder, name if names.count(name) == 1 else folder.as_posix()), source)
        for name, (folder, source) in zip(names, sources.items(), strict=True)
    ]


def make_video_file(film: TrackingFilm, folder: Path) -> Path:
    """The film's video file; frames of `img1/` are packed into one in `folder`."""
    import av

    if film.source.is_file():
        return film.source
    files = sorted(file for file in film.source.iterdir() if file.suffix.lower() in IMAGE_CODECS)
    if not files:
        raise BadInput(f"{film.source} must hold .jpg or .png frames, got none")
    codec, pixel_format = IMAGE_CODECS[files[0].suffix.lower()]
    rate = Fraction(film.sequence.frame_rate).limit_denominator(1001)
    path = folder / f"{film.sequence.name.replace('/', '-')}.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        if not isinstance(stream, av.VideoStream):
            raise BadInput(f"{film.source} must hold images, got {codec}")
        stream.width, stream.height, stream.pix_fmt = film.sequence.width, film.sequence.height, pixel_format
        for number, file in enumerate(files):
            packet = av.Packet(file.read_bytes())
            packet.stream, packet.time_base = stream, 1 / rate
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return path


def prepare_film(film: TrackingFilm, video: Path, folder: Path, params: ParamSections) -> PreparedFilm:
    """Frames, detections and, where the section `track` asks for it, dense flow of the film, up to the truth's end."""
    tracking, compute = params.get_section(TrackParams), params.get_section(Compute)
    start = time.perf_counter()
    frames = decode(RawVideo.load(video), params.get_section(DecodeParams)).to(folder / "frames.parquet")
    seconds = time.perf_counter() - start
    if len(frames) > film.sequence.frame_count:
        frames = cut_frames(frames, film.sequence.frame_count, folder / "cut.parquet")
    start = time.perf_counter()
    detections = detect(frames, params.get_section(DetectParams), compute)
    flow: DenseFlow = UNREAD
    if tracking.camera_compensation or tracking.flow_prediction:
        flow = estimate_flow(frames, params.get_section(EstimateFlowParams), compute).to(folder / "flow.parquet")
    return PreparedFilm(frames, detections, flow, seconds + time.perf_counter() - start)


def track_film_by_stages(film: PreparedFilm, params: TrackParams, compute: Compute) -> tuple[Tracks, float]:
    """Tracks as by the stage `track`, and the seconds that it took."""
    from tasks.track.run_tracker import track_detections
    from tasks.track.visual_cues import make_visual_cues

    if params.uses_appearance and params.appearance_source == "features":
        raise BadInput("track.appearance_source must be crops for `semflow eval tracking`, got features")
    start = time.perf_counter()
    unread: Features = UNREAD
    cues = make_visual_cues(film.detections, film.dense_flow, unread, film.frames, params, compute)
    tracks = track_detections(film.detections, film.frames.pts_s, params, cues)
    return tracks, time.perf_counter() - start


def cut_frames(frames: Frames, count: int, path: Path) -> Frames:
    """The first `count` frames, without loss."""
    rows = (
        Frame(int(frames.source_frame[i]), float(frames.pts_s[i]), frames.status[i], frames.image(i))
        for i in range(count)
    )
    report = replace(frames.decode_report, kept=count, encoding="raw")
    return Frames.stream(rows, lambda: report, "raw").to(path)


def scale_people(tracks: Tracks, source_width: int) -> Tracks:
    """The tracks of people, in pixels of the source."""
    people = tracks.take(np.flatnonzero(tracks.class_name == "person"))
    factor = np.float32(source_width / tracks.width)
    return replace(
        people,
        **{side: getattr(people, side) * factor for side in ("x1", "y1", "x2", "y2")},
        width=source_width,
        height=round(tracks.height * source_width / tracks.width),
    )


def _find_source(folder: Path) -> Path | None:
    videos = sorted(file for file in folder.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES)
    if len(videos) > 1:
        raise BadInput(f"{folder} must hold one video file, got {len(videos)}: {', '.join(v.name for v in videos)}")
    images = folder / "img1"
    return videos[0] if videos else images if images.is_dir() else None
