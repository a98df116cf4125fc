"""The API at ``/api/v1``: tickets and everything about them for programs; OpenAPI 3.1 at ``/api/v1/openapi.json``."""

from __future__ import annotations

from typing import Any

import flask_smorest
import marshmallow as ma
from flask import Flask

from gateway.api import (
    conflicts,
    connections,
    contacts,
    deadletters,
    due,
    estimates,
    hands,
    items,
    lanes,
    mappings,
    notices,
    pairings,
    people,
    policies,
    previews,
    systems,
    tickets,
    trail,
    trials,
)
from gateway.api.base import Answered
from gateway.api.problems import MIME

__all__ = ["register"]

BLUEPRINTS = (
    *(tickets.blp, hands.blp, due.blp, items.blp, contacts.blp, conflicts.blp, notices.blp),
    *(deadletters.deliveries, deadletters.arrivals, lanes.blp),
    *(
        connections.blp,
        pairings.blp,
        systems.kinds,
        systems.providers,
        mappings.blp,
        previews.blp,
        policies.blp,
        trials.blp,
    ),
    *(estimates.estimates, estimates.recommendations),
    *(people.people, people.groups, people.keys, trail.blp),
)

ABOUT = {
    "tickets": "The tickets, and everything about one.",
    "contacts": "The people who ask for help.",
    "conflicts": "Fields that both sides have changed and a person has to decide.",
    "notices": "What a person should know.",
    "deliveries": "What is or was owed to providers' systems.",
    "lanes": "Records whose deliveries wait for a person.",
    "arrivals": "What came in from them.",
    "connections": "The providers' systems, connected.",
    "pairings": "Another Tandem and this one, connected with each other by a code.",
    "connectors": "The kinds of systems that can be connected.",
    "providers": "The companies tickets are handed to.",
    "mappings": "How their fields translate into ours.",
    "policies": "What each provider may see, and who gets a new ticket.",
    "estimates": "How long tickets take, told honestly, and whether it came true.",
    "recommendation": "Who solves such tickets best.",
    "users": "The people who sign in.",
    "teams": "Our own teams and who is in them.",
    "tokens": "The tokens of programs.",
    "audit": "What happened, provably.",
}


class Fault(ma.Schema):
    """One field at fault."""

    field = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    value = ma.fields.Raw(allow_none=True)
    fix = ma.fields.String()


class Problem(ma.Schema):
    """Why not (RFC 9457). With a 412, ``current`` holds what the fields in question say now."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    field = ma.fields.String()
    value = ma.fields.Raw(allow_none=True)
    fix = ma.fields.String()
    errors = ma.fields.List(ma.fields.Nested(Fault))
    current = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Raw(allow_none=True))
    version = ma.fields.Integer()
    instance = ma.fields.String(metadata={"description": "Where the log has the cause of a 500."})


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with our errors."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """The application answers all errors, not only this part's."""

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = MIME
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/json"


def register(app: Flask) -> None:
    """Put the API into the application."""
    app.config.update(
        API_TITLE="Tandem",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.register_error_handler(Answered, lambda error: error.response)
    api = Api(app, spec_kwargs=_spec())
    for blueprint in BLUEPRINTS:
        app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = api
        app.register_blueprint(blueprint)
        blueprint.register_views_in_doc(api, app, api.spec, name=blueprint.name, parameters=None)
    for name, about in ABOUT.items():
        api.spec.tag({"name": name, "description": about})


def _spec() -> dict[str, Any]:
    return {
        "info": {"description": "One ticket, worked on by your own desk and your providers, each in its own tool."},
        "security": [{"bearer": []}],
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }
