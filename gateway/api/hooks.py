"""``/hooks/<connection>``: where the providers' systems report what happened. Needs the database and nothing else.

Webhooks are many and all alike, so what posts them is answered before Flask: ``Hooks`` reads the request, lets the door
verify and store it, and answers. Whatever is wrong with a request before it is proved is answered 401, an unknown
connection too: nobody learns which there are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wsgi import get_input_stream

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
_PREFIX = "/hooks/"
_LEAST = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
]
_EMPTY = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "0"), *_LEAST]
_TITLES = {
    401: "not proved", 404: "nobody asks here", 413: "larger than a webhook may be", 429: "too much is waiting",
    503: "cannot be stored now",
}  # fmt: skip


class Hooks:
    """WSGI: who posts below ``/hooks/`` is answered here, the rest by ``app``. ``door`` gives this process's door."""

    def __init__(self, app: WSGIApplication, door: Callable[[], Door]) -> None:
        self._app = app
        self._door = door

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not path.startswith(_PREFIX):
            return self._app(environ, start)
        name = path.removeprefix(_PREFIX).removesuffix("/")
        said = self._knock(name, environ)
        if said.status < 400:
            start(f"{said.status} {HTTP_STATUS_CODES[said.status]}", [*_EMPTY, *_strict(environ)])
            return ()
        problem = _answered(said)
        problem.headers.extend([*_LEAST, *_strict(environ)])
        return problem(environ, start)

    def _knock(self, name: str, environ: WSGIEnvironment) -> Answer:
        """Verify and store. Whatever kept it from being stored, the sender is asked to send it again."""
        try:
            hook = arrival(environ, get_input_stream(environ, max_content_length=MOST).read())
            return pipeline.receive(self._door(), name, hook)
        except RequestEntityTooLarge:
            return Answer(413)
        except Exception:
            log.exception("a webhook of %s could not be stored", name)
            return Answer(503, LATER)


@hooks.route("/hooks/<connection>", methods=["GET"])
def challenge(connection: str) -> Response:
    """Answer a remote that asks whether anybody is here."""
    door: Door = current_app.extensions["tandem.door"]
    found = door.challenge(connection, arrival(request.environ, b""))
    if found.reply is None:
        return _answered(found)
    mime = found.reply.mime if found.reply.mime in ("text/plain", "application/json") else "text/plain"
    return Response(found.reply.body, found.reply.status, mimetype=mime)


def arrival(environ: dict[str, Any], body: bytes) -> Arrival:
    """A request as connectors see it: header names in small letters, of a parameter given twice the first."""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    text = environ.get("QUERY_STRING", "")
    query = dict(reversed(parse_qsl(text, keep_blank_values=True))) if text else {}
    return Arrival(environ["REQUEST_METHOD"], query, headers, body)


def _answered(said: Answer) -> Response:
    headers = {} if said.retry_after is None else {"Retry-After": str(said.retry_after)}
    return answer(said.status, _TITLES.get(said.status, "refused"), headers)


def _strict(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    return [("Strict-Transport-Security", "max-age=31536000")] if environ["wsgi.url_scheme"] == "https" else []
