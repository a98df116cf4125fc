"""``/lanes``: records whose deliveries wait for a person, and letting them go on. A lane's id is its link's."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from gateway.api.base import Blueprint, Reason, by, needs, page_of, reading, runtime, writing
from gateway.api.idempotency import once
from gateway.desk import lanes


class Lane(ma.Schema):
    """The deliveries of one record, in order. ``held``: why they wait for a person; ``waiting``: how many."""

    id = fields.String(required=True)
    ticket = fields.String(required=True)
    number = fields.String(required=True)
    connection = fields.String(required=True)
    record = fields.String()
    held = fields.String(required=True)
    waiting = fields.Integer(required=True)


blp = Blueprint("lanes")


@blp.route("", methods=["GET"])
@needs("delivery.read")
@blp.response(200, page_of(Lane))
def list_held_lanes() -> Any:
    """List the lanes that wait for a person"""
    return {"items": [_lane(one) for one in reading(lanes.held)], "next": None}


@blp.route("/<lane_id>/release", methods=["POST"])
@needs("lane.release")
@once()
@blp.arguments(Reason)
@blp.response(200, Lane)
def release_lane(body: dict[str, Any], lane_id: int) -> Any:
    """Let a lane go on"""
    with writing() as conn:
        lanes.release(conn, by(), lane_id, body["reason"])
        told = _lane(lanes.one(conn, lane_id))
    runtime().wake("deliver")
    return told


def _lane(one: lanes.Lane) -> dict[str, Any]:
    public = runtime().ids.public
    return {
        "id": public(one.link_id),
        "ticket": public(one.ticket_id),
        "number": f"T-{one.ticket}",
        "connection": one.connection,
        "record": one.remote,
        "held": one.held,
        "waiting": one.waiting,
    }
