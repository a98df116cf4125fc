"""``tandem scheduler``: wakes what is due. Any number may run; one holds the lease."""

from __future__ import annotations

import os
import signal
import threading

import click

from gateway.config import Config
from gateway.store import leases
from gateway.workers.schedule import Scheduler
from gateway.workers.wiring import Wiring


@click.command()
def command() -> None:
    """Wake what is due, tick what is regular, and do the work itself while Redis is away."""
    config = Config.load(create=False)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    wiring = Wiring.open(config)
    owner = f"{os.uname().nodename}:{os.getpid()}"
    Scheduler(wiring.duties(owner)).run(stopping)
    leases.give_back(wiring.runtime.store, "scheduler", owner)
