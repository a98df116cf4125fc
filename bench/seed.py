"""An installation for the benchmark: two memory desks, and tickets linked at both, as if synced for a while."""

from __future__ import annotations

import json
from importlib.resources import files

from sqlalchemy import select

from gateway.config import Config
from gateway.providers import connection
from gateway.runtime import Runtime
from gateway.store import schema, tables
from gateway.store.db import Road, Store
from gateway.store.ids import mint

FIRST = 1001
"""The remote id of the first ticket, at both desks."""

SECRET = "bench-secret"
IN_FLIGHT = 64
_FIELDS = {
    "title": "seeded",
    "kind": "incident",
    "status": "new",
    "impact": "medium",
    "urgency": "medium",
    "priority": "P3",
}
_PAIRS = {"title": ["seeded", "seeded"], "status": ["new", "open"], "impact": ["medium"] * 2, "urgency": ["medium"] * 2}


def seed(config: Config, remote: str, tickets: int) -> None:
    """Prepare the database and connect ``acme``, which sends webhooks, and ``beta``, whose desk is at ``remote``."""
    store = Store(config.database_url)
    schema.upgrade(store)
    schema.prepare(store, config)
    store.close()
    rt = Runtime.open(config)
    manifest = files("connectors.memory").joinpath("manifest.yaml").read_text("utf-8")
    manifest = manifest.replace("limits: {in_flight: 16}", f"limits: {{in_flight: {IN_FLIGHT}}}")
    with rt.store.write() as conn:
        d = tables.document.c
        mapping = conn.execute(select(d.id).where(d.kind == "mapping", d.name == "memory")).scalar_one()
        connections = []
        for name in ("acme", "beta"):
            doc = {"name": name, "kind": "memory", "provider": name, "settings": {"url": remote}}
            doc["secrets"] = {"token": "bench", "webhook": SECRET}
            connections.append(connection.add(conn, rt.key, rt.vault, doc, manifest, mapping, "bench"))
        conn.execute(tables.connection.update().values(me='["gateway"]', poll_at=None))
        _tickets(Road(conn, rt.store.dialect), connections, mapping, tickets, rt.now())
    rt.close()


def _tickets(road: Road, connections: list[int], mapping: int, count: int, now: int) -> None:
    made, links, lanes = [], [], []
    pairs = json.dumps({name: [*both, 0, "", 0] for name, both in _PAIRS.items()})
    for n in range(count):
        id = mint()
        made.append(
            (id, 2000 + n, 0, "incident", "new", "P3", "provider:acme", "seeded", json.dumps(_FIELDS), now, now, 0, b"")
        )
        for connection_id, role in zip(connections, ("holder", "helper"), strict=True):
            link = mint()
            links.append((link, id, connection_id, str(FIRST + n), 0, role, "new", "1", mapping, pairs, now))
            lanes.append((link, id, connection_id))
    ticket = (
        "id",
        "number",
        "version",
        "kind",
        "status",
        "priority",
        "holder",
        "title",
        "fields",
        "created_at",
        "updated_at",
    )
    road.insert(tables.ticket, (*ticket, "audit_seq", "audit_mac"), made)
    link_ = ("id", "ticket_id", "connection_id", "remote_id", "generation", "role", "leg_status", "remote_version")
    road.insert(tables.link, (*link_, "mapping_id", "pairs", "created_at"), links)
    road.insert(tables.lane, ("link_id", "ticket_id", "connection_id"), lanes)
