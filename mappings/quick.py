"""Short ways for what nearly every record and ticket holds: clean text, a listed id, a plain time.

Each gives exactly what the long way gives (tests compare them on anything) and takes the long way for the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from mappings import normal
from mappings.catalogue import Remote
from mappings.meaning import Mean
from mappings.normal import plain_time, tidy
from mappings.rich import formatted
from mappings.rules import STAR, Field
from mappings.seeing import Record, See, tree_of
from mappings.transforms import Transform

Take = Callable[[Record], Any]
"""A record to our value, or to a ``Reading``: seeing and meaning in one."""

Give = Callable[[Any], Any]
"""Our value to what is written for it, where that is its own normal form; None: by the long way."""

elements = normal.normal_of(Remote("elements", "set"))
"""A set of ours in its own normal form, before it is joined, cut or rewritten."""


def see_quickly(rule: Field, see: See) -> See:
    """The same sight of one field, sooner."""
    kind = _kind(rule)
    name, empty = rule.remotes[0].name, rule.remotes[0].empty

    def text(record: Record) -> Any:
        value = record[name]
        return value if type(value) is str and tidy(value) and not (empty and value in empty) else see(record)

    def listed(record: Record) -> Any:
        value = record[name]
        return value if type(value) is str and value and value not in empty else see(record)

    def time(record: Record) -> Any:
        value = record[name]
        return value if type(value) is str and value not in empty and plain_time(value) else see(record)

    return {"text": text, "choice": listed, "datetime": time}.get(kind, see)


def take(rule: Field, see: See, mean: Mean) -> Take:
    """What one inward rule makes of a record."""
    if rule.rows is not None and rule.per is None and rule.ours.type != "person" and len(rule.remotes) > 1:
        return _path(rule, see, mean)
    plain = rule.rows is None and rule.transform is None and rule.expr is None
    if plain and _kind(rule) in ("text", "datetime") and rule.ours.type == rule.remotes[0].type:
        return _itself(rule, see, mean)
    return lambda record: mean(see(record), record)


def _kind(rule: Field) -> str:
    remote = rule.remotes[0]
    if len(rule.remotes) > 1 or formatted(remote) or (remote.type == "datetime" and remote.resolution > 1):
        return ""
    return remote.type


def _itself(rule: Field, see: See, mean: Mean) -> Take:
    """Text and times mean themselves, unless they are empty or no time."""
    name, empty = rule.remotes[0].name, rule.remotes[0].empty

    def text(record: Record) -> Any:
        value = record[name]
        if type(value) is str and value:
            if "\n" in value or "\r" in value or value[-1].isspace() or not value.isascii():
                value = normal.text(value)
            if value and not (empty and value in empty):
                return value
        wire = see(record)
        return mean(wire, record) if wire is None else wire

    def time(record: Record) -> Any:
        value = record[name]
        if type(value) is str and plain_time(value) and value not in empty:
            return value
        return mean(see(record), record)

    return time if rule.ours.type == "datetime" else text


def known(rule: Field) -> dict[str, str] | None:
    """Their ids that each mean one word of ours, whatever else the record holds; None where there is no such table."""
    remote = rule.remotes[0]
    if rule.rows is None or rule.per is not None or len(rule.remotes) > 1 or remote.type != "choice":
        return None
    if rule.ours.type == "person":
        return None
    rows = {row.path[0]: row.meaning for row in rule.rows.get(None, ())}
    return {id: ours for id, ours in rows.items() if ours and id and id != STAR and id not in remote.empty}


def _path(rule: Field, see: See, mean: Mean) -> Take:
    """A leaf for the first field alone needs no look at the others; a leaf for two is two look-ups."""
    tree = tree_of((rule.rows or {}).get(None, []))
    (first, second), empties = rule.remotes[:2], [remote.empty | {"", STAR} for remote in rule.remotes[:2]]
    one = {id: leaf for id, leaf in tree.items() if type(leaf) is str and id not in empties[0]}
    two = {
        (id, below): leaf
        for id, inner in tree.items()
        if type(inner) is dict and id not in empties[0]
        for below, leaf in inner.items()
        if type(leaf) is str and below not in empties[1]
    }
    if any(remote.type != "choice" for remote in rule.remotes):
        return lambda record: mean(see(record), record)

    def path(record: Record) -> Any:
        value = record[first.name]
        if type(value) is str:
            found = one.get(value)
            if found is None:
                below = record.get(second.name)
                found = two.get((value, below)) if type(below) is str else None
            if found is not None:
                return found
        return mean(see(record), record)

    return path


def give(rule: Field, change: Transform | None) -> Give | None:
    """The short way outward for one rule: a listed id, a text, a time, a set; None where there is none."""
    remote, ours = rule.remotes[0], rule.ours.type
    if len(rule.remotes) > 1 or remote.write != "always" or not remote.read or ours == "person" or formatted(remote):
        return None
    if rule.rows is not None or rule.writes:
        return _give_id(rule) if remote.type == "choice" and rule.per is None else None
    if ours == "set" and remote.type == "set":
        return _give_set(remote, change)
    if remote.type in ("bool", "user"):
        return None
    return _give_text(remote, change, ours == "set")


def _give_id(rule: Field) -> Give:
    empty = rule.remotes[0].empty
    targets = rule.inverse(None)
    only = {ours: path[0] for ours, path in targets.items() if type(path) is tuple and len(path) == 1 and ours}
    return {ours: id for ours, id in only.items() if id and id not in empty}.get


def _give_set(remote: Remote, change: Transform | None) -> Give:
    one, limit = normal.normal_of(remote), remote.max

    def parts(value: Any) -> Any:
        wire = elements(value)
        if wire and change is not None:
            wire = one(change.write(wire))
        short = limit is None or not any(len(part) > limit for part in wire or ())
        return wire if wire and short else None

    return parts


def _give_text(remote: Remote, change: Transform | None, many: bool) -> Give:
    one, empty, write = normal.normal_of(remote), remote.empty, change.write if change is not None else None
    most = remote.max if remote.type == "text" and remote.max is not None else sys.maxsize

    def words(value: Any) -> Any:
        if many:
            value = elements(value)
        if value is None or value in ("", []):
            return None
        try:
            wire = one(write(value) if write is not None else value)
        except ValueError:
            return None
        return wire if type(wire) is str and len(wire) <= most else None

    def text(value: Any) -> Any:
        if type(value) is str and value:
            if "\n" in value or "\r" in value or value[-1].isspace() or not value.isascii():
                value = normal.text(value)
            if value and len(value) <= most and not (empty and value in empty):
                return value
        return words(value)

    def time(value: Any) -> Any:
        return value if type(value) is str and plain_time(value) and value not in empty else words(value)

    def joined(value: Any) -> Any:
        parts = elements(value)
        if not parts or change is None:
            return words(value)
        wire = change.write(parts)
        return wire if tidy(wire) and len(wire) <= most and wire not in empty else words(value)

    if many and change is not None and change.name == "join":
        return joined
    if write is not None or many:
        return words
    return {"text": text, "datetime": time if remote.resolution <= 1 else words}.get(remote.type, words)
