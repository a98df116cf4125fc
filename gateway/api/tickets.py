"""``/tickets``: the list, one ticket, making one, changing one.

A ticket is flat: its canonical fields beside its number, holder and version. What it holds nothing for is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import marshmallow as ma
from flask import request
from marshmallow import fields, validate
from sqlalchemy import select

from gateway import clock
from gateway.api.base import (
    Answered,
    Blueprint,
    Paging,
    Schema,
    documented,
    made_ticket,
    me,
    needs,
    page_of,
    paged,
    place,
    reading,
    refuse,
    runtime,
    text,
    wish,
)
from gateway.api.idempotency import once
from gateway.api.problems import Refusal
from gateway.desk import guests, read
from gateway.desk.sight import Sight, sight
from gateway.errors import Forbidden
from gateway.people.users import clean_email
from gateway.store.tables import provider, team
from gateway.tickets.vocabulary import FIELDS, KINDS, LEVELS, PRIORITIES, REQUIRED, RESOLUTIONS, STATUSES, document

_VOCABULARY = document()
_CUSTOM = tuple(name.removeprefix("custom.") for name in _VOCABULARY if name.startswith("custom."))


class Person(Schema):
    """Somebody, by e-mail address."""

    email = fields.Email(required=True, validate=validate.Length(3, 254))
    name = text(200)


def _input(name: str) -> fields.Field[Any]:
    """The field of a body for one of the vocabulary."""
    spec = _VOCABULARY[name]
    more: dict[str, Any] = {} if name in REQUIRED else {"allow_none": True}
    match spec["type"]:
        case "choice":
            return fields.String(validate=validate.OneOf(spec["values"]), **more)
        case "person":
            return fields.Nested(Person, **more)
        case "datetime":
            return fields.AwareDateTime(format="iso", **more)
        case "set":
            return fields.List(text(spec["max"]), validate=validate.Length(max=100), **more)
        case _:
            return text(spec["max"], **more)


_Custom = Schema.from_dict({name: _input(f"custom.{name}") for name in _CUSTOM}, name="Custom")
_WRITABLE = {name: _input(name) for name, spec in FIELDS.items() if "derived" not in spec}
Fields = Schema.from_dict({**_WRITABLE, "custom": fields.Nested(_Custom)}, name="Fields")


class NewTicket(Fields):  # type: ignore[misc,valid-type]
    """A ticket to be made. Without ``holder`` the routing rules decide who gets it."""

    title = text(_VOCABULARY["title"]["max"], required=True)
    reference = fields.String(
        validate=validate.Regexp(r"^[!-~]{1,120}$"),
        metadata={
            "description": "For another Tandem alone, which has to give one: it makes one ticket, however often."
        },
    )
    holder = fields.String(
        validate=validate.Regexp(r"^(team|provider):[a-z0-9-]{2,40}$"),
        metadata={"description": "`team:<slug>` or `provider:<slug>`."},
    )
    reason = text(500, metadata={"description": "Why this holder, or another kind than was decided of such tickets."})


class TicketChange(Fields):  # type: ignore[misc,valid-type]
    """The fields to change; null empties one. ``based_on`` holds what these fields said when the change was made up:
    where one says something else by now, nothing is changed (412)."""

    based_on = fields.Nested(Fields)
    reason = text(500, metadata={"description": "Why, where something was decided or promised otherwise."})


class Ticket(ma.Schema):
    """A ticket as its reader may see it."""

    id = fields.String(required=True)
    number = fields.String(required=True, metadata={"description": "For people: `T-1042`."})
    version = fields.Integer(required=True)
    title = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    kind = fields.String(allow_none=True, validate=validate.OneOf(KINDS))
    status = fields.String(allow_none=True, validate=validate.OneOf(STATUSES))
    resolution_code = fields.String(allow_none=True, validate=validate.OneOf(RESOLUTIONS))
    resolution_text = fields.String(allow_none=True)
    impact = fields.String(allow_none=True, validate=validate.OneOf(LEVELS))
    urgency = fields.String(allow_none=True, validate=validate.OneOf(LEVELS))
    priority = fields.String(allow_none=True, validate=validate.OneOf(PRIORITIES))
    category = fields.String(allow_none=True)
    subcategory = fields.String(allow_none=True)
    service = fields.String(allow_none=True)
    assets = fields.List(fields.String(), allow_none=True)
    requester = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)
    assignee = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)
    group = fields.String(allow_none=True)
    due = fields.String(allow_none=True)
    tags = fields.List(fields.String(), allow_none=True)
    custom = fields.Dict(keys=fields.String(), values=fields.Raw())
    holder = fields.String(allow_none=True, metadata={"description": "Null when it is somebody of no concern to you."})
    channel = fields.String(allow_none=True)
    reference = fields.String(allow_none=True, metadata={"description": "Under which you brought it, if you did."})
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)


class LinkInList(ma.Schema):
    """Where else a ticket is worked on."""

    connection = fields.String(required=True)
    provider = fields.String(required=True)
    number = fields.String()
    page = fields.String()
    role = fields.String()
    state = fields.String()
    leg_status = fields.String()


class TicketInList(ma.Schema):
    """A line of the list."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    version = fields.Integer(required=True)
    title = fields.String(allow_none=True)
    kind = fields.String(allow_none=True)
    status = fields.String(allow_none=True)
    priority = fields.String(allow_none=True)
    holder = fields.String(allow_none=True)
    requester = fields.String(allow_none=True, metadata={"description": "The e-mail address."})
    reference = fields.String(metadata={"description": "Under which another Tandem brought it."})
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)
    links = fields.List(fields.Nested(LinkInList))
    alarms = fields.Dict(keys=fields.String(), values=fields.Integer())


