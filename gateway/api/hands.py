"""``/tickets/<ticket>/escalate``, ``/take-back``, and what explains a ticket: links, timeline, decision and more."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from sqlalchemy import Connection, select

from gateway.api.base import (
    Blueprint,
    Schema,
    inner_of,
    me,
    needs,
    reading,
    refuse,
    runtime,
    text,
    wish,
)
from gateway.api.conflicts import Conflict
from gateway.api.idempotency import once
from gateway.api.tickets import Ticket, told_ticket
from gateway.desk import read, story
from gateway.desk.sight import sight
from gateway.store.tables import attachment, comment, team


class Link(ma.Schema):
    """The ticket at one provider."""

    id = fields.String(required=True)
    connection = fields.String(required=True)
    provider = fields.String(required=True)
    provider_name = fields.String()
    role = fields.String(metadata={"description": "`holder`, `helper` or `ended`."})
    state = fields.String()
    leg_status = fields.String()
    number = fields.String()
    page = fields.String()
    remote_id = fields.String(allow_none=True)
    created_at = fields.String()
    lane = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True))
    waiting = fields.Integer()
    dead = fields.Integer()
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.String(), data_key="fields", attribute="fields",
        metadata={"description": "Fields that do not correspond: `owed`, `ask`, `held`, `ignored`."},
    )  # fmt: skip


class Entry(ma.Schema):
    """One thing that happened. Its details depend on its kind: `change`, `comment`, `file`, `worklog`, `delivery`."""

    at = fields.String(required=True)
    side = fields.String(required=True, validate=validate.OneOf(("ours", "theirs", "tandem")))
    kind = fields.String(required=True)
    actor = fields.String(required=True)
    details = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True))


class Decision(ma.Schema):
    """Why the ticket went where it went. ``lost``: the rules before the one that won, each with why it lost."""

    id = fields.String(required=True)
    at = fields.String(required=True)
    kind = fields.String(required=True)
    outcome = fields.String(required=True)
    rule = fields.String()
    policy = fields.String()
    reason = fields.String()
    inputs = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True))
    lost = fields.List(fields.List(fields.String()))
    otherwise = fields.String(metadata={"description": "What would have been without the rule that won."})
    words = fields.String(metadata={"description": "All of it in plain words."})
    actor = fields.String()


class Notice(ma.Schema):
    """Something a person should know."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    field = fields.String()
    text = fields.String(required=True)
    connection = fields.String()
    state = fields.String()
    count = fields.Integer()
    created_at = fields.String()


class Escalation(Schema):
    """To whom, why, and which notes and files go along."""

    connection = fields.String(required=True, validate=validate.Length(1, 60))
    reason = text(500, required=True)
    role = fields.String(load_default="holder", validate=validate.OneOf(("holder", "helper")))
    comments = fields.List(fields.UUID(), load_default=[], validate=validate.Length(max=200))
    attachments = fields.List(fields.UUID(), load_default=[], validate=validate.Length(max=200))


class TakeBack(Schema):
    """Why, from whom (everyone), and to which team of ours."""

    reason = text(500, required=True)
    connection = fields.String(validate=validate.Length(1, 60))
    to = fields.String(load_default="team:service-desk", validate=validate.Regexp(r"^team:[a-z0-9-]{2,40}$"))


class Newest(Schema):
    """How much of it."""

    limit = fields.Integer(load_default=200, validate=validate.Range(1, 1000), metadata={"description": "The newest."})


def _list_of(schema: type[ma.Schema]) -> type[ma.Schema]:
    parts = {"items": fields.List(fields.Nested(schema), required=True)}
    return ma.Schema.from_dict(parts, name=f"{schema.__name__}List")  # type: ignore[arg-type]


blp = Blueprint("tickets", part="hands")


@blp.route("/<ticket>/escalate", methods=["POST"])
@needs("ticket.escalate")
@once()
@blp.arguments(Escalation)
@blp.response(200, Ticket)
def escalate(body: dict[str, Any], ticket: Any) -> Any:
    """Hand a ticket to a provider, or let it help"""
    data = {
        "connection": body["connection"],
        "role": body["role"],
        "comments": _of(ticket, comment, body["comments"], "comments"),
        "files": _of(ticket, attachment, body["attachments"], "attachments"),
    }
    wish("escalate", data, ticket, body["reason"])
    return told_ticket(ticket.id)


def _of(ticket: Any, table: Any, given: list[Any], field: str) -> list[int]:
    """Inner ids of things of this very ticket."""
    ids = list(dict.fromkeys(inner_of(str(one), field) for one in given))
    query = select(table.c.id).where(table.c.id.in_(ids), table.c.ticket_id == ticket.id)
    found = set(reading(lambda c: c.execute(query).scalars().all())) if ids else set()
    for id in ids:
        if id not in found:
            refuse(field, "not of this ticket", runtime().ids.public(id))
    return ids


@blp.route("/<ticket>/take-back", methods=["POST"])
@needs("ticket.take_back")
@once()
@blp.arguments(TakeBack)
@blp.response(200, Ticket)
def take_back(body: dict[str, Any], ticket: Any) -> Any:
    """Take a ticket back from its provider"""
    slug = body["to"].removeprefix("team:")
    if reading(lambda c: c.execute(select(team.c.id).where(team.c.slug == slug)).first()) is None:
        refuse("to", "no such team", body["to"])
    wish("take_back", {"to": body["to"], "connection": body.get("connection")}, ticket, body["reason"])
    return told_ticket(ticket.id)


@blp.route("/<ticket>/links", methods=["GET"])
@needs("link.read")
@blp.response(200, _list_of(Link))
def list_links(ticket: Any) -> Any:
    """List where else a ticket is worked on, with the state of what travels there"""
    return {"items": reading(lambda c: read.links(c, runtime(), sight(c, runtime(), me()), ticket.id))}


@blp.route("/<ticket>/timeline", methods=["GET"])
@needs("timeline.read")
@blp.arguments(Newest, location="query")
@blp.response(200, _list_of(Entry))
def read_timeline(args: dict[str, Any], ticket: Any) -> Any:
    """Read what happened to a ticket on both sides, oldest first"""

    def look(conn: Connection) -> list[dict[str, Any]]:
        return story.timeline(conn, runtime(), sight(conn, runtime(), me()), ticket.id, args["limit"])

    common = ("at", "side", "kind", "actor")
    return {
        "items": [
            {**{name: one[name] for name in common}, "details": {k: v for k, v in one.items() if k not in common}}
            for one in reading(look)
        ]
    }


@blp.route("/<ticket>/decision", methods=["GET"])
@needs("decision.read")
@blp.response(200, _list_of(Decision))
def read_decisions(ticket: Any) -> Any:
    """Read why a ticket went where it went, oldest first"""
    return {"items": reading(lambda c: read.decisions(c, runtime(), ticket.id))}


@blp.route("/<ticket>/conflicts", methods=["GET"])
@needs("conflict.read")
@blp.response(200, _list_of(Conflict))
def list_ticket_conflicts(ticket: Any) -> Any:
    """List the fields both sides have changed"""
    return {"items": reading(lambda c: read.conflicts(c, runtime(), ticket.id))}


@blp.route("/<ticket>/notices", methods=["GET"])
@needs("notice.read")
@blp.response(200, _list_of(Notice))
def list_notices(ticket: Any) -> Any:
    """List what a person should know of a ticket"""
    return {"items": reading(lambda c: read.notices(c, runtime(), ticket.id))}
