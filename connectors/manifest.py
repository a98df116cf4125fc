"""A manifest as a value: loaded from text, checked against the closed schema and against itself.

``load`` gives every complaint at once, as ``file:line:column sentence``. What passes here cannot fail for its form
later: templates and paths parse, names exist, each verb is defined or explained, secrets appear in no URL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connectors import schema, templates
from connectors.schema import Complaint
from connectors.yamltext import BadYaml, Document
from connectors.yamltext import load as read_yaml

VERBS = ("create", "update", "find", "worklog", "file", "comment", "attach", "person", "changed", "webhook")
"""What a manifest defines or explains under ``cannot``; ``check`` and ``fetch`` it must have."""

CALL_NAMES = frozenset(
    {"id", "ref", "key", "version", "text", "date", "day", "minutes", "hours", "clock", "seconds", "started"}
    | {"person", "email"}
    | {"since", "after", "size", "offset", "last", "page", "token"}
    | {"file", "file.name", "file.type", "file.base64", "file.url", "parent.id"}
)

LIST_NAMES = frozenset({"size", "offset", "page", "token", "parent.id"})


class BadManifest(Exception):
    """The manifest is not one; ``complaints`` are lines ``name:line:column sentence``."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


@dataclass(frozen=True)
class Manifest:
    """A checked manifest. ``doc`` is its plain document; ``hooks`` the class that ``hooks.py`` defines, if any, or that
    ``connector.py`` does where the manifest lists verbs under ``python``."""

    doc: Mapping[str, Any]
    text: str = ""
    hooks: type[Any] | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        return str(self.doc["kind"])

    @property
    def name(self) -> str:
        return str(self.doc["name"])

    @cached_property
    def sha256(self) -> str:
        """The identity of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def part(self, *way: str) -> Any:
        """The node at ``way``, or an empty mapping."""
        node: Any = self.doc
        for key in way:
            node = node.get(key) if isinstance(node, Mapping) else None
        return {} if node is None else node

    def choice(self, part: str, name: str) -> tuple[str, Mapping[str, Any]]:
        """An auth or verify choice: the named one, or the first. Raises ValueError where there is none of that name."""
        choices = self.part(*part.split("."))
        name = name or next(iter(choices), "")
        if name and name not in choices:
            raise ValueError(f"{name!r} is none of: {', '.join(choices)}")
        return name, choices.get(name, {})


def load(text: str, name: str = "manifest", hooks: type[Any] | None = None) -> Manifest:
    """Raises ``BadManifest``. ``name`` is what complaints call the file."""
    try:
        document = read_yaml(text)
    except BadYaml as error:
        raise BadManifest((f"{name}:{error}",)) from error
    own = isinstance(document.value, dict) and "python" in document.value
    complaints = list((schema.OWN if own else schema.MANIFEST)(document.value, ()))
    if not complaints:
        complaints = list(_meaning(document.value, hooks))
    if complaints:
        raise BadManifest(tuple(_line(name, document, each) for each in complaints))
    return Manifest(document.value, text, hooks)


def _line(name: str, document: Document, complaint: Complaint) -> str:
    way, sentence = complaint
    line, column = document.place(way)
    return f"{name}:{line}:{column} {sentence}"


def _meaning(doc: Mapping[str, Any], hooks: type[Any] | None) -> Iterator[Complaint]:
    yield from _verbs(doc)
    yield from _names(doc)
    yield from _fields(doc)
    yield from _channels(doc)
    if "python" in doc:
        missing_verbs = set(doc["python"]) - set(dir(hooks or object))
        yield from ((("python",), f"connector.py has no method {each!r}") for each in sorted(missing_verbs))
        return
    yield from _secrets(doc)
    yield from _calls(doc)
    listed, defined = set(doc.get("hooks", ())), {n for n in vars(hooks or object) if n in schema.HOOKS}
    for missing in sorted(listed - defined):
        yield ("hooks",), f"hooks.py has no method {missing!r}"
    for extra in sorted(defined - listed if hooks else ()):
        yield ("hooks",), f"hooks.py defines {extra!r}, which is not listed"


def defined(doc: Mapping[str, Any]) -> set[str]:
    """The verbs a manifest defines."""
    channels, hooks = doc.get("channels", {}).values(), doc.get("hooks", ())
    verbs = {verb for verb in doc.get("calls", {}) if verb != "check"}
    verbs |= {verb for verb in ("comment", "attach") if any(verb in channel for channel in channels)}
    verbs |= {verb for verb, key in (("person", "people"), ("changed", "changed")) if doc.get(key)}
    verbs |= {verb for verb in ("changed", "file") if verb in hooks} | set(doc.get("python", ()))
    return verbs | ({"webhook"} if doc.get("webhook") or "verify" in hooks else set())


def _verbs(doc: Mapping[str, Any]) -> Iterator[Complaint]:
    has, cannot = defined(doc), doc.get("cannot", {})
    for verb in VERBS:
        if verb not in has and verb not in cannot:
            yield ("cannot",), f"{verb!r} is neither defined nor explained under cannot"
        if verb in has and verb in cannot:
            yield ("cannot", verb), f"{verb!r} is defined, so it cannot stand under cannot"
    for name, channel in doc["channels"].items():
        if "edit" not in channel and "comment" in channel and "edit_comment" not in cannot:
            yield ("channels", name), "no edit: say under cannot.edit_comment what happens instead"


def _names(doc: Mapping[str, Any]) -> Iterator[Complaint]:
    known = {f"settings.{name}" for name in doc.get("settings", {})}
    known |= {f"found.{name}" for call in _checks(doc) for name in call.get("take", {})}
    for choice, spec in doc["auth"].items():
        own = known | {f"settings.{name}" for name in spec.get("settings", {})}
        yield from _unknown(spec, ("auth", choice), own | ({"token"} if "token" in spec else set()))
    for part in ("settings", "base", "hosts", "headers", "times", "text", "record", "reference", "lists", "people"):
        more = {"record": CALL_NAMES, "people": CALL_NAMES, "lists": LIST_NAMES}.get(part, frozenset())
        yield from _unknown(doc.get(part), (part,), known | more)
    for part in ("calls", "channels", "items", "changed"):
        for name, call in doc.get(part, {}).items():
            yield from _unknown(call, (part, name), known | CALL_NAMES | _first(call))
    for part in ("fields", "families"):
        yield from _unknown(doc.get(part), (part,), {"key"})


def _checks(doc: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    check = doc.get("calls", {}).get("check", {})
    yield check
    yield check.get("first", {})


def _first(call: Any) -> set[str]:
    if isinstance(call, list):
        return {name for each in call for name in _first(each)}
    own = call.get("first", {}).get("take", {})
    inner = [each.get("first", {}).get("take", {}) for each in call.values() if isinstance(each, dict)]
    return {f"first.{name}" for take in (own, *inner) for name in take}


def _unknown(node: Any, way: tuple[str | int, ...], known: set[str] | frozenset[str]) -> Iterator[Complaint]:
    if isinstance(node, dict):
        for key, child in node.items():
            if key not in ("pattern", "label", "help"):
                yield from _unknown(key, (*way, key), known)
                yield from _unknown(child, (*way, key), known)
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from _unknown(child, (*way, at), known)
    elif isinstance(node, str):
        for name in _places(node):
            if name.removesuffix(templates.NUMBER) not in known and not name.startswith("secret."):
                yield way, f"{{{name}}} is no name here{schema.nearest(name, known)}"


def _places(text: str) -> tuple[str, ...]:
    """The names in a text, whether it is a template or a path with places."""
    try:
        return templates.parse(text).names
    except templates.BadTemplate:
        return ()


def _secrets(doc: Mapping[str, Any]) -> Iterator[Complaint]:
    yield from _in_url(doc["base"], ("base",))
    yield from _in_url(doc["record"].get("page"), ("record", "page"))
    yield from _urls(doc, ())


def _urls(node: Any, way: tuple[str | int, ...]) -> Iterator[Complaint]:
    if isinstance(node, dict):
        for key, child in node.items():
            if key == "send":
                yield from _in_url(child, (*way, key))
            elif key == "query":
                for text in templates.leaves(child):
                    yield from _in_url(text, (*way, key))
            else:
                yield from _urls(child, (*way, key))
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from _urls(child, (*way, at))


def _in_url(text: Any, way: tuple[str | int, ...]) -> Iterator[Complaint]:
    if isinstance(text, str) and any(name == "token" and way[:1] == ("auth",) for name in _places(text)):
        yield way, "the sign-in token may not stand in a URL"
    if isinstance(text, str) and any(name.startswith("secret.") for name in _places(text)):
        yield way, "a secret may not stand in a URL: it would be logged on the way"


def _fields(doc: Mapping[str, Any]) -> Iterator[Complaint]:
    fields, families, lists = doc["fields"], doc.get("families", {}), doc.get("lists", {})
    for part in ("fields", "families"):
        for name, spec in doc.get(part, {}).items():
            way = (part, name)
            if ("at" in spec) == ("read" in spec or "write" in spec) and "at" in spec:
                yield way, "either at, or read and write"
            if "live" in spec and spec["live"] not in lists:
                yield (*way, "live"), f"{spec['live']!r} is no list{schema.nearest(spec['live'], lists)}"
            tables = [isinstance(each, dict) for each in spec.get("values", {}).values()]
            if tables and any(tables) != ("per" in spec):
                yield (*way, "values"), "one table for each value of the field that per names, or no tables at all"
            for other in [*spec.get("required_when", {}), *([spec["per"]] if "per" in spec else [])]:
                if other not in fields:
                    yield way, f"{other!r} is no field{schema.nearest(other, fields)}"
    status = doc.get("status", "status")
    if status not in fields and ("status" in doc or "python" not in doc):
        yield ("status",), f"the status field {status!r} is not in the catalogue"
    reference = doc.get("reference", "")
    family, colon, _ = reference.partition(":")
    if reference and (family not in families if colon else reference not in fields):
        yield ("reference",), f"{reference!r} is no field"
    if not reference and "find" in defined(doc):
        yield ("calls", "find"), "find needs a reference"
    spec = (families.get(family) if colon else fields.get(reference)) or {}
    if spec.get("write") == "none" or spec.get("max", 40) < 40:
        yield ("reference",), "the reference must be writable and hold 40 characters"


def _channels(doc: Mapping[str, Any]) -> Iterator[Complaint]:
    for name, channel in doc["channels"].items():
        if "staff" not in channel["reaches"]:
            yield ("channels", name, "reaches"), "the desk's own staff reads every channel"
        for field_name in channel.get("side_effects", ()):
            if field_name not in doc["fields"]:
                yield ("channels", name, "side_effects"), f"{field_name!r} is no field"
    private = any(channel["reaches"] == ["staff"] for channel in doc["channels"].values())
    if not private and "internal_comment" not in doc.get("cannot", {}):
        yield ("channels",), "no channel reaches staff alone: say under cannot.internal_comment what happens instead"
    for kind, spec in item_lists(doc):
        named = spec["channel"]["values"].values() if isinstance(spec["channel"], dict) else [spec["channel"]]
        for each in named:
            if each not in doc["channels"]:
                yield ("items", kind, "channel"), f"{each!r} is no channel{schema.nearest(each, doc['channels'])}"


def item_lists(doc: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every list of items with its kind: what a record has may lie in several."""
    for kind, told in doc.get("items", {}).items():
        yield from ((kind, spec) for spec in (told if isinstance(told, list) else [told]))


