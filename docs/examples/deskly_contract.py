"""Deskly as its makers document it, on the loopback, and the contract that its connector has to keep.

Beside ``manifest.yaml`` this file is called ``contract.py``; ``tandem connector check FOLDER`` then runs it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.contract import Contract
from connectors.simulators.desk import Said, Simulator
from connectors.simulators.loopback import Request, Response

US, THEM = "gateway", "hugo"


class Deskly(Simulator):
    """Tickets by id; ``messages`` per ticket."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.tickets: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.settings = {"url": self.url, "team": "network"}
        self.secrets = {"token": "deskly-token-1", "webhook": "deskly-webhook-1"}
        self.signed_in_as = f"Bearer {self.secrets['token']}"

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != self.signed_in_as:
            return Response.of({"message": "who are you?"}, 401)
        try:
            return self._route(request, request.path.removeprefix("/api/").split("/"))
        except KeyError:
            return Response.of({"message": "there is no such thing"}, 404)

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["me"]:
                return Response.of({"id": US})
            case "GET", ["tickets"]:
                return Response.of({"data": self._found(request.query)})
            case "POST", ["tickets"]:
                return Response.of(self.put(None, request.json(), US), 201)
            case "GET", ["tickets", id]:
                return Response.of(self.tickets[id])
            case "PATCH", ["tickets", id]:
                if request.headers.get("if-match", "").strip('"') != str(self.tickets[id]["revision"]):
                    return Response.of({"message": "it was changed meanwhile"}, 412)
                return Response.of(self.put(id, request.json(), US))
            case "GET", ["tickets", id, "messages"]:
                return Response.of({"data": self.messages[id]})
            case "POST", ["tickets", id, "messages"]:
                body = request.json()
                return Response.of(self.write(id, body["text"], body["internal"], US), 201)
        return Response.of({"message": f"there is no {request.path}"}, 404)

    def _found(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = list(self.tickets.values())
        if "partner_ref" in query:
            return [row for row in rows if row["partner_ref"] == query["partner_ref"]]
        rows = [row for row in rows if row["updated_at"] >= query.get("updated_after", "")]
        rows.sort(key=lambda row: (row["updated_at"], int(row["id"])))
        page, size = int(query.get("page", 1)), int(query.get("per_page", 50))
        return rows[(page - 1) * size : page * size]

    def put(self, id: str | None, values: Mapping[str, Any], who: str) -> dict[str, Any]:
        """A new ticket, or changes of one."""
        now = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        if id is None:
            id = str(701 + len(self.tickets))
            empty = {"title": "", "body": None, "status": "open", "priority": 2, "partner_ref": None}
            self.tickets[id] = {"id": id, "revision": 0, "created_at": now, **empty}
            self.messages[id] = []
        row = self.tickets[id]
        row.update({**values, "revision": row["revision"] + 1, "updated_at": now, "updated_by": who})
        self.announce(json.dumps({"ticket": {"id": id}}).encode())
        return row

    def write(self, id: str, text: str, internal: bool, who: str) -> dict[str, Any]:
        """A message of somebody's; it counts as a change of its ticket."""
        number = str(1 + sum(map(len, self.messages.values())))
        at = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        made = {"id": number, "author_id": who, "created_at": at, "text": text, "internal": internal}
        self.messages[id].append(made)
        self.put(id, {}, who)
        return made

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        signature = hmac.new(self.secrets["webhook"].encode(), body, "sha256").hexdigest()
        return {"X-Deskly-Signature": signature, "X-Deskly-Delivery": delivery}

    # its people

    def open_record(self, title: str) -> str:
        return str(self.put(None, {"title": title}, THEM)["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self.put(id, values, THEM)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tickets[id]

    def ids(self) -> list[str]:
        return list(self.tickets)

    def say(self, id: str, text: str, public: bool) -> str:
        return str(self.write(id, text, not public, THEM)["id"])

    def said(self, id: str) -> list[Said]:
        return [Said(m["id"], m["author_id"], m["text"], not m["internal"]) for m in self.messages[id]]

    def remove(self, id: str) -> None:
        del self.tickets[id]

    def revoke(self) -> None:
        self.signed_in_as = "Bearer of nothing"


class DesklyContract(Contract):
    simulator = Deskly
    body = "body"
    status = ("status", "open", "waiting")
