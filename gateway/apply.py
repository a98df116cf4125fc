"""The plans of one batch carried out in one transaction: rows, audit entries, lanes made due (DESIGN.md section 2).

The caller holds the locks and has checked the guard. New things get their ids here, in ``name``, right after each plan,
so that the next plan of the same ticket already sees them; ``write`` then writes whole lists, table by table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway import plain
from gateway.decide.acknowledge import NUMBER
from gateway.decide.facts import Link, Ticket
from gateway.decide.plan import NEW, Action, Planner
from gateway.journal import audit
from gateway.journal.audit import Change
from gateway.journal.chain import Key
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.ids import mint
from gateway.store.tables import DEAD, DONE, HELD, WAITING, WITHDRAWN

_STATES = {"done": DONE, "dead": DEAD, "held": HELD, "withdrawn": WITHDRAWN}
_NOT_COMING = """update attachment set state = 'refused'
where state = 'remote' and id in (select item_id from delivery where id INTS(?))"""
_QUIET = frozenset(
    {"fetch", "tell", "told", "attempt", "bind", "notice", "update_conflict", "connection", "wake", "settled"}
)
_TICKET = (
    "version",
    "kind",
    "status",
    "priority",
    "holder",
    "title",
    "requester",
    "fields",
    "ledger",
    "wake_at",
    "updated_at",
    "audit_seq",
    "audit_mac",
)
_LINK = (
    "ticket_id", "remote_id", "remote_number", "remote_page", "role", "state", "leg_status", "remote_version",
    "last_write_end", "mapping_id", "pairs", "verify",
)  # fmt: skip


@dataclass(slots=True)
class Named:
    """A plan whose new things have ids. ``ticket`` and ``links`` are the state after it."""

    planner: Planner
    ids: dict[str, int]
    ticket: Ticket | None
    link: Link | None
    settles: bool = False

    def id(self, name: str) -> int:
        return self.ids[name] if name.startswith(NEW) else int(name)


@dataclass(slots=True)
class Written:
    """What a batch did: ``due``: connections with lanes to work on; ``connections``: (id, state, reason) to be set."""

    due: set[int] = field(default_factory=set)
    connections: list[tuple[int, str, str]] = field(default_factory=list)


def name(planner: Planner, link: Link | None, settles: bool = False, mint: Callable[[], int] = mint) -> Named:
    """Give ids to what a plan made, and the ticket its next version."""
    ids: dict[str, int] = {f"{NEW}{n}": mint() for n in range(1, -planner._minted + 1)}
    ticket = planner.facts.ticket

    def real(id: int) -> int:
        return ids[f"{NEW}{-id}"] if id < 0 else id

    if link is not None:
        link.id = real(link.id)
    if ticket is not None:
        ticket.id = real(ticket.id)
        for one in ticket.links:
            one.id = real(one.id)
            one.ticket_id = ticket.id
            for binding in one.bindings or ():
                binding.item_id = real(binding.item_id)
        if ticket.dirty or any(one.dirty for one in ticket.links) or told(planner):  # its audit head moves
            ticket.version += 1
            ticket.dirty = True
    return Named(planner, ids, ticket, link, settles)


def told(planner: Planner) -> list[Action]:
    """The actions of a plan that its audit entry tells; none: no entry."""
    return [a for a in planner.plan.actions if a.verb not in _QUIET and a.data.get("state") != "again"]


def write(road: Road, batch: list[Named], now: int, key: Key) -> Written:
    """Write everything the batch's plans say."""
    out = Written()
    tickets = {id(n.ticket): n.ticket for n in batch if n.ticket is not None and n.ticket.dirty}
    links: dict[int, Link] = {}
    for named in batch:
        for link in [*(named.ticket.links if named.ticket else ()), *([named.link] if named.link else ())]:
            links[id(link)] = link
    changed = [link for link in links.values() if link.dirty or link.new]
    _number(road, [t for t in tickets.values() if t.new])
    _tickets(road, list(tickets.values()), now, _audit(road, batch, now, key))
    _links(road, changed, now)
    rows = _Rows(road, now, {link.id: link for link in links.values()}, out)
    for named in batch:
        for action in named.planner.plan.actions:
            handler = rows.handlers.get(action.verb)
            if handler is not None:
                handler(named, action)
    rows.flush()
    for ticket in tickets.values():
        ticket.new = ticket.dirty = ticket.described = False
    for link in changed:
        link.new = link.dirty = False
    return out


