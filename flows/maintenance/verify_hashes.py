"""Verify that files have their recorded hashes: every file is read and hashed, whatever its size and times.

A failing disk, or a program that resets times, changes bytes without changing the mark, which a plan does not detect.
Nothing is repaired here. The cached hash of a damaged file is removed, so that the next plan reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from flows.engine.declaration import Declaration
from flows.engine.dvc_store.dvc_lock import DirHash, read_lock
from flows.engine.dvc_store.dvc_pointer import read_pointer
from flows.engine.dvc_store.object_store import DIR_SUFFIX
from flows.engine.file_marks import scan_folder
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.recipe import METHOD_SUFFIX, RECIPE_FOLDER, RECIPE_SUFFIX, parse_method, parse_recipe
from flows.engine.storage import Storage
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.content_hash import md5_file
from tasks.decode.film_address import SUFFIX, read_film_address
from tasks.decode.remote_film import md5_remote_film
from tasks.errors import SemflowError
from tasks.progress import track_progress
from tasks.weights.download import compute_sha256

RAW_VIDEOS, CACHE, WEIGHTS = "raw videos", "cache", "weights"
"""Groups of files besides the stages."""
ONNX_MEMO = "onnx:"
"""Memo prefix: SHA-256 of an ONNX export when it was first verified, as its hash is not recorded elsewhere."""
RECOMPUTE_REMEDY = "remove it, and `semflow run` brings it back"
THREADS = 4


class ExpectedFile(NamedTuple):
    """One file and its expected hash."""

    group: str
    path: Path
    wanted: str
    """Hash that it must have."""
    remedy: str
    remembered: str = ""
    """Path under which the state caches its hash; "" where it does not."""
    item: Item | None = None
    """The item whose artifact it is."""
    optional: bool = False
    """Whether it may be missing, e.g. because it is only in the remote."""
    hashed: Callable[[Path], str] = md5_file


class IntegrityFinding(NamedTuple):
    """A problem with one file."""

    group: str
    path: str
    what: str
    remedy: str
    item: Item | None = None


@dataclass
class FileCounts:
    """Numbers of files of one group."""

    good: int = 0
    bad: int = 0
    absent: int = 0
    """Missing files that may be missing."""
    bytes: int = 0
    """Bytes read."""


@dataclass
class IntegrityReport:
    """The result of a verification."""

    counts: dict[str, FileCounts] = field(default_factory=dict[str, FileCounts])
    findings: list[IntegrityFinding] = field(default_factory=list[IntegrityFinding])

    def group_counts(self, group: str) -> FileCounts:
        """Counts of a group."""
        return self.counts.setdefault(group, FileCounts())

    def add_finding(self, finding: IntegrityFinding) -> None:
        """Add a problem, and count it in its group."""
        self.group_counts(finding.group).bad += 1
        self.findings.append(finding)


def verify_hashes(
    plan: Plan, videos: Collection[str], stages: Collection[str], *, cache: bool, raw: bool
) -> IntegrityReport:
    """Verify all recorded files of `videos` and `stages`; `cache`: also the objects of the recorded version."""
    project, checked = plan.project, IntegrityReport()
    claims: list[ExpectedFile] = []
    for declaration in project.declarations:
        if declaration.name in stages:
            checked.group_counts(declaration.name)
            owners = (
                [DATASET_ITEM] if declaration.over_dataset else [video for video in project.videos if video in videos]
            )
            _check_recipes(project, declaration, {project.artifact_stem(owner) for owner in owners}, checked)
            for owner in owners:
                claims += _claims_of_item(plan, declaration, owner, checked)
    if raw:
        claims += _raw_claims(project, videos)
    claims += list_weights(project, stages)
    if cache:
        claims += _cache_claims(project)
    _check(project, claims, checked)
    project.state.forget_paths([finding.path for finding in checked.findings if finding.group != CACHE])
    return checked


def _check(project: Project, claims: list[ExpectedFile], checked: IntegrityReport) -> None:
    wrong: list[str] = []
    with ThreadPoolExecutor(THREADS) as threads, track_progress("verify", "files", len(claims)) as step:
        for claim, (found, count) in zip(claims, threads.map(_hash, claims), strict=True):
            step("")
            counts = checked.group_counts(claim.group)
            counts.bytes += count
            if found == claim.wanted:
                counts.good += 1
            elif found is None and claim.optional:
                counts.absent += 1
            else:
                words = "is missing" if found is None else "is not as it was recorded"
                checked.add_finding(
                    IntegrityFinding(claim.group, _shown(project, claim.path), words, claim.remedy, claim.item)
                )
                wrong.append(claim.remembered)
    project.state.forget_paths([name for name in wrong if name])


def _hash(claim: ExpectedFile) -> tuple[str | None, int]:
    """Hash and size of the file; hash "" where it cannot be read, None where it does not exist."""
    try:
        return claim.hashed(claim.path), claim.path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None, 0
    except (OSError, SemflowError):
        return "", 0


def _claims_of_item(
    plan: Plan, declaration: Declaration, video: str, checked: IntegrityReport
) -> Iterator[ExpectedFile]:
    project, item = plan.project, Item(video, declaration.name)
    recipe = project.recipe_store.recipes.get((declaration.name, project.artifact_stem(video)))
    for kind in declaration.outputs if recipe is not None else ():
        base = project.artifact_path(kind, video)
        files = recipe.outputs.get(kind.folder, {}) if recipe is not None else {}
        for name, (md5, _) in files.items():
            path = base / name if name else base
            absent = plan.states[item].status in ("remote", "dropped")
            remembered = path.relative_to(project.root).as_posix()
            yield ExpectedFile(declaration.name, path, md5, RECOMPUTE_REMEDY, remembered, item, optional=absent)
        for name in scan_folder(base) if kind.is_folder and files else ():
            if name not in files:
                words = "does not belong there"
                checked.add_finding(
                    IntegrityFinding(declaration.name, _shown(project, base / name), words, "remove it", item)
                )


def _check_recipes(
    project: Project, declaration: Declaration, stems: Collection[str], checked: IntegrityReport
) -> None:
    """The stage's recipes and methods, read anew: the book goes by marks."""
    folder = project.root / RECIPE_FOLDER / declaration.name
    for name, mark in scan_folder(folder).items():
        if name.endswith(RECIPE_SUFFIX) and name.removesuffix(RECIPE_SUFFIX) not in stems:
            continue
        if not name.endswith((RECIPE_SUFFIX, METHOD_SUFFIX)):
            continue
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            text = ""
        found = parse_recipe(text) if name.endswith(RECIPE_SUFFIX) else parse_method(text)
        sound = found is not None and found.stage == declaration.name
        if sound and name.endswith(METHOD_SUFFIX):
            sound = getattr(found, "digest", "") == name.removesuffix(METHOD_SUFFIX)
        counts = checked.group_counts(declaration.name)
        counts.bytes += mark.size
        if sound:
            counts.good += 1
        else:
            path = f"{RECIPE_FOLDER}/{declaration.name}/{name}"
            checked.add_finding(IntegrityFinding(declaration.name, path, "was edited or is damaged", RECOMPUTE_REMEDY))


