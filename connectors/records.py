"""Remote documents as records, fields as writes: the manifest's ``record``, ``fields`` and ``families``, compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connectors import paths
from connectors.base import Record, Value
from connectors.errors import Refused
from connectors.manifest import Manifest
from connectors.paths import ABSENT, Reply, Where, plain, source
from connectors.templates import Missing, Names, parse
from connectors.values import Field, Times

Write = tuple[paths.Path, Any, Names]


class Records:
    """``settings`` are the names ``settings.*``; ``lists`` what ``lists(ctx)`` read, if it was read; ``declared`` what
    an admin says of the desk: values it lists for a field are those that field takes."""

    def __init__(
        self,
        manifest: Manifest,
        settings: Names,
        lists: Mapping[str, Any] | None = None,
        declared: Mapping[str, Any] | None = None,
    ) -> None:
        self._spec: Mapping[str, Any] = manifest.part("record")
        self.times = _times(manifest.part("times"), settings)
        self.reference = parse(manifest.part("reference") or "").text(settings)
        self.status = str(manifest.part("status") or "status")
        self._rich = parse(manifest.part("text")["format"]).text(settings)
        self.fields = {
            name: _field(name, spec, self.times, lists or {}, self._rich)
            for name, spec in manifest.part("fields").items()
        }
        for name, entry in (declared or {}).get("fields", {}).items():
            if name in self.fields and entry.get("values"):
                self.fields[name] = replace(self.fields[name], values=_flat(entry["values"]))
        self._families: dict[str, Mapping[str, Any]] = dict(manifest.part("families"))
        self._listed = {name: [row["id"] for row in rows] for name, rows in (lists or {}).items()}
        self._made: dict[str, Field] = {}

    def field(self, name: str) -> Field:
        """The field of that catalogue name, one of a family included. Raises ``Refused``."""
        if name in self.fields:
            return self.fields[name]
        if name not in self._made:
            family, colon, key = name.partition(":")
            if not colon or not key or family not in self._families:
                raise Refused(f"there is no field {name!r}", field=name)
            self._made[name] = _member(name, self._families[family], key, self.times, self._rich)
        return self._made[name]

    def decode(self, doc: Any, names: Names, headers: Mapping[str, str] | None = None) -> Record:
        """One remote document as a record without its items. Raises ValueError where it has no id."""
        reply = Reply(doc, headers)
        id = plain(source(self._spec["id"], reply))
        if id is None:
            raise ValueError("the document has no id")
        return Record(
            id=id,
            number=self._text("number", reply),
            page=self._page(names, id),
            version=self.version(reply),
            created=self._moment("created", reply),
            author=self._text("author", reply),
            fields=self.values(doc),
            raw=doc,
            state=self._state(reply, names, id),
            into=self._into(reply, id),
        )

    def id_of(self, doc: Any) -> str | None:
        return plain(source(self._spec["id"], Reply(doc)))

    def version(self, reply: Reply) -> str | None:
        spec = self._spec.get("version")
        return plain(source(spec["at"], reply)) if spec else None

    def values(self, doc: Any) -> dict[str, Value]:
        """The flat fields of a document. What it does not have is null: a whole document is meant."""
        flat = {name: each.decode(each.read.read(doc)) for name, each in self.fields.items() if each.read}
        for family, spec in self._families.items():
            for key in self._keys(spec, doc):
                member = self.field(f"{family}:{key}")
                if member.read:
                    flat[member.name] = member.decode(member.read.read(doc, {"key": member.key}))
        return flat

    def encode(self, fields: Mapping[str, Value], on: Literal["create", "update"]) -> tuple[list[Write], list[str]]:
        """(writes, names that this verb cannot carry and a later update must). Raises ``Refused``."""
        writes: list[Write] = []
        later: list[str] = []
        for name, value in fields.items():
            each = self.field(name)
            if each.only_on == "update" and on == "create":
                later.append(name)
                continue
            if each.only_on == "create" and on == "update":
                raise Refused(f"{name} can be set at creation only", field=name)
            wire = each.encode(value)
            if each.transition:
                if on == "create":
                    later.append(name)
                continue
            if each.write:
                writes.append((each.write, wire, {"key": each.key}))
        self._required(fields, on)
        return writes, later

    def owing(self, fields: Mapping[str, Value]) -> str | None:
        """A field that one of these values requires and that is not among them: what a refusal may be about."""
        return next((each.name for each in self._triggered(fields) if each.name not in fields), None)

    def _required(self, fields: Mapping[str, Value], on: str) -> None:
        for each in self.fields.values():
            if on == "create" and each.required and not _given(fields.get(each.name)):
                raise Refused(f"{each.name} is required at creation", field=each.name)
        for each in self._triggered(fields):
            if (on == "create" or each.name in fields) and not _given(fields.get(each.name)):
                raise Refused(f"{each.name} is required with these values", field=each.name)

    def _triggered(self, fields: Mapping[str, Value]) -> Iterator[Field]:
        for each in self.fields.values():
            met = [plain(fields.get(other)) in values for other, values in each.required_when.items()]
            if met and all(met):
                yield each

    def _keys(self, spec: Mapping[str, Any], doc: Any) -> Iterator[str]:
        """The members of a family that a document shows."""
        where = spec.get("read", spec.get("at", "{key}"))
        steps = paths.parse(where).steps if where != "none" else ()
        for at, step in enumerate(steps):
            if isinstance(step, Where) and step.value == "{key}":
                found = paths.Path(steps[:at]).read(doc)
                rows = found if isinstance(found, list) else []
                yield from (str(row[step.key]) for row in rows if isinstance(row, Mapping) and step.key in row)
            elif isinstance(step, paths.Key) and step.name == "{key}":
                found = paths.Path(steps[:at]).read(doc)
                yield from self._columns(spec, found, at == 0) if isinstance(found, Mapping) else ()

    def _columns(self, spec: Mapping[str, Any], found: Mapping[str, Any], top: bool) -> Iterator[str]:
        """The listed ones of a document's columns, or, where nothing was listed, those that no field reads."""
        listed = self._listed.get(spec.get("live", ""))
        if listed is not None:
            yield from (key for key in listed if key in found)
        else:
            yield from (key for key in found if not top or key not in self._taken)

    @cached_property
    def _taken(self) -> frozenset[str]:
        """The names at a document's top that fields of their own read."""
        firsts = (each.read.steps[0] for each in self.fields.values() if each.read and each.read.steps)
        return frozenset(step.name for step in firsts if isinstance(step, paths.Key))

    def _text(self, key: str, reply: Reply) -> str | None:
        return plain(source(self._spec[key], reply)) if key in self._spec else None

    def _moment(self, key: str, reply: Reply) -> datetime | None:
        try:
            return self.times.read(source(self._spec[key], reply)) if key in self._spec else None
        except ValueError:
            return None

    def _page(self, names: Names, id: str) -> str | None:
        try:
            return parse(self._spec["page"]).text({**names, "id": id}) if "page" in self._spec else None
        except Missing:
            return None

    def _into(self, reply: Reply, id: str) -> str | None:
        into = self._text("merged_into", reply)
        return None if into in (id, "0", "") else into

    def _state(self, reply: Reply, names: Names, id: str) -> Literal["live", "gone", "merged", "left"]:
        if (when := self._spec.get("gone_when")) and paths.matches(when, reply):
            return "gone"
        when = self._spec.get("merged_when")
        if paths.matches(when, reply) if when else self._into(reply, id) is not None:
            return "merged"
        return (
            "live" if all(self._inside(each, reply, names) for each in self._spec.get("scope", {}).items()) else "left"
        )

    def _inside(self, scope: tuple[str, Any], reply: Reply, names: Names) -> bool:
        """Whether one line of the scope holds; what is not shown or not known yet proves nothing."""
        where, wanted = scope
        found = source(where, reply)
        try:
            values = [parse(each).value(names) if isinstance(each, str) else each for each in _listed(wanted)]
        except Missing:
            return True
        return found is ABSENT or plain(found) in {plain(each) for each in values}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _flat(values: Any) -> Any:
    """The values of all tables together, where they differ by another field: which of them fits, the desk knows."""
    tables = [each for each in (values or {}).values() if isinstance(each, Mapping) and "label" not in each]
    return {id: label for table in tables for id, label in table.items()} if tables else values


