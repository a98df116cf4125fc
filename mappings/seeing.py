"""Theirs in normal form: how one rule looks at a record, before anything is translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mappings import normal, rich
from mappings.model import Wire
from mappings.rules import STAR, Context, Field, Row

Record = Mapping[str, Any]
"""Catalogue name -> value as a connector decodes it; a person is an id or ``{id, email, login, name}``."""

See = Callable[[Record], Wire]
Tree = dict[str, Any]
"""Nested tables by id; a leaf is a value of ours, or False for nothing."""


def see_rule(rule: Field) -> See:
    """How a rule with a table, a transform or neither sees its field or fields."""
    normals = [(remote.name, rich.normal_of(remote)) for remote in rule.remotes]
    if len(normals) > 1:
        return _see_path(rule, normals)
    name, one = normals[0]
    return lambda record: one(record[name])


def _see_path(rule: Field, normals: list[tuple[str, normal.Normal]]) -> See:
    """The matched path only: a leaf higher up ends it, so what lies in the fields below is no change."""
    trees = {context: tree_of(rows) for context, rows in (rule.rows or {}).items()}
    context = context_of(rule)

    def see(record: Record) -> Wire:
        tree: Any = trees.get(context(record), {})
        path: list[str] = []
        for name, one in normals:
            value = one(record.get(name))
            step = value if isinstance(value, str) else ""
            path.append(step)
            tree = tree.get(step, tree.get(STAR))
            if type(tree) is not dict:
                break
        return path

    return see


def tree_of(rows: list[Row]) -> Tree:
    """The rows of one table as nested tables."""
    tree: Tree = {}
    for row in rows:
        level = tree
        for step in row.path[:-1]:
            level = level.setdefault(step, {})
        level[row.path[-1]] = row.meaning if row.meaning is not None else False
    return tree


def context_of(rule: Field, default: Any = None) -> Callable[[Record], Context]:
    """Which table holds for a record: the ``per`` field's id, else the default's, else the first table's."""
    if rule.per is None:
        return lambda record: None
    one, name = normal.normal_of(rule.per), rule.per.name
    fallback = default if default is not None else next(iter(rule.contexts()), None)

    def context(record: Record) -> Context:
        found = one(record.get(name))
        return found if isinstance(found, str) else fallback

    return context


def see_each(rule: Field) -> See:
    """How an expression's rule sees: each of its fields, whatever their values."""
    normals = [(remote.name, rich.normal_of(remote)) for remote in rule.remotes]
    if len(normals) == 1:
        name, one = normals[0]
        return lambda record: one(record[name])

    def see(record: Record) -> Wire:
        return [_flat(one(record.get(name))) for name, one in normals]

    return see


def _flat(wire: Wire) -> str:
    return ", ".join(wire) if isinstance(wire, list) else wire or ""
