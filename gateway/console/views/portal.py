"""The requester's portal: my tickets, a new one, one of them with what was said to me, and an answer."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway import pipeline
from gateway.console import due, support
from gateway.console.fields import given, typed
from gateway.console.guide import guide
from gateway.console.parts import live, parts
from gateway.console.views.ticket import stored
from gateway.console.web import done, inner, me, needs, pages, runtime
from gateway.console.words import gettext, language
from gateway.decide.facts import Command
from gateway.decide.triage.policy import DECIDED
from gateway.desk import clocks
from gateway.desk.read import find, list_tickets, ticket_page
from gateway.errors import Invalid
from gateway.tickets.vocabulary import CATEGORIES, LEVELS

PARTS = {"heading": "portal/_heading.html", "about": "portal/_about.html", "conversation": "portal/_conversation.html"}
PER_PAGE = 30


@pages.get("/portal")
@needs("portal")
def portal() -> str:
    """My tickets, newest first."""
    rt = runtime()
    after = inner(request.args["after"], "ticket") if request.args.get("after") else None
    with rt.store.read() as conn:
        page = list_tickets(conn, rt, me(), {}, after, PER_PAGE)
    following = rt.ids.public(page["next"]) if page["next"] is not None else None
    return render_template("portal/list.html", tickets=page["tickets"], following=following)


@pages.get("/portal/new")
@needs("portal")
def portal_new() -> str:
    """The form of a new ticket."""
    return render_template("portal/new.html", levels=LEVELS, categories=CATEGORIES, guide=guide())


@pages.post("/portal/new")
@needs("ticket.create")
def portal_create() -> Answer:
    """Tell the desk; the ticket is mine."""
    fields: dict[str, Any] = given(("title", "description", "urgency", "category"))
    if request.form.get("kind") in DECIDED:
        fields["kind"] = request.form["kind"]
    fields["requester"] = {"email": me().email, "name": me().name}
    wish = Command("create", _actor(), {"fields": fields, "channel": "portal"}, "", me().name, me().party)
    made = pipeline.change(runtime(), wish).named[-1].ticket
    assert made is not None
    return redirect(url_for("console.portal_ticket", ref=f"T-{made.number}"), 303)


@pages.get("/portal/tickets/<ref>")
@needs("portal")
def portal_ticket(ref: str) -> str:
    """One of my tickets."""
    told = _told(ref)
    return render_template("portal/ticket.html", parts=parts(PARTS, **told), **told)


@pages.get("/portal/tickets/<ref>/live")
@needs("portal")
def portal_ticket_live(ref: str) -> Response:
    """What changed there."""
    return live(PARTS, **_told(ref))


def _told(ref: str) -> dict[str, Any]:
    rt = runtime()
    rt.desks.load()
    with rt.store.read() as conn:
        page = ticket_page(conn, rt, me(), ref)
        about = clocks.told(conn, rt, find(conn, rt, me(), ref), language())
    files: dict[str | None, list[dict[str, Any]]] = {}
    for one in page["files"]:
        files.setdefault(one["comment"], []).append(one)
    talk = [{**one, "files": files.get(one["id"], [])} for one in page["comments"]] + files.get(None, [])
    talk.sort(key=lambda one: str(one["created_at"]), reverse=True)
    expected = due.told(about["estimate"])
    return {"page": page, "fields": page["fields"], "talk": talk, "about": about, "expected": expected}


@pages.post("/portal/tickets/<ref>/comments")
@needs("portal")
def portal_comment(ref: str) -> Answer:
    """Answer the desk."""
    with runtime().store.read() as conn:
        id = int(find(conn, runtime(), me(), ref).id)
    text, kept = typed("text"), stored(request.files.getlist("files"))
    if not text and not kept:
        raise Invalid(gettext("There is nothing to say yet."), "text", fix=gettext("Write something or choose a file."))
    data: dict[str, Any] = {"audience": ["requester"], "files": kept}
    if text:
        data["text"] = text
    pipeline.change(runtime(), Command("comment" if text else "attach", _actor(), data, "", me().name, me().party), id)
    return done(gettext("Sent."), url_for("console.portal_ticket", ref=ref))


@pages.post("/portal/tickets/<ref>/stuck")
@needs("ticket.stuck")
def portal_stuck(ref: str) -> Answer:
    """Say that it does not move any more."""
    with runtime().store.read() as conn:
        id = int(find(conn, runtime(), me(), ref).id)
    pipeline.change(runtime(), Command("stuck", _actor(), {}, typed("reason", 500), me().name, me().party), id)
    return done(gettext("Those responsible hear of it."), url_for("console.portal_ticket", ref=ref))


@pages.get("/portal/support")
@needs("portal")
def portal_support() -> str:
    """What is supported and for whom, when, and how long things take: the policies in force, and history."""
    return render_template("portal/support.html", guide=guide(), **support.told(runtime(), language()))


def _actor() -> str:
    return f"requester:{me().email}"
