"""A loopback desk that speaks GLPI's older API (``apirest.php``): written from the vendor's documentation.

A session is opened by user token or password, with an application token where the server wants one; refusals of one
record stand inside a 200 as ``{"10": false}``, errors are a pair of code and words, moments are the server's own and
have no zone, lists come by range and a range beyond the end is an error, a followup under a ticket's path forgets it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.simulators.glpi_desk import US, Glpi, Row
from connectors.simulators.loopback import Request, Response

LIMIT = 50
SHOWN = {"1": "name", "2": "id", "12": "status", "15": "date", "19": "date_mod", "80": "entities_id"}
"""Search options by number."""

COLUMNS = {"name", "content", "status", "urgency", "impact", "type", "externalid", "itilcategories_id", "priority"}


class Refusal(Exception):
    """An error of the API: status, code and words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code = status, code


class GlpiLegacy(Glpi):
    """``app_token``: what the server wants besides the session, if anything. ``denied``: tickets we may not update."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        self.secrets = {"user_token": "glpi-user-token", "webhook": "glpi-webhook-secret"}
        self.password = "glpi-password"  # noqa: S105  a simulator's own
        self.app_token = ""
        self.denied: set[int] = set()
        super().__init__(clock, **more)
        self.settings = {"url": self.url, "zone": self.zone}

    def represents(self, row: Row) -> Row:
        return {name: value for name, value in row.items() if name != "team"}

    def answer(self, request: Request) -> Response:
        parts = request.path.removeprefix("/apirest.php/").strip("/").split("/")
        try:
            if self.app_token and request.headers.get("app-token") != self.app_token:
                raise Refusal(400, "ERROR_APP_TOKEN_PARAMETERS_MISSING", "missing parameter(s) : app_token")
            if parts == ["initSession"]:
                return self._begun(request)
            if request.headers.get("session-token") not in self.sessions:
                raise Refusal(401, "ERROR_SESSION_TOKEN_INVALID", "session_token seems invalid")
            return self._route(request, parts)
        except Refusal as no:
            return Response.of([no.code, str(no)], no.status)
        except KeyError:
            return Response.of(["ERROR_ITEM_NOT_FOUND", "Item not found"], 404)

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["getFullSession"]:
                return Response.of({"session": {"glpiID": US, "glpiname": self.users[US]["name"], "glpi_use_mode": 0}})
            case "GET", ["User", id]:
                return Response.of({name: self.users[int(id)][name] for name in ("id", "name", "realname")})
            case "GET", ["search", "Ticket"]:
                return self._search(request.query)
            case "GET", ["Ticket"]:
                return self._ranged(request, [self.represents(row) for row in self._texts(request.query)])
            case "GET", ["Ticket", id]:
                return self._ticket(request, self.tickets[int(id)])
            case "GET", ["Ticket", id, "ITILFollowup"]:
                return self._ranged(request, [_flat(row) for row in self.of("Followup", self.tickets[int(id)]["id"])])
            case "POST", ["Ticket"]:
                return made("Ticket", self.add(US, _columns(request))["id"])
            case "PUT", ["Ticket", id]:
                return self._updated(int(id), _columns(request))
            case "POST", ["Ticket", _, "ITILFollowup"]:
                raise Refusal(400, "ERROR_GLPI_ADD", "You cannot add a followup to nothing")
            case "POST", ["ITILFollowup"]:
                given = _given(request)
                private = {"content": given["content"], "is_private": bool(int(given.get("is_private", 0)))}
                return made("ITILFollowup", self.enter(US, "Followup", self._parent(given["items_id"]), private)["id"])
            case "PUT", ["ITILFollowup", id]:
                row = self.entries["Followup"][int(id)]
                row |= {"content": _given(request)["content"], "date_mod": self.now()}
                self.touch(US, self.tickets[row["items_id"]])
                return Response.of([{id: True, "message": ""}])
            case "POST", ["TicketTask"]:
                given = _given(request)
                told = {"content": given["content"], "actiontime": int(given.get("actiontime", 0)), "is_private": True}
                return made("TicketTask", self.enter(US, "Task", self._parent(given["tickets_id"]), told)["id"])
            case "POST", ["Document"]:
                return self._document(request)
            case "GET", ["Document", id]:
                row = self.documents[int(id)]
                if request.headers.get("accept") == "application/octet-stream":
                    return Response(200, self.bytes[int(id)], row["mime"])
                return Response.of(row)
        raise Refusal(
            400, "ERROR_RESOURCE_NOT_FOUND_NOR_COMMONDBTM", "resource not found or not an instance of CommonDBTM"
        )

    def _begun(self, request: Request) -> Response:
        basic = "Basic " + base64.b64encode(f"tandem:{self.password}".encode()).decode()
        given = request.headers.get("authorization", "")
        if not self.open or given not in (f"user_token {self.secrets['user_token']}", basic):
            raise Refusal(401, "ERROR_GLPI_LOGIN_USER_TOKEN", "parameter user_token seems invalid")
        return Response.of({"session_token": self.session()})

    def _parent(self, id: Any) -> int:
        return int(self.tickets[int(id)]["id"])

    def _ticket(self, request: Request, row: Row) -> Response:
        shown = {**self.represents(row), "links": [{"rel": "Entity", "href": f"{self.url}/apirest.php/Entity/0"}]}
        if request.query.get("with_documents") == "true":
            linked = [each for each in self.links.values() if each["items_id"] == row["id"]]
            shown["_documents"] = [{**self.documents[each["documents_id"]], "assocID": each["id"]} for each in linked]
        return Response.of(shown, 200, {"Last-Modified": row["date_mod"]})

    def _updated(self, id: int, given: Row) -> Response:
        row = self.tickets[id]
        if id in self.denied:
            return Response.of([{str(id): False, "message": "You don't have permission to perform this action."}])
        self.write(US, row, {name: int(value) if name == "status" else value for name, value in given.items()})
        self.tell("update", row)
        return Response.of([{str(id): True, "message": ""}])

    def _texts(self, query: Mapping[str, str]) -> list[Row]:
        """All tickets that hold the texts of ``searchText``, anywhere within the column; a column it does not know
        filters nothing."""
        rows = self.listed()
        for name, wanted in query.items():
            column = name.removeprefix("searchText[").removesuffix("]")
            if name.startswith("searchText[") and column in COLUMNS:
                rows = [row for row in rows if wanted.lower() in str(row[column] or "").lower()]
        return rows

    def _search(self, query: Mapping[str, str]) -> Response:
        rows = [row for row in self.listed() if all(_fits(row, each) for each in _criteria(query))]
        column = SHOWN.get(query.get("sort", "1"), "name")
        rows.sort(key=lambda row: row[column], reverse=query.get("order", "ASC") == "DESC")
        numbers = {"1", "2", "80"} | {value for name, value in query.items() if name.startswith("forcedisplay[")}
        shown = [{number: row[SHOWN[number]] for number in sorted(numbers)} for row in rows]
        page, headers = _range(query, shown)
        told: Row = {"totalcount": len(shown), "count": len(page), "sort": query.get("sort"), "order": "ASC"}
        told |= {"data": page} if page else {}
        return Response.of(told, 206 if len(page) < len(shown) else 200, headers)

    def _ranged(self, request: Request, rows: list[Row]) -> Response:
        page, headers = _range(request.query, rows)
        return Response.of(page, 206 if len(page) < len(rows) else 200, headers)

    def _document(self, request: Request) -> Response:
        """A file with its manifest, linked to the record that the manifest names."""
        parts = _multipart(request)
        given = json.loads(parts["uploadManifest"][2])["input"]
        name, mime, data = parts["filename[0]"]
        if not data:
            raise Refusal(400, "ERROR_GLPI_ADD", "The file is empty")
        row = self.keep(US, name if given.get("_filename") else "", mime, data)
        if given.get("itemtype") == "Ticket":
            self.link(US, row["id"], self._parent(given["items_id"]))
        return made("Document", row["id"])


def made(kind: str, id: int) -> Response:
    """What GLPI says of something it made."""
    return Response.of({"id": id, "message": ""}, 201, {"Location": f"/apirest.php/{kind}/{id}"})


def _flat(row: Row) -> Row:
    return {**row, "is_private": int(row["is_private"])}


def _given(request: Request) -> Row:
    try:
        given = request.json()["input"]
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "ERROR_BAD_ARRAY", "input parameter must be an array of objects") from None
    return dict(given)


def _columns(request: Request) -> Row:
    return {name: value for name, value in _given(request).items() if name in COLUMNS}


def _range(query: Mapping[str, str], rows: list[Row]) -> tuple[list[Row], dict[str, str]]:
    """(rows, headers) of what was asked for."""
    start, _, end = query.get("range", f"0-{LIMIT - 1}").partition("-")
    if rows and int(start) >= len(rows):
        words = f"Provided range exceed total count of data: {len(rows)}"
        raise Refusal(400, "ERROR_RANGE_EXCEED_TOTAL", words)
    page = rows[int(start) : int(end) + 1]
    return page, {"Content-Range": f"{start}-{end}/{len(rows)}", "Accept-Range": "990"}


def _criteria(query: Mapping[str, str]) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in query.items():
        if parsed := re.fullmatch(r"criteria\[(\d+)\]\[(\w+)\]", name):
            found.setdefault(parsed[1], {})[parsed[2]] = value
    return list(found.values())


def _fits(row: Row, criterion: Mapping[str, str]) -> bool:
    """Whether a row fits one criterion; a search option that is unknown fits everything. More than is not equal to."""
    column = SHOWN.get(criterion["field"])
    if column is None:
        return True
    have: Any = row[column]
    want = int(criterion["value"]) if isinstance(have, int) else criterion["value"]
    kind = criterion["searchtype"]
    fits = {"morethan": have > want, "lessthan": have < want, "equals": have == want}.get(kind, str(want) in str(have))
    return not fits if criterion.get("link") == "AND NOT" else fits


def _multipart(request: Request) -> dict[str, tuple[str, str, bytes]]:
    """The parts of a form: name -> (file name, type, content)."""
    edge = b"--" + request.headers["content-type"].partition("boundary=")[2].encode()
    found = {}
    for part in request.body.split(edge)[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        told = head.decode()
        named = re.search(r'name="([^"]*)"(?:; filename="([^"]*)")?', told)
        mime = re.search(r"Content-Type: (\S+)", told)
        if named:
            found[named[1]] = (named[2] or "", mime[1] if mime else "", data.removesuffix(b"\r\n"))
    return found
