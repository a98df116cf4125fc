"""Providers that part with a ticket: one gives it back without work, one speaks after it has lost it.

A provider that cancels or declines what it was given, without a comment, a file or time spent, has returned it: its
link ends, a team of ours has the ticket, and what its record says of status and resolution is not ours. What comes of
an ended link is recorded and shown, and drives nothing (ENGINE.md 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.decide.decision import Decision
from gateway.decide.facts import Link, Observed
from gateway.decide.plan import Planner, link_name
from gateway.tickets.vocabulary import FINAL

ENDING = ("status", "resolution_code", "resolution_text")
"""What a record that is given back says of the end of our ticket, which has not ended."""

DESK = "team:service-desk"
PARTING, WORKED = "parting", "worked"
"""Keys of the ledger: links that say no and are still to be looked at; providers that have done something visible."""


def close(p: Planner, link: Link) -> None:
    """A link ends: it drives nothing from here on, and what was said of its fields is over."""
    link.role = "ended"
    p.touch(link)
    p.do("role", {"link": link_name(link), "role": "ended"})
    for kind, name in sorted(link.open_notices):
        if name or kind in ("gone", "left", "merged"):
            p.over(link, (kind,), name)
    _forget(p, PARTING, link)


def worked(p: Planner, link: Link) -> None:
    """They have said, attached or logged something."""
    _remember(p, WORKED, link)


def begins(p: Planner, link: Link) -> None:
    """They are given the ticket (again): what they did before is no work on it."""
    _forget(p, WORKED, link)


def _told(p: Planner, key: str, link: Link) -> bool:
    return p.leg(link).name in p.ticket.ledger.get(key, ())


def _remember(p: Planner, key: str, link: Link) -> None:
    if not _told(p, key, link):
        p.ticket.ledger.setdefault(key, []).append(p.leg(link).name)


def _forget(p: Planner, key: str, link: Link) -> None:
    if _told(p, key, link):
        p.ticket.ledger[key].remove(p.leg(link).name)


def says_no(p: Planner, link: Link) -> str:
    """What their record says where it says that they do not do it: ``cancelled``, ``declined``; "" otherwise."""
    status = _means(p, link, "status")
    if status == "cancelled":
        return status
    return "declined" if status in FINAL and _means(p, link, "resolution_code") == "declined" else ""


def _means(p: Planner, link: Link, name: str, record: Mapping[str, Any] | None = None) -> str:
    """What a text field of their record means to us; "" where it means nothing."""
    seen, mapping = link.seen if record is None else record, p.leg(link).mapping
    shown = mapping.observe(seen)
    got = mapping.read(name, shown[name], seen) if name in shown else None
    return str(got.value or "") if got is not None and got.kind == "value" else ""


def withheld(p: Planner, link: Link, name: str) -> bool:
    """Whether a value of theirs waits until it is known if they did anything: it belongs to a record that says no."""
    ours = p.ticket.channel == f"connection:{p.leg(link).name}"  # it began there: it is theirs to cancel
    if name not in ENDING or ours or not link.live or p.ticket.fields.get("status") in FINAL or not says_no(p, link):
        return False
    _remember(p, PARTING, link)
    return True


def judge(p: Planner, link: Link, seen: Observed) -> None:
    """At the end of what was seen: whether a record that says no was worked on, where all of it was seen. Where it was,
    it ends our ticket as any other record does."""
    if not _told(p, PARTING, link):
        return
    if seen.items is None and seen.source != "fetch":
        p.fetch(link, "it is looked up whether they did anything")
        return
    _forget(p, PARTING, link)
    said = says_no(p, link)
    if said and not _told(p, WORKED, link):
        give_back(p, link, said)
    elif link.role == "holder":
        leg = p.leg(link)
        for name in ENDING:
            pair = link.pairs.get(name)
            if pair is not None and not pair.owed and not pair.park and leg.mapping.fields[name].direction != "out":
                p.set(name, _means(p, link, name), f"{leg.name} says so", link)
                p.agrees(link, name)


def give_back(p: Planner, link: Link, said: str) -> None:
    """They did nothing: the team that had the ticket has it again."""
    leg = p.leg(link)
    provider, held = f"provider:{leg.provider}", link.role == "holder"
    to = home(p, link) if held else p.ticket.holder
    because = f"{leg.name} gave it back without work: its record is {said}"
    inputs = {"provider": leg.provider, "record": link.remote_id, "said": said, "holder": p.ticket.holder}
    made = Decision("take_back", to, "given back", "", inputs, [], because, f"{provider} would have it still")
    p.do("decision", made.data(), made.payload())
    p.do("withdraw", {"link": link_name(link)})
    close(p, link)
    p.do("returned", {"link": link_name(link), "provider": leg.provider})
    p.notice("returned", f"{because}; {to} has it", link)
    if held:
        p.hold_by(to, because)


def home(p: Planner, link: Link) -> str:
    """The last team of ours that had it, as far as is remembered."""
    had = p.ticket.ledger.get("watch", {}).get("had", [])
    return next((who for who in reversed(had) if who.startswith("team:")), p.leg(link).home or DESK)


def late(p: Planner, link: Link, seen: Observed) -> None:
    """Something of an ended link was seen: what its record has come to is said. Its fields stay as they were agreed, so
    that a link that begins again sees what has changed there since."""
    leg = p.leg(link)
    link.version = seen.version or link.version
    p.touch(link)
    record = {**link.seen, **seen.fields}
    status, text = _means(p, link, "status", record), _means(p, link, "resolution_text", record)
    moved = leg.mapping.observe(record).get("status") != leg.mapping.observe(link.seen).get("status")
    if status and status != link.leg_status and moved:
        said = f": {text[:500]}" if text else ""
        p.notice("late", f"{leg.name} has this ticket no more; its record is {status} now{said}", link)
    link.leg_status = status or link.leg_status
