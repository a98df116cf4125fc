"""A wire in our words: the inward half of one rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings import cel, normal
from mappings.model import Reading, Wire
from mappings.rules import STAR, Field
from mappings.seeing import Record, context_of, tree_of
from mappings.transforms import Transform

Mean = Callable[[Wire, Record], Any]
"""A wire to our value, or to a ``Reading`` where it is held, only noted, or taken by the declared default."""

_MISSING: Any = object()
_SILENT = Reading("note")


def mean_rule(rule: Field, change: Transform | None) -> Mean:
    """What the wires of one inward rule mean; a required field of ours never becomes empty."""
    mean = _mean(rule, change)
    return _never_empty(rule, mean) if rule.ours.required else mean


def mean_expression(rule: Field, run: cel.Run) -> Mean:
    """What an inward expression gives; an error, or no word of ours, holds the field."""
    mean = _mean_expression(rule, run)
    return _never_empty(rule, mean) if rule.ours.required else mean


def _mean(rule: Field, change: Transform | None) -> Mean:
    if rule.ours.type == "person":
        return _mean_person(rule)
    if rule.rows is not None:
        return _mean_table(rule)
    if change is not None:
        return _mean_changed(rule, change)
    return _MEANS.get((rule.ours.type, rule.remotes[0].type), _mean_text)(rule)


def _mean_table(rule: Field) -> Mean:
    trees = {context: tree_of(rows) for context, rows in (rule.rows or {}).items()}
    context = context_of(rule)
    slow = _mean_slow(rule)
    if len(rule.remotes) > 1:

        def path(wire: Wire, record: Record) -> Any:
            leaf: Any = trees.get(context(record), {})
            steps = wire if type(wire) is list else [wire or ""]
            for step in steps:
                above = leaf
                leaf = above.get(step, _MISSING) if type(above) is dict else _MISSING
                if leaf is _MISSING:
                    return slow(above if type(above) is dict else {}, step, steps)
            return leaf if type(leaf) is str else slow({}, _MISSING, steps, leaf)

        return path
    if rule.per is None:
        only = trees[None]

        def single(wire: Any, record: Record) -> Any:
            leaf = only.get(wire)
            return leaf if type(leaf) is str else slow(only, wire, wire)

        return single

    def by_context(wire: Any, record: Record) -> Any:
        tree = trees.get(context(record), {})
        leaf = tree.get(wire)
        return leaf if type(leaf) is str else slow(tree, wire, wire)

    return by_context


def _mean_slow(rule: Field) -> Callable[..., Any]:
    """Everything that is not a plain row: empty, nothing, the declared default, unmapped."""
    label = label_of(rule)
    unmapped = "note" if rule.unmapped == "note" else "held"
    name = rule.remotes[0].name
    kind: Any = unmapped

    def slow(tree: dict[Any, Any], step: Any, wire: Any, leaf: Any = _MISSING) -> Any:
        if leaf is _MISSING:
            leaf = tree.get("" if step is None else step, _MISSING)
        if type(leaf) is str:
            return leaf
        if leaf is False:
            return Reading("note", said=f"{name} is {label(wire)} there, which means nothing here")
        if step is None and STAR not in tree:
            return None
        star = tree.get(STAR)
        if type(star) is str:
            return Reading("value", star, f"{name} is {label(wire)} there, taken as {star}")
        if star is False:
            return _SILENT
        return Reading(kind, said=f"{label(wire)} in {name} means nothing here yet")

    return slow


def label_of(rule: Field) -> Callable[[Any], str]:
    """Their own words for a wire, for people to read."""
    labels = [remote.ids() for remote in rule.remotes]

    def label(wire: Any) -> str:
        steps = wire if type(wire) is list else [wire]
        told = [known.get(step) or str(step) for known, step in zip(labels, steps, strict=False) if step]
        return ", ".join(told) or "empty"

    return label


def _mean_changed(rule: Field, change: Transform) -> Mean:
    name, read = rule.remotes[0].name, change.read
    is_set = rule.ours.type == "set"

    def changed(wire: Wire, record: Record) -> Any:
        if not wire:
            return [] if is_set else None
        try:
            return read(wire)
        except ValueError:
            return Reading("held", said=f"{name} is {wire!r} there, which cannot be read")

    return changed


def _mean_text(rule: Field) -> Mean:
    return lambda wire, record: wire


def _mean_label(rule: Field) -> Mean:
    labels = rule.remotes[0].ids()
    return lambda wire, record: labels.get(str(wire), wire) if wire is not None else None


def _mean_time(rule: Field) -> Mean:
    name = rule.remotes[0].name

    def moment(wire: Wire, record: Record) -> Any:
        if type(wire) is str and (len(wire) != 20 or wire[19] != "Z" or wire[10] != "T"):
            return Reading("held", said=f"{name} is {wire!r} there, which is no time")
        return wire

    return moment


def _mean_bool(rule: Field) -> Mean:
    return lambda wire, record: None if wire is None else wire == "true"


_MEANS: dict[tuple[str, str], Callable[[Field], Mean]] = {
    ("text", "choice"): _mean_label,
    ("datetime", "datetime"): _mean_time,
    ("bool", "bool"): _mean_bool,
}


def _mean_person(rule: Field) -> Mean:
    """A hit is a value; unknown or empty never is, so nobody is unassigned by a mapping."""
    remote, match = rule.remotes[0], rule.match
    known = {row.path[0]: row.meaning for row in (rule.rows or {}).get(None, ()) if row.meaning is not None}
    one = normal.normal_of(remote)
    alone = remote.gives[0] if len(remote.gives) == 1 else "id"

    def person(wire: Any, record: Record) -> Any:
        if wire is None:
            return _SILENT
        given = record.get(remote.name)
        there = given if type(given) is dict and one(given) == wire else {alone: wire}
        if wire in known or there.get("id") in known:
            return {"email": known[wire] if wire in known else known[there["id"]]}
        found = there.get(match) if match else None
        if not found and match == "email" and "@" in str(wire):
            found = wire
        if found:
            return {match: found}
        return Reading("note", said=f"{there.get('name') or there.get('login') or wire} is nobody here")

    return person


def _never_empty(rule: Field, mean: Mean) -> Mean:
    said = Reading("note", said=f"{rule.remotes[0].name} is empty there; ours is never emptied")

    def required(wire: Wire, record: Record) -> Any:
        value = mean(wire, record)
        return said if value is None or value == [] else value

    return required


def _mean_expression(rule: Field, run: cel.Run) -> Mean:
    allowed = rule.ours.values

    def mean(wire: Wire, record: Record) -> Any:
        try:
            value = normal.text(run(record))
        except cel.CelFailed as error:
            return Reading("held", said=f"the expression gives nothing: {error}")
        if allowed is not None and value and value not in allowed:
            return Reading("held", said=f"the expression gives {value!r}, which is no {rule.name}")
        return value or None

    return mean
