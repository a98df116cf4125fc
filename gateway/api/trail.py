"""``/audit``: what happened to a subject, and whether the whole trail is what was written."""

from __future__ import annotations

import json
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from sqlalchemy import select

from gateway.api.base import Blueprint, Paging, needs, page_of, paged, place, reading, refuse, runtime
from gateway.clock import iso
from gateway.desk.actors import names
from gateway.journal import chain
from gateway.journal.checkpoints import FILE, Keys, read_checkpoints
from gateway.journal.verify import verify
from gateway.store.tables import audit

KINDS = ("ticket", "user", "token", "contact")
"""Subjects whose name outside carries a public id."""


class AuditEntry(ma.Schema):
    """One entry. ``payload`` is empty once it was erased."""

    id = fields.String(required=True)
    subject = fields.String(required=True)
    seq = fields.Integer(required=True)
    at = fields.String(required=True)
    actor = fields.String(required=True)
    actor_name = fields.String(required=True)
    verb = fields.String(required=True)
    reason = fields.String(required=True)
    payload = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True))
    erased = fields.Boolean(required=True)


class Wanted(Paging):
    """Which entries, newest first."""

    subject = fields.String(
        validate=validate.Length(1, 200),
        metadata={"description": "`ticket:<id>`, `user:<id>`, `token:<id>`, `contact:<id>`, `connection:<name>` ..."},
    )


class Verification(ma.Schema):
    """What was checked, and everything found wrong."""

    ok = fields.Boolean(required=True)
    entries = fields.Integer(required=True)
    subjects = fields.Integer(required=True)
    seals = fields.Integer(required=True)
    unsealed = fields.Integer(required=True)
    erased = fields.Integer(required=True)
    problems = fields.List(fields.String(), required=True)
    warnings = fields.List(fields.String(), required=True)


blp = Blueprint("audit")


@blp.route("", methods=["GET"])
@needs("audit.read")
@blp.arguments(Wanted, location="query")
@blp.response(200, page_of(AuditEntry))
def list_entries(args: dict[str, Any]) -> Any:
    """List audit entries, newest first"""
    query = select(audit).order_by(audit.c.id.desc()).limit(args["limit"] + 1)
    if "subject" in args:
        query = query.where(audit.c.subject == _inside(args["subject"]))
    if (after := place(args)) is not None:
        query = query.where(audit.c.id < after)
    rows = reading(lambda c: list(c.execute(query)))
    told, limit = [chain.read(bytes(row.canon)) for row in rows], args["limit"]
    known = reading(lambda c: names(c, [one.actor for one in told]))
    items = [_entry(row, one, known) for row, one in zip(rows[:limit], told, strict=False)]
    return paged(items, rows[limit - 1].id if len(rows) > limit else None)


@blp.route("/verify", methods=["GET"])
@needs("audit.read")
@blp.response(200, Verification)
def verify_trail() -> Any:
    """Check every chain, seal and checkpoint"""
    rt = runtime()
    noted = read_checkpoints(rt.config.home / FILE)
    report = verify(rt.store, Keys.of(rt.config), noted, rt.now())
    counts = {name: getattr(report, name) for name in ("ok", "entries", "subjects", "seals", "unsealed", "erased")}
    return {**counts, "problems": [str(one) for one in report.problems], "warnings": list(report.warnings)}


def _entry(row: Any, one: chain.Entry, known: dict[str, str]) -> dict[str, Any]:
    return {
        "id": runtime().ids.public(row.id),
        "subject": _outside(one.subject),
        "seq": one.seq,
        "at": iso(one.at),
        "actor": _outside(one.actor),
        "actor_name": known[one.actor],
        "verb": one.verb,
        "reason": one.reason,
        "payload": json.loads(row.payload) if row.payload else {},
        "erased": chain.erased(row),
    }


def _inside(subject: str) -> str:
    """A subject's name in the trail."""
    kind, _, rest = subject.partition(":")
    if kind not in KINDS:
        return subject
    inner = runtime().ids.inner(rest)
    if inner is None:
        refuse("subject", "not an id of this installation", subject)
    return f"{kind}:{inner}"


def _outside(subject: str) -> str:
    kind, _, rest = subject.partition(":")
    return f"{kind}:{runtime().ids.public(int(rest))}" if kind in KINDS and rest.isdecimal() else subject
