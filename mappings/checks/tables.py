"""Checks of value tables: total, unambiguous, stable, and what is lost (M030 to M041, M055)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mappings.checks.facts import Facts, contexts, label, labels, place, reading, written
from mappings.model import Complaint
from mappings.rules import STAR, Context, Field
from mappings.seeing import tree_of


def m030(facts: Facts) -> Iterator[Complaint]:
    """Every value of theirs has a row, a default or a deliberate nothing."""
    for rule in _tables(facts):
        if not rule.inward:
            continue
        for context, known in contexts(rule).items():
            if context in (rule.rows or {}):
                yield from _unread(rule, context, known)


def _unread(rule: Field, context: Context, known: Mapping[str, str]) -> Iterator[Complaint]:
    tree = tree_of((rule.rows or {})[context])
    for path in _gaps(rule, tree, known, 0):
        cause = f"{rule.name}: no row for their {labels(rule, path)}"
        yield _table_node(rule, context).complain(
            "M030", cause, key=True, fix=f"add the row `{labels(rule, path)}: ...`"
        )


def _gaps(rule: Field, tree: Mapping[str, Any], known: Mapping[str, str], level: int) -> Iterator[tuple[str, ...]]:
    for id in known:
        if id in rule.remotes[level].empty:
            continue
        leaf = tree.get(id, tree.get(STAR))
        if leaf is None:
            yield (id,)
        elif isinstance(leaf, dict):
            yield from ((id, *rest) for rest in _gaps(rule, leaf, rule.remotes[level + 1].ids(), level + 1))


def m031(facts: Facts) -> Iterator[Complaint]:
    """Every value of ours goes somewhere, or deliberately nowhere."""
    for rule, _, ours, paths in _undecided(facts):
        if not paths:
            where = rule.node.get("write") or rule.at("values")
            yield where.complain("M031", f"{rule.name}: nothing of theirs means {ours}", key=True)


def m032(facts: Facts) -> Iterator[Complaint]:
    """Where several of theirs mean one of ours, ``write`` names one."""
    for rule, context, ours, paths in _undecided(facts):
        if paths:
            several = " and ".join(labels(rule, path) for path in paths)
            yield place(rule, context, ours).complain("M032", f"{rule.name}: {several} all mean {ours}", key=True)


def _undecided(facts: Facts) -> Iterator[tuple[Field, Context, str, list[Any]]]:
    for rule in _tables(facts):
        if not rule.outward:
            continue
        for context in rule.contexts():
            for ours, paths in rule.inverse(context).items():
                if isinstance(paths, list):
                    yield rule, context, ours, paths


def m033(facts: Facts) -> Iterator[Complaint]:
    """``write`` does not go elsewhere while something with the meaning exists."""
    for rule, context, ours in _elsewhere(facts):
        path = rule.writes[context][ours].path or ()
        cause = f"{rule.name}: {ours} goes to {labels(rule, path)}, though something of theirs means it"
        yield rule.writes[context][ours].node.complain("M033", cause, key=True)


def _elsewhere(facts: Facts) -> list[tuple[Field, Context, str]]:
    found = []
    for rule in _two_way(facts):
        for context, rows in rule.writes.items():
            meant = {row.meaning for row in (rule.rows or {}).get(context, ()) if STAR not in row.path}
            for ours, target in rows.items():
                if target.path and ours in meant and reading(rule, context, target.path)[1] != ours:
                    found.append((rule, context, ours))
    return found


def m040(facts: Facts) -> Iterator[Complaint]:
    """Writing what is read of what was written writes the same: w(r(w(x))) = w(x)."""
    for rule in _two_way(facts):
        for context, ours, path in written(rule):
            matched, back, known = reading(rule, context, path)
            if back is None:
                why = "means nothing to us" if known else "cannot be read"
                yield place(rule, context, ours).complain(
                    "M040", f"{rule.name}: {ours} goes to {labels(rule, path)}, which {why}"
                )
                continue
            again = rule.inverse(context).get(back)
            if not isinstance(again, tuple) or reading(rule, context, again)[0] != matched:
                then = labels(rule, again) if isinstance(again, tuple) else "nothing"
                cause = f"{rule.name}: {ours} -> {labels(rule, path)} -> {back} -> {then}"
                yield place(rule, context, ours).complain("M040", cause)


def m041(facts: Facts) -> Iterator[Complaint]:
    """What does not come back as it went, by name."""
    elsewhere = {(rule.name, context, ours) for rule, context, ours in _elsewhere(facts)}
    for rule in _two_way(facts):
        for context in rule.contexts():
            for ours, path in rule.inverse(context).items():
                if (rule.name, context, ours) in elsewhere or isinstance(path, list):
                    continue
                back = reading(rule, context, path)[1] if path is not None else "not conveyed"
                if back != ours:
                    cause = (
                        f"{rule.name}: {ours} comes back as {back}" if path else f"{rule.name}: {ours} is not conveyed"
                    )
                    yield place(rule, context, ours).complain("M041", cause, key=True)
    for rule in facts.rules:
        loses = facts.built[rule.name].loses
        if rule.direction == "both" and loses:
            yield rule.at("transform").complain("M041", f"{rule.name} loses {loses}", key=True)


def m055(facts: Facts) -> Iterator[Complaint]:
    """Where values differ by context, every context has its table."""
    for rule in _tables(facts):
        needed = rule.remotes[0].per
        if needed is None:
            continue
        if rule.per is None or rule.per.name != needed:
            cause = f"{rule.name}: the values of {rule.remotes[0].name} differ by {needed}"
            yield rule.at("per" if rule.per else "values").complain("M055", cause, key=True, fix=f"`per: {needed}`")
            continue
        tables = rule.rows if rule.inward else rule.writes
        for context in rule.remotes[0].values or {}:
            if context not in (tables or {}):
                cause = f"{rule.name}: no table for {needed} {label(rule.per, str(context))}"
                yield rule.at("values" if rule.inward else "write").complain("M055", cause, key=True)


def _tables(facts: Facts) -> list[Field]:
    return [rule for rule in facts.rules if (rule.rows is not None or rule.writes) and rule.ours.type != "person"]


def _two_way(facts: Facts) -> list[Field]:
    return [rule for rule in _tables(facts) if rule.direction == "both"]


def _table_node(rule: Field, context: Context) -> Any:
    rows = (rule.rows or {}).get(context)
    values = rule.node.get("values")
    if rule.per is not None and values is not None and values.table is not None and rows:
        for table in values.table.values():
            if table.table and rows[0].node in table.table.values():
                return table
    return values or rule.at("field")
