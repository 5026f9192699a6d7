"""What changes the bytes of an artifact beside its ingredients: `python -m benchmarks.determinism`.

Every stage function runs on a second of two sample clips, in a fresh process for each variation of threads, batch,
instruction sets and hash seed, and always on the artifacts of the reference run. The table says, stage by stage,
whether the saved bytes are the reference's ("=") or by how much the numbers in them differ at most. A variation takes
some two minutes on two processors. An emulator (Debian's qemu-user) shows other kinds of processors, slowly.

    python -m benchmarks.determinism --cases detect match --variations torch-sse onednn-sse
    python -m benchmarks.determinism --save here.json             # MD5s of the reference, for another machine
    python -m benchmarks.determinism --against here.json          # and compared there
    python -m benchmarks.determinism --cases detect --under qemu-x86_64 -cpu Nehalem     # another kind of processor
    python -m benchmarks.determinism --unpinned --variations same # the reference pinned, the others as libraries choose
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.differences import largest_difference
from flows.cli.sample_videos import fetch_samples
from flows.engine.project import PARAMS_FILE, Project
from flows.pipeline import STAGES
from tasks.artifacts.artifact import DATASET_ITEM, Artifact, Dataset, UserInput
from tasks.artifacts.raw_video import RawVideo
from tasks.checkpoints import Checkpoints
from tasks.kernels import KERNELS_VARIABLE, choose_kernel_settings, processor_flags
from tasks.params import Compute, Params
from tasks.threads import LIBRARY_VARIABLES, THREADS_VARIABLE

SECONDS = 1.0
VIDEOS = ("bikes", "walk")
VIDEO = "walk"
"""The one whose items are compared: it has people who move."""
LABELS = "video,label,start_s,end_s,track_id,split\nbikes,ride,,,,train\nwalk,stand,,,,train\nwalk,lift,0.2,,,train\n"


@dataclass(frozen=True)
class Case:
    """A stage under parameters of its own; the first case of a stage makes what later stages read."""

    stage: str
    name: str = ""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    labels: bool = False
    """Whether people wrote labels."""
    video: str = VIDEO

    @property
    def title(self) -> str:
        """As it stands in the table."""
        return f"{self.stage}:{self.name}" if self.name else self.stage


@dataclass(frozen=True)
class Variation:
    """How a process differs from the reference's."""

    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    batch: int = 16
    workers: int = 0
    torch_threads: int | None = None
    opencv_threads: int | None = None
    cores: int | None = None
    """Processors that it may run on; None for all."""
    pinned: bool = True
    """Whether kernels are those of tasks/kernels.py, but for what `environment` says."""


