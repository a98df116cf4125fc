"""``tandem demo``: the people of the demo's company, at a human pace. Started by ``tandem up --demo``."""

from __future__ import annotations

import signal
import threading

import click

from gateway.config import Config
from gateway.demo import desk
from gateway.demo.play import Company
from gateway.errors import Unavailable
from gateway.runtime import Runtime
from gateway.workers.wiring import Wiring

BEAT = 2.0
"""Seconds between two looks around."""


@click.command(hidden=True)
@click.option("--port", required=True, type=int, help="Where the provider's desk listens.")
@click.option("--every", default=30.0, show_default=True, help="Seconds between two tickets, on average.")
def command(port: int, every: float) -> None:
    """Connect the provider's desk, then be the people who report trouble, until stopped."""
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    config = Config.load(create=False)
    rt = Wiring.open(config).runtime
    while not stopping.is_set() and not connected(rt, desk.of(config, port)):
        stopping.wait(0.5)
    company = Company(rt, every)
    while not stopping.is_set():
        stopping.wait(0.3 if company.beat() else BEAT)


def connected(rt: Runtime, provider: desk.DemoDesk) -> bool:
    """Whether the desk is up and is a connection of ours."""
    try:
        desk.connect(rt, provider)
    except Unavailable:
        return False
    return True
