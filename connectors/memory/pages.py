"""The memory desk's own page, on which a person plays the provider: plain HTML, every value escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from connectors.memory.desk import Desk
from connectors.memory.rules import OVER, STATUSES, DeskError, Invalid, Missing
from connectors.memory.tickets import Staff, Ticket
from connectors.simulators.loopback import Request, Response

LABELS = {
    "open": "Open",
    "working": "In progress",
    "waiting": "Waiting for customer",
    "vendor": "Waiting for supplier",
    "done": "Done",
    "closed": "Closed",
    "rejected": "Rejected",
}
PRIORITIES = {"1": "Critical", "2": "High", "3": "Normal", "4": "Low", "5": "Planned"}
LOCAL = ("127.0.0.1", "localhost", "::1")
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = {"desk.css": "text/css", "desk.js": "text/javascript"}


class Pages:
    """Answers what people ask for in a browser. No sign-in: it serves this machine alone, by name and origin."""

    def __init__(self, desk: Desk, name: str, me: str) -> None:
        self._desk = desk
        self._name = name
        self._me = me
        self._templates = Environment(
            loader=PackageLoader("connectors.memory", "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def __call__(self, request: Request) -> Response:
        """One page or one act of a person."""
        if not local(request):
            return Response(403, b"only from this machine", "text/plain")
        try:
            return self._route(request, request.path.strip("/").split("/"))
        except Missing as no:
            return self._page("message.html", 404, text=no.said)
        except DeskError as no:
            return self._page("message.html", 422, text=no.said)

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", [""]:
                return self._list(request.query)
            case "GET", ["favicon.ico"]:
                return Response(204)
            case "GET", ["tickets", id]:
                return self._ticket(id)
            case "GET", ["static", name] if name in STATIC:
                text = files("connectors.memory").joinpath("static", name).read_bytes()
                return Response(200, text, STATIC[name], SAFE)
            case "GET", ["tickets", id, "files", file]:
                return self._file(id, file)
            case "POST", ["tickets", id, "files"]:
                self._upload(request, id)
                return back(id)
            case "POST", ["tickets", id, act]:
                self._act(id, act, dict(parse_qsl(request.body.decode(), keep_blank_values=True)))
                return back(id)
        raise Missing("There is no such page.")

    def _list(self, query: Mapping[str, str]) -> Response:
        show = query.get("show", "active")
        words = query.get("q", "").lower().split()
        every = [each for each in list(self._desk.tickets.values()) if not each.deleted]
        counts = {name: sum(fits(each, name) for each in every) for name in ("active", "waiting", "over", "all")}
        rows = [each for each in every if fits(each, show) and all(word in searchable(each) for word in words)]
        rows.sort(key=lambda each: each.updated, reverse=True)
        return self._page("list.html", rows=rows[:200], show=show, counts=counts, q=query.get("q", ""))

    def _ticket(self, id: str) -> Response:
        ticket = self._desk.get(id)
        entries: list[tuple[str, Any]] = [("comment", each) for each in ticket.comments if not each.deleted]
        entries += [("file", each) for each in ticket.uploads]
        entries += [("work", each) for each in ticket.worklogs]
        entries.sort(key=lambda entry: (entry[1].created, int(entry[1].id)))
        return self._page("ticket.html", ticket=ticket, entries=entries)

    def _file(self, id: str, file: str) -> Response:
        for each in self._desk.get(id).uploads:
            if each.id == file:
                name = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in each.name)
                headers = {**SAFE, "Content-Disposition": f'attachment; filename="{name}"'}
                return Response(200, each.data, "application/octet-stream", headers)
        raise Missing("There is no such file.")

    def _upload(self, request: Request, id: str) -> None:
        who = self._person(request.query.get("as", ""))
        mime = request.headers.get("content-type", "application/octet-stream")
        public = request.query.get("public") == "true"
        self._desk.upload(who.id, id, request.query.get("name", ""), mime, request.body, public)

    def _act(self, id: str, act: str, form: Mapping[str, str]) -> None:
        who = self._person(form.get("as", ""))
        match act:
            case "status":
                self._desk.update(who.id, id, {"status": form.get("status")})
            case "take":
                self._desk.update(who.id, id, {"assignee": who.email, "status": "working"})
            case "fields":
                known = ("priority", "impact", "urgency", "category", "assignee")
                self._desk.update(who.id, id, {name: form[name] for name in known if name in form})
            case "comment":
                self._desk.comment(who.id, id, form.get("text", ""), form.get("public") == "true")
            case "resolve":
                self._desk.comment(who.id, id, form.get("text", ""), True)
                self._desk.update(who.id, id, {"status": "done"})
            case "work":
                minutes = form.get("minutes", "")
                if not minutes.isdecimal():
                    raise Invalid("minutes must be a number", "minutes")
                started = self._desk.clock() - timedelta(minutes=min(int(minutes), 1440))
                self._desk.log(who.id, id, int(minutes), form.get("text", ""), started)
            case _:
                raise Missing("There is no such act.")

    def _person(self, id: str) -> Staff:
        who = self._desk.people.get(id)
        if who is None or who.id == self._me:
            raise Invalid("Choose who you are.")
        return who

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        staff = [each for each in self._desk.people.values() if each.id != self._me]
        html = self._templates.get_template(template).render(
            name=self._name,
            me=self._me,
            staff=staff,
            people=self._desk.people,
            statuses=STATUSES,
            labels=LABELS,
            priorities=PRIORITIES,
            over=OVER,
            now=self._desk.clock(),
            **values,
        )
        return Response(status, html.encode("utf-8", "replace"), "text/html", SAFE)


def local(request: Request) -> bool:
    """Asked by a name of this machine and, where a browser says so, from our own page: no other site may act here."""
    host = urlsplit(f"//{request.headers.get('host', '')}")
    origin = request.headers.get("origin")
    return host.hostname in LOCAL and (origin is None or urlsplit(origin).netloc == host.netloc)


def fits(ticket: Ticket, show: str) -> bool:
    """Whether the ticket belongs on that tab of the list."""
    status = str(ticket.fields["status"])
    kinds = {"all", "over" if status in OVER else "active"}
    return show in kinds or (show == "waiting" and status in ("waiting", "vendor"))


def searchable(ticket: Ticket) -> str:
    """What the search looks at."""
    return f"{ticket.id} {ticket.fields['title']} {ticket.fields['requester']} {ticket.fields['reference']}".lower()


def back(id: str) -> Response:
    """Shows the ticket again."""
    return Response(303, headers={**SAFE, "Location": f"/tickets/{id}"})
