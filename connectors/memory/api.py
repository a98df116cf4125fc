"""The memory desk's REST API: the dialect that ``manifest.yaml`` describes, over one ``Desk``."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.rules import Conflict, DeskError, Invalid, Missing
from connectors.memory.tickets import Ticket
from connectors.simulators.loopback import Request, Response

PAGE_MAX = 500


class Api:
    """Answers what begins with ``/api``. A bearer token stands for the account ``me``."""

    def __init__(self, desk: Desk, token: str, me: str = "gateway") -> None:
        self.desk = desk
        self.me = me
        self._token = f"Bearer {token}"

    def __call__(self, request: Request) -> Response:
        """One call; never raises for anything a caller sent."""
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return refusal(401, "sign in with a bearer token")
        parts = request.path.strip("/").split("/")[1:]
        try:
            return self._route(request, parts)
        except Missing as no:
            return refusal(404, no.said)
        except Conflict as no:
            return refusal(412, no.said)
        except Invalid as no:
            return refusal(422, no.said, no.field)
        except DeskError as no:
            return refusal(400, no.said)

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["me"]:
                return Response.of({**wire.person_document(self.desk.people[self.me]), "desk": "memory 1"})
            case "GET", ["people"]:
                return self._people(request.query.get("email", ""))
            case "GET", ["people", id]:
                return self._person(id)
            case "GET", ["tickets"]:
                return self._found(request.query)
            case "POST", ["tickets"]:
                return whole(self.desk.create(self.me, document(request)), 201)
            case "GET", ["tickets", id]:
                return whole(self.desk.get(id))
            case "PATCH", ["tickets", id]:
                return whole(self.desk.update(self.me, id, document(request), based_on(request)))
            case "DELETE", ["tickets", id]:
                self.desk.delete(self.me, id)
                return Response(204)
            case "GET", ["changes"]:
                return self._changes(request.query)
            case "GET", ["worklogs"]:
                return self._worklogs(request.query)
            case "GET", ["files", id]:
                upload = self.desk.uploaded(id)
                return Response(200, upload.data, upload.mime)
            case _, ["tickets", id, *rest]:
                return self._item(request, id, rest)
        return refusal(404, f"there is no {request.method} {request.path}")

    def _item(self, request: Request, id: str, rest: list[str]) -> Response:
        match request.method, rest:
            case "POST", ["comments"]:
                body = document(request)
                public = truth(body.get("public", True), "public")
                made = self.desk.comment(self.me, id, text_of(body), public)
                return Response.of(wire.comment_document(made), 201)
            case "PATCH", ["comments", comment]:
                return Response.of(
                    wire.comment_document(self.desk.edit(self.me, id, comment, text_of(document(request))))
                )
            case "DELETE", ["comments", comment]:
                self.desk.edit(self.me, id, comment, None)
                return Response(204)
            case "POST", ["files"]:
                mime = request.headers.get("content-type", "application/octet-stream")
                public = truth(request.query.get("public", "false"), "public")
                name = request.query.get("name", "")
                return Response.of(
                    wire.upload_document(self.desk.upload(self.me, id, name, mime, request.body, public)), 201
                )
            case "POST", ["worklogs"]:
                return self._log(id, document(request))
        return refusal(404, f"there is no {request.method} {request.path}")

    def _people(self, email: str) -> Response:
        who = self.desk.who(email)
        return Response.of({"data": [wire.person_document(who)] if who else []})

    def _person(self, id: str) -> Response:
        who = self.desk.people.get(id)
        return Response.of(wire.person_document(who)) if who else refusal(404, f"there is nobody called {id}")

    def _found(self, query: Mapping[str, str]) -> Response:
        if "reference" not in query:
            raise Invalid("ask for a reference", "reference")
        return Response.of({"data": [wire.fields_document(each) for each in self.desk.find(query["reference"])]})

    def _changes(self, query: Mapping[str, str]) -> Response:
        rows = self.desk.since(number(query, "after", 0), min(number(query, "limit", 100), PAGE_MAX))
        return Response.of({"data": [wire.happening_document(each) for each in rows]})

    def _worklogs(self, query: Mapping[str, str]) -> Response:
        after, limit = number(query, "after", 0), min(number(query, "limit", 100), PAGE_MAX)
        every = [(each, ticket.id) for ticket in list(self.desk.tickets.values()) for each in ticket.worklogs]
        rows = sorted((row for row in every if int(row[0].id) > after), key=lambda row: int(row[0].id))
        return Response.of({"data": [wire.worklog_document(each, ticket) for each, ticket in rows[:limit]]})

    def _log(self, id: str, body: Mapping[str, Any]) -> Response:
        minutes = body.get("minutes")
        if not isinstance(minutes, int) or isinstance(minutes, bool):
            raise Invalid("minutes must be a number", "minutes")
        try:
            started = datetime.fromisoformat(str(body.get("started_at")))
        except ValueError:
            raise Invalid("started_at is not a time", "started_at") from None
        made = self.desk.log(self.me, id, minutes, str(body.get("text") or ""), started)
        return Response.of(wire.worklog_document(made, id), 201)


def whole(ticket: Ticket, status: int = 200) -> Response:
    """The ticket with its items and its revision as ETag."""
    headers = {"ETag": f'"{ticket.revision}"'}
    if status == 201:
        headers["Location"] = f"/api/tickets/{ticket.id}"
    return Response.of(wire.ticket_document(ticket), status, headers)


def refusal(status: int, said: str, field: str | None = None) -> Response:
    """An error in the desk's words."""
    return Response.of({"message": said, "field": field}, status)


def document(request: Request) -> Mapping[str, Any]:
    """The body as a JSON object; raises ``Invalid``."""
    try:
        found = request.json()
    except ValueError:
        raise Invalid("the body is no JSON") from None
    if not isinstance(found, dict):
        raise Invalid("the body is no object")
    return found


def based_on(request: Request) -> int | None:
    """The revision in If-Match, quoted or not; raises ``Conflict`` where it is none of ours."""
    given = request.headers.get("if-match", "").removeprefix("W/").strip('"')
    if given in ("", "*"):
        return None
    if not given.isdecimal():
        raise Conflict(f"{given} is no revision")
    return int(given)


def text_of(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise Invalid("text must be a text", "text")
    return text


def truth(value: object, name: str) -> bool:
    """A boolean, also as the words true and false."""
    words: Mapping[object, bool] = {True: True, False: False, "true": True, "false": False}
    if isinstance(value, (bool, str)) and value in words:
        return words[value]
    raise Invalid(f"{name} must be true or false", name)


def number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise Invalid(f"{name} must be a number", name)
    return int(text)
