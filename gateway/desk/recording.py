"""A real ticket's traffic as examples of a mapping: what came in, what was written, who was let read what.

Read from the stored facts with the arrivals they name, from deliveries, comments and files; no desk is asked. Every
example is tried with the real values first and then with the masked ones: it is kept where both mean the same, and
what had to be left out is said. The file is a mapping of its own that extends the version the link is pinned to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from sqlalchemy import select

from gateway.clock import iso
from gateway.decide.facts import Leg, Link, Observed, Settled, Ticket
from gateway.decide.merge import ours, token
from gateway.desk.masking import Mask
from gateway.errors import NotFound
from gateway.gather import state
from gateway.preview.stored import Batch, batches
from gateway.providers import versions
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.tickets.vocabulary import document as vocabulary
from mappings import catalogue as lists
from mappings.engine import Mapping as Compiled
from mappings.loader import load, plain

MOST = 60
"""Examples of one file; of a long story the newest are kept."""

LONGEST = 180_000
"""Characters of examples: a mapping may have 256 kB in all."""

SHOWN = 2_000
"""Bytes of a text file whose masked content is shown."""

_PLAIN = frozenset({"choice", "number", "bool", "date", "datetime"})
_LINK, _COMMENT, _FILE = tables.link.c, tables.comment.c, tables.attachment.c


@dataclass
class Recording:
    """``text``: the mapping with its examples; ``left_out``: sentences about what is not in it."""

    text: str
    examples: int
    left_out: list[str] = field(default_factory=list)


@dataclass
class _Case:
    """One example in the making. ``kind``: in, out or create; ``value``: the record or our changes."""

    kind: str
    at: int
    value: dict[str, Any]
    on: dict[str, Any] = field(default_factory=dict)
    sent: Mapping[str, list[Any]] = field(default_factory=dict)


def record(rt: Runtime, ticket_id: int, connection: str = "") -> Recording:
    """The traffic of one ticket's newest link (at ``connection``). Raises NotFound where there is no link, or nothing
    of it is kept any more."""
    link, leg, number = _link(rt, ticket_id, connection)
    mapping: Any = leg.mapping
    mask = Mask(rt.config.key(f"mask:{ticket_id}"))
    hide = _Hide(mapping, rt.desks.desk(leg.connection_id).connector.catalogue(*_live(rt, leg)).doc, mask)
    cases = list(_cases(rt, ticket_id, link.id, link.remote_id, leg))
    if not cases and link.seen != "{}":
        cases = [_Case("in", link.created_at, json.loads(link.seen))]
    left: list[str] = []
    examples = _examples(mapping, hide, cases, left)
    spoken, heads = _spoken(rt, ticket_id, link.id, leg, mask)
    examples += spoken
    if not examples:
        raise NotFound("nothing of this ticket's traffic is kept", "ticket", f"T-{number}")
    with rt.store.read() as conn:
        version = versions.by_id(conn, leg.mapping_id)
    text = _file(version, f"t-{number}", leg.name, heads, examples)
    return Recording(text, len(examples), left)


def _link(rt: Runtime, ticket_id: int, connection: str) -> tuple[Any, Leg, int]:
    c = tables.connection.c
    query = select(tables.link, c.name, tables.ticket.c.number).join(tables.connection).join(tables.ticket)
    query = query.where(_LINK.ticket_id == ticket_id).order_by(_LINK.id.desc())
    with rt.store.read() as conn:
        rows = [row for row in conn.execute(query) if connection in ("", row.name)]
    if not rows:
        raise NotFound("the ticket has no record there", "connection", connection or None)
    return rows[0], rt.desks.of(rows[0].connection_id, rows[0].mapping_id), rows[0].number


def _live(rt: Runtime, leg: Leg) -> tuple[Any, Any]:
    row = rt.desks.row(leg.connection_id)
    return row.found.get("lists"), row.declared


# --- what is kept of it ---


def _cases(rt: Runtime, ticket: int, link: int, remote: str | None, leg: Leg) -> Iterator[_Case]:
    """Everything that came in and went out, oldest first."""
    every = batches(rt.store, rt.desks, 0, leg.connection_id, ticket)
    found = [batch for batch in every if isinstance(batch, Batch)]
    for batch in reversed(found):
        yield from _of_batch(rt, batch, ticket, link, remote, leg)


def _of_batch(rt: Runtime, batch: Batch, ticket: int, link: int, remote: str | None, leg: Leg) -> Iterator[_Case]:
    stood = state(batch.rows)
    for work in batch.works:
        if work is None or not (work.link == link or (work.connection, work.remote) == (leg.connection_id, remote)):
            continue
        seen = work.what if isinstance(work.what, Observed) else None
        if isinstance(work.what, Settled):
            seen = work.what.seen
            if work.what.outcome == "ok" and work.what.sent:
                at, known = stood.links.get(link), stood.tickets.get(ticket)
                if at is not None and known is not None:
                    yield _written(rt, work.what, at, known, leg, batch.as_of)
        if seen is not None and seen.state == "live" and seen.fields:
            yield _Case("in", batch.as_of, dict(seen.fields))


def _written(rt: Runtime, what: Settled, link: Link, ticket: Ticket, leg: Leg, at: int) -> _Case:
    """Our changes as they were sent: the values of which the attempt tells, the ticket's own or the delivery's."""
    told: dict[str, Any] = {}
    with rt.store.road() as road:
        sql = "select body from delivery where id INTS(?) order by id"
        for (body,) in road.rows(sql, list(what.deliveries)) if what.deliveries else []:
            told |= json.loads(body).get("values") or {}
    changes: dict[str, Any] = {}
    for name, (said, wire, *_) in what.sent.items():
        rule = leg.mapping.fields.get(name)
        if rule is None or rule.direction == "in" or rule.uses:
            continue
        values = ticket.fields if ours(ticket.fields, name) == said else told
        if ours(values, name) != said or (said is None and wire is not None):
            continue  # no longer known, or a default's doing
        value = values.get(name)
        changes[name] = leg.share.narrow(name, value) if value is not None and leg.share is not None else value
    create = what.step in ("create", "look_up")
    return _Case("create" if create else "out", at, changes, {} if create else dict(link.seen), what.sent)


# --- examples ---


class _Hide:
    """Which values of a record and of ours are personal, and which the mapping's tables need as they are."""

    def __init__(self, mapping: Compiled, catalogue: Mapping[str, Any], mask: Mask) -> None:
        self._theirs, self._mask = lists.catalogue(catalogue), mask
        self._ours = lists.vocabulary(vocabulary())
        self._reads = mapping.reads
        self._kept: dict[str, frozenset[str]] = {}
        for name, rule in mapping.document["fields"].items():
            words = frozenset(_words([rule.get("values"), rule.get("write")]))
            for each in (name, *mapping.fields[name].remote):
                self._kept[each] = self._kept.get(each, frozenset()) | words

    def record(self, record: Mapping[str, Any], real: bool) -> dict[str, Any]:
        """A record of theirs, the fields the mapping reads alone."""
        found = {name: _plain_value(value) for name, value in record.items() if name in self._reads}
        return found if real else {name: self._there(name, value) for name, value in found.items()}

    def changes(self, changes: Mapping[str, Any], real: bool) -> dict[str, Any]:
        found = {name: _plain_value(value) for name, value in changes.items()}
        return found if real else {name: self._here(name, value) for name, value in found.items()}

    def _there(self, name: str, value: Any) -> Any:
        remote = self._theirs.field(name)
        kind = remote.type if remote is not None else "text"
        if kind == "text" and remote is not None and remote.format == "adf":
            return self._mask.tree(value)
        return self._value(
            kind, value, self._kept.get(name, frozenset()), remote is not None and remote.format == "html"
        )

    def _here(self, name: str, value: Any) -> Any:
        known = self._ours.get(name)
        kind = known.type if known is not None else "text"
        return self._value("user" if kind == "person" else kind, value, self._kept.get(name, frozenset()), False)

    def _value(self, kind: str, value: Any, keep: frozenset[str], marked: bool) -> Any:
        if kind in _PLAIN or value is None or isinstance(value, bool):
            return value
        if isinstance(value, list):
            return sorted(self._value(kind, each, keep, marked) for each in value)
        if isinstance(value, dict):
            return self._mask.person(value, keep)
        if value in keep:
            return value
        return self._mask.who(value) if kind == "user" else self._mask.text(value, marked)


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (str(key) for key in node)
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _words(each)
    elif node is not None:
        yield str(node)


