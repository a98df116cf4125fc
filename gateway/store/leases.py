"""Who runs the clock: one leased row per job of a kind that only one process may do, and each tick taken once.

Times are the database's, so that machines with different clocks agree.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.db import Road, Store
from gateway.store.tables import lease, slot


def take(store: Store, name: str, owner: str, seconds: float) -> bool:
    """Take the lease ``name``, or keep it, for ``seconds``. False while another owner's has not run out."""
    with store.write() as conn:
        now = Road(conn, store.dialect).lease_now()
        until = now + int(seconds * 1_000_000)
        conn.execute(_insert(store)(lease).values(name=name, owner="", until=0).on_conflict_do_nothing())
        free = or_(lease.c.owner == owner, lease.c.until <= now)
        taken = update(lease).where(lease.c.name == name, free).values(owner=owner, until=until)
        return conn.execute(taken).rowcount == 1


def give_back(store: Store, name: str, owner: str) -> None:
    """Let the next one have it at once; nothing when it is not ours."""
    with store.write() as conn:
        conn.execute(update(lease).where(lease.c.name == name, lease.c.owner == owner).values(until=0))


def take_slot(store: Store, job: str, number: int) -> bool:
    """Take tick ``number`` of ``job``: true for the first who asks, whoever holds the lease by now. Ticks long past
    are forgotten."""
    with store.write() as conn:
        new = _insert(store)(slot).values(job=job, slot=number).on_conflict_do_nothing().returning(slot.c.slot)
        taken = conn.execute(new).first() is not None
        if taken:
            conn.execute(delete(slot).where(slot.c.job == job, slot.c.slot < number - 100))
        return taken


def _insert(store: Store) -> Any:
    """The dialect's insert, which knows ``on conflict``; the two share no type."""
    return sqlite.insert if store.dialect == "sqlite" else postgresql.insert