def _number(road: Road, new: list[Ticket]) -> None:
    if new:
        road.run("update sequence set value = value + ? where name = 'ticket'", len(new))
        last = road.rows("select value from sequence where name = 'ticket'")[0][0]
        for offset, ticket in enumerate(new):
            ticket.number = last - len(new) + 1 + offset


def _audit(road: Road, batch: list[Named], now: int, key: Key) -> dict[str, tuple[int, bytes]]:
    """One entry per plan that changed something, in the order of the plans."""
    changes = []
    for named in batch:
        plan, ticket = named.planner.plan, named.ticket
        did = told(named.planner)
        if ticket is None or not did:
            continue
        payload = {
            "changes": plan.changes,
            "lost": plan.lost,
            "did": [[a.verb, dict(a.data)] for a in did],
            "ids": {k: str(v) for k, v in named.ids.items()},
        }
        head = (ticket.audit_seq, ticket.audit_mac)
        changes.append(
            Change(audit.ticket_subject(ticket.id), head, plan.actor, plan.verb, "", {**payload, "reason": plan.reason})
        )
    written = audit.rows_for(key, now, changes)
    audit.write(road, written)
    return written.heads


def _tickets(road: Road, tickets: list[Ticket], now: int, heads: dict[str, tuple[int, bytes]]) -> None:
    new, old, described = [], [], []
    for ticket in tickets:
        ticket.audit_seq, ticket.audit_mac = heads.get(
            audit.ticket_subject(ticket.id), (ticket.audit_seq, ticket.audit_mac)
        )
        ticket.updated_at = now
        fields = dict(ticket.fields)
        description = fields.pop("description", None) or ""
        requester = fields.get("requester")
        email = str(requester.get("email") or "").lower() if isinstance(requester, dict) else ""
        row = (
            ticket.version, fields["kind"], fields["status"], fields["priority"], ticket.holder, fields["title"], email,
            plain.text(fields), ticket.kept(), ticket.wake_at, now, ticket.audit_seq, ticket.audit_mac,
        )  # fmt: skip
        if ticket.new:
            ticket.created_at = now
            new.append((*row, ticket.id, ticket.number, ticket.channel, description, now))
        else:
            old.append((*row, ticket.id))
            if ticket.described:
                described.append((description, ticket.id))
    road.insert(tables.ticket, (*_TICKET, "id", "number", "channel", "description", "created_at"), new)
    road.update(tables.ticket, "id", _TICKET, old)
    road.update(tables.ticket, "id", ("description",), described)


def _links(road: Road, links: list[Link], now: int) -> None:
    new, old, observed, lanes = [], [], [], []
    for link in links:
        pairs = {n: p.stored() for n, p in link.pairs.items()}
        row = (
            link.ticket_id, link.remote_id, link.remote_number, link.remote_page, link.role, link.state,
            link.leg_status, link.version, link.last_write_end, link.mapping_id, plain.text(pairs), link.verify,
        )  # fmt: skip
        if link.new:
            new.append((*row, plain.text(link.seen), link.id, link.connection_id, link.generation, now))
            lanes.append((link.id, link.ticket_id, link.connection_id))
        elif link.observed:
            observed.append((*row, plain.text(link.seen), link.id))
        else:
            old.append((*row, link.id))
        link.observed = False
    road.insert(tables.link, (*_LINK, "seen", "id", "connection_id", "generation", "created_at"), new)
    road.insert(tables.lane, ("link_id", "ticket_id", "connection_id"), lanes)
    road.update(tables.link, "id", (*_LINK, "seen"), observed)
    road.update(tables.link, "id", _LINK, old)


