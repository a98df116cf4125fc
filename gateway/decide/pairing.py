"""Pairs that begin without a history: a field that a link's mapping begins to carry makes its pair at the first look,
and nothing is written or taken for it (ENGINE.md 1). What does not correspond is drift, healed when a person says so.
"""

from __future__ import annotations

from gateway.decide.facts import Leg, Link
from gateway.decide.merge import UNSEEN, Pair, token
from gateway.decide.plan import Planner


def shared(leg: Leg, link: Link) -> list[str]:
    """The fields that this provider may have and its desk can hold."""
    return [
        name
        for name, rule in leg.mapping.fields.items()
        if rule.direction != "in"
        and leg.share is not None
        and leg.share.allows(name)
        and not (name == "status" and link.role == "helper")
    ]


def apart(p: Planner, link: Link, name: str, pair: Pair) -> None:
    """Theirs does not read as ours. It may be how ours shows there, for many of ours can be one of theirs; else it is
    said, and both stay as they are."""
    leg = p.leg(link)
    told = leg.mapping.write({name: p.ticket.fields.get(name)}, link.seen, False, p.ticket.fields).wires
    if name in told and token(told[name]) == pair.theirs:
        pair.ours = p.ours(link, name)
        p.agrees(link, name)
    else:
        text = f"{name} is not the same at {leg.name}, whose mapping is {leg.version} now; neither side was changed"
        p.notice("drift", text, link, name)


def unseen(p: Planner, link: Link) -> None:
    """The record was looked at and does not show some fields that were waited for: they go on as others do."""
    for name, pair in link.pairs.items():
        if pair.park == UNSEEN:
            pair.park = ""
            p.touch(link)
            if pair.owed:
                p.owe(link, name)
