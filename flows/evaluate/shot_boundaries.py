"""Shots on films that are joined from clips of one shot: `semflow eval shots --data DIR`.

Every video file, and every folder of images, below DIR is a clip, taken for one shot at 25 frames per second; its first
frames are used, at 320 x 180. Each is joined with the clip after the next one, by a cut, and by fades through black and
dissolves of half a second and one second, both clips moving on meanwhile. Each is also taken alone: as it is, at double
speed, with a flash of two white frames, and with lights that dim to three tenths in half a second. Flow is the stage's
own. A boundary within the frames of the true transition, two frames more on each side, is found; every other one is
false. `named` is the share of those found that have the right kind, and `off` their mean distance from the middle,
frames. With --peers a table compares with the detectors of PySceneDetect on the same films (shot_peers.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.score_table import SuiteScores, TableRow
from flows.evaluate.shot_peers import find_shot_peers
from tasks.arrays import Image
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.shots import Transition
from tasks.device import resolve_device
from tasks.errors import BadInput
from tasks.estimate_flow.flow_backend import FlowBackend, open_flow_backend
from tasks.estimate_flow.flow_quality import assess_flow_pair
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.find_shots.params import FindShotsParams
from tasks.find_shots.shot_table import find_transitions
from tasks.find_shots.thumbnails import shrink_image
from tasks.params import Compute, ParamSections
from tasks.progress import track_progress

FPS = 25.0
SIZE = 320, 180
MAX_FRAMES = 60  # of each clip
MIN_FRAMES = 40
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}
VIDEO_SUFFIXES = {".avi", ".mkv", ".mov", ".mp4", ".webm"}
MARGIN = 2  # frames beside a transition in which its boundary counts as found
LENGTHS = {"0.5 s": 12, "1 s": 25}
FLASH_FRAMES = 2
DIM_FRAMES, DIM_GAIN = 12, 0.3


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame; `key` names it where flow to its neighbour may be kept, None where it was mixed."""

    image: Image
    key: tuple[int, int] | None = None


Clip = Sequence[Picture]


@dataclass(frozen=True, eq=False)
class JoinedFilm:
    """Frames with the frames of the one transition; None for a film of one shot."""

    pictures: Clip
    truth: tuple[int, int] | None = None
    """First and last frame that it changes; for a cut the two beside it."""


