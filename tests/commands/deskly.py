"""Deskly, the invented helpdesk of ``docs/examples``, on the loopback: what its manifest says, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from connectors.simulators.loopback import Loopback, Request, Response

TOKEN = "harbour-token"


class Deskly:
    """Tickets by id; ``messages`` per ticket. ``url`` ends without the ``/api``."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self._loopback = Loopback(self._answer)
        self.url, self.port = self._loopback.url, self._loopback.port

    def __enter__(self) -> Deskly:
        self._loopback.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.stop()

    def say(self, id: str, text: str, internal: bool, author: str = "hugo") -> dict[str, Any]:
        """A message of somebody's."""
        number = str(sum(map(len, self.messages.values())) + 1)
        made = {"id": number, "author_id": author, "created_at": now(), "text": text, "internal": internal}
        self.messages[id].append(made)
        self.change(id, {}, author)
        return made

    def change(self, id: str, fields: dict[str, Any], who: str = "hugo") -> dict[str, Any]:
        ticket = self.tickets[id]
        ticket.update({**fields, "revision": ticket["revision"] + 1, "updated_at": now(), "updated_by": who})
        return ticket

    def _answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response.of({"message": "who are you?"}, 401)
        parts = request.path.removeprefix("/api").strip("/").split("/")
        routes: dict[tuple[str, int], Callable[[], Any]] = {
            ("GET", 1): lambda: {"id": "gateway"} if parts == ["me"] else self._list(request),
            ("POST", 1): lambda: self._create(request.json()),
            ("GET", 2): lambda: self.tickets[parts[1]],
            ("PATCH", 2): lambda: self._patch(request, parts[1]),
            ("GET", 3): lambda: {"data": self.messages[parts[1]]},
            ("POST", 3): lambda: self.say(parts[1], **request.json(), author="gateway"),
        }
        try:
            return Response.of(routes[request.method, len(parts)]())
        except KeyError:
            return Response.of({"message": "there is no such thing"}, 404)
        except ValueError as error:
            return Response.of({"message": str(error)}, 412)

    def _list(self, request: Request) -> dict[str, Any]:
        query = request.query
        if "partner_ref" in query:
            rows = [t for t in self.tickets.values() if t["partner_ref"] == query["partner_ref"]]
        else:
            since = query.get("updated_after", "")
            rows = sorted((t for t in self.tickets.values() if t["updated_at"] >= since), key=lambda t: t["updated_at"])
        page, size = int(query.get("page", 1)), int(query.get("per_page", 50))
        return {"data": rows[(page - 1) * size : page * size]}

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        id = str(701 + len(self.tickets))
        fields = {"title": "", "body": None, "status": "open", "priority": 2, "partner_ref": None}
        stamps = {"created_at": now(), "updated_at": now(), "updated_by": "gateway"}
        self.tickets[id] = {**fields, **body, "id": id, "revision": 1, **stamps}
        self.messages[id] = []
        return self.tickets[id]

    def _patch(self, request: Request, id: str) -> dict[str, Any]:
        given = request.headers.get("if-match", "").strip('"')
        if given != str(self.tickets[id]["revision"]):
            raise ValueError("it was changed meanwhile")
        return self.change(id, json.loads(request.body), "gateway")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
