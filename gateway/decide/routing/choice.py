"""Whom a routing rule may choose among, and which of them it takes: skills, hours, load, contract, history.

``to`` of a rule is one holder, or a table with one of ``first`` (in the order written), ``least_loaded``,
``internal_first`` and ``provider_first`` (one side before the other, each by load). Its members are holders,
``group:<name>``, ``catalogue`` (who has the service by the catalogue) and ``contracted`` (the providers whose contract
covers it). ``needs``: skills; ``open: true``: only who is open now; ``below``: only who has less load than this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.decide.language import Reader, join, nearest

ORDERS = ("first", "least_loaded", "internal_first", "provider_first")
KEYS = (*ORDERS, "needs", "open", "below")
CATALOGUE, CONTRACTED = "catalogue", "contracted"
MOST = 100.0
"""Hours of open work per hour of capacity beyond which nobody needs a limit."""


@dataclass(frozen=True, slots=True)
class Choice:
    """``order``: one of ``ORDERS``, or "" where one holder is named and nothing is asked of it; ``members``: with the
    groups put in."""

    order: str
    members: tuple[str, ...]
    needs: tuple[str, ...] = ()
    open: bool = False
    below: float | None = None


@dataclass(frozen=True, slots=True)
class People:
    """Those a policy chooses among. ``skills``: holder -> what it can do; ``groups``: name -> holders."""

    skills: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[str, ...]]


def people(r: Reader, top: Mapping[str, Any]) -> People:
    """The ``skills`` and ``groups`` of a policy."""
    skills, groups = {}, {}
    for holder, given in (r.table(top["skills"], "skills", ()) if "skills" in top else {}).items():
        r.holder(holder, at := join("skills", holder))
        skills[holder] = tuple(r.text(one, place, 60) for place, one in r.items(given, at))
    for name, given in (r.table(top["groups"], "groups", ()) if "groups" in top else {}).items():
        at = join("groups", name)
        groups[name] = tuple(r.holder(one, place) for place, one in r.items(given, at))
        if not groups[name]:
            r.fault(at, "nobody is in this group", None, "Name its members, or leave it out.")
    return People(skills, groups)


def choice(r: Reader, value: Any, path: str, who: People) -> Choice:
    """What ``to`` says."""
    if not isinstance(value, Mapping):
        if isinstance(value, str) and (value.startswith("group:") or value in (CATALOGUE, CONTRACTED)):
            return Choice("least_loaded", _members(r, [value], path, who))
        return Choice("", (r.holder(value, path),))
    table = r.table(value, path, KEYS)
    orders = [order for order in ORDERS if order in table]
    if len(orders) != 1:
        r.fault(path, "one way to choose is expected", ", ".join(orders), f"Write one of {', '.join(ORDERS)}.")
    order = orders[0] if orders else "first"
    at = join(path, order)
    members = _members(r, table.get(order), at, who)
    if not members and orders:
        r.fault(at, "nobody to choose among", None, "Write a list of holders.")
    needs = tuple(_skill(r, one, place, who) for place, one in r.items(table.get("needs"), join(path, "needs")))
    below = r.number(table["below"], join(path, "below"), 0, MOST) if "below" in table else None
    return Choice(order, members, needs, _flag(r, table.get("open", False), join(path, "open")), below)


def _members(r: Reader, value: Any, path: str, who: People) -> tuple[str, ...]:
    found: list[str] = []
    for place, one in r.items(value, path):
        if one in (CATALOGUE, CONTRACTED):
            found.append(one)
        elif isinstance(one, str) and one.startswith("group:"):
            name = r.one_of(one.removeprefix("group:"), place, who.groups, "group") if who.groups else ""
            if not who.groups:
                r.fault(place, "no such group", one, "Write groups: with a list of holders for each name.")
            found += who.groups.get(name, ())
        else:
            found.append(r.holder(one, place))
    return tuple(dict.fromkeys(found))


def _skill(r: Reader, value: Any, path: str, who: People) -> str:
    known = {skill for skills in who.skills.values() for skill in skills}
    if isinstance(value, str) and value in known:
        return value
    fix = nearest(str(value), known) if known else "Write skills: with a list for each holder."
    r.fault(path, "nobody has this skill", value, fix)
    return ""


def _flag(r: Reader, value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        r.fault(path, "true or false is expected", value, "Write true or false.")
    return value is True


def pick(one: Choice, who: People, inputs: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The holder that is taken ("" for nobody), and those that were passed over, each with why."""
    passed: list[tuple[str, str]] = []
    for holder in _ordered(one, inputs):
        why = unfit(one, who, holder, inputs)
        if not why:
            return holder, passed
        passed.append((holder, why))
    return "", passed


def _ordered(one: Choice, inputs: Mapping[str, Any]) -> Sequence[str]:
    names: list[str] = []
    for member in one.members:
        if member == CATALOGUE:
            names += [inputs["queue"]] if inputs.get("queue") else []
        elif member == CONTRACTED:
            names += [_provider(slug) for slug in inputs.get("contract", ())]
        else:
            names.append(member)
    names = list(dict.fromkeys(names))
    if one.order in ("", "first"):
        return names
    side = {"internal_first": "provider:", "provider_first": "team:"}.get(one.order, "?")  # the side that comes last
    return sorted(names, key=lambda name: (name.startswith(side), _load(name, inputs)))


def _provider(slug: str) -> str:
    return slug if slug.startswith("provider:") else f"provider:{slug}"


def _load(holder: str, inputs: Mapping[str, Any]) -> float:
    return float(inputs.get("load", {}).get(holder, 0.0))


def unfit(one: Choice, who: People, holder: str, inputs: Mapping[str, Any]) -> str:
    """Why a holder cannot be taken; "" when it can."""
    if holder in inputs.get("barred", {}):
        return str(inputs["barred"][holder])
    if holder in inputs.get("bounced", ()):
        return "gave it back without work"
    lacking = [skill for skill in one.needs if skill not in who.skills.get(holder, ())]
    if lacking:
        return f"has no skill {', '.join(lacking)}"
    if one.open and not inputs.get("open", {}).get(holder, True):
        return "is closed now"
    if one.below is not None and (load := _load(holder, inputs)) >= one.below:
        return f"has a load of {load:g}, and the limit is {one.below:g}"
    return ""
