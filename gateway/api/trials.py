"""``/policies/preview``: a draft of routing or triage tried on what was decided in the last days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from gateway.api.base import Blueprint, Schema, Whole, needs, reading, runtime, text
from gateway.providers import policies, whatif
from gateway.providers.versions import LONGEST

SHOWN = 100
"""How many tickets that would have gone otherwise are listed."""


class Trial(Schema):
    """A draft, how far back to look, and what is not stored: how many work at once and what an hour costs, by side
    (``internal``, ``provider:acme``)."""

    text = text(LONGEST, required=True)
    days = Whole(load_default=91, validate=validate.Range(1, 366))
    agents = fields.Dict(keys=fields.String(), values=Whole(validate=validate.Range(0, 10_000)), load_default=dict)
    rates = fields.Dict(keys=fields.String(), values=Whole(validate=validate.Range(0, 10**9)), load_default=dict)


class Gone(ma.Schema):
    """A ticket that would have gone otherwise."""

    number = fields.String(required=True)
    title = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)
    rule_before = fields.String(required=True)
    rule_after = fields.String(required=True)
    because = fields.String(required=True)


class Pair(ma.Schema):
    """As it was, and as it would have been."""

    before = fields.Float(required=True)
    after = fields.Float(required=True)


class Part(ma.Schema):
    """One side. What nothing tells is null, and named in ``not_known``. ``wait``: mean hours until somebody begins."""

    name = fields.String(required=True)
    tickets = fields.Nested(Pair, required=True)
    hours = fields.Nested(Pair, allow_none=True)
    cost = fields.Nested(Pair, allow_none=True)
    late = fields.Nested(Pair, allow_none=True)
    wait = fields.Nested(Pair, allow_none=True)
    not_known = fields.List(fields.String(), required=True)


class Tried(ma.Schema):
    """``exact``: decisions that the version in force then makes again to the byte; ``other``: those it does not."""

    decisions = fields.Integer(required=True)
    exact = fields.Integer(required=True)
    other = fields.List(fields.String(), required=True)
    gone = fields.Integer(required=True, metadata={"description": "Decisions by versions that are not known."})
    hand_overs = fields.Nested(Pair, required=True)
    rules = fields.Dict(keys=fields.String(), values=fields.Nested(Pair), required=True)
    outcomes = fields.Dict(keys=fields.String(), values=fields.Nested(Pair), required=True)
    changes = fields.Integer(required=True, metadata={"description": "Tickets that would have gone otherwise."})
    changed = fields.List(fields.Nested(Gone), required=True, metadata={"description": "The most surprising first."})
    sides = fields.List(fields.Nested(Part), required=True)


blp = Blueprint("policies", "trials")


@blp.route("/preview", methods=["POST"])
@needs("policy.write")
@blp.arguments(Trial)
@blp.response(200, Tried)
def preview_policy(body: dict[str, Any]) -> Any:
    """Say what a routing or triage policy would have decided in the last days; nothing is written"""
    draft = reading(lambda c: policies.read(c, body["text"]))
    report = whatif.preview(runtime(), draft, body["days"], body["agents"], body["rates"])
    gone = [{**asdict(one), "number": f"T-{one.number}"} for one in report.changed[:SHOWN]]
    sides = [
        {
            "name": one.name, "not_known": list(one.unknown), "tickets": _pair(one.tickets), "hours": _pair(one.hours),
            "cost": _pair(one.cost), "late": _pair(one.late),
            "wait": None if one.wait is None else _pair((one.wait[0].mean, one.wait[1].mean)),
        }
        for one in report.sides
    ]  # fmt: skip
    return {
        "decisions": report.decisions, "exact": report.exact, "gone": report.unknown, "sides": sides,
        "other": [f"T-{number}" for number in report.other[:SHOWN]], "hand_overs": _pair(report.hand_overs),
        "rules": _pairs(report.rules), "outcomes": _pairs(report.outcomes), "changes": len(report.changed),
        "changed": gone,
    }  # fmt: skip


def _pair(pair: tuple[float, float] | None) -> dict[str, float] | None:
    return None if pair is None else {"before": pair[0], "after": pair[1]}


def _pairs(pairs: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    return {name: _pair(one) for name, one in pairs.items()}
