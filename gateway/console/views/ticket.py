"""One ticket: its page, and everything a person may do to it."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import Any

from flask import Response, render_template, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as Answer

from gateway import pipeline
from gateway.clock import iso
from gateway.console import due, fields, labels, reading, story
from gateway.console.parts import live, parts, stamp_part, stamped
from gateway.console.show import holder, plainly
from gateway.console.web import done, htmx, inner, me, needs, pages, problem_page, runtime
from gateway.console.words import gettext, ngettext
from gateway.decide.facts import Command
from gateway.decide.objection import Objection
from gateway.desk.read import find, ticket_page
from gateway.errors import Invalid, NotFound, TooLarge
from gateway.store import files as store
from gateway.store.tables import conflict, team
from gateway.tickets.vocabulary import document

PARTS = {
    "head": "ticket/_head.html",
    "due": "ticket/_due.html",
    "links": "ticket/_links.html",
    "audience": "ticket/_audience.html",
    "story": "ticket/_story.html",
    "details": "ticket/_details.html",
    "why": "ticket/_why.html",
}
CHUNK = 65536
REASONED = ("kind", "due", "reason")
"""What a refusal names that a reason lifts: fields changed against what was decided, or usual; the reason itself."""


@pages.get("/tickets/<ref>")
@needs("console")
def ticket(ref: str) -> str:
    """The ticket's page; it looks again by itself."""
    with runtime().store.read() as conn:
        stamp = reading.stamp(conn, ref)
    told = _told(ref)
    return render_template("ticket/page.html", parts=parts(PARTS, **told), stamp=stamp_part(stamp), **told)


@pages.get("/tickets/<ref>/live")
@needs("console")
def ticket_live(ref: str) -> Response:
    """What changed on the page."""
    with runtime().store.read() as conn:
        stamp = reading.stamp(conn, ref)
    if stamped(stamp):
        return Response("", 204)
    changed = live(PARTS, **_told(ref)).get_data(as_text=True)
    return Response(f"{changed}{stamp_part(stamp, swap=True)}")


def _told(ref: str) -> dict[str, Any]:
    rt = runtime()
    rt.desks.load()
    with rt.store.read() as conn:
        page = ticket_page(conn, rt, me(), ref)
    return {
        "page": page,
        "due": _due(page["due"]),
        "told": due.told(page["due"]["estimate"]),
        "fields": page["fields"],
        "story": story.told(page),
        "clocks": story.clocks(page["holdings"], iso(rt.now())),
        "parties": story.parties(page),
        "editable": fields.EDITABLE if me().may("ticket.change") else (),
        "open_conflicts": [one for one in page["conflicts"] if one["state"] == "open"],
        "open_notices": [one for one in page["notices"] if one["state"] == "open"],
    }


def _due(found: dict[str, Any]) -> dict[str, Any]:
    """What is due, the clocks that are over apart."""
    looks = [{**one, "look": labels.STANDING_LOOK.get(one["standing"], "")} for one in found["clocks"]]
    over = ("fulfilled", "cancelled")
    done = [one for one in looks if one["standing"] in over]
    standing = [one for one in looks if one["standing"] not in over]
    policies = sorted({one["policy"] for one in looks if one["policy"]})
    return {**found, "open": standing, "done": done, "policies": policies}


def _id(ref: str) -> int:
    """The inner id of a ticket this reader sees. Raises NotFound."""
    with runtime().store.read() as conn:
        return int(find(conn, runtime(), me(), ref).id)


def _wish(ref: str, what: str, say: str, reason: str = "", **data: Any) -> Answer:
    """Carry out a command on this ticket. Raises Objection."""
    pipeline.change(runtime(), Command(what, me().id, data, reason, me().name), _id(ref))
    return done(say, url_for("console.ticket", ref=ref))


# --- saying ---


@pages.post("/tickets/<ref>/comments")
@needs("comment.write")
def comment(ref: str) -> Answer:
    """Say something to the chosen readers, with files; nobody chosen: our team alone."""
    audience = request.form.getlist("audience") or ["team"]
    text, given = fields.typed("text"), stored(request.files.getlist("files"))
    if given and not text:
        say = ngettext("%(num)d file attached.", "%(num)d files attached.", len(given)) % {"num": len(given)}
        return _wish(ref, "attach", say, files=given, audience=audience)
    if not text:
        raise Invalid(gettext("There is nothing to say yet."), "text", fix=gettext("Write something or choose a file."))
    say = gettext("Note added.") if audience == ["team"] else gettext("Comment added.")
    return _wish(ref, "comment", say, text=text, audience=audience, files=given)


