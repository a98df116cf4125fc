"""A loopback HaloPSA or HaloITSM with state: sign-in by token, tickets, actions, attachments, a rolling rate limit.

Writes are POSTs of an array, with an id or without; a list turns pages only if it is asked to; the newest comes first
where asked for, and without custom fields. An action may change the status by a rule of the ticket's workflow. Webhooks
are not signed: they carry a word that was agreed on, may come several at once, and hold a ticket, an action, or both.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

Row = dict[str, Any]

STATUSES = {
    1: "New",
    2: "In Progress",
    3: "Action Required",
    4: "With User",
    5: "With Supplier",
    8: "Resolved",
    9: "Closed",
}
TYPES = {1: "Incident", 3: "Service Request", 4: "Problem"}
PRIORITIES = {1: "Critical", 2: "High", 3: "Medium", 4: "Low"}
LEVELS = {1: "High", 2: "Medium", 3: "Low"}
CLIENT, ELSEWHERE = 12, 77
US, THEM = 21, 5
LIFE = 3600
WINDOW, CALLS = 300.0, 300
UNPAGED = 50
COLUMNS = (
    "summary", "details", "status_id", "tickettype_id", "priority_id", "impact", "urgency", "team", "category_1",
    "agent_id", "user_id", "client_id", "deadlinedate",
)  # fmt: skip


class Refusal(Exception):
    """An answer that is not a yes: a status and a sentence, as plain text inside JSON."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.response = Response.of({"ClassName": "System.Exception", "message": sentence}, status)


