"""Makes the catalogue that mappings and the prover read: manifest, what the desk told, what an admin declared.

The only place where words change on the way: ``person`` to ``user``, ``boolean`` to ``bool``, ``rich`` to ``text``, and
so on (CONNECTORS.md, end of section 1). Each field keeps its source: ``manifest``, ``live`` or ``declared``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.base import Catalogue
from connectors.manifest import Manifest, defined
from connectors.templates import Names, parse

TYPES = {"person": "user", "boolean": "bool", "rich": "text", "integer": "number", "ref": "text"}
KEPT = ("max", "per", "accepts", "derived", "dated", "resolution", "optional", "read_only", "empty")
REACHES = {"staff": "provider", "requester": "requester"}

LIVE_TYPES = {
    "list": "choice",
    "enumeration": "choice",
    "select": "choice",
    "dropdown": "choice",
    "tagger": "choice",
    "selectsingle": "choice",
    "int": "number",
    "integer": "number",
    "float": "number",
    "decimal": "number",
    "date": "date",
    "datetime": "datetime",
    "bool": "bool",
    "boolean": "bool",
    "checkbox": "bool",
    "user": "user",
}
"""The desks' own words for the type of a custom field. What is not here is a choice if it has values, else text. A
choice may come without its values, where the desk does not tell them."""


def build_catalogue(
    manifest: Manifest, settings: Names, lists: Mapping[str, Any], declared: Mapping[str, Any]
) -> Catalogue:
    """The catalogue as one document; ``declared`` has its form, and the last word, key by key."""
    fields: dict[str, dict[str, Any]] = {}
    sources: dict[str, str] = {}
    text_format = parse(manifest.part("text")["format"]).text(settings)
    status = str(manifest.part("status") or "status")
    unset = [str(word) for word in manifest.part("times").get("unset", ())]
    gives = [key for key in ("id", "email", "login", "name") if key in manifest.part("people")]
    for name, spec in manifest.part("fields").items():
        told = lists.get(spec.get("live", ""))
        fields[name] = _field(name, spec, told, text_format, status, gives)
        if spec.get("type") == "datetime" and unset:
            fields[name].setdefault("empty", unset)
        sources[name] = "live" if told else "manifest"
    for name, entry in _members(manifest, lists, text_format, gives):
        fields[name] = entry
        sources[name] = "live"
    reference = parse(manifest.part("reference") or "").text(settings)
    family = manifest.part("families", reference.partition(":")[0])
    if reference and reference not in fields and family.get("live") not in lists:
        fields[reference] = _field(reference, family, None, text_format, status, gives)
        sources[reference] = "manifest"
    for name, entry in declared.get("fields", {}).items():
        fields[name] = {"type": "text", **fields.get(name, {}), **entry}
        sources[name] = "declared"
    doc = {
        "connector": manifest.kind,
        "fields": fields,
        "status": status,
        "channels": _channels(manifest, text_format),
        "attachments": _attachments(manifest),
        "reference_searchable": [reference] if reference in fields and "find" in defined(manifest.doc) else [],
        **({"workflow": dict(manifest.part("workflow"))} if manifest.part("workflow") else {}),
    }
    return Catalogue({**doc, **{key: value for key, value in declared.items() if key != "fields"}}, sources)


def _field(
    name: str, spec: Mapping[str, Any], told: Any, text_format: str, status: str, gives: list[str]
) -> dict[str, Any]:
    values = _values(told, "per" in spec) if told else spec.get("values")
    kind = spec.get("type", "text")
    entry: dict[str, Any] = {"type": "choice" if kind == "ref" and values else TYPES.get(kind, kind)}
    entry |= {key: spec[key] for key in KEPT if key in spec}
    if values:
        entry["values"] = dict(values)
    if kind == "rich":
        entry["format"] = text_format
    if kind == "set":
        entry["of"] = "text"
    if kind == "person":
        entry["gives"] = ["email"] if spec.get("wire") == "email" and not gives else gives
    if "only_on" in spec:
        entry["write"] = spec["only_on"]
    if spec.get("write") == "none":
        entry["write"] = "never"
    if spec.get("read") == "none":
        entry["read"] = False
    required = ["create"] if spec.get("required") else []
    required += [str(value) for value in _listed(spec.get("required_when", {}).get(status, []))]
    if required:
        entry["required"] = required
    return entry


def _values(told: Any, per: bool) -> dict[str, Any]:
    """The listed values: id to label, or one such table for each value of the field they differ by."""
    if not per:
        return {row["id"]: row["label"] for row in told}
    tables: dict[str, Any] = {}
    for row in told:
        tables.setdefault(row["per"], {})[row["id"]] = row["label"]
    return tables


def _members(
    manifest: Manifest, lists: Mapping[str, Any], text_format: str, gives: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The custom fields that the desk lists, under each family they fit."""
    for family, spec in manifest.part("families").items():
        for row in lists.get(spec.get("live", ""), []):
            word = row.get("type", "").lower()
            many = spec.get("type") == "set"
            if ("multiple" in word and not many) or ("single" in word and many):
                continue
            name = f"{family}:{row['id']}"
            entry = _field(name, spec, None, text_format, "", gives)
            entry["label"] = row.get("label", row["id"])
            values = row.get("values") or []
            if not many:
                entry["type"] = LIVE_TYPES.get(word, "choice" if values else entry["type"])
            if values:
                entry["values"] = {value: value for value in values}
            yield name, entry


def _channels(manifest: Manifest, text_format: str) -> dict[str, Any]:
    most = manifest.part("text").get("max")
    return {
        name: {
            "format": text_format,
            "reaches": [REACHES[each] for each in spec["reaches"]],
            **({"max": most} if most else {}),
            **({"internal": True} if spec["reaches"] == ["staff"] else {}),
            **({"files": True} if "attach" in spec else {}),
            **({"side_effects": spec["side_effects"]} if spec.get("side_effects") else {}),
        }
        for name, spec in manifest.part("channels").items()
    }


def _attachments(manifest: Manifest) -> dict[str, Any]:
    spec = manifest.part("attachments")
    reaches = {"reaches": [REACHES[each] for each in spec["reaches"]]} if "reaches" in spec else {}
    return {"max": spec.get("max", 25 * 1024 * 1024), "shown_with": spec.get("shown_with", "channel"), **reaches}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