def stored(uploads: list[FileStorage]) -> list[dict[str, Any]]:
    """The uploaded files in the file store, as commands name them. Raises TooLarge."""
    found = []
    for upload in uploads:
        if not upload.filename:
            continue
        name = plainly(PurePath(upload.filename.replace("\\", "/")).name)[:200] or "file"
        try:
            kept = runtime().files.put(iter(lambda stream=upload.stream: stream.read(CHUNK), b""))  # type: ignore[misc]
        except store.TooLarge:
            raise TooLarge("the file is too large", "files", name, "At most 25 MB.") from None
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        found.append({"name": name, "mime": mime, **kept})
    return found


@pages.post("/tickets/<ref>/worklogs")
@needs("worklog.write")
def worklog(ref: str) -> Answer:
    """Log time that was spent."""
    text = request.form.get("minutes", "")
    if not text.isdecimal() or not 0 < int(text) <= 10_000:
        raise Invalid(gettext("Say how many minutes it took."), "minutes", text, "1-10000")
    return _wish(
        ref,
        "worklog",
        gettext("Time logged."),
        minutes=int(text),
        text=request.form.get("text", "").strip(),
        started=None,
    )


# --- changing ---


@pages.get("/tickets/<ref>/fields/<name>")
@needs("ticket.change")
def edit_field(ref: str, name: str) -> str:
    """The editor of one field, where its value stood."""
    if name not in fields.EDITABLE:
        raise NotFound("no such field", name)
    with runtime().store.read() as conn:
        page = ticket_page(conn, runtime(), me(), ref, most=1)
    names = ("status", "resolution_code", "resolution_text") if name == "status" else (name,)
    edited = {
        one: {
            **document()[one],
            "shown": fields.shown(page["fields"].get(one)),
            "was": fields.wire(page["fields"].get(one)),
        }
        for one in names
    }
    return render_template(
        "ticket/_edit.html", page=page, name=name, edited=edited, choices=labels.TABLES, whole=not htmx()
    )


@pages.post("/tickets/<ref>/fields")
@needs("ticket.change")
def edit_fields(ref: str) -> Answer:
    """Change the fields that the form changed, on what they were when it was given out."""
    values = fields.given(fields.EDITABLE)
    was = fields.based_on(values)
    changed = {name: value for name, value in values.items() if fields.shown(value) != fields.shown(was.get(name))}
    if not changed:
        return done(gettext("Nothing was changed."), url_for("console.ticket", ref=ref))
    based = {name: was[name] for name in changed if name in was}
    reason = fields.typed("reason", 2000)
    try:
        return _wish(ref, "edit", gettext("Saved."), reason, fields=changed, based_on=based)
    except Objection as no:
        if no.field not in REASONED or no.conflict or reason:
            raise
        return problem_page(no.text, 422, no.field, None, no.fix, reasoned=True)


@pages.post("/tickets/<ref>/conflicts/<id>")
@needs("conflict.resolve")
def resolve(ref: str, id: str) -> Answer:
    """Decide a conflict: keep ours or take theirs."""
    keep = request.form.get("keep", "")
    if keep not in ("ours", "theirs"):
        raise Invalid(gettext("Choose ours or theirs."), "keep", keep)
    with runtime().store.read() as conn:
        row = conn.execute(
            conflict.select().where(conflict.c.id == inner(id, "conflict"), conflict.c.ticket_id == _id(ref))
        ).first()
    if row is None:
        raise NotFound("no such conflict", "conflict")
    say = gettext("Ours is kept.") if keep == "ours" else gettext("Theirs is taken.")
    return _wish(ref, "resolve", say, link=row.link_id, field=row.field, keep=keep)


# --- handing over ---


