"""From film to identities: decode, detect and track beside `ultralytics track`; `python -m benchmarks.film_tracking`.

Both read the first frames of one film with YOLO26n at the same image size, on the CPU with the threads they choose;
ours also stores its frames. Ours does without camera compensation, which would need optical flow, as bytetrack does;
botsort estimates the camera's motion by sparse flow. Processor time counts; the ratio is what to quote, since machines
differ. The film is `--film`, or SEMFLOW_BENCH_FILM, or `../shared/eval/video/vtest.avi` beside the clone; without one
nothing is measured.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from flows.evaluate.ultralytics_trackers import CONFIGURATIONS, track_film
from flows.pipeline import STAGES
from tasks.artifacts.detections import Detections
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.detect.params import DetectParams
from tasks.detect.stage import detect
from tasks.params import Compute, ParamSections, read_params
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections
from tasks.weights.user_weights import locate_weights

CHECKOUT = Path(__file__).parents[1]
FILM_VARIABLE = "SEMFLOW_BENCH_FILM"
USUAL_FILM = CHECKOUT.parent / "shared/eval/video/vtest.avi"
FRAMES = 100


def main(argv: Sequence[str] = ()) -> None:
    """Print frames per processor second of each, and the ratio to ours."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.film_tracking", description=__doc__)
    parser.add_argument("--film", type=Path, default=Path(os.environ.get(FILM_VARIABLE, USUAL_FILM)))
    parser.add_argument("--frames", type=int, default=FRAMES, help="number of frames of the film, from its first")
    options = parser.parse_args(argv)
    if not options.film.is_file():
        print(f"skipped: {options.film} is not there; --film or {FILM_VARIABLE} names a film with people")  # noqa: T201
        return
    with tempfile.TemporaryDirectory(prefix="semflow-bench-") as folder:
        rates = measure_rates(options.film, options.frames, Path(folder))
    print(render_rates(rates))  # noqa: T201


def measure_rates(film: Path, frames: int, folder: Path) -> dict[str, float]:
    """Frames per processor second by name, ours first; `folder` takes what is made on the way."""
    kinds = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}
    sections = read_params(CHECKOUT / "params.yaml", kinds)
    short = _shorten_film(film, frames, folder / "film.mkv")
    found: dict[str, Detections] = {}

    def ours() -> None:
        found["people"] = _track_by_stages(short, sections, folder)

    ours()  # loads the model, as theirs is loaded before its time counts
    rates = {"semflow decode + detect + track": _time_cpu(ours)}
    people, side = found["people"], sections.get_section(DetectParams).image_size
    for name in CONFIGURATIONS:
        theirs = partial(track_film, name, locate_weights("yolo26n"), side, short, people)
        rates[f"ultralytics track, {name}"] = _time_cpu(theirs)
    return {name: people.frame_count / seconds for name, seconds in rates.items()}


def render_rates(rates: Mapping[str, float]) -> str:
    """A table: name, frames per processor second, ratio to the first."""
    first = next(iter(rates.values()))
    lines = [f"{'':36}{'frames per processor s':>24}{'ratio':>8}"]
    return "\n".join([*lines, *(f"{name:36}{rate:24.1f}{rate / first:8.2f}" for name, rate in rates.items())])


def _track_by_stages(film: Path, sections: ParamSections, folder: Path) -> Detections:
    """Decode, detect and track the film; its detections."""
    compute = sections.get_section(Compute).model_copy(update={"device": "cpu"})
    frames = decode(RawVideo.load(film), sections.get_section(DecodeParams)).to(folder / "frames.parquet")
    detections = detect(frames, sections.get_section(DetectParams), compute)
    settings = sections.get_section(TrackParams).model_copy(update={"camera_compensation": False})
    track_detections(detections, frames.pts_s, settings)
    return detections


def _shorten_film(film: Path, frames: int, path: Path) -> Path:
    """The first frames of the film, its packets copied."""
    import av

    with av.open(str(film)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        packets = (packet for packet in source.demux(stream) if packet.dts is not None)
        for _, packet in zip(range(frames), packets, strict=False):
            packet.stream = copied
            target.mux(packet)
    return path


def _time_cpu(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
