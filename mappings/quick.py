"""Short ways for what nearly every record holds: clean text, a listed id, a plain time.

Each gives exactly what the long way gives (a test compares them on anything) and takes the long way for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings.meaning import Mean
from mappings.normal import plain_time
from mappings.rich import formatted
from mappings.rules import STAR, Field
from mappings.seeing import Record, See, tree_of

Take = Callable[[Record], Any]
"""A record to our value, or to a ``Reading``: seeing and meaning in one."""

_ENDS = ("", " ")


def see_quickly(rule: Field, see: See) -> See:
    """The same sight of one field, sooner."""
    kind = _kind(rule)
    name, empty = rule.remotes[0].name, rule.remotes[0].empty

    def text(record: Record) -> Any:
        value = record[name]
        clean = type(value) is str and value.isascii() and value.isprintable() and value[-1:] not in _ENDS
        return value if clean and not (empty and value in empty) else see(record)

    def listed(record: Record) -> Any:
        value = record[name]
        return value if type(value) is str and value and value not in empty else see(record)

    def time(record: Record) -> Any:
        value = record[name]
        return value if type(value) is str and value not in empty and plain_time(value) else see(record)

    return {"text": text, "choice": listed, "datetime": time}.get(kind, see)


def take(rule: Field, see: See, mean: Mean) -> Take:
    """What one inward rule makes of a record."""
    if rule.rows is not None and rule.per is None and rule.ours.type != "person":
        return _listed(rule, see, mean) if len(rule.remotes) == 1 else _path(rule, see, mean)
    if rule.rows is None and rule.transform is None and rule.expr is None and _kind(rule) in ("text", "datetime"):
        quick, same = see_quickly(rule, see), (rule.ours.type, rule.remotes[0].type)
        if same in (("text", "text"), ("datetime", "datetime")):
            return _itself(rule, quick, mean)
    return lambda record: mean(see(record), record)


def _kind(rule: Field) -> str:
    remote = rule.remotes[0]
    if len(rule.remotes) > 1 or formatted(remote) or (remote.type == "datetime" and remote.resolution > 1):
        return ""
    return remote.type


def _itself(rule: Field, see: See, mean: Mean) -> Take:
    """Text and times mean themselves, unless they are empty or no time."""
    if rule.ours.type == "datetime":
        return lambda record: mean(see(record), record)

    def itself(record: Record) -> Any:
        wire = see(record)
        return mean(wire, record) if wire is None else wire

    return itself


def _listed(rule: Field, see: See, mean: Mean) -> Take:
    name, empty = rule.remotes[0].name, rule.remotes[0].empty
    rows = {row.path[0]: row.meaning for row in (rule.rows or {}).get(None, ())}
    get = {id: meaning for id, meaning in rows.items() if meaning and id and id != STAR and id not in empty}.get
    if rule.remotes[0].type != "choice":
        return lambda record: mean(see(record), record)

    def listed(record: Record) -> Any:
        value = record[name]
        found = get(value) if type(value) is str else None
        return mean(see(record), record) if found is None else found

    return listed


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
