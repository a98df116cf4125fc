"""Corkboard's own board behind Tandem's simulator, and the contract that the connector has to keep."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.contract import Contract
from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response
from tests.connectors.corkboard.server import Board

THEM = "Mia Lund"


class Desk(Simulator):
    """The board, with a clock that can be moved."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.board = Board(lambda: self.clock().timestamp(), self.announce)
        self.settings = {"url": self.url}
        self.secrets = {"key": "key-robot", "webhook": "corkboard-webhook-1"}
        self.revoked = False

    def answer(self, request: Request) -> Response:
        headers = {**request.headers, "x-board-key": "" if self.revoked else request.headers.get("x-board-key", "")}
        status, kind, body = self.board.serve(request.method, request.target, headers, request.body)
        return Response(status, body, kind)

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        return {"X-Corkboard-Signature": hmac.new(self.secrets["webhook"].encode(), body, "sha256").hexdigest()}

    # its people

    def open_record(self, title: str) -> str:
        return str(self.board.hang({"headline": title}, THEM)["no"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self.board.change(self.board.card(id), values, THEM)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.board.cards[int(id)]

    def ids(self) -> list[str]:
        return [str(number) for number in self.board.cards]

    def say(self, id: str, text: str, public: bool) -> str:
        fields = {"text": text, "audience": "customer" if public else "team"}
        return str(self.board.write(self.board.card(id), fields, THEM)["id"])

    def said(self, id: str) -> list[Said]:
        rows = [note for note in self.board.notes.values() if str(note["card"]) == id]
        return [Said(str(row["id"]), row["by"], row["text"], row["audience"] == "customer") for row in rows]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        return str(self.board.pin(self.board.card(id), name, "application/octet-stream", data, THEM)["id"])

    def kept(self, id: str) -> list[Kept]:
        rows = [file for file in self.board.files.values() if str(file["card"]) == id]
        return [Kept(str(row["id"]), row["name"], self.board.contents[row["id"]], True) for row in rows]

    def spent(self, id: str) -> list[int]:
        return [entry["minutes"] for entry in self.board.minutes.values() if str(entry["card"]) == id]

    def revoke(self) -> None:
        self.revoked = True


class CorkboardContract(Contract):
    simulator = Desk
    title, body = "headline", "body"
    status = ("lane", "inbox", "doing")
