"""A loopback desk that speaks GLPI 11's high-level API (v2.3): written from the vendor's source and others' measures.

A status given at creation is ignored without a word, a filter on an unknown field too (the whole table comes, at 200);
a filter by time compares the server's naive time and drops an offset; lists of the timeline are wrapped, and a document
there has no name. Tokens come by OAuth2: for a user's password, or for the client alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from connectors.simulators.glpi_desk import INSTANCE, US, Glpi, Row
from connectors.simulators.loopback import Request, Response

BASE = "/api.php/v2.3"
LIMIT = 100
COLUMNS = {"external_id": "externalid", "type": "type", "urgency": "urgency", "impact": "impact", "name": "name"}
COLUMNS |= {"content": "content", "priority": "priority"}
TERM = re.compile(r"(\w+)(==|=ge=|=le=|=gt=|=lt=)\"?([^\"]*)\"?")


class GlpiApi(Glpi):
    """``nobody``: the client acts for no user, as one may that signs in without a password."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        self.secrets = {
            "client_secret": "glpi-client-secret",
            "password": "glpi-password",
            "webhook": "glpi-webhook-secret",
        }
        self.nobody = False
        super().__init__(clock, **more)
        self.settings = {"url": self.url, "client_id": INSTANCE, "login": "tandem", "zone": self.zone}

    def represents(self, row: Row) -> Row:
        return self.high_level(row)

    def answer(self, request: Request) -> Response:
        if request.path == "/api.php/token":
            return self._token(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.sessions:
            return error(401, "ERROR_UNAUTHENTICATED", "User not authenticated")
        try:
            return self._route(request, request.path.removeprefix(BASE).strip("/").split("/"))
        except KeyError:
            return error(404, "ERROR_ITEM_NOT_FOUND", "Item not found")
        except ValueError as no:
            return error(400, "ERROR_INVALID_PARAMETER", f"Invalid parameter: {no}")

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["Administration", "User", "Me"]:
                return error(404, "ERROR_ITEM_NOT_FOUND", "Item not found") if self.nobody else self._user(US)
            case "GET", ["Administration", "User", id]:
                return self._user(int(id))
            case "GET", ["Assistance", "Ticket"]:
                return self._list(request.query)
            case "POST", ["Assistance", "Ticket"]:
                row = self.add(US, columns(request.json()))
                return made(f"{BASE}/Assistance/Ticket/{row['id']}", row["id"])
            case "GET", ["Assistance", "Ticket", id]:
                return Response.of(self.high_level(self.tickets[int(id)]))
            case "PATCH", ["Assistance", "Ticket", id]:
                row = self.tickets[int(id)]
                self.write(US, row, columns(request.json()))
                self.tell("update", row)
                return Response.of(self.high_level(row))
            case _, ["Assistance", "Ticket", id, "Timeline", *rest]:
                return self._timeline(request, int(id), rest)
            case "GET", ["Management", "Document", id]:
                return Response.of({**self.documents[int(id)], "filepath": f"/front/document.send.php?docid={id}"})
            case "GET", ["Management", "Document", id, "Download"]:
                return Response(200, self.bytes[int(id)], self.documents[int(id)]["mime"])
        return error(404, "ERROR_NOT_FOUND", "The requested route does not exist")

    def _timeline(self, request: Request, ticket: int, parts: list[str]) -> Response:
        row = self.tickets[ticket]
        match request.method, parts:
            case "GET", []:
                kinds = ("Followup", "Task", "Solution")
                rows = [
                    {"type": kind, "item": self._entry(kind, each)} for kind in kinds for each in self.of(kind, ticket)
                ]
                links = [each for each in self.links.values() if each["items_id"] == ticket]
                return Response.of(rows + [{"type": "Document", "item": _linked(each)} for each in links])
            case "POST", [kind]:
                given = request.json()
                private = {"is_private": bool(given.get("is_private")), "actiontime": int(given.get("duration", 0))}
                entry = self.enter(US, kind, row["id"], {**private, "content": given.get("content", "")})
                return made(f"{BASE}/Assistance/Ticket/{ticket}/Timeline/{kind}/{entry['id']}", entry["id"])
            case "PATCH", [kind, id]:
                entry = self.entries[kind][int(id)]
                entry |= {"content": request.json()["content"], "date_mod": self.now()}
                self.touch(US, row)
                return Response.of(self._entry(kind, entry))
        return error(404, "ERROR_NOT_FOUND", "The requested route does not exist")

    def _entry(self, kind: str, row: Row) -> Row:
        """An entry as the API shows it: a followup tells no author, a solution not even when."""
        moments = {name: self.stamp(row[name]) for name in ("date_creation", "date_mod")}
        shown = {"id": row["id"], "content": row["content"]}
        if kind == "Solution":
            return {**shown, "itemtype": "Ticket", "items_id": row["items_id"]}
        shown["is_private"] = row["is_private"]
        if kind == "Followup":
            return {**shown, **moments, "itemtype": "Ticket", "items_id": row["items_id"], "request_type": None}
        user = {"id": row["users_id"], "name": self._name(row["users_id"])}
        return {
            **shown,
            "user": user,
            "duration": row["actiontime"],
            "state": row["state"],
            "tickets_id": row["items_id"],
        }

    def _list(self, query: Mapping[str, str]) -> Response:
        rows = [row for row in self.listed() if all(_fits(row, term) for term in query.get("filter", "").split(";"))]
        for order in reversed([each for each in query.get("sort", "id").split(",") if each]):
            by, _, way = order.partition(":")
            rows.sort(key=lambda row: row.get(by) or 0, reverse=way == "desc")
        start, limit = int(query.get("start", 0)), int(query.get("limit", LIMIT))
        page = [self.high_level(row) for row in rows[start : start + limit]]
        headers = {"Content-Range": f"{start}-{start + len(page)}/{len(rows)}"}
        return Response.of(page, 200 if len(page) == len(rows) else 206, headers)

    def _user(self, id: int) -> Response:
        row = self.users[id]
        emails = [{"id": id, "email": row["email"], "is_default": True}]
        return Response.of({"id": id, "username": row["name"], "realname": row["realname"], "emails": emails})

    def _token(self, request: Request) -> Response:
        given = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        client = (given.get("client_id"), given.get("client_secret")) == (INSTANCE, self.secrets["client_secret"])
        user = (given.get("username"), given.get("password")) == ("tandem", self.secrets["password"])
        if not self.open or not client or (given.get("grant_type") == "password" and not user):
            return Response.of(
                {"error": "invalid_grant", "error_description": "The user credentials were incorrect."}, 400
            )
        return Response.of({"token_type": "Bearer", "expires_in": 3600, "access_token": self.session()})


def columns(given: Mapping[str, Any]) -> Row:
    """The columns that a body names; what no schema knows is dropped without a word."""
    found: Row = {COLUMNS[name]: value for name, value in given.items() if name in COLUMNS}
    if "status" in given:
        found["status"] = int(given["status"]["id"] if isinstance(given["status"], dict) else given["status"])
    if isinstance(given.get("category"), dict):
        found["itilcategories_id"] = int(given["category"].get("id") or 0)
    return found


def _fits(row: Row, term: str) -> bool:
    """Whether a row fits one comparison; a field that is unknown compares with everything."""
    parsed = TERM.fullmatch(term)
    if parsed is None:
        return True
    name, comparison, wanted = parsed.groups()
    column = {"external_id": "externalid"}.get(name, name)
    if column not in row:
        return True
    have, want = str(row[column] if row[column] is not None else ""), wanted
    if name.startswith("date"):
        want = re.sub(r"(Z|[+-]\d\d:\d\d)$", "", wanted.replace("T", " "))
    return {"==": have == want, "=ge=": have >= want, "=le=": have <= want, "=gt=": have > want, "=lt=": have < want}[
        comparison
    ]


def _linked(row: Row) -> Row:
    path = f"/front/document.send.php?docid={row['documents_id']}"
    return {name: row[name] for name in ("id", "itemtype", "items_id", "documents_id")} | {"filepath": path}


def made(href: str, id: int) -> Response:
    """What GLPI says of something it made."""
    return Response.of({"id": id, "href": href}, 201, {"Location": href})


def error(status: int, code: str, title: str) -> Response:
    """An error in the high-level API's shape."""
    return Response.of({"status": code, "title": title, "detail": None}, status)
