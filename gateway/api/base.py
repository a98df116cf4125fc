"""What all resources of the API share: who asks, what they may, how a body is read, how a list is paged, how a wish is
carried out.

A view is reached only through ``needs``: token, role, then the things its URL names, in that order, before any body is
read. What the asker does not see is not there (404).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import wraps
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlencode

import flask_smorest
import marshmallow as ma
from flask import Response, current_app, g, request
from marshmallow import validate
from sqlalchemy import Connection
from webargs import core
from webargs.flaskparser import FlaskParser

from gateway import pipeline
from gateway.api import problems, strict
from gateway.api.problems import Refusal, Unprocessable
from gateway.batch import Done
from gateway.decide.commands import Objection
from gateway.decide.facts import Command
from gateway.desk import read
from gateway.errors import Forbidden, NotFound, Unauthenticated
from gateway.people import tokens
from gateway.people.principal import Principal
from gateway.people.users import By
from gateway.runtime import Runtime
from gateway.store.db import Road

MOST_JSON = 2 * 1024 * 1024
"""Bytes of a JSON body: a description and everything else of a ticket fit many times."""

View = Callable[..., Any]


# --- who asks ---


def runtime() -> Runtime:
    found: Runtime = current_app.extensions["tandem"]
    return found


def me() -> Principal:
    """Who asks."""
    found: Principal = g.principal
    return found


def by() -> By:
    """Who changes something, and when, for the quiet parts."""
    rt = runtime()
    return By(me().id, rt.key, rt.now())


def authenticate() -> Principal:
    """Who the bearer token stands for. Raises Unauthenticated; a cookie means nothing here."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    rt = runtime()
    found = tokens.check(rt.store, text.strip(), rt.now()) if scheme.lower() == "bearer" else None
    if found is None:
        raise Unauthenticated("no valid token", fix="Send the header: Authorization: Bearer tdm_...")
    return found


def needs(action: str, most: int = MOST_JSON) -> Callable[[View], View]:
    """A view that only a role with this permission reaches, with the things its URL names already found: ``ticket`` as
    its row, ids as inner ids. ``most``: bytes of its body. Raises Unauthenticated, Forbidden, NotFound."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **named: Any) -> Any:
            g.principal = authenticate()
            if not g.principal.may(action):
                raise Forbidden("your role does not allow this", fix="Ask an admin for a role that may.")
            request.max_content_length = most
            return view(*args, **{name: _named(name, value) for name, value in named.items()})

        guarded.needs = action  # type: ignore[attr-defined]  # what the tests hold the routes to
        return guarded

    return wrap


def _named(name: str, value: str) -> Any:
    """The thing a part of the URL stands for."""
    rt = runtime()
    if name == "ticket":
        with rt.store.read() as conn:
            return read.find(conn, rt, me(), value)
    if name.endswith("_id"):
        return inner(value, name.removesuffix("_id"))
    if name == "connection":
        found = rt.desks.id_of(value)
        if found is None:
            rt.desks.load()
            found = rt.desks.id_of(value)
        if found is None:
            raise NotFound("no such connection", "connection")
        return rt.desks.row(found)
    return value


def inner(public: str, what: str) -> int:
    """The inner id behind a public one. Raises NotFound."""
    id = runtime().ids.inner(public)
    if id is None:
        raise NotFound(f"no such {what}", what)
    return id


def inner_of(public: str, field: str) -> int:
    """The inner id behind a public one in a body or a query. Raises Unprocessable."""
    id = runtime().ids.inner(public)
    if id is None:
        refuse(field, "not an id of this installation", public)
    return id


def refuse(field: str, title: str, value: Any = None, fix: str = "") -> NoReturn:
    """Refuse one field."""
    said = {"value": problems.shown(field, value), "fix": fix}
    raise Unprocessable([{"field": field, "title": title, **{k: v for k, v in said.items() if v not in (None, "")}}])


# --- what they send ---


class Parser(FlaskParser):
    """Reads arguments: strict JSON, nothing unknown anywhere, every field at fault named."""

    DEFAULT_UNKNOWN_BY_LOCATION: ClassVar[dict[str, str | None]] = {  # type: ignore[misc]
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": ma.RAISE, "form": ma.RAISE, "json": ma.RAISE,
    }  # fmt: skip

    def load_json(self, req: Any, schema: ma.Schema) -> Any:
        if not req.mimetype and not req.get_data(cache=True):
            return core.missing
        if not core.is_json(req.mimetype):
            raise Refusal(415, "the body has to be JSON", {"Accept": "application/json"}, fix="Send application/json.")
        try:
            return strict.loads(req.get_data(cache=True))
        except ValueError as error:
            raise Refusal(400, str(error)) from None

    def handle_error(self, error: ma.ValidationError, req: Any, schema: ma.Schema, **_: Any) -> NoReturn:
        messages = error.messages
        assert isinstance(messages, dict)
        ((location, inner_messages),) = messages.items()
        given: Any = error.data
        if location in ("query", "form"):
            given = dict((req.args if location == "query" else req.form).items())
        raise Unprocessable(list(problems.fields_at_fault(inner_messages, given)))


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A resource, or a part of one. Its routes are below ``/api/v1``."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, resource: str, part: str = "") -> None:
        super().__init__(f"api_{resource}_{part}".rstrip("_"), __name__, url_prefix=f"/api/v1/{resource}")
        self.tag = resource

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        return super().route(rule, tags=[self.tag], **options)  # type: ignore[no-any-return]


class Schema(ma.Schema):
    """What comes in has no field that is not named here."""

    class Meta:
        unknown = ma.RAISE


_NOT_BLANK = r"^[\s\S]*[^\s\u0000-\u001f\u0085\ufeff]"
"""The same in Python and in ECMA-262, which do not agree on what is a space."""


def text(longest: int, required: bool = False, **more: Any) -> ma.fields.String:
    """A text of at least one and at most ``longest`` characters that is not blank."""
    checks = [validate.Length(1, longest), validate.Regexp(_NOT_BLANK, error="Blank.")]
    return ma.fields.String(required=required, validate=checks, **more)


class Whole(ma.fields.Integer):
    """A whole number; JSON knows no other difference between 90 and 90.0, and 1.5 is refused."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Reason(Schema):
    """Why."""

    reason = text(500, load_default="")