CASES = (
    Case("decode"),
    Case("detect"),
    Case("detect", "yolo11n", {"weights": "yolo11n"}),
    Case("segment"),
    Case("segment", "masks", {"masks": True}),
    Case("estimate_flow"),
    Case("estimate_flow", "farneback", {"backend": "farneback"}),
    Case("estimate_flow", "raft-small", {"backend": "raft-small", "raft_iterations": 2}),
    Case("find_shots"),
    Case("fit_axes", video=DATASET_ITEM),
    Case("fit_axes", "dataset", {"fitted_on": "dataset", "frames_per_video": 4}, video=DATASET_ITEM),
    Case("extract_features"),
    Case("match"),
    Case("match", "euclidean", {"similarity": "euclidean"}),
    Case("track"),
    Case("track", "crops",
         {"appearance": "closest", "appearance_source": "crops", "link_max_appearance_distance": 0.3}),
    Case("estimate_pose"),
    Case("estimate_pose", "yolo", {"backend": "yolo", "keypoint_score": 0.5}),
    Case("train", video=DATASET_ITEM),
    Case("train", "heads", {"spatial": "mobilenet-v2", "held_out_share": 0.0, "fusion": "average"}, labels=True,
         video=DATASET_ITEM),
    Case("train", "full",
         {"spatial": "none", "temporal": "full", "epochs": 1, "held_out_share": 0.0, "fusion": "average"},
         labels=True, video=DATASET_ITEM),
    Case("classify"),
    Case("fit_field"),
    Case("fit_field", "learned", {"volume_steps": 3}),
    Case("report"),
)  # fmt: skip
VARIATIONS = {
    "same": Variation(),
    "hash-seed": Variation({"PYTHONHASHSEED": "7"}),
    "omp-1": Variation({"OMP_NUM_THREADS": "1"}),
    "omp-4": Variation({"OMP_NUM_THREADS": "4"}),
    "blas-1": Variation({"OPENBLAS_NUM_THREADS": "1"}),
    "blas-4": Variation({"OPENBLAS_NUM_THREADS": "4"}),
    "torch-1": Variation(torch_threads=1),
    "torch-2": Variation(torch_threads=2),
    "opencv-1": Variation(opencv_threads=1),
    "one-core": Variation(cores=1),
    "batch-1": Variation(batch=1),
    "workers-1": Variation(workers=1),
    "workers-4": Variation(dict.fromkeys((THREADS_VARIABLE, *LIBRARY_VARIABLES), "1"), workers=4),
    "torch-sse": Variation({"ATEN_CPU_CAPABILITY": "default"}),
    "onednn-sse": Variation({"ONEDNN_MAX_CPU_ISA": "SSE41"}),
    "mkl-sse": Variation({"MKL_CBWR": "COMPATIBLE"}),
    "mkl-avx2": Variation({"MKL_CBWR": "AVX2"}),
    "numpy-sse": Variation({"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}),
    "blas-haswell": Variation({"OPENBLAS_CORETYPE": "Haswell"}),
    "blas-zen": Variation({"OPENBLAS_CORETYPE": "Zen"}),
    "blas-sse": Variation({"OPENBLAS_CORETYPE": "Nehalem"}),
    "opencv-sse": Variation({"OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FMA3,AVX"}),
    "no-ipp": Variation({"OPENCV_IPP": "disabled"}),
    "ipp-sse": Variation({"OPENCV_IPP": "sse42"}),
}


def make_project(root: Path) -> None:
    """Put clips, parameters and nothing else into `root`."""
    fetch_samples(root, SECONDS)
    for clip in (root / RawVideo.FOLDER).glob("*.mp4"):
        if clip.stem not in VIDEOS:
            clip.unlink()
    (root / PARAMS_FILE).write_text(
        Path(PARAMS_FILE).read_text(encoding="utf-8").replace("device: auto", "device: cpu")
    )


def run_case(root: Path, case: Case, variation: Variation, target: Path) -> None:
    """Run a stage function on what lies in `root` and save what it makes below `target`."""
    project = Project.open(root, STAGES)
    stage = next(stage for stage in STAGES if stage.name == case.stage)
    arguments: dict[str, Any] = {name: opened(project, stage, name, case) for name in stage.inputs}
    arguments["params"] = make_params(project, case)
    sections = {type(section): section for section in project.params.values()}
    arguments |= {name: sections[kind] for name, kind in stage.extra_params.items()}
    compute = sections[Compute].model_copy(update={"batch": variation.batch, "workers": variation.workers})
    with tempfile.TemporaryDirectory() as parts:
        for name, kind in stage.injected.items():
            arguments[name] = compute if kind is Compute else Checkpoints.open_folder(Path(parts))
        made = stage.function(**arguments)
        for kind, artifact in zip(stage.outputs, made if isinstance(made, tuple) else (made,), strict=True):
            path = kind.path(target, case.video)
            path.parent.mkdir(parents=True, exist_ok=True)
            artifact.save(path)


def make_params(project: Project, case: Case) -> Params:
    """The parameters of the case's stage: the project's, but for those that the case sets."""
    own = project.params[case.stage]
    return type(own).model_validate_json(json.dumps(own.model_dump(mode="json") | dict(case.params)))


def opened(project: Project, stage: Any, name: str, case: Case) -> Any:
    """What a stage gets for its argument `name`."""
    kind: type[Artifact] = stage.inputs[name]
    if name in stage.dataset_inputs:
        return Dataset(kind, {video: kind.path(project.root, video) for video in VIDEOS})
    if issubclass(kind, UserInput):
        labels = project.root / "labels.csv"
        labels.write_text(LABELS)
        return kind.load(labels) if case.labels else kind.absent()
    return kind.load(project.artifact_path(kind, case.video))


def in_process(
    root: Path, cases: Sequence[Case], variation: Variation, target: Path, under: Sequence[str] = ()
) -> None:
    """`run_case` for each of `cases` in one fresh process, `under` an emulator and its options where given."""
    order = {"root": str(root), "cases": [asdict(case) for case in cases], "variation": asdict(variation)}
    pins = choose_kernel_settings(processor_flags()) if variation.pinned else {}
    subprocess.run(
        [*under, sys.executable, "-m", "benchmarks.determinism", "--child", json.dumps(order), str(target)],
        check=True,
        env={**os.environ, KERNELS_VARIABLE: "free", **pins, **variation.environment},
    )


def child(order: Mapping[str, Any], target: Path) -> None:
    """What runs in the fresh process."""
    variation = Variation(**order["variation"])
    if variation.cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: variation.cores])
    if variation.torch_threads is not None:
        import torch

        torch.set_num_threads(variation.torch_threads)
    if variation.opencv_threads is not None:
        import cv2

        cv2.setNumThreads(variation.opencv_threads)
    for case in (Case(**fields) for fields in order["cases"]):
        run_case(Path(order["root"]), case, variation, target / case.title.replace(":", "-"))


