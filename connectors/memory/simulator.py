"""The memory desk as a simulator among the others: its API, with its people at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.memory import wire
from connectors.memory.api import Api
from connectors.memory.desk import Desk
from connectors.memory.rules import Missing, Quirks
from connectors.memory.tickets import Happening, Ticket
from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

THEIRS = "paula"


class Memory(Simulator):
    """One desk; ``desk.quirks`` gives it the manners of others."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.desk = Desk(clock, Quirks())
        self.desk.listeners.append(self._report)
        self._api = Api(self.desk, "memory-token")
        self.settings = {"url": self.url}
        self.secrets = {"token": "memory-token", "webhook": "memory-webhook-secret"}

    def answer(self, request: Request) -> Response:
        return self._api(request)

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        return wire.webhook_headers(self.secrets["webhook"], self.clock(), delivery, body)

    def _report(self, happening: Happening, ticket: Ticket) -> None:
        self.announce(wire.webhook_body(happening, ticket))

    def open_record(self, title: str) -> str:
        return self.desk.create(THEIRS, {"title": title}).id

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self.desk.update(THEIRS, id, values)

    def shows(self, id: str) -> Mapping[str, Any]:
        try:
            return wire.ticket_document(self.desk.get(id))
        except Missing:
            raise KeyError(id) from None

    def ids(self) -> list[str]:
        return [each.id for each in self.desk.tickets.values() if not each.deleted]

    def say(self, id: str, text: str, public: bool) -> str:
        return self.desk.comment(THEIRS, id, text, public).id

    def said(self, id: str) -> list[Said]:
        comments = self.desk.get(id).comments
        return [Said(each.id, each.author, each.text, each.public) for each in comments if not each.deleted]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        return self.desk.upload(THEIRS, id, name, "application/octet-stream", data, public).id

    def kept(self, id: str) -> list[Kept]:
        return [Kept(each.id, each.name, each.data, each.public) for each in self.desk.get(id).uploads]

    def spent(self, id: str) -> list[int]:
        return [each.minutes for each in self.desk.get(id).worklogs]

    def work(self, id: str, minutes: int, text: str) -> str:
        return self.desk.log(THEIRS, id, minutes, text, self.clock()).id

    def edit(self, id: str, comment: str, text: str | None) -> None:
        self.desk.edit(THEIRS, id, comment, text)

    def remove(self, id: str) -> None:
        self.desk.delete(THEIRS, id)

    def seal(self, id: str) -> None:
        self.desk.quirks.frozen = True
        self.desk.update(THEIRS, id, {"status": "closed"})

    def revoke(self) -> None:
        self._api = Api(self.desk, "another-token")
