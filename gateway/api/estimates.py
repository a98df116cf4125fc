"""``/estimates`` and ``/recommendation``: how long such tickets take, whether what was told came true, who solves them
best. For the desk alone; what a requester is told stands in the acknowledgement."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from gateway.api.base import Blueprint, Schema, me, needs, reading, refuse, runtime
from gateway.clock import iso
from gateway.desk import read
from gateway.errors import NotFound
from gateway.insight import calibration, recommend
from gateway.insight.cases import Kind
from gateway.insight.estimates import SHARES, Estimate
from gateway.insight.expected import published
from gateway.insight.saying import Span, rounded_up
from gateway.insight.shares import Share

SECOND = 1_000_000


class OneSpan(ma.Schema):
    """A time as people say it, rounded up, and exactly."""

    text = fields.String(required=True, metadata={"description": "In English: `3 days`."})
    count = fields.Integer(required=True)
    unit = fields.String(required=True, validate=validate.OneOf(("minute", "hour", "day", "week", "month")))
    seconds = fields.Integer(required=True, metadata={"description": "Before it was rounded up."})


class OneEstimate(ma.Schema):
    """Within which times half, 8 and 9 of 10 such tickets are solved; null: that cannot be said."""

    enough = fields.Boolean(required=True, metadata={"description": "Whether there is enough data to say anything."})
    p50 = fields.Nested(OneSpan, allow_none=True, required=True)
    p80 = fields.Nested(OneSpan, allow_none=True, required=True)
    p90 = fields.Nested(OneSpan, allow_none=True, required=True)
    n = fields.Integer(required=True, metadata={"description": "Solved tickets it is made from."})
    open = fields.Integer(required=True, metadata={"description": "Tickets of the same kind that are still open."})
    level = fields.String(required=True, metadata={"description": "What they have in common: `category+priority`."})
    basis = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    as_of = fields.String(required=True)
    said = fields.List(fields.String(), required=True)


class OfKind(Schema):
    """What the ticket is about, as far as it is known. With a service nothing else counts: its own tickets answer."""

    category = fields.String(validate=validate.Length(max=250))
    subcategory = fields.String(validate=validate.Length(max=250))
    priority = fields.String(validate=validate.Length(max=10))
    service = fields.String(validate=validate.Length(1, 250))


class Expectation(ma.Schema):
    """What people may expect of a service."""

    service = fields.String(required=True)
    estimate = fields.Nested(OneEstimate, required=True)


class Expectations(ma.Schema):
    """Of every service that has had tickets."""

    items = fields.List(fields.Nested(Expectation), required=True)


class Times(ma.Schema):
    """Minutes. ``few``: fewer than five, so that one ticket more may change it much."""

    complexity = fields.String(required=True)
    n = fields.Integer(required=True)
    few = fields.Boolean(required=True)
    least = fields.Float(required=True)
    mean = fields.Float(required=True)
    median = fields.Float(required=True)
    p90 = fields.Float(required=True)
    most = fields.Float(required=True)


class Complexities(ma.Schema):
    """Solved tickets by how complex they are: from beginning to solution, and the work that was booked on them."""

    solved = fields.List(fields.Nested(Times), required=True)
    worked = fields.List(fields.Nested(Times), required=True)


class OneShare(ma.Schema):
    """A count of so many, with the 95 % interval of the true share."""

    hits = fields.Integer(required=True)
    n = fields.Integer(required=True)
    rate = fields.Float(allow_none=True, required=True)
    low = fields.Float(allow_none=True, required=True)
    high = fields.Float(allow_none=True, required=True)


class Coverage(ma.Schema):
    """Tickets solved within what was told, of those whose time is over."""

    week = fields.String(allow_none=True, required=True, metadata={"description": "Its Monday; null: of all weeks."})
    n = fields.Integer(required=True, metadata={"description": "Tickets that came."})
    untold = fields.Integer(required=True, metadata={"description": "Tickets of which no `8 of 10` could be told."})
    p50 = fields.Nested(OneShare, required=True)
    p80 = fields.Nested(OneShare, required=True)
    p90 = fields.Nested(OneShare, required=True)
    verdict = fields.String(
        required=True,
        validate=validate.OneOf(("green", "hopeful", "careful", "")),
        metadata={"description": "Of `8 of 10`: green from 0.75 to 0.90, hopeful below, careful above, or too few."},
    )


class OneLoss(ma.Schema):
    """Mean pinball loss in hours: of what was told, and of one time for all tickets."""

    p = fields.Float(required=True)
    n = fields.Integer(required=True)
    told = fields.Float(allow_none=True, required=True)
    base = fields.Float(allow_none=True, required=True)


class Calibration(ma.Schema):
    """Whether the times that were told came true."""

    every = fields.Nested(Coverage, required=True, data_key="all")
    weeks = fields.List(fields.Nested(Coverage), required=True)
    losses = fields.List(fields.Nested(OneLoss), required=True)
    promises = fields.Nested(
        OneShare, required=True, metadata={"description": "Promises of people that were kept, of those that are due."}
    )


class About(Schema):
    """Which ticket."""

    ticket = fields.String(
        required=True, validate=validate.Length(1, 100), metadata={"description": "Its id, or its number: `T-1042`."}
    )


class OneSide(ma.Schema):
    """What one side did with such tickets. Times are null where there is not enough data."""

    side = fields.String(required=True, metadata={"description": "`internal`, or `provider:<slug>`."})
    enough = fields.Boolean(required=True)
    n = fields.Integer(required=True, metadata={"description": "Tickets given to it that are solved."})
    open = fields.Integer(required=True)
    median = fields.Nested(OneSpan, allow_none=True, required=True)
    median_low = fields.Nested(OneSpan, allow_none=True, required=True)
    median_high = fields.Nested(OneSpan, allow_none=True, required=True)
    p80 = fields.Nested(OneSpan, allow_none=True, required=True)
    passed_on = fields.Nested(OneShare, required=True)
    reopened = fields.Nested(OneShare, required=True)
    satisfied = fields.Nested(OneShare, required=True)
    median_cost = fields.Integer(allow_none=True, required=True)
    workload = fields.Float(
        allow_none=True, required=True, metadata={"description": "Hours of open work for each hour it has in a week."}
    )


class OneRecommendation(ma.Schema):
    """Who should have a ticket, and why; without a choice nothing is sure."""

    choice = fields.String(allow_none=True, required=True)
    confirmed = fields.Boolean(required=True, metadata={"description": "Nothing speaks against the choice."})
    because = fields.List(fields.String(), required=True)
    but = fields.List(fields.String(), required=True)
    basis = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    sides = fields.List(fields.Nested(OneSide), required=True)
    as_of = fields.String(required=True)


estimates = Blueprint("estimates")
recommendations = Blueprint("recommendation")


@estimates.route("", methods=["GET"])
@needs("estimate.read")
@estimates.arguments(OfKind, location="query")
@estimates.response(200, OneEstimate)
def tell_an_estimate(args: dict[str, Any]) -> Any:
    """Tell how long such tickets take"""
    known = runtime().histories.known(runtime().now())
    return _estimate(known.service(args["service"]) if "service" in args else known.estimate(Kind.of(args)))


@estimates.route("/services", methods=["GET"])
@needs("estimate.read")
@estimates.response(200, Expectations)
def list_expectations() -> Any:
    """List what may be expected of each service"""
    found = published(runtime().histories.known(runtime().now()))
    return {"items": [{"service": service, "estimate": _estimate(estimate)} for service, estimate in found]}


@estimates.route("/complexity", methods=["GET"])
@needs("estimate.read")
@estimates.response(200, Complexities)
def list_times_by_complexity() -> Any:
    """List how long tickets took, by how complex they are"""
    solved, worked = runtime().histories.by_complexity(runtime().now())
    return {"solved": solved, "worked": worked}


@estimates.route("/calibration", methods=["GET"])
@needs("estimate.read")
@estimates.response(200, Calibration)
def tell_the_calibration() -> Any:
    """Tell whether the estimates came true"""
    now = runtime().now()
    forecasts = runtime().histories.forecasts(now)
    every, weeks = calibration.calibrate(forecasts, now)
    return {
        "every": _coverage(every),
        "weeks": [_coverage(week) for week in weeks],
        "losses": calibration.losses(forecasts),
        "promises": runtime().histories.kept(now),
    }


@recommendations.route("", methods=["GET"])
@needs("estimate.read")
@recommendations.arguments(About, location="query")
@recommendations.response(200, OneRecommendation)
def recommend_a_side(args: dict[str, Any]) -> Any:
    """Recommend who should have a ticket"""
    rt = runtime()
    try:
        row = reading(lambda conn: read.find(conn, rt, me(), args["ticket"]))
    except NotFound:
        refuse("ticket", "no such ticket", args["ticket"])
    kind = Kind.of({**read.fields_of(row), "priority": row.priority})
    found = recommend.recommend(kind, runtime().histories.history(kind.category, rt.now()))
    return {
        "choice": found.choice or None,
        "confirmed": found.confirmed,
        "because": [str(said) for said in found.because],
        "but": [str(said) for said in found.but],
        "basis": dict(found.basis),
        "sides": [_side(side) for side in found.sides],
        "as_of": iso(found.as_of),
    }


def _estimate(one: Estimate) -> dict[str, Any]:
    return {
        "enough": one.enough,
        **{name: _span(time) for name, time in (("p50", one.p50), ("p80", one.p80), ("p90", one.p90))},
        "n": one.finished,
        "open": one.open,
        "level": one.level,
        "basis": dict(one.basis),
        "as_of": iso(one.as_of),
        "said": [str(said) for said in one.said()],
    }


def _span(time: int | None) -> dict[str, Any] | None:
    if time is None:
        return None
    span: Span = rounded_up(time)
    return {"text": str(span), "count": span.count, "unit": span.unit, "seconds": time // SECOND}


def _coverage(one: calibration.Calibrated) -> dict[str, Any]:
    shares: dict[str, Share] = {f"p{round(100 * p)}": share for p, share in zip(SHARES, one.shares, strict=True)}
    week = None if one.start is None else iso(one.start)[:10]
    return {"week": week, "n": one.n, "untold": one.untold, "verdict": one.verdict, **shares}


def _side(one: recommend.Side) -> dict[str, Any]:
    low, high = one.median_within
    times = {"median": one.median, "median_low": low, "median_high": high, "p80": one.p80}
    shares = {"passed_on": one.passed_on, "reopened": one.reopened, "satisfied": one.satisfied}
    counts = {"n": len(one.finished), "open": len(one.ages), "median_cost": one.median_cost, "workload": one.load}
    return {
        "side": one.name,
        "enough": one.enough,
        **{name: _span(time) for name, time in times.items()},
        **shares,
        **counts,
    }
