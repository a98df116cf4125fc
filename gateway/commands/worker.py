"""``tandem worker``: the processes that do what is due, for several machines."""

from __future__ import annotations

import click

from gateway.config import Config
from gateway.workers.embedded import worker_parts
from gateway.workers.supervisor import Supervisor
from gateway.workers.wake import LINGERING
from gateway.workers.wiring import Wiring
from gateway.workers.worker import work


@click.command()
@click.option("--queue", type=click.Choice([*LINGERING, "upkeep"]), help="One process for this queue alone.")
def command(queue: str | None) -> None:
    """Do what is due: one process per queue, each forking for its jobs."""
    config = Config.load(create=False)
    if queue is None:
        tree = Supervisor(worker_parts(), config.child_environment())
        tree.start()
        tree.watch()
    else:
        wiring = Wiring.open(config)
        work([queue], config.redis_url, wiring.looks(), wiring.forked)
