"""What Freshdesk and Freshservice have in common: one loopback account of their API v2.

Written from the vendor's documentation. A list shows the tickets of the last thirty days unless it is asked for more,
has three hundred pages and no descriptions; the search stays minutes behind; a missing ticket is answered without a
word; deleted and spam tickets leave the lists and can still be read.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.simulators.forms import File, form
from connectors.simulators.freshworks_desk import Account, Invalid, Row
from connectors.simulators.loopback import Request, Response

RECENT = timedelta(days=30)
INDEXED = timedelta(minutes=3)
"""How far the search is behind."""

PAGES = 300
PER_SEARCH = 30


class Freshworks(Account):
    """One account behind its API. ``wraps``: objects come in an envelope; ``quota``: calls a minute."""

    wraps = False

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.quota = 700
        self._spent: dict[int, int] = {}

    def answer(self, request: Request) -> Response:
        if request.path.startswith("/data/helpdesk/"):
            id = int(request.path.split("/")[5])
            return Response(200, self.data[id], "application/octet-stream") if id in self.data else Response(404)
        shown = base64.b64encode(f"{self._key}:X".encode()).decode()
        if request.headers.get("authorization") != f"Basic {shown}":
            words = {"code": "invalid_credentials", "message": "You have to be logged in to perform this action."}
            return Response.of(words, 401)
        headers, spent = self._metered()
        if spent:
            return Response.of({"message": "You have exceeded the limit of requests per minute"}, 429, headers)
        try:
            made = self.route(request, request.path.removeprefix("/api/v2/").strip("/").split("/"))
        except Invalid as no:
            made = Response.of({"description": "Validation failed", "errors": [no.error]}, 400)
        except KeyError:
            made = Response(404)  # without a word
        except ValueError:
            words = {"code": "invalid_json", "message": "Request body has invalid json format"}
            made = Response(404) if request.method == "GET" else Response.of(words, 400)
        return Response(made.status, made.body, made.mime, {**headers, **made.headers})

    def route(self, request: Request, parts: list[str]) -> Response:
        """One call, signed in. Raises ``Invalid``, ``KeyError``."""
        match request.method, parts:
            case "GET", ["tickets"]:
                return self.page(request, "tickets", self.listed(request))
            case "POST", ["tickets"]:
                given, files = self._given(request)
                return self.one("ticket", self.make(given, files), 201)
            case "GET", ["tickets", id] if id.isdigit():
                return self.one("ticket", self.tickets[int(id)])
            case "PUT", ["tickets", id]:
                ticket = self._living(id)
                self.put(ticket, self._given(request)[0])
                return self.one("ticket", ticket)
            case "GET", ["tickets", id, "conversations"]:
                rows = [
                    each for each in self.conversations.values() if each["ticket_id"] == self.tickets[int(id)]["id"]
                ]
                return self.page(request, "conversations", rows)
            case "POST", ["tickets", id, "notes" | "reply" as how]:
                given, files = self._given(request)
                row = self.talk(self._living(id), self.tandem, given, 0 if how == "reply" else 2, files)
                return self.one("conversation", row, 201)
            case "PUT", ["conversations", id]:
                return self.one("conversation", self.reword(int(id), str(request.json().get("body"))))
            case "POST", ["tickets", id, "time_entries"]:
                return self.one("time_entry", self.spend(self._living(id), request.json()), 201)
            case "GET", ["groups"]:
                rows = [{"id": id, "name": name} for id, name in self.groups.items()]
                return self.page(request, "groups", rows)
        raise KeyError(request.path)

    def one(self, name: str, row: Mapping[str, Any], status: int = 200) -> Response:
        """One object, wrapped where the product does."""
        return Response.of({name: row} if self.wraps else row, status)

    def page(self, request: Request, name: str, rows: list[Row], size: int = 30) -> Response:
        """One page, with a link to the next."""
        number, count = int(request.query.get("page", 1)), int(request.query.get("per_page", size))
        if count > 100 or count < 1:
            raise Invalid("per_page", "It should be a Positive Integer less than or equal to 100")
        if number > PAGES:
            raise Invalid("page", f"You cannot access tickets beyond the {PAGES}th page")
        found = rows[(number - 1) * count : number * count]
        headers = {}
        if number * count < len(rows):
            query = urlencode({**request.query, "page": number + 1})
            headers["link"] = f'<{self.url}{request.path}?{query}>; rel="next"'
        return Response.of({name: found} if self.wraps else found, 200, headers)

    def listed(self, request: Request) -> list[Row]:
        """The tickets of a list, in its order, as lists show them."""
        query = request.query
        rows = [each for each in self.tickets.values() if not each["deleted"] and not each["spam"]]
        if "updated_since" in query:
            since = _moment(query["updated_since"])
            rows = [each for each in rows if _moment(each["updated_at"]) >= since]
        else:
            rows = [each for each in rows if _moment(each["created_at"]) >= self.clock() - RECENT]
        order = query.get("order_by", "created_at")
        rows.sort(key=lambda each: str(each.get(order) or ""), reverse=query.get("order_type", "desc") == "desc")
        hidden = set() if "description" in query.get("include", "") else {"description", "description_text"}
        hidden |= {"attachments"}
        return [{name: value for name, value in row.items() if name not in hidden} for row in rows]

    def found(self, request: Request) -> list[Row]:
        """What the search gives for a query of ``name:value`` terms joined by AND; raises ``Invalid``."""
        text = request.query.get("query", "")
        if len(text) > 512 or len(text) < 2 or text[0] != '"' or text[-1] != '"':
            raise Invalid("query", "It should be a String in double quotes of up to 512 characters")
        rows = [
            each
            for each in self.tickets.values()
            if not each["deleted"] and _moment(each["updated_at"]) <= self.clock() - INDEXED
        ]
        for term in text[1:-1].split(" AND "):
            name, _, wanted = term.partition(":")
            if name not in self.columns and self.scalars.get(name) is not int:
                raise Invalid(name, "Unexpected/invalid field in request", "invalid_field")
            rows = [each for each in rows if _fits(each["custom_fields"].get(name, each.get(name)), wanted)]
        return rows

    def _living(self, id: str) -> Row:
        ticket = self.tickets[int(id)]
        if ticket["deleted"]:
            raise KeyError(id)
        return ticket

    def _given(self, request: Request) -> tuple[Mapping[str, Any], list[File]]:
        """The fields and files of a body, JSON or a form."""
        if "multipart/form-data" in request.headers.get("content-type", ""):
            fields, files = form(request)
            return fields, files
        given = request.json()
        return given, []

    def _metered(self) -> tuple[dict[str, str], bool]:
        now = int(self.clock().timestamp())
        spent = self._spent[now // 60] = self._spent.get(now // 60, 0) + 1
        headers = {"X-RateLimit-Total": str(self.quota), "X-RateLimit-Remaining": str(max(self.quota - spent, 0))}
        headers["X-RateLimit-Used-CurrentRequest"] = "1"
        return headers | ({"Retry-After": str(60 - now % 60)} if spent > self.quota else {}), spent > self.quota


def _fits(have: Any, wanted: str) -> bool:
    """``'text'``, a number, or ``>`` and ``<`` with one, which mean "or equal" here."""
    if wanted[:1] in (">", "<"):
        return have is not None and (int(have) >= int(wanted[1:]) if wanted[0] == ">" else int(have) <= int(wanted[1:]))
    return str(have) == wanted.strip("'")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
