"""A loopback desk that speaks Zammad's REST API and holds state: written from the vendor's documentation.

Lists come by id and the search from an index that lags (``store.index.lag``; without ``elasticsearch`` it finds nothing
by field), pages hold 50 rows and 200 at most, errors come with ``error_human``. A trigger sends the default payload,
which names neither the event nor what changed, signed with SHA-1 over Rails' own JSON.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response
from connectors.simulators.zammad_store import (
    CARL,
    PAULA,
    PRIORITIES,
    STATES,
    US,
    Row,
    Store,
    Unprocessable,
)

LIMIT, MOST = 50, 200
"""Rows of a search when the caller does not say, and at most."""

LOGIN, PASSWORD, CLIENT = "tandem@desk.example", "zammad-password", "zammad-client-secret"
"""Our account's other ways in: by password, and as an application that holds ``zammad-refresh-0``."""

RAILS = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"}
"""What Rails writes another way inside JSON."""


class Forbidden(Exception):
    """A ticket that our account may not see."""


class Zammad(Simulator):
    """One instance. ``hidden``: tickets in groups our account has no access to. ``elasticsearch``: whether the search
    knows fields."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        self.store = Store(clock)
        self.hidden: set[int] = set()
        self.elasticsearch = True
        self.refreshed = 0
        self.secrets = {"token": "zammad-token-1", "webhook": "zammad-webhook-token"}
        super().__init__(clock, **more)
        self.settings = {"url": self.url, "group": "Users", "customer": "desk@customer.example"}
        self._accepted = {"Token token=zammad-token-1", "Basic " + _b64(f"{LOGIN}:{PASSWORD}")}

    # the API

    def answer(self, request: Request) -> Response:
        path = request.path.removeprefix("/api/v1/")
        if path == "/oauth/token":
            return self._granted(request)
        if request.headers.get("authorization") not in self._accepted:
            return error(401, "Authentication required")
        try:
            return self._route(request, path.split("/"))
        except Forbidden:
            return error(403, "Not authorized")
        except KeyError as missing:
            return error(404, f"Couldn't find Ticket with 'id'={missing.args[0]}")
        except (Unprocessable, ValueError) as no:
            return error(422, str(no))

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["users", "me"]:
                return Response.of(self.store.users[US])
            case "GET", ["users", "search"]:
                return Response.of(self._people(request.query.get("query", "")))
            case "GET", ["users", id]:
                return Response.of(self.store.users[int(id)])
            case "GET", ["tickets", "search"]:
                return Response.of([self._shown(request, row) for row in self._search(request.query)])
            case "GET", ["tickets"]:
                rows = sorted(self.store.tickets.values(), key=lambda row: row["id"])
                return Response.of([self._shown(request, row) for row in _page(rows, request.query, 100)])
            case "POST", ["tickets"]:
                return self._done(request, self.store.create(US, request.json()), 201)
            case "GET", ["tickets", id]:
                return Response.of(self._shown(request, self._ticket(id)))
            case "PUT", ["tickets", id]:
                return self._done(request, self.store.update(US, self._ticket(id)["id"], request.json()), 200)
            case "GET", ["ticket_articles", "by_ticket", id]:
                return Response.of([self._article(row) for row in self.store.of(self._ticket(id)["id"])])
            case "POST", ["ticket_articles"]:
                row = self.store.article(US, request.json())
                self._report(self.store.tickets[row["ticket_id"]], row)
                return Response.of(self._article(row), 201)
            case "GET", ["ticket_attachment", ticket, article, file]:
                return self._file(self._ticket(ticket)["id"], int(article), int(file))
            case "GET", ["ticket_states"]:
                return Response.of([{"id": k, "name": v, "active": v != "removed"} for k, v in STATES.items()])
            case "GET", ["ticket_priorities"]:
                return Response.of([{"id": k, "name": v, "active": True} for k, v in PRIORITIES.items()])
            case "GET", ["object_manager_attributes"]:
                built_in = {"name": "title", "display": "Title", "object": "Ticket", "data_type": "input"}
                return Response.of([{**built_in, "editable": False, "active": True}, *self.store.attributes.values()])
        return error(404, "No route matches")

    def _ticket(self, id: str) -> Row:
        row = self.store.tickets[int(id)]
        if row["id"] in self.hidden:
            raise Forbidden(id)
        return row

    def _shown(self, request: Request, row: Row) -> Row:
        if request.query.get("expand") == "true":
            return self.store.expanded(row)
        return {name: value for name, value in row.items() if name != "tags"}

    def _done(self, request: Request, row: Row, status: int) -> Response:
        self._report(row, None)
        return Response.of(self._shown(request, row), status)

    def _search(self, query: Mapping[str, str]) -> list[Row]:
        """The tickets as they are now, in the order in which the index knows them."""
        words = query.get("query", "*")
        found = self.store.index.search(self.clock(), words if self.elasticsearch or words == "*" else "")
        by = query.get("sort_by", "updated_at")
        found.sort(key=lambda row: (str(row.get(by) or ""), row["id"]), reverse=query.get("order_by", "desc") == "desc")
        page = _page(found, query, MOST)
        there = (self.store.tickets.get(row["id"]) for row in page if row["id"] not in self.hidden)
        return [row for row in there if row is not None]

    def _people(self, query: str) -> list[Row]:
        wanted = query.removeprefix("email:").strip('"').lower()
        return [row for row in self.store.users.values() if wanted in row["email"]]

    def _article(self, row: Row) -> Row:
        """An article as it is listed: what the system wrote is there, but without its text."""
        return row if row["sender"] != "System" else {**row, "body": ""}

    def _file(self, ticket: int, article: int, file: int) -> Response:
        row = self.store.articles[article]
        if row["ticket_id"] != ticket:
            raise Forbidden(str(article))
        told = next(each for each in row["attachments"] if each["id"] == file)
        mime = told["preferences"]["Content-Type"] or "application/octet-stream"
        return Response(200, self.store.files[file], mime)

    def _granted(self, request: Request) -> Response:
        """A refresh token is good once."""
        given = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        wanted = {"refresh_token": f"zammad-refresh-{self.refreshed}", "client_secret": CLIENT}
        if any(given.get(key) != value for key, value in wanted.items()):
            return Response.of({"error": "invalid_grant", "error_description": "The grant is invalid."}, 400)
        self.refreshed += 1
        access = f"zammad-access-{self.refreshed}"
        self._accepted.add(f"Bearer {access}")
        grown = {"refresh_token": f"zammad-refresh-{self.refreshed}", "expires_in": 7200, "token_type": "Bearer"}
        return Response.of({"access_token": access, **grown})

    # webhooks

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        made = hmac.new(self.secrets["webhook"].encode(), body, "sha1").hexdigest()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Zammad User Agent"}
        return {**headers, "X-Zammad-Trigger": "tell Tandem", "X-Zammad-Delivery": delivery, **_hub(made)}

    def _report(self, ticket: Row, article: Row | None) -> None:
        """The default payload: the priority is an object there, the state a name."""
        shown = self.store.expanded(ticket)
        shown["priority"] = {"id": ticket["priority_id"], "name": shown["priority"]}
        text = json.dumps({"ticket": shown, "article": article}, ensure_ascii=False, separators=(",", ":"))
        self.announce("".join(RAILS.get(each, each) for each in text).encode())

    # the people there

    def open_record(self, title: str) -> str:
        row = self.store.create(PAULA, {"title": title, "group": "Users", "customer_id": CARL, "article": _note(title)})
        self._report(row, None)
        return str(row["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        wire = {name.removeprefix("attribute:"): value for name, value in values.items()}
        if "owner" in wire:
            wire["owner_id"] = int(wire.pop("owner") or 1)
        self._report(self.store.update(PAULA, int(id), wire), None)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.store.expanded(self.store.tickets[int(id)])

    def ids(self) -> list[str]:
        return [str(id) for id in self.store.tickets]

    def say(self, id: str, text: str, public: bool) -> str:
        row = self.store.article(PAULA, {**_note(text), "ticket_id": int(id), "internal": not public})
        self._report(self.store.tickets[int(id)], row)
        return str(row["id"])

    def said(self, id: str) -> list[Said]:
        later = [row for row in self.store.of(int(id))[1:] if not (row["attachments"] or row["time_unit"])]
        users = self.store.users
        return [Said(str(r["id"]), users[r["created_by_id"]]["login"], r["body"], not r["internal"]) for r in later]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        file = {"filename": name, "data": base64.b64encode(data).decode(), "mime-type": "application/octet-stream"}
        given = {**_note("see there"), "ticket_id": int(id), "internal": not public, "attachments": [file]}
        row = self.store.article(PAULA, given)
        self._report(self.store.tickets[int(id)], row)
        return str(row["attachments"][0]["id"])

    def kept(self, id: str) -> list[Kept]:
        files = self.store.files
        rows = [(row, each) for row in self.store.of(int(id)) for each in row["attachments"]]
        return [Kept(str(each["id"]), each["filename"], files[each["id"]], not row["internal"]) for row, each in rows]

    def spent(self, id: str) -> list[int]:
        return [int(row["time_unit"]) for row in self.store.of(int(id)) if row["time_unit"]]

    def remove(self, id: str) -> None:
        del self.store.tickets[int(id)]

    def revoke(self) -> None:
        self._accepted.clear()
        self.refreshed = -1

    def expire(self) -> None:
        if not self.refreshed:
            self._cannot("sign-in that expires: its own tokens last")
        self._accepted = {each for each in self._accepted if not each.startswith("Bearer ")}


def error(status: int, words: str) -> Response:
    """An error in Zammad's shape."""
    return Response.of({"error": words, "error_human": words}, status)


def _page(rows: list[Row], query: Mapping[str, str], most: int) -> list[Row]:
    size = min(int(query.get("per_page") or query.get("limit") or LIMIT), most)
    at = (int(query.get("page", 1)) - 1) * size
    return rows[at : at + size]


def _note(text: str) -> Row:
    return {"body": text, "type": "note", "content_type": "text/plain", "internal": False}


def _hub(made: str) -> dict[str, str]:
    return {"X-Hub-Signature": f"sha1={made}"}


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
