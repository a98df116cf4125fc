"""Previews of draft mappings: what one would do with the traffic of the last days."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import validate

from gateway import preview as previews
from gateway.api import base
from gateway.api.base import Blueprint, Schema, Whole, me, needs, refuse, runtime
from gateway.desk import read
from gateway.errors import NotFound
from gateway.preview import Span
from gateway.providers.versions import LONGEST

blp = Blueprint("mappings", "previews")


class Asked(Schema):
    """A draft by its text, or by the name it is kept under (a version as `acme@7`), and where and how long to look."""

    text = base.text(LONGEST)
    name = base.text(100)
    connection = base.text(40, required=True)
    days = Whole(load_default=previews.DAYS, validate=validate.Range(1, previews.MOST_DAYS))
    limit = Whole(load_default=previews.LIMIT, validate=validate.Range(1, previews.LIMIT))
    ticket = base.text(40)


class Count(ma.Schema):
    """How often something is done: under the mapping in force, and under the draft."""

    before = ma.fields.Integer(required=True)
    after = ma.fields.Integer(required=True)


class FieldChange(ma.Schema):
    """One field, ours or theirs at a connection, and the row of the draft behind it."""

    field = ma.fields.String(required=True)
    side = ma.fields.String(required=True, validate=validate.OneOf(("ours", "theirs")))
    link = ma.fields.String(required=True, allow_none=True)
    before = ma.fields.Raw(required=True, allow_none=True)
    after = ma.fields.Raw(required=True, allow_none=True)
    because = ma.fields.String(required=True)


class Sight(ma.Schema):
    """By which channel something goes, and who sees it besides our team."""

    channel = ma.fields.String(required=True)
    seen_by = ma.fields.List(ma.fields.String(), required=True)


class SeenChange(ma.Schema):
    """A comment or file that others would see, or by another channel."""

    item = ma.fields.String(required=True)
    link = ma.fields.String(required=True)
    audience = ma.fields.List(ma.fields.String(), required=True)
    before = ma.fields.Nested(Sight, required=True, allow_none=True)
    after = ma.fields.Nested(Sight, required=True, allow_none=True)


class Hashes(ma.Schema):
    """The hashes of a plan under the mapping in force and under the draft."""

    before = ma.fields.String(required=True)
    after = ma.fields.String(required=True)


class Surprise(ma.Schema):
    """One item that comes to something else. `rank` 1 is the worst kind; 0 is the same."""

    rank = ma.fields.Integer(required=True)
    kind = ma.fields.String(required=True)
    ticket = ma.fields.String(required=True, allow_none=True)
    link = ma.fields.String(required=True, allow_none=True)
    item = ma.fields.String(required=True)
    at = ma.fields.String(required=True)
    fields_ = ma.fields.List(ma.fields.Nested(FieldChange), required=True, attribute="fields", data_key="fields")
    comments = ma.fields.List(ma.fields.Nested(SeenChange), required=True)
    holds = ma.fields.List(ma.fields.String(), required=True)
    refused = ma.fields.String(required=True)
    plan = ma.fields.Nested(Hashes, required=True)


class Left(ma.Schema):
    """An item that could not be planned again, and why."""

    item = ma.fields.String(required=True)
    ticket = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True)


class Looked(ma.Schema):
    """What was looked at. `unequal` above 0: the report is not to be relied on. `moved`: other versions were in force
    then. `cut`: there was more."""

    days = ma.fields.Integer(required=True)
    items = ma.fields.Integer(required=True)
    replayed = ma.fields.Integer(required=True)
    exact = ma.fields.Integer(required=True)
    unequal = ma.fields.Integer(required=True)
    moved = ma.fields.Integer(required=True)
    not_replayable = ma.fields.Integer(required=True)
    cut = ma.fields.Boolean(required=True)


class Plans(ma.Schema):
    """How many plans differ, and of how many tickets."""

    same = ma.fields.Integer(required=True)
    changed = ma.fields.Integer(required=True)
    held = ma.fields.Integer(required=True)
    tickets = ma.fields.Integer(required=True)


def _of_names(inner: Any) -> ma.fields.Dict:
    return ma.fields.Dict(keys=ma.fields.String(), values=inner, required=True)


class Report(ma.Schema):
    """What a draft would do with what has come, beside the mapping in force."""

    draft = ma.fields.String(required=True)
    hash = ma.fields.String(required=True)
    against = ma.fields.String(required=True)
    connection = ma.fields.String(required=True)
    provider = ma.fields.String(required=True)
    catalogue = ma.fields.String(required=True)
    errors = ma.fields.Integer(required=True, metadata={"description": "Errors of the prover: not to be published."})
    outbound_calls = ma.fields.Integer(required=True)
    facts = ma.fields.Nested(Looked, required=True)
    reasons = _of_names(ma.fields.Integer())
    plans = ma.fields.Nested(Plans, required=True)
    counts = _of_names(ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(Count)))
    drift = _of_names(ma.fields.Integer())
    drift_cut = ma.fields.Boolean(required=True)
    surprises = ma.fields.List(ma.fields.Nested(Surprise), required=True)
    rows = _of_names(ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer()))
    unmapped = _of_names(ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer()))
    losses = ma.fields.List(ma.fields.List(ma.fields.String()), required=True)
    not_replayable = ma.fields.List(ma.fields.Nested(Left), required=True)
    listed = ma.fields.List(
        ma.fields.Nested(Surprise), required=True,
        metadata={"description": "With `ticket`: everything that happened to it, also where it is the same."},
    )  # fmt: skip


@blp.route("/preview", methods=["POST"])
@needs("mapping.write")
@blp.arguments(Asked)
@blp.response(200, Report)
def preview_mapping(body: dict[str, Any]) -> Any:
    """Try a draft mapping on the traffic of the last days; nothing is written"""
    rt = runtime()
    if ("text" in body) == ("name" in body):
        refuse("text", "either a text or a name is expected")
    rt.desks.load()
    connection = rt.desks.id_of(body["connection"])
    if connection is None:
        refuse("connection", "no such connection", body["connection"])
    with rt.store.read() as conn:
        try:
            ticket = read.find(conn, rt, me(), body["ticket"]).id if "ticket" in body else None
        except NotFound:
            refuse("ticket", "no such ticket", body["ticket"])
        if "name" in body:
            try:
                draft = previews.named(conn, rt.desks, connection, body["name"])
            except NotFound as no:
                refuse("name", no.title, body["name"], no.fix or "")
        else:
            draft = previews.read(conn, rt.desks, connection, body["text"])
    return previews.preview(rt, draft, Span(body["days"], body["limit"], ticket))
