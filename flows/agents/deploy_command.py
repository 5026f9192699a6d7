"""`semflow deploy`: register pools, deployments and the automation that ends dead runs, at the Prefect server."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.agents.prefect_launcher import POOLS
from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

COORDINATOR_POOL = "semflow"
NIGHTLY = "process_dataset/nightly"
DEPLOYMENTS_FILE = "prefect.yaml"
AUTOMATION = "semflow: end flow runs without a heartbeat"
HEARTBEAT_S = 30
"""Seconds between two heartbeats of a flow run (PREFECT_FLOWS_HEARTBEAT_FREQUENCY, at least 30)."""
SILENCE_S = 300
"""Seconds without one after which a flow run counts as dead: its machine was cut off."""


@click.command(cls=ValuesCommand)
@click.option("--agents/--no-agents", default=None, help="whether the scheduled run hands its work to agents")
@click.option("--share", type=click.Choice(["remote", "cache"]), help="how machines exchange data")
@click.option("--cron", metavar="CRON", help="when the scheduled run starts; by default as prefect.yaml says")
@click.option("--inbox", metavar="URL", help="where the scheduled run fetches new films: s3://bucket/incoming")
@JSON_OPTION
def command(*, agents: bool | None, share: str | None, cron: str | None, inbox: str | None, as_json: bool) -> int:
    """Register the scheduled run and its batches at the Prefect server that PREFECT_API_URL names; may be repeated.

    Creates the work pools, the deployments of prefect.yaml, and an automation that marks runs of dead machines as
    crashed, so that they do not keep the next scheduled run waiting. The server's password, which
    `semflow server --auth` sets, is read from PREFECT_API_AUTH_STRING.
    """
    from flows.engine.project import find_root

    root = find_root(Path.cwd())
    parameters: dict[str, Any] = {}
    if agents is not None:
        parameters["agents"] = agents
    if share is not None:
        parameters["share"] = share
    if inbox is not None:
        parameters["inbox"] = inbox
    done = deploy(root, parameters, cron)
    if as_json:
        print_json(done)
        return 0
    for line in describe(done, root):
        click.echo(line)
    return 0


def deploy(root: Path, parameters: Mapping[str, Any], cron: str | None) -> dict[str, Any]:
    """Register everything; gives the address of the server, the pools, deployments and the parameters of the run."""
    declared = read_deployments(root)
    pools = [COORDINATOR_POOL, *POOLS.values()]
    with open_client() as client:
        new = [pool for pool in pools if _create_pool(client, pool)]
        given: dict[str, Any] = {}
        for one in declared:
            is_nightly = one.full_name == NIGHTLY
            known = _find_parameters(client, one) if is_nightly else {}
            wanted = {**one.parameters, **(known | dict(parameters) if is_nightly else {})}
            _create_deployment(client, one, wanted, cron if is_nightly and cron else one.cron)
            given = wanted if is_nightly else given
        is_new = _create_automation(client)
        return {
            "server": str(client.api_url),
            "pools": pools,
            "new_pools": new,
            "deployments": [one.full_name for one in declared],
            "parameters": given,
            "new_automation": is_new,
        }


@dataclass(frozen=True)
class DeclaredDeployment:
    """One deployment of prefect.yaml."""

    name: str
    flow: str
    """Module and function of the flow: `flows.dataset.process_dataset`."""
    description: str
    parameters: Mapping[str, Any]
    pool: str
    limit: int | None
    """Most runs at once; further ones are cancelled."""
    cron: str | None
    timezone: str = "UTC"

    @property
    def full_name(self) -> str:
        """`flow/name`."""
        return f"{self.flow.rpartition('.')[2]}/{self.name}"


def read_deployments(root: Path) -> list[DeclaredDeployment]:
    """The deployments of the project's prefect.yaml, or, where there is none, of the one that comes with semflow.

    Raises SemflowError where the file is not valid.
    """
    import yaml

    path = root / DEPLOYMENTS_FILE
    path = path if path.is_file() else Path(__file__).with_name(DEPLOYMENTS_FILE)
    try:
        found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [_parse_deployment(fields) for fields in found["deployments"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise SemflowError(
            f"{path} must list deployments as Prefect reads them, got {error!r}; see prefect.yaml of semflow"
        ) from None


def _parse_deployment(fields: dict[str, Any]) -> DeclaredDeployment:
    schedules = fields.get("schedules") or [{}]
    limit = (fields.get("concurrency_limit") or {}).get("limit")
    return DeclaredDeployment(
        name=str(fields["name"]),
        flow=str(fields["entrypoint"]).replace(".py:", ".").replace("/", "."),
        description=str(fields.get("description") or ""),
        parameters=dict(fields.get("parameters") or {}),
        pool=str(fields["work_pool"]["name"]),
        limit=limit,
        cron=schedules[0].get("cron"),
        timezone=str(schedules[0].get("timezone") or "UTC"),
    )


def describe(done: Mapping[str, Any], root: Path) -> Generator[str]:
    """Lines that say what is registered, and what to start where."""
    yield f"registered at {done['server']}: pools {', '.join(done['pools'])}; {', '.join(done['deployments'])}"
    on_agents = bool(done["parameters"].get("agents"))
    yield "start, each in a terminal or service of its own:"
    yield f"  semflow agent --pool {COORDINATOR_POOL}     in {root}: plans the scheduled run, accepts and records"
    if on_agents:
        yield "  semflow agent                   in a clone on each other machine: computes batches"
    else:
        yield "  the scheduled run computes on that machine; `semflow deploy --agents` hands its work to agents"
    yield f"run it now: prefect deployment run {NIGHTLY}"


@contextmanager
def open_client() -> Generator[SyncPrefectClient]:
    """A client of the server that PREFECT_API_URL or a profile names; raises SemflowError where none answers."""
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if not url:
        raise SemflowError(
            "PREFECT_API_URL must name a Prefect server, got none; start one with `semflow server`, then `export "
            "PREFECT_API_URL=http://127.0.0.1:4200/api`"
        )
    import httpx

    try:
        with get_client(sync_client=True) as client:
            client.hello().raise_for_status()
            yield client
    except httpx.HTTPStatusError as error:
        raise SemflowError(_explain_status(url, error.response.status_code)) from None
    except httpx.HTTPError as error:
        raise SemflowError(
            f"the Prefect server at {url} must answer, got {type(error).__name__}: {error}; start one: `semflow server`"
        ) from None


def _create_deployment(
    client: SyncPrefectClient, one: DeclaredDeployment, parameters: Mapping[str, Any], cron: str | None
) -> None:
    """Create or update a deployment; its flow is imported from the packages of the worker that runs it."""
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
    from prefect.client.schemas.schedules import CronSchedule

    cancel_new = ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    schedule = None if cron is None else CronSchedule(cron=cron, timezone=one.timezone)
    client.create_deployment(
        flow_id=client.create_flow_from_name(one.flow.rpartition(".")[2]),
        name=one.name,
        description=one.description,
        parameters=dict(parameters),
        work_pool_name=one.pool,
        entrypoint=one.flow,
        concurrency_limit=one.limit,
        concurrency_options=None if one.limit is None else cancel_new,
        schedules=[] if schedule is None else [DeploymentScheduleCreate(schedule=schedule, active=True)],
        enforce_parameter_schema=False,
    )


def _find_parameters(client: SyncPrefectClient, one: DeclaredDeployment) -> dict[str, Any]:
    """The parameters that the deployment has at the server now; {} where it is new."""
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name(one.full_name).parameters
    except ObjectNotFound:
        return {}


def _create_automation(client: SyncPrefectClient) -> bool:
    """Let the server mark flow runs that have stopped beating as crashed; whether it did not yet.

    Without it the run of a machine that was cut off stays Running for ever, keeps its slot of the concurrency limit,
    and every later scheduled run is cancelled.
    """
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    if client.read_automations_by_name(AUTOMATION):
        return False
    ends = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    trigger = EventTrigger(
        after={"prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat", *ends},
        match=ResourceSpecification.model_validate({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE_S,  # pyright: ignore[reportArgumentType]
    )
    action = ChangeFlowRunState(
        name=None,
        force=False,
        state="CRASHED",  # pyright: ignore[reportArgumentType]
        message=f"no heartbeat for {SILENCE_S} s: its machine or process has died",
    )
    client.create_automation(AutomationCore(name=AUTOMATION, enabled=True, trigger=trigger, actions=[action]))
    return True


def _create_pool(client: SyncPrefectClient, name: str) -> bool:
    """Whether the pool did not exist."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        try:
            client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        except ObjectAlreadyExists:
            return False
        return True
    return False


def _explain_status(url: str, status: int) -> str:
    if status in (401, 403):
        return f"the Prefect server at {url} must accept this client, got {status}; set PREFECT_API_AUTH_STRING"
    return f"the Prefect server at {url} must answer, got HTTP {status}; see its log"