class Wanted(Paging):
    """Which tickets, newest first. With ``changed_since`` those changed longest ago come first, and a page goes on
    after both: its last ticket and when that changed."""

    status = fields.List(fields.String(validate=validate.OneOf(STATUSES)))
    kind = fields.List(fields.String(validate=validate.OneOf(KINDS)))
    priority = fields.List(fields.String(validate=validate.OneOf(PRIORITIES)))
    holder = fields.String(validate=validate.Length(1, 60))
    provider = fields.String(validate=validate.Length(1, 60))
    requester = fields.String(validate=validate.Length(1, 254))
    brought = fields.Boolean(metadata={"description": "Only what another Tandem brought; for one, what it brought."})
    reference = fields.String(
        validate=validate.Length(1, 120), metadata={"description": "Under which another Tandem brought it."}
    )
    changed_since = fields.AwareDateTime(format="iso")
    q = fields.String(validate=validate.Length(1, 200), metadata={"description": "Words of title or description."})


_IF_MATCH = {
    "name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
    "description": "The ETag of the version this change was made up on.",
}  # fmt: skip
blp = Blueprint("tickets")


@blp.route("", methods=["GET"])
@needs("ticket.read")
@blp.arguments(Wanted, location="query")
@blp.response(200, page_of(TicketInList))
def list_tickets(args: dict[str, Any]) -> Any:
    """List tickets, newest first"""
    filters = {name: args[name] for name in read.FILTERS if name in args}
    if "changed_since" in args or "reference" in args or args.get("brought"):
        return _brought(args, filters)
    found = reading(lambda c: read.list_tickets(c, runtime(), me(), filters, place(args), args["limit"]))
    return paged(found["tickets"], found["next"])


def _brought(args: dict[str, Any], filters: dict[str, Any]) -> Any:
    """The tickets that other Tandems brought."""
    since = args.get("changed_since")
    at = None if since is None else clock.to_us(since.astimezone(UTC))
    wanted = guests.Wanted(args.get("reference", ""), at, place(args), args["limit"], filters)
    found = reading(lambda c: guests.brought(c, runtime(), me(), wanted))
    moved = {"changed_since": clock.iso(found.moved)} if since is not None else {}
    return paged(found.tickets, found.next, moved)


