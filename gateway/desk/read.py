"""The read model of tickets that the API and the console share: a list with filters, one ticket with all about it.

Every function takes the reader (``Principal``) and starts from what that reader sees (``sight``). Results are plain
dicts: public ids, RFC 3339 times, None for what there is not or is not to be seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, cast, false, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from gateway.clock import iso
from gateway.desk import clocks
from gateway.desk.actors import names
from gateway.desk.items import comments, files, when, worklogs
from gateway.desk.sight import Sight, sight
from gateway.desk.story import deliveries, timeline
from gateway.errors import NotFound
from gateway.people.principal import Principal
from gateway.runtime import Runtime
from gateway.store.tables import (
    conflict,
    connection,
    decision,
    delivery,
    holding,
    lane,
    link,
    notice,
    provider,
    ticket,
)

FILTERS = ("status", "kind", "priority", "holder", "provider", "requester", "q")
"""What a list may be narrowed by. ``status``, ``kind`` and ``priority`` may name several, as a list. The console asks
for ``assignee``, too (an address, or ``nobody``), and for every ``team:*`` or ``provider:*`` as holder."""

_NUMBER = re.compile(r"(?:T-)?(\d{1,15})", re.IGNORECASE)


def list_tickets(
    conn: Connection,
    rt: Runtime,
    principal: Principal,
    filters: Mapping[str, Any] | None = None,
    after: int | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """``{tickets: [row], next}``, newest first. ``after``: the inner id of the last row before; ``next``: the one to go
    on after, or None. A row is ``head`` of a ticket with ``links`` and, for our own people, ``alarms`` and ``due``
    (see ``clocks.following``)."""
    seen = sight(conn, rt, principal)
    query = select(ticket).where(seen.tickets(), *conditions(seen, rt, filters or {}))
    if after is not None:
        query = query.where(ticket.c.id < after)
    found = list(conn.execute(query.order_by(ticket.c.id.desc()).limit(limit + 1)))
    rows = found[:limit]
    ids = [row.id for row in rows]
    links, alarms = _links_of(conn, rt, seen, ids), _alarms(conn, ids) if seen.everything else {}
    told = [
        {
            **head(rt, seen, row),
            "links": links.get(row.id, []),
            "alarms": alarms.get(row.id, _CALM),
            "due": clocks.following(row, rt.now()) if seen.everything else None,
        }
        for row in rows
    ]
    return {"tickets": told, "next": rows[-1].id if len(found) > limit else None}


def find(conn: Connection, rt: Runtime, principal: Principal, ref: str | int) -> Any:
    """The row of the ticket that a public id, a number (``T-1042``) or an inner id names. Raises NotFound, also for a
    ticket that this reader does not see."""
    where = _named(rt, ref)
    row = conn.execute(select(ticket).where(where, sight(conn, rt, principal).tickets())).first()
    if row is None:
        raise NotFound("no such ticket", "ticket")
    return row


def _named(rt: Runtime, ref: str | int) -> ColumnElement[bool]:
    if isinstance(ref, int):
        return ticket.c.id == ref
    if (inner := rt.ids.inner(ref)) is not None:
        return ticket.c.id == inner
    number = _NUMBER.fullmatch(ref)
    return ticket.c.number == int(number[1]) if number and ref[:1] in "Tt" else false()


def ticket_page(conn: Connection, rt: Runtime, principal: Principal, ref: str | int, most: int = 500) -> dict[str, Any]:
    """Everything about one ticket: ``head`` and ``fields``, then ``comments files worklogs links decisions conflicts
    notices holdings deliveries timeline``, each list oldest first and at most its ``most`` newest entries, and ``due``
    (see ``clocks.due``). What the reader's role has no business with is an empty list, or None. Raises NotFound."""
    row = find(conn, rt, principal, ref)
    seen, id = sight(conn, rt, principal), row.id
    ours = seen.everything
    return {
        **whole(rt, seen, row),
        "comments": comments(conn, rt, seen, id, limit=most, newest=True).items,
        "files": files(conn, rt, seen, id, limit=most, newest=True).items,
        "worklogs": worklogs(conn, rt, seen, id, limit=most, newest=True).items,
        "links": links(conn, rt, seen, id),
        "due": clocks.due(conn, rt, row) if ours else None,
        "decisions": decisions(conn, rt, id) if ours else [],
        "conflicts": conflicts(conn, rt, id) if ours else [],
        "notices": notices(conn, rt, id) if ours else [],
        "holdings": holdings(conn, id) if ours else [],
        "deliveries": deliveries(conn, rt, seen, id, most) if principal.may("timeline.read") else [],
        "timeline": timeline(conn, rt, seen, id, most) if principal.may("timeline.read") else [],
    }


