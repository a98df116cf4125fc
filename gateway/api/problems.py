"""Every error of every door as problem+json (RFC 9457): what is wrong, where, with which value, and what would help.

``errors`` lists each field at fault. Values of secrets are never said back; others are cut short. What is not foreseen
is a 500 that says nothing of its cause; the log does, under the ``instance`` that the answer names.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from gateway.decide.commands import Objection
from gateway.errors import Busy, TandemError, Unauthenticated
from gateway.providers.documents import Mistakes
from gateway.runtime import Runtime

MIME = "application/problem+json"
_SECRET = ("password", "secret", "token", "key", "credential", "authorization", "cookie")
_SHOWN = 200
log = logging.getLogger(__name__)


class Unprocessable(Exception):
    """Fields that cannot be accepted: ``errors`` as they are answered."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("unprocessable")
        self.errors = errors


class Refusal(Exception):
    """Any other refusal with members of its own, e.g. ``current`` values with a 412."""

    def __init__(self, status: int, title: str, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(title)
        self.status, self.title, self.headers, self.members = status, title, headers or {}, members


def install(app: Flask) -> None:
    """Let the application answer all errors so."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(TandemError, _tandem)
    app.register_error_handler(Objection, objection)
    app.register_error_handler(Unprocessable, lambda e: _unprocessable(e.errors))
    app.register_error_handler(Refusal, lambda e: answer(e.status, e.title, e.headers, **e.members))
    app.register_error_handler(Exception, _unforeseen)


def answer(status: int, title: str, headers: Mapping[str, str] | None = None, **members: Any) -> Response:
    """A problem+json response; members that are None are left out."""
    body = {"type": "about:blank", "title": title, "status": status}
    body |= {name: value for name, value in members.items() if value is not None}
    response = Response(json.dumps(body, default=str), status, mimetype=MIME)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def shown(field: str | None, value: Any) -> Any:
    """A refused value as it may be said back, None when it may not."""
    if value is None or any(word in (field or "").lower() for word in _SECRET):
        return None
    if isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def fields_at_fault(messages: Any, given: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """Marshmallow's tree of messages as a list of ``{field, title, value?, fix?}``."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            if name == "_schema":
                yield from fields_at_fault(inner, given, path)
            else:
                yield from fields_at_fault(inner, _item(given, name), f"{path}.{name}" if path else str(name))
        return
    for text in messages if isinstance(messages, list) else [messages]:
        one = {"field": path, "title": str(text)}
        if (value := shown(path, given)) is not None:
            one["value"] = value
        yield one | ({"fix": fix} if (fix := _fix(str(text))) else {})


def _fix(text: str) -> str:
    return {"Unknown field.": "Leave it out.", "Missing data for required field.": "Give a value."}.get(text, "")


def _item(given: Any, name: Any) -> Any:
    try:
        return given[name]
    except (KeyError, IndexError, TypeError):
        return None


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None and status < 400:  # a redirect of the router's
        return error.response  # type: ignore[return-value]
    title = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else error.name
    kept = {
        name: value for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    }
    return answer(status, title, kept, detail=error.description)


def _tandem(error: TandemError) -> Response:
    said = error.problem()
    said["value"] = shown(error.field, error.value)
    if isinstance(error, Mistakes):
        said["errors"] = [mistake(one) for one in error.mistakes]
    members = {name: value for name, value in said.items() if name not in ("title", "status")}
    headers = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(max(1, round(error.after)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="tandem"'
    if error.status == 503:
        headers["Retry-After"] = "5"
    if error.status >= 500 and error.status != 503:
        log.error("%s", type(error).__name__)
    return answer(error.status, error.title, headers, **members)


def mistake(error: TandemError) -> dict[str, Any]:
    """One of several mistakes, as ``errors`` tells it."""
    said = {"value": shown(error.field, error.value), "fix": error.fix}
    return {"field": error.field or "", "title": error.title, **{k: v for k, v in said.items() if v not in (None, "")}}


def objection(error: Objection, discreet: bool = False) -> Response:
    """A refused command: 404, 409 or, where a field is at fault, 422. ``discreet``: the asker is not of the desk and is
    told the field alone, for the sentence may name another provider."""
    if error.text == "no such ticket":
        return answer(404, error.text)
    title = "this cannot be done on this ticket" if discreet else error.text
    if error.conflict:
        return answer(409, title, field=error.field, fix=None if discreet else error.fix)
    said = {} if discreet else {"value": shown(error.field, error.value), "fix": error.fix}
    kept = {name: value for name, value in said.items() if value not in (None, "")}
    return _unprocessable([{"field": error.field, "title": title, **kept}])


def _unprocessable(errors: list[dict[str, Any]]) -> Response:
    return answer(422, "the request has fields that cannot be accepted", errors=errors)


def _away(error: Exception) -> Response:
    log.error("%s %s: the database refused: %s", request.method, request.path, type(error).__name__)
    title, fix = "the database cannot be reached at the moment", "Try again in a moment."
    return answer(503, title, {"Retry-After": "5"}, fix=fix)


def _unforeseen(error: Exception) -> Response:
    rt: Runtime | None = current_app.extensions.get("tandem")
    if rt is not None and rt.store.broken(error):
        return _away(error)
    instance = secrets.token_hex(8)
    log.exception("%s %s failed [%s]", request.method, request.path, instance, exc_info=error)
    return answer(500, "something went wrong here", instance=instance, fix="Try again; the log has the cause.")