@blp.route("", methods=["POST"])
@needs("ticket.create")
@once()
@blp.arguments(NewTicket)
@blp.response(201, Ticket)
def create_ticket(body: dict[str, Any]) -> Any:
    """Make a ticket

    Another Tandem brings one under its own reference; brought once more, it is answered (200) as it is by now.
    """
    holder, reference, reason = body.pop("holder", None), body.pop("reference", None), body.pop("reason", "")
    given = canonical(body)
    if me().scope == "connection":
        return _bring(given, holder, reference)
    if reference is not None:
        raise Forbidden(
            "only another Tandem brings a ticket under a reference", "reference", reference, "Leave it out."
        )
    if me().scope == "own":
        _own(given, holder)
    if holder is not None:
        _known_holder(holder)
    done = wish("create", {"fields": given, "channel": "api", **({"holder": holder} if holder else {})}, reason=reason)
    told, _, headers = told_ticket(made_ticket(done))
    return told, 201, {**headers, "Location": f"/api/v1/tickets/{told['id']}"}


def _bring(given: dict[str, Any], holder: str | None, reference: str | None) -> Any:
    """A ticket of another Tandem's, which has one link and one ticket here for each of its references."""
    asker = me()
    if holder is not None:
        refuse("holder", "this is not yours to set", holder, "Leave it out.")
    if reference is None:
        refuse("reference", "is needed", fix="Send your own reference of the ticket.")
    known = reading(lambda c: guests.find(c, asker, reference))
    if known is not None:
        return told_ticket(known)
    _guests_may(given)
    data = {"fields": given, "channel": f"connection:{asker.connection}"}
    try:
        done = wish("create", {**data, "guest": {"connection": asker.connection, "reference": reference}})
    except Exception as error:
        known = reading(lambda c: guests.find(c, asker, reference)) if runtime().store.doubled(error) else None
        if known is None:
            raise
        return told_ticket(known)  # it was brought twice at once
    told, _, headers = told_ticket(made_ticket(done))
    return told, 201, {**headers, "Location": f"/api/v1/tickets/{told['id']}"}


def _own(given: dict[str, Any], holder: str | None) -> None:
    """A requester asks for themselves, in the fields of the portal, and does not choose who gets it."""
    for name in given:
        if name not in ("title", "description", "kind", "impact", "urgency", "category", "subcategory", "service"):
            refuse(name, "this is not yours to set", given[name], "Leave it out.")
    if holder is not None:
        refuse("holder", "this is not yours to set", holder, "Leave it out.")
    given["requester"] = {"email": me().email, "name": me().name}


def _known_holder(holder: str, field: str = "holder") -> None:
    kind, _, slug = holder.partition(":")
    table = team if kind == "team" else provider
    if reading(lambda c: c.execute(select(table.c.id).where(table.c.slug == slug)).first()) is None:
        refuse(field, f"no such {kind}", holder)


@blp.route("/<ticket>", methods=["GET"])
@needs("ticket.read")
@blp.response(200, Ticket)
def get_ticket(ticket: Any) -> Any:
    """Read one ticket

    The ETag is its version, for If-Match.
    """
    return told_ticket(ticket.id)


@blp.route("/<ticket>", methods=["PATCH"])
@needs("ticket.change")
@documented(parameters=[_IF_MATCH])
@once()
@blp.arguments(TicketChange)
@blp.response(200, Ticket)
def change_ticket(body: dict[str, Any], ticket: Any) -> Any:
    """Change fields of a ticket

    With If-Match the change is made on that version, with `based_on` on those values; a field that somebody else has
    changed meanwhile answers 412 with what it says now, other fields do no harm.
    """
    based, reason = canonical(body.pop("based_on", None) or {}), body.pop("reason", "")
    given = canonical(body)
    if not given:
        return told_ticket(ticket.id)
    now = _allowed(given, ticket)
    if not based and not _matches(ticket):
        raise _stale(given, now, ticket)
    data = {"fields": given, "based_on": {**{name: now.get(name) for name in given}, **based}}
    try:
        wish("edit", data, ticket, reason)
    except Answered as error:
        if not error.error.conflict:
            raise
        fresh = reading(lambda c: read.find(c, runtime(), me(), ticket.id))
        raise _stale(given, read.fields_of(fresh), fresh) from None
    return told_ticket(ticket.id)


