"""Where the files of artifacts lie: in a working copy, or in DVC's cache or remote by what a revision recorded.

Objects are read where they lie in DVC's cache, under their hash; nothing is copied. What is missing there is fetched
from the remote: only listings of the folders that are read, and the files of the videos that are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.dvc_store.dvc_lock import DirHash, StageRecord, parse_lock, read_lock
from flows.engine.dvc_store.object_store import ObjectStore
from flows.engine.recipe import recipe_path
from flows.reading.artifact_kinds import STAGE_OF
from flows.reading.git_repository import GitRepository, clone_repository, is_address
from tasks.artifacts.artifact import Artifact
from tasks.errors import SemflowError

CONFIG = ".dvc/config"


@dataclass(frozen=True)
class ArtifactSource:
    """The artifacts of a working copy or of one revision."""

    title: str
    """Path or address, and revision, for messages."""
    root: Path
    """The folder whose DVC configuration names the cache and the remote."""
    records: Mapping[str, StageRecord]
    """The stages of dvc.lock."""
    is_working_copy: bool
    """Whether files below `root` are read as they are, recorded or not."""
    recompute: bool = False
    """Whether artifacts that are not kept are computed again (in a working copy)."""
    repository: GitRepository | None = None
    """The git repository with the history; None where the folder is in none."""
    commit: str = ""
    """The commit of a revision; "" for a working copy."""
    _listings: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def list_videos(self, kind: type[Artifact]) -> list[str]:
        """The videos that have this artifact, sorted: the stems of its files."""
        names = {*self.list_recorded(kind.FOLDER)}
        if self.is_working_copy:
            folder = self.root / kind.FOLDER
            names |= {path.relative_to(folder).as_posix() for path in folder.rglob(f"*{kind.SUFFIX}")}
        return sorted(name.removesuffix(kind.SUFFIX) for name in names if name.endswith(kind.SUFFIX))

    def locate(self, kind: type[Artifact], videos: Iterable[str]) -> dict[str, Path]:
        """Video to the path of its artifact; what is not on this machine is fetched, all at once.

        SemflowError, which says what to do, where one is neither here nor recorded, or cannot be fetched.
        """
        found: dict[str, Path] = {}
        wanted: dict[str, str] = {}
        for video in videos:
            path = kind.path(self.root, video)
            if self.is_working_copy and path.is_file():
                found[video] = path
            elif (md5 := self.list_recorded(kind.FOLDER).get(f"{video}{kind.SUFFIX}")) is not None:
                wanted[video] = md5
            elif self._compute_again(kind, video):
                found[video] = path
            else:
                raise SemflowError(self._explain_missing(kind, video))
        paths = self.fetch_objects(wanted.values(), kind.artifact_name())
        return found | {video: paths[md5] for video, md5 in wanted.items()}

    def list_recorded(self, folder: str) -> Mapping[str, str]:
        """Relative path to MD5 of the files that were recorded of `folder`; {} where none were."""
        if folder not in self._listings:
            self._listings[folder] = self._read_listing(folder)
        return self._listings[folder]

    def _read_listing(self, folder: str) -> Mapping[str, str]:
        recorded = next((record.outs[folder] for record in self.records.values() if folder in record.outs), None)
        if not isinstance(recorded, DirHash):
            return {}
        objects = ObjectStore.open(self.root)
        listing = None if objects is None else objects.read_listing(recorded.md5)
        if listing is None and self.is_working_copy and (self.root / folder).is_dir():
            return {}  # the files that are here are all that can be told without asking the remote
        if listing is None and objects is not None:
            self.fetch_objects([recorded.md5], f"the list of {folder}")
            listing = objects.read_listing(recorded.md5)
        return listing or {}

    def fetch_objects(self, md5s: Collection[str], what: str) -> dict[str, Path]:
        """MD5 to the path of the object in DVC's cache, fetched from the remote where it is not there.

        SemflowError, which names `what` was wanted, where one is in neither.
        """
        if not md5s:
            return {}
        objects = ObjectStore.open(self.root)
        if objects is None:
            raise SemflowError(f"{self.title} must be a DVC repository, got no .dvc; run `dvc init`")
        missing = {md5 for md5 in md5s if not objects.has_object(md5)}
        if missing:
            from flows.engine.dvc_store.remote import Remote

            remote = Remote.open(self.root)
            lacking = missing if remote is None else missing - remote.fetch_objects(missing)
            if lacking:
                where = "no remote is configured" if remote is None else f"the remote {remote.url} lacks it"
                raise SemflowError(
                    f"{what} of {self.title} must be in DVC's cache or remote, got none of {min(lacking)}: {where}; "
                    "ask who computed it to run `dvc push`"
                )
        return {md5: objects.object_path(md5) for md5 in md5s}

    def _compute_again(self, kind: type[Artifact], video: str) -> bool:
        if not (self.recompute and self.is_working_copy and self._has_recipe(kind, video)):
            return False
        from flows.engine.outcome import Item
        from flows.engine.project import Project
        from flows.engine.run import restore_artifacts

        restore_artifacts(Project.open(self.root), [Item(video, STAGE_OF[kind])])
        return kind.path(self.root, video).is_file()

    def _has_recipe(self, kind: type[Artifact], video: str) -> bool:
        return recipe_path(self.root, STAGE_OF[kind], video).is_file()

    def _explain_missing(self, kind: type[Artifact], video: str) -> str:
        name, stage = kind.artifact_name(), STAGE_OF[kind]
        head = f"{name} of {video} must be stored in {self.title}, got none"
        there = self.list_videos(kind)
        if self._has_recipe(kind, video):
            return (
                f"{head}, as {stage} stands in compute.recompute; open the working copy with recompute=True, or take "
                "it out of there in params.yaml and call `semflow run`"
            )
        if not there:
            push = "" if self.is_working_copy else ", commit and `dvc push`"
            return (
                f"{head}, nor of another video; call `semflow run`{push}, without {stage} in compute.recompute, whose "
                "stages keep nothing"
            )
        return f"{head}; there are {', '.join(there[:5])}{' and more' if len(there) > 5 else ''}"  # noqa: PLR2004


def open_working_copy(root: Path, *, recompute: bool = False) -> ArtifactSource:
    """The artifacts that lie in the project at `root`, and those that its dvc.lock records."""
    repository = GitRepository(root, str(root))
    return ArtifactSource(
        str(root), root, read_lock(root), is_working_copy=True, recompute=recompute, repository=repository
    )


def open_revision(where: str, rev: str, cache: Path, subfolder: str = "") -> ArtifactSource:
    """The artifacts that `rev` of the repository at the path or address `where` recorded.

    `subfolder` is the project's folder in a repository at an address; a path is the project's folder.
    """
    if is_address(where):
        repository = clone_repository(where, cache, subfolder)
        commit = repository.resolve(rev)
        root = repository.folder.parent / commit / subfolder
    else:
        root = Path(where)
        repository = GitRepository(root, where)
        commit = repository.resolve(rev)
    text = repository.read_text(commit, "dvc.lock")
    if text is None:
        place = f"{where} (subfolder {subfolder})" if subfolder else where
        hint = "" if subfolder else ", or name the project's subfolder where the repository holds more than it"
        raise SemflowError(
            f"{place} must hold a dvc.lock at {rev}, got none; choose a revision that `semflow run` made{hint}"
        )
    if is_address(where):
        _write_config(repository, commit, root, cache / "objects")
    return ArtifactSource(
        f"{where} at {rev}", root, parse_lock(text), is_working_copy=False, repository=repository, commit=commit
    )


def _write_config(repository: GitRepository, commit: str, root: Path, objects: Path) -> None:
    """A folder with the DVC configuration of a commit, whose cache is shared by all repositories."""
    config = repository.read_text(commit, CONFIG)
    if config is None:
        raise SemflowError(
            f"{repository.title} must be a DVC repository, got no {CONFIG} in the project's folder; run `dvc init` "
            "there, or `dvc init --subdir` in a subfolder"
        )
    (root / ".dvc").mkdir(parents=True, exist_ok=True)
    (root / CONFIG).write_text(config, encoding="utf-8")
    (root / f"{CONFIG}.local").write_text(f"[cache]\n    dir = {objects}\n", encoding="utf-8")
