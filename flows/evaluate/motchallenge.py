"""MOTChallenge sequences on disk, and TrackEval's metrics of tracks on them.

Files: https://motchallenge.net/instructions; a sequence is a folder with `gt/gt.txt`, `det/det.txt` and, as a rule,
`seqinfo.ini`. Their frames are counted from 1, ours from 0; their boxes are (left, top, width, height).
Metrics: TrackEval 1.3.0 (Luiten et al., HOTA, IJCV 2021), its own classes, unchanged.
"""

from __future__ import annotations

import configparser
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.evaluate.mot_tables import check_identities, format_truth, read_mot_table
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.errors import BadInput

PERSON = 0  # COCO's class number, as in the detector; MOTChallenge scores pedestrians only
MIN_RESCALED_SCORE = 0.05  # the lowest score in the lists of MOT17, which are used unchanged
DEFAULT_FRAME_RATE = 30.0  # of sequences that state none: that of most of MOT16, MOT17 and MOT20
WITHOUT_CLASSES = (
    "MOT15"  # the benchmark without classes in its ground truth, for which TrackEval does no preprocessing
)
WITH_CLASSES = ("MOT16", "MOT17", "MOT20")

TrackEvalResult = Mapping[str, Mapping[str, Any]]
"""Metric family (HOTA, CLEAR, Identity) to TrackEval's fields."""


@dataclass(frozen=True)
class MotSequence:
    """One folder with ground truth and detections."""

    name: str
    folder: Path
    frame_count: int
    width: int
    height: int
    frame_rate: float
    """Frames per second."""

    @property
    def pts_s(self) -> NDArray[np.float64]:
        """(frame_count,) times of the frames, seconds."""
        return np.arange(self.frame_count) / self.frame_rate

    @property
    def benchmark(self) -> str:
        """The benchmark whose rules apply, by the folder's name: MOT16, MOT17, MOT20, else MOT15."""
        return next((b for b in WITH_CLASSES if b in self.folder.name), WITHOUT_CLASSES)

    @property
    def truth(self) -> Path:
        """Path of the ground truth."""
        return self.folder / "gt" / "gt.txt"

    def detections(self, *, as_published: bool = False) -> Detections:
        """The public detections, with scores on our detector's scale (see `rescale_scores`) or as published.

        Scores that are not probabilities are 1 on either scale.
        """
        rows = read_mot_table(self.folder / "det" / "det.txt")
        rows = rows[np.lexsort((-rows[:, 6], rows[:, 0]))]
        return Detections(
            frame=(rows[:, 0] - 1).astype(np.int32),
            class_id=np.full(len(rows), PERSON, np.int16),
            class_name=np.full(len(rows), "person", object),
            score=(as_probabilities if as_published else rescale_scores)(rows[:, 6]).astype(np.float32),
            x1=rows[:, 2].astype(np.float32),
            y1=rows[:, 3].astype(np.float32),
            x2=(rows[:, 2] + rows[:, 4]).astype(np.float32),
            y2=(rows[:, 3] + rows[:, 5]).astype(np.float32),
            frame_count=self.frame_count,
            width=self.width,
            height=self.height,
        )


