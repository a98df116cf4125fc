"""``Idempotency-Key``: the same request sent twice is done once and answered twice the same.

A key belongs to its asker and its route, for a day. It is taken before the work, in a transaction of its own, so that a
second request that comes meanwhile is told so (409); the answer is kept with it after the work. A refusal gives the key
back. If this process dies between the work and its answer the key stays taken: the request is then never done again,
and the asker is told to look what became of it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, make_response, request
from sqlalchemy import delete, select, update
from werkzeug.datastructures import FileStorage

from gateway.api.base import View, documented, me, runtime
from gateway.api.problems import Refusal, Unprocessable
from gateway.store.db import Road
from gateway.store.tables import idempotency

KEPT = 24 * 3_600_000_000
"""Microseconds a key is remembered."""

SWEEP = 500
"""Keys taken between two looks for all that are too old."""

LONGEST = 200
_HEADER = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
    "description": "The same key with the same body is done once and answered the same for a day.",
}  # fmt: skip
_TAKEN = itertools.count(1)
_COLUMNS = ("principal", "route", "key", "body_hash", "status", "response", "created_at")


def once(*untold: str) -> Callable[[View], View]:
    """A view that honours the key. ``untold``: members of the answer that are given once and never kept."""

    def wrap(view: View) -> View:
        @wraps(view)
        def kept(*args: Any, **named: Any) -> Any:
            key = request.headers.get("Idempotency-Key")
            if key is None:
                return view(*args, **named)
            if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable() or " " in key:
                raise Unprocessable([{"field": "Idempotency-Key", "title": f"1 to {LONGEST} visible ASCII characters"}])
            taken = _Key(key)
            before = taken.take()
            if before is not None:
                return before
            try:
                response = make_response(view(*args, **named))
            except BaseException:
                if not g.get("worked"):
                    taken.give_back()
                raise
            taken.keep(response, untold)
            return response

        return documented(parameters=[_HEADER])(kept)

    return wrap


class _Key:
    """One key of one asker at one route."""

    def __init__(self, key: str) -> None:
        self.rt = runtime()
        self.where = {"principal": me().id, "route": f"{request.method} {request.path}", "key": key}
        c = idempotency.c
        self.row = (c.principal == self.where["principal"], c.route == self.where["route"], c.key == key)
        self.digest = _digest()

    def take(self) -> Response | None:
        """Take the key; the kept answer when this very request was done before. Raises Refusal."""
        now = self.rt.now()
        with self.rt.store.write() as conn:
            old = idempotency.c.created_at < now - KEPT
            conn.execute(delete(idempotency).where(old, *(() if next(_TAKEN) % SWEEP == 0 else self.row)))
            values = [(*self.where.values(), self.digest, 0, "", now)]
            if Road(conn, self.rt.store.dialect).insert(idempotency, _COLUMNS, values, ignore=True):
                return None
            found = conn.execute(select(idempotency).where(*self.row)).one()
        if found.body_hash != self.digest:
            raise Refusal(422, "this Idempotency-Key was used for another request", fix="Take a new key.",
                          errors=[{"field": "Idempotency-Key", "title": "used with another body"}])  # fmt: skip
        if not found.status:
            raise Refusal(409, "the first request with this Idempotency-Key has not been answered",
                          {"Retry-After": "1"}, fix="Ask again in a second, or look what became of it.")  # fmt: skip
        said = json.loads(found.response)
        response = Response(said["body"], found.status, said["headers"], mimetype=said["mime"])
        response.headers["Idempotent-Replayed"] = "true"
        return response

    def keep(self, response: Response, untold: tuple[str, ...]) -> None:
        body = response.get_data(as_text=True)
        if untold:
            body = json.dumps({k: None if k in untold else v for k, v in json.loads(body).items()})
        headers = {name: response.headers[name] for name in ("ETag", "Location") if name in response.headers}
        said = json.dumps({"body": body, "headers": headers, "mime": response.mimetype})
        with self.rt.store.write() as conn:
            conn.execute(update(idempotency).where(*self.row).values(status=response.status_code, response=said))

    def give_back(self) -> None:
        with self.rt.store.write() as conn:
            conn.execute(delete(idempotency).where(*self.row, idempotency.c.status == 0))


def _digest() -> str:
    """Of all the request says: its query, and its body or, of a form, every field and file."""
    hashed = hashlib.sha256(request.query_string)
    if request.mimetype != "multipart/form-data":
        hashed.update(b"\n" + request.get_data(cache=True))
        return hashed.hexdigest()
    for name, value in sorted(request.form.items(multi=True)):
        hashed.update(repr((name, value)).encode())
    for name, file in request.files.items(multi=True):
        hashed.update(repr((name, file.filename, file.mimetype, _file_digest(file))).encode())
    return hashed.hexdigest()


def _file_digest(file: FileStorage) -> str:
    found = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
    file.stream.seek(0)
    return found