def reference(root: Path) -> None:
    """Make the artifacts that cases read, stage by stage, each in a process of its own."""
    first = {case.stage: case for case in reversed(CASES)}
    for stage in STAGES[:-1]:
        videos = (DATASET_ITEM,) if stage.over_dataset else VIDEOS
        cases = [Case(first[stage.name].stage, video=video) for video in videos]
        target = root / "made"
        in_process(root, cases, Variation(), target)
        for kind in stage.outputs:
            (root / kind.FOLDER).parent.mkdir(parents=True, exist_ok=True)
            (target / stage.name / kind.FOLDER).rename(root / kind.FOLDER)


def hashes(folder: Path) -> dict[str, str]:
    """File below `folder` to the MD5 of its bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def compared(expected: Path, got: Path) -> str:
    """`=`, or the largest difference between the numbers of two folders of artifacts."""
    before, after = hashes(expected), hashes(got)
    if before == after:
        return "="
    if before.keys() != after.keys():
        return "other files"
    changed = [name for name in before if before[name] != after[name]]
    return "; ".join(largest_difference(expected / name, got / name) for name in changed)


def measure(
    root: Path, cases: Sequence[Case], variations: Mapping[str, Variation], under: Sequence[str] = ()
) -> dict[str, dict[str, str]]:
    """Case to variation to what `compared` says; the artifacts that cases read must lie in `root`."""
    in_process(root, cases, Variation(), root / "expected")
    found: dict[str, dict[str, str]] = {case.title: {} for case in cases}
    for name, variation in variations.items():
        in_process(root, cases, variation, root / name, under)
        for case in cases:
            folder = case.title.replace(":", "-")
            found[case.title][name] = compared(root / "expected" / folder, root / name / folder)
    return found


def chosen(names: Collection[str]) -> list[Case]:
    """Those of a stage, or of one stage and setting."""
    return [case for case in CASES if {case.title, case.stage} & set(names)]


def as_table(found: Mapping[str, Mapping[str, str]]) -> str:
    """Markdown: a row per case, a column per variation."""
    names = list(next(iter(found.values())))
    rows = [["case", *names], ["---"] * (len(names) + 1), *([title, *row.values()] for title, row in found.items())]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", default=[case.title for case in CASES], help="stages or stage:setting")
    parser.add_argument("--variations", nargs="*", default=list(VARIATIONS), choices=list(VARIATIONS))
    parser.add_argument("--save", type=Path, help="where to write the MD5s of the reference's artifacts")
    parser.add_argument("--against", type=Path, help="MD5s that another machine wrote")
    parser.add_argument("--root", type=Path, help="folder to work in and keep; it may hold an earlier reference")
    parser.add_argument("--unpinned", action="store_true", help="leave the choice of kernels to the libraries")
    parser.add_argument("--under", nargs=argparse.REMAINDER, default=[], help="an emulator and its options")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child[0]), Path(options.child[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = options.root or Path(folder)
        if not (root / "data" / "semantic_field").is_dir():
            root.mkdir(parents=True, exist_ok=True)
            make_project(root)
            reference(root)
        variations = {name: replace(VARIATIONS[name], pinned=not options.unpinned) for name in options.variations}
        print(as_table(measure(root, chosen(options.cases), variations, options.under)))  # noqa: T201
        made = hashes(root / "data")
    if options.save:
        options.save.write_text(json.dumps(made, indent=1) + "\n")
    if options.against:
        other = json.loads(options.against.read_text())
        rows = [f"{name}: {'=' if other.get(name) == md5 else 'differs'}" for name, md5 in made.items()]
        print("\n".join(rows))  # noqa: T201


if __name__ == "__main__":
    main()
