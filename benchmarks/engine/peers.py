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
MAX_DVC_FIRST = 10
"""Videos up to which DVC runs the commands itself: it writes its whole lock file after each of them, so 100 videos take
more than a quarter of an hour. Beyond, the commands are run without DVC, and `dvc commit` records what they made."""
ITEM = "${item}"
"""What DVC puts the video's name for, in a `foreach`."""
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

    first: Took | None
    """None beyond MAX_DVC_FIRST videos."""
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
    """Make a DVC repository at `root` and reproduce it: everything (to MAX_DVC_FIRST), nothing, one changed video."""
    (root / RAW).mkdir(parents=True)
    for number in range(videos):
        raw_file(root, number).write_text(f"video {number}\n", encoding="ascii")
    names = [raw_file(root, number).stem for number in range(videos)]
    stages = make_dvc_stages(steps, names)
    (root / "dvc.yaml").write_text(render_dvc_yaml(stages, names), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)

    def dvc(*arguments: str) -> Took:
        say(f"{videos:,} videos: dvc {' '.join(arguments)}")
        return run_process([sys.executable, "-m", "dvc", *arguments], root, QUIET)

    dvc("init", "--quiet")
    first = dvc("repro", "--quiet") if videos <= MAX_DVC_FIRST else None
    if first is None:
        run_commands(root, stages, names)
        dvc("commit", "--force", "--quiet")
    nothing = best([dvc("repro", "--quiet") for _ in range(repeats)])
    raw_file(root, 0).write_text("another video\n", encoding="ascii")
    return DvcMeasured(first, nothing, dvc("repro", "--quiet"))


def make_dvc_stages(steps: Sequence[Step], videos: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Command, dependencies and output of every step, with `${item}` for the video where the step is made for each."""
    over = {step.name: step.over_dataset for step in steps} | {"raw": False}

    def place(name: str, video: str) -> str:
        if name == "raw":
            return f"{RAW}/{video}.mp4"
        return f"{name}/{'dataset' if over[name] else video}.txt"

    stages: dict[str, dict[str, Any]] = {}
    for step in steps:
        owners = videos if step.over_dataset else [ITEM]
        deps = list(dict.fromkeys(place(name, owner) for name in step.reads for owner in owners))
        out = place(step.name, ITEM)
        # The step's own name goes in, so that no two artifacts are alike.
        stages[step.name] = {
            "cmd": f"mkdir -p {step.name} && (echo {step.name}; cat {deps[0] if deps else '/dev/null'}) > {out}",
            "deps": deps,
            "outs": [out],
        }
    return stages


def render_dvc_yaml(stages: Mapping[str, Mapping[str, Any]], videos: Sequence[str]) -> str:
    """The stages as dvc.yaml: a `foreach` over `videos` for those that are made for each video."""
    import yaml

    bodies = {
        name: {"foreach": list(videos), "do": body} if ITEM in body["cmd"] else body for name, body in stages.items()
    }
    return yaml.safe_dump({"stages": bodies}, sort_keys=False)


def run_commands(root: Path, stages: Mapping[str, Mapping[str, Any]], videos: Sequence[str]) -> None:
    """Run the command of every stage and video in one shell."""
    commands = [
        body["cmd"].replace(ITEM, video)
        for body in stages.values()
        for video in (videos if ITEM in body["cmd"] else videos[:1])
    ]
    subprocess.run(["bash", "-e"], input="\n".join(commands), text=True, cwd=root, check=True)


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
