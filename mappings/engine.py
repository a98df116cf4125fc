"""A mapping at work: compiled once per version into closures over plain dicts, then pure and quick on every record.

The pipeline calls ``observe`` and ``read`` on what came in, ``write`` on what goes out, ``channel_out`` and
``audience_in`` for comments. Nothing here reads a clock, a file or a network.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from mappings import catalogue as lists
from mappings.build import Built, CannotBuild, build
from mappings.loader import Node, load
from mappings.meaning import Mean
from mappings.model import Attachments, Audience, Complaint, MappingError, Outward, Reading, Rule, Value, Wire
from mappings.paths import Find
from mappings.putting import Job, Put
from mappings.quick import Give, Take
from mappings.resolve import resolve
from mappings.rules import Field, Resolved
from mappings.schema import audience, complete, expand, merge, shape
from mappings.seeing import Record, See

__all__ = ["Attachments", "Mapping", "MappingError", "Outward", "Reading", "Rule", "Wire", "compile_mapping"]

PROVIDER: Audience = frozenset({"provider"})
_ABSENT: Any = object()


@dataclass(frozen=True)
class Mapping:
    """One compiled document. ``hash``: the SHA-256 (hex) of its effective canonical JSON, which ``document`` is.

    ``reference`` is the catalogue field our reference is written to, ``people`` the catalogue fields that hold people,
    ``reads`` every catalogue field a record must keep for this mapping, ``unsupported`` canonical field -> sentence.
    """

    name: str
    hash: str
    document: Table[str, Any]
    reference: str
    fields: Table[str, Rule]
    unsupported: Table[str, str]
    people: frozenset[str]
    reads: frozenset[str]
    attachments: Attachments
    worklogs: str
    _seen: tuple[tuple[str, str, See], ...] = field(repr=False)
    _inward: tuple[tuple[str, str, Table[str, str] | None, Take], ...] = field(repr=False)
    _means: Table[str, Mean] = field(repr=False)
    _puts: tuple[tuple[str, tuple[str, ...], Put, str, Give | None, Find | None], ...] = field(repr=False)
    _sees: Table[str, tuple[tuple[str, See], ...]] = field(repr=False)
    _twice: bool = field(repr=False)
    _defaults: _Defaults = field(repr=False)
    _description: tuple[str, int | None] | None = field(repr=False)
    _channels: Table[Audience, str | None] = field(repr=False)
    _audiences: Table[str, Audience | None] = field(repr=False)

    def observe(self, record: Record) -> dict[str, Wire]:
        """Theirs in normal form, per canonical field whose (first) remote field is present in the record."""
        return {name: see(record) for name, first, see in self._seen if first in record}

    def read(self, field: str, wire: Wire, record: Record) -> Reading:
        """What one observed wire means to us; ``record`` gives the context (``per``) and a person's attributes."""
        mean = self._means.get(field)
        if mean is None:
            return Reading("note")
        found = mean(wire, record)
        return found if type(found) is Reading else Reading("value", found)

    def inward(self, record: Record) -> tuple[dict[str, Value], list[tuple[str, str]], list[tuple[str, str]]]:
        """``observe`` and ``read`` of every inward field: values, held (field, reason), notes (field, said)."""
        values: dict[str, Value] = {}
        held: list[tuple[str, str]] = []
        notes: list[tuple[str, str]] = []
        for name, first, known, take in self._inward:
            if first not in record:
                continue
            found = None
            if known is not None:
                value = record[first]
                found = known.get(value) if type(value) is str else None
            if found is None:
                found = take(record)
            if type(found) is not Reading:
                values[name] = found
                continue
            if found.kind == "value":
                values[name] = found.value
            if found.kind == "held":
                held.append((name, found.said))
            elif found.said:
                notes.append((name, found.said))
        return values, held, notes

    def write(
        self,
        changes: Table[str, Value],
        on: Record,
        create: bool,
        ticket: Table[str, Value] | None = None,
        but: Collection[str] = (),
    ) -> Outward:
        """What to write for the owed ``changes``, with the record as last seen in ``on``; ``ticket`` gives all our
        values to expressions (default: the changes alone), of which those for ``but`` are not made. Fields go in file
        order, then defaults."""
        out = Outward()
        fields, wires = out.fields, out.wires
        job: Job | None = None
        for name, uses, put, remote, give, find in self._puts:
            if name in changes:
                value = changes[name]
                if give is not None and (wire := give(value)) is not None:
                    if find is None or create:
                        fields[remote] = wires[name] = wire
                        continue
                    way = find(on.get(remote), wire, value)
                    if way is not None:
                        out.path.extend(way)
                        fields[remote] = wires[name] = wire
                        continue
            elif uses and name not in but and not changes.keys().isdisjoint(uses):
                value = None
            else:
                continue
            if job is None:
                job = Job(out, on, create, changes if ticket is None else ticket)
            put(value, job)
        if job is not None and job.told:
            self._tell(job)
        if self._defaults.rows:
            self._defaults.fill(job or Job(out, on, create, changes if ticket is None else ticket))
        if len(wires) < len(fields) or self._twice or len(out.path) > 1:
            self._look(out, on)
        return out

    def _look(self, out: Outward, on: Record) -> None:
        """The normal forms of what was written by the long way, and of the statuses passed."""
        merged = {**on, **out.fields}
        for remote in out.fields:
            for name, see in self._sees.get(remote, ()):
                if name not in out.wires:
                    out.wires[name] = see(merged)
        if len(out.path) > 1:
            self._pass(out, merged)

    def channel_out(self, audience: Audience) -> str | None:
        """The channel for exactly this audience; None: not sent. Never one that reaches anyone outside it."""
        return self._channels.get(audience)

    def audience_in(self, channel: str) -> Audience | None:
        """Who may read what comes in on a channel; None: ignored. An unknown channel reads as the provider alone."""
        return self._audiences.get(channel, PROVIDER)

    def _pass(self, out: Outward, merged: dict[str, Any]) -> None:
        name, needs = self._defaults.status, self._defaults.needs
        for status in out.path[:-1]:
            needed = {field: value for field, value in out.fields.items() if status in needs.get(field, ())}
            out.hops.append({**needed, name: status})
            out.passing.extend(see({**merged, name: status}) for _, see in self._sees.get(name, ())[:1])

    def _tell(self, job: Job) -> None:
        """People unknown there are named in the text of the create, or in a comment where that has no room."""
        told = "\n".join(job.told)
        name, limit = self._description or ("", 0)
        text = job.out.fields.get(name)
        whole = f"{text}\n\n{told}" if text else told
        if name and (limit is None or len(whole) <= limit):
            job.out.fields[name] = whole
            job.out.wires.pop("description", None)
        else:
            job.out.comments.append(told)


