"""The memory desk over HTTP on the loopback: its API, its page for people, its webhooks, its control door for tests."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from connectors.memory import wire
from connectors.memory.api import Api
from connectors.memory.control import Control
from connectors.memory.desk import Desk
from connectors.memory.pages import Pages
from connectors.memory.statefile import StateFile
from connectors.memory.tickets import Happening, Ticket
from connectors.simulators.faults import Faults
from connectors.simulators.loopback import Loopback, Request, Response
from connectors.simulators.webhooks import Sender


class DeskServer:
    """One desk, served. ``state``: the file that keeps it; ``webhook``: where it reports to, signed with ``secret``."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        token: str,
        *,
        port: int = 0,
        state: str | None = None,
        webhook: str | None = None,
        secret: str = "",
        name: str = "Memory desk",
        control: bool = False,
        me: str = "gateway",
    ) -> None:
        self.desk = Desk(clock)
        self.faults = Faults()
        self._state = StateFile(state) if state else None
        if self._state is not None:
            self._state.load(self.desk)
        self._secret = secret
        self.sender = Sender(webhook, self._sign, secrets.token_hex(6)) if webhook else None
        self.desk.listeners.append(self._report)
        self._api = Api(self.desk, token, me)
        self._pages = Pages(self.desk, name, me)
        self._control = Control(self.desk, self.faults, self.sender) if control else None
        self._loopback = Loopback(self._answer, port, self.faults)
        self.url = self._loopback.url
        self.port = self._loopback.port

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/api/"):
            response = self._api(request)
        elif request.path.startswith("/_control/") and self._control is not None:
            response = self._control(request)
        else:
            response = self._pages(request)
        if self.sender is not None and self.sender.mood.first:
            self.sender.flush()
        return response

    def _sign(self, body: bytes, delivery: str) -> dict[str, str]:
        return wire.webhook_headers(self._secret, self.desk.clock(), delivery, body)

    def _report(self, happening: Happening, ticket: Ticket) -> None:
        if self.sender is not None:
            self.sender.offer(wire.webhook_body(happening, ticket))

    def start(self) -> DeskServer:
        """Serves from threads of its own."""
        self._loopback.start()
        return self

    def stop(self) -> None:
        """Closes port, sender and file."""
        self._loopback.stop()
        if self.sender is not None:
            self.sender.close()
        if self._state is not None:
            self._state.close()

    def __enter__(self) -> DeskServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
