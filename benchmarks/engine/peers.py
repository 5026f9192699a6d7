"""What others take for the same graph of items: DVC with a stage per video, and one Prefect task per item.

DVC: `foreach` over the videos in every stage, commands that copy a small file. Prefect: one flow that submits an empty
task for every item, waiting for those that it reads from, with the temporary server that a run starts by default.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine.process import CHECKOUT, CommandFailed, Took, best, run_process
from benchmarks.engine.project import RAW, raw_file

MAX_DVC, MAX_PREFECT = 100, 1000
"""Videos up to which each is run: beyond, it takes hours."""
QUIET = {"DO_NOT_TRACK": "1", "DVC_NO_ANALYTICS": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
TEMPORARY_SERVER = {
    "PREFECT_API_URL": "",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}


@dataclass(frozen=True)
class Step:
    """A stage, as far as its graph goes."""

    name: str
    reads: tuple[str, ...]
    """The stages that it reads from; `raw` for the raw video."""
    over_dataset: bool


@dataclass(frozen=True)
class DvcMeasured:
    """`dvc repro` with a stage per video and step."""

    first: Took
    nothing: Took
    changed: Took


def pipeline_steps() -> tuple[Step, ...]:
    """The graph of the real stages with their parameters of today, by which stages that choose videos choose none."""
    from flows.pipeline import STAGES

    makers = {kind.FOLDER: stage.name for stage in STAGES for kind in stage.outputs} | {RAW: "raw"}
    return tuple(
        Step(
            stage.name,
            ()
            if stage.selects_videos
            else tuple(dict.fromkeys(makers[kind.FOLDER] for kind in stage.inputs.values() if kind.FOLDER in makers)),
            stage.over_dataset,
        )
        for stage in STAGES
    )


def measure_dvc(
    root: Path, videos: int, steps: Sequence[Step], repeats: int, say: Callable[[str], None]
) -> DvcMeasured:
    """Make a DVC repository at `root` and reproduce it: everything, nothing, one changed video."""
    (root / RAW).mkdir(parents=True)
    for number in range(videos):
        raw_file(root, number).write_text(f"video {number}\n", encoding="ascii")
    names = [raw_file(root, number).stem for number in range(videos)]
    (root / "dvc.yaml").write_text(dvc_yaml(steps, names), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)

    def dvc(*arguments: str) -> Took:
        say(f"{videos:,} videos: dvc {' '.join(arguments)}")
        return run_process([sys.executable, "-m", "dvc", *arguments], root, QUIET)

    dvc("init", "--quiet")
    first = dvc("repro", "--quiet")
    nothing = best([dvc("repro", "--quiet") for _ in range(repeats)])
    raw_file(root, 0).write_text("another video\n", encoding="ascii")
    return DvcMeasured(first, nothing, dvc("repro", "--quiet"))


def dvc_yaml(steps: Sequence[Step], videos: Sequence[str]) -> str:
    """A `foreach` per stage over `videos`; stages over the dataset read the files of all."""
    import yaml

    over = {step.name: step.over_dataset for step in steps} | {"raw": False}

    def place(name: str, video: str) -> str:
        if name == "raw":
            return f"{RAW}/{video}.mp4"
        return f"{name}/{'dataset' if over[name] else video}.txt"

    stages: dict[str, Any] = {}
    for step in steps:
        owners = videos if step.over_dataset else ["${item}"]
        deps = list(dict.fromkeys(place(name, owner) for name in step.reads for owner in owners))
        out = place(step.name, "${item}")
        # The step's own name goes in, so that no two artifacts are alike.
        body = {
            "cmd": f"mkdir -p {step.name} && (echo {step.name}; cat {deps[0] if deps else '/dev/null'}) > {out}",
            "deps": deps,
            "outs": [out],
        }
        stages[step.name] = body if step.over_dataset else {"foreach": list(videos), "do": body}
    return yaml.safe_dump({"stages": stages}, sort_keys=False)


def measure_prefect(root: Path, videos: int, say: Callable[[str], None]) -> Took | None:
    """One flow run with a task run per item; None where Prefect did not come through."""
    root.mkdir(parents=True)
    say(f"{videos:,} videos: one Prefect task per item")
    code = "import sys; from benchmarks.engine.peers import submit_items; submit_items(int(sys.argv[1]))"
    environment = {**QUIET, **TEMPORARY_SERVER, "PYTHONPATH": str(CHECKOUT), "PREFECT_HOME": str(root / "prefect")}
    try:
        return run_process([sys.executable, "-c", code, str(videos)], root, environment)
    except CommandFailed as error:
        say(str(error))
        return None


def submit_items(videos: int) -> None:
    """Submit a task for every item of `videos` videos and wait for them."""
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE
    from prefect.futures import wait

    @task(cache_policy=NO_CACHE, persist_result=False)
    def make(name: str) -> str:
        return name

    submit: Any = make.submit  # its overloads know nothing of lists of futures of unknown tasks

    @flow(validate_parameters=False)
    def make_all() -> int:
        futures: dict[str, dict[str, Any]] = {}
        for step in pipeline_steps():
            owners = ["dataset"] if step.over_dataset else [str(number) for number in range(videos)]
            futures[step.name] = {
                owner: submit(f"{step.name} {owner}", wait_for=_before(step, owner, futures)) for owner in owners
            }
        everything = [future for of_step in futures.values() for future in of_step.values()]
        wait(everything)
        return len(everything)

    make_all()


def _before(step: Step, owner: str, futures: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """The futures of the items that one item reads from."""
    found: list[Any] = []
    for name in step.reads:
        before = futures.get(name, {})  # raw videos have none
        found += before.values() if step.over_dataset else [before.get(owner) or before.get("dataset")]
    return [future for future in found if future is not None]
