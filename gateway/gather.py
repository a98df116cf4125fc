"""Facts in: what the plans of one batch look at, read with a handful of set-based statements and no locks.

``Rows`` is exactly what was read, as JSON can hold it; ``state`` makes decision state of it. Stored facts keep the
rows, so a replay makes the same state again (ENGINE.md 10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from gateway import plain
from gateway.decide.facts import Attempt, Binding, Link, Ticket
from gateway.decide.inforce import Around, Other
from gateway.decide.merge import PASSING, Pair
from gateway.insight.cases import Kind
from gateway.insight.estimates import Estimate
from gateway.store.db import Road

_LINK = (
    "l.id, l.ticket_id, l.connection_id, l.remote_id, l.generation, l.role, l.state, l.leg_status, l.remote_version,"
    " l.last_write_end, l.mapping_id, l.pairs, l.seen, l.verify, l.remote_number, l.remote_page, l.created_at, n.fence"
)
STOPPED = ("refused", "dead", "held")
"""Notices that may tell of a delivery which waits for a person."""

_TICKET = (
    "id, number, version, fields, description, holder, channel, created_at, updated_at, ledger, wake_at, audit_seq,"
    " audit_mac"
)


@dataclass(slots=True)
class Rows:
    """Rows of ticket, link (with its lane's fence), attempt (open, unknown, ghosts), conflict and notice (open), and
    binding; ``stuck``: how many deliveries of a link wait for a person, where a notice tells of one. Around them, as
    far as a policy in force asks: ``contacts``, open tickets by holder (``load``), ``others`` of the same requesters,
    and ``holders``, everybody a ticket can be given to; ``estimates``: what was answered to plans that asked how long
    such tickets take, as (category, subcategory, priority, ``Estimate.stored``)."""

    tickets: list[tuple[Any, ...]] = field(default_factory=list)
    links: list[tuple[Any, ...]] = field(default_factory=list)
    attempts: list[tuple[Any, ...]] = field(default_factory=list)
    conflicts: list[tuple[Any, ...]] = field(default_factory=list)
    notices: list[tuple[Any, ...]] = field(default_factory=list)
    stuck: list[tuple[Any, ...]] = field(default_factory=list)
    contacts: list[tuple[Any, ...]] = field(default_factory=list)
    load: list[tuple[Any, ...]] = field(default_factory=list)
    others: list[tuple[Any, ...]] = field(default_factory=list)
    holders: list[tuple[Any, ...]] = field(default_factory=list)
    bindings: list[tuple[Any, ...]] | None = None
    estimates: list[tuple[Any, ...]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON, for the stored facts; the audit head is not part of a decision."""
        return {
            "tickets": [row[:11] for row in self.tickets],
            "links": self.links,
            "attempts": self.attempts,
            "conflicts": self.conflicts,
            "notices": self.notices,
            "stuck": self.stuck,
            "contacts": self.contacts,
            "load": self.load,
            "others": self.others,
            "holders": self.holders,
            "bindings": self.bindings,
            "estimates": self.estimates,
        }


@dataclass(slots=True)
class State:
    """Decision state of a batch: tickets by id, links by id and by (connection, remote id)."""

    tickets: dict[int, Ticket]
    links: dict[int, Link]
    by_remote: dict[tuple[int, str], Link]


def find(road: Road, records: Iterable[tuple[int, str]]) -> tuple[set[int], set[int]]:
    """The ticket ids, and the ids of links without a ticket, behind (connection, remote id) pairs."""
    wanted: dict[int, list[str]] = {}
    for connection, remote in records:
        wanted.setdefault(connection, []).append(remote)
    tickets: set[int] = set()
    loose: set[int] = set()
    for connection, remotes in wanted.items():
        sql = "select id, ticket_id from link where connection_id = ? and remote_id TEXTS(?)"
        for id, ticket in road.rows(sql, connection, remotes):
            if ticket is None:
                loose.add(id)
            else:
                tickets.add(ticket)
    return tickets, loose


def owners(road: Road, links: list[int]) -> tuple[set[int], set[int]]:
    """The ticket ids, and the loose ones, among these links."""
    rows = road.rows("select id, ticket_id from link where id INTS(?)", links)
    return {t for _, t in rows if t is not None}, {i for i, t in rows if t is None}


def read(road: Road, tickets: set[int], loose: set[int], items: bool, notices: bool = False) -> Rows:
    """Everything of these tickets and loose links. ``items``: bindings too; ``notices``: those that are open."""
    ids = sorted(tickets)
    rows = Rows()
    if ids:
        rows.tickets = road.rows(f"select {_TICKET} from ticket where id INTS(?)", ids)  # noqa: S608 - a constant
        sql = f"select {_LINK} from link l join lane n on n.link_id = l.id where l.ticket_id INTS(?)"  # noqa: S608
        rows.links = road.rows(sql, ids)
    if loose:
        sql = f"select {_LINK} from link l join lane n on n.link_id = l.id where l.id INTS(?)"  # noqa: S608
        rows.links = [*rows.links, *road.rows(sql, sorted(loose))]
    links = [row[0] for row in rows.links]
    if links:
        rows.attempts = road.rows(
            "select id, link_id, kind, started_at, outcome, vals, delivery_ids from attempt where link_id INTS(?)"
            " and (outcome is null or outcome in ('unknown', 'ghost')) order by id",
            links,
        )
        rows.conflicts = road.rows(
            "select id, link_id, field from conflict where link_id INTS(?) and state = 'open'", links
        )
    if notices and links:
        sql = "select link_id, kind, field from notice where ticket_id INTS(?) and state = 'open' and link_id > 0"
        rows.notices = road.rows(sql, ids) if ids else []
        told = sorted({link for link, kind, _ in rows.notices if kind in STOPPED})
        if told:
            sql = "select link_id, count(*) from delivery where link_id INTS(?) and state in (2, 4) group by link_id"
            rows.stuck = road.rows(sql, told)
    if items:
        rows.bindings = (
            road.rows(
                "select link_id, kind, item_id, part, remote_id, hash_ours, hash_theirs from binding"
                " where link_id INTS(?)",
                links,
            )
            if links
            else []
        )
    return rows


REPEATS = 30 * 86_400_000_000  # microseconds within which a requester's tickets are looked at, the ended ones too
_LOAD = (
    "select holder, count(*) from ticket where status not in ('resolved', 'closed', 'cancelled')"
    " group by holder order by holder"
)  # said as the index says it, so that only the open ones are read
_OPEN = "('new', 'in_progress', 'pending_requester', 'pending_provider', 'pending_problem')"


def surround(road: Road, rows: Rows, asking: Iterable[str], routed: bool, now: int) -> None:
    """Read what is around the tickets of ``rows``, and around those that ``asking`` (e-mails, "" where nobody is named)
    are about to make. ``routed``: somebody has to be found for a ticket."""
    makes = [one.lower() for one in asking]
    new = sorted({one for one in makes if one})
    emails = sorted({*new, *(email for row in rows.tickets if (email := _email(plain.read(row[3]))))})
    if emails:
        rows.contacts = road.rows("select email, site, language, clientele from contact where email TEXTS(?)", emails)
    if new:
        sql = (
            f"select id, number, requester, title, fields, created_at, status in {_OPEN} from ticket"  # noqa: S608
            f" where requester TEXTS(?) and (status in {_OPEN} or created_at > ?) order by id desc limit 200"
        )
        rows.others = [
            (id, number, who, title, plain.read(fields).get("category", ""), at, bool(is_open))
            for id, number, who, title, fields, at, is_open in road.rows(sql, new, now - REPEATS)
        ]
    if makes:
        rows.load = road.rows(_LOAD)
    if routed:
        sql = (
            "select 'team:' || slug, name from team union"
            " select 'provider:' || p.slug, p.name from provider p join connection c on c.provider_id = p.id"
            " where c.state = 'active'"
        )
        rows.holders = sorted(road.rows(sql))


def _email(fields: dict[str, Any]) -> str:
    person = fields.get("requester")
    return str(person.get("email") or "").lower() if isinstance(person, dict) else ""


def around(rows: Rows, estimate: Callable[[Mapping[str, Any]], Estimate | None] | None = None) -> Around:
    """What was read around the tickets, as decisions look at it. ``estimate``: who is asked how long things take, and
    whose answers the rows keep; without it, those that they have kept are given again."""
    names = ("site", "language", "clientele")
    kept = {tuple(kind): told for *kind, told in rows.estimates}

    def asked(fields: Mapping[str, Any]) -> Estimate | None:
        kind = astuple(Kind.of(fields))
        if estimate is not None and kind not in kept:
            found = estimate(fields)
            kept[kind] = None if found is None else found.stored()
            rows.estimates.append((*kind, kept[kind]))
        told = kept.get(kind)
        return None if told is None else Estimate.read(told)

    return Around(
        {email: dict(zip(names, rest, strict=True)) for email, *rest in rows.contacts},
        dict(rows.load),
        tuple(Other(*row) for row in rows.others),
        dict(rows.holders),
        asked,
    )


def state(rows: Rows) -> State:
    """Decision state made of rows; the same rows give the same state."""
    tickets: dict[int, Ticket] = {}
    for (
        id,
        number,
        version,
        fields,
        description,
        holder,
        channel,
        created,
        updated,
        ledger,
        wake,
        *head,
    ) in rows.tickets:
        values = plain.read(fields)
        if description:
            values["description"] = description
        tickets[id] = Ticket(
            id, number, version, values, holder, [], channel, created, updated, ledger, wake, head[0], bytes(head[1])
        )
    links: dict[int, Link] = {}
    by_remote: dict[tuple[int, str], Link] = {}
    for row in rows.links:
        link = Link(
            row[0], row[2], row[1], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10],
            {name: Pair(*stored) for name, stored in plain.read(row[11]).items()},
            row[12], row[13], row[17], row[14], row[15], row[16],
        )  # fmt: skip
        links[link.id] = link
        if link.ticket_id is not None:
            tickets[link.ticket_id].links.append(link)
        if link.remote_id is not None:
            other = by_remote.get((link.connection_id, link.remote_id))
            if other is None or other.generation < link.generation:
                by_remote[link.connection_id, link.remote_id] = link
    for ticket in tickets.values():
        ticket.links.sort(key=lambda link: link.id)
    for id, link_id, kind, started, outcome, vals, deliveries in rows.attempts:
        attempt = Attempt(id, kind, started, outcome, plain.read(vals), plain.read(deliveries))
        link = links[link_id]
        link.attempts.append(attempt)
        for name, (ours, *wires) in attempt.vals.items():
            pair = link.pairs.get(name)
            if pair is not None:
                pair.sent.extend((id, PASSING if at else ours, wire) for at, wire in enumerate(wires))
    for id, link_id, name in rows.conflicts:
        links[link_id].open_conflicts[name] = id
    for link_id, kind, name in rows.notices:
        if link_id in links:
            links[link_id].open_notices.add((kind, name))
    for link_id, count in rows.stuck:
        links[link_id].stuck = count
    if rows.bindings is not None:
        for link in links.values():
            link.bindings = []
        for link_id, kind, item, part, remote, ours, theirs in rows.bindings:
            bound = links[link_id].bindings
            assert bound is not None
            bound.append(Binding(kind, item, part, remote, ours, theirs))
    return State(tickets, links, by_remote)
