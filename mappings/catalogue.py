"""The two lists a mapping lies between, read from plain documents: the remote's catalogue and our vocabulary.

The catalogue is made by a connector (MAPPINGS.md, "What the catalogue gives"); the vocabulary by ``gateway.tickets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Doc = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Remote:
    """One catalogue field. ``values``: context -> id -> label (context None unless ``per``), None where the remote does
    not list them. ``resolution`` in seconds; ``max`` in characters."""

    name: str
    type: str
    of: str = "text"
    max: int | None = None
    format: str = "plain"
    accepts: str = ""
    values: Mapping[str | None, Mapping[str, str]] | None = None
    flags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    per: str | None = None
    read: bool = True
    write: str = "always"
    read_only: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    derived: bool = False
    dated: bool = False
    empty: frozenset[str] = frozenset()
    resolution: int = 1
    gives: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    source: str = "manifest"

    def ids(self) -> dict[str, str]:
        """Every id of every context with its label; empty where the remote lists none."""
        return {id: label for table in (self.values or {}).values() for id, label in table.items()}


@dataclass(frozen=True, slots=True)
class Channel:
    """A way a comment travels. ``reaches``: ``provider`` and/or ``requester``."""

    name: str
    reaches: frozenset[str]
    internal: bool = False
    files: bool = False
    format: str = "plain"
    max: int | None = None
    side_effects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """Which status follows which; ``edges`` None: any goes to any. ``known`` is False where the catalogue has none."""

    start: str | None = None
    hops: int = 3
    edges: Mapping[str, tuple[str, ...]] | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the remote has. ``shown_with`` tells where files hang: ``channel`` or ``record``."""

    connector: str
    fields: Mapping[str, Remote]
    families: Mapping[str, Doc]
    status: str
    workflow: Workflow
    channels: Mapping[str, Channel]
    searchable: frozenset[str]
    attachment_max: int | None
    shown_with: str
    attachment_reaches: frozenset[str]

    def field(self, name: str) -> Remote | None:
        """The field of that name, or one of an open family (``cf:Anything``)."""
        if name in self.fields:
            return self.fields[name]
        family, colon, key = name.partition(":")
        return _remote(name, self.families[family]) if colon and key and family in self.families else None


@dataclass(frozen=True, slots=True)
class Canonical:
    """One field of ours. ``values`` None unless it is a choice."""

    name: str
    type: str
    of: str = "text"
    max: int | None = None
    values: tuple[str, ...] | None = None
    owner: str = "ours"
    required: bool = False
    derived: tuple[str, ...] = ()


def catalogue(doc: Doc) -> Catalogue:
    """Read a catalogue document; ``families`` (name -> field entry) may stand beside the fields."""
    attachments = doc.get("attachments") or {}
    families = doc.get("families") or {}
    return Catalogue(
        connector=str(doc.get("connector", "")),
        fields={str(name): _remote(str(name), entry or {}) for name, entry in (doc.get("fields") or {}).items()},
        families=families if isinstance(families, Mapping) else {name: {} for name in families},
        status=str(doc.get("status", "status")),
        workflow=_workflow(doc.get("workflow")),
        channels={str(name): _channel(str(name), entry or {}) for name, entry in (doc.get("channels") or {}).items()},
        searchable=_words(doc.get("reference_searchable")),
        attachment_max=_number(attachments.get("max")),
        shown_with=str(attachments.get("shown_with", "channel")),
        attachment_reaches=_reach(attachments.get("reaches")),
    )


def vocabulary(doc: Doc) -> dict[str, Canonical]:
    """Read a vocabulary document: canonical name -> field, in its order."""
    return {
        name: Canonical(
            name=name,
            type=entry["type"],
            of=entry.get("of", "text"),
            max=_number(entry.get("max")),
            values=tuple(entry["values"]) if entry.get("values") is not None else None,
            owner=entry.get("owner", "ours"),
            required=bool(entry.get("required")),
            derived=tuple(entry.get("derived") or ()),
        )
        for name, entry in doc.items()
    }


def _remote(name: str, entry: Doc) -> Remote:
    per = entry.get("per")
    raw = entry.get("values")
    tables: Mapping[str | None, Doc] | None = None
    if raw is not None:
        tables = {str(context): table for context, table in raw.items()} if per else {None: raw}
    return Remote(
        name=name,
        type=_type(str(entry.get("type", "text")), raw is not None),
        of=str(entry.get("of", "text")),
        max=_number(entry.get("max")),
        format=str(entry.get("format") or "plain"),
        accepts=str(entry.get("accepts") or ""),
        values=None if tables is None else {c: {str(i): _label(v, i) for i, v in t.items()} for c, t in tables.items()},
        flags={str(i): _words(v.get("is")) for t in (tables or {}).values() for i, v in t.items() if _is_table(v)},
        per=per,
        read=entry.get("read", True) is not False,
        write=str(entry.get("write", "always")),
        read_only=_words(entry.get("read_only")),
        required=_words(entry.get("required")),
        derived=bool(entry.get("derived")),
        dated=bool(entry.get("dated")),
        empty=_words(entry.get("empty")),
        resolution=_seconds(entry.get("resolution")),
        gives=tuple(entry.get("gives") or ()),
        optional=_words(entry.get("optional")),
        source=str(entry.get("source", "manifest")),
    )


def _channel(name: str, entry: Doc) -> Channel:
    reaches = _reach(entry.get("reaches"))
    return Channel(
        name=name,
        reaches=reaches,
        internal=bool(entry.get("internal", reaches == {"provider"})),
        files=bool(entry.get("files")),
        format=str(entry.get("format") or "plain"),
        max=_number(entry.get("max")),
        side_effects=tuple(entry.get("side_effects") or ()),
    )


def _workflow(entry: Doc | None) -> Workflow:
    if not entry:
        return Workflow()
    edges = entry.get("edges", "any")
    if not isinstance(edges, Mapping):
        return Workflow(_text(entry.get("start")), 1, None, known=True)
    table = {str(here): tuple(str(there) for there in list_) for here, list_ in edges.items()}
    return Workflow(_text(entry.get("start")), int(entry.get("hops", 3)), table, known=True)


_TYPES = {"person": "user", "boolean": "bool", "rich": "text", "integer": "number"}


def _type(word: str, listed: bool) -> str:
    """A manifest's own words for a type are taken for ours (MAPPINGS.md, "With CONNECTORS.md")."""
    if word == "ref":
        return "choice" if listed else "text"
    return _TYPES.get(word, word)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _label(value: Any, id: Any) -> str:
    return str(value.get("label", id)) if isinstance(value, Mapping) else str(id if value is None else value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _words(value: Any) -> frozenset[str]:
    if value is None or value is False:
        return frozenset()
    if value is True:
        return frozenset({"create"})
    return frozenset({value}) if isinstance(value, str) else frozenset(str(word) for word in value)


def _reach(value: Any) -> frozenset[str]:
    """A manifest's ``staff`` is the provider's own people, ``provider`` here."""
    return frozenset("provider" if word == "staff" else word for word in _words(value))


_UNITS = {"ms": 0, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(value: Any) -> int:
    if value is None:
        return 1
    told = str(value)
    digits = told.rstrip("msdh")
    return max(1, int(digits) * _UNITS[told[len(digits) :] or "s"])
