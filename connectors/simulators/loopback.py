"""A small HTTP/1.1 server for desks on the loopback: keep-alive, a thread per connection, faults down to the byte.

It serves ``handle(Request) -> Response``. A fault script decides per request what goes wrong and when, before or after
``handle`` has taken effect; the standard library's server would not let a reply be cut inside its head.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedIOBase
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.simulators.faults import NONE, Faults, Wire

HEAD_MAX = 65536
BODY_MAX = 64 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One request; header names in lower case, ``path`` percent-decoded, of repeated query names the last; ``target``
    as it was sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str = ""

    def json(self) -> Any:
        """The body as JSON; raises ``ValueError``."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: int = 200
    body: bytes = b""
    mime: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A JSON document."""
        return cls(status, json.dumps(document).encode(), "application/json", headers or {})

    def head(self, length: int, mime: str | None = None) -> bytes:
        """Status line and headers for a body of ``length`` bytes."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Other"
        kind = mime or self.mime
        charset = "; charset=utf-8" if kind.startswith("text/") or kind == "application/json" else ""
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Content-Length: {length}"]
        if length or self.body:
            lines.append(f"Content-Type: {kind}{charset}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"


class BadRequest(Exception):
    """Bytes that are no request."""


def read_request(stream: BufferedIOBase, reply: Callable[[bytes], object]) -> Request | None:
    """The next request of a connection; None at its end. Raises ``BadRequest``."""
    line = stream.readline(HEAD_MAX)
    if not line.strip():
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3:
        raise BadRequest("no request line")
    headers = _headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        reply(b"HTTP/1.1 100 Continue\r\n\r\n")
    url = urlsplit(parts[1])
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Request(parts[0], unquote(url.path), query, headers, _body(stream, headers), parts[1])


def _headers(stream: BufferedIOBase) -> dict[str, str]:
    headers: dict[str, str] = {}
    size = 0
    while (line := stream.readline(HEAD_MAX)) not in (b"\r\n", b"\n", b""):
        size += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or size > HEAD_MAX:
            raise BadRequest("no header line, or too many")
        headers[name.strip().lower()] = value.strip()
    return headers


def _body(stream: BufferedIOBase, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunks(stream)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_MAX:
        raise BadRequest("a length that is none, or too long")
    return stream.read(int(length))


def _chunks(stream: BufferedIOBase) -> bytes:
    found = bytearray()
    while size := int(stream.readline(64).split(b";")[0] or b"0", 16):
        if len(found) + size > BODY_MAX:
            raise BadRequest("too long")
        found += stream.read(size)
        stream.readline(8)
    while stream.readline(HEAD_MAX) not in (b"\r\n", b"\n", b""):
        continue
    return bytes(found)


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        self.server.open.add(self.connection)
        try:
            while self._one():
                continue
        except (OSError, ValueError, BadRequest):
            return  # the other side went away or speaks no HTTP
        finally:
            self.server.open.discard(self.connection)

    def _one(self) -> bool:
        request = read_request(self.rfile, self.connection.sendall)
        if request is None or self.server.stopping.is_set():
            return False
        fault = self.server.faults.next(request.method, request.path) if self.server.faults else NONE
        wire = Wire(self.connection, self.server.stopping)
        if not fault.commits:
            fault.instead(wire)
            return wire.keep
        fault.before(wire)
        response = self.server.answer(request)
        fault.after(wire, response.head(len(response.body), fault.mime), response.body)
        return wire.keep and request.headers.get("connection", "").lower() != "close"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], answer: Callable[[Request], Response], faults: Faults | None) -> None:
        self.answer = answer
        self.faults = faults
        self.stopping = threading.Event()
        self.open: set[socket.socket] = set()
        super().__init__(address, _Connection)


class Loopback:
    """A server on 127.0.0.1 around ``answer``; ``port`` 0 takes a free one. Serves between ``start`` and ``stop``."""

    def __init__(self, answer: Callable[[Request], Response], port: int = 0, faults: Faults | None = None) -> None:
        self._server = _Server(("127.0.0.1", port), answer, faults)
        self._thread: threading.Thread | None = None
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> Loopback:
        """Serves from a thread of its own."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True, name="loopback")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes the port and every open connection."""
        self._server.stopping.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        for each in list(self._server.open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already gone

    def __enter__(self) -> Loopback:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
