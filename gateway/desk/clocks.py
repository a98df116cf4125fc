"""What a ticket is due for, and why: its clocks as they stand, what happens next by itself, how long it may take.

Read from the ticket's ledger with the policies in force; the events of each clock are the proof of it.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select

from gateway.clock import iso
from gateway.decide import escalation, sla
from gateway.decide.follow import ROUND_THE_CLOCK
from gateway.decide.signals import View
from gateway.decide.sla.log import named
from gateway.desk.items import when
from gateway.runtime import Runtime
from gateway.store.tables import clock_event, connection, contact, link, provider
from gateway.tickets.vocabulary import FINAL


def due(conn: Connection, rt: Runtime, row: Any) -> dict[str, Any]:
    """``{clocks: [...], because, next: [{at, what}], only_if: [...], estimate}`` of a ticket's row. ``because``: why
    the one who has it has it; ``next``: what happens if nobody does anything; ``estimate``: what its requester was told
    of its time. Durations in seconds."""
    ledger, policies = json.loads(row.ledger), rt.desks.policies
    calendars = policies.calendars or ROUND_THE_CLOCK
    told: dict[str, Any] = {"clocks": [], "because": "", "next": [], "only_if": [], "estimate": ledger.get("estimate")}
    if state := ledger.get("clocks"):
        told["clocks"] = [_clock(one) for one in sla.stands(state, rt.now(), calendars)]
    if policies.escalation is not None:
        view, state = _view(conn, row), ledger.get("watch", {})
        found = escalation.explain(policies.escalation, view, rt.now(), state, policies.calendars)
        following = [{"at": iso(at), "what": what} for at, what in found.following]
        told |= {"because": found.because, "next": following, "only_if": list(found.only_if)}
    return told


def told(conn: Connection, rt: Runtime, row: Any, language: str) -> dict[str, Any]:
    """``{holder, hours, closed, estimate}`` of a ticket's row, as its requester may know it: who has it, when there is
    support where the requester is, what holds while it is closed ("" while it is open), and what was told of the time.
    Without calendars no requester is told by an acknowledgement who has a ticket, so a provider is not named here."""
    calendars, requester = rt.desks.policies.calendars, _requester(conn, row.requester)
    named = row.holder if calendars is not None or row.holder.startswith("team:") else ""
    known = {"holder": named, "hours": "", "closed": "", "estimate": json.loads(row.ledger).get("estimate")}
    if calendars is None or row.status in FINAL:
        return known
    site = requester["site"]
    closed = calendars.told(row.holder, rt.now(), language, row.priority or "", site=site)
    return known | {"hours": calendars.support_hours(row.holder, language, site), "closed": closed}


def following(row: Any, now: int) -> dict[str, Any] | None:
    """``{clock, at, over}`` of the clock of a ticket's row that runs out first, or has; None where none does."""
    clocks = json.loads(row.ledger).get("clocks", {}).get("clocks", {})
    running = [(one["due"], key) for key, one in clocks.items() if "end" not in one and one["due"] is not None]
    if not running:
        return None
    at, key = min(running)
    return {"clock": named(key)[0], "at": iso(at), "over": at <= now}


def _clock(one: sla.Stand) -> dict[str, Any]:
    left, over = (None if value is None else value // 1_000_000 for value in (one.left, one.over))
    return {
        "clock": one.clock, "instance": one.instance, "party": one.party, "standing": one.standing,
        "due_at": when(one.due_at), "left": left, "over": over, "reasons": list(one.reasons), "policy": one.policy,
        "rule": one.rule, "calendar": one.calendar, "words": one.words,
    }  # fmt: skip


def events(conn: Connection, rt: Runtime, ticket_id: int) -> list[dict[str, Any]]:
    """Everything that became of its clocks, oldest first."""
    c = clock_event.c
    query = select(clock_event).where(c.ticket_id == ticket_id).order_by(c.id)
    return [
        {
            "id": rt.ids.public(one.id), "clock": one.clock, "instance": one.instance, "kind": one.kind,
            "reason": one.reason, "at": iso(one.at), "received_at": iso(one.received_at), "party": one.party,
            "policy": one.policy, "calendar": one.calendar, "due_at": when(one.due_at),
        }
        for one in conn.execute(query)
    ]  # fmt: skip


def _view(conn: Connection, row: Any) -> View:
    fields = json.loads(row.fields)
    legs = conn.execute(
        select(provider.c.slug, link.c.role, link.c.leg_status)
        .join(connection, connection.c.id == link.c.connection_id)
        .join(provider, provider.c.id == connection.c.provider_id)
        .where(link.c.ticket_id == row.id)
        .order_by((link.c.role == "ended").desc(), link.c.id)  # a living leg before an ended one of the same provider
    )
    return View(
        row.updated_at, row.number, fields, row.holder, row.created_at,
        {slug: (role, status) for slug, role, status in legs}, _requester(conn, row.requester),
    )  # fmt: skip


def _requester(conn: Connection, email: str) -> dict[str, str]:
    known = conn.execute(select(contact).where(contact.c.email == email)).first()
    if known is None:
        return {"email": email, "site": "", "language": "", "clientele": ""}
    return {"email": email, "site": known.site, "language": known.language, "clientele": known.clientele}
