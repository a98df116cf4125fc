"""Checks of one rule: types, lengths, alphabets, directions, people (M016 to M025, M043 to M046, M063 to M073)."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.checks.facts import Facts
from mappings.model import Complaint
from mappings.rules import Field


def m016(facts: Facts) -> Iterator[Complaint]:
    """Every canonical field is mapped or explained, and not both."""
    for name in facts.ours:
        said = facts.root.get("unsupported", name)
        if name in facts.found.fields and said is not None:
            yield said.complain("M016", f"{name} is mapped and unsupported", key=True)
        elif name not in facts.found.fields and said is None:
            where = facts.root.get("unsupported") or facts.root
            yield where.complain("M016", f"{name} is neither mapped nor unsupported", key=True)


def m020(facts: Facts) -> Iterator[Complaint]:
    """A table needs values that can be listed."""
    for rule in facts.rules:
        if rule.node.get("values") is not None and rule.remotes[0].type in ("text", "date", "datetime"):
            cause = f"{rule.name}: a table on {rule.remotes[0].name}, which takes any {rule.remotes[0].type}"
            yield rule.at("values").complain("M020", cause, key=True)


def m021(facts: Facts) -> Iterator[Complaint]:
    """What we may send fits, or the mapping says what happens when it does not."""
    for rule in facts.rules:
        limit = rule.remotes[0].max
        if not rule.outward or limit is None or rule.overlong is not None or rule.ours.type not in ("text", "set"):
            continue
        ours = None if rule.expr is not None else rule.ours.max
        if ours is None or ours > limit:
            cause = f"{rule.name} has up to {ours or 'any number of'} characters, {rule.remotes[0].name} takes {limit}"
            yield rule.at("field").complain("M021", cause)
    for name, value in facts.found.defaults.items():
        entry = facts.remote.field(name)
        if entry is not None and entry.max is not None and isinstance(value, str) and len(value) > entry.max:
            node = facts.root.get("defaults", name) or facts.root
            yield node.complain("M021", f"the default has {len(value)} characters, {name} takes {entry.max}")
    told, most = facts.found.attachments, facts.remote.attachment_max
    if told["direction"] in ("out", "both") and most is not None and told["max"] > most:
        node = facts.root.get("attachments", "max") or facts.root.get("attachments") or facts.root
        yield node.complain("M021", f"files up to {told['max']:,} bytes, theirs take {most:,}", fix="a smaller `max`")


def m023(facts: Facts) -> Iterator[Complaint]:
    """The target takes every character ours may have."""
    for rule in facts.rules:
        replaced = isinstance(rule.transform, dict) and "spaces" in rule.transform
        if rule.outward and not replaced and rule.remotes[0].accepts == "no_spaces":
            cause = f"{rule.name} may hold blanks, {rule.remotes[0].name} takes none"
            yield rule.at("field").complain("M023", cause)


def m043(facts: Facts) -> Iterator[Complaint]:
    """What we derive is never read."""
    for rule in facts.rules:
        if rule.ours.derived and rule.inward:
            cause = f"{rule.name} follows from {' and '.join(rule.ours.derived)} and is read from them"
            yield rule.node.complain("M043", cause, key=True)


def m045(facts: Facts) -> Iterator[Complaint]:
    """The remote field can do what the direction asks."""
    for rule in facts.rules:
        for remote in rule.remotes:
            if rule.outward and (remote.write == "never" or remote.derived):
                cause = f"{rule.name}: {remote.name} is {'computed' if remote.derived else 'read-only'} there"
                yield rule.at("field").complain("M045", cause)
            if rule.inward and not remote.read:
                yield rule.at("field").complain("M045", f"{rule.name}: {remote.name} is never shown")


def m046(facts: Facts) -> Iterator[Complaint]:
    """``newest`` needs fields that carry their own date."""
    for rule in facts.rules:
        if rule.direction == "both" and rule.policy == "newest" and not rule.remotes[0].dated:
            yield rule.at("conflict").complain("M046", f"{rule.name}: {rule.remotes[0].name} has no date of its own")


def m063(facts: Facts) -> Iterator[Complaint]:
    """What only a create can set stays as it was created."""
    for rule in facts.rules:
        if rule.outward and rule.remotes[0].write == "create":
            yield rule.at("field").complain("M063", f"{rule.name}: {rule.remotes[0].name} is set at creation alone")


def m070(facts: Facts) -> Iterator[Complaint]:
    """A person can be found by what theirs gives."""
    for rule in _people(facts):
        gives = rule.remotes[0].gives
        if rule.match is None and rule.node.get("values") is None:
            yield rule.node.complain("M070", f"{rule.name}: neither `match` nor `values`", key=True)
        elif rule.match is not None and gives and rule.match not in gives:
            cause = f"{rule.name}: {rule.remotes[0].name} gives {', '.join(gives)}, not {rule.match}"
            yield rule.at("match").complain("M070", cause)


def m073(facts: Facts) -> Iterator[Complaint]:
    """The attribute people are matched by may be hidden."""
    for rule in _people(facts):
        if rule.inward and rule.match in rule.remotes[0].optional and rule.node.get("values") is None:
            yield rule.at("match").complain("M073", f"{rule.name}: {rule.match} may be hidden there")


def _people(facts: Facts) -> list[Field]:
    return [rule for rule in facts.rules if rule.ours.type == "person" and rule.expr is None]
