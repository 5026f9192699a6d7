"""`python -m flows.agents.agent BATCH`: compute one batch with the clone in the current folder."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from dataclasses import asdict
from pathlib import Path

import click

from flows.agents.claims import BEAT_S, LEASE_S
from flows.agents.compute_batch import AgentSettings, compute_batch
from flows.agents.exchange import Share
from flows.engine.project import find_root
from tasks.errors import SemflowError


def make_agent_name(label: str = "") -> str:
    """A name that no other agent has: host, process, and a label such as the name of a worker."""
    return "-".join(filter(None, (socket.gethostname(), str(os.getpid()), label)))


@click.command()
@click.argument("batch")
@click.option("--share", type=click.Choice(["remote", "cache"]), default="remote", help="how machines exchange data")
@click.option("--beat", "beat_s", type=float, default=BEAT_S, help="seconds between two beats of a claim")
@click.option("--lease", "lease_s", type=float, default=LEASE_S, help="seconds without a beat that void a claim")
def main(batch: str, share: Share, beat_s: float, lease_s: float) -> None:
    """Compute one batch that a coordinator wrote, and hand in its results."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    settings = AgentSettings(make_agent_name(), share, beat_s=beat_s, lease_s=lease_s)
    try:
        end, summary = compute_batch(find_root(Path.cwd()), batch, settings)
    except SemflowError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(asdict(end)))
    if end.error:
        raise click.ClickException(end.error)
    if summary is not None and summary.interrupted:
        sys.exit(128 + summary.interrupted)


if __name__ == "__main__":
    main()