class Halo(Simulator):
    """One tenant. ``rules``: the status that an action of ours or theirs brings about, if any. ``limited``: whether the
    rolling limit of calls is heeded. ``batch``: how many webhooks leave in one body."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.settings = {"url": self.url, "application": "a1b2c3d4", "client": CLIENT}
        self.secrets = {"client_secret": "halo-client-s3cret", "webhook": "halo-webhook-word-0123456789"}
        self.tickets: dict[int, Row] = {}
        self.actions: dict[int, list[Row]] = {}
        self.attachments: dict[int, Row] = {}
        self.agents = {US: "Tandem", THEM: "Paula"}
        self.users = {31: ("Alice", "alice@customer.example")}
        self.rules: int | None = None
        self.limited = False
        self.batch = 1
        self.signed_in = 0
        self._tokens: dict[str, datetime] = {}
        self._calls: deque[float] = deque()
        self._held: list[Row] = []
        self._data: dict[int, bytes] = {}
        self._last = 1000
        self._revoked = False

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    # the API

    def answer(self, request: Request) -> Response:
        if request.path == "/auth/token":
            return self._sign_in(request)
        if self.limited and not self._metered():
            return Response(429, b'"Rate Limit Reached - 300 Requests per rolling 5 minute window"')
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        until = self._tokens.get(token)
        if self._revoked or until is None or until.timestamp() <= self.clock().timestamp():
            return Response.of({"message": "Authorization has been denied for this request."}, 401)
        try:
            return self._route(request, request.path.removeprefix("/api/").split("/"))
        except Refusal as no:
            return no.response
        except (KeyError, TypeError, ValueError, IndexError) as error:
            return Refusal(400, f"The request is invalid: {error}").response

    def expire(self) -> None:
        """Every token that was given ends now."""
        self._tokens.clear()

    def _sign_in(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        good = (form.get("client_id"), form.get("client_secret")) == (
            self.settings["application"],
            self.secrets["client_secret"],
        )
        if form.get("grant_type") != "client_credentials" or form.get("scope") != "all" or not good or self._revoked:
            return Response.of({"error": "invalid_client", "error_description": "The client is not known"}, 400)
        self.signed_in += 1
        token = secrets.token_urlsafe(24)
        self._tokens[token] = datetime.fromtimestamp(self.clock().timestamp() + LIFE, UTC)
        return Response.of({"access_token": token, "token_type": "Bearer", "expires_in": LIFE})

    def _metered(self) -> bool:
        now = self.clock().timestamp()
        while self._calls and self._calls[0] <= now - WINDOW:
            self._calls.popleft()
        self._calls.append(now)
        return len(self._calls) <= CALLS

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["Agent", "me"]:
                return Response.of(self._agent(US))
            case "GET", ["Agent", id]:
                return Response.of(self._agent(int(id)))
            case "GET", ["Users"]:
                word = request.query.get("search", "")
                rows = [{"id": id, "name": n, "emailaddress": m} for id, (n, m) in self.users.items() if word in n + m]
                return self._listed(request, "users", rows)
            case "GET", [("Status" | "TicketType" | "Priority") as what]:
                table = {"Status": STATUSES, "TicketType": TYPES, "Priority": PRIORITIES}[what]
                name = "priorityid" if what == "Priority" else "id"
                return Response.of([{name: id, "name": label} for id, label in table.items()])
            case "GET", ["Tickets"]:
                return self._listed(request, "tickets", self._chosen(request.query))
            case "GET", ["Tickets", id]:
                details = request.query.get("includedetails") == "true"
                row = self._ticket(id)
                return Response.of(row if details else {k: v for k, v in row.items() if k != "customfields"})
            case "POST", ["Tickets"]:
                (given,) = request.json()
                return Response.of(self._change(US, given) if given.get("id") else self._make(US, given), 201)
            case "GET", ["Actions"]:
                rows = self.actions.get(int(request.query["ticket_id"]), [])
                plain = request.query.get("excludesys") == "true"
                return self._listed(request, "actions", [r for r in rows if not (plain and r["_system"])])
            case "POST", ["Actions"]:
                (given,) = request.json()
                return Response.of(self._act(US, given), 201)
            case "GET", ["Attachment"]:
                about = int(request.query["ticket_id"])
                return self._listed(
                    request, "attachments", [r for r in self.attachments.values() if r["ticket_id"] == about]
                )
            case "GET", ["Attachment", id]:
                row = self.attachments[int(id)]
                return Response.of({**row, "data_base64": base64.b64encode(self._data[int(id)]).decode()})
            case "POST", ["Attachment"]:
                (given,) = request.json()
                data = base64.b64decode(given["data_base64"])
                return Response.of(
                    self._attach(given["ticket_id"], given["filename"], data, given["showforusers"]), 201
                )
        return Response.of({"message": f"No HTTP resource was found that matches {request.path}"}, 404)

    def _chosen(self, query: Mapping[str, str]) -> list[Row]:
        rows = list(self.tickets.values())
        if client := query.get("client_id"):
            rows = [row for row in rows if row["client_id"] == int(client)]
        if word := query.get("search"):
            rows = [row for row in rows if word in json.dumps(row)]
        order = query.get("order") or "id"
        rows.sort(key=lambda row: (row[order], row["id"]), reverse=query.get("orderdesc") == "true")
        return [{k: v for k, v in row.items() if k not in ("details", "customfields")} for row in rows]

    def _listed(self, request: Request, name: str, rows: list[Row]) -> Response:
        """One page if pages were asked for; else the first rows alone, whatever size was asked for."""
        query, count = request.query, len(rows)
        if query.get("pageinate") == "true":
            size, page = int(query.get("page_size", UNPAGED)), int(query.get("page_no", 1))
            rows = rows[(page - 1) * size : page * size]
        else:
            rows = rows[:UNPAGED]
        shown = [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]
        return Response.of({"record_count": count, name: shown})

    def _agent(self, id: int) -> Row:
        if id not in self.agents:
            raise Refusal(404, "The agent is not there")
        name = self.agents[id]
        return {"id": id, "name": name, "email": f"{name.lower()}@acme.example", "isdisabled": False}

    def _ticket(self, id: Any) -> Row:
        if not str(id).isdigit() or int(id) not in self.tickets:
            raise Refusal(404, f"Ticket {id} is not there")
        return self.tickets[int(id)]

    # what it does

    def _make(self, by: int, given: Mapping[str, Any]) -> Row:
        for name in ("summary", "tickettype_id", "client_id"):
            if not given.get(name):
                raise Refusal(400, f"{name} is mandatory")
        self._last += 1
        now = self.now()
        row: Row = {**dict.fromkeys(COLUMNS), "status_id": 1, "priority_id": 3, "id": self._last, "customfields": []}
        row |= {"dateoccurred": now, "datecreated": now, "deleted": False, "merged_into_id": 0, "hasbeenclosed": False}
        self.tickets[row["id"]] = row
        self.actions[row["id"]] = []
        self._take(row, given)
        self._note(by, row["id"], "Logged", True, system=True)
        self._touch(row)
        self._report("New Ticket Logged", row, None)
        return row

    def _change(self, by: int, given: Mapping[str, Any]) -> Row:
        row = self._ticket(_number(given["id"]))
        self._take(row, given)
        self._touch(row)
        self._report("Ticket Updated", row, None)
        return row

    def _take(self, row: Row, given: Mapping[str, Any]) -> None:
        tables = {
            "status_id": STATUSES,
            "tickettype_id": TYPES,
            "priority_id": PRIORITIES,
            "impact": LEVELS,
            "urgency": LEVELS,
        }
        for name in tables.keys() & given.keys():
            if given[name] is not None and _number(given[name]) not in tables[name]:
                raise Refusal(400, f"{name} {given[name]} is not valid")
        row |= {name: given[name] for name in COLUMNS if name in given}
        for each in given.get("customfields", []):
            row["customfields"] = [f for f in row["customfields"] if f["name"] != each["name"]] + [each]

    def _act(self, by: int, given: Mapping[str, Any]) -> Row:
        row = self._ticket(_number(given["ticket_id"]))
        if not given.get("outcome") and not given.get("outcome_id"):
            raise Refusal(400, "An action needs an outcome")
        action = self._note(by, row["id"], given["note"], bool(given.get("hiddenfromuser")))
        if self.rules is not None and not given.get("dont_do_rules"):
            row["status_id"] = self.rules
        self._touch(row)
        self._report("Ticket Updated", row, action)
        return action

    def _note(self, by: int, ticket: int, text: str, hidden: bool, system: bool = False) -> Row:
        """Actions are numbered ticket by ticket."""
        made: Row = {"id": len(self.actions[ticket]) + 1, "ticket_id": ticket, "note": text, "hiddenfromuser": hidden}
        made |= {"who": self.agents[by], "who_agentid": by, "datetime": self.now(), "timetaken": 0, "_system": system}
        self.actions[ticket].append(made)
        return made

    def _attach(self, ticket: Any, name: str, data: bytes, shown: bool) -> Row:
        row = self._ticket(_number(ticket))
        self._last += 1
        made: Row = {
            "id": self._last,
            "ticket_id": row["id"],
            "filename": name,
            "filesize": len(data),
            "showforusers": shown,
        }
        made["datecreated"] = self.now()
        self.attachments[made["id"]], self._data[made["id"]] = made, data
        self._touch(row)
        return made

    def _touch(self, row: Row) -> None:
        row["lastactiondate"] = row["last_update"] = self.now()

    # webhooks

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        return {"content-type": "application/json", "Authorization": f"Bearer {self.secrets['webhook']}"}

    def _report(self, event: str, row: Row, action: Row | None) -> None:
        told: Row = {
            "event": event,
            "object_id": str(row["id"]),
            "ticket": {"id": row["id"], "summary": row["summary"]},
        }
        if action is not None:
            told["action"] = {"ticket_id": row["id"], "who": action["who"], "hiddenfromuser": action["hiddenfromuser"]}
        self._held.append(told)
        if len(self._held) >= self.batch:
            body = self._held[0] if len(self._held) == 1 else self._held
            self._held = []
            self.announce(json.dumps(body).encode())

    # people at work there

    def open_record(self, title: str) -> str:
        with self.lock:
            return str(self._make(THEM, {"summary": title, "tickettype_id": 1, "client_id": CLIENT})["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        with self.lock:
            numbers = ("status_id", "tickettype_id", "priority_id", "impact", "urgency", "agent_id")
            given = {name: int(value) if name in numbers else value for name, value in values.items()}
            self._change(THEM, {"id": int(id), **given})

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tickets[int(id)]

    def ids(self) -> list[str]:
        return [str(id) for id, row in self.tickets.items() if not row["deleted"]]

    def say(self, id: str, text: str, public: bool) -> str:
        with self.lock:
            given = {"ticket_id": int(id), "note": text, "hiddenfromuser": not public, "outcome": "Note"}
            return str(self._act(THEM, given)["id"])

    def said(self, id: str) -> list[Said]:
        rows = [row for row in self.actions[int(id)] if not row["_system"]]
        return [Said(str(row["id"]), row["who"], row["note"], not row["hiddenfromuser"]) for row in rows]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        with self.lock:
            return str(self._attach(int(id), name, data, public)["id"])

    def kept(self, id: str) -> list[Kept]:
        rows = [row for row in self.attachments.values() if row["ticket_id"] == int(id)]
        return [Kept(str(row["id"]), row["filename"], self._data[row["id"]], row["showforusers"]) for row in rows]

    def edit(self, id: str, comment: str, text: str | None) -> None:
        with self.lock:
            row = next(row for row in self.actions[int(id)] if str(row["id"]) == comment)
            if text is None:
                self.actions[int(id)].remove(row)
            else:
                row["note"] = text

    def remove(self, id: str) -> None:
        with self.lock:
            self.tickets[int(id)]["deleted"] = True
            self._touch(self.tickets[int(id)])

    def move(self, id: str) -> None:
        """To another client, which is not ours."""
        self.tickets[int(id)]["client_id"] = ELSEWHERE
        self._touch(self.tickets[int(id)])

    def merge(self, id: str, into: str) -> None:
        """One ticket becomes a part of another."""
        self.tickets[int(id)]["merged_into_id"] = int(into)
        self._touch(self.tickets[int(id)])

    def revoke(self) -> None:
        self._revoked = True


def _number(value: Any) -> int:
    """A number; digits in quotes are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(400, f"Error converting value {json.dumps(value)} to type 'System.Int32'.")
    return value