# --- lists in pages ---

MOST = 200


class Paging(Schema):
    """Where a page begins, and how long it is."""

    limit = ma.fields.Integer(
        load_default=50, validate=validate.Range(1, MOST), metadata={"description": "Entries of a page."}
    )
    after = ma.fields.UUID(
        metadata={"description": "Go on after this place: the `next` of the page before."}, load_default=None
    )


def page_of(schema: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of a page: ``{items, next}``."""
    name = f"{schema.__name__}Page"
    known = _PAGES.get(name)
    if known is None:
        described = {"description": "Where the next page begins; null on the last one."}
        parts = {
            "items": ma.fields.List(ma.fields.Nested(schema), required=True),
            "next": ma.fields.String(allow_none=True, required=True, metadata=described),
        }
        known = _PAGES[name] = ma.Schema.from_dict(parts, name=name)  # type: ignore[arg-type]
    return known


_PAGES: dict[str, type[ma.Schema]] = {}


def place(args: Mapping[str, Any]) -> int | None:
    """The inner id a page begins after."""
    return None if args["after"] is None else inner_of(str(args["after"]), "after")


def paged(
    items: list[dict[str, Any]], next_id: int | None, moved: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer with a page, and a Link to the next one. ``moved``: what of the query is another there."""
    if next_id is None:
        return {"items": items, "next": None}, 200, {}
    cursor = runtime().ids.public(next_id)
    gone = {"after", *moved}
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in gone]
    link = f'<{request.path}?{urlencode([*kept, *moved.items(), ("after", cursor)])}>; rel="next"'
    return {"items": items, "next": cursor}, 200, {"Link": link}


# --- wishes ---


def wish(what: str, data: Mapping[str, Any], ticket: Any = None, reason: str = "") -> Done:
    """Carry out what the asker wants. A refusal is answered as a problem."""
    asker = me()
    command = Command(what, asker.id, data, reason, asker.name, asker.party)
    try:
        done = pipeline.change(runtime(), command, None if ticket is None else ticket.id, g.get("mark"))
        g.worked = True
        return done
    except Objection as error:
        raise Answered(problems.objection(error, asker.scope != "all"), error) from None


class Answered(Exception):
    """A refusal that is an answer already; ``error`` is where it came from."""

    def __init__(self, response: Response, error: Objection) -> None:
        super().__init__(error.text)
        self.response, self.error = response, error


def made(done: Done, name: str = "new:1") -> int:
    """The inner id of something a wish has made."""
    return done.named[-1].ids[name]


def made_ticket(done: Done) -> int:
    """The inner id of the ticket a wish was about."""
    found = done.named[-1].ticket
    assert found is not None
    return found.id


def reading(view: Callable[[Connection], Any]) -> Any:
    """Run one reading transaction."""
    with runtime().store.read() as conn:
        return view(conn)


@contextmanager
def writing() -> Iterator[Connection]:
    """One writing transaction of the quiet parts, with the mark of this request's Idempotency-Key."""
    with runtime().store.write() as conn:
        yield conn
        if "mark" in g:
            g.mark(Road(conn, conn.dialect.name))
    g.worked = True


def documented(**doc: Any) -> Callable[[View], View]:
    """Adds to what the OpenAPI document says of a view."""

    def wrap(view: View) -> View:
        kept = deepcopy(getattr(view, "_apidoc", {}))
        manual = kept.setdefault("manual_doc", {})
        for name, value in doc.items():
            manual[name] = [*manual.get(name, []), *value] if isinstance(value, list) else value
        view._apidoc = kept  # type: ignore[attr-defined]
        return view

    return wrap
