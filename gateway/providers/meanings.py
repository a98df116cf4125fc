"""The mapping versions of this installation: found by name, tried against a catalogue, stored as the next version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from connectors.catalogue import build_catalogue
from connectors.manifest import Manifest
from connectors.registry import form
from gateway.errors import Conflict, Invalid, NotFound
from gateway.journal.audit import note
from gateway.people.users import By
from gateway.store import tables
from gateway.store.ids import mint
from gateway.tickets.vocabulary import document as vocabulary
from mappings import prover
from mappings.engine import Mapping as Compiled
from mappings.engine import compile_mapping, effective
from mappings.loader import Node, load
from mappings.model import Complaint
from mappings.share import Share

_D = tables.document.c
_STAND_IN = {"integer": "1", "url": "https://desk.example"}
"""For settings without a default, where there is no connection that has them."""


@dataclass(frozen=True)
class Version:
    """One published version. ``parent``: what it extends, as ``name@version``; ``created_at`` in UTC microseconds."""

    id: int
    name: str
    version: int
    text: str
    parent: str
    author: str
    reason: str
    created_at: int


def history(conn: Connection, name: str = "") -> list[Version]:
    """The published versions, newest first; of one mapping, or the newest of each."""
    query = select(tables.document).where(_D.kind == "mapping", _D.version.is_not(None))
    rows = [_version(row) for row in conn.execute(query.order_by(_D.name, _D.version.desc()))]
    if name:
        return [row for row in rows if row.name == name]
    newest: dict[str, Version] = {}
    for row in rows:
        newest.setdefault(row.name, row)
    return list(newest.values())


def newest(conn: Connection, name: str) -> Version:
    """The version in force. Raises NotFound."""
    found = history(conn, name)
    if not found:
        known = ", ".join(one.name for one in history(conn))
        raise NotFound("no such mapping", "mapping", name, f"One of: {known}; or bring your own with a file.")
    return found[0]


def _version(row: Row[Any]) -> Version:
    return Version(row.id, row.name, row.version, row.text, row.parent, row.author, row.reason, row.created_at)


def parent_of(conn: Connection, text: str, name: str) -> Version | None:
    """What a mapping's ``extends`` names. Raises NotFound, MappingError."""
    extends = load(text, name).get("extends")
    wanted, _, version = (extends.text or "" if extends is not None else "").partition("@")
    if not wanted:
        return None
    if not version:
        return newest(conn, wanted)
    for one in history(conn, wanted):
        if str(one.version) == version:
            return one
    raise NotFound("no such version", "extends", f"{wanted}@{version}", f"See: tandem mapping history {wanted}")


def connector_of(text: str, parent: str | None, name: str) -> str:
    """The kind of system a mapping is for, as it says itself or inherits it. Raises MappingError."""
    node = effective(text, parent, name).get("connector")
    return node.text or "" if node is not None else ""


def assumed(spec: Manifest, text: str, parent: str | None, name: str) -> tuple[Mapping[str, Any], list[str]]:
    """The catalogue of a kind as far as its manifest says it, and the names of custom fields that only a desk itself
    can tell: these are taken as the mapping writes them. Raises MappingError."""
    settings = {
        f"settings.{entry.name}": entry.default or _STAND_IN.get(entry.type, entry.name) for entry in form(spec)
    }
    told = build_catalogue(spec, settings, {}, {}).doc
    fields, families = dict(told["fields"]), spec.part("families")
    names = _named(effective(text, parent, name))
    missing = {one: table for one, table in names.items() if one not in fields and one.partition(":")[0] in families}
    for one, table in missing.items():
        many = families[one.partition(":")[0]].get("type") == "set"
        fields[one] = {"type": "set", "of": "text"} if many else {"type": "choice" if table else "text"}
    searchable = sorted({*told["reference_searchable"], *missing} if told["reference_searchable"] else ())
    return {**told, "fields": fields, "reference_searchable": searchable}, sorted(missing)


def _named(root: Node) -> dict[str, bool]:
    """The remote fields a mapping names, and whether it has a table of values for each."""
    reference = root.get("reference")
    names = {reference.text: False} if reference is not None and reference.text else {}
    rules = root.get("fields")
    for rule in (rules.table or {}).values() if rules is not None else ():
        field = rule.get("field") if rule.table is not None else rule
        for each in (field.items or (field,)) if field is not None else ():
            if each.text:
                names[each.text] = rule.get("values") is not None
    return names


def prove(
    text: str, catalogue: Mapping[str, Any], parent: str | None, name: str, policy: Share | None = None
) -> tuple[Compiled | None, list[Complaint]]:
    """The compiled mapping (None where it cannot be used) and everything to be said about it by all checks."""
    proof = prover.prove(text, catalogue, vocabulary(), parent, policy, name)
    if not proof.holds:
        return None, proof.complaints
    return compile_mapping(text, catalogue, vocabulary(), parent, name), proof.complaints


def mistakes(complaints: list[Complaint]) -> list[Invalid]:
    """Complaints as errors with line, column and the way out."""
    return [
        Invalid(f"{one.code} {one.cause}", f"{one.file}:{one.line}:{one.col}", fix=one.fix or one.example or None)
        for one in complaints
    ]


def publish(conn: Connection, by: By, name: str, text: str, parent: Version | None, reason: str) -> int:
    """Store a proved mapping as its name's next version; its id. The very same text is not stored twice. Raises
    Conflict on the name of a shipped one, which others use as it is."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    named = (_D.kind == "mapping") & (_D.name == name)
    known = conn.scalar(select(_D.id).where(named, _D.hash == digest, _D.version.is_not(None)))
    if known is not None:
        return int(known)
    if conn.execute(select(_D.id).where(named, _D.author == "tandem").limit(1)).first():
        raise Conflict("a mapping of this name is shipped with Tandem", "mapping", name, "Give yours another name.")
    version = (conn.scalar(select(func.max(_D.version)).where(named)) or 0) + 1
    id = mint()
    values = {"name": name, "version": version, "text": text, "hash": digest, "author": by.actor, "reason": reason}
    extends = f"{parent.name}@{parent.version}" if parent is not None else ""
    conn.execute(insert(tables.document).values(id=id, kind="mapping", parent=extends, created_at=by.at, **values))
    note(conn, by.key, by.at, f"mapping:{name}", by.actor, "published", f"{name}@{version}", {"hash": digest})
    return id