@dataclass
class FlowMemory:
    """Cut and photometric error of pairs of frames, each estimated once."""

    backend: FlowBackend
    encoding: FlowEncoding
    known: dict[tuple[tuple[int, int], tuple[int, int]], tuple[bool, float]] = field(default_factory=dict)

    def examine(self, first: Picture, second: Picture) -> tuple[bool, float]:
        """Whether dense flow has a cut between two frames, and its photometric error."""
        key = (first.key, second.key) if first.key and second.key else None
        if key is not None and key in self.known:
            return self.known[key]
        forward, backward = next(iter(self.backend.estimate([first.image, second.image])))
        pair = assess_flow_pair(first.image, second.image, forward, backward, self.encoding)
        found = pair.cut, pair.photometric_error
        if key is not None:
            self.known[key] = found
        return found


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--peers", is_flag=True, help="compare with the detectors of PySceneDetect, where it is installed")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score cuts, fades and dissolves on films joined from clips of one shot: recall, false boundaries."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Recall, share of right kinds, distance and false boundaries per kind of film, and over all."""
    clips = read_clips(arguments.data)
    compute, flow = params.get_section(Compute), params.get_section(EstimateFlowParams)
    backend = open_flow_backend(flow, resolve_device(compute.device) if flow.network else "cpu", compute.batch)
    memory = FlowMemory(backend, FlowEncoding(SIZE[1], SIZE[0], flow.stored_grid, flow.stored_steps_per_px))
    settings = params.get_section(FindShotsParams)
    makers = list_makers()
    peers = find_shot_peers() if arguments.peers else {}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in makers}
    told = {peer: {name: list[dict[str, float]]() for name in makers} for peer in peers}
    with track_progress("eval", "clips joined", len(clips)) as done:
        for number, clip in enumerate(clips):
            for name, make in makers.items():
                film = make(clip, clips[(number + 2) % len(clips)])
                found = find_boundaries(film.pictures, memory, settings)
                rows[name].append(score_film(film, found, name.split(",")[0]))
                for peer, detect in peers.items():
                    images = [picture.image for picture in film.pictures]
                    told[peer][name].append(score_film(film, detect(images, FPS), name.split(",")[0]))
            done(f"clip {number + 1}")
    items = {name: pool_scores(found) for name, found in rows.items()}
    tables = {"beside others": list_peer_scores({"semflow": rows} | told)} if peers else {}
    return SuiteScores("shots", items, pool_scores([row for found in rows.values() for row in found]), tables)


def list_peer_scores(found: Mapping[str, Mapping[str, Sequence[dict[str, float]]]]) -> list[TableRow]:
    """A row for each detector: found of all films with a transition, false ones of films of one shot, and all false."""
    return [
        {
            "detector": detector,
            **{
                name: (
                    f"{sum(row['found'] for row in rows):g} of {len(rows)}"
                    if any(row["true"] for row in rows)
                    else f"{sum(row['false'] for row in rows):g} false"
                )
                for name, rows in films.items()
            },
            "false in all": sum(row["false"] for rows in films.values() for row in rows),
        }
        for detector, films in found.items()
    ]


def find_boundaries(pictures: Clip, memory: FlowMemory, params: FindShotsParams) -> list[Transition]:
    """The transitions that the stage finds in a film."""
    pairs = [memory.examine(*pair) for pair in pairwise(pictures)]
    cut, error = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    thumbnails = np.stack([shrink_image(picture.image).reshape(-1) for picture in pictures])
    return find_transitions(thumbnails, cut, error, FPS, params)


def list_makers() -> dict[str, Callable[[Clip, Clip], JoinedFilm]]:
    """Name of each kind of film to the function that makes it of two clips."""
    gradual = {
        f"{kind}, {text}": lambda a, b, join=join, length=length: join(a, b, length)
        for kind, join in (("fade", join_by_fade), ("dissolve", join_by_dissolve))
        for text, length in LENGTHS.items()
    }
    return {
        "cut": lambda a, b: JoinedFilm([*a, *b], (len(a) - 1, len(a))),
        **gradual,
        "one shot": lambda a, _: JoinedFilm(a),
        "one shot, double speed": lambda a, _: JoinedFilm(a[::2]),
        "one shot, flash": lambda a, _: JoinedFilm(add_flash(a)),
        "one shot, lights dim": lambda a, _: JoinedFilm(dim_lights(a)),
    }


def join_by_dissolve(first: Clip, second: Clip, length: int) -> JoinedFilm:
    """The last `length` frames of `first` mixed with the first ones of `second`."""
    shares = np.arange(1, length + 1) / (length + 1)
    middle = [
        _mix(a.image, b.image, share) for a, b, share in zip(first[-length:], second[:length], shares, strict=True)
    ]
    return JoinedFilm([*first[:-length], *middle, *second[length:]], (len(first) - length, len(first) - 1))


def join_by_fade(first: Clip, second: Clip, length: int) -> JoinedFilm:
    """The last frames of `first` fade to black, the first ones of `second` from black, half of `length` each."""
    half = length // 2
    shares = np.arange(1, half + 1) / (half + 1)
    black = np.zeros_like(first[0].image)
    away = [_mix(one.image, black, share) for one, share in zip(first[-half:], shares, strict=True)]
    back = [_mix(black, one.image, share) for one, share in zip(second[:half], shares, strict=True)]
    film = [*first[:-half], *away, Picture(black), *back, *second[half:]]
    return JoinedFilm(film, (len(first) - half, len(first) + half))


def add_flash(clip: Clip) -> Clip:
    """The clip with white frames in its middle."""
    middle, white = len(clip) // 2, Picture(np.full_like(clip[0].image, 255))
    return [*clip[:middle], *[white] * FLASH_FRAMES, *clip[middle + FLASH_FRAMES :]]


def dim_lights(clip: Clip) -> Clip:
    """The clip with lights that dim evenly over DIM_FRAMES frames in its middle, to DIM_GAIN, and stay there."""
    gains = np.interp(np.arange(len(clip)), [len(clip) // 2, len(clip) // 2 + DIM_FRAMES], [1, DIM_GAIN])
    black = np.zeros_like(clip[0].image)
    return [_mix(one.image, black, 1 - float(gain)) for one, gain in zip(clip, gains, strict=True)]


def score_film(film: JoinedFilm, found: Sequence[Transition], kind: str) -> dict[str, float]:
    """Counts of one film: true and found boundaries, those of the right kind, distance in frames, false ones."""
    right: list[Transition] = []
    middle = 0.0
    if film.truth is not None:
        first, last = film.truth
        right = [one for one in found if first - MARGIN <= one.frame <= last + MARGIN][:1]
        middle = (first + last + 1) / 2
    return {
        "films": 1,
        "true": film.truth is not None,
        "found": len(right),
        "named": sum(one.kind == kind for one in right),
        "distance": sum(abs(one.frame - middle) for one in right),
        "false": len(found) - len(right),
    }


def pool_scores(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """The metrics of several films together; recall and what follows only where there is something to find."""
    total = {name: float(sum(row[name] for row in rows)) for name in rows[0]}
    metrics = {"films": total["films"], "false": total["false"]}
    if total["true"]:
        metrics["recall"] = total["found"] / total["true"]
    if total["found"]:
        metrics |= {"named": total["named"] / total["found"], "off": total["distance"] / total["found"]}
    return metrics


def read_clips(folder: Path) -> list[Clip]:
    """The clips below `folder`, by name; BadInput where there are fewer than three of MIN_FRAMES frames."""
    files = [path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES]
    folders = {path.parent for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES}
    clips = [images for path in sorted([*files, *folders]) if len(images := list(_read_images(path))) >= MIN_FRAMES]
    if len(clips) < 3:  # noqa: PLR2004  a clip is joined with the one after the next
        raise BadInput(f"{folder} must hold three clips of {MIN_FRAMES} frames or more, got {len(clips)}")
    return [[Picture(image, (n, k)) for k, image in enumerate(images)] for n, images in enumerate(clips)]


def _read_images(path: Path) -> Iterator[Image]:
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in IMAGE_SUFFIXES)[:MAX_FRAMES]
        found: Iterator[Any] = (cv2.imread(str(file), cv2.IMREAD_COLOR) for file in files)
    else:
        film = cv2.VideoCapture(str(path))
        found = (film.read()[1] for _ in range(MAX_FRAMES))
    for image in found:
        if image is None:
            return
        yield _fit_image(image)


def _fit_image(image: Any) -> Image:
    """BGR to RGB of SIZE, cropped around the middle to its shape."""
    height, width = image.shape[:2]
    wide, high = min(width, height * SIZE[0] // SIZE[1]), min(height, width * SIZE[1] // SIZE[0])
    left, top = (width - wide) // 2, (height - high) // 2
    small: Any = cv2.resize(image[top : top + high, left : left + wide], SIZE, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _mix(first: Image, second: Image, share: float) -> Picture:
    return Picture(cv2.addWeighted(first, 1 - share, second, share, 0).astype(np.uint8, copy=False))