@dataclass(frozen=True)
class _Defaults:
    """Their values where the ticket leaves theirs empty: an unmapped field at create, any field the create or a status
    of this write requires. ``needs``: catalogue field -> the statuses that require it."""

    rows: tuple[tuple[lists.Remote, Any, bool], ...]
    status: str
    needs: Table[str, frozenset[str]]

    def fill(self, job: Job) -> None:
        out, on = job.out, job.on
        entered = set(out.path)
        written = out.fields.get(self.status)
        if written is not None:
            entered.add(str(written))
        now = entered or {str(on.get(self.status))}
        for remote, value, mapped in self.rows:
            if out.fields.get(remote.name) not in (None, "", []) or remote.write == "never":
                continue
            if not job.create and (remote.write == "create" or not out.fields):
                continue
            if self._needed(remote, mapped, job, now, bool(entered)):
                out.fields[remote.name] = value

    def _needed(self, remote: lists.Remote, mapped: bool, job: Job, now: set[str], entering: bool) -> bool:
        if job.create and (not mapped or "create" in remote.required):
            return True
        if remote.required.isdisjoint(now):
            return False
        cleared = remote.name in job.out.fields
        return cleared or (entering and job.on.get(remote.name) in (None, "", []))


def compile_mapping(
    text: str,
    catalogue: Table[str, Any],
    vocabulary: Table[str, Any],
    parent_text: str | None = None,
    name: str = "mapping",
) -> Mapping:
    """Compile a mapping against the remote's catalogue and our vocabulary; raises ``MappingError``.

    ``parent_text`` is the text ``extends`` names; ``name`` is the file name complaints carry.
    """
    root = effective(text, parent_text, name)
    remote, ours = lists.catalogue(catalogue), lists.vocabulary(vocabulary)
    found, told = resolve(root, remote, ours)
    if told:
        raise MappingError(told)
    return assembled(found, built_rules(found, remote, ours), remote)