def _given(value: Value) -> bool:
    return value is not None and value not in ("", [])


def _times(spec: Mapping[str, Any], settings: Names) -> Times:
    zone = ZoneInfo(parse(spec.get("zone", "UTC")).text(settings))
    return Times(spec.get("format", "iso"), zone, tuple(spec.get("unset", ())))


def _field(name: str, spec: Mapping[str, Any], times: Times, lists: Mapping[str, Any], rich: str) -> Field:
    at = spec.get("at", name)
    read, write = spec.get("read", at), spec.get("write", at)
    listed = _flat(spec.get("values"))
    if "live" in spec:  # the manifest's values are an example then: only what the desk told binds
        told = lists.get(spec["live"])
        listed = {row["id"]: row["label"] for row in told} if told else None
    return Field(
        name=name,
        type=spec.get("type", "text"),
        read=None if read == "none" else paths.parse(read),
        write=None if write in ("none", "transition") else paths.parse(write),
        transition=write == "transition",
        wire=spec.get("wire", ""),
        format=spec.get("format", {"rich": rich}.get(spec.get("type", ""))),
        max=spec.get("max"),
        required=spec.get("required", False),
        only_on=spec.get("only_on"),
        values=listed,
        empty=tuple(spec.get("empty", ())),
        required_when={k: tuple(map(str, _listed(v))) for k, v in spec.get("required_when", {}).items()},
        read_only=frozenset(map(str, spec.get("read_only", ()))),
        times=times,
    )


def _member(name: str, spec: Mapping[str, Any], key: str, times: Times, rich: str) -> Field:
    """One field of a family."""
    if spec.get("key") == "integer" and not key.isdigit():
        raise Refused(f"{name!r}: the key of this family is a number", field=name)
    made = _field(name, {"at": "{key}", **{k: v for k, v in spec.items() if k not in ("key", "live")}}, times, {}, rich)
    return replace(made, key=int(key) if spec.get("key") == "integer" else key)
