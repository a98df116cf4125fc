"""What the pages of policies show: each with its version in force and its draft, what a check and a try say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from gateway.console.mapped import lines, told, written
from gateway.decide.inforce import POLICIES
from gateway.errors import Invalid, NotFound
from gateway.insight.whatif import Report
from gateway.providers import policies, versions

_LINE = re.compile(r" \(line (\d+)\)$")
_PLACE = re.compile(r":(\d+):(\d+)$")

SHOWN = 25
"""Tickets that would have gone otherwise, as many as a page shows."""


def overview(conn: Connection) -> list[dict[str, Any]]:
    """Every policy: the five that decide, then what each provider may see; ``{name, newest, draft}``."""
    newest = {one.title: one for one in policies.history(conn)}
    drafts = {
        versions.title(kind, one.name): one for kind in ("policy", "share") for one in versions.drafts(conn, kind)
    }
    others = sorted({*newest, *drafts} - {*POLICIES})
    return [
        {
            "name": name,
            "decides": name in POLICIES,
            "newest": told(conn, newest[name]) if name in newest else None,
            "draft": written(conn, drafts[name]) if name in drafts else None,
        }
        for name in (*POLICIES, *others)
    ]


def history(conn: Connection, name: str) -> dict[str, Any]:
    """The versions of a policy, newest first, and its draft. Raises NotFound."""
    found, draft = policies.history(conn, name), versions.draft(conn, *policies.named(name))
    if not found and draft is None and name not in POLICIES:
        raise NotFound("no such policy", "policy", name)
    listed = [told(conn, one) for one in found]
    return {"name": name, "versions": listed, "draft": written(conn, draft) if draft is not None else None}


def beginning(conn: Connection, name: str) -> str:
    """The text that an editor begins with: the draft, the version in force, or the one that comes with Tandem. Raises
    NotFound."""
    draft, found = versions.draft(conn, *policies.named(name)), policies.history(conn, name)
    if draft is not None or found:
        return draft.text if draft is not None else found[0].text
    shipped = policies.shipped().get(name)
    if shipped is None:
        raise NotFound("no such policy", "policy", name)
    return shipped


def compared(conn: Connection, name: str, before: str, after: str) -> dict[str, Any]:
    """Two texts of a policy beside each other: a version by its number, ``draft``, or "" for none. Raises NotFound."""
    diff = versions.diff(_text(conn, name, before), _text(conn, name, after))
    return {"before": before, "after": after, "lines": list(lines(diff)), "changes": []}


def _text(conn: Connection, name: str, which: str) -> str:
    if which == "draft":
        return beginning(conn, name)
    return policies.version(conn, name, int(which)).text if which else ""


# --- what a check and a try say ---


def checked(
    draft: policies.Draft | None, mistakes: Sequence[Invalid], doubts: Sequence[str], text: str
) -> dict[str, Any]:
    """A check for the page: complaints in the order of the text, each with its line; then what its author should know.
    ``draft``: None where there are mistakes."""
    rows = text.split("\n")
    wrong = sorted((_complaint(one, rows) for one in mistakes), key=lambda one: (one["line"], one["col"]))
    known = [_note(one) for one in (*(draft.notes if draft is not None else ()), *doubts)]
    return {
        "holds": draft is not None,
        "alone": True,
        "errors": len(wrong),
        "complaints": [*wrong, *known],
        "warnings": [],
        "connections": [],
        "assumed": [],
        "other_name": "",
    }


def _complaint(one: Invalid, rows: Sequence[str]) -> dict[str, Any]:
    field, cause, col = str(one.field or ""), one.title, 1
    if found := _LINE.search(cause):
        cause, line = cause[: found.start()], int(found[1])
    elif place := _PLACE.search(field):
        field, line, col = "", int(place[1]), int(place[2])
    else:
        line = 1
    source = rows[line - 1] if 0 < line <= len(rows) else ""
    said = f"{cause}: {one.value}" if one.value not in (None, "") else cause
    return {**_note(said), "severity": "E", "code": field or "YAML", "own": True, "line": line, "col": col,
            "source": source[:200], "fix": one.fix or ""}  # fmt: skip


def _note(cause: str) -> dict[str, Any]:
    empty = {"line": 0, "col": 0, "file": "", "source": "", "example": "", "fix": ""}
    return {**empty, "severity": "W", "code": "", "own": False, "cause": cause}


def tried(report: Report, days: int) -> dict[str, Any]:
    """A try of a draft on the past, for the page."""
    outcomes = [{"name": name, "before": was, "after": now} for name, (was, now) in report.outcomes.items()]
    rules = [{"name": name, "before": was, "after": now} for name, (was, now) in report.rules.items()]
    return {"report": report, "days": days, "outcomes": outcomes, "rules": rules, "changed": report.changed[:SHOWN]}
