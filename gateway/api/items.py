"""``/tickets/<ticket>/comments``, ``/attachments``, ``/worklogs``: what is said, sent and worked on a ticket.

Nothing is said to more than our own team unless ``audience`` says so. What a provider or a requester writes is always
for them to read too, and never for another provider to see.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any
from urllib.parse import quote

import marshmallow as ma
from flask import Response, request
from marshmallow import fields, validate
from sqlalchemy import Connection
from werkzeug.datastructures import FileStorage
from werkzeug.wsgi import FileWrapper

from gateway import clock
from gateway.api.base import (
    Blueprint,
    Paging,
    Schema,
    Whole,
    documented,
    made,
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
from gateway.api.strict import clean
from gateway.batch import Done
from gateway.desk import guests, items
from gateway.desk.items import Part
from gateway.desk.sight import Sight, sight
from gateway.errors import Conflict, NotFound, TooLarge
from gateway.store import files as store_files

PARTY = r"^(team|partners|everyone|requester|provider:[a-z0-9-]{2,40})$"
SHOWN_AS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"})
"""Types that are told when a file is downloaded; any other is only bytes."""

MOST_FILES = 10
_CHUNK = 65536
_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}")


class Sending(ma.Schema):
    """What became of something on its way to a provider."""

    id = fields.String(required=True)
    connection = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(tuple(items.DELIVERY.values())))
    said = fields.String(metadata={"description": "The remote's last answer, where it was not a plain yes."})
    tries = fields.Integer()


class _Item(ma.Schema):
    id = fields.String(required=True)
    author = fields.String(required=True, metadata={"description": "`agent`, `provider:<slug>`, `requester` ..."})
    author_name = fields.String(required=True)
    created_at = fields.String(required=True)
    source = fields.String(attribute="from", allow_none=True, metadata={"description": "The connection it came from."})
    deliveries = fields.List(fields.Nested(Sending))


class Comment(_Item):
    """Something said."""

    text = fields.String(required=True)
    format = fields.String(required=True)
    audience = fields.List(fields.String(), required=True)
    edited_at = fields.String(allow_none=True)
    deleted = fields.Boolean()


class NewComment(Schema):
    """Something to say. ``audience``: who besides our team may read it."""

    text = text(65536, required=True)
    format = fields.String(load_default="plain", validate=validate.OneOf(("plain",)))
    audience = fields.List(
        fields.String(validate=validate.Regexp(PARTY)), validate=validate.Length(1, 20),
        metadata={"description": "`team` (for agents the default), `partners`, `everyone`, `requester`, `provider:x`."},
    )  # fmt: skip


class Attachment(_Item):
    """A file."""

    comment = fields.String(allow_none=True)
    name = fields.String(required=True)
    mime = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String()
    state = fields.String(
        required=True, metadata={"description": "`stored`, `remote` (still to be fetched), `refused`."}
    )
    audience = fields.List(fields.String(), required=True)


class Worklog(_Item):
    """Time worked."""

    minutes = fields.Integer(required=True)
    text = fields.String(required=True)
    started_at = fields.String(required=True)


class NewWorklog(Schema):
    """Time worked."""

    minutes = Whole(required=True, validate=validate.Range(1, 60 * 24 * 31))
    text = fields.String(load_default="", validate=validate.Length(max=4000))
    started_at = fields.AwareDateTime(format="iso")


blp = Blueprint("tickets", part="items")


# --- comments ---


@blp.route("/<ticket>/comments", methods=["GET"])
@needs("comment.read")
@blp.arguments(Paging, location="query")
@blp.response(200, page_of(Comment))
def list_comments(args: dict[str, Any], ticket: Any) -> Any:
    """List what was said on a ticket, oldest first"""
    return _page(items.comments, args, ticket)


@blp.route("/<ticket>/comments", methods=["POST"])
@needs("comment.write")
@once()
@blp.arguments(NewComment)
@blp.response(201, Comment)
def add_comment(body: dict[str, Any], ticket: Any) -> Any:
    """Say something on a ticket"""
    data = {"text": body["text"], "format": body["format"], "audience": audience(body.get("audience"), ticket)}
    done = wish("comment", data, ticket)
    return _told(items.comments, ticket, made(done)), 201


def audience(given: list[str] | None, ticket: Any) -> list[str]:
    """Whom the asker may address. Those who are not of the desk always address themselves too."""
    asker = me()
    if asker.scope == "all":
        return given or ["team"]
    seen = reading(lambda c: sight(c, runtime(), asker))
    allowed = {seen.party, "requester"} if asker.scope == "connection" else {"requester"}
    for word in given or ():
        if word not in allowed:
            refuse("audience", "not for you to address", word, f"One of: {', '.join(sorted(allowed))}.")
    holder = {ticket.holder} if asker.scope == "own" and ticket.holder.startswith("provider:") else set()
    return sorted({*(given or ()), seen.party} | holder)


# --- attachments ---


@blp.route("/<ticket>/attachments", methods=["GET"])
@needs("attachment.read")
@blp.arguments(Paging, location="query")
@blp.response(200, page_of(Attachment))
def list_attachments(args: dict[str, Any], ticket: Any) -> Any:
    """List the files of a ticket, oldest first"""
    return _page(items.files, args, ticket)


_FORM = {
    "type": "object", "required": ["file"], "additionalProperties": False,
    "properties": {
        "file": {"type": "array", "minItems": 1, "maxItems": MOST_FILES,
                 "items": {"type": "string", "format": "binary"}},
        "audience": {"type": "array", "items": {"type": "string", "pattern": PARTY}},
    },
}  # fmt: skip


@blp.route("/<ticket>/attachments", methods=["POST"])
@needs("attachment.write", most=2 * store_files.MAX_BYTES)
@documented(requestBody={"required": True, "content": {"multipart/form-data": {"schema": _FORM}}})
@once()
@blp.response(201, page_of(Attachment))
def add_attachments(ticket: Any) -> Any:
    """Attach files to a ticket

    A multipart form with one or more parts `file` and, as often as needed, `audience`.
    """
    if request.mimetype != "multipart/form-data":
        raise Refusal(415, "files come in a form", fix="Send multipart/form-data.")
    for name in {*request.form, *request.files} - {"file", "audience"}:
        refuse(name, "Unknown field.", fix="Leave it out.")
    given = request.files.getlist("file")
    if not 1 <= len(given) <= MOST_FILES:
        refuse("file", f"send 1 to {MOST_FILES} files in parts named file")
    for word in request.form.getlist("audience"):
        if not re.fullmatch(PARTY, word):
            refuse("audience", "nobody is called so", word)
    parties = audience(request.form.getlist("audience") or None, ticket)
    done = wish("attach", {"files": [_stored(file) for file in given], "audience": parties}, ticket)
    told = [_told(items.files, ticket, id) for id in _made(done, len(given))]
    return {"items": told, "next": None}, 201


@blp.route("/<ticket>/attachments/<attachment_id>", methods=["GET"])
@needs("attachment.read")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def download_attachment(ticket: Any, attachment_id: int) -> Any:
    """Download a file"""
    return download(ticket.id, attachment_id)


def download(ticket_id: int, attachment_id: int) -> Response:
    """The bytes of a file, never to be shown in place. Raises NotFound, Conflict."""

    def look(conn: Connection) -> Any:
        return items.file(conn, sight(conn, runtime(), me()), ticket_id, attachment_id)

    row = reading(look)
    if row is None:
        raise NotFound("no such attachment", "attachment")
    if row.state != "stored":
        raise Conflict(
            "its bytes are not here yet" if row.state == "remote" else "its bytes were refused", "state", row.state
        )
    file = runtime().files.open(row.key)
    mime = row.mime if row.mime in SHOWN_AS else "application/octet-stream"
    response = Response(FileWrapper(file, _CHUNK), mimetype=mime, direct_passthrough=True)
    response.call_on_close(file.close)
    response.headers["Content-Disposition"] = disposition(row.name)
    response.headers["Content-Length"] = str(row.size)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def disposition(name: str) -> str:
    """``attachment`` with the name, twice where it is not plain ASCII (RFC 6266)."""
    plain = "".join(c for c in name if c.isascii() and c not in '"\\').strip() or "file"
    header = f'attachment; filename="{plain}"'
    return header if plain == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"


def _stored(part: FileStorage) -> dict[str, Any]:
    """A part of the form as a file of ours: ``{name, mime, size, sha256, key}``."""
    mime = (part.mimetype or "").lower()
    try:
        kept = runtime().files.put(iter(lambda: part.stream.read(_CHUNK), b""))
    except store_files.TooLarge:
        raise TooLarge("a file is larger than 25 MB", "file", file_name(part.filename)) from None
    return {
        "name": file_name(part.filename),
        "mime": mime if _MIME.fullmatch(mime) else "application/octet-stream",
        **kept,
    }


def file_name(given: str | None) -> str:
    """What a file is called: the last part of a path, without control characters; only ever shown, never opened."""
    last = re.split(r"[/\\]", given or "")[-1]
    kept = "".join(c for c in last if c.isprintable() and clean(c)).strip()
    return kept[:255] or "file"


# --- worklogs ---


@blp.route("/<ticket>/worklogs", methods=["GET"])
@needs("worklog.read")
@blp.arguments(Paging, location="query")
@blp.response(200, page_of(Worklog))
def list_worklogs(args: dict[str, Any], ticket: Any) -> Any:
    """List the time worked on a ticket, oldest first"""
    return _page(items.worklogs, args, ticket)


@blp.route("/<ticket>/worklogs", methods=["POST"])
@needs("worklog.write")
@once()
@blp.arguments(NewWorklog)
@blp.response(201, Worklog)
def add_worklog(body: dict[str, Any], ticket: Any) -> Any:
    """Note time worked on a ticket"""
    if me().scope != "all" and not reading(lambda c: guests.is_one(c, me(), ticket.id)):
        raise Conflict("time worked at a provider is read from its own desk", "worklog", fix="Note it there.")
    started = body.get("started_at")
    at = clock.to_us(started.astimezone(UTC)) if started is not None else None
    done = wish("worklog", {"minutes": body["minutes"], "text": body["text"], "started": at}, ticket)
    return _told(items.worklogs, ticket, made(done)), 201


# --- all three ---


def _page(read: Any, args: dict[str, Any], ticket: Any) -> Any:
    after = place(args) or 0

    def look(conn: Connection) -> Part:
        part: Part = read(conn, runtime(), sight(conn, runtime(), me()), ticket.id, after, args["limit"])
        return part

    part = reading(look)
    return paged(part.items, part.next)


def _told(read: Any, ticket: Any, id: int) -> dict[str, Any]:
    """One of the three, as it was just written."""

    def look(conn: Connection) -> Part:
        seen: Sight = sight(conn, runtime(), me())
        part: Part = read(conn, runtime(), seen, ticket.id, id - 1, 1)
        return part

    found: list[dict[str, Any]] = reading(look).items
    return found[0]


def _made(done: Done, count: int) -> list[int]:
    return [done.named[-1].ids[f"new:{n}"] for n in range(1, count + 1)]
