"""What interlaced and HDR films lose, with and without their filters: `python -m benchmarks.odd_films`.

Interlaced and HDR copies of sample clips are made, and decoded with `decode.deinterlace` and `decode.tone_map` none and
auto. An interlaced frame takes its two fields from two frames of the clip; the clip with every second frame is the
truth. Codes of an HDR copy are those of the same light, with SDR's white at 203 cd/m2 (ITU-R BT.2408); the clip is the
truth. Detections are compared by F1 at IoU .5, where score is .3 or more, with those in the truth; flow by end-point
error, over all pixels and over those that move by more than a pixel. The truth is encoded as the copy is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from flows.cli.sample_videos import fetch_samples
from flows.pipeline import STAGES
from tasks.arrays import Image
from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.detect.params import DetectParams
from tasks.detect.stage import detect
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.estimate_flow.stage import estimate_flow
from tasks.geometry.bounding_boxes import pairwise_iou
from tasks.params import Compute, ParamSections, read_params

FRAMES = 60
"""Frames of each copy."""
MIN_SCORE, MIN_IOU, MOVING_PX = 0.3, 0.5, 1.0
TAGS_2020 = {"colorspace": 9, "color_range": 1, "color_primaries": 9}
TRANSFERS = {"PQ": 16, "HLG": 18}
WHITE_NITS, HLG_PEAK_NITS = 203.0, 1000.0
TO_2020 = np.array([[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]])


@dataclass(frozen=True)
class Score:
    """How near features of a copy are to those of the truth."""

    f1: float
    flow_px: float
    moving_flow_px: float


def read_images(file: Path, count: int, height: int | None) -> Iterator[Image]:
    """The first frames of a clip, RGB, scaled to `height` where given."""
    with av.open(str(file)) as source:
        for frame in islice(source.decode(video=0), count):
            width = None if height is None else round(frame.width * height / frame.height / 16) * 16
            scaled = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
            yield scaled.to_ndarray().astype(np.uint8, copy=False)


def write_film(
    path: Path, frames: Iterable[av.VideoFrame], codec: str, options: Mapping[str, str], tags: Mapping[str, int]
) -> Path:
    """Encode `frames` at 30 frames per second."""
    with av.open(str(path), "w") as out:
        stream: Any = None
        for number, frame in enumerate(frames):
            if stream is None:
                stream = out.add_stream(codec, rate=30, options=dict(options))
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
                for name, value in tags.items():
                    setattr(stream.codec_context, name, value)
            frame.pts, frame.time_base = number, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def make_interlaced_copies(file: Path, folder: Path) -> tuple[Path, Path]:
    """(progressive, interlaced, top field first): MPEG-2 as on a disc, of every second frame and of all."""
    images = list(read_images(file, 2 * FRAMES, 576))
    options = {"qscale": "2", "qmin": "1", "qmax": "3", "g": "12"}
    progressive = [_as_yuv(image) for image in images[::2]]
    fields = [image.copy() for image in images[::2]]
    for first, second in zip(fields, images[1::2], strict=False):
        first[1::2] = second[1::2]
    return (
        write_film(folder / "progressive.ts", progressive, "mpeg2video", options, {}),
        write_film(
            folder / "interlaced.ts",
            _mark_interlaced(fields),
            "mpeg2video",
            options | {"flags": "+ildct+ilme"},
            {},
        ),
    )


def _as_yuv(image: Image) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv422p")


def _mark_interlaced(images: Iterable[Image]) -> Iterator[av.VideoFrame]:
    for image in images:
        frame = _as_yuv(image)
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 30)
        )
        graph.link_nodes(source, graph.add("setfield", "tff"), graph.add("buffersink")).configure()
        graph.push(frame)
        yield graph.vpull()


def make_hdr_copy(file: Path, path: Path, transfer: str) -> Path:
    """The clip in BT.2020 with 10 bits, each pixel with the light that it has on an SDR display."""
    encode = encode_pq if transfer == "PQ" else encode_hlg

    def frames() -> Iterator[av.VideoFrame]:
        for image in read_images(file, FRAMES, None):
            light = WHITE_NITS * (image[: image.shape[0] // 2 * 2] / 255.0) ** 2.4 @ TO_2020.T
            codes = np.round(encode(light) * 65535).astype(np.uint16)
            rgb = av.VideoFrame.from_ndarray(codes, format="rgb48le")
            yield rgb.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1)

    tags = TAGS_2020 | {"color_trc": TRANSFERS[transfer]}
    return write_film(path, frames(), "libx265", {"x265-params": "crf=8:log-level=none:pools=1"}, tags)


def encode_pq(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """PQ codes from 0 to 1 of light in cd/m2 (SMPTE ST 2084)."""
    power = (np.maximum(nits, 0) / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def encode_hlg(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """HLG codes from 0 to 1 of displayed light in cd/m2 on a display of 1,000 cd/m2 (ITU-R BT.2100)."""
    shown = np.maximum(nits, 0) / HLG_PEAK_NITS
    luminance = shown @ np.array([0.2627, 0.6780, 0.0593])
    scene = shown * np.maximum(luminance, 1e-9)[..., None] ** (1 / 1.2 - 1)
    logarithm = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), logarithm)


def decode_film(file: Path, **filters: str) -> Frames:
    """Frames as the stage stores them, with the filters given."""
    values = {"max_side": 640, "fps": None, "encoding": "jpeg", "quality": 95, "anonymise": "none"}
    params = DecodeParams.model_validate(values | {"deinterlace": "none", "tone_map": "none"} | filters)
    name = "_".join([file.stem, *filters.values()])
    return decode(RawVideo(file), params).to(file.with_name(f"{name}.parquet"))


def score_frames(frames: Frames, truth: Frames, params: ParamSections, folder: Path, flow: bool) -> Score:
    """Detections and dense flow of `frames` against those of `truth`, frame by frame."""
    compute = params.get_section(Compute)
    ours, theirs = (_strong(detect(f, params.get_section(DetectParams), compute)) for f in (frames, truth))
    matched = sum(_count_matches(ours, theirs, number) for number in range(len(truth)))
    total = len(ours.frame) + len(theirs.frame)
    errors, moving = [np.zeros(1)], [np.zeros(1)]
    if flow:
        fields = [
            estimate_flow(f, params.get_section(EstimateFlowParams), compute).to(folder / f"flow{n}.parquet")
            for n, f in enumerate((frames, truth))
        ]
        for pair in range(len(fields[0])):
            true = fields[1].forward(pair)
            error = np.linalg.norm(fields[0].forward(pair) - true, axis=-1)
            errors.append(error.ravel())
            moving.append(error[np.linalg.norm(true, axis=-1) > MOVING_PX])
    return Score(
        2 * matched / max(total, 1), float(np.concatenate(errors).mean()), float(np.concatenate(moving).mean())
    )


def _strong(found: Detections) -> Detections:
    return found.take(np.flatnonzero(found.score >= MIN_SCORE))


def _count_matches(ours: Detections, theirs: Detections, number: int) -> int:
    """Detections of one frame that are in both: of the same class, paired by IoU, the best pairs first."""
    rows = [np.flatnonzero(np.asarray(found.frame) == number) for found in (ours, theirs)]
    iou = pairwise_iou(ours.xyxy[rows[0]], theirs.xyxy[rows[1]])
    iou[np.asarray(ours.class_id)[rows[0], None] != np.asarray(theirs.class_id)[None, rows[1]]] = 0
    matches = 0
    while iou.size and iou.max() >= MIN_IOU:
        row, column = np.unravel_index(iou.argmax(), iou.shape)
        iou[row], iou[:, column] = 0, 0
        matches += 1
    return matches


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", nargs="*", default=["bikes", "walk"])
    wanted = parser.parse_args().videos
    params = read_params(Path("params.yaml"), {"compute": Compute} | {stage.name: stage.params for stage in STAGES})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clip in fetch_samples(folder, more=False):
            if clip.stem in wanted:
                sys.stdout.writelines(make_table(clip, folder, params))


def make_table(clip: Path, folder: Path, params: ParamSections) -> Iterator[str]:
    """A line for each copy of one clip."""
    progressive, interlaced = make_interlaced_copies(clip, folder)
    truth = decode_film(progressive)
    yield f"{clip.stem}: F1 of detections, flow error in px, the same where things move\n"
    for mode in ("none", "auto"):
        score = score_frames(decode_film(interlaced, deinterlace=mode), truth, params, folder, flow=True)
        yield f"  interlaced, deinterlace {mode}: {score.f1:.3f} {score.flow_px:.3f} {score.moving_flow_px:.3f}\n"
    plain = write_film(
        folder / "sdr.mp4",
        (
            av.VideoFrame.from_ndarray(i, format="rgb24").reformat(format="yuv420p")
            for i in read_images(clip, FRAMES, None)
        ),
        "libx265",
        {"x265-params": "crf=8:log-level=none:pools=1"},
        {},
    )
    truth = decode_film(plain)
    for transfer in TRANSFERS:
        copy = make_hdr_copy(clip, folder / f"{transfer}.mkv", transfer)
        for mode in ("none", "auto"):
            score = score_frames(decode_film(copy, tone_map=mode), truth, params, folder, flow=False)
            yield f"  HDR {transfer}, tone_map {mode}: {score.f1:.3f}\n"


if __name__ == "__main__":
    main()
