"""``/connectors``, ``/providers``, ``/mappings``, ``/policies``: what can be connected, to whom, how their fields
become ours, what each provider may see, and who gets a new ticket."""

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
    Schema,
    by,
    needs,
    page_of,
    paged,
    place,
    reading,
    runtime,
    text,
    writing,
)
from gateway.api.idempotency import once
from gateway.clock import iso
from gateway.desk.actors import names
from gateway.errors import NotFound
from gateway.providers import policies, versions
from gateway.providers.versions import Version
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


class Mapping(ma.Schema):
    """One published version of a mapping."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    parent = fields.String()
    author = fields.String()
    reason = fields.String()
    created_at = fields.String(required=True)
    text = fields.String()


class Policy(ma.Schema):
    """One published version of a policy: ``share:<provider>`` or ``routing``."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    author = fields.String()
    reason = fields.String()
    created_at = fields.String(required=True)
    text = fields.String()
    notes = fields.List(fields.String(), metadata={"description": "What its author should know all the same."})


class NewPolicy(Schema):
    """A policy as it is written down, and why."""

    reason = text(500, required=True)
    text = text(200_000, required=True)


kinds = Blueprint("connectors")
providers = Blueprint("providers")
mappings = Blueprint("mappings")
rules = Blueprint("policies")


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


# --- mappings ---


@mappings.route("", methods=["GET"])
@needs("mapping.read")
@mappings.response(200, page_of(Mapping))
def list_mappings() -> Any:
    """List the mappings, each in the version in force"""
    return {"items": [_told(one) for one in reading(lambda c: versions.newest_of_each(c, "mapping"))], "next": None}


@mappings.route("/<name>", methods=["GET"])
@needs("mapping.read")
@mappings.response(200, page_of(Mapping))
def list_versions(name: str) -> Any:
    """List the versions of a mapping, newest first"""
    found = reading(lambda c: versions.history(c, "mapping", name))
    if not found:
        raise NotFound("no such mapping", "mapping")
    return {"items": [_told(one) for one in found], "next": None}


@mappings.route("/<name>/<int:version>", methods=["GET"])
@needs("mapping.read")
@mappings.response(200, Mapping)
def get_version(name: str, version: int) -> Any:
    """Read one version of a mapping, with its text"""
    found = reading(lambda c: versions.find(c, "mapping", name, version))
    return {**_told(found), "text": found.text}


def _told(one: Version) -> dict[str, Any]:
    """What is said of a version of a document; its author by name."""
    author = reading(lambda c: names(c, [one.author]))[one.author] if ":" in one.author else one.author
    told = {"id": runtime().ids.public(one.id), "author": author, "created_at": iso(one.created_at)}
    return {**one.told(), **told}


# --- policies ---


@rules.route("", methods=["GET"])
@needs("policy.read")
@rules.response(200, page_of(Policy))
def list_policies() -> Any:
    """List the policies, each in the version in force"""
    return {"items": [_told(one) for one in reading(policies.history)], "next": None}


@rules.route("", methods=["POST"])
@needs("policy.write")
@once()
@rules.arguments(NewPolicy)
@rules.response(201, Policy)
def publish_policy(body: dict[str, Any]) -> Any:
    """Put a policy in force, for everything from now on"""
    with writing() as conn:
        draft = policies.read(conn, body["text"])
        made = policies.publish(conn, by(), draft, body["reason"])
    return {**_told(made), "text": made.text, "notes": list(draft.notes)}, 201


@rules.route("/<name>", methods=["GET"])
@needs("policy.read")
@rules.response(200, page_of(Policy))
def list_policy_versions(name: str) -> Any:
    """List the versions of a policy, newest first"""
    found = reading(lambda c: policies.history(c, name))
    if not found:
        raise NotFound("no such policy", "policy")
    return {"items": [_told(one) for one in found], "next": None}


@rules.route("/<name>/<int:version>", methods=["GET"])
@needs("policy.read")
@rules.response(200, Policy)
def get_policy(name: str, version: int) -> Any:
    """Read one version of a policy, with its text"""
    found = reading(lambda c: policies.version(c, name, version))
    return {**_told(found), "text": found.text}
