"""``/connectors``, ``/providers``: what can be connected, and to whom."""

from __future__ import annotations

import json
from typing import Any

import marshmallow as ma
from marshmallow import fields
from sqlalchemy import select

from connectors import registry
from connectors.manifest import defined
from gateway.api.base import (
    Blueprint,
    Paging,
    needs,
    page_of,
    paged,
    place,
    reading,
    runtime,
)
from gateway.clock import iso
from gateway.errors import NotFound
from gateway.store.tables import provider


class Connector(ma.Schema):
    """A kind of system: what its connector can do, and a sentence for each thing it cannot."""

    kind = fields.String(required=True)
    auth = fields.List(fields.String())
    verbs = fields.List(fields.String())
    cannot = fields.Dict(keys=fields.String(), values=fields.String())
    settings = fields.List(fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True)))


class Provider(ma.Schema):
    """An outside company that tickets are handed to."""

    id = fields.String(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True)
    hours = fields.Raw()
    contacts = fields.Raw()
    created_at = fields.String(required=True)


kinds = Blueprint("connectors")
providers = Blueprint("providers")


# --- kinds ---


@kinds.route("", methods=["GET"])
@needs("connector.read")
@kinds.response(200, page_of(Connector))
def list_connectors() -> Any:
    """List the kinds of systems that can be connected, with what each can and cannot do"""
    return {"items": [_kind(kind) for kind in registry.kinds()], "next": None}


@kinds.route("/<kind>", methods=["GET"])
@needs("connector.read")
@kinds.response(200, Connector)
def get_connector(kind: str) -> Any:
    """Read what one kind of system can and cannot do, and what a connection to it needs"""
    if kind not in registry.kinds():
        raise NotFound("no such kind of system", "kind")
    return _kind(kind)


def _kind(kind: str) -> dict[str, Any]:
    spec = registry.manifest(kind)
    return {
        "kind": kind,
        "auth": list(spec.part("auth")),
        "verbs": sorted(defined(spec.doc)),
        "cannot": dict(spec.part("cannot")),
        "settings": [
            {"name": one.name, "type": one.type, "label": one.label, "help": one.help, "required": one.required,
             "secret": one.secret, "options": list(one.options)}
            for one in registry.form(spec)
        ],
    }  # fmt: skip


# --- providers ---


@providers.route("", methods=["GET"])
@needs("provider.read")
@providers.arguments(Paging, location="query")
@providers.response(200, page_of(Provider))
def list_providers(args: dict[str, Any]) -> Any:
    """List the providers, in the order they came"""
    after, limit = place(args) or 0, args["limit"]
    query = select(provider).where(provider.c.id > after).order_by(provider.c.id).limit(limit + 1)
    rows = reading(lambda c: list(c.execute(query)))
    return paged([_provider(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None)


@providers.route("/<slug>", methods=["GET"])
@needs("provider.read")
@providers.response(200, Provider)
def get_provider(slug: str) -> Any:
    """Read one provider"""
    row = reading(lambda c: c.execute(select(provider).where(provider.c.slug == slug)).first())
    if row is None:
        raise NotFound("no such provider", "provider")
    return _provider(row)


def _provider(row: Any) -> dict[str, Any]:
    return {
        "id": runtime().ids.public(row.id),
        **{name: getattr(row, name) for name in ("slug", "name", "state")},
        **{name: json.loads(getattr(row, name)) for name in ("hours", "contacts")},
        "created_at": iso(row.created_at),
    }
