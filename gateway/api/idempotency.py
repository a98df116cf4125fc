"""``Idempotency-Key``: the same request sent twice is done once and answered twice the same.

A key belongs to its asker and its route, for a day. It is taken before the work, in a transaction of its own, so that a
second request that comes meanwhile is told so (409). It is marked as done in the transaction of the work itself; the
answer is kept with it afterwards. A refusal gives the key back. If this process dies before the work is committed, the
key is free again after ``STALE``; if it dies between the work and its answer, the request is never done again, and the
asker is told what became of it. Who was thought dead and is only slow finds the key taken over, and its work undone.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, make_response, request
from sqlalchemy import and_, delete, select, update
from werkzeug.datastructures import FileStorage

from gateway.api.base import View, documented, me, runtime
from gateway.api.problems import Refusal, Unprocessable
from gateway.batch import Done
from gateway.store.db import Road
from gateway.store.tables import idempotency

KEPT = 24 * 3_600_000_000
"""Microseconds a key is remembered."""

STALE = 120_000_000
"""Microseconds after which a key that was taken and not marked belongs to a request that died."""

TAKEN, DONE = 0, 1
"""States of a key without an answer; from 200 on it is the answer's status."""

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


def once(*untold: str, marks: bool = True) -> Callable[[View], View]:
    """A view that honours the key. ``untold``: members of the answer that are given once and never kept. ``marks``: its
    work is a ``wish`` or in ``writing``; without, a key whose request died is never free again."""

    def wrap(view: View) -> View:
        @wraps(view)
        def kept(*args: Any, **named: Any) -> Any:
            key = request.headers.get("Idempotency-Key")
            if key is None:
                return view(*args, **named)
            if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable() or " " in key:
                raise Unprocessable([{"field": "Idempotency-Key", "title": f"1 to {LONGEST} visible ASCII characters"}])
            taken = _Key(key)
            before = taken.take(marks)
            if before is not None:
                return before
            if marks:
                g.mark = taken.mark
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
        self.digest, self.at, self.marked = _digest(), 0, False

    def take(self, marks: bool = True) -> Response | None:
        """Take the key; the kept answer when this very request was done before. Raises Refusal."""
        now = self.at = self.rt.now()
        with self.rt.store.write() as conn:
            old = idempotency.c.created_at < now - KEPT
            conn.execute(delete(idempotency).where(old, *(() if next(_TAKEN) % SWEEP == 0 else self.row)))
            values = [(*self.where.values(), self.digest, TAKEN, "", now)]
            if Road(conn, self.rt.store.dialect).insert(idempotency, _COLUMNS, values, ignore=True):
                return None
            found = conn.execute(select(idempotency).where(*self.row)).one()
            dead = marks and found.status == TAKEN and found.created_at < now - STALE
            if dead and found.body_hash == self.digest:
                mine = update(idempotency).where(*self.row, self._is(found.created_at)).values(created_at=now)
                if conn.execute(mine).rowcount:
                    return None
        if found.body_hash != self.digest:
            raise Refusal(422, "this Idempotency-Key was used for another request", fix="Take a new key.",
                          errors=[{"field": "Idempotency-Key", "title": "used with another body"}])  # fmt: skip
        if found.status == DONE:
            said = json.loads(found.response).get("ticket")
            what = f"It was done: look at {said}." if said else "It was done: look what became of it."
            raise Refusal(409, "this was done, and its answer was lost", fix=what)
        if found.status == TAKEN:
            raise Refusal(409, "the first request with this Idempotency-Key has not been answered",
                          {"Retry-After": "1"}, fix="Ask again in a second, or look what became of it.")  # fmt: skip
        said = json.loads(found.response)
        response = Response(said["body"], found.status, said["headers"], mimetype=said["mime"])
        response.headers["Idempotent-Replayed"] = "true"
        return response

    def _is(self, at: int) -> Any:
        """Still taken, by the one who took it then."""
        return and_(idempotency.c.status == TAKEN, idempotency.c.created_at == at)

    def mark(self, road: Road, done: Done | None = None) -> None:
        """Note in the transaction of the work that it is done, once. Raises Refusal when another has taken over."""
        if self.marked:
            return
        ticket = done.named[-1].ticket if done is not None and done.named else None
        said = json.dumps({"ticket": f"T-{ticket.number}"} if ticket is not None else {})
        sql = (
            "update idempotency set status = ?, response = ? where principal = ? and route = ? and key = ?"
            " and status = ? and created_at = ?"
        )
        if not road.run(sql, DONE, said, *self.where.values(), TAKEN, self.at):
            raise Refusal(409, "this took too long, and was sent again meanwhile", fix="Look what became of that.")
        self.marked = True

    def keep(self, response: Response, untold: tuple[str, ...]) -> None:
        body = response.get_data(as_text=True)
        if untold:
            body = json.dumps({k: None if k in untold else v for k, v in json.loads(body).items()})
        headers = {name: response.headers[name] for name in ("ETag", "Location") if name in response.headers}
        said = json.dumps({"body": body, "headers": headers, "mime": response.mimetype})
        with self.rt.store.write() as conn:
            mine = update(idempotency).where(*self.row, idempotency.c.created_at == self.at)
            conn.execute(mine.values(status=response.status_code, response=said))

    def give_back(self) -> None:
        with self.rt.store.write() as conn:
            conn.execute(delete(idempotency).where(*self.row, self._is(self.at)))


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
