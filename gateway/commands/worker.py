"""``tandem worker``: the processes that do what is due, for several machines."""

from __future__ import annotations

from functools import partial

import click

from gateway.config import Config
from gateway.workers.supervisor import Child, Supervisor
from gateway.workers.wake import LINGERING
from gateway.workers.wiring import Wiring
from gateway.workers.worker import work

QUEUES = (*LINGERING, "upkeep")


@click.command()
@click.option("--queue", type=click.Choice(QUEUES), help="One process for this queue alone.")
def command(queue: str | None) -> None:
    """Do what is due: a process per lingering drain, so that none waits for another, and one for all the rest."""
    config = Config.load(create=False)
    wiring = Wiring.open(config)

    def take(name: str) -> None:
        work([name], config.redis_url, wiring.looks(), wiring.forked)

    if queue is not None:
        take(queue)
        return
    tree = Supervisor([Child(name, partial(take, name)) for name in QUEUES], config.child_environment())
    tree.start()
    tree.watch()
