"""`semflow export FORMAT [VIDEO]... --out DIR`: artifacts in the formats of other tools."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option
from flows.cli.text_formatting import format_size
from flows.export.export_folder import open_export_folder
from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import check_classes
from flows.maintenance.terminal_dialog import open_project, print_answer, resolve_videos
from tasks.errors import SemflowError

Exporter = Callable[[Sequence[ExportSource], Path, ExportOptions], None]


class ExportFormat(NamedTuple):
    """One format: where its function is, and what it needs."""

    place: str
    """module:function"""
    package: str = ""
    """Package that must be installed, as the extra `export` does."""
    options: tuple[str, ...] = ("classes",)
    """The options that mean something to it."""


FORMATS = {
    "mot": ExportFormat("flows.export.mot_text:export_mot"),
    "coco": ExportFormat("flows.export.coco_json:export_coco", options=("classes", "images")),
    "cvat": ExportFormat("flows.export.cvat_xml:export_cvat"),
    "csv": ExportFormat("flows.export.csv_tables:export_csv"),
    "flo": ExportFormat("flows.export.flo_files:export_flo", options=()),
    "supervision": ExportFormat("flows.export.supervision_detections:export_supervision"),
    "label-studio": ExportFormat("flows.export.label_studio:export_label_studio"),
    "movement": ExportFormat("flows.export.movement_dataset:export_movement", "xarray", ()),
    "webdataset": ExportFormat("flows.export.webdataset_shards:export_webdataset"),
    "lerobot": ExportFormat("flows.export.lerobot_dataset:export_lerobot", options=()),
    "rerun": ExportFormat("flows.export.rerun_recording:export_rerun", "rerun"),
}


@click.command(cls=ValuesCommand)
@click.argument("form", metavar="FORMAT", type=click.Choice(list(FORMATS)))
@click.argument("videos", nargs=-1, metavar="[VIDEO]...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="folder for the files")
@list_option("--classes", metavar="NAME", help="tracks of these classes alone, e.g. person")
@click.option("--images", is_flag=True, help="images too, where the format refers to images (coco)")
@JSON_OPTION
def command(
    *, form: str, videos: tuple[str, ...], out: Path, classes: tuple[str, ...] | None, images: bool, as_json: bool
) -> int:
    """Write artifacts in a format of another tool: docs/exports.md says what each holds.

    FORMAT is one of the names below; VIDEO limits it to some videos. The folder appears complete or not at all.
    """
    for name, given in (("classes", classes), ("images", images)):
        if given and name not in FORMATS[form].options:
            takes = ", ".join(other for other, found in FORMATS.items() if name in found.options)
            raise SemflowError(f"--{name} must be for one of {takes}, got {form}; leave it out")
    project = open_project()
    try:
        names = resolve_videos(project, videos) or list(project.videos)
        if not names:
            raise SemflowError("the data set must have a video to export, got none; " + "; ".join(project.notes))
        sources = [ExportSource(project, name) for name in names]
        options = ExportOptions(classes or (), images)
        check_classes(sources, options.classes)
        manifest = {"format": form, "semflow": version("semflow"), "videos": names}
        with open_export_folder(out, form, manifest) as folder:
            load_exporter(form)(sources, folder, options)
    finally:
        project.close()
    sizes = {path.relative_to(out).as_posix(): path.stat().st_size for path in sorted(out.rglob("*")) if path.is_file()}
    answer = {**manifest, "folder": str(out), "files": list(sizes), "bytes": sum(sizes.values()), "good": True}
    print_answer(answer, [f"{len(sizes):,} files ({format_size(sum(sizes.values()))}) in {out}"], as_json=as_json)
    return 0


def load_exporter(form: str) -> Exporter:
    """The function that writes the format; SemflowError where a package that it needs is not installed."""
    found = FORMATS[form]
    if found.package:
        try:
            importlib.import_module(found.package)
        except ImportError:
            raise SemflowError(
                f"export {form} must have the package {found.package}, got none; "
                "install it: pip install 'semflow[export]'"
            ) from None
    module, _, name = found.place.partition(":")
    return getattr(importlib.import_module(module), name)
