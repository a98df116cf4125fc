"""The next step of a lane, chosen from what is known of it: look up, fetch, or send the head delivery. Pure.

What a step carries is made here, at the last moment, from the ticket as it is now: the last serialiser. Nothing leaves
that the share policy or an audience does not allow, whatever was planned earlier (ENGINE.md 5, 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.decide.facts import GUEST, Attempt, Leg, Link, Ticket
from gateway.decide.merge import ours, token
from gateway.decide.plan import FIRST
from gateway.outbox.lanes import Waiting

ITEMS = {"comment": "comment", "attachment": "file", "worklog": "worklog", "download": "file"}
"""What kind of item a delivery is about; a binding names it so."""


@dataclass(slots=True)
class Step:
    """One thing to do in a lane. ``kind``: look_up | fetch | create | update | comment | attachment | worklog |
    download | tell. ``sent``: canonical field -> [ours, wire, passed ...] for the attempt row."""

    link: Link
    leg: Leg
    kind: str
    fence: int
    deliveries: list[Waiting] = field(default_factory=list)
    attempt: int | None = None
    sent: dict[str, list[Any]] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    hops: list[dict[str, Any]] = field(
        default_factory=list
    )  # written one by one on the way to the status in ``fields``
    passing: list[Any] = field(default_factory=list)  # what the status looks like after each of them
    passed: int = 0  # how many were answered with a yes
    unsaid: dict[str, str] = field(default_factory=dict)  # fields that are not conveyed, and why
    comments: list[str] = field(default_factory=list)  # over-long values, sent whole as comments afterwards
    files: list[tuple[str, str]] = field(default_factory=list)  # or, by name, as files
    doubt: Attempt | None = None  # what a look_up is about
    item: dict[str, Any] = field(default_factory=dict)  # comment, file or worklog as stored
    loose: bool = False
    lane_tries: int = 0  # failures of this lane in a row

    @property
    def tries(self) -> int:
        return max((d.tries for d in self.deliveries), default=0)


def choose(ticket: Ticket | None, link: Link, leg: Leg, fence: int, waiting: list[Waiting]) -> Step | None:
    """The next step, or None when nothing is to be done."""
    if link.role == GUEST:
        return _tell(ticket, link, leg, fence) if ticket is not None and link.verify else None
    doubts = [a for a in link.attempts if a.outcome == "unknown"]
    looked_for = ("comment", "attachment", "worklog") if link.remote_id is not None else ("create",)
    about = next((a for a in doubts if a.kind in looked_for), None)
    if about is not None:
        return Step(link, leg, "look_up", fence, [w for w in waiting if w.id in about.delivery_ids], doubt=about)
    fetch = Step(link, leg, "fetch", fence, loose=ticket is None)
    there = link.remote_id is not None and link.state != "merged"  # what is gone may come back
    if there and (doubts or link.verify == FIRST):
        return fetch
    return _write(ticket, link, leg, fence, waiting) or (fetch if there and link.verify else None)


def _tell(ticket: Ticket, link: Link, leg: Leg, fence: int) -> Step:
    """A guest is told that there is something new, and nothing of what it is."""
    return Step(link, leg, "tell", fence, item={"version": ticket.version})


def _write(ticket: Ticket | None, link: Link, leg: Leg, fence: int, waiting: list[Waiting]) -> Step | None:
    """The head delivery, or what is still owed."""
    if ticket is None or link.state != "live":
        return None
    head = waiting[0] if waiting else None
    if head is None:
        owed = [name for name, pair in link.pairs.items() if pair.speaks] if link.live and link.remote_id else []
        return _update(ticket, link, leg, fence, [], owed) if owed else None
    if head.kind == "create":
        return _create(ticket, link, leg, fence, head)
    if head.kind == "update":
        return _join(ticket, link, leg, fence, waiting)
    return Step(link, leg, head.kind, fence, [head])


def _create(ticket: Ticket, link: Link, leg: Leg, fence: int, head: Waiting) -> Step:
    """Everything of the ticket that this provider may have, as it is now."""
    step = Step(link, leg, "create", fence, [head])
    changes = {}
    for name, rule in leg.mapping.fields.items():
        value = ticket.fields.get(name)
        if rule.direction != "in" and value is not None and leg.share is not None and _shared(leg, rule, name):
            changes[name] = leg.share.narrow(name, value)
    _say(ticket, link, leg, step, changes, create=True)
    return step


def _join(ticket: Ticket, link: Link, leg: Leg, fence: int, waiting: list[Waiting]) -> Step:
    """Adjacent updates are one write. With nothing but updates waiting, it sends what is owed as it is now; before a
    comment, file or worklog it sends the values of its own commit."""
    joined: list[Waiting] = []
    for delivery in waiting:
        if delivery.kind != "update":
            break
        joined.append(delivery)
    last = len(joined) == len(waiting)
    if last:
        names = [name for name, pair in link.pairs.items() if pair.speaks]
        return _update(ticket, link, leg, fence, joined, names)
    values: dict[str, Any] = {}
    for delivery in joined:
        for name in delivery.body["fields"]:
            pair = link.pairs.get(name)
            if pair is not None and pair.speaks and pair.since <= delivery.v:
                values[name] = delivery.body["values"].get(name)
    return _update(ticket, link, leg, fence, joined, list(values), values)


def _update(
    ticket: Ticket,
    link: Link,
    leg: Leg,
    fence: int,
    joined: list[Waiting],
    names: list[str],
    values: Mapping[str, Any] | None = None,
) -> Step:
    step = Step(link, leg, "update", fence, joined)
    changes = {}
    for name in names:
        rule = leg.mapping.fields.get(name)
        if rule is None or rule.direction == "in" or (name == "status" and link.role == "helper"):
            step.unsaid[name] = ""
        elif leg.share is None or not _shared(leg, rule, name):
            step.unsaid[name] = f"{name} is not shared with {leg.provider}"
        else:
            value = (values or ticket.fields).get(name)
            changes[name] = leg.share.narrow(name, value) if value is not None else None
    _say(ticket, link, leg, step, changes, create=False, values=values)
    return step


def _shared(leg: Leg, rule: Any, name: str) -> bool:
    share = leg.share
    return share is not None and share.allows(name) and all(share.allows(used) for used in rule.uses)


def _say(
    ticket: Ticket, link: Link, leg: Leg, step: Step, changes: Mapping[str, Any], create: bool,
    values: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Translate; what cannot be conveyed is said, what has to travel otherwise is noted. ``sent`` pairs the wire with
    our whole value, of which a person's attributes may have been held back."""
    if not changes:
        return
    rules = leg.mapping.fields
    silent = [name for name, rule in rules.items() if rule.uses and not _shared(leg, rule, name)]
    out = leg.mapping.write(changes, link.seen, create, ticket.fields, silent)
    step.fields, step.hops, step.passing = out.fields, out.hops, out.passing
    step.comments, step.files = list(out.comments), list(out.files)  # whole, whatever was cut
    for name, wire in out.wires.items():
        passed = [token(status) for status in out.passing] if name == "status" else []
        made = name in rules and rules[name].uses  # by an expression, which reads the ticket as it is now
        said = ours(ticket.fields if values is None or made else values, name, made or ())
        step.sent[name] = [said, token(wire), *passed]
    held = dict(out.held)
    for name in changes:
        if name not in out.wires and name not in out.later:
            step.unsaid[name] = held.get(name, "")
