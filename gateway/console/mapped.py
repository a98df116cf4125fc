"""What the pages of mappings show: every mapping with its versions and links, differences line by line, complaints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from gateway.clock import iso
from gateway.desk.actors import names
from gateway.errors import NotFound
from gateway.providers import meanings, publishing, versions
from gateway.providers.desks import Row
from gateway.providers.publishing import Moved, Proof
from gateway.providers.versions import Draft, Version
from gateway.runtime import Runtime
from gateway.store import tables
from mappings.model import Complaint, MappingError

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_CONNECTOR = re.compile(r"^connector: *([a-z0-9_-]+)", re.MULTILINE)
_EXTENDS = re.compile(r"^extends: *([a-z0-9._-]+)", re.MULTILINE)

SHIPPED = "tandem"
"""Who has published what comes with Tandem."""


def overview(rt: Runtime, conn: Connection) -> list[dict[str, Any]]:
    """Every mapping, those in use first: its newest version, which is in force where, links of each, and its draft."""
    newest = {one.name: one for one in versions.newest_of_each(conn, "mapping")}
    drafts = {one.name: one for one in versions.drafts(conn, "mapping")}
    found = [_mapping(rt, conn, name, newest.get(name), drafts.get(name)) for name in sorted({*newest, *drafts})]
    return sorted(found, key=lambda one: not one["users"])


def _mapping(rt: Runtime, conn: Connection, name: str, newest: Version | None, draft: Draft | None) -> dict[str, Any]:
    numbers = {one.id: one.number for one in versions.history(conn, "mapping", name)}
    spread = {numbers[id]: links for id, links in publishing.standing(conn, name).items()}
    users = publishing.using(rt, conn, name)
    source = newest.text if newest is not None else draft.text if draft is not None else ""
    return {
        "name": name,
        "connector": connector(conn, source),
        "shipped": newest is not None and newest.author == SHIPPED,
        "newest": told(conn, newest) if newest is not None else None,
        "users": [{"name": row.name, "version": numbers[row.mapping_id]} for row in users],
        "links": sorted(spread.items(), reverse=True),
        "draft": written(conn, draft) if draft is not None else None,
    }


def told(conn: Connection, one: Version) -> dict[str, Any]:
    """A version with its author by name and when it was published."""
    return {**one.told(), "author": names(conn, [one.author])[one.author], "at": iso(one.created_at)}


def written(conn: Connection, one: Draft) -> dict[str, Any]:
    """A draft with its author by name and when it was saved."""
    return {**asdict(one), "author": names(conn, [one.author])[one.author], "at": iso(one.changed_at)}


def connector(conn: Connection, text: str) -> str:
    """The kind of system a text is for, also where much else is wrong in it; "" where it does not say so."""
    try:
        return _connector(conn, text)
    except (MappingError, NotFound):
        if own := _CONNECTOR.search(text):
            return own[1]
    above = _EXTENDS.search(text)
    found = versions.history(conn, "mapping", above[1]) if above else []
    try:
        return _connector(conn, found[0].text) if found else ""
    except (MappingError, NotFound):
        return ""


def _connector(conn: Connection, text: str) -> str:
    parent = meanings.parent_of(conn, text, "")
    return meanings.connector_of(text, parent.text if parent is not None else None, "")


def others(rt: Runtime, users: Sequence[str], kind: str) -> list[Row]:
    """The connections of this kind that use another mapping."""
    found = [row for row in rt.desks.rows() if row.kind == kind and row.name not in users]
    return sorted(found, key=lambda row: row.name)


# --- one mapping ---


def history(rt: Runtime, conn: Connection, name: str) -> dict[str, Any]:
    """The versions of a mapping, newest first, with links and connections each; and its draft. Raises NotFound."""
    found, draft = versions.history(conn, "mapping", name), versions.draft(conn, "mapping", name)
    if not found and draft is None:
        raise NotFound("no such mapping", "mapping", name)
    standing, users = publishing.standing(conn, name), publishing.using(rt, conn, name)
    known = names(conn, [one.author for one in found])
    listed = [
        {
            **one.told(),
            "author": known[one.author],
            "at": iso(one.created_at),
            "links": standing.get(one.id, 0),
            "users": [row.name for row in users if row.mapping_id == one.id],
        }
        for one in found
    ]
    text = draft.text if draft is not None else found[0].text
    kind, trying = connector(conn, text), _trying(conn, name)
    return {
        "name": name,
        "connector": kind,
        "shipped": bool(found) and found[0].author == SHIPPED,
        "versions": listed,
        "draft": written(conn, draft) if draft is not None else None,
        "canary": bool(found) and (bool(trying) or {found[0].id} != {*standing, *(row.mapping_id for row in users)}),
        "others": [
            {"name": row.name, "trying": row.name in trying} for row in others(rt, [row.name for row in users], kind)
        ],
    }


def _trying(conn: Connection, name: str) -> set[str]:
    """The connections that have links with some version of a mapping, and another mapping in force."""
    c, d, force = tables.connection.c, tables.document.c, tables.document.alias()
    query = select(c.name).distinct().join_from(tables.link, tables.connection, c.id == tables.link.c.connection_id)
    query = query.join(tables.document, d.id == tables.link.c.mapping_id).join(force, force.c.id == c.mapping_id)
    live = tables.link.c.role.in_(publishing.LIVE) & tables.link.c.ticket_id.is_not(None)
    return set(conn.scalars(query.where(live, d.kind == "mapping", d.name == name, force.c.name != name)))


@dataclass(frozen=True)
class Line:
    """One line of a difference: ``kind`` is ``same``, ``out``, ``in`` or ``skip``; its numbers before and after."""

    kind: str
    before: int | None
    after: int | None
    text: str


def compared(conn: Connection, name: str, before: str, after: str) -> dict[str, Any]:
    """Two texts of a mapping beside each other: a version by its number, ``draft``, or "" for none. Raises NotFound."""
    text, parent = _text(conn, name, after)
    changes: list[str] = []
    against = versions.find(conn, "mapping", name, int(before)) if before.isdecimal() else None
    if before == "draft":
        first = _text(conn, name, "draft")[0]
        diff = versions.diff(first, text)
    else:
        try:
            diff, changes = publishing.compared(conn, text, parent, against)
        except MappingError:  # a draft that cannot be read yet
            diff = versions.diff(against.text if against is not None else "", text)
    return {"before": before, "after": after, "lines": list(lines(diff)), "changes": changes}


def _text(conn: Connection, name: str, which: str) -> tuple[str, Version | None]:
    """A text and the version that it extends."""
    if which.isdecimal():
        one = versions.find(conn, "mapping", name, int(which))
        above, _, number = one.parent.partition("@")
        return one.text, versions.find(conn, "mapping", above, int(number)) if above else None
    draft = versions.draft(conn, "mapping", name)
    if draft is None:
        raise NotFound("there is no draft", "mapping", name)
    try:
        return draft.text, meanings.parent_of(conn, draft.text, name)
    except (MappingError, NotFound):
        return draft.text, None


def lines(diff: str) -> Iterator[Line]:
    """A unified diff line by line, its file names left out."""
    before = after = 0
    for text in diff.splitlines()[2:]:
        if hunk := _HUNK.match(text):
            before, after = int(hunk[1]), int(hunk[2])
            yield Line("skip", None, None, "⋯")
        elif text.startswith("-"):
            yield Line("out", before, None, text[1:])
            before += 1
        elif text.startswith("+"):
            yield Line("in", None, after, text[1:])
            after += 1
        else:
            yield Line("same", before, after, text[1:])
            before, after = before + 1, after + 1


# --- what a check and a move say ---


def checked(found: Proof, name: str, text: str) -> dict[str, Any]:
    """A proof for the page: complaints in the order of the text, each with its line and the name it is accepted by."""
    accepting = {one: known for known, each in found.warnings.items() for one in each}
    rows = text.split("\n")
    own = [one for one in found.complaints if one.file == name]
    complaints = [_complaint(one, name, rows, accepting.get(one, one.code)) for one in _ordered(own, found.complaints)]
    return {
        "holds": found.holds,
        "errors": sum(one["severity"] == "E" for one in complaints),
        "complaints": complaints,
        "warnings": [
            {"name": known, "causes": list(dict.fromkeys(one.cause for one in each))}
            for known, each in found.warnings.items()
        ],
        "connections": found.connections,
        "assumed": found.assumed,
        "other_name": found.name if found.name and found.name != name else "",
    }


def _ordered(own: Sequence[Complaint], every: Sequence[Complaint]) -> list[Complaint]:
    inherited = [one for one in every if one not in own]
    return [*sorted(own, key=lambda one: (one.line, one.col)), *inherited]


def _complaint(one: Complaint, name: str, rows: Sequence[str], accepted_by: str) -> dict[str, Any]:
    own = one.file == name
    source = rows[one.line - 1] if own and 0 < one.line <= len(rows) else ""
    return {**asdict(one), "own": own, "source": source[:200], "name": accepted_by}


def moved(result: Moved) -> dict[str, Any]:
    """What became of the links."""
    failed = [{"ticket": f"T-{one.ticket}", "connection": one.connection, "why": one.why} for one in result.failed]
    counts = {"moved": result.moved, "there": result.there, "left": result.left, "failed": failed}
    return {"label": result.version.label, "percent": result.percent, "connections": result.connections, **counts}
