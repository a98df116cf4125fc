"""``/pairings``: another Tandem connects itself with this one, by a code that an admin had made here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import marshmallow as ma
from flask import current_app, g, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from marshmallow import fields, validate

from gateway.api.base import MOST_JSON, Blueprint, Schema, authenticate, by, me, needs, runtime, text
from gateway.api.connections import SLUG
from gateway.clock import iso
from gateway.errors import Busy, Forbidden, Unauthenticated
from gateway.providers import pairing

TRIES, WINDOW = 10, 15
"""How many codes may be tried from one address within so many minutes."""

_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_HOST = "[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?"
_URL = validate.Regexp(
    rf"^(https://({_HOST}\.){{0,8}}{_HOST}|http://(localhost|127\.0\.0\.1))(:{_PORT})?$",
    error="Write https://host, or http:// and this machine, without path, query and credentials.",
)
_KEY = validate.Regexp(r"^[!-~]{20,100}$")


class NewPairing(Schema):
    """A connection to be: what it is called here, our address as the other side reaches it, whom that stands for."""

    name = fields.String(required=True, validate=SLUG)
    url = fields.String(required=True, validate=_URL)
    provider = fields.String(validate=SLUG, metadata={"description": "Default: the name."})
    provider_name = text(200)


class Pairing(ma.Schema):
    """A code, told this once. It is good once, and until then."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    expires_at = fields.String(required=True)


class End(Schema):
    """What one side gives the other: its connection's name, its address, a token for its API, and the secret with which
    to sign what it is told."""

    name = fields.String(required=True, validate=SLUG)
    url = fields.String(required=True, validate=_URL)
    token = fields.String(required=True, validate=_KEY)
    secret = fields.String(required=True, validate=_KEY)


class Finished(ma.Schema):
    """How the connection stands at this side, and what keeps it paused."""

    name = fields.String(required=True)
    state = fields.String(required=True)
    said = fields.String(required=True)


blp = Blueprint("pairings")


@blp.route("", methods=["POST"])
@needs("connection.write")
@blp.arguments(NewPairing)
@blp.response(201, Pairing)
def offer_pairing(body: dict[str, Any]) -> Any:
    """Make a code by which another Tandem connects itself with this one

    It is told this once, good once and for 15 minutes. Those made for the same name before are void.
    """
    provider = body.get("provider", body["name"])
    side = pairing.Side(body["name"], body["url"], provider, body.get("provider_name", provider))
    offer = pairing.offer(runtime(), by(), side)
    return {"code": offer.code, "name": side.name, "expires_at": iso(offer.expires_at)}, 201


def by_code(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view for who bears a code. Tries are counted by address. Raises Busy, Forbidden for who bears a token."""

    @wraps(view)
    def guarded(*args: Any, **named: Any) -> Any:
        scheme, _, code = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not code.strip().startswith(pairing.PREFIX):
            g.principal = authenticate()
            raise Forbidden("only a pairing code opens this", fix=pairing.ANOTHER)
        kept = current_app.extensions
        limiter = kept.setdefault("tandem.pairings", MovingWindowRateLimiter(MemoryStorage()))
        if not limiter.hit(RateLimitItemPerMinute(TRIES, WINDOW), request.remote_addr or ""):
            raise Busy("too many codes were tried", WINDOW * 60, f"Wait {WINDOW} minutes.")
        request.max_content_length = MOST_JSON
        return view(*args, **named)

    guarded.needs = "pairing.redeem"  # type: ignore[attr-defined]
    return guarded


@blp.route("/redeem", methods=["POST"])
@by_code
@blp.arguments(End)
@blp.response(200, End)
def redeem_pairing(body: dict[str, Any]) -> Any:
    """Use a code, borne as a token; what the other side gets of this one

    The connection is paused until the other side says that it has stored the answer.
    """
    code = request.headers["Authorization"].partition(" ")[2].strip()
    return pairing.redeem(runtime(), code, pairing.End(**body))


@blp.route("/finish", methods=["POST"])
@needs("pairing.finish")
@blp.response(200, Finished)
def finish_pairing() -> Any:
    """Say that the answer was stored: the connection is at work if its desk knows us, too"""
    asker = me()
    if asker.connection_id is None:
        raise Unauthenticated("this token is no connection's", fix=pairing.ANOTHER)
    state, said = pairing.finish(runtime(), by(), asker.connection_id)
    return {"name": asker.connection, "state": state, "said": said}