@pages.get("/tickets/<ref>/escalate")
@needs("ticket.escalate")
def escalation(ref: str) -> str:
    """To whom, why, and which earlier notes and files may go along; none is chosen beforehand."""
    rt = runtime()
    with rt.store.read() as conn:
        page = ticket_page(conn, rt, me(), ref)
    rt.desks.load()
    taken = {link["connection"] for link in page["links"] if link["role"] in ("holder", "guest")}
    offers = [
        {"name": row.name, "provider": row.provider, "title": holder(f"provider:{row.provider}"), "state": row.state}
        for row in sorted(rt.desks.rows(), key=lambda row: row.name)
        if row.name not in taken
    ]
    usable = [one for one in offers if one["state"] == "active"]
    chosen = next(
        (one for one in usable if one["name"] == request.args.get("connection")), usable[0] if usable else None
    )
    return render_template(
        "ticket/_escalate.html" if htmx() else "ticket/escalate.html",
        page=page,
        offers=offers,
        chosen=chosen,
        sends=_sends(chosen["name"]) if chosen else [],
        share=story.shareable(page, chosen["provider"]) if chosen else None,
        best=due.recommendation(rt, page["fields"], page["priority"]) if me().may("estimate.read") else None,
        reason=request.args.get("reason", ""),
        role=request.args.get("role", "holder"),
    )


def _sends(connection: str) -> list[str]:
    """The fields that go to this provider by themselves."""
    leg = runtime().desks.named(connection)
    if leg is None or leg.share is None:
        return []
    return [name for name, rule in leg.mapping.fields.items() if rule.direction != "in" and leg.share.allows(name)]


@pages.post("/tickets/<ref>/escalate")
@needs("ticket.escalate")
def escalate(ref: str) -> Answer:
    """Hand the ticket to a provider, with what was chosen for it."""
    reason = _reason()
    role = "helper" if request.form.get("role") == "helper" else "holder"
    with runtime().store.read() as conn:
        page = ticket_page(conn, runtime(), me(), ref)
    notes, given = _chosen("note", page["comments"]), _chosen("file", page["files"])
    connection = request.form.get("connection", "")
    say = gettext("Escalated.") if role == "holder" else gettext("Asked for help.")
    return _wish(ref, "escalate", say, reason, connection=connection, comments=notes, files=given, role=role)


def _chosen(name: str, items: list[dict[str, Any]]) -> list[int]:
    """The ticked items; only this ticket's own count."""
    own = {one["id"] for one in items}
    return [inner(one, name) for one in request.form.getlist(name) if one in own]


@pages.get("/tickets/<ref>/take-back")
@needs("ticket.take_back")
def taking_back(ref: str) -> str:
    """From whom, to which team, and why."""
    with runtime().store.read() as conn:
        page = ticket_page(conn, runtime(), me(), ref, most=1)
        teams = [tuple(row) for row in conn.execute(select(team.c.slug, team.c.name).order_by(team.c.name))]
    linked = [link for link in page["links"] if link["role"] in ("holder", "helper")]
    template = "ticket/_take_back.html" if htmx() else "ticket/take_back.html"
    return render_template(template, page=page, linked=linked, teams=teams)


@pages.post("/tickets/<ref>/take-back")
@needs("ticket.take_back")
def take_back(ref: str) -> Answer:
    """Take the ticket back; the provider is told why, as the last thing it hears from us."""
    with runtime().store.read() as conn:
        teams = set(conn.execute(select(team.c.slug)).scalars())
    data: dict[str, Any] = {}
    if request.form.get("to") in teams:
        data["to"] = f"team:{request.form['to']}"
    if request.form.get("connection"):
        data["connection"] = request.form["connection"]
    return _wish(ref, "take_back", gettext("Taken back."), _reason(), **data)


# --- stuck ---


@pages.get("/tickets/<ref>/stuck")
@needs("ticket.stuck")
def sticking(ref: str) -> str:
    """What does not move on."""
    with runtime().store.read() as conn:
        page = ticket_page(conn, runtime(), me(), ref, most=1)
    return render_template("ticket/_stuck.html" if htmx() else "ticket/stuck.html", page=page)


@pages.post("/tickets/<ref>/stuck")
@needs("ticket.stuck")
def stuck(ref: str) -> Answer:
    """Say that it does not move any more; who hears of it is the escalation policy's business."""
    return _wish(ref, "stuck", gettext("Those responsible hear of it."), fields.typed("reason", 500))


def _reason() -> str:
    reason = fields.typed("reason", 2000)
    if not reason:
        raise Invalid(gettext("Say why."), "reason", fix=gettext("The reason stays in the ticket's history."))
    return reason
