"""``/hooks/<connection>``: where the providers' systems report what happened. Needs the database and nothing else.

Whatever is wrong with a request before it is proved is answered 401, an unknown connection too: nobody learns which
there are.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, request

from connectors.base import Arrival
from gateway import pipeline
from gateway.api.problems import answer
from gateway.inbox.webhooks import Answer, Door

MOST = 5 * 1024 * 1024
"""Bytes of a webhook."""

LATER = 5
"""Seconds until a sender may try again when nothing could be stored."""

log = logging.getLogger(__name__)
hooks = Blueprint("hooks", __name__)
_TITLES = {401: "not proved", 404: "nobody asks here", 429: "too much is waiting", 503: "cannot be stored now"}


def door() -> Door:
    found: Door = current_app.extensions["tandem.door"]
    return found


@hooks.route("/hooks/<connection>", methods=["POST"])
def knock(connection: str) -> Response:
    """Verify, store, answer. Whatever kept it from being stored, the sender is asked to send it again."""
    request.max_content_length = MOST
    hook = _arrival(request.get_data(cache=False))
    try:
        return _answered(pipeline.receive(door(), connection, hook))
    except Exception:
        log.exception("a webhook of %s could not be stored", connection)
        return _answered(Answer(503, LATER))


@hooks.route("/hooks/<connection>", methods=["GET"])
def challenge(connection: str) -> Response:
    """Answer a remote that asks whether anybody is here."""
    found = door().challenge(connection, _arrival(b""))
    if found.reply is None:
        return _answered(found)
    mime = found.reply.mime if found.reply.mime in ("text/plain", "application/json") else "text/plain"
    return Response(found.reply.body, found.reply.status, mimetype=mime)


def _arrival(body: bytes) -> Arrival:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Arrival(request.method, request.args.to_dict(), headers, body)


def _answered(said: Answer) -> Response:
    headers = {} if said.retry_after is None else {"Retry-After": str(said.retry_after)}
    if said.status < 400:
        return Response("", said.status, headers, mimetype="text/plain")
    return answer(said.status, _TITLES.get(said.status, "refused"), headers)
