"""The list of tickets with its filters, and a new ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response as Answer

from gateway import pipeline
from gateway.console import labels
from gateway.console.fields import given, requester
from gateway.console.guide import guide
from gateway.console.parts import live, parts
from gateway.console.web import htmx, inner, me, needs, pages, runtime
from gateway.decide.facts import Command
from gateway.desk.read import list_tickets
from gateway.store.tables import provider, team
from gateway.tickets.vocabulary import CATEGORIES, FINAL, KINDS, LEVELS, PRIORITIES, STATUSES

PER_PAGE = 40
OPEN = tuple(status for status in STATUSES if status not in FINAL)
VIEWS = ("open", "desk", "away", "mine", "unassigned", "all")
ADDRESS = ("view", "q", "status", "priority", "holder", "provider", "after")
"""What the list's address may say; nothing else of it gets into a link."""

PARTS = {"rows": "tickets/_rows.html"}


@pages.get("/tickets")
@needs("console")
def tickets() -> str:
    """The list; it looks again by itself."""
    found = _found()
    with runtime().store.read() as conn:
        choices = _choices(conn)
    return render_template("tickets/list.html", parts=parts(PARTS, **found), choices=choices, **found)


@pages.get("/tickets/live")
@needs("console")
def tickets_live() -> Response:
    """What changed in the list."""
    return live(PARTS, **_found())


def _found() -> dict[str, Any]:
    view = request.args.get("view", "open")
    view = view if view in VIEWS else "open"
    after = inner(request.args["after"], "ticket") if request.args.get("after") else None
    with runtime().store.read() as conn:
        page = list_tickets(conn, runtime(), me(), _filters(view), after, PER_PAGE)
    following = runtime().ids.public(page["next"]) if page["next"] is not None else None
    query = {name: request.args[name] for name in ADDRESS if request.args.get(name)}
    active = bool(set(query) - {"view", "after"})
    return {"tickets": page["tickets"], "following": following, "view": view, "query": query, "active": active}


def _filters(view: str) -> dict[str, Any]:
    """What the address asks for, as the read model takes it. A search looks everywhere."""
    asked = {
        name: request.args.get(name, "").strip()[:200] for name in ("status", "priority", "provider", "holder", "q")
    }
    filters: dict[str, Any] = {name: value for name, value in asked.items() if value}
    if view != "all" and "status" not in filters and not ("q" in filters and view == "open"):
        filters["status"] = list(OPEN)
    if view == "desk":
        filters.setdefault("holder", "team:*")
    elif view == "away":
        filters.setdefault("holder", "provider:*")
    elif view == "mine":
        filters["assignee"] = me().email
    elif view == "unassigned":
        filters["assignee"] = "nobody"
    return filters


def _choices(conn: Connection) -> dict[str, Any]:
    """What the filters and the new ticket offer."""
    providers = list(conn.execute(select(provider.c.slug, provider.c.name).order_by(provider.c.name)))
    teams = list(conn.execute(select(team.c.slug, team.c.name).order_by(team.c.name)))
    return {
        "status": STATUSES,
        "priority": PRIORITIES,
        "provider": providers,
        "holder": [(f"team:{slug}", name) for slug, name in teams] + [(f"provider:{s}", n) for s, n in providers],
        "team": teams,
        "kind": KINDS,
        "level": LEVELS,
        "category": CATEGORIES,
        "labels": labels.TABLES,
    }


@pages.get("/tickets/new")
@needs("ticket.create")
def new_ticket() -> str:
    """The form of a new ticket, as a page or in a dialog."""
    with runtime().store.read() as conn:
        choices = _choices(conn)
    template = "tickets/_new.html" if htmx() else "tickets/new.html"
    return render_template(template, choices=choices, form=request.args, guide=guide())


@pages.post("/tickets/new")
@needs("ticket.create")
def create_ticket() -> Answer:
    """Open a ticket; the rules decide who has it, unless the form says so."""
    fields = given(("title", "description", "kind", "impact", "urgency", "category", "service", "tags"))
    fields["requester"] = requester(request.form)
    data: dict[str, Any] = {"fields": fields, "channel": "console"}
    if request.form.get("holder"):
        data["holder"] = _holder(request.form)
    done = pipeline.change(runtime(), Command("create", me().id, data, "", me().name))
    made = done.named[-1].ticket
    assert made is not None
    target = url_for("console.ticket", ref=f"T-{made.number}")
    if htmx():
        return Response("", 204, {"HX-Redirect": target})
    return redirect(target, 303)


def _holder(form: Mapping[str, str]) -> str:
    """The team chosen by hand; only teams are offered, providers get tickets by escalation."""
    slug = form["holder"].removeprefix("team:")
    with runtime().store.read() as conn:
        known = conn.execute(select(team.c.slug).where(team.c.slug == slug)).scalar()
    return f"team:{known}" if known else "team:service-desk"
