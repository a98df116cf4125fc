"""``/notices``: what a person should know, and ticking it off."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from gateway.api.base import (
    Blueprint,
    Paging,
    Reason,
    by,
    needs,
    page_of,
    paged,
    place,
    reading,
    runtime,
    writing,
)
from gateway.api.idempotency import once
from gateway.clock import iso
from gateway.desk import notices
from gateway.desk.items import when


class OneNotice(ma.Schema):
    """Something a person should know. ``count``: how often it came."""

    id = fields.String(required=True)
    ticket = fields.String(allow_none=True)
    number = fields.String(allow_none=True)
    connection = fields.String()
    kind = fields.String(required=True)
    field = fields.String()
    text = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("open", "closed")))
    count = fields.Integer()
    created_at = fields.String(required=True)
    closed_at = fields.String(allow_none=True)


class Which(Paging):
    """Open ones, or closed ones."""

    state = fields.String(load_default="open", validate=validate.OneOf(("open", "closed", "all")))


blp = Blueprint("notices")


@blp.route("", methods=["GET"])
@needs("notice.read")
@blp.arguments(Which, location="query")
@blp.response(200, page_of(OneNotice))
def list_all_notices(args: dict[str, Any]) -> Any:
    """List notices, newest first"""
    limit = args["limit"]
    found = reading(lambda c: notices.everything(c, args["state"], place(args), limit + 1))
    return paged([_notice(one) for one in found[:limit]], found[limit - 1].id if len(found) > limit else None)


@blp.route("/<notice_id>", methods=["GET"])
@needs("notice.read")
@blp.response(200, OneNotice)
def get_notice(notice_id: int) -> Any:
    """Read one notice"""
    return _notice(reading(lambda c: notices.one(c, notice_id)))


@blp.route("/<notice_id>/close", methods=["POST"])
@needs("notice.close")
@once()
@blp.arguments(Reason)
@blp.response(200, OneNotice)
def close_notice(body: dict[str, Any], notice_id: int) -> Any:
    """Tick a notice off"""
    with writing() as conn:
        notices.close(conn, by(), notice_id, body["reason"])
        return _notice(notices.one(conn, notice_id))


def _notice(one: notices.Notice) -> dict[str, Any]:
    public = runtime().ids.public
    return {
        "id": public(one.id),
        "ticket": public(one.ticket_id) if one.ticket_id is not None else None,
        "number": f"T-{one.ticket}" if one.ticket is not None else None,
        **{name: getattr(one, name) for name in ("connection", "kind", "field", "text", "state", "count")},
        "created_at": iso(one.created_at),
        "closed_at": when(one.closed_at),
    }
