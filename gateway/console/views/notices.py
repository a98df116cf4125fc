"""Notices: what a remote did with what we said, and what we could not do there, in sentences."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway.console import reading
from gateway.console.parts import live, parts
from gateway.console.web import by, done, inner, needs, pages, runtime
from gateway.console.words import gettext
from gateway.desk import notices as notices_

PARTS = {"notices": "attention/_notices.html"}


@pages.get("/notices")
@needs("notice.read")
def notices() -> str:
    """The open notices, newest first."""
    found = _found()
    return render_template("attention/notices.html", parts=parts(PARTS, **found), **found)


@pages.get("/notices/live")
@needs("notice.read")
def notices_live() -> Response:
    """What changed among them."""
    return live(PARTS, **_found())


@pages.post("/notices/<id>/close")
@needs("notice.close")
def close_notice(id: str) -> Answer:
    """Tick it off."""
    with runtime().store.write() as conn:
        told = notices_.one(conn, inner(id, "notice"))
        notices_.close(conn, by(), told.id)
    back = url_for("console.ticket", ref=f"T-{told.ticket}") if told.ticket else url_for("console.notices")
    return done(gettext("Ticked off."), back)


def _found() -> dict[str, Any]:
    rt = runtime()
    before = inner(request.args["before"], "notice") if request.args.get("before") else None
    with rt.store.read() as conn:
        found, following = reading.notices(conn, rt.ids, before=before)
        alarms = reading.alarms(conn)
    return {"notices": found, "alarms": alarms, "following": rt.ids.public(following) if following else None}
