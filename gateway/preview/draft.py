"""A draft at work: compiled against one connection's catalogue, its table rows by name, and where each stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from gateway.errors import NotFound
from gateway.providers import meanings, versions
from gateway.providers.desks import Desks
from gateway.providers.documents import Mistakes
from gateway.tickets.vocabulary import document
from mappings.engine import Mapping as Compiled
from mappings.engine import compile_mapping, effective
from mappings.loader import Node
from mappings.model import Complaint, MappingError

LOSSES = ("M033", "M040", "M041", "M063")
"""Complaints that tell of a value which does not come back."""


@dataclass(frozen=True)
class Draft:
    """A mapping that is no version yet, for one connection. ``label``: ``acme-rt@draft``."""

    label: str
    text: str
    parent: str | None
    connection: int
    mapping: Compiled
    catalogue: str
    complaints: tuple[Complaint, ...]
    labels: Mapping[str, Mapping[str, str]]  # their field -> id -> label

    @cached_property
    def _root(self) -> Node:
        return effective(self.text, self.parent, self.label)

    def place(self, name: str, key: str = "values", row: str = "") -> str:
        """Where the row of a field's table stands, or the field's rule: ``acme-rt@draft:14:7 fields.status.values.x``;
        inherited ones point into the parent."""
        node, told = self._root.get("fields", name), f"fields.{name}"
        if node is None:
            return f"{self.label} unsupported.{name}" if name in self.mapping.unsupported else self.label
        for step in (key, *row.split("/")) if row else (key,):
            named = next((one for one in (step, *self._labels(name, step)) if node.get(one) is not None), None)
            below = node.get(named) if named is not None else None
            if below is None:
                break
            node, told = below, f"{told}.{named}"
        return f"{node.file}:{node.key_line}:{node.key_col} {told}"

    def _labels(self, name: str, id: str) -> Iterator[str]:
        """What the remote calls a value that the text may write by its label."""
        rule = self.mapping.document["fields"].get(name, {})
        per = rule.get("per")
        for remote in (*self.mapping.fields[name].remote, *((per,) if per else ())):
            if id in self.labels.get(remote, {}):
                yield self.labels[remote][id]

    def rows(self) -> dict[str, dict[str, int]]:
        """Every row of its ``values``, by field, as it is counted: in ids, steps of several fields with ``/``."""
        tables = {name: rule.get("values") for name, rule in self.mapping.document["fields"].items()}
        return {name: dict.fromkeys(_paths(table), 0) for name, table in tables.items() if isinstance(table, dict)}

    def row(self, name: str, record: Mapping[str, Any], wire: Any, rows: Mapping[str, int]) -> str:
        """Which of its rows speaks for what their record shows, "" for none."""
        path = [str(step) for step in (wire if isinstance(wire, list) else [wire if wire is not None else ""])]
        per = self.mapping.document["fields"][name].get("per")
        if per:
            path = [str(record.get(per, "")), *path]
        for length in range(len(path), 0, -1):
            for steps in (path[:length], [*path[: length - 1], "*"]):
                if "/".join(steps) in rows:
                    return "/".join(steps)
        return ""

    def losses(self) -> list[list[str]]:
        """What does not come back, in the prover's words: (code, where, cause)."""
        told = [one for one in self.complaints if one.code in LOSSES]
        return [[one.code, f"{one.file}:{one.line}:{one.col}", one.cause] for one in told]


def _paths(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[str]:
    for step, value in table.items():
        if isinstance(value, dict):
            yield from _paths(value, (*above, step))
        else:
            yield "/".join((*above, step))


def read(conn: Connection, desks: Desks, connection: int, text: str, label: str = "", extends: str = "") -> Draft:
    """A draft from its text. One with errors of the prover can be previewed as long as it can be compiled. ``extends``:
    the parent's version where it is pinned, as ``rt@3``. Raises Mistakes, NotFound."""
    row, desk = desks.row(connection), desks.desk(connection)
    catalogue = desk.connector.catalogue(row.found.get("lists"), row.declared).doc
    try:
        name, _, number = extends.partition("@")
        pinned = versions.find(conn, "mapping", name, int(number)) if number else None
        parent = pinned or meanings.parent_of(conn, text, label or "draft")
        above = parent.text if parent is not None else None
        node = effective(text, above, label or "draft").get("name")
        label = label or f"{node.text if node is not None else ''}@draft"
        compiled = compile_mapping(text, catalogue, document(), above, label)
        told = meanings.prove(text, catalogue, above, label, desks.share(row.provider))[1]
    except MappingError as error:
        raise Mistakes(label or "draft", meanings.mistakes(error.complaints)) from None
    labels = {name: _labels(spec.get("values") or {}) for name, spec in catalogue["fields"].items()}
    return Draft(label, text, above, connection, compiled, desk.catalogue, tuple(told), labels)


def _labels(values: Mapping[str, Any]) -> dict[str, str]:
    return {id: str(said.get("label", id)) if isinstance(said, dict) else str(said) for id, said in values.items()}


def named(conn: Connection, desks: Desks, connection: int, name: str) -> Draft:
    """What a name means: ``acme-rt`` or ``acme-rt@draft`` the draft somebody is writing, ``acme-rt@7`` a version.
    Raises Mistakes, NotFound."""
    name, _, which = name.partition("@")
    if which.isdecimal():
        version = versions.find(conn, "mapping", name, int(which))
        return read(conn, desks, connection, version.text, version.label, version.parent)
    found = versions.draft(conn, "mapping", name)
    if found is None or which not in ("", "draft"):
        fix = f"See: tandem mapping history {name}; or give the file of a draft."
        raise NotFound("no such draft", "mapping", name, fix)
    return read(conn, desks, connection, found.text, f"{name}@draft")
