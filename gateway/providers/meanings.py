"""What a mapping has to be before it is published: what it extends, the catalogue it is for, what the prover says."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from connectors.catalogue import build_catalogue
from connectors.manifest import Manifest
from connectors.registry import form
from gateway.errors import Invalid, NotFound
from gateway.providers import versions
from gateway.providers.documents import Mistakes
from gateway.providers.versions import Version
from gateway.tickets.vocabulary import document as vocabulary
from mappings import prover
from mappings.engine import Mapping as Compiled
from mappings.engine import compile_mapping, effective
from mappings.loader import Node, load, plain
from mappings.model import Complaint
from mappings.share import Share

_STAND_IN = {"integer": "1", "url": "https://desk.example"}
"""For settings without a default, where there is no connection that has them."""


def parent_of(conn: Connection, text: str, name: str) -> Version | None:
    """What a mapping's ``extends`` names. Raises NotFound, MappingError."""
    extends = load(text, name).get("extends")
    wanted, _, version = (extends.text or "" if extends is not None else "").partition("@")
    if not wanted:
        return None
    if not version:
        return versions.find(conn, "mapping", wanted)
    for one in versions.history(conn, "mapping", wanted):
        if str(one.number) == version:
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


def canonical(document: Any) -> str:
    """A document as the one JSON text it has."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def whole(text: str, parent: str | None, name: str) -> dict[str, Any]:
    """What a text says with what it inherits: shorthand expanded, no examples, labels as they are written. Raises
    MappingError."""
    told: dict[str, Any] = plain(effective(text, parent, name))
    return {key: value for key, value in told.items() if key not in ("examples", "extends")}


def resolved(text: str, parent: str | None, name: str, compiled: Sequence[Compiled]) -> str:
    """The effective document to be stored: in ids, where every desk that it was proved against has the same ones, else
    with the labels as they are written (each desk has its own ids for them)."""
    known = {canonical(one.document) for one in compiled}
    return known.pop() if len(known) == 1 else canonical(whole(text, parent, name))


def readable(stored: str) -> str:
    """A stored effective document as a text of the language, which has no word for what is left out."""
    return canonical(_said(json.loads(stored)))


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items() if inner is not None}
    return value


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """Which rules differ between two ``whole`` documents: ``+ due``, ``- tags``, ``status: values, write``."""
    if before is None:
        return ["there is none yet"]
    was, now = before.get("fields", {}), after.get("fields", {})
    told = [f"+ {name}" for name in now if name not in was] + [f"- {name}" for name in was if name not in now]
    told += [f"{name}: {', '.join(keys)}" for name in now if name in was and (keys := _keys(was[name], now[name]))]
    return told + [key for key in _keys(before, after) if key not in ("fields", "name")]


def _keys(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [key for key in dict.fromkeys((*was, *now)) if was.get(key) != now.get(key)]


def warnings(texts: Mapping[str, str], told: Sequence[Complaint]) -> dict[str, list[Complaint]]:
    """Warnings by the name they are accepted by: ``M041:status``, or the code alone where no field's rule is meant.
    ``texts``: the texts they point into, by the name complaints have for them."""
    trees = {name: load(text, name) for name, text in texts.items()}
    found: dict[str, list[Complaint]] = {}
    for one in told:
        if one.severity == "W":
            field = _field(trees.get(one.file), one)
            found.setdefault(f"{one.code}:{field}" if field else one.code, []).append(one)
    return found


def _field(root: Node | None, one: Complaint) -> str:
    """The canonical field whose rule a complaint points at."""
    key, inside = _last(root, one)
    return _last(inside, one)[0] if key == "fields" else ""


def _last(node: Node | None, one: Complaint) -> tuple[str, Node | None]:
    """The last key of a table that begins before the place of a complaint."""
    found: tuple[str, Node | None] = ("", None)
    for key, inner in ((node.table or {}) if node is not None else {}).items():
        if (inner.key_line, inner.key_col) <= (one.line, one.col):
            found = (key, inner)
    return found


def accepted(told: Mapping[str, Sequence[Complaint]], accept: Collection[str], file: str) -> tuple[str, ...]:
    """The names of the warnings, all of which have to be accepted: by name, by code, or ``all``. Raises Mistakes."""
    open_ = [name for name in told if not {name, name.partition(":")[0], "all"} & set(accept)]
    if open_:
        raise Mistakes(file, [
            Invalid(f"{one.code} {one.cause}", f"{one.file}:{one.line}:{one.col}", fix=f"Mend it, or accept {name}.")
            for name in open_
            for one in told[name]
        ])  # fmt: skip
    return tuple(told)
