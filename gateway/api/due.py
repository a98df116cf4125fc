"""``/tickets/<ticket>/clocks`` and ``/stuck``: what is due by when and why, and the word that nothing moves."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields
from sqlalchemy import Connection

from gateway.api.base import Blueprint, Schema, me, needs, reading, runtime, text, wish
from gateway.api.idempotency import once
from gateway.api.tickets import Ticket, told_ticket
from gateway.desk import clocks, read


class Clock(ma.Schema):
    """One clock, as it stands. ``left`` and ``over``: seconds of working time to its target, and beyond it."""

    clock = fields.String(required=True)
    instance = fields.Integer(required=True, metadata={"description": "2 after the ticket was reopened, and so on."})
    party = fields.String(metadata={"description": "The provider whose clock it is."})
    standing = fields.String(metadata={"description": "`running paused fulfilled breached cancelled`"})
    due_at = fields.String(allow_none=True)
    left = fields.Integer(allow_none=True)
    over = fields.Integer(allow_none=True)
    reasons = fields.List(fields.String(), metadata={"description": "Why it rests."})
    policy = fields.String()
    rule = fields.String()
    calendar = fields.String()
    words = fields.String(required=True)


class ClockEvent(ma.Schema):
    """Something that became of a clock. ``at``: when it happened, ``received_at``: when it was known here."""

    id = fields.String(required=True)
    clock = fields.String(required=True)
    instance = fields.Integer(required=True)
    kind = fields.String(required=True)
    reason = fields.String()
    at = fields.String(required=True)
    received_at = fields.String(required=True)
    party = fields.String()
    policy = fields.String()
    calendar = fields.String()
    due_at = fields.String(allow_none=True)


class Step(ma.Schema):
    """Something that happens by itself."""

    at = fields.String(required=True)
    what = fields.String(required=True)


class Due(ma.Schema):
    """What a ticket is due for. ``because``: why the one who has it has it; ``next``: what happens if nobody does
    anything; ``only_if``: what waits for something else first."""

    clocks = fields.List(fields.Nested(Clock), required=True)
    events = fields.List(fields.Nested(ClockEvent), required=True)
    because = fields.String(required=True)
    next = fields.List(fields.Nested(Step), required=True)
    only_if = fields.List(fields.String(), required=True)
    estimate = fields.Raw(allow_none=True, metadata={"description": "What its requester was told of its time."})


class Stuck(Schema):
    """What is stuck, in words."""

    reason = text(500, load_default="")


blp = Blueprint("tickets", part="due")


@blp.route("/<ticket>/clocks", methods=["GET"])
@needs("decision.read")
@blp.response(200, Due)
def read_clocks(ticket: Any) -> Any:
    """Read what is due on a ticket, by when and why, and what became of its clocks"""

    def look(conn: Connection) -> dict[str, Any]:
        rt = runtime()
        row = read.find(conn, rt, me(), ticket.id)
        return {**clocks.due(conn, rt, row), "events": clocks.events(conn, rt, row.id)}

    return reading(look)


@blp.route("/<ticket>/stuck", methods=["POST"])
@needs("ticket.stuck")
@once()
@blp.arguments(Stuck)
@blp.response(200, Ticket)
def say_stuck(body: dict[str, Any], ticket: Any) -> Any:
    """Say that a ticket does not move any more; who hears of it is the escalation policy's business"""
    wish("stuck", {}, ticket, body["reason"])
    return told_ticket(ticket.id)
