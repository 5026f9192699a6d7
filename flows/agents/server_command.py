"""`semflow server`: start Prefect's server with the settings that runs on several machines need."""

from __future__ import annotations

import ipaddress
import os
import sys

import click

from flows.cli.command_options import ValuesCommand
from tasks.errors import SemflowError

SETTINGS = {
    # Leases of concurrency limits survive a restart; in memory, the slot of a run that died would stay taken for ever.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # A quarter of the work per task run.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
URL_VARIABLE, AUTH_VARIABLE = "PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_API_AUTH_STRING"


@click.command(cls=ValuesCommand)
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen at; 0.0.0.0 for all networks")
@click.option("--port", default=4200, show_default=True, help="port to listen at")
@click.option("--auth", metavar="USER:PASSWORD", help="what clients must send; required unless --host is this machine")
@click.option("--database", metavar="URL", help="postgresql+asyncpg://user:password@host/name; by default SQLite")
def command(host: str, port: int, auth: str | None, database: str | None) -> int:
    """Start Prefect's server for runs on several machines; ends with Ctrl-C.

    Leases survive a restart, and without a password it listens on this machine alone.
    """
    environment = make_server_environment(host, auth or os.environ.get(AUTH_VARIABLE), database)
    words = ["-m", "prefect", "server", "start", "--host", host, "--port", str(port)]
    os.execve(sys.executable, [sys.executable, *words], environment)


def make_server_environment(host: str, auth: str | None, database: str | None) -> dict[str, str]:
    """The environment of the server; raises SemflowError where strangers could reach it without a password."""
    if auth is not None and ":" not in auth:
        raise SemflowError(f"--auth must be USER:PASSWORD, got {auth!r} without a colon")
    if not _is_loopback(host) and not auth:
        raise SemflowError(
            f"a server at {host} must have a password, since flow runs are code that workers execute, got none; add "
            "--auth USER:PASSWORD, and set PREFECT_API_AUTH_STRING to the same where agents and commands run"
        )
    environment = {**SETTINGS, **os.environ}
    if auth:
        environment |= {AUTH_VARIABLE: auth, "PREFECT_API_AUTH_STRING": auth}
    if database:
        environment[URL_VARIABLE] = database
    return environment


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
