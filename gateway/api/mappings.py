"""``/mappings``: how a desk's fields become ours: drafts, proofs, versions, and what each link has of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import marshmallow as ma
from flask import request
from marshmallow import fields, validate
from sqlalchemy import Connection, select

from gateway.api.base import (
    Blueprint,
    Schema,
    Whole,
    by,
    documented,
    needs,
    page_of,
    reading,
    refuse,
    runtime,
    text,
    writing,
)
from gateway.api.documents import Back, Compare, Difference, Text, told, who
from gateway.api.idempotency import once
from gateway.clock import iso
from gateway.errors import Conflict, NotFound
from gateway.providers import meanings, publishing, versions
from gateway.providers.documents import Mistakes
from gateway.providers.publishing import Moved, Wish
from gateway.providers.versions import LONGEST, Draft, Version
from gateway.store import tables
from mappings.loader import load
from mappings.model import MappingError

_SLUG = validate.Regexp(r"^[a-z0-9-]{2,40}$")


class Mapping(ma.Schema):
    """One published version of a mapping; ``version`` is null while there is a draft alone. ``links``: how many live
    links have it; ``connections``: where new ones get it; ``draft``: whether somebody is writing another."""

    id = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True, allow_none=True)
    parent = fields.String()
    hash = fields.String()
    accepted = fields.List(fields.String())
    author = fields.String()
    reason = fields.String()
    created_at = fields.String(required=True)
    links = fields.Integer()
    connections = fields.List(fields.String())
    draft = fields.Boolean()
    text = fields.String()
    effective = fields.String(metadata={"description": "The whole document as canonical JSON, in ids where known."})


class Written(ma.Schema):
    """The draft of a mapping. The ETag is for If-Match."""

    name = fields.String(required=True)
    text = fields.String(required=True)
    etag = fields.String(required=True)
    author = fields.String(required=True)
    changed_at = fields.String(required=True)


class Complaint(ma.Schema):
    """One thing wrong with a text, at its line and column; ``severity`` E cannot be published, W has to be accepted by
    ``name``."""

    file = fields.String(required=True)
    line = fields.Integer(required=True)
    col = fields.Integer(required=True)
    severity = fields.String(required=True, validate=validate.OneOf(("E", "W")))
    code = fields.String(required=True)
    cause = fields.String(required=True)
    example = fields.String(required=True)
    fix = fields.String(required=True)
    name = fields.String(required=True)


class MappingProof(ma.Schema):
    """What the prover says, against every connection that uses the mapping. ``assumed``: custom fields taken as they
    are written, for no desk was there to tell."""

    ok = fields.Boolean(required=True)
    name = fields.String(required=True)
    hash = fields.String(required=True)
    connections = fields.List(fields.String(), required=True)
    assumed = fields.List(fields.String(), required=True)
    complaints = fields.List(fields.Nested(Complaint), required=True)
    warnings = fields.List(fields.String(), required=True)


class Proving(Schema):
    """A text, and connections that are to use it besides those that do."""

    text = text(LONGEST, required=True)
    connections = fields.List(fields.String(validate=_SLUG), load_default=list)


class Publishing(Schema):
    """Why; by default the draft, for all links. ``accept``: warnings by name, by code, or ``all``; ``expect``: the
    number of the version it was compared with, 0 for none."""

    reason = text(500, required=True)
    text = text(LONGEST)
    accept = fields.List(fields.String(validate=validate.Length(1, 100)), load_default=list)
    percent = Whole(load_default=100, validate=validate.Range(0, 100))
    connections = fields.List(fields.String(validate=_SLUG), load_default=list)
    expect = Whole(validate=validate.Range(0, 1_000_000))


class Share(Schema):
    """The share of the live links that is to have the newest version: 100 for all, and for new ones."""

    percent = Whole(required=True, validate=validate.Range(0, 100))
    reason = text(500, load_default="")
    connections = fields.List(fields.String(validate=_SLUG), load_default=list)


class Stayed(ma.Schema):
    """A link that could not be moved, and why."""

    ticket = fields.String(required=True)
    link = fields.String(required=True)
    connection = fields.String(required=True)
    why = fields.String(required=True)


class Result(ma.Schema):
    """What became of the live links: ``moved`` now, ``there`` already, ``left`` outside the share. The same again
    finishes what ``failed``."""

    version = fields.Nested(Mapping, required=True)
    percent = fields.Integer(required=True)
    connections = fields.List(fields.String(), required=True)
    moved = fields.Integer(required=True)
    there = fields.Integer(required=True)
    left = fields.Integer(required=True)
    failed = fields.List(fields.Nested(Stayed), required=True)


_IF_MATCH = {
    "name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
    "description": "The ETag of the draft this was made from; without it there has to be none yet.",
}  # fmt: skip
blp = Blueprint("mappings")


# --- what there is ---


@blp.route("", methods=["GET"])
@needs("mapping.read")
@blp.response(200, page_of(Mapping))
def list_mappings() -> Any:
    """List the mappings, each in its newest version, and those of which there is a draft alone"""

    def look(conn: Connection) -> list[dict[str, Any]]:
        found = versions.newest_of_each(conn, "mapping")
        drafts = {one.name: one for one in versions.drafts(conn, "mapping")}
        here = [{**_mapping(conn, one), "draft": one.name in drafts} for one in found]
        published = {one.name for one in found}
        return here + [_begun(one) for name, one in drafts.items() if name not in published]

    return {"items": reading(look), "next": None}


def _mapping(conn: Connection, one: Version, whole: bool = False) -> dict[str, Any]:
    c = tables.connection.c
    users = list(conn.scalars(select(c.name).where(c.mapping_id == one.id).order_by(c.name)))
    links = publishing.standing(conn, one.name).get(one.id, 0)
    return {**told(one, whole), "links": links, "connections": users}


def _begun(one: Draft) -> dict[str, Any]:
    said = {"author": who(one.author), "created_at": iso(one.changed_at)}
    return {"id": None, "name": one.name, "version": None, **said, "links": 0, "connections": [], "draft": True}


@blp.route("", methods=["POST"])
@needs("mapping.write")
@once()
@blp.arguments(Text)
@blp.response(201, Written)
def begin_mapping(body: dict[str, Any]) -> Any:
    """Begin a mapping: keep a text as the draft of a name that there is none of yet"""
    try:
        named = load(body["text"], "mapping").get("name")
    except MappingError as error:
        raise Mistakes("mapping", meanings.mistakes(error.complaints)) from None
    name = named.text or "" if named is not None else ""
    if not versions.NAME.fullmatch(name):
        refuse("text", "a mapping needs a name", name, "Write name: and one that begins with a-z or 0-9.")
    with writing() as conn:
        if versions.history(conn, "mapping", name):
            raise Conflict(
                "there is a mapping of this name", "name", name, "Write another version of it: PUT its draft."
            )
        made = versions.save(conn, by(), "mapping", name, body["text"], None)
    answer, _, headers = _draft(made)
    return answer, 201, {**headers, "Location": f"/api/v1/mappings/{name}/draft"}


@blp.route("/prove", methods=["POST"])
@needs("mapping.write")
@blp.arguments(Proving)
@blp.response(200, MappingProof)
def prove_mapping(body: dict[str, Any]) -> Any:
    """Say everything that is wrong with a mapping, against every connection that uses it; nothing is written"""
    _known(body["connections"])
    rt = runtime()
    with rt.store.read() as conn:
        try:
            found = publishing.proof(rt, conn, body["text"], "mapping", body["connections"])
        except NotFound as no:
            refuse("text", no.title, no.value, no.fix or "")
    names = {one: name for name, each in found.warnings.items() for one in each}
    return {
        "ok": found.holds, "name": found.name, "hash": found.hash, "connections": found.connections,
        "assumed": found.assumed, "warnings": list(found.warnings),
        "complaints": [{**asdict(one), "name": names.get(one, one.code)} for one in found.complaints],
    }  # fmt: skip


@blp.route("/<name>", methods=["GET"])
@needs("mapping.read")
@blp.response(200, page_of(Mapping))
def list_versions(name: str) -> Any:
    """List the versions of a mapping, newest first, with how many links have each"""

    def look(conn: Connection) -> list[dict[str, Any]]:
        found = versions.history(conn, "mapping", name)
        if not found:
            raise NotFound("no such mapping", "mapping")
        return [_mapping(conn, one) for one in found]

    return {"items": reading(look), "next": None}


@blp.route("/<name>/<int:version>", methods=["GET"])
@needs("mapping.read")
@blp.response(200, Mapping)
def get_version(name: str, version: int) -> Any:
    """Read one version of a mapping, with its text"""
    return reading(lambda c: _mapping(c, versions.find(c, "mapping", name, version), whole=True))


@blp.route("/<name>/diff", methods=["GET"])
@needs("mapping.read")
@blp.arguments(Compare, location="query")
@blp.response(200, Difference)
def compare_mapping(args: dict[str, Any], name: str) -> Any:
    """Compare two texts of a mapping: the draft with the newest version, or that with the one before, where none are
    named"""
    try:
        return reading(lambda c: _compared(c, name, args))
    except MappingError as error:
        raise Mistakes("draft", meanings.mistakes(error.complaints)) from None


def _compared(conn: Connection, name: str, args: dict[str, Any]) -> dict[str, Any]:
    draft = versions.draft(conn, "mapping", name) if "version" not in args else None
    found = versions.history(conn, "mapping", name)
    if draft is not None:
        after, text_, parent = "draft", draft.text, meanings.parent_of(conn, draft.text, "draft")
        older = found
    else:
        one = versions.find(conn, "mapping", name, args.get("version"))
        after, text_, older = one.label, one.text, [each for each in found if each.number < one.number]
        above, _, number = one.parent.partition("@")
        parent = versions.find(conn, "mapping", above, int(number)) if above else None
    before = versions.find(conn, "mapping", name, args["against"]) if "against" in args else next(iter(older), None)
    diff, changes = publishing.compared(conn, text_, parent, before)
    return {
        "name": name, "before": before.label if before else None, "after": after, "diff": diff, "changes": changes,
    }  # fmt: skip


# --- the draft ---


@blp.route("/<name>/draft", methods=["GET"])
@needs("mapping.read")
@blp.response(200, Written)
def get_draft(name: str) -> Any:
    """Read the draft of a mapping"""
    return _draft(_there(name))


@blp.route("/<name>/draft", methods=["PUT"])
@needs("mapping.write")
@documented(parameters=[_IF_MATCH])
@blp.arguments(Text)
@blp.response(200, Written)
def save_draft(body: dict[str, Any], name: str) -> Any:
    """Write the draft of a mapping; nothing is in force by that

    It is made from the draft with the ETag of If-Match; one that somebody else has edited meanwhile answers 412.
    """
    with writing() as conn:
        there, found = versions.draft(conn, "mapping", name), versions.history(conn, "mapping", name)
        if there is None and not found:
            raise NotFound("no such mapping", "mapping")
        publishing.own(found, name)
        made = versions.save(conn, by(), "mapping", name, body["text"], _based_on(there))
    return _draft(made)


@blp.route("/<name>/draft", methods=["DELETE"])
@needs("mapping.write")
@documented(parameters=[_IF_MATCH])
@blp.response(204)
def discard_draft(name: str) -> Any:
    """Throw the draft of a mapping away"""
    with writing() as conn:
        versions.discard(conn, "mapping", name, _based_on(versions.draft(conn, "mapping", name)))


def _based_on(there: Draft | None) -> str | None:
    """The ETag that is meant: None without If-Match, and one that fits nothing where it is not that of the draft."""
    if "If-Match" not in request.headers:
        return None
    return there.etag if there is not None and request.if_match.contains(there.etag) else "another"


def _there(name: str) -> Draft:
    found: Draft | None = reading(lambda c: versions.draft(c, "mapping", name))
    if found is None:
        raise NotFound("there is no draft", "mapping")
    return found


def _draft(one: Draft) -> tuple[dict[str, Any], int, dict[str, str]]:
    said = {"author": who(one.author), "changed_at": iso(one.changed_at)}
    return {"name": one.name, "text": one.text, "etag": one.etag, **said}, 200, {"ETag": f'"{one.etag}"'}


# --- in force ---


@blp.route("/<name>/publish", methods=["POST"])
@needs("mapping.write")
@once(marks=False)
@blp.arguments(Publishing)
@blp.response(201, Result)
def publish_mapping(body: dict[str, Any], name: str) -> Any:
    """Put the draft of a mapping (or a text) in force as its next version, and move links to it

    It has to prove against every connection that uses it. With `percent` below 100 only that share of the live links is
    moved, and new ones keep the version before. No move writes anything at a remote.
    """
    _known(body["connections"])
    text_ = body["text"] if "text" in body else _there(name).text
    wish = Wish(
        text_, body["reason"], body["accept"], body["percent"], body["connections"], body.get("expect"), "mapping", name
    )
    return _moved(publishing.publish(runtime(), by(), wish)[1]), 201


@blp.route("/<name>/canary", methods=["POST"])
@needs("mapping.write")
@once(marks=False)
@blp.arguments(Share)
@blp.response(200, Result)
def widen_canary(body: dict[str, Any], name: str) -> Any:
    """Let a share of the live links have the newest version; a wider share holds a narrower one"""
    _known(body["connections"])
    return _moved(publishing.canary(runtime(), by(), name, body["percent"], body["reason"], body["connections"]))


@blp.route("/<name>/rollback", methods=["POST"])
@needs("mapping.write")
@once(marks=False)
@blp.arguments(Back)
@blp.response(201, Result)
def roll_mapping_back(body: dict[str, Any], name: str) -> Any:
    """Put an earlier version of a mapping in force again, as its next version, for all links"""
    return _moved(publishing.rollback(runtime(), by(), name, body["version"], body["reason"])), 201


def _known(connections: list[str]) -> None:
    rt = runtime()
    rt.desks.load()
    for one in connections:
        if rt.desks.id_of(one) is None:
            refuse("connections", "no such connection", one)


def _moved(moved: Moved) -> dict[str, Any]:
    public = runtime().ids.public
    failed = [
        {"ticket": f"T-{one.ticket}", "link": public(one.link_id), "connection": one.connection, "why": one.why}
        for one in moved.failed
    ]
    counts = {"moved": moved.moved, "there": moved.there, "left": moved.left, "failed": failed}
    version = reading(lambda c: _mapping(c, moved.version))
    return {"version": version, "percent": moved.percent, "connections": moved.connections, **counts}
