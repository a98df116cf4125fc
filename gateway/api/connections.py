"""``/connections``: the providers' systems, connected: added, checked, stopped and started."""

from __future__ import annotations

import json
import re
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from gateway import pipeline
from gateway.api.base import (
    Blueprint,
    Paging,
    Reason,
    Schema,
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
from gateway.desk.items import when
from gateway.errors import Conflict
from gateway.providers import admission, documents, health
from gateway.providers.connection import set_state
from gateway.providers.health import Health

_STRANGE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_PROVIDER = [
    {"type": "string", "pattern": "^[a-z0-9-]{2,40}$"},
    {
        "type": "object", "required": ["slug"], "additionalProperties": False,
        "properties": {"slug": {"type": "string", "pattern": "^[a-z0-9-]{2,40}$"}, "name": {"type": "string"}},
    },
]  # fmt: skip
_MAPPING = [{"type": "string", "minLength": 1, "maxLength": 200_000}, {"type": "object"}]
SLUG = validate.Regexp(r"^[a-z0-9-]{2,40}$")


class Connection(ma.Schema):
    """A configured connector and how it is doing. ``waiting``, ``dead``: deliveries; ``unread``: arrivals."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    provider = fields.String(required=True)
    provider_name = fields.String()
    state = fields.String(required=True)
    reason = fields.String()
    intake = fields.String()
    poll_every = fields.Float(metadata={"description": "Seconds."})
    poll_at = fields.String(allow_none=True)
    breaker = fields.String(allow_none=True)
    last_ok_at = fields.String(allow_none=True)
    last_error_at = fields.String(allow_none=True)
    last_error = fields.String(allow_none=True)
    last_arrival_at = fields.String(allow_none=True)
    last_poll_at = fields.String(allow_none=True)
    last_webhook_at = fields.String(allow_none=True)
    links = fields.Integer()
    waiting = fields.Integer()
    dead = fields.Integer()
    unread = fields.Integer()
    notes = fields.List(fields.String())


class NewConnection(Schema):
    """A connection as an admin writes it down; texts of their own for ``manifest`` and ``mapping``."""

    name = fields.String(required=True, validate=SLUG)
    provider = fields.Raw(required=True, metadata={"description": "The slug, or both.", "anyOf": _PROVIDER})
    kind = fields.String(validate=validate.Length(1, 60))
    manifest = fields.String(validate=validate.Length(1, 200_000))
    auth = fields.String(validate=validate.Length(max=60))
    verify = fields.String(validate=validate.Length(max=60))
    settings = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True))
    secrets = fields.Dict(keys=fields.String(), values=fields.String(validate=validate.Length(1, 20_000)))
    mapping = fields.Raw(metadata={"description": "The name of a published one, or the mapping.", "anyOf": _MAPPING})
    declared = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True))
    intake = fields.String(validate=validate.OneOf(documents.INTAKE))
    poll = fields.Float(validate=validate.Range(documents.POLL_LEAST, documents.POLL_MOST))


class HowAdded(Schema):
    """Whether its desk is asked first."""

    unchecked = fields.Boolean(load_default=False, metadata={"description": "Do not ask the desk; add it, paused."})


class Told(ma.Schema):
    """What a desk told of itself: our names there, values it was asked for, lists with their lengths, its version."""

    me = fields.List(fields.String())
    found = fields.Dict(keys=fields.String(), values=fields.Raw())
    lists = fields.Dict(keys=fields.String(), values=fields.Integer())
    remote = fields.String()


class Polled(ma.Schema):
    """How many arrivals were new."""

    new = fields.Integer(required=True)
    ok = fields.Boolean(required=True)
    said = fields.String()


blp = Blueprint("connections")


@blp.route("", methods=["GET"])
@needs("connection.read")
@blp.arguments(Paging, location="query")
@blp.response(200, page_of(Connection))
def list_connections(args: dict[str, Any]) -> Any:
    """List the connections and how they are doing, in the order they were added"""
    after, limit = place(args) or 0, args["limit"]
    found = sorted(reading(health.everything), key=lambda one: one.id)
    rest = [one for one in found if one.id > after]
    return paged([_health(one) for one in rest[:limit]], rest[limit - 1].id if len(rest) > limit else None)


@blp.route("", methods=["POST"])
@needs("connection.write")
@once(marks=False)
@blp.arguments(HowAdded, location="query")
@blp.arguments(NewConnection)
@blp.response(201, Connection)
def add_connection(args: dict[str, Any], body: dict[str, Any]) -> Any:
    """Connect a system as a document describes it"""
    draft = documents.read(_yaml(body), "connection")
    id, told = admission.add(runtime(), by(), draft, args["unchecked"])
    return {**_health(reading(lambda c: health.of(c, id))), "notes": [*draft.notes, *told.warnings]}, 201


def _yaml(body: dict[str, Any]) -> str:
    """JSON that YAML reads as the same: what it would fold, or will not have in a text, is written as an escape."""
    return _STRANGE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(body, ensure_ascii=False))


@blp.route("/<connection>", methods=["GET"])
@needs("connection.read")
@blp.response(200, Connection)
def get_connection(connection: Any) -> Any:
    """Read one connection and how it is doing"""
    return _health(reading(lambda c: health.of(c, connection.id)))


@blp.route("/<connection>/check", methods=["POST"])
@needs("connection.poll")
@blp.response(200, Told)
def check_connection(connection: Any) -> Any:
    """Ask a desk who we are there, and keep what it tells"""
    told = admission.check(runtime(), connection.id)
    lists = {name: len(rows) for name, rows in told.lists.items()}
    return {"me": list(told.me), "found": dict(told.values), "lists": lists, "remote": told.remote}


@blp.route("/<connection>/pause", methods=["POST"])
@needs("connection.pause")
@blp.arguments(Reason)
@blp.response(200, Connection)
def pause_connection(body: dict[str, Any], connection: Any) -> Any:
    """Stop sending and polling; what is owed waits, what comes in is still stored"""
    return _turned(connection, "paused", body["reason"] or "paused by hand")


@blp.route("/<connection>/resume", methods=["POST"])
@needs("connection.pause")
@blp.response(200, Connection)
def resume_connection(connection: Any) -> Any:
    """Go on sending and polling"""
    return _turned(connection, "active", "")


@blp.route("/<connection>/poll", methods=["POST"])
@needs("connection.poll")
@blp.response(200, Polled)
def poll_connection(connection: Any) -> Any:
    """Ask a desk now for what has changed there"""
    before = reading(lambda c: health.of(c, connection.id))
    if before.state != "active":
        raise Conflict(f"the connection is {before.state}", "connection", connection.name, "Resume it first.")
    began = runtime().now()
    new = pipeline.poll(runtime(), connection.id)
    after = reading(lambda c: health.of(c, connection.id))
    failed = after.state != "active" or (after.last_error_at or 0) >= began
    said = after.reason if after.state != "active" else after.last_error
    return {"new": new, "ok": not failed, "said": said if failed else ""}


def _turned(connection: Any, state: str, why: str) -> dict[str, Any]:
    rt, who = runtime(), by()
    with writing() as conn:
        changed = set_state(conn, rt.key, connection.id, state, why, who.actor)
        told = _health(health.of(conn, connection.id))
    if changed and state == "active":
        rt.wake("deliver")
        rt.wake("tick")
    return told


def _health(one: Health) -> dict[str, Any]:
    names = ("name", "kind", "provider", "provider_name", "state", "reason", "intake", "breaker", "last_error", "links")
    counts = ("waiting", "dead", "unread")
    times = ("poll_at", "last_ok_at", "last_error_at", "last_arrival_at", "last_poll_at", "last_webhook_at")
    return {
        "id": runtime().ids.public(one.id),
        **{name: getattr(one, name) for name in (*names, *counts)},
        **{name: when(getattr(one, name)) for name in times},
        "poll_every": one.poll_every / 1e6,
    }
