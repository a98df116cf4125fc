"""``/deliveries`` and ``/arrivals``: what goes out and what came in, the dead among them, and taking them up again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from sqlalchemy import Connection, Select, func, select

from gateway.api.base import (
    Blueprint,
    Paging,
    Reason,
    by,
    me,
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
from gateway.desk import attention
from gateway.desk.items import DELIVERY, when
from gateway.errors import NotFound
from gateway.store.tables import arrival, connection, delivery, lane, link, ticket

STATES = tuple(DELIVERY.values())
DEAD = ("dead", "held")
ARRIVAL = {0: "waiting", 1: "done", 2: "dead", 4: "held"}


class Delivery(ma.Schema):
    """One thing owed to a remote. ``lane_held``: why its lane waits for a person."""

    id = fields.String(required=True)
    ticket = fields.String(required=True)
    number = fields.String(required=True)
    connection = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    tries = fields.Integer()
    said = fields.String()
    lane_held = fields.String()
    created_at = fields.String(required=True)
    done_at = fields.String(allow_none=True)


class Arrival(ma.Schema):
    """One thing that came in. ``size`` in bytes; ``said``: why it could not be worked on."""

    id = fields.String(required=True)
    connection = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(tuple(ARRIVAL.values())))
    tries = fields.Integer()
    said = fields.String()
    size = fields.Integer()
    received_at = fields.String(required=True)
    body = fields.String(metadata={"description": "As it came, for an admin who asks for one arrival."})


class Deliveries(Paging):
    """Which deliveries, newest first."""

    state = fields.List(fields.String(validate=validate.OneOf(STATES)))
    dead = fields.Boolean(metadata={"description": "Those that need a person."})
    connection = fields.String(validate=validate.Length(1, 60))


class Arrivals(Paging):
    """Which arrivals, newest first."""

    state = fields.List(fields.String(validate=validate.OneOf(tuple(ARRIVAL.values()))))
    dead = fields.Boolean(metadata={"description": "Those that need a person."})
    connection = fields.String(validate=validate.Length(1, 60))


deliveries = Blueprint("deliveries")
arrivals = Blueprint("arrivals")


# --- deliveries ---


@deliveries.route("", methods=["GET"])
@needs("delivery.read")
@deliveries.arguments(Deliveries, location="query")
@deliveries.response(200, page_of(Delivery))
def list_deliveries(args: dict[str, Any]) -> Any:
    """List what is or was owed to remotes, newest first"""
    query = _deliveries().where(delivery.c.state.in_(_states(args, {v: k for k, v in DELIVERY.items()})))
    return _page(query, delivery, args, _delivery)


@deliveries.route("/<delivery_id>", methods=["GET"])
@needs("delivery.read")
@deliveries.response(200, Delivery)
def get_delivery(delivery_id: int) -> Any:
    """Read one delivery"""
    return reading(lambda c: _one_delivery(c, delivery_id))


@deliveries.route("/<delivery_id>/replay", methods=["POST"])
@needs("delivery.replay")
@once()
@deliveries.arguments(Reason)
@deliveries.response(200, Delivery)
def replay_delivery(body: dict[str, Any], delivery_id: int) -> Any:
    """Send a dead or held delivery again"""
    with writing() as conn:
        attention.replay_delivery(conn, by(), delivery_id, body["reason"])
        told = _one_delivery(conn, delivery_id)
    runtime().wake("deliver")
    return told


def _deliveries() -> Select[Any]:
    return (
        select(delivery, ticket.c.number, connection.c.name, lane.c.held)
        .join(ticket, ticket.c.id == delivery.c.ticket_id)
        .join(link, link.c.id == delivery.c.link_id)
        .join(lane, lane.c.link_id == delivery.c.link_id)
        .join(connection, connection.c.id == link.c.connection_id)
    )


def _one_delivery(conn: Connection, id: int) -> dict[str, Any]:
    row = conn.execute(_deliveries().where(delivery.c.id == id)).first()
    if row is None:
        raise NotFound("no such delivery", "delivery")
    return _delivery(row)


def _delivery(row: Any) -> dict[str, Any]:
    ids = runtime().ids
    return {
        "id": ids.public(row.id),
        "ticket": ids.public(row.ticket_id),
        "number": f"T-{row.number}",
        "connection": row.name,
        "kind": row.kind,
        "state": DELIVERY[row.state],
        "tries": row.tries,
        "said": row.said,
        "lane_held": row.held,
        "created_at": iso(row.created_at),
        "done_at": when(row.done_at),
    }


# --- arrivals ---


@arrivals.route("", methods=["GET"])
@needs("arrival.read")
@arrivals.arguments(Arrivals, location="query")
@arrivals.response(200, page_of(Arrival))
def list_arrivals(args: dict[str, Any]) -> Any:
    """List what came in, newest first"""
    query = _arrivals().where(arrival.c.state.in_(_states(args, {v: k for k, v in ARRIVAL.items()})))
    return _page(query, arrival, args, _arrival)


@arrivals.route("/<arrival_id>", methods=["GET"])
@needs("arrival.read")
@arrivals.response(200, Arrival)
def get_arrival(arrival_id: int) -> Any:
    """Read one arrival, an admin also what it brought"""
    row = reading(lambda c: c.execute(_arrivals(arrival.c.body).where(arrival.c.id == arrival_id)).first())
    if row is None:
        raise NotFound("no such arrival", "arrival")
    told = _arrival(row)
    if me().may("arrival.raw"):
        told |= {"body": bytes(row.body)[:65536].decode("utf-8", "replace").replace("\0", "\ufffd")}
    return told


@arrivals.route("/<arrival_id>/replay", methods=["POST"])
@needs("arrival.replay")
@once()
@arrivals.arguments(Reason)
@arrivals.response(200, Arrival)
def replay_arrival(body: dict[str, Any], arrival_id: int) -> Any:
    """Work on an arrival again"""
    with writing() as conn:
        attention.replay_arrival(conn, by(), arrival_id, body["reason"])
        told = _arrival(conn.execute(_arrivals().where(arrival.c.id == arrival_id)).one())
    runtime().wake("process")
    return told


def _arrivals(*more: Any) -> Select[Any]:
    a = arrival.c
    columns = (a.id, a.kind, a.state, a.tries, a.said, a.received_at, func.length(a.body).label("size"))
    return select(*columns, connection.c.name, *more).join(connection, connection.c.id == a.connection_id)


def _arrival(row: Any) -> dict[str, Any]:
    return {
        "id": runtime().ids.public(row.id),
        "connection": row.name,
        "kind": row.kind,
        "state": ARRIVAL[row.state],
        "tries": row.tries,
        "said": row.said,
        "size": row.size,
        "received_at": iso(row.received_at),
    }


# --- both ---


def _states(args: dict[str, Any], codes: dict[str, int]) -> Sequence[int]:
    words = DEAD if args.get("dead") else args.get("state") or tuple(codes)
    return [codes[word] for word in words]


def _page(query: Select[Any], table: Any, args: dict[str, Any], told: Any) -> Any:
    after, limit = place(args), args["limit"]
    if "connection" in args:
        query = query.where(connection.c.name == args["connection"])
    if after is not None:
        query = query.where(table.c.id < after)
    rows = reading(lambda c: list(c.execute(query.order_by(table.c.id.desc()).limit(limit + 1))))
    return paged([told(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None)