def _plain_value(value: Any) -> Any:
    """A value as the language writes it: text, list, person, true, false or null."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, dict):
        return {key: _plain_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(each) for each in value]
    return str(value)


def _examples(mapping: Any, hide: _Hide, cases: list[_Case], left: list[str]) -> list[dict[str, Any]]:
    """The newest examples that hold, the oldest of them first."""
    made: dict[str, dict[str, Any]] = {}
    size = 0
    for case in reversed(cases):
        if not case.value:
            continue
        real, masked = _example(mapping, hide, case, True), _example(mapping, hide, case, False)
        why = _apart(mapping, case, real, masked)
        key = json.dumps({name: part for name, part in masked.items() if name != "name"}, sort_keys=True)
        if why:
            left.append(f"{iso(case.at)}: {why}")
        elif key not in made:
            size += len(key)
            if len(made) >= MOST or size > LONGEST:
                left.append(f"what was before {iso(case.at)}: the newest {len(made)} are kept")
                break
            made[key] = masked
    return list(reversed(made.values()))


def _example(mapping: Any, hide: _Hide, case: _Case, real: bool) -> dict[str, Any]:
    """What the mapping makes of one case, written as the language writes examples."""
    if case.kind == "in":
        record = hide.record(case.value, real)
        values, held, notes = mapping.inward(record)
        example = {"name": f"{iso(case.at)} they say", "in": record, "gives": values}
        return _also(example, held=[name for name, _ in held], unknown=[name for name, _ in notes])
    changes, on = hide.changes(case.value, real), hide.record(case.on, real)
    out = mapping.write(changes, on, case.kind == "create")
    name = f"{iso(case.at)} we {'escalate' if case.kind == 'create' else 'say'}"
    example = {"name": name, case.kind: changes, **({"on": on} if on else {}), "gives": out.fields}
    return _also(example, held=[field for field, _ in out.held], path=out.path)


def _also(example: dict[str, Any], **lists: list[str]) -> dict[str, Any]:
    named = {key: sorted(names) if key != "path" else list(names) for key, names in lists.items() if names}
    return {**{key: _plain_value(value) for key, value in example.items()}, **named}


def _apart(mapping: Any, case: _Case, real: dict[str, Any], masked: dict[str, Any]) -> str:
    """Why a case makes no example: it went otherwise then, or means something else when masked."""
    if case.kind != "in":
        out = mapping.write(case.value, case.on, case.kind == "create")
        wrong = [name for name in case.value if name in out.wires and token(out.wires[name]) != case.sent[name][1]]
        if wrong:
            return f"{', '.join(wrong)} went out otherwise than this version of the mapping writes it"
    same = ("held", "unknown", "path")
    if any(real.get(key) != masked.get(key) for key in same) or real["gives"].keys() != masked["gives"].keys():
        return "masked, it would mean something else"
    return ""


# --- comments and files ---


def _spoken(rt: Runtime, ticket: int, link: int, leg: Leg, mask: Mask) -> tuple[list[dict[str, Any]], list[str]]:
    """An example for each audience that was written to, and a line for every comment and file of this link."""
    party = f"provider:{leg.provider}"
    with rt.store.read() as conn:
        comments = list(conn.execute(select(tables.comment).where(_COMMENT.ticket_id == ticket).order_by(_COMMENT.id)))
        query = select(tables.attachment).where(_FILE.ticket_id == ticket).order_by(_FILE.id)
        files = list(conn.execute(query))
        heard: dict[int, set[str]] = {}
        a = tables.audience.c
        for row in conn.execute(select(tables.audience).where(a.comment_id.in_([row.id for row in comments]))):
            heard.setdefault(row.comment_id, set()).add(row.party)
    examples: dict[str, dict[str, Any]] = {}
    lines: list[tuple[int, str]] = []
    for row in comments:
        audience = _audience(heard.get(row.id, set()), party)
        if row.deleted_at is None and audience and row.link_id in (None, link):
            channel = leg.mapping.channel_out(audience) or "ignore"
            word = "+".join(sorted(audience))
            lines.append((row.created_at, _line("comment", row, link, word, channel, mask.text(row.body))))
            if row.link_id is None:
                examples[word] = {"name": f"a comment for {word}", "comment": word, "gives": channel}
    for row in files:
        audience = _audience(set(json.loads(row.audience)), party)
        if audience and row.link_id in (None, link):
            what = f"{mask.name(row.name)} ({row.mime}, {row.size} bytes, {row.state})"
            lines.append(
                (row.created_at, _line("file", row, link, "+".join(sorted(audience)), what, _inside(rt, row, mask)))
            )
    return list(examples.values()), [line for _, line in sorted(lines)]


def _audience(parties: set[str], party: str) -> frozenset[str]:
    """Who reads it, relative to the link; nobody where its provider does not."""
    if party not in parties:
        return frozenset()
    return frozenset({"provider", "requester"} if "requester" in parties else {"provider"})


def _line(kind: str, row: Any, link: int, audience: str, what: str, text: str) -> str:
    whose = "theirs" if row.link_id == link else "ours"
    said = f": {json.dumps(text, ensure_ascii=False)}" if text else ""
    return f"# {iso(row.created_at)} {kind}, {whose}, for {audience}: {what}{said}"


def _inside(rt: Runtime, row: Any, mask: Mask) -> str:
    """The masked content of a short text file."""
    if not row.mime.startswith("text/") or row.size > SHOWN or row.state != "stored":
        return ""
    with rt.files.open(row.key) as file:
        return mask.text(file.read().decode("utf-8", "replace"))


# --- the file ---


class _Dumper(yaml.SafeDumper):
    """Without anchors, which the language does not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _file(version: Any, name: str, connection: str, heads: list[str], examples: list[dict[str, Any]]) -> str:
    """A child of the version; of a version that is a child itself, a copy with these examples instead of its own."""
    top: dict[str, Any]
    if load(version.text, version.name).get("extends") is None:
        top = {"mapping": "1", "name": f"{version.name}-{name}", "extends": f"{version.name}@{version.number}"}
    else:
        kept = plain(load(version.text, version.name))
        top = {key: value for key, value in kept.items() if key != "examples"}
        top |= {"name": f"{version.name}-{name}", "extends": version.parent}
    lines = [
        f"# What went between Tandem and {connection}, personal data masked. Try it with:",
        f"#   tandem mapping prove FILE --connection {connection}",
        *heads,
        _yaml(top),
        _yaml({"examples": examples}),
    ]
    return "\n".join(lines)


def _yaml(doc: dict[str, Any]) -> str:
    return yaml.dump(doc, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=118)
