"""An effective document with its names looked up: what is compiled, proved and stored.

Labels and flags are already the remote's ids here, so a renamed label breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings.catalogue import Canonical, Remote
from mappings.loader import Node, plain

Path = tuple[str, ...]
Context = str | None
STAR = "*"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of ``values``: their ids (the last may be ``*``) and what they mean to us, None for nothing."""

    path: Path
    meaning: str | None
    node: Node


@dataclass(frozen=True, slots=True)
class Target:
    """One row of ``write``: where a value of ours goes, None for nowhere."""

    path: Path | None
    node: Node


@dataclass(slots=True)
class Field:
    """One rule, names resolved. ``rows`` and ``writes`` are by context (None unless ``per``); None: no table."""

    name: str
    ours: Canonical
    node: Node
    direction: str
    policy: str
    remotes: tuple[Remote, ...]
    per: Remote | None = None
    rows: dict[Context, list[Row]] | None = None
    writes: dict[Context, dict[str, Target]] = field(default_factory=dict)
    transform: Any = None
    expr: str | None = None
    match: str | None = None
    unmapped: str = "hold"
    overlong: str | None = None
    avoid: frozenset[str] = frozenset()

    @property
    def inward(self) -> bool:
        return self.direction != "out"

    @property
    def outward(self) -> bool:
        return self.direction != "in"

    def at(self, key: str) -> Node:
        """Where a key of this rule stands, or the rule itself."""
        return self.node.get(key) or self.node

    def contexts(self) -> tuple[Context, ...]:
        """The contexts this rule has tables for."""
        return tuple(dict.fromkeys((*(self.rows or ()), *self.writes))) or (None,)

    def inverse(self, context: Context) -> dict[str, Path | list[Path] | None]:
        """Where each value of ours goes: a path, None (said to be nothing), or the list of all that mean it, when they
        are not exactly one and ``write`` is silent."""
        meant: dict[str, list[Path]] = {}
        for row in (self.rows or {}).get(context, ()):
            if row.meaning is not None and STAR not in row.path and row.path[0] not in self.remotes[0].read_only:
                meant.setdefault(row.meaning, []).append(row.path)
        found: dict[str, Path | list[Path] | None] = {}
        for value in dict.fromkeys((*(self.ours.values or ()), *meant, *self.writes.get(context, ()))):
            target = self.writes.get(context, {}).get(value)
            paths = meant.get(value, [])
            found[value] = target.path if target is not None else paths[0] if len(paths) == 1 else paths
        return found


@dataclass(slots=True)
class Resolved:
    """An effective document in ids. ``reaches`` says whom each channel reaches, by mapping and manifest together."""

    root: Node
    name: str
    connector: str
    reference: str
    fields: dict[str, Field]
    defaults: dict[str, Any]
    unsupported: dict[str, str]
    reaches: dict[str, frozenset[str]]
    outward: dict[frozenset[str], str | None]
    inward: dict[str, frozenset[str] | None]
    attachments: dict[str, Any]
    worklogs: str

    def document(self) -> dict[str, Any]:
        """The effective document as plain data: shorthand expanded, labels and flags as ids, no examples."""
        comments = self.root.get("comments")
        return {
            "mapping": 1,
            "name": self.name,
            "connector": self.connector,
            "reference": self.reference,
            "defaults": self.defaults,
            "fields": {name: _document(rule) for name, rule in self.fields.items()},
            "unsupported": self.unsupported,
            "comments": plain(comments) if comments is not None else {},
            "attachments": self.attachments,
            "worklogs": self.worklogs,
        }


def _document(rule: Field) -> dict[str, Any]:
    told = {key: plain(node) for key, node in (rule.node.table or {}).items()}
    if rule.rows is not None and "values" in told:
        told["values"] = _by_context(rule, {context: _tree(rows) for context, rows in rule.rows.items()})
    if rule.writes:
        told["write"] = _by_context(
            rule,
            {context: {ours: list(t.path or ()) for ours, t in rows.items()} for context, rows in rule.writes.items()},
        )
    return told | ({"avoid": sorted(rule.avoid)} if rule.avoid else {})


def _by_context(rule: Field, tables: Mapping[Context, Any]) -> Any:
    return {str(context): table for context, table in tables.items()} if rule.per else tables.get(None, {})


def _tree(rows: list[Row]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for row in rows:
        level = tree
        for step in row.path[:-1]:
            level = level.setdefault(step, {})
        level[row.path[-1]] = [] if row.meaning is None else row.meaning
    return tree
