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
from gateway.demo.story import tickets
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.workers.wiring import Wiring

AT_ONCE = 6
ENOUGH = 60
"""Tickets that are there at the first look, and open ones beyond which nobody reports more."""


@click.command(hidden=True)
@click.option("--every", default=30.0, show_default=True, help="Seconds between two tickets.")
def command(every: float) -> None:
    """Report a ticket now and then until stopped."""
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    rt = Wiring.open(Config.load(create=False)).runtime
    with rt.store.read() as conn:
        told = int(conn.execute(select(func.count()).select_from(tables.ticket)).scalar_one())
    for number, fields in enumerate(itertools.islice(tickets(), told, None), told + 1):
        while _open(rt) >= ENOUGH:
            if stopping.wait(every):
                return
        pipeline.change(rt, Command("create", "demo", {"fields": fields, "channel": "mail"}))
        if stopping.wait(0.2 if number < AT_ONCE else every):
            return


def _open(rt: Runtime) -> int:
    with rt.store.read() as conn:
        waits = tables.ticket.c.status.not_in(("resolved", "closed", "cancelled"))
        return int(conn.execute(select(func.count()).where(waits)).scalar_one())
