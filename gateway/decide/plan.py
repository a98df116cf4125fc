"""The plan: what was decided, as actions that one place carries out and a preview shows (DESIGN.md section 2).

A ``Planner`` keeps the state of one ticket up to date while it adds actions, so that the next input of the same ticket
is planned on top of it. The plan's hash is over intent alone: new things are ``new:1``; no clock, no chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway import plain
from gateway.decide.facts import GUEST, Facts, Leg, Link, Ticket
from gateway.decide.merge import Pair, our_change, ours, token
from gateway.tickets.priority import priority

NEW = "new:"
FIELD_NOTICES = frozenset({"ignored", "altered", "held", "drift", "note", "unsaid", "refused", "dead"})
"""Notices that tell of a field, and are over when both sides agree in it again."""

FIRST, LAST = 1, 2
"""When a lane fetches: before it writes anything, or when it has nothing to write."""


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a plan. ``verb`` names it (see ``Planner``), ``data`` is JSON; ``payload`` is not hashed."""

    verb: str
    data: Mapping[str, Any]
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """The actions for one ticket (or found record), what changed, and why; ``lost``: values a merge set aside."""

    actions: list[Action] = field(default_factory=list)
    changes: dict[str, list[Any]] = field(default_factory=dict)
    lost: dict[str, Any] = field(default_factory=dict)
    verb: str = ""
    actor: str = "tandem"
    reason: str = ""
    nothing: str = ""  # why there was nothing to do, when there was nothing

    def intent(self) -> list[Any]:
        return [[a.verb, a.data] for a in self.actions]

    def hash(self) -> str:
        text = plain.canonical(self.intent())
        return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Planner:
    """Builds one plan on the state in ``facts`` and keeps that state true while it does."""

    def __init__(self, facts: Facts, plan: Plan | None = None) -> None:
        self.facts = facts
        self.plan = plan or Plan()
        self.by = ""  # on whose side the person is who asks for this
        self._owing: dict[int, list[str]] = {}
        self._minted = 0

    # -- what is there --

    @property
    def ticket(self) -> Ticket:
        assert self.facts.ticket is not None
        return self.facts.ticket

    def leg(self, link: Link) -> Leg:
        """What its connection says, looked up once per plan: this is asked for every field."""
        leg = link.leg
        if leg is None or leg.mapping_id != link.mapping_id:
            leg = link.leg = self.facts.legs.of(link.connection_id, link.mapping_id)
        return leg

    def ours(self, link: Link, name: str) -> Any:
        """Our side of a field as the link's pair holds it."""
        rule = self.leg(link).mapping.fields.get(name)
        return ours(self.ticket.fields, name, rule.uses if rule is not None else ())

    def new_id(self) -> int:
        """A number for something this plan makes: negative until it is carried out and named."""
        self._minted -= 1
        return self._minted

    # -- what is done --

    def do(self, verb: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
        self.plan.actions.append(Action(verb, data, payload or {}))

    def set(self, name: str, value: Any, because: str, origin: Link | None = None) -> bool:
        """Set a canonical field; owe it to every live link that maps it outward, except the one it came from."""
        before = self.ticket.fields.get(name)
        value = None if value in ("", []) else value
        if before == value:
            return False
        if value is None:
            self.ticket.fields.pop(name, None)
        else:
            self.ticket.fields[name] = value
        self.ticket.dirty = True
        self.ticket.described = self.ticket.described or name == "description"
        self.plan.changes.setdefault(name, [before, value])[1] = value
        self.do("set", {"field": name, "to": token(value), "because": because}, {"before": before, "after": value})
        for link in self.ticket.links:
            if link is not origin and link.live:
                self._owe_one(link, name)
            if link.live:
                for reader in self.leg(link).readers.get(name, ()):
                    self._owe_one(link, reader)
            if link.role == GUEST and (share := self.leg(link).share) is not None and share.allows(name):
                self.tell(link)
        if name in ("impact", "urgency"):
            fields = self.ticket.fields
            follows = priority(fields.get("impact", ""), fields.get("urgency", ""))
            self.set("priority", follows, "impact and urgency")  # derived here: whoever changed it does not know it yet
        return True

    def _owe_one(self, link: Link, name: str) -> None:
        rule = self.leg(link).mapping.fields.get(name)
        if rule is None or rule.direction == "in" or (name == "status" and link.role == "helper"):
            return
        share = self.leg(link).share
        if share is None or not all(share.allows(one) for one in (name, *rule.uses)):
            return
        pair = link.pairs.setdefault(name, Pair())
        our_change(pair)
        link.dirty = True
        self.owe(link, name)

    def owe(self, link: Link, name: str) -> None:
        """A field waits to be written at the remote; ``flush`` makes one delivery of all of them."""
        link.dirty = True
        names = self._owing.setdefault(link.id, [])
        if name not in names:
            names.append(name)

    def flush(self) -> None:
        """Turn what this plan owes into one update delivery a link, fields last."""
        for link in self.ticket.links if self.facts.ticket else ():
            names = [n for n in self._owing.get(link.id, ()) if link.pairs[n].speaks]
            if names and link.remote_id is not None and link.state == "live":
                values = {n: self.ticket.fields.get(n) for n in sorted(names)}
                self.deliver(link, "update", {"fields": sorted(names)}, {"values": values})
        self._owing.clear()

    def deliver(self, link: Link, kind: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
        """Owe a remote one thing: create, update, comment, attachment, worklog; or read one file from it (download)."""
        self.touch(link)
        self.do("deliver", {"link": link_name(link), "kind": kind, **data}, payload)

    def touch(self, link: Link) -> None:
        link.dirty = True
        if self.facts.ticket is not None:
            self.facts.ticket.dirty = True

    def tell(self, link: Link) -> None:
        """There is something new for a guest to read; what it did itself it knows."""
        if link.role != GUEST or link.verify or "tell" not in self.leg(link).verbs:
            return
        if f"provider:{self.leg(link).provider}" != self.by:
            link.verify = FIRST
            self.touch(link)
            self.do("tell", {"link": link_name(link)})

    def notice(self, kind: str, text: str, link: Link | None = None, field: str = "") -> None:
        if link is not None:
            link.open_notices.add((kind, field))
        self.do("notice", {"kind": kind, "field": field, "link": link_name(link) if link else None}, {"text": text})

    def over(self, link: Link, kinds: Collection[str], field: str | None = None) -> None:
        """What notices of these kinds told of is over: they close. ``field``: those about it alone."""
        for kind, about in sorted(link.open_notices) if self.facts.ticket is not None else ():
            if kind in kinds and field in (None, about):
                link.open_notices.discard((kind, about))
                self.touch(link)
                self.do("close_notice", {"link": link_name(link), "kind": kind, "field": about})

    def agrees(self, link: Link, name: str, but: str = "") -> None:
        """Both sides hold the same in a field again: what was said of it is over, except ``but``, said just now."""
        if link.open_notices:
            self.over(link, FIELD_NOTICES - {but}, name)

    def conflict(self, link: Link, name: str, ours: Any, theirs: Any) -> None:
        """Open the conflict of one field of one link, or bring the open one up to date."""
        self.touch(link)
        verb = "update_conflict" if name in link.open_conflicts else "open_conflict"
        link.open_conflicts.setdefault(name, 0)
        self.do(
            verb,
            {"link": link_name(link), "field": name, "ours": token(ours), "theirs": token(theirs)},
            {"ours": ours, "theirs": theirs},
        )

    def close_conflict(self, link: Link, name: str, resolution: str) -> None:
        if link.open_conflicts.pop(name, None) is not None:
            self.touch(link)
            self.do("close_conflict", {"link": link_name(link), "field": name, "resolution": resolution})

    def hold_by(self, holder: str, reason: str) -> None:
        """Pass the ticket on: exactly one holder at any time."""
        if self.ticket.holder != holder:
            before, self.ticket.holder = self.ticket.holder, holder
            self.ticket.dirty = True
            self.plan.changes["holder"] = [before, holder]
            self.do("hold", {"holder": holder, "reason": reason})

    def fetch(self, link: Link, why: str, last: bool = False) -> None:
        """Needing more is an action too: the lane fetches before it writes anything, or ``last``, after all of it."""
        if last and link.verify:
            return
        link.verify = LAST if last else FIRST
        self.touch(link)
        self.do("fetch", {"link": link_name(link), "why": why})


def name_of(id: int) -> str:
    """How a plan names a thing: by its id, or ``new:1`` while the database does not know it."""
    return f"{NEW}{-id}" if id < 0 else str(id)


def link_name(link: Link) -> str:
    return name_of(link.id)
