"""A loopback desk that speaks Zendesk's Support API and holds state: written from the vendor's documentation.

Comments travel inside ticket updates, every write moves ``updated_at``, a write that names an old ``updated_stamp`` is
refused, the incremental export never shows the last minute and tells of deleted tickets too, files go by upload token
and come by a redirect to a store that wants no credentials. One signed webhook leaves per event.
"""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response
from connectors.simulators.zendesk_desk import Desk, Happening, Stored
from connectors.simulators.zendesk_quota import Quota
from connectors.simulators.zendesk_rules import CUSTOM_STATUSES, Refusal, Ticket, missing

REPEATABLE = 2 * 3600
"""Seconds that an idempotency key is remembered."""

LAG = 60
"""Seconds that the incremental export stays behind."""

IDS = {"group": "group_id", "assignee": "assignee_id", "requester": "requester_id", "custom_status": "custom_status_id"}


class Zendesk(Simulator):
    """One account. ``login`` is our administrator, ``paula`` an agent, ``alice`` an end user. ``signin``: which of the
    manifest's ways in we use. ``export_page``: tickets in a page of the export, which may hold fewer than the
    documented 1,000."""

    export_page = 100

    def __init__(self, clock: Callable[[], datetime], *, signin: str = "api_token", **more: Any) -> None:
        super().__init__(clock, **more)
        self.desk = Desk(clock)
        self.desk.url = self.url
        self.desk.listeners.append(self._report)
        self.quota = Quota(clock)
        self.login = self.desk.user("tandem@example.com", "Tandem", "admin")
        self.paula = self.desk.user("paula@provider.example", "Paula", "agent")
        self.alice = self.desk.user("alice@customer.example", "Alice", "end-user")
        self.settings = {"subdomain": "acme", "url": self.url, "requester": self.alice}
        self.settings |= {"login": "tandem@example.com"} if signin == "api_token" else {}
        self.settings |= {"client_id": "tandem"} if signin in GRANTS else {}
        self.secrets = {"webhook": "zendesk-webhook-secret", **SECRETS[signin]}
        self._signin = signin
        self._refresh = SECRETS["oauth_refresh"]["refresh_token"]
        self._basic = {_basic("tandem@example.com/token", SECRETS["api_token"]["token"])}
        self._bearers = {SECRETS["oauth"]["access_token"]}
        self._clients = {CLIENT_SECRET}
        self._keys: dict[str, tuple[bytes, float, Response]] = {}

    # the API

    def answer(self, request: Request) -> Response:
        try:
            return self._route(request)
        except Refusal as no:
            return Response.of(no.body, no.status)
        except ValueError:
            words = {"title": "Invalid JSON", "message": "Server could not parse JSON"}
            return Response.of({"error": words}, 400)

    def _route(self, request: Request) -> Response:
        path = request.path.removesuffix("/").removesuffix(".json")
        if path == "/oauth/tokens":
            return self._token(request.json())
        if path.startswith("/storage/"):
            return self._stored_file(request, path)
        if path.startswith("/attachments/token/"):
            kept = self._attachment(path.rpartition("/")[2])
            return Response(302, headers={"Location": f"{self.url}/storage/{kept['id']}/{quote(kept['file_name'])}"})
        shown = request.headers.get("authorization", "")
        known = shown in self._basic or shown.removeprefix("Bearer ") in self._bearers
        if shown and not known:
            return Response.of({"error": "Couldn't authenticate you"}, 401)
        if not known:  # an anonymous caller is nobody, and learns so with a 200
            nobody = {"user": {"id": None, "name": "Anonymous user", "role": "end-user"}}
            return (
                Response.of(nobody)
                if path.endswith("/users/me")
                else Response.of({"error": "Couldn't authenticate you"}, 401)
            )
        parts = path.removeprefix("/api/v2/").split("/")
        headers, spent = self.quota.spend(request.method, parts)
        if spent:
            error = {
                "error": "APIRateLimitExceeded",
                "description": "Number of allowed API requests per minute exceeded",
            }
            return Response.of(error, 429, headers)
        made = self._tickets(request, parts) if parts[0] == "tickets" else self._rest(request, parts)
        return Response(made.status, made.body, made.mime, {**headers, **made.headers})

    def _tickets(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["tickets"]:
                return self._by_reference(request)
            case "POST", ["tickets"]:
                return self._created(request)
            case "GET", ["tickets", id]:
                return Response.of({"ticket": self.desk.live(_number(id)).ticket})
            case "PUT", ["tickets", id]:
                given = request.json().get("ticket") or {}
                stored, audit = self.desk.update(self.login, _number(id), given)
                return Response.of({"ticket": stored.ticket, "audit": audit})
            case "GET", ["tickets", id, "comments"]:
                return self._paged(request, "comments", self.desk.live(_number(id)).comments)
        raise missing()

    def _rest(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["users", "me"]:
                return Response.of({"user": self.desk.users[self.login]})
            case "GET", ["users", "search"]:
                word = request.query.get("query", "").removeprefix("email:").lower()
                found = [user for user in self.desk.users.values() if word and word in user["email"]]
                return Response.of({"users": found, "count": len(found), "next_page": None})
            case "GET", ["users", id] if _number(id) in self.desk.users:
                return Response.of({"user": self.desk.users[_number(id)]})
            case "GET", ["groups"]:
                rows = [{"id": id, "name": name, "deleted": False} for id, name in self.desk.groups.items()]
                return self._paged(request, "groups", rows)
            case "GET", ["ticket_fields"]:
                return self._paged(request, "ticket_fields", [*SYSTEM_FIELDS, *self.desk.fields])
            case "GET", ["custom_statuses"]:
                rows = [
                    {"id": id, "status_category": category, "agent_label": label, "active": True}
                    for id, (category, label) in CUSTOM_STATUSES.items()
                ]
                return Response.of({"custom_statuses": rows})
            case "GET", ["incremental", "tickets", "cursor"]:
                return self._export(request)
            case "POST", ["uploads"]:
                return self._uploaded(request)
        raise missing()

    def _by_reference(self, request: Request) -> Response:
        live = [each.ticket for each in self.desk.stored.values() if each.ticket["status"] != "deleted"]
        wanted = request.query.get("external_id")
        found = [ticket for ticket in live if wanted is None or ticket["external_id"] == wanted]
        return self._paged(request, "tickets", found)

    def _created(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        digest, now = sha256(request.body).digest(), self.clock().timestamp()
        known = self._keys.get(key or "")
        if key and known and now - known[1] < REPEATABLE:
            if known[0] != digest:
                raise Refusal(400, "IdempotentRequestError", "Request parameters don't match the given idempotency key")
            return Response(201, known[2].body, headers={**known[2].headers, "x-idempotency-lookup": "hit"})
        stored, audit = self.desk.create(self.login, request.json().get("ticket") or {})
        headers = {"Location": stored.ticket["url"], **({"x-idempotency-lookup": "miss"} if key else {})}
        made = Response.of({"ticket": stored.ticket, "audit": audit}, 201, headers)
        if key:
            self._keys[key] = (digest, now, made)
        return made

    def _paged(self, request: Request, name: str, rows: list[Any]) -> Response:
        """Cursor paging where ``page[size]`` is given, else the old one by number."""
        if "page[size]" not in request.query:
            size, page = min(int(request.query.get("per_page", 100)), 100), int(request.query.get("page", 1))
            more = len(rows) > page * size
            query = urlencode({**request.query, "page": page + 1})
            after = f"{self.url}{request.path}?{query}" if more else None
            return Response.of({name: rows[(page - 1) * size : page * size], "next_page": after, "count": len(rows)})
        size = min(int(request.query["page[size]"]), 100)
        begin = int(_opened(request.query.get("page[after]", "")) or 0)
        here = rows[begin : begin + size]
        more = begin + size < len(rows)
        meta = {"has_more": more, "after_cursor": _sealed(str(begin + size)) if here else None, "before_cursor": None}
        return Response.of({name: here, "meta": meta, "links": {"next": None, "prev": None}})

    def _export(self, request: Request) -> Response:
        now = self.clock().timestamp()
        start, cursor = request.query.get("start_time"), request.query.get("cursor")
        if cursor is None and start is None:
            raise Refusal(400, "InvalidParameter", "start_time or cursor is required")
        if cursor is None and float(start or 0) > now - LAG:
            raise Refusal(400, "StartTimeTooRecent", "Too recent start_time. Use a start_time older than 60 seconds")
        at, id = (float(part) for part in (_opened(cursor).split("|") if cursor else (start or "0", "0")))
        changed = sorted(self.desk.stored.values(), key=lambda each: (each.generated, each.ticket["id"]))
        found = [
            each for each in changed if (each.generated, each.ticket["id"]) > (at, id) and each.generated < now - LAG
        ]
        page = found[: self.export_page]
        after = _sealed(f"{page[-1].generated}|{page[-1].ticket['id']}") if page else cursor
        rows = [{**each.ticket, "generated_timestamp": int(each.generated)} for each in page]
        end = len(found) <= self.export_page
        query = f"?cursor={after}" if after else ""
        link = f"{self.url}/api/v2/incremental/tickets/cursor.json{query}"
        return Response.of({"tickets": rows, "after_cursor": after, "after_url": link, "end_of_stream": end})

    def _uploaded(self, request: Request) -> Response:
        name = request.query.get("filename")
        if not name:
            raise Refusal(422, "RecordInvalid", "Record validation errors", {"filename": [{"description": "missing"}]})
        mime = request.headers.get("content-type", "application/binary")
        token, files = self.desk.upload(name, mime, request.body, request.query.get("token"))
        return Response.of({"upload": {"token": token, "attachment": files[-1], "attachments": files}}, 201)

    def _stored_file(self, request: Request, path: str) -> Response:
        if "authorization" in request.headers:
            return Response(400, b"<Error><Code>InvalidArgument</Code></Error>", "application/xml")
        kept = self._attachment(path.split("/")[2])
        return Response(200, self.desk.raw[kept["id"]], kept["content_type"])

    def _attachment(self, tail: str) -> dict[str, Any]:
        comments = [comment for stored in self.desk.stored.values() for comment in stored.comments]
        found = [each for comment in comments for each in comment["attachments"] if tail.endswith(str(each["id"]))]
        if not found:
            raise missing()
        return dict(found[0])

    def _token(self, given: Mapping[str, Any]) -> Response:
        renewing = given.get("grant_type") == "refresh_token"
        good = given.get("client_secret") in self._clients and given.get("grant_type") in GRANTS.values()
        if not good or (renewing and given.get("refresh_token") != self._refresh):
            return Response.of({"error": "invalid_grant", "error_description": "The provided grant is invalid"}, 400)
        access = uuid.uuid4().hex
        self._bearers = {access}
        told = {"access_token": access, "token_type": "bearer", "scope": "read write", "expires_in": 1800}
        if renewing:  # the one before is worth nothing from now on
            told["refresh_token"] = self._refresh = uuid.uuid4().hex
        return Response.of(told)

    # webhooks: an event subscription

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        stamp = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        made = hmac.new(self.secrets["webhook"].encode(), stamp.encode() + body, sha256).digest()
        return {
            "Content-Type": "application/json",
            "X-Zendesk-Account-Id": "22129848",
            "X-Zendesk-Webhook-Id": "01HZ",
            "X-Zendesk-Webhook-Invocation-Id": delivery,
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
            "X-Zendesk-Webhook-Signature": base64.b64encode(made).decode(),
        }

    def _report(self, happening: Happening, ticket: Ticket) -> None:
        words = {name: (ticket[name] or "").upper() or None for name in ("status", "priority", "type")}
        ids = {
            name: ticket[name] and str(ticket[name]) for name in ("id", "requester_id", "submitter_id", "assignee_id")
        }
        kept = {
            name: ticket[name] for name in ("subject", "external_id", "tags", "created_at", "updated_at", "is_public")
        }
        body = {
            "type": f"zen:event-type:ticket.{happening.name}", "account_id": 22129848, "id": str(uuid.uuid4()),
            "time": self.desk.now(), "zendesk_event_version": "2022-11-06", "subject": f"zen:ticket:{ticket['id']}",
            "detail": {"actor_id": str(happening.actor), **ids, **words, **kept, "via": ticket["via"]},
            "event": {"current": happening.current, "previous": happening.previous},
        }  # fmt: skip
        self.announce(json.dumps(body).encode())

    # people at work there

    def open_record(self, title: str) -> str:
        given = {"subject": title, "comment": {"body": f"{title}, says alice"}}
        return str(self.desk.create(self.alice, given, "web")[0].ticket["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        plain = {IDS.get(name, name): value for name, value in values.items() if ":" not in name}
        for name in IDS.values():
            if plain.get(name):
                plain[name] = int(plain[name])
        custom = [{"id": int(name.partition(":")[2]), "value": value} for name, value in values.items() if ":" in name]
        self.desk.update(self.paula, int(id), {**plain, **({"custom_fields": custom} if custom else {})})

    def close(self, id: str) -> None:
        """What the automation does some days after a ticket was solved."""
        ticket = self.desk.live(int(id)).ticket
        ticket |= {"status": "closed", "updated_at": self.desk.now()}
        self.desk.by_system(int(id))

    def seal(self, id: str) -> None:
        self.close(id)

    def shows(self, id: str) -> Mapping[str, Any]:
        try:
            return self.desk.live(int(id)).ticket
        except Refusal:
            raise KeyError(id) from None

    def ids(self) -> list[str]:
        return [str(id) for id, each in self.desk.stored.items() if each.ticket["status"] != "deleted"]

    def say(self, id: str, text: str, public: bool) -> str:
        comment = {"body": text, "public": public}
        return str(self.desk.update(self.paula, int(id), {"comment": comment})[1]["events"][0]["id"])

    def reply(self, id: str, text: str) -> None:
        """The requester answers."""
        by = self.desk.live(int(id)).ticket["requester_id"]
        self.desk.update(by, int(id), {"comment": {"body": text, "public": True}})

    def said(self, id: str) -> list[Said]:
        return [
            Said(str(each["id"]), str(each["author_id"]), each["body"], each["public"])
            for each in self._stored(id).comments[1:]
        ]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        token, files = self.desk.upload(name, "application/octet-stream", data, None)
        comment = {"body": name, "public": public, "uploads": [token]}
        self.desk.update(self.paula, int(id), {"comment": comment})
        return str(files[0]["id"])

    def kept(self, id: str) -> list[Kept]:
        return [
            Kept(str(file["id"]), file["file_name"], self.desk.raw[file["id"]], comment["public"])
            for comment in self._stored(id).comments
            for file in comment["attachments"]
        ]

    def make_private(self, id: str, comment: str) -> None:
        """An agent hides a public comment, which cannot be undone."""
        next(each for each in self._stored(id).comments if str(each["id"]) == comment)["public"] = False

    def remove(self, id: str) -> None:
        self.desk.delete(self.paula, int(id))

    def revoke(self) -> None:
        self._basic, self._bearers, self._clients = set(), set(), set()

    def expire(self) -> None:
        if self._signin not in GRANTS:
            super().expire()
        self._bearers = set()

    def _stored(self, id: str) -> Stored:
        return self.desk.live(int(id))


CLIENT_SECRET = "zendesk-client-secret"  # noqa: S105  a simulator's own
GRANTS = {"oauth_refresh": "refresh_token", "oauth_client": "client_credentials"}
SECRETS = {
    "api_token": {"token": "zendesk-api-token"},
    "oauth": {"access_token": "zendesk-oauth-token"},
    "oauth_refresh": {"refresh_token": "zendesk-refresh-token", "client_secret": CLIENT_SECRET},
    "oauth_client": {"client_secret": CLIENT_SECRET},
}
SYSTEM_FIELDS = [
    {"id": 7000 + n, "type": kind, "title": kind.capitalize(), "active": True, "required": False, "removable": False}
    for n, kind in enumerate(("subject", "description", "status", "tickettype", "priority", "group", "assignee"))
]


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _sealed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _opened(text: str) -> str:
    return base64.urlsafe_b64decode(text.encode()).decode()


def _number(text: str) -> int:
    if not text.isdigit():
        words = {"title": "Invalid attribute", "message": "You passed an invalid value for the id attribute."}
        raise Refusal(400, words)
    return int(text)
