"""A link goes over to another version of its mapping, under its ticket's guard, and nothing is written by that.

Pairs stay as far as they mean the same. A field that is not carried any more owes nothing and is parked no longer; one
whose rule is new begins a pair without a history (``pairing``); one that was parked and means something now is merged
by the ordinary rules. Deliveries that wait are sent by the version the link has when they are claimed (ENGINE.md 10).
"""

from __future__ import annotations

from typing import Any

from gateway.decide.facts import Command, Leg, Link, Observed
from gateway.decide.merge import UNSEEN, Pair, token
from gateway.decide.objection import Objection
from gateway.decide.observe import field, meaning
from gateway.decide.pairing import apart, shared
from gateway.decide.plan import FIELD_NOTICES, Planner, link_name


def remap(p: Planner, what: Command) -> None:
    """``{link, to}``: the inner ids of the link and of the mapping's version."""
    link = next((one for one in p.ticket.links if one.id == what.data["link"]), None)
    if link is None:
        raise Objection("no such link", "link", None, "look at the ticket again")
    if link.mapping_id == what.data["to"]:
        p.plan.nothing = "the link has this version"
        return
    move(p, link, what.data["to"])


def move(p: Planner, link: Link, to: int) -> None:
    """Give a link another version; raises Objection while what is on its way could not be told apart afterwards."""
    before, after = p.leg(link), p.facts.legs.of(link.connection_id, to)
    fields = [name for name in after.mapping.fields if _rule(before, name) != _rule(after, name)]
    elsewhere = {name for name in fields if not _same_place(before, after, link, name)}
    _quiet(link, after, elsewhere)
    link.mapping_id = to
    p.touch(link)
    p.do("remap", {"link": link_name(link), "from": before.version, "to": after.version})
    for name in [name for name in link.pairs if name not in after.mapping.fields]:
        _drop(p, link, name)
    if link.remote_id is None:
        _not_there(p, link, fields)
        return
    missing = (after.mapping.reads - before.mapping.reads) - link.seen.keys()
    look = [_change(p, link, name, name in elsewhere) for name in fields]
    if link.state == "live" and (missing or any(look)):
        p.fetch(link, f"the mapping is {after.version} now")


def _rule(leg: Leg, name: str) -> Any:
    return leg.mapping.document["fields"].get(name)


def _same_place(before: Leg, after: Leg, link: Link, name: str) -> bool:
    """Whether a field is still the same thing there, in the same normal form: only what it means has changed."""
    was, now = before.mapping.fields.get(name), after.mapping.fields[name]
    if was is None or was.remote != now.remote or was.uses != now.uses:
        return False
    return before.mapping.observe(link.seen).get(name) == after.mapping.observe(link.seen).get(name)


def _quiet(link: Link, after: Leg, elsewhere: set[str]) -> None:
    """Nothing that is under way may speak of a field that is to be found elsewhere afterwards."""
    for attempt in link.attempts:
        if attempt.outcome is None and elsewhere & attempt.vals.keys():
            name = sorted(elsewhere & attempt.vals.keys())[0]
            raise Objection(f"{name} is being written at {after.name}", name, None, "try again in a moment", True)


def _drop(p: Planner, link: Link, name: str) -> None:
    """A field that is not carried any more: nothing is owed, asked or said of it."""
    del link.pairs[name]
    p.close_conflict(link, name, "unmapped")
    p.over(link, FIELD_NOTICES, name)


def _not_there(p: Planner, link: Link, fields: list[str]) -> None:
    """Nothing was made there yet: the record is made of all we may say, as the new version says it."""
    may = shared(p.leg(link), link)
    for name in fields:
        link.pairs[name] = Pair(owed=int(name in may and p.ticket.fields.get(name) is not None))


def _change(p: Planner, link: Link, name: str, elsewhere: bool) -> bool:
    """Bring the pair of one field under its new rule; whether the record has to be looked at for it."""
    mapping = p.leg(link).mapping
    rule, there = mapping.fields[name], mapping.observe(link.seen)
    known = link.pairs.get(name)
    if known is None or elsewhere:
        return _begin(p, link, name, known, there)
    if rule.direction == "in":
        known.owed = 0
    if known.park == "ask" and rule.direction == "both":
        return False  # a person decides, as before
    if known.park:
        return _release(p, link, name, known, there)
    if known.owed or name not in there or rule.direction == "out":
        return False
    _compare(p, link, name, known, there[name])
    return False


def _begin(p: Planner, link: Link, name: str, known: Pair | None, there: dict[str, Any]) -> bool:
    """A pair without a history. What a person has changed meanwhile stays owed."""
    rule, shows = p.leg(link).mapping.fields[name], name in there
    p.close_conflict(link, name, "unmapped")
    p.over(link, FIELD_NOTICES, name)
    owed = int(known is not None and known.owed) if rule.direction != "in" else 0
    pair = link.pairs[name] = Pair(owed=owed)
    if rule.direction == "out":
        pair.theirs, pair.ours = token(there.get(name)), p.ours(link, name)
    elif not shows:
        pair.park = UNSEEN if rule.direction == "both" else ""
    elif rule.direction == "both":
        _compare(p, link, name, pair, there[name])
    else:
        got = _means(p, link, name, there[name])
        if got.kind == "value" and token(got.value) == p.ours(link, name):
            pair.theirs, pair.ours = token(there[name]), p.ours(link, name)
        else:
            return True  # theirs to say: taken at the next look
    if pair.speaks:
        p.owe(link, name)
    return not shows and bool(rule.direction != "out")


def _release(p: Planner, link: Link, name: str, pair: Pair, there: dict[str, Any]) -> bool:
    """What the old rule parked is merged by the ordinary ones, where the record shows what it was parked for."""
    if pair.park == UNSEEN:
        return True
    rule = p.leg(link).mapping.fields[name]
    if pair.park == "held" and rule.direction != "out":
        if name not in there or token(there[name]) != pair.theirs:
            return True
        field(p, link, name, there[name], _seen(link))
        return False
    if pair.park == "ask":  # one side decides now
        p.close_conflict(link, name, "theirs" if rule.direction == "in" else "ours")
        pair.park, pair.owed = "", int(rule.direction == "out")
        pair.theirs = None if rule.direction == "in" else pair.theirs
    pair.park = ""
    if pair.owed:
        p.owe(link, name)
    return bool(rule.direction == "in")


def _compare(p: Planner, link: Link, name: str, pair: Pair, raw: Any) -> None:
    """Set a pair to what theirs means now. Where that is not ours, neither side is changed."""
    pair.theirs = token(raw)
    leg_only = name == "status" and link.role != "holder"
    got = _means(p, link, name, raw)
    now = token(link.leg_status) if leg_only else p.ours(link, name)
    if got.kind == "held":
        pair.park = "held"
        p.notice("held", got.said or f"{p.leg(link).name}: this value of {name} means nothing yet", link, name)
    elif got.kind == "note" or token(got.value) == now:
        pair.ours = now
        if got.kind == "value" and not pair.owed:
            p.agrees(link, name)
    else:
        pair.ours = token(got.value)
        if not pair.owed:
            apart(p, link, name, pair)


def _means(p: Planner, link: Link, name: str, raw: Any) -> Any:
    """What a value of theirs means under the version the link has now."""
    return meaning(p, link, name, raw, _seen(link))


def _seen(link: Link) -> Observed:
    """The record as it was last seen."""
    return Observed("remap", link.connection_id, link.remote_id or "", None, link.seen)
