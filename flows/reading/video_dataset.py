"""A data set for reading: videos, artifacts, tables and tensors of a working copy or of a git revision."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flows.reading.artifact_kinds import KINDS, OF_DATASET, TABLES, find_kind
from flows.reading.artifact_reader import ArtifactReader, TableReader
from flows.reading.artifact_source import ArtifactSource, open_revision, open_working_copy
from flows.reading.git_repository import is_address, is_bare_repository
from flows.reading.project_folder import check_subfolder, find_project
from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.actions import Actions
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.feature_axes import FeatureAxes
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.masks import Masks
from tasks.artifacts.matches import Matches
from tasks.artifacts.poses import Poses
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.versions.trace import Trace


def open_dataset(
    where: str | Path = ".",
    rev: str | None = None,
    *,
    subfolder: str = "",
    recompute: bool = False,
    cache: str | Path | None = None,
) -> VideoDataset:
    """The data set in the project at `where`, a path or the address of a git repository, at `rev` or as it is.

    `rev` is a branch, tag or commit; without it a path is read as a working copy, and an address at its HEAD.
    `subfolder` is the project's folder in the repository, or below the path, where that holds more than the project.
    Files that are not on this machine are fetched from the project's DVC remote when they are read, into DVC's cache,
    or for an address into `cache` (default: `~/.cache/semflow/datasets`). With `recompute`, artifacts of a working
    copy that are not kept are computed again when they are read. Raises SemflowError, which says what to do.
    """
    from tasks.weights.weight_cache import cache_dir

    place = str(where)
    inside = check_subfolder(subfolder)
    folder = cache_dir() / "datasets" if cache is None else Path(cache).absolute()
    if not is_address(place) and is_bare_repository(Path(place)):
        place = Path(place).absolute().as_uri()
    if is_address(place):
        return VideoDataset(open_revision(place, rev or "HEAD", folder, inside))
    if not Path(place).exists():
        raise SemflowError(f"where must be a folder that exists, or the address of a git repository, got {place}")
    root = find_project(Path(place).absolute(), inside)
    source = open_working_copy(root, recompute=recompute) if rev is None else open_revision(str(root), rev, folder)
    return VideoDataset(source)


@dataclass(frozen=True, eq=False)
class VideoDataset:
    """A data set; `ds.tracks` reads all videos, `ds["walk"]` one of them."""

    source: ArtifactSource

    def __repr__(self) -> str:
        count = f"{len(self.videos)} video{'' if len(self.videos) == 1 else 's'}"
        return f"<semflow data set {self.source.title}: {count}; {', '.join(self.artifacts)}>"

    @cached_property
    def videos(self) -> tuple[str, ...]:
        """The names of the videos, sorted: those of any artifact."""
        kinds = (kind for name, kind in KINDS.items() if name not in OF_DATASET)
        return tuple(sorted({video for kind in kinds for video in self.source.list_videos(kind)}))

    @cached_property
    def artifacts(self) -> tuple[str, ...]:
        """The names of the artifacts that are stored of any video, in the order of the pipeline."""
        return tuple(name for name, kind in KINDS.items() if self.source.list_videos(kind))

    def read(self, artifact: str) -> ArtifactReader[Any]:
        """The reader of an artifact by its name: a TableReader where it is a Parquet file."""
        kind = find_kind(artifact)
        return (TableReader if artifact in TABLES else ArtifactReader)(kind, self.source)

    def __getitem__(self, video: str) -> VideoData:
        """One video; SemflowError with similar names where there is none."""
        if video not in self.videos:
            close = difflib.get_close_matches(video, self.videos) or self.videos[:5]
            raise SemflowError(
                f"video must be one of the {len(self.videos)} of {self.source.title}, got {video!r}; there are "
                f"{', '.join(close) or 'none'}"
            )
        return VideoData(self, video)

    def trace(
        self,
        artifact: str,
        video: str = "dataset",
        *,
        row: int | None = None,
        frame: int | None = None,
        track: int | None = None,
    ) -> Trace:
        """Where an artifact of a video came from: the film, and every recipe on the way with parameters, code, weights,
        libraries, kind of device, the commit that recorded it, and the run.

        `row`, or `frame` and `track`, choose rows of a table, which come with the detections that they are made of.
        `print(ds.trace("tracks", "walk", row=17))`; SemflowError where nothing is recorded.
        """
        from flows.versions.trace import RowChoice, trace_artifact

        return trace_artifact(self.source, artifact, video, RowChoice(row, frame, track))

    @cached_property
    def frames(self) -> TableReader[Frames]:
        """Decoded frames: times, condition and images."""
        return self._table(Frames)

    @cached_property
    def detections(self) -> TableReader[Detections]:
        """Bounding boxes."""
        return self._table(Detections)

    @cached_property
    def masks(self) -> TableReader[Masks]:
        """Pixels of detected objects."""
        return self._table(Masks)

    @cached_property
    def dense_flow(self) -> TableReader[DenseFlow]:
        """Optical flow of neighbouring frames."""
        return self._table(DenseFlow)

    @cached_property
    def shots(self) -> TableReader[Shots]:
        """Stretches between cuts, fades and dissolves."""
        return self._table(Shots)

    @cached_property
    def features(self) -> ArtifactReader[Features]:
        """Grids of feature vectors."""
        return ArtifactReader(Features, self.source)

    @cached_property
    def feature_axes(self) -> ArtifactReader[FeatureAxes]:
        """The projection of features; of the video `dataset`."""
        return ArtifactReader(FeatureAxes, self.source)

    @cached_property
    def semantic_flow(self) -> ArtifactReader[SemanticFlow]:
        """Semantic correspondence between frames."""
        return ArtifactReader(SemanticFlow, self.source)

    @cached_property
    def matches(self) -> TableReader[Matches]:
        """Detections matched between frames."""
        return self._table(Matches)

    @cached_property
    def tracks(self) -> TableReader[Tracks]:
        """Identities over time."""
        return self._table(Tracks)

    @cached_property
    def poses(self) -> TableReader[Poses]:
        """Keypoints of people."""
        return self._table(Poses)

    @cached_property
    def kinematics(self) -> TableReader[Kinematics]:
        """Joint angles, speeds and gait of people."""
        return self._table(Kinematics)

    @cached_property
    def action_model(self) -> ArtifactReader[ActionModel]:
        """The action classifier; of the video `dataset`."""
        return ArtifactReader(ActionModel, self.source)

    @cached_property
    def actions(self) -> TableReader[Actions]:
        """Recognised actions."""
        return self._table(Actions)

    @cached_property
    def semantic_field(self) -> TableReader[SemanticField]:
        """Label maps."""
        return self._table(SemanticField)

    def _table(self, kind: type[Any]) -> TableReader[Any]:
        return TableReader(kind, self.source)


@dataclass(frozen=True)
class VideoData:
    """One video: its tables as readers (`to_pandas()` …), its frames and tensors as objects that read on access."""

    dataset: VideoDataset
    video: str

    def __repr__(self) -> str:
        names = [name for name in self.dataset.artifacts if name not in OF_DATASET]
        has = [name for name in names if self.video in self.dataset.read(name).videos]
        return f"<video {self.video} of {self.dataset.source.title}: {', '.join(has)}>"

    def load(self, artifact: str) -> Artifact:
        """The artifact by its name, as an object of its class."""
        return cast("Artifact", self.dataset.read(artifact)[self.video])

    @property
    def frames(self) -> Frames:
        """`image(frame)` decodes an image; `pts_s` are the times."""
        return self.dataset.frames[self.video]

    @property
    def dense_flow(self) -> DenseFlow:
        """`forward(i)` gives (h, w, 2) pixels of the pair of frames i and i + 1."""
        return self.dataset.dense_flow[self.video]

    @property
    def shots(self) -> TableReader[Shots]:
        """Stretches between cuts, fades and dissolves of the video."""
        return self.dataset.shots.of(self.video)

    @property
    def features(self) -> Features:
        """`values` is memory-mapped; `at(x, y, t)` gives a vector."""
        return self.dataset.features[self.video]

    @property
    def semantic_flow(self) -> SemanticFlow:
        """`flow(row)` gives the displacement of every cell."""
        return self.dataset.semantic_flow[self.video]

    @property
    def semantic_field(self) -> SemanticField:
        """`map(row)` decodes a label map."""
        return self.dataset.semantic_field[self.video]

    @property
    def detections(self) -> TableReader[Detections]:
        """Bounding boxes of the video."""
        return self.dataset.detections.of(self.video)

    @property
    def masks(self) -> TableReader[Masks]:
        """Pixels of detected objects of the video."""
        return self.dataset.masks.of(self.video)

    @property
    def matches(self) -> TableReader[Matches]:
        """Detections matched between frames of the video."""
        return self.dataset.matches.of(self.video)

    @property
    def tracks(self) -> TableReader[Tracks]:
        """Identities over time in the video."""
        return self.dataset.tracks.of(self.video)

    @property
    def poses(self) -> TableReader[Poses]:
        """Keypoints of people in the video."""
        return self.dataset.poses.of(self.video)

    @property
    def kinematics(self) -> TableReader[Kinematics]:
        """Joint angles, speeds and gait of people in the video."""
        return self.dataset.kinematics.of(self.video)

    @property
    def actions(self) -> TableReader[Actions]:
        """Recognised actions in the video."""
        return self.dataset.actions.of(self.video)
