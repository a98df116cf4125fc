"""A loopback desk that speaks ServiceNow's Table API and holds state: written from the vendor's documentation.

Every value is text, times are GMT to the second, ``sys_mod_count`` counts updates, journal fields read back empty,
priority follows from impact and urgency, unknown query terms and columns are ignored without a word, the limit counts
before rows are hidden, and a data policy answers 403. Webhooks leave as the script in our guide has it.
"""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from connectors.simulators import servicenow_rules as rules
from connectors.simulators.desk import Cannot, Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response
from connectors.simulators.servicenow_query import select
from connectors.simulators.webhooks import Mood

Row = dict[str, str]
LIMIT = 10000
"""Rows per answer when the caller does not say."""

THEIRS = "paula.provider"
"""Who acts where a person of theirs does."""

RULE = "c1f8e7d20a0a0b0c00aa11bb22cc33dd"
"""The rate limit rule's sys_id."""


@dataclass
class Quota:
    """A rate limit: ``left`` calls until ``reset`` (unix time), then ``limit`` again for ``window`` seconds."""

    limit: int
    window: int
    left: int
    reset: int


class ServiceNow(Simulator):
    """One instance with the incident table and those around it. ``webhook``: where the signed script posts."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        login: str = "tandem.integration",
        password: str = "let-me-in",  # noqa: S107  a simulator's own
        webhook: str | None = None,
        secret: str = "servicenow-secret",  # noqa: S107
        mood: Mood | None = None,
        port: int = 0,
    ) -> None:
        self._secret = secret
        super().__init__(clock, webhook=webhook, mood=mood, port=port)
        self.settings = {"instance": "acme", "url": self.url, "login": login}
        self.secrets = {"password": password, "webhook": secret}
        self.policies = rules.Policies()
        self.quota: Quota | None = None
        self.hidden: set[str] = set()
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in ("incident", "sys_user", "sys_journal_field")}
        self.tables |= {name: {} for name in ("sys_choice", "sys_dictionary", "sys_attachment")}
        self.login = login
        self._bytes: dict[str, bytes] = {}
        self._basic = "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()
        self._count = 10000
        self._furnish()
        self.user(login, f"{login}@example.com", "Tandem Integration")

    # State ---------------------------------------------------------------------------------------------------------

    def now(self) -> str:
        """The instance's time: GMT, whole seconds."""
        return self.clock().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    def user(self, name: str, email: str, full: str) -> str:
        """Makes a user unless there is one of that name; gives its sys_id."""
        for sys_id, row in self.tables["sys_user"].items():
            if row["user_name"] == name:
                return sys_id
        row = {"user_name": name, "email": email, "name": full, "active": "true"}
        return self._put("sys_user", row, name)["sys_id"]

    def insert(self, by: str, values: Mapping[str, str]) -> Row:
        """A new incident, with its journal entries and its webhook; raises ``Refusal``."""
        with self.lock:
            self._count += 1
            given = self._taken(values)
            row: Row = {**rules.BLANK, **given, "number": f"INC{self._count:07}", "opened_at": self.now()}
            rules.derive(row)
            rules.enforce(self.policies, {}, row, bool(values.get("comments")))
            self._put("incident", row, by)
            self._journal(row, by, values)
            self.report("insert", row)
            return row

    def update(self, by: str, sys_id: str, values: Mapping[str, str]) -> Row:
        """Changes an incident; raises ``KeyError`` or ``Refusal``."""
        with self.lock:
            row = self.tables["incident"][sys_id]
            new = {**row, **self._taken(values)}
            said = bool(values.get("comments") or values.get("work_notes"))
            if by_caller(self.tables["sys_user"], row, by) and (row["state"], row["hold_reason"]) == ("3", "1"):
                new["state"] = "2"
            rules.derive(new)
            rules.enforce(self.policies, row, new, bool(values.get("comments")))
            if new == row and not said:
                return row
            row.update(new)
            self._touch(row, by)
            self._journal(row, by, values)
            self.report("update", row)
            return row

    def attach(self, by: str, table: str, record: str, name: str, mime: str, data: bytes) -> Row:
        """A file on a record, which counts as an update of it; raises ``KeyError``."""
        with self.lock:
            owner = self.tables[table][record]
            row = {"table_name": table, "table_sys_id": record, "file_name": name, "content_type": mime}
            made = self._put("sys_attachment", {**row, "size_bytes": str(len(data))}, by)
            self._bytes[made["sys_id"]] = data
            if table == "incident":
                self._touch(owner, by)
                self.report("update", owner)
            return made

    def delete(self, by: str, table: str, sys_id: str) -> None:
        """Removes a row for good; raises ``KeyError``."""
        with self.lock:
            row = self.tables[table].pop(sys_id)
            if table == "incident":
                self.report("delete", {**row, "sys_updated_by": by})

    def report(self, operation: str, row: Mapping[str, str]) -> None:
        """The webhook of a change, as the script in our guide writes it."""
        record = {name: value for name, value in row.items() if name not in rules.JOURNALS}
        body = {"operation": operation, "sys_id": row["sys_id"], "sys_updated_by": row["sys_updated_by"]}
        self.announce(json.dumps({**body, "record": record}, separators=(",", ":")).encode())

    def _taken(self, values: Mapping[str, str]) -> Row:
        columns = set(rules.BLANK) - rules.READ_ONLY - rules.JOURNALS - self.policies.ignored
        known = {name: value for name, value in values.items() if name in columns or name.startswith("u_")}
        for name in rules.PEOPLE & known.keys():
            if known[name] not in self.tables["sys_user"]:
                known[name] = ""  # a reference to nobody is stored as no reference
        return rules.cut(known)

    def _put(self, table: str, row: Row, by: str, sys_id: str | None = None) -> Row:
        now = self.now()
        row |= {"sys_id": sys_id or uuid.uuid4().hex, "sys_created_on": now, "sys_created_by": by}
        row |= {"sys_updated_on": now, "sys_updated_by": by, "sys_mod_count": "0"}
        self.tables[table][row["sys_id"]] = row
        return row

    def _touch(self, row: Row, by: str) -> None:
        row["sys_mod_count"] = str(int(row["sys_mod_count"]) + 1)
        row["sys_updated_on"], row["sys_updated_by"] = self.now(), by

    def _journal(self, row: Row, by: str, values: Mapping[str, str]) -> None:
        for element in sorted(rules.JOURNALS):
            if text := values.get(element):
                entry = {"element": element, "element_id": row["sys_id"], "name": "incident", "value": text}
                self._put("sys_journal_field", entry, by)

    def _furnish(self) -> None:
        for element, choices in (
            ("state", rules.STATES),
            ("hold_reason", rules.HOLDS),
            ("close_code", {each: each for each in rules.CODES}),
            ("category", rules.CATEGORIES),
        ):
            for value, label in choices.items():
                choice = {"name": "incident", "element": element, "value": value, "label": label, "inactive": "false"}
                self._put("sys_choice", choice, "system")
        for name in ("u_symptom", "u_category"):
            label = name.removeprefix("u_").capitalize()
            column = {"name": "incident", "element": name, "column_label": label, "internal_type": "string"}
            self._put("sys_dictionary", {**column, "max_length": "100"}, "system")

    def sign(self, body: bytes, delivery: str) -> dict[str, str]:
        stamp = str(int(self.clock().timestamp()))
        made = hmac.new(self._secret.encode(), stamp.encode() + b"." + body, "sha256").digest()
        return {
            "Content-Type": "application/json",
            "X-Tandem-Timestamp": stamp,
            "X-Tandem-Delivery": delivery,
            "X-Tandem-Signature": base64.b64encode(made).decode(),
        }

    # Its people ----------------------------------------------------------------------------------------------------

    def open_record(self, title: str) -> str:
        return self.insert(THEIRS, {"short_description": title})["sys_id"]

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self.update(THEIRS, id, {name: _text(value) for name, value in values.items()})

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tables["incident"][id]

    def ids(self) -> list[str]:
        return list(self.tables["incident"])

    def say(self, id: str, text: str, public: bool) -> str:
        self.update(THEIRS, id, {"comments" if public else "work_notes": text})
        return next(reversed(self.tables["sys_journal_field"]))

    def said(self, id: str) -> list[Said]:
        entries = [row for row in self.tables["sys_journal_field"].values() if row["element_id"] == id]
        return [Said(e["sys_id"], e["sys_created_by"], e["value"], e["element"] == "comments") for e in entries]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        if not public:
            raise Cannot("a file that not everybody sees who sees the record")
        return self.attach(THEIRS, "incident", id, name, "application/octet-stream", data)["sys_id"]

    def kept(self, id: str) -> list[Kept]:
        files = [row for row in self.tables["sys_attachment"].values() if row["table_sys_id"] == id]
        return [Kept(row["sys_id"], row["file_name"], self._bytes[row["sys_id"]], True) for row in files]

    def remove(self, id: str) -> None:
        self.delete(THEIRS, "incident", id)

    def seal(self, id: str) -> None:
        self.change(id, {"state": "7", "close_code": "Solution provided", "close_notes": "It works again."})

    def revoke(self) -> None:
        self._basic = "Basic revoked"

    # REST ----------------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != self._basic:
            return failure(401, "User Not Authenticated", "Required to provide Auth information")
        if (refused := self._metered()) is not None:
            return refused
        if "accept" not in request.headers:
            return failure(400, "Requested query is not valid", "Accept header is required")
        parts = request.path.removeprefix("/api/now/").split("/")
        try:
            with self.lock:
                return self._route(request, parts)
        except rules.Refusal as no:
            return failure(403, "Operation Failed", no.detail)
        except KeyError:
            return failure(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        except ValueError as no:
            return failure(400, "Exception while reading request", str(no))

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["table", table]:
                return self._list(request, table, self.tables[table])
            case "GET", ["table", table, sys_id]:
                if sys_id in self.hidden:
                    raise KeyError(sys_id)
                return self._shown(request, table, self.tables[table][sys_id])
            case "POST", ["table", "incident"]:
                row = self.insert(self.login, values_of(request))
                return self._shown(
                    request, "incident", row, 201, {"Location": f"{self.url}{request.path}/{row['sys_id']}"}
                )
            case "PATCH" | "PUT", ["table", "incident", sys_id]:
                return self._shown(request, "incident", self.update(self.login, sys_id, values_of(request)))
            case "DELETE", ["table", table, sys_id]:
                self.delete(self.login, table, sys_id)
                return Response(204)
            case "GET", ["attachment"]:
                return self._list(request, "sys_attachment", self.tables["sys_attachment"])
            case "POST", ["attachment", "file"]:
                return self._uploaded(request)
            case "GET", ["attachment", id, "file"]:
                row = self.tables["sys_attachment"][id]
                headers = {"X-Attachment-Metadata": json.dumps(row)}
                return Response(200, self._bytes[id], row["content_type"], headers)
        return failure(400, "Requested URI does not represent any resource", request.path)

    def _list(self, request: Request, table: str, rows: Mapping[str, Row]) -> Response:
        query = request.query
        columns = frozenset(next(iter(rows.values()), {}))
        found = select(rows.values(), query.get("sysparm_query", ""), columns)
        limit, offset = int(query.get("sysparm_limit", LIMIT)), int(query.get("sysparm_offset", 0))
        page = [row for row in found[offset : offset + limit] if row["sys_id"] not in self.hidden]
        headers = {"X-Total-Count": str(len(found))}
        if links := self._links(request, limit, offset, len(found)):
            headers["Link"] = links
        return Response.of({"result": [self._view(request, table, row) for row in page]}, 200, headers)

    def _links(self, request: Request, limit: int, offset: int, total: int) -> str:
        last = max(0, (total - 1) // limit * limit) if limit else 0
        places = {"first": 0, "prev": offset - limit, "next": offset + limit, "last": last}
        wanted = {rel: at for rel, at in places.items() if 0 <= at <= last and (rel != "next" or at > offset)}
        query = {**request.query, "sysparm_limit": str(limit)}
        return ",".join(
            f'<{self.url}{request.path}?{urlencode({**query, "sysparm_offset": str(at)})}>;rel="{rel}"'
            for rel, at in wanted.items()
        )

    def _shown(
        self, request: Request, table: str, row: Row, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        if request.headers.get("x-no-response-body") == "true":
            return Response(status, headers=headers or {})
        return Response.of({"result": self._view(request, table, row)}, status, headers)

    def _view(self, request: Request, table: str, row: Mapping[str, str]) -> dict[str, Any]:
        wanted = [name for name in request.query.get("sysparm_fields", "").split(",") if name]
        plain = request.query.get("sysparm_exclude_reference_link") == "true"
        shown: dict[str, Any] = {name: row[name] for name in wanted if name in row} if wanted else dict(row)
        if table == "incident" and not plain:
            for name in rules.REFERENCES & shown.keys():
                target = "sys_user" if name in rules.PEOPLE else "sys_user_group"
                link = f"{self.url}/api/now/table/{target}/{shown[name]}"
                shown[name] = {"link": link, "value": shown[name]} if shown[name] else ""
        return shown

    def _uploaded(self, request: Request) -> Response:
        mime = request.headers.get("content-type", "application/octet-stream")
        query = request.query
        target = (query["table_name"], query["table_sys_id"], query["file_name"])
        row = self.attach(self.login, *target, mime, request.body)
        return Response.of({"result": row}, 201, {"Location": f"{self.url}/api/now/attachment/{row['sys_id']}"})

    def _metered(self) -> Response | None:
        quota = self.quota
        if quota is None:
            return None
        now = int(self.clock().timestamp())
        with self.lock:
            if now >= quota.reset:
                quota.left, quota.reset = quota.limit, now + quota.window
            quota.left -= 1
            if quota.left >= 0:
                return None
        headers = {"Retry-After": str(quota.reset - now), "X-RateLimit-Limit": str(quota.limit)}
        headers |= {"X-RateLimit-Reset": str(quota.reset), "X-RateLimit-Rule": RULE}
        return failure(429, "Rate limit exceeded", "Rejected by a rate limit rule", headers)


def by_caller(users: Mapping[str, Row], row: Mapping[str, str], by: str) -> bool:
    """Whether the user ``by`` is the incident's caller."""
    caller = users.get(row["caller_id"])
    return caller is not None and caller["user_name"] == by


def values_of(request: Request) -> Row:
    """The body's fields as text; of an array only the first is used. Raises ``ValueError``."""
    if "json" not in request.headers.get("content-type", ""):
        raise ValueError("Content-Type application/json is required")
    body = request.json()
    if isinstance(body, list):
        body = body[0] if body else {}
    if not isinstance(body, dict):
        raise ValueError("the body is no object")
    return {name: _text(value) for name, value in body.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def failure(status: int, message: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in ServiceNow's shape."""
    return Response.of({"error": {"message": message, "detail": detail}, "status": "failure"}, status, headers)
