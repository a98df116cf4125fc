"""Notices: what a remote did with what we said, and what we could not do there, in sentences."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request

from gateway.console import reading
from gateway.console.parts import live, parts
from gateway.console.web import inner, needs, pages, runtime

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


def _found() -> dict[str, Any]:
    rt = runtime()
    before = inner(request.args["before"], "notice") if request.args.get("before") else None
    with rt.store.read() as conn:
        found, following = reading.notices(conn, before=before)
        alarms = reading.alarms(conn)
    return {"notices": found, "alarms": alarms, "following": rt.ids.public(following) if following else None}
