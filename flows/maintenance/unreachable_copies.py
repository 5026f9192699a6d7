"""Describe copies and mentions of a forgotten video that cannot be erased, for its proof of erasure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.engine.dvc_store.git_commands import run_git
from flows.engine.film_addresses import address_file
from flows.engine.project import Project
from flows.engine.video_list import Video
from flows.engine.video_paths import VIDEO_SLOT, list_video_paths
from flows.maintenance.erase_logs import mentions_name
from flows.maintenance.video_traces import VideoTraces
from tasks.decode.film_list import SUFFIX

EVERYWHERE = (
    "other clones of this repository, branches that this clone does not know, backups and snapshots of file systems, "
    "and blocks that a disk has set free (SSD)",
    "what Prefect's database and DVC's own notes (.dvc/tmp, its site cache) say of past runs: names and hashes",
)


def describe_unreachable(project: Project, video: Video, traces: VideoTraces) -> Iterator[str]:
    """One sentence per kind of remaining copy or mention, without the video's name."""
    yield (
        f"dvc.lock in earlier commits, and {len(traces.committed)} lists of files that they name: they hold the "
        "video's name and hashes of what is erased, and git does not change what was committed"
    )
    if traces.unknown:
        yield f"{traces.unknown} recorded lists that neither DVC's cache nor its remote has: what they name is unknown"
    for declaration in project.declarations:
        if declaration.over_dataset:
            yield (
                f"what {declaration.name} made of the whole data set: the next `semflow run` makes it again without "
                "the video, earlier versions stay"
            )
    for kind in {kind.user_path: kind for d in project.declarations for kind in d.inputs.values()}.values():
        lines = (
            _naming_lines(project.root / kind.user_path, traces.names)
            if kind.user_path and VIDEO_SLOT not in kind.user_path
            else []
        )
        if lines:
            yield f"{kind.user_path} names it in line {', '.join(map(str, lines))}: take that out by hand"
    if video.file is not None and video.file.is_symlink():
        yield "the file that data/raw held a link to"
    if video.file is not None and video.file.suffix == SUFFIX:
        yield "the images or takes that videos.yaml lists for it"
    if address_file(project.root, video.relative).is_file():
        yield "the film itself, on the server whose address videos.yaml gave"
    places = list_video_paths(project, video)
    tracked = run_git(project.root, ["ls-files", "-z", "--", *places.written, *places.recipes, *places.artifacts])
    if tracked is not None and not tracked.returncode and tracked.stdout:
        yield "files of it that git tracks: their earlier versions stay in git's history"
    yield from EVERYWHERE


def _naming_lines(path: Path, names: set[str]) -> list[int]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [number for number, line in enumerate(text.splitlines(), 1) if mentions_name(line, names)]
