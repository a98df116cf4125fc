"""A real server in a simulator's place: what a connector asks is handed on, and what its people do is done in it.

Between connector and server stands the loopback server of the simulators with its fault script: a fault may come
before the request reaches the real server, or after it took effect there. Each instance works in a queue or project of
its own.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import uuid4

from connectors.base import Arrival
from connectors.simulators.desk import Clock, Simulator
from connectors.simulators.loopback import Loopback, Request, Response
from tests.live.peers import Server

SECRET = "loopback-hook-secret"
OURS = frozenset({"connection", "content-length", "expect", "host", "transfer-encoding"})
"""Headers of a request that the front says anew."""

ITS_OWN = frozenset(
    {"connection", "content-length", "content-type", "transfer-encoding", "keep-alive", "server", "date"}
)
"""Headers of a reply that are the front's own to say."""


S = TypeVar("S", bound=Server)


class RealTime(Clock):
    """A clock that nobody can move. Asked to go on it stays where it is: what happens there happens within one second
    of the desk's own clock, which is harder on a connector than a minute or an hour between."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)

    def forward(self, seconds: float) -> None:
        """Nothing: time passes by itself."""


class Front(Simulator, Generic[S]):
    """A desk of a kind in the real ``server``, which ``told`` us by its own webhook."""

    kind: ClassVar[str]
    verify: ClassVar[str] = "script"

    def __init__(self, clock: Callable[[], datetime], server: S, **more: Any) -> None:
        super().__init__(clock, **more)
        self.server = server
        self.name = f"c{uuid4().hex[:8]}"
        self._ears = Loopback(self._heard)
        self._undo: list[Callable[[], object]] = []

    def answer(self, request: Request) -> Response:
        """The real server's."""
        line = HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        sent = {name: value for name, value in request.headers.items() if name not in OURS}
        body = request.body if request.body or request.method != "GET" else None
        line.request(request.method, request.target, body, {**sent, "Connection": "close"})
        with line.getresponse() as reply:
            headers = {name: value for name, value in reply.getheaders() if name.lower() not in ITS_OWN}
            return Response(reply.status, reply.read(), reply.getheader("Content-Type") or "", headers)

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        raise NotImplementedError("the server signs for itself")

    def _heard(self, request: Request) -> Response:
        self.told.append(Arrival(request.method, request.query, request.headers, request.body))
        return Response(204)

    @abstractmethod
    def settle_in(self) -> None:
        """Makes the queue or project of this desk's own."""

    def start(self) -> Self:
        super().start()
        self._ears.start()
        self.server.webhook(f"{self._ears.url}/", SECRET)
        self.settle_in()
        return self

    def stop(self) -> None:
        self.server.webhook_off()
        for undo in self._undo:
            undo()
        self._ears.stop()
        super().stop()

    def theirs(self, method: str, path: str, body: object = None, who: str = "paula", **options: Any) -> Any:
        """What somebody of theirs does in the server; its answer, where it is JSON."""
        answer = self.server.call(method, path, body, who, **options)
        if not answer.ok:
            raise AssertionError(f"{method} {path} as {who}: {answer.status_code} {answer.text[:300]}")
        return json.loads(answer.content) if answer.content.strip() else None