def _calls(doc: Mapping[str, Any]) -> Iterator[Complaint]:
    for choice, spec in doc["auth"].items():
        if not spec or ("basic" in spec) + ("headers" in spec and "token" not in spec) + ("token" in spec) != 1:
            yield ("auth", choice), "one of basic, headers, token (with headers)"
    for way, call in _each_call(doc, ()):
        if sum(key in call for key in ("body", "form", "multipart", "bytes")) > 1:
            yield way, "one of body, form, multipart, bytes"
    if "record" not in doc["calls"]["fetch"]:
        yield ("calls", "fetch"), "the key 'record' is missing: where the record lies in the reply, \"\" for the whole"
    for kind, spec in item_lists(doc):
        if ("call" in spec) == ("send" in spec):
            yield ("items", kind), "either call: fetch or a send of its own"
    for name, feed in doc.get("changed", {}).items():
        needs = {"time": "at", "id": "at", "scan": "window", "opaque": "format"}[feed["cursor"]["kind"]]
        if needs not in feed["cursor"]:
            yield ("changed", name, "cursor"), f"the key {needs!r} is missing"
        if feed["cursor"]["kind"] == "opaque" and "at" not in feed.get("page", {}):
            yield ("changed", name, "page"), "an opaque cursor needs a page with at: where the next token or URL is"
        if feed["gives"] == "worklogs" and "id" not in feed.get("item", {}):
            yield ("changed", name), "worklogs need an item with an id"


def _each_call(node: Any, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    if isinstance(node, dict):
        if "send" in node:
            yield way, node
        for key, child in node.items():
            yield from _each_call(child, (*way, key))