def _raw_claims(project: Project, videos: Collection[str]) -> Iterator[ExpectedFile]:
    for video in project.videos.values():
        if video.name not in videos or video.md5 is None:
            continue
        remedy = (
            f"put the original back, or remove it and `semflow pull {video.name} --raw`; if you changed it on "
            "purpose, `semflow run` takes it as it is"
        )
        path = video.file or project.root / RAW_FOLDER / video.relative
        hashed = _md5_at_address if path.suffix == SUFFIX else md5_file
        yield ExpectedFile(RAW_VIDEOS, path, video.md5, remedy, str(path), optional=video.file is None, hashed=hashed)


def _md5_at_address(file: Path) -> str:
    """MD5 of the bytes that the server has, whatever it states."""
    return md5_remote_film(replace(read_film_address(file), md5=""))


def list_weights(project: Project, stages: Collection[str]) -> Iterator[ExpectedFile]:
    """Weights that `stages` use, by their SHA-256, and every ONNX export, by that of its first sight."""
    names = {name for d in project.declarations if d.name in stages for name in d.method.weights}
    if not names:
        return
    from tasks.weights.catalog import find_weights
    from tasks.weights.fetch import cached_path
    from tasks.weights.weight_cache import cache_dir

    for name in sorted(names):
        asset = find_weights(name)
        remedy = "remove it, and it is fetched again when it is needed"
        yield ExpectedFile(WEIGHTS, cached_path(asset), asset.sha256, remedy, optional=True, hashed=compute_sha256)
    for path in sorted((cache_dir() / "onnx").glob("*.onnx")):
        known: Any = project.state.read_memo(ONNX_MEMO + path.name)
        if known is None:
            known = compute_sha256(path)
            project.state.save_memo(ONNX_MEMO + path.name, known)
        remedy = "it is not what it was at the first `semflow verify`; remove it, and it is exported again"
        yield ExpectedFile(WEIGHTS, path, known, remedy, hashed=compute_sha256)


def _cache_claims(project: Project) -> Iterator[ExpectedFile]:
    """The objects that dvc.lock and data/raw.dvc name, as far as they are in the cache."""
    storage = Storage.open(project.root)
    if storage is None:
        return
    held = [out for record in read_lock(project.root).values() for out in record.outs.values()]
    raw = read_pointer(project.root, RAW_FOLDER)
    listings = {out.md5 for out in [*held, *([raw] if raw else [])] if isinstance(out, DirHash)}
    named = {out.md5 for out in held} | listings
    for md5 in sorted(listings):
        # Read as it is: ObjectStore.read_listing would remove a damaged one, and nothing is repaired here.
        named.update(_entries(storage, md5))
    remedy = "remove it; then `dvc fetch` brings it from the remote, or `dvc commit` from data/"
    for md5 in sorted(named):
        yield ExpectedFile(CACHE, storage.objects.object_path(md5), md5.removesuffix(DIR_SUFFIX), remedy, optional=True)


def _entries(storage: Storage, md5: str) -> Iterable[str]:
    from flows.engine.dvc_store.object_store import parse_listing

    try:
        return (parse_listing(storage.objects.object_path(md5).read_bytes()) or {}).values()
    except OSError:
        return ()


def _shown(project: Project, path: Path) -> str:
    """The path for messages: relative to the project's root if inside, as in the state."""
    return path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else str(path)
