"""What may go wrong with a request to a loopback desk, decided request by request by a script.

The server asks ``Faults.next`` once per request and lets the ``Fault`` act: ``instead`` of the desk, ``before`` it, or
``after`` it has taken effect, down to the bytes of the reply.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

What = Literal[
    "ok",
    "commit_then_drop",
    "drop_before_commit",
    "delay",
    "commit_then_delay",
    "status",
    "commit_then_status",
    "truncate_body",
    "truncate_head",
    "wrong_content_type",
    "html_login_page",
    "redirect",
    "slowloris",
]
INSTEAD = frozenset({"drop_before_commit", "status", "html_login_page", "redirect"})
LOGIN = b"<!doctype html><html><title>Sign in</title><form method=post><input name=user></form></html>"


class Wire:
    """The connection a fault acts on. ``keep``: whether another request may follow on it."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.keep = True

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def wait(self, seconds: float) -> None:
        """Waits, or less when the server stops."""
        self._stopping.wait(seconds)

    def reset(self) -> None:
        """Ends the connection at once, unsent bytes and all."""
        self.keep = False
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        """Ends the connection after what was sent."""
        self.keep = False


@dataclass(frozen=True)
class Fault:
    """How one request ends.

    ``seconds``: the wait of ``delay`` (the write lands that late), ``commit_then_delay`` (only the reply is late), and
    between two bytes of ``slowloris``. ``status`` with ``retry_after`` (seconds or an HTTP date). ``size``: how many
    bytes of the body or of the head are sent before the cut. ``url``: where a ``redirect`` points.
    """

    what: What = "ok"
    seconds: float = 0.0
    status: int = 503
    retry_after: str | None = None
    size: int = 0
    url: str = ""

    @property
    def commits(self) -> bool:
        """Whether the desk sees the request at all."""
        return self.what not in INSTEAD

    @property
    def mime(self) -> str | None:
        """The content type to claim instead of the true one."""
        return "text/plain" if self.what == "wrong_content_type" else None

    def instead(self, wire: Wire) -> None:
        """The reply, or none, to a request that the desk never sees."""
        if self.what == "drop_before_commit":
            wire.reset()
        elif self.what == "html_login_page":
            wire.send(_head(200, len(LOGIN), {"Content-Type": "text/html"}) + LOGIN)
        elif self.what == "redirect":
            wire.send(_head(302, 0, {"Location": self.url}))
        else:
            self._refuse(wire)

    def before(self, wire: Wire) -> None:
        """What happens between the request's arrival and its effect."""
        if self.what == "delay":
            wire.wait(self.seconds)

    def after(self, wire: Wire, head: bytes, body: bytes) -> None:
        """Sends the desk's reply, or what becomes of it."""
        match self.what:
            case "commit_then_drop":
                wire.reset()
            case "commit_then_status":
                self._refuse(wire)
            case "truncate_body":
                wire.send(head + body[: self.size])
                wire.close()
            case "truncate_head":
                wire.send(head[: self.size])
                wire.close()
            case "slowloris":
                self._trickle(wire, head + body)
            case _:
                if self.what == "commit_then_delay":
                    wire.wait(self.seconds)
                wire.send(head + body)

    def _refuse(self, wire: Wire) -> None:
        body = b'{"message": "try again later"}'
        extra = {"Content-Type": "application/json"}
        if self.retry_after is not None:
            extra["Retry-After"] = self.retry_after
        wire.send(_head(self.status, len(body), extra) + body)

    def _trickle(self, wire: Wire, data: bytes) -> None:
        for at in range(len(data)):
            wire.send(data[at : at + 1])
            wire.wait(self.seconds or 1.0)


NONE = Fault()


def _head(status: int, length: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} By Script", f"Content-Length: {length}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@dataclass(frozen=True)
class Planned:
    """A fault that waits for its request: method and path must fit where they are given (``path``: a part of it)."""

    fault: Fault
    method: str | None = None
    path: str | None = None

    def fits(self, method: str, path: str) -> bool:
        return self.method in (None, method) and (self.path is None or self.path in path)


class Faults:
    """The script of one desk: planned faults meet the next fitting request, in order; else chance decides.

    ``requests`` counts what came, ``met`` what went wrong. ``ungoverned``: paths that begin so are left alone.
    """

    def __init__(self, ungoverned: tuple[str, ...] = ("/_control",)) -> None:
        self._lock = threading.Lock()
        self._planned: list[Planned] = []
        self._mixture: list[tuple[float, Planned]] = []
        self._random = random.Random(0)  # noqa: S311  chance for tests, repeatable
        self._ungoverned = ungoverned
        self.requests = 0
        self.met: dict[str, int] = {}

    def plan(
        self, what: What, *, times: int = 1, method: str | None = None, path: str | None = None, **how: Any
    ) -> None:
        """``what`` for the next ``times`` fitting requests; ``how``: the other fields of ``Fault``."""
        with self._lock:
            self._planned += [Planned(Fault(what, **how), method, path)] * times

    def chance(
        self, share: float, what: What, *, method: str | None = None, path: str | None = None, **how: Any
    ) -> None:
        """``what`` for that share (0..1) of the fitting requests from now on."""
        with self._lock:
            self._mixture.append((share, Planned(Fault(what, **how), method, path)))

    def seed(self, number: int) -> None:
        """Makes the chances repeatable."""
        self._random.seed(number)

    def clear(self) -> None:
        """All goes well from now on."""
        with self._lock:
            self._planned.clear()
            self._mixture.clear()

    def load(self, documents: list[dict[str, Any]]) -> None:
        """Replaces the script by one given as JSON: keys of ``plan``, or of ``chance`` where there is a ``share``."""
        known = {each.name for each in fields(Fault)} | {"share", "times", "method", "path"}
        for document in documents:
            if unknown := document.keys() - known:
                raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        self.clear()
        for document in documents:
            if "share" in document:
                self.chance(**document)
            else:
                self.plan(**document)

    def next(self, method: str, path: str) -> Fault:
        """The fault for this request."""
        if path.startswith(self._ungoverned):
            return NONE
        with self._lock:
            self.requests += 1
            fault = self._hit(method, path)
            if fault.what != "ok":
                self.met[fault.what] = self.met.get(fault.what, 0) + 1
            return fault

    def _hit(self, method: str, path: str) -> Fault:
        for planned in self._planned:
            if planned.fits(method, path):
                self._planned.remove(planned)
                return planned.fault
        for share, planned in self._mixture:
            if planned.fits(method, path) and self._random.random() < share:
                return planned.fault
        return NONE
