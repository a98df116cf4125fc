"""Connections: whether each is well, what waits for it, and what an admin may do about it."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, url_for
from sqlalchemy import update
from werkzeug.wrappers import Response as Answer

from gateway.console import reading
from gateway.console.fields import typed
from gateway.console.parts import live, parts
from gateway.console.web import allow, done, me, needs, pages, runtime
from gateway.console.words import gettext
from gateway.errors import Conflict, NotFound
from gateway.providers import admission
from gateway.providers.connection import set_state
from gateway.store.tables import connection as table

LIST = {"cards": "connections/_cards.html"}
ONE = {"card": "connections/_one.html"}


@pages.get("/connections")
@needs("connection.read")
def connections() -> str:
    """Every connection with its health."""
    found = _all()
    return render_template("connections/list.html", parts=parts(LIST, **found), **found)


@pages.get("/connections/live")
@needs("connection.read")
def connections_live() -> Response:
    """What changed among them."""
    return live(LIST, **_all())


@pages.get("/connections/<name>")
@needs("connection.read")
def connection(name: str) -> str:
    """One connection: its health, its last tries, what came in last."""
    found = _one(name)
    return render_template("connections/page.html", parts=parts(ONE, **found), **found)


@pages.get("/connections/<name>/live")
@needs("connection.read")
def connection_live(name: str) -> Response:
    """What changed there."""
    return live(ONE, **_one(name))


def _all() -> dict[str, Any]:
    with runtime().store.read() as conn:
        return {"connections": reading.connections(conn)}


def _one(name: str) -> dict[str, Any]:
    with runtime().store.read() as conn:
        found = reading.connections(conn, name)
        if not found:
            raise NotFound("no such connection", "connection")
        id = found[0]["id"]
        return {"one": found[0], "attempts": reading.attempts(conn, id), "arrivals": reading.arrivals(conn, id)}


@pages.post("/connections/<name>/<any(pause, resume, poll, check):what>")
@needs("connection.read")
def act_on_connection(name: str, what: str) -> Answer:
    """Pause it, resume it, poll it now, or ask it who we are."""
    needed = {
        "pause": "connection.pause",
        "resume": "connection.pause",
        "poll": "connection.poll",
        "check": "connection.write",
    }
    allow(needed[what])
    rt = runtime()
    rt.desks.load()
    id = rt.desks.id_of(name)
    if id is None:
        raise NotFound("no such connection", "connection")
    return done(_ACTS[what](id), url_for("console.connection", name=name))


def _pause(id: int) -> str:
    rt = runtime()
    reason = typed("reason", 500) or f"paused by {me().name}"
    with rt.store.write() as conn:
        set_state(conn, rt.key, id, "paused", reason, me().id)
    return gettext("Paused: nothing is sent there until it is resumed.")


def _resume(id: int) -> str:
    rt = runtime()
    with rt.store.write() as conn:
        set_state(conn, rt.key, id, "active", "", me().id)
    rt.wake("deliver")
    rt.wake("tick")
    return gettext("Resumed: what waited goes out now.")


def _poll(id: int) -> str:
    rt = runtime()
    if rt.desks.row(id).state != "active":
        raise Conflict("only an active connection is polled", "connection", fix="Resume it first.")
    with rt.store.write() as conn:
        conn.execute(update(table).where(table.c.id == id).values(poll_at=rt.now()))
    rt.wake("tick")
    return gettext("It is being polled.")


def _check(id: int) -> str:
    told = admission.check(runtime(), id)
    return gettext("It answers; there we are %(me)s.") % {"me": ", ".join(told.me) or "-"}


_ACTS = {"pause": _pause, "resume": _resume, "poll": _poll, "check": _check}