def _matches(ticket: Any) -> bool:
    return "If-Match" not in request.headers or request.if_match.contains(str(ticket.version))


def _stale(given: Mapping[str, Any], now: Mapping[str, Any], ticket: Any) -> Refusal:
    """412, with what the fields in question say now."""
    seen = reading(lambda c: sight(c, runtime(), me()))
    current = {name: seen.value(name, now.get(name)) for name in given}
    title = "the ticket was changed meanwhile"
    headers = {"ETag": etag(ticket)}
    return Refusal(
        412, title, headers, current=current, version=ticket.version, fix="Look at the values and decide again."
    )


def _allowed(given: Mapping[str, Any], ticket: Any) -> dict[str, Any]:
    """What the ticket holds now. A provider changes only what its policy shares and its mapping carries both ways; a
    guest changes what it brought."""
    asker = me()
    if asker.scope == "connection" and reading(lambda c: guests.is_one(c, asker, ticket.id)):
        _guests_may(given)
    elif asker.scope == "connection":
        leg = runtime().desks.named(asker.connection)
        seen = reading(lambda c: sight(c, runtime(), asker))
        for name, value in given.items():
            rule = leg.mapping.fields.get(name) if leg is not None else None
            if rule is None or rule.direction != "both" or not seen.shows(name):
                refuse(name, "this is not yours to change", value, "Leave it out.")
    return read.fields_of(ticket)


def _guests_may(given: Mapping[str, Any]) -> None:
    """Across two Tandems one mapping is the other's mirror: what ours would send there comes in from there, and what
    ours only takes from there is ours to say here."""
    asker, desks = me(), runtime().desks
    seen = reading(lambda c: sight(c, runtime(), asker))
    mapping = desks.mapping(asker.connection_id or 0, desks.row(asker.connection_id or 0).mapping_id)
    for name, value in given.items():
        rule = mapping.fields.get(name)
        if rule is None or rule.direction == "in" or not seen.shows(name):
            refuse(name, "this is not yours to set", value, "Leave it out.")


# --- the shape ---


def canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as canonical fields: ``custom.x`` for custom ones, times in UTC, addresses in lower case, sets sorted."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name == "custom":
            found |= {f"custom.{key}": one for key, one in value.items()}
        elif isinstance(value, dict) and "email" in value:
            found[name] = {**value, "email": clean_email(value["email"])}
        elif name == "due" and value is not None:
            found[name] = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        elif isinstance(value, list):
            found[name] = sorted(set(value))
        else:
            found[name] = value
    return found


def told_ticket(id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer with one ticket and its ETag. Raises NotFound when the asker sees it no more."""
    rt = runtime()

    def look(conn: Any) -> dict[str, Any]:
        row, seen = read.find(conn, rt, me(), id), sight(conn, rt, me())
        return {**flat(rt, seen, row), "reference": guests.reference(conn, seen, id)}

    told = reading(look)
    return told, 200, {"ETag": f'"{told["version"]}"'}


def flat(rt: Any, seen: Sight, row: Any) -> dict[str, Any]:
    """A ticket as the schema dumps it."""
    whole = read.whole(rt, seen, row)
    values = whole.pop("fields")
    names = [name for name in _VOCABULARY if "." not in name]
    custom = {name.removeprefix("custom."): one for name, one in values.items() if name.startswith("custom.")}
    return {**whole, **{name: values.get(name) for name in names}, "custom": custom}


def etag(ticket: Any) -> str:
    return f'"{ticket.version}"'
