"""``tandem demo``: people who keep reporting trouble, at a human pace. Started by ``tandem up --demo``."""

from __future__ import annotations

import itertools
import signal
import threading

import click
from sqlalchemy import func, select

from gateway import pipeline
from gateway.config import Config
from gateway.decide.facts import Command
from gateway.demo import desk
from gateway.demo.story import tickets
from gateway.errors import Unavailable
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.workers.wiring import Wiring

AT_ONCE = 6
ENOUGH = 60
"""Tickets that are there at the first look, and open ones beyond which nobody reports more."""


@click.command(hidden=True)
@click.option("--port", required=True, type=int, help="Where the provider's desk listens.")
@click.option("--every", default=30.0, show_default=True, help="Seconds between two tickets.")
def command(port: int, every: float) -> None:
    """Connect the provider's desk, then report a ticket now and then until stopped."""
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    config = Config.load(create=False)
    rt = Wiring.open(config).runtime
    while not stopping.is_set() and not _connected(rt, desk.of(config, port)):
        stopping.wait(0.5)
    with rt.store.read() as conn:
        told = int(conn.execute(select(func.count()).select_from(tables.ticket)).scalar_one())
    for number, fields in enumerate(itertools.islice(tickets(), told, None), told + 1):
        while _open(rt) >= ENOUGH and not stopping.wait(every):
            pass
        if stopping.is_set():
            return
        pipeline.change(rt, Command("create", "demo", {"fields": fields, "channel": "mail"}))
        stopping.wait(0.2 if number < AT_ONCE else every)


def _connected(rt: Runtime, provider: desk.DemoDesk) -> bool:
    try:
        desk.connect(rt, provider)
    except Unavailable:
        return False
    return True


def _open(rt: Runtime) -> int:
    with rt.store.read() as conn:
        waits = tables.ticket.c.status.not_in(("resolved", "closed", "cancelled"))
        return int(conn.execute(select(func.count()).where(waits)).scalar_one())