def built_rules(found: Resolved, remote: lists.Catalogue, ours: Table[str, lists.Canonical]) -> list[Built]:
    """The closures of every rule; raises ``MappingError`` (M020, M022, M025, M100, M101)."""
    built: list[Built] = []
    told: list[Complaint] = []
    for rule in found.fields.values():
        try:
            built.append(build(rule, remote, ours, found.defaults))
        except CannotBuild as error:
            told.append(error.complaint)
    if told:
        raise MappingError(told)
    return built


def effective(text: str, parent_text: str | None, name: str) -> Node:
    """The effective document of one text (and its parent) as a tree; raises ``MappingError`` (M001 to M005)."""
    return documents(text, parent_text, name)[0]


def documents(text: str, parent_text: str | None, name: str) -> tuple[Node, Node, Node | None]:
    """The effective document, the text's own tree and its parent's; raises ``MappingError`` (M001 to M005)."""
    child = _shaped(text, name)
    extends = child.get("extends")
    if extends is None:
        return _completed(expand(child)), child, None
    if parent_text is None:
        raise MappingError([extends.complain("M005", f"`extends: {extends.text}` names nothing published")])
    parent = _shaped(parent_text, f"{extends.text}")
    if parent.get("extends") is not None:
        raise MappingError([extends.complain("M005", f"{extends.text} extends something itself")])
    return _completed(merge(expand(parent), expand(child))), child, parent


def _shaped(text: str, name: str) -> Node:
    root = load(text, name)
    told = shape(root)
    if told:
        raise MappingError(told)
    return root


def _completed(root: Node) -> Node:
    told: list[Complaint] = complete(root)
    if told:
        raise MappingError(told)
    return root


def assembled(found: Resolved, built: list[Built], remote: lists.Catalogue) -> Mapping:
    """The mapping that these rules make."""
    document = found.document()
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    sees: dict[str, list[tuple[str, See]]] = {}
    for one in built:
        for name in one.rule.remote:
            sees.setdefault(name, []).append((one.name, one.see))
    return Mapping(
        name=found.name,
        hash=sha256(canonical.encode()).hexdigest(),
        document=document,
        reference=found.reference,
        fields={one.name: one.rule for one in built},
        unsupported=found.unsupported,
        people=frozenset(rule.remotes[0].name for rule in found.fields.values() if rule.remotes[0].type == "user"),
        reads=frozenset(_read_by(found)),
        attachments=_attachments(found),
        worklogs=found.worklogs,
        _seen=tuple((one.name, one.first, one.see) for one in built),
        _inward=tuple((one.name, one.first, one.known, one.take) for one in built if one.take is not None),
        _means={one.name: one.mean for one in built if one.mean is not None},
        _puts=tuple(
            (one.name, one.rule.uses, one.put, one.first, one.give if len(sees[one.first]) == 1 else None, one.find)
            for one in built
            if one.put is not None
        ),
        _sees={name: tuple(rows) for name, rows in sees.items()},
        _twice=any(len(rows) > 1 for rows in sees.values()),
        _defaults=_Defaults(_default_rows(found, remote), remote.status, _needs(remote)),
        _description=_description(found.fields.get("description")),
        _channels={a: c for a, c in found.outward.items() if c is None or found.reaches.get(c, frozenset()) <= a},
        _audiences=found.inward,
    )


def _read_by(found: Resolved) -> list[str]:
    """Every catalogue field the rules look at, contexts and defaults among them."""
    names = [remote.name for rule in found.fields.values() for remote in rule.remotes]
    return [*names, *(rule.per.name for rule in found.fields.values() if rule.per is not None), *found.defaults]


def _default_rows(found: Resolved, remote: lists.Catalogue) -> tuple[tuple[lists.Remote, Any, bool], ...]:
    mapped = {field.name for rule in found.fields.values() if rule.outward for field in rule.remotes}
    rows = ((remote.field(name), value) for name, value in found.defaults.items())
    return tuple((entry, value, entry.name in mapped) for entry, value in rows if entry is not None)


def _needs(remote: lists.Catalogue) -> dict[str, frozenset[str]]:
    return {name: entry.required for name, entry in remote.fields.items() if entry.required}


def _description(rule: Field | None) -> tuple[str, int | None] | None:
    if rule is None or not rule.outward or rule.remotes[0].type != "text":
        return None
    return rule.remotes[0].name, rule.remotes[0].max


def _attachments(found: Resolved) -> Attachments:
    told = found.attachments
    if told["direction"] == "none":
        return Attachments()
    reaches = audience(told["reaches"]) if told["reaches"] else None
    return Attachments(told["direction"], told["max"], tuple(told["types"]), reaches)