class _Rows:
    """Collects the rows of all actions; ``flush`` writes them table by table. ``handlers``: verb -> what it adds."""

    def __init__(self, road: Road, now: int, links: dict[int, Link], out: Written) -> None:
        self.road, self.now, self.links, self.out = road, now, links, out
        self.inserts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.ends: dict[tuple[str, str], list[int]] = defaultdict(list)  # (state, said) -> deliveries
        self.attempts: dict[int, tuple[Any, ...]] = {}
        self.later: list[Callable[[], object]] = []
        self.wake: set[int] = set()
        self.handlers: dict[str, Callable[[Named, Action], None]] = {
            "deliver": self.deliver, "fetch": self.fetch, "comment": self.comment, "file": self.file,
            "tell": self.fetch, "told": self.told,
            "worklog": self.worklog, "bind": self.bind, "revise": self.revise, "notice": self.notice,
            "open_conflict": self.open_conflict, "update_conflict": self.update_conflict,
            "close_conflict": self.close_conflict, "decision": self.decision, "hold": self.hold,
            "deliveries": self.deliveries, "withdraw": self.withdraw, "bury": self.bury, "attempt": self.attempt,
            "connection": self.connection, "hold_lane": self.hold_lane, "widen": self.widen,
            "widen_file": self.widen_file, "stored": self.stored, "adopt": self.adopt, "linked": self.linked,
            "close_notice": self.close_notice, "clock": self.clock, "settled": self.settled,
        }  # fmt: skip

    # -- the lane --

    def deliver(self, named: Named, action: Action) -> None:
        link, data = named.id(action.data["link"]), action.data
        assert named.ticket is not None
        item = named.id(data["item"]) if "item" in data else None
        body = {k: v for k, v in data.items() if k not in ("link", "kind", "item")}
        body.update(action.payload)
        body["v"] = named.ticket.version
        self.inserts["delivery"].append((mint(), link, named.ticket.id, data["kind"], item, plain.text(body), self.now))
        self.wake.add(link)

    def fetch(self, named: Named, action: Action) -> None:
        self.wake.add(named.id(action.data["link"]))

    def told(self, named: Named, action: Action) -> None:
        """No news left for a guest; its ticket is as it was, so its version stays."""
        self.road.run("update link set verify = 0 where id = ?", named.id(action.data["link"]))

    def deliveries(self, named: Named, action: Action) -> None:
        ids, state, said = action.payload["ids"], action.data["state"], action.payload["said"]
        self.ends[state, said].extend(ids)
        if (action.data["step"], state) == ("download", "dead"):
            self.later.append(lambda: self.road.run(_NOT_COMING, list(ids)))

    def withdraw(self, named: Named, action: Action) -> None:
        """Nothing more goes there; what they gave us is still fetched."""
        link = named.id(action.data["link"])
        sql = "update delivery set state = ?, done_at = ? where link_id = ? and state = 0 and kind <> 'download'"
        self.road.run(sql, WITHDRAWN, self.now, link)
        made = [row[0] for row in self.inserts["delivery"] if row[1] == link and row[3] != "download"]
        self.ends["withdrawn", ""] += made  # what this batch itself owed it before, too

    def bury(self, named: Named, action: Action) -> None:
        link, said = named.id(action.data["link"]), action.payload["said"]
        sql = "update delivery set state = ?, said = ?, done_at = ? where link_id = ? and state = 0"
        self.later.append(lambda: self.road.run(sql, DEAD, said, self.now, link))
        files = "update attachment set state = 'refused' where state = 'remote' and link_id = ?"
        self.later.append(lambda: self.road.run(files, link))

    def attempt(self, named: Named, action: Action) -> None:
        data = action.payload
        self.attempts[data["id"]] = (action.data["outcome"], data["said"], data["ended"] or self.now, data["id"])

    def hold_lane(self, named: Named, action: Action) -> None:
        link, why = named.id(action.data["link"]), action.data["why"]
        self.later.append(lambda: self.road.run("update lane set held = ?, due_at = null where link_id = ?", why, link))

    def connection(self, named: Named, action: Action) -> None:
        self.out.connections.append((int(action.data["id"]), action.data["state"], action.data["reason"]))

    def linked(self, named: Named, action: Action) -> None:
        """The record is there: nothing that waits may make it once more."""
        link = named.id(action.data["link"])
        sql = "update delivery set state = ?, done_at = ? where link_id = ? and kind = 'create' and state = 0"
        self.later.append(lambda: self.road.run(sql, DONE, self.now, link))

    def adopt(self, named: Named, action: Action) -> None:
        link, ticket = named.id(action.data["link"]), named.id(action.data["ticket"])
        self.later.append(lambda: self.road.run("update lane set ticket_id = ? where link_id = ?", ticket, link))

    # -- what people and providers said --

    def comment(self, named: Named, action: Action) -> None:
        assert named.ticket is not None
        id, data, p = named.id(action.data["id"]), action.data, action.payload
        link = named.id(data["link"]) if data["link"] else None
        self.inserts["comment"].append(
            (
                id,
                named.ticket.id,
                data["author"],
                p["author_name"],
                p["text"].replace(NUMBER, f"T-{named.ticket.number}") if p.get("numbered") else p["text"],
                p["format"],
                p["raw"],
                link,
                p["created"] or self.now,
            )
        )
        self.inserts["audience"].extend((id, party) for party in data["audience"])

    def file(self, named: Named, action: Action) -> None:
        assert named.ticket is not None
        id, data, p = named.id(action.data["id"]), action.data, action.payload
        link = named.id(data["link"]) if data["link"] else None
        comment = named.id(data["comment"]) if data.get("comment") else None
        self.inserts["attachment"].append(
            (
                id, named.ticket.id, comment, data["author"], p["author_name"], p["name"], p["mime"], p["size"],
                p.get("sha256", ""), p.get("key", ""), plain.text(data["audience"]), link,
                plain.text(p.get("remote", {})), p.get("state") or ("stored" if p.get("key") else "remote"),
                p["created"] or self.now,
            )
        )  # fmt: skip

    def worklog(self, named: Named, action: Action) -> None:
        assert named.ticket is not None
        id, data, p = named.id(action.data["id"]), action.data, action.payload
        link = named.id(data["link"]) if data["link"] else None
        started = p.get("started") or p["created"] or self.now
        self.inserts["worklog"].append(
            (id, named.ticket.id, data["author"], p["author_name"], p["minutes"], p["text"], started, link, self.now)
        )

    def revise(self, named: Named, action: Action) -> None:
        p = action.payload
        row = (p["text"], p["format"], p["raw"], self.now, named.id(action.data["item"]))
        self.later.append(lambda: self.road.update(tables.comment, "id", ("body", "format", "raw", "edited_at"), [row]))

    def bind(self, named: Named, action: Action) -> None:
        data, p = action.data, action.payload
        row = (
            named.id(data["link"]),
            data["kind"],
            named.id(data["item"]),
            data["part"],
            p["remote_id"],
            p["hash_ours"],
            p["hash_theirs"],
        )
        self.inserts["binding"].append(row)

    def widen(self, named: Named, action: Action) -> None:
        id = named.id(action.data["item"])
        self.inserts["audience"].extend((id, party) for party in action.data["audience"])

    def widen_file(self, named: Named, action: Action) -> None:
        id = named.id(action.data["item"])
        known = plain.read(self.road.rows("select audience from attachment where id = ?", id)[0][0])
        wider = plain.text(sorted({*known, *action.data["audience"]}))
        self.road.run("update attachment set audience = ? where id = ?", wider, id)

    def stored(self, named: Named, action: Action) -> None:
        p = action.payload
        row = ("stored", p["key"], p["sha256"], p["size"], named.id(action.data["item"]))
        self.road.update(tables.attachment, "id", ("state", "key", "sha256", "size"), [row])

    # -- what a person should see --

    def notice(self, named: Named, action: Action) -> None:
        data, text = action.data, action.payload["text"]
        link = named.id(data["link"]) if data["link"] else None
        ticket = named.ticket.id if named.ticket else None
        connection = self.links[link].connection_id if link is not None else None
        sql = (
            "update notice set count = count + 1, text = ?"
            " where state = 'open' and kind = ? and field = ? and coalesce(link_id, 0) = ? and ticket_id = ?"
        )
        told = link is not None or data["field"] != ""  # what is told of the whole ticket is told apart each time
        if not told or ticket is None or not self.road.run(sql, text, data["kind"], data["field"], link or 0, ticket):
            self.inserts["notice"].append(
                (mint(), ticket, link, connection, data["kind"], data["field"], text, self.now)
            )

    def close_notice(self, named: Named, action: Action) -> None:
        assert named.ticket is not None
        link, kind, field = named.id(action.data["link"]), action.data["kind"], action.data["field"]
        made = self.inserts["notice"]
        made[:] = [row for row in made if (row[2], row[4], row[5]) != (link, kind, field)]
        sql = (
            "update notice set state = 'closed', closed_at = ?"
            " where state = 'open' and kind = ? and field = ? and link_id = ? and ticket_id = ?"
        )
        self.road.run(sql, self.now, kind, field, link, named.ticket.id)

    def settled(self, named: Named, action: Action) -> None:
        """Nobody has to hurry any more: what was said of that is over."""
        assert named.ticket is not None
        id, kinds = named.ticket.id, set(action.data["kinds"])
        made = self.inserts["notice"]
        made[:] = [row for row in made if not (row[1] == id and row[4] in kinds)]
        sql = "update notice set state = 'closed', closed_at = ?"
        sql += " where ticket_id = ? and state = 'open' and kind TEXTS(?)"
        self.road.run(sql, self.now, id, sorted(kinds))

    def open_conflict(self, named: Named, action: Action) -> None:
        assert named.ticket is not None
        p = action.payload
        row = (
            mint(),
            named.ticket.id,
            named.id(action.data["link"]),
            action.data["field"],
            plain.text(p["ours"]),
            plain.text(p["theirs"]),
            self.now,
        )
        columns = ("id", "ticket_id", "link_id", "field", "ours", "theirs", "opened_at")
        self.road.insert(tables.conflict, columns, [row])

    def update_conflict(self, named: Named, action: Action) -> None:
        p = action.payload
        sql = "update conflict set ours = ?, theirs = ? where link_id = ? and field = ? and state = 'open'"
        self.road.run(
            sql, plain.text(p["ours"]), plain.text(p["theirs"]), named.id(action.data["link"]), action.data["field"]
        )

    def close_conflict(self, named: Named, action: Action) -> None:
        sql = (
            "update conflict set state = 'closed', resolution = ?, actor = ?, closed_at = ?"
            " where link_id = ? and field = ? and state = 'open'"
        )
        data = action.data
        self.road.run(
            sql, data["resolution"], named.planner.plan.actor, self.now, named.id(data["link"]), data["field"]
        )

    def decision(self, named: Named, action: Action) -> None:
        assert named.ticket is not None
        data, p = action.data, action.payload
        self.inserts["decision"].append(
            (
                mint(), named.ticket.id, self.now, data["kind"], data["outcome"], data["rule"], data["policy"],
                plain.text(p["inputs"]), plain.text(p["lost"]), named.planner.plan.actor, p["because"],
                p.get("otherwise", ""),
            )
        )  # fmt: skip

    def clock(self, named: Named, action: Action) -> None:
        """What became of one of its clocks, as ``sla`` says it."""
        assert named.ticket is not None
        data, p = action.data, action.payload
        self.inserts["clock_event"].append(
            (
                mint(), named.ticket.id, data["clock"], data["instance"], data["kind"], data["reason"], p["at"],
                p["received_at"], p["party"], p["policy"], p["calendar"], p["due_at"],
            )
        )  # fmt: skip

    def hold(self, named: Named, action: Action) -> None:
        assert named.ticket is not None
        self.road.run(
            "update holding set ended_at = ? where ticket_id = ? and ended_at is null", self.now, named.ticket.id
        )
        row = (
            mint(),
            named.ticket.id,
            action.data["holder"],
            self.now,
            named.planner.plan.actor,
            action.data["reason"],
        )
        self.road.insert(tables.holding, ("id", "ticket_id", "holder", "started_at", "actor", "reason"), [row])

    def flush(self) -> None:
        """Write what was collected, then wake the lanes that were idle."""
        for table, columns in _COLUMNS.items():
            rows = self.inserts.get(table, ())
            if table == "binding":
                self.road.upsert(tables.binding, ("link_id", "kind", "item_id", "part"), columns, _last(rows))
            else:
                self.road.insert(tables.metadata.tables[table], columns, list(rows), ignore=table == "audience")
        self.road.update(tables.attempt, "id", ("outcome", "said", "ended_at"), list(self.attempts.values()))
        for (state, said), ids in self.ends.items():
            if state == "again":
                sql = "update delivery set tries = tries + 1, said = ? where id INTS(?) and state = 0"
                self.road.run(sql, said, ids)
            elif state == "next":
                sql = "update delivery set part = part + 1, tries = 0, said = ? where id INTS(?) and state = 0"
                self.road.run(sql, said, ids)
            else:
                sql = "update delivery set state = ?, said = ?, done_at = ? where id INTS(?)"
                self.road.run(sql, _STATES[state], said, self.now, ids)
        for step in self.later:
            step()
        if self.wake:
            sql = "update lane set due_at = ? where link_id INTS(?) and due_at is null and held = ''"
            self.road.run(sql, self.now, sorted(self.wake))
            self.out.due |= {self.links[link].connection_id for link in self.wake if link in self.links}


