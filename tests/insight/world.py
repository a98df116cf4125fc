"""Tickets with a past, written straight into a database: who had them when, and when they were solved and reopened."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.insight.saying import HOUR
from gateway.store import tables
from gateway.store.db import Road, Store
from gateway.store.ids import mint

_NUMBERS = itertools.count(100_000)


@dataclass
class Past:
    """One ticket. ``held``: (holder, microseconds after its beginning); ``solved`` and ``reopened``: when after it."""

    created: int
    solved: Sequence[int] = ()
    reopened: Sequence[int] = ()
    held: Sequence[tuple[str, int]] = (("team:service-desk", 0),)
    status: str = ""
    kind: str = "incident"
    priority: str = "P3"
    fields: dict[str, Any] = field(default_factory=lambda: {"category": "network", "subcategory": "vpn"})
    estimate: dict[str, Any] | None = None
    clocks: bool = True
    clocks_since: int = 0

    @property
    def stands(self) -> str:
        return self.status or ("resolved" if len(self.solved) > len(self.reopened) else "in_progress")


def remember(store: Store, past: Sequence[Past]) -> list[int]:
    """Write them; their inner ids."""
    ids = [mint() for _ in past]
    tickets, holdings, events = [], [], []
    for id, one in zip(ids, past, strict=True):
        ledger = json.dumps({} if one.estimate is None else {"estimate": one.estimate})
        doc = json.dumps({"title": "x", **one.fields})
        tickets.append(
            (id, next(_NUMBERS), 1, one.kind, one.stands, one.priority, one.held[-1][0], "x", doc, ledger, one.created,
             one.created, 0, b"")
        )  # fmt: skip
        ends = [one.created + at for _, at in one.held[1:]]
        for (holder, at), end in zip(one.held, [*ends, None], strict=True):
            holdings.append((mint(), id, holder, one.created + at, end))
        events += _turns(id, one) if one.clocks else []
    with store.road(write=True) as road:
        _insert(road, tickets, holdings, events)
    return ids


def _turns(id: int, one: Past) -> list[tuple[Any, ...]]:
    starts = [0, *one.reopened]
    turns = [(at, "activate") for at in starts] + [(at, "fulfil") for at in one.solved]
    found, instance = [], 0
    for at, kind in sorted(turns):
        instance += kind == "activate"
        when, known = one.created + at, one.created + max(at, one.clocks_since)
        found.append((mint(), id, "requester_wait", instance, kind, when, known))
        found.append((mint(), id, "agent_work", instance, kind, when + HOUR, when + HOUR))
    return found


def _insert(road: Road, tickets: list[Any], holdings: list[Any], events: list[Any]) -> None:
    names = (
        "id", "number", "version", "kind", "status", "priority", "holder", "title", "fields", "ledger", "created_at",
        "updated_at", "audit_seq", "audit_mac",
    )  # fmt: skip
    road.insert(tables.ticket, names, tickets)
    road.insert(tables.holding, ("id", "ticket_id", "holder", "started_at", "ended_at"), holdings)
    event = ("id", "ticket_id", "clock", "instance", "kind", "at", "received_at")
    road.insert(tables.clock_event, event, events)