def head(rt: Runtime, seen: Sight, row: Any) -> dict[str, Any]:
    """``{id, number, version, title, kind, status, priority, holder, requester, created_at, updated_at}``"""
    shown = {name: getattr(row, name) if seen.shows(name) else None for name in ("title", "kind", "status", "priority")}
    mail = seen.everything or seen.principal.scope == "own" or "email" in (seen.value("requester", {"email": 1}) or {})
    return {
        "id": rt.ids.public(row.id),
        "number": f"T-{row.number}",
        "version": row.version,
        **shown,
        "holder": seen.holder(row.holder),
        "requester": (row.requester or None) if mail else None,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def fields_of(row: Any) -> dict[str, Any]:
    """The canonical fields of a ticket row, the description among them."""
    fields: dict[str, Any] = json.loads(row.fields)
    return {**fields, "description": row.description} if row.description else fields


def whole(rt: Runtime, seen: Sight, row: Any) -> dict[str, Any]:
    """``head`` with ``channel`` and ``fields``: canonical name -> value, those that have one."""
    return {**head(rt, seen, row), "channel": row.channel if seen.everything else None,
            "fields": seen.fields(fields_of(row))}  # fmt: skip


# --- the parts of a ticket that our own people see -------------------------------------------------------------------


def links(conn: Connection, rt: Runtime, seen: Sight, ticket_id: int) -> list[dict[str, Any]]:
    """``{id, connection, provider, provider_name, role, state, leg_status, number, page, remote_id, created_at, lane,
    waiting, dead, fields}``. ``lane``: ``{state, due_at, tries, held}``, state ``idle|due|later|held``; ``fields``:
    what is owed or parked there, ``{field: owed|ask|held|ignored}``."""
    query = _linked().where(link.c.ticket_id == ticket_id, seen.links()).order_by(link.c.id)
    rows = list(conn.execute(query))
    count = (
        select(delivery.c.link_id, delivery.c.state, func.count())
        .where(delivery.c.link_id.in_([row.id for row in rows]), delivery.c.state.in_((0, 2, 4)))
        .group_by(delivery.c.link_id, delivery.c.state)
    )
    counts = {(id, state): n for id, state, n in conn.execute(count)}
    return [
        {
            **_link(rt, row),
            "remote_id": row.remote_id,
            "created_at": iso(row.created_at),
            "lane": _lane(rt, row),
            "waiting": counts.get((row.id, 0), 0),
            "dead": counts.get((row.id, 2), 0) + counts.get((row.id, 4), 0),
            "fields": {name: state for name, pair in json.loads(row.pairs).items() if (state := _pair(pair))},
        }
        for row in rows
    ]


def _linked() -> Select[Any]:
    return (
        select(
            link, connection.c.name, provider.c.slug, provider.c.name.label("provider_name"),
            lane.c.due_at, lane.c.tries, lane.c.held,
        )
        .join(connection, connection.c.id == link.c.connection_id)
        .join(provider, provider.c.id == connection.c.provider_id)
        .join(lane, lane.c.link_id == link.c.id)
    )  # fmt: skip


def _link(rt: Runtime, row: Any) -> dict[str, Any]:
    return {
        "id": rt.ids.public(row.id),
        "connection": row.name,
        "provider": row.slug,
        "provider_name": row.provider_name,
        "role": row.role,
        "state": row.state,
        "leg_status": row.leg_status,
        "number": row.remote_number or row.remote_id or "",
        "page": row.remote_page if row.remote_page.startswith(("https://", "http://")) else "",
    }


def _lane(rt: Runtime, row: Any) -> dict[str, Any]:
    state = "held" if row.held else "idle" if row.due_at is None else "due" if row.due_at <= rt.now() else "later"
    return {"state": state, "due_at": when(row.due_at), "tries": row.tries, "held": row.held}


def _pair(pair: list[Any]) -> str:
    """What is up with a field of a link: "" when both sides correspond."""
    return str(pair[3]) or ("owed" if pair[2] else "")


def decisions(conn: Connection, rt: Runtime, ticket_id: int) -> list[dict[str, Any]]:
    """``{id, at, kind, outcome, rule, policy, inputs, lost, actor, reason, otherwise, words}``; ``lost``: ``[[rule, why
    not]]``; ``words``: all of it in a sentence."""
    rows = list(conn.execute(select(decision).where(decision.c.ticket_id == ticket_id).order_by(decision.c.id)))
    named = names(conn, [row.actor for row in rows])
    return [
        {
            "id": rt.ids.public(row.id),
            "at": iso(row.at),
            **{name: getattr(row, name) for name in ("kind", "outcome", "rule", "policy", "reason", "otherwise")},
            "words": _in_words(row),
            "inputs": json.loads(row.inputs),
            "lost": json.loads(row.lost),
            "actor": named[row.actor],
        }
        for row in rows
    ]


def _in_words(row: Any) -> str:
    """``team:network, because the network is theirs (routing@3, rule network); otherwise ...``"""
    by = ", ".join(one for one in (row.policy, row.rule and f"rule {row.rule}") if one)
    because = f" because {row.reason.rstrip('.')}" if row.reason else ""
    said = f"{row.outcome}{because}{f' ({by})' if by else ''}"
    return f"{said}; otherwise {row.otherwise.rstrip('.')}." if row.otherwise else f"{said}."


def conflicts(conn: Connection, rt: Runtime, ticket_id: int) -> list[dict[str, Any]]:
    """The conflicts of one ticket, as ``conflict_rows`` tells them."""
    rows = conflict_rows(conn, rt, conflict.c.ticket_id == ticket_id, limit=500)
    return [{name: value for name, value in row.items() if name != "_id"} for row in rows]


def conflict_rows(
    conn: Connection, rt: Runtime, which: ColumnElement[bool], after: int = 0, limit: int = 50
) -> list[dict[str, Any]]:
    """``{id, ticket, number, link, connection, field, ours, theirs, state, resolution, actor, opened_at, closed_at}``,
    with ``_id``, the inner id to go on after."""
    query = (
        select(conflict, connection.c.name, ticket.c.number)
        .join(link, link.c.id == conflict.c.link_id)
        .join(connection, connection.c.id == link.c.connection_id)
        .join(ticket, ticket.c.id == conflict.c.ticket_id)
        .where(which, conflict.c.id > after)
        .order_by(conflict.c.id)
        .limit(limit)
    )
    rows = list(conn.execute(query))
    named = names(conn, [row.actor for row in rows if row.actor])
    return [
        {
            "_id": row.id,
            "id": rt.ids.public(row.id),
            "ticket": rt.ids.public(row.ticket_id),
            "number": f"T-{row.number}",
            "link": rt.ids.public(row.link_id),
            "connection": row.name,
            "field": row.field,
            "ours": json.loads(row.ours),
            "theirs": json.loads(row.theirs),
            "state": row.state,
            "resolution": row.resolution,
            "actor": named.get(row.actor, ""),
            "opened_at": iso(row.opened_at),
            "closed_at": when(row.closed_at),
        }
        for row in rows
    ]


def notices(conn: Connection, rt: Runtime, ticket_id: int) -> list[dict[str, Any]]:
    """``{id, kind, field, text, connection, state, count, created_at}``"""
    query = (
        select(notice, func.coalesce(connection.c.name, "").label("at"))
        .outerjoin(link, link.c.id == notice.c.link_id)
        .outerjoin(connection, connection.c.id == func.coalesce(notice.c.connection_id, link.c.connection_id))
        .where(notice.c.ticket_id == ticket_id)
        .order_by(notice.c.id)
    )
    return [
        {
            "id": rt.ids.public(row.id),
            **{name: getattr(row, name) for name in ("kind", "field", "text", "state", "count")},
            "connection": row.at,
            "created_at": iso(row.created_at),
        }
        for row in conn.execute(query)
    ]


def holdings(conn: Connection, ticket_id: int) -> list[dict[str, Any]]:
    """``{holder, started_at, ended_at, actor, reason}``; exactly one of them has not ended."""
    rows = list(conn.execute(select(holding).where(holding.c.ticket_id == ticket_id).order_by(holding.c.id)))
    named = names(conn, [row.actor for row in rows])
    return [
        {
            "holder": row.holder,
            "started_at": iso(row.started_at),
            "ended_at": when(row.ended_at),
            "actor": named[row.actor],
            "reason": row.reason,
        }
        for row in rows
    ]


# --- the list --------------------------------------------------------------------------------------------------------

_CALM = {"conflicts": 0, "notices": 0, "dead": 0}


def _links_of(conn: Connection, rt: Runtime, seen: Sight, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    query = _linked().where(link.c.ticket_id.in_(ids), link.c.role != "ended", seen.links()).order_by(link.c.id)
    for row in conn.execute(query):
        found.setdefault(row.ticket_id, []).append({**_link(rt, row), "lane": _lane(rt, row)})
    return found


def _alarms(conn: Connection, ids: list[int]) -> dict[int, dict[str, int]]:
    """How many open conflicts and notices, and how many dead deliveries, each ticket has."""
    found = {id: dict(_CALM) for id in ids}
    for name, table, bad in (
        ("conflicts", conflict, conflict.c.state == "open"),
        ("notices", notice, notice.c.state == "open"),
        ("dead", delivery, delivery.c.state.in_((2, 4))),
    ):
        query = select(table.c.ticket_id, func.count()).where(table.c.ticket_id.in_(ids), bad)
        for id, n in conn.execute(query.group_by(table.c.ticket_id)):
            found[id][name] = n
    return found


def conditions(seen: Sight, rt: Runtime, filters: Mapping[str, Any]) -> Iterable[ColumnElement[bool]]:
    """Conditions of the filters. One on what the reader does not see finds nothing: a filter tells no secrets."""
    for name, value in filters.items():
        if value in (None, "", []):
            continue
        match name:
            case "status" | "kind" | "priority":
                several = [value] if isinstance(value, str) else list(value)
                yield ticket.c[name].in_(several) if seen.shows(name) else false()
            case "holder" if str(value).endswith(":*") and seen.everything:  # team:*, provider:*
                yield ticket.c.holder.startswith(str(value)[:-1], autoescape=True)
            case "holder":
                yield ticket.c.holder == value if seen.holder(value) else false()
            case "assignee":
                yield _assigned(rt, str(value)) if seen.shows("assignee") else false()
            case "provider":
                yield _provided(seen, str(value))
            case "requester":
                visible = seen.everything or seen.principal.scope == "own" or seen.share.allows("requester.email")
                yield ticket.c.requester == str(value).lower() if visible else false()
            case "q":
                yield _found(seen, rt, str(value))
            case _:
                raise ValueError(f"no such filter: {name}")


def _assigned(rt: Runtime, email: str) -> ColumnElement[bool]:
    """Whose assignee has this address; ``nobody``: that have none."""
    if rt.store.dialect == "sqlite":
        who, address = (func.json_extract(ticket.c.fields, path) for path in ("$.assignee", "$.assignee.email"))
    else:
        who = cast(ticket.c.fields, JSONB)["assignee"].astext
        address = cast(ticket.c.fields, JSONB)["assignee"]["email"].astext
    return who.is_(None) if email == "nobody" else func.lower(address) == email.lower()


def _provided(seen: Sight, slug: str) -> ColumnElement[bool]:
    at = (
        select(link.c.ticket_id)
        .join(connection, connection.c.id == link.c.connection_id)
        .join(provider, provider.c.id == connection.c.provider_id)
        .where(provider.c.slug == slug, link.c.role != "ended", seen.links())
    )
    return ticket.c.id.in_(at)


def _found(seen: Sight, rt: Runtime, text: str) -> ColumnElement[bool]:
    """Words of the title or the description, or a number; every word has to be found."""
    columns = [c for c in (ticket.c.title, ticket.c.description) if seen.shows(c.name)]
    each = [or_(false(), *(_like(rt, column, word) for column in columns)) for word in text.split()[:8]]
    number = _NUMBER.fullmatch(text.strip())
    words = and_(*each) if each else false()
    return or_(words, ticket.c.number == int(number[1])) if number else words


def _like(rt: Runtime, column: Any, word: str) -> ColumnElement[bool]:
    """SQLite folds the case of ASCII alone, so other words are looked for in the usual spellings."""
    if rt.store.dialect != "sqlite" or word.isascii():
        return column.icontains(word, autoescape=True)  # type: ignore[no-any-return]
    spellings = sorted({word, word.lower(), word.upper(), word.capitalize()})
    return or_(*(column.contains(one, autoescape=True) for one in spellings))