_COLUMNS: dict[str, tuple[str, ...]] = {
    "comment": ("id", "ticket_id", "author", "author_name", "body", "format", "raw", "link_id", "created_at"),
    "audience": ("comment_id", "party"),
    "attachment": (
        "id", "ticket_id", "comment_id", "author", "author_name", "name", "mime", "size", "sha256", "key", "audience",
        "link_id", "remote", "state", "created_at",
    ),
    "worklog": ("id", "ticket_id", "author", "author_name", "minutes", "text", "started_at", "link_id", "created_at"),
    "binding": ("link_id", "kind", "item_id", "part", "remote_id", "hash_ours", "hash_theirs"),
    "delivery": ("id", "link_id", "ticket_id", "kind", "item_id", "body", "created_at"),
    "notice": ("id", "ticket_id", "link_id", "connection_id", "kind", "field", "text", "created_at"),
    "decision": (
        "id", "ticket_id", "at", "kind", "outcome", "rule", "policy", "inputs", "lost", "actor", "reason", "otherwise",
    ),
    "clock_event": (
        "id", "ticket_id", "clock", "instance", "kind", "reason", "at", "received_at", "party", "policy", "calendar",
        "due_at",
    ),
}  # fmt: skip


def _last(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The last row per key: one statement may touch a row once."""
    return list({row[:4]: row for row in rows}.values())


__all__ = ["WAITING", "Named", "Written", "name", "write"]