def rescale_scores(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of public detections, recalibrated to the scale of our detector.

    Detectors differ in calibration: at a score of .5 one in four is a person in the lists that came with SORT (used for
    MOT15), while our YOLO26n has that precision at .1 (measured on COCO's validation images). Publishers truncate their
    lists where precision gets too low, so the log-odds of a list are shifted by a constant until its lowest score is
    MIN_RESCALED_SCORE; no ground truth is used.
    """
    score = as_probabilities(score)
    if not len(score) or score.min() == score.max():
        return score
    sure = np.finfo(np.float32).eps
    odds = np.clip(score, sure, 1 - sure) / (1 - np.clip(score, sure, 1 - sure))
    odds *= MIN_RESCALED_SCORE / (1 - MIN_RESCALED_SCORE) / odds.min()
    return odds / (1 + odds)


def as_probabilities(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores unchanged, or all 1 where they are no probabilities: all equal, or outside 0..1 (ACF, DPM)."""
    invalid = not len(score) or score.min() < 0 or score.max() > 1 or score.min() == score.max()
    return np.ones_like(score) if invalid else score


def find_sequences(root: Path) -> list[MotSequence]:
    """Every folder at any depth below `root` with `gt/gt.txt` and `det/det.txt`, by name; BadInput where none is."""
    folders = sorted(
        path.parent.parent for path in root.rglob("gt/gt.txt") if (path.parent.parent / "det" / "det.txt").is_file()
    )
    if not folders:
        raise BadInput(f"{root} must hold folders with gt/gt.txt and det/det.txt, got none at any depth")
    names = [folder.name for folder in folders]
    return [
        open_sequence(folder, folder.name if names.count(folder.name) == 1 else folder.relative_to(root).as_posix())
        for folder in folders
    ]


def open_sequence(folder: Path, name: str) -> MotSequence:
    """A sequence with length and size from seqinfo.ini, else from the last frame and the outermost edges of boxes."""
    files = (folder / "gt" / "gt.txt", folder / "det" / "det.txt")
    tables = [read_mot_table(file) for file in files if file.is_file()]
    if files[0].is_file():
        check_identities(files[0], tables[0])
    last = int(max((table[:, 0].max() for table in tables if len(table)), default=0))
    info = configparser.ConfigParser()
    info.read(folder / "seqinfo.ini", encoding="utf-8-sig")
    corners = np.concatenate([table[:, 2:4] + table[:, 4:6] for table in tables])
    edge = np.ceil(corners.max(axis=0, initial=0)).astype(int)
    return MotSequence(
        name=name,
        folder=folder,
        frame_count=max(last, info.getint("Sequence", "seqLength", fallback=0)),
        width=info.getint("Sequence", "imWidth", fallback=int(edge[0])),
        height=info.getint("Sequence", "imHeight", fallback=int(edge[1])),
        frame_rate=info.getfloat("Sequence", "frameRate", fallback=DEFAULT_FRAME_RATE),
    )


def evaluate_tracks(sequence: MotSequence, tracks: Tracks) -> TrackEvalResult:
    """TrackEval on the tracks of one sequence, with the preprocessing of its benchmark."""
    xyxy = tracks.xyxy.astype(np.float64)
    rows = np.column_stack([tracks.frame + 1, tracks.track_id, xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2], tracks.score])
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.txt"
        np.savetxt(result, rows, fmt=["%d", "%d", "%.3f", "%.3f", "%.3f", "%.3f", "%.4f"], delimiter=",")
        return evaluate_files(sequence.truth, result, sequence.benchmark, sequence.frame_count)


def evaluate_files(truth: Path, result: Path, benchmark: str, frame_count: int) -> TrackEvalResult:
    """TrackEval on two files in MOTChallenge's format; the truth is given to it in its strictest form."""
    with tempfile.TemporaryDirectory() as folder:
        strict = Path(folder) / "gt.txt"
        strict.write_text(format_truth(truth), encoding="utf-8")
        return _evaluate_strict_files(strict, result, benchmark, frame_count)


def _evaluate_strict_files(truth: Path, result: Path, benchmark: str, frame_count: int) -> TrackEvalResult:
    from trackeval.datasets import MotChallenge2DBox

    dataset = MotChallenge2DBox(
        {
            "BENCHMARK": benchmark,
            "SEQ_INFO": {result.stem: frame_count},
            "GT_LOC_FORMAT": str(truth).replace("{", "{{").replace("}", "}}"),
            "TRACKERS_FOLDER": str(result.parent),
            "TRACKERS_TO_EVAL": [""],
            "TRACKER_SUB_FOLDER": "",
            "SKIP_SPLIT_FOL": True,
            "PRINT_CONFIG": False,
        }
    )
    data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("", result.stem), "pedestrian")
    return {name: metric.eval_sequence(data) for name, metric in _metrics().items()}


def pool_results(verdicts: Iterable[TrackEvalResult]) -> TrackEvalResult:
    """TrackEval's row COMBINED_SEQ over several sequences."""
    parts = list(verdicts)
    return {
        name: metric.combine_sequences({str(i): part[name] for i, part in enumerate(parts)})
        for name, metric in _metrics().items()
    }


def summarise_metrics(verdict: TrackEvalResult) -> dict[str, float]:
    """The usual metrics: per cent, and identity switches as a count."""
    hota, clear, identity = verdict["HOTA"], verdict["CLEAR"], verdict["Identity"]
    return {
        "HOTA": 100 * float(np.mean(hota["HOTA"])),
        "DetA": 100 * float(np.mean(hota["DetA"])),
        "AssA": 100 * float(np.mean(hota["AssA"])),
        "MOTA": 100 * float(clear["MOTA"]),
        "IDF1": 100 * float(identity["IDF1"]),
        "IDSW": float(clear["IDSW"]),
    }


def _metrics() -> dict[str, Any]:
    from trackeval.metrics import CLEAR, HOTA, Identity

    return {"HOTA": HOTA(), "CLEAR": CLEAR({"PRINT_CONFIG": False}), "Identity": Identity({"PRINT_CONFIG": False})}
