"""``/conflicts``: fields that both sides have changed and nobody but a person may decide."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from sqlalchemy import select, true

from gateway.api.base import (
    Blueprint,
    Paging,
    Schema,
    needs,
    page_of,
    paged,
    place,
    reading,
    runtime,
    text,
    wish,
)
from gateway.api.idempotency import once
from gateway.desk import attention, read
from gateway.store.tables import conflict, ticket


class Conflict(ma.Schema):
    """What our side says, what theirs says, and how it was decided."""

    id = fields.String(required=True)
    ticket = fields.String(required=True)
    number = fields.String(required=True)
    link = fields.String(required=True)
    connection = fields.String(required=True)
    field = fields.String(required=True)
    ours = fields.Raw(allow_none=True)
    theirs = fields.Raw(allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(("open", "closed")))
    resolution = fields.String()
    actor = fields.String()
    opened_at = fields.String(required=True)
    closed_at = fields.String(allow_none=True)


class Which(Paging):
    """Open ones, or closed ones."""

    state = fields.String(load_default="open", validate=validate.OneOf(("open", "closed", "all")))


class Resolution(Schema):
    """Which side's value stays."""

    keep = fields.String(required=True, validate=validate.OneOf(("ours", "theirs")))
    reason = text(500, load_default="")


blp = Blueprint("conflicts")


@blp.route("", methods=["GET"])
@needs("conflict.read")
@blp.arguments(Which, location="query")
@blp.response(200, page_of(Conflict))
def list_conflicts(args: dict[str, Any]) -> Any:
    """List conflicts, oldest first"""
    which = true() if args["state"] == "all" else conflict.c.state == args["state"]
    after, limit = place(args) or 0, args["limit"]
    found = reading(lambda c: read.conflict_rows(c, runtime(), which, after, limit + 1))
    return paged(found[:limit], found[limit - 1]["_id"] if len(found) > limit else None)


@blp.route("/<conflict_id>/resolve", methods=["POST"])
@needs("conflict.resolve")
@once()
@blp.arguments(Resolution)
@blp.response(200, Conflict)
def resolve_conflict(body: dict[str, Any], conflict_id: int) -> Any:
    """Decide a conflict"""
    found = reading(lambda c: attention.conflict(c, conflict_id))
    row = reading(lambda c: c.execute(select(ticket).where(ticket.c.id == found.ticket_id)).one())
    wish("resolve", {"link": found.link_id, "field": found.field, "keep": body["keep"]}, row, body["reason"])
    return reading(lambda c: read.conflict_rows(c, runtime(), conflict.c.id == conflict_id))[0]
