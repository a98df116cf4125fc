"""Connections below the session: ``http.client`` behind requests' adapter, guarded, kept alive, each call with one end.

A name is resolved once, every address of the answer is checked by ``egress.py``, and the connection goes to a checked
address. A connection that was dropped meanwhile is not used again, and one that idled only for a plain read: its end
may not have been heard yet. One deadline covers connecting, sending and each byte of the reply, so a trickling server
cannot hold a thread.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.response import HTTPResponse
from urllib3.util.wait import wait_for_read

from connectors.egress import Egress, EgressRefused

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 5.0
CHUNK = 64 * 1024
POOL = 64
"""Connections kept per host."""

Resolve = Callable[..., list[tuple[Any, Any, Any, Any, Any]]]


class NotSent(Exception):
    """Name, connect or TLS handshake failed: nothing of the request left."""


class Cut(http.client.HTTPException):
    """The reply ended before its end."""


class _Deadline(socket.socket):
    """A socket whose every receive and send ends at ``deadline`` (monotonic). ``ended``: the peer's end was read."""

    deadline: float | None = None
    ended = False

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        _limit(self)
        got = super().recv_into(buffer, nbytes, flags)
        self.ended = got == 0
        return got

    def sendall(self, data: Any, flags: int = 0) -> None:
        _limit(self)
        super().sendall(data, flags)


class _DeadlineTLS(ssl.SSLSocket):
    """The same for TLS, whose socket class the ``ssl`` module makes itself."""

    deadline: float | None = None
    ended = False

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        _limit(self)
        got = super().recv_into(buffer, nbytes, flags)
        self.ended = got == 0
        return got

    def sendall(self, data: Any, flags: int = 0) -> None:
        _limit(self)
        super().sendall(data, flags)


def _limit(sock: _Deadline | _DeadlineTLS) -> None:
    if sock.deadline is not None:
        left = sock.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        sock.settimeout(left)


@dataclass(frozen=True)
class Guard:
    egress: Egress
    resolve: Resolve

    def connect(self, host: str, port: int, tls: bool, deadline: float) -> _Deadline:
        """A connection to a checked address. Raises ``EgressRefused``, ``NotSent``."""
        name = host.strip("[]")
        try:
            found = self.resolve(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotSent(f"{name}: {error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        self.egress.check(name, port, addresses)
        if not tls and not all(ip_address(text.partition("%")[0]).is_loopback for text in addresses):
            raise EgressRefused(f"{name}: plain http goes to this machine alone; use https")
        until = min(deadline, time.monotonic() + CONNECT_SECONDS)
        failure: Exception = OSError("no address")
        for count, (family, kind, proto, _, address) in enumerate(found):
            try:
                return self._dial(family, kind, proto, address, (until - time.monotonic()) / (len(found) - count))
            except OSError as error:
                failure = error
        raise NotSent(f"{name}: {failure}") from failure

    def _dial(self, family: int, kind: int, proto: int, address: Any, seconds: float) -> _Deadline:
        sock = _Deadline(family, kind, proto)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(max(seconds, 0.001))
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        return sock


class Adapter(HTTPAdapter):
    """What ``requests`` knows as a transport: sends one prepared request. ``timeout``: seconds until the deadline of
    everything, the reply's last byte too. Raises ``EgressRefused``, ``NotSent``, ``OSError``,
    ``http.client.HTTPException``; ``ValueError`` for what is no request."""

    def __init__(self, guard: Guard, ca: str | None = None) -> None:
        super().__init__()
        self._guard = guard
        self._ca = ca or DEFAULT_CA_BUNDLE_PATH
        self._idle: dict[tuple[str, str, int], list[_Connection]] = {}

    def send(
        self,
        request: PreparedRequest,
        stream: bool = True,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        deadline = time.monotonic() + timeout
        place = _place(_origin(str(request.url)))
        connection = self._kept(place, request.method in ("GET", "HEAD")) or self._new(place)
        try:
            reply = connection.exchange(request, deadline)
        except BaseException:
            connection.close()
            raise
        return _response(request, reply, _Body(reply, lambda: self._keep(place, connection), connection.close))

    def close(self) -> None:
        """Closes what idles."""
        super().close()
        while self._idle:
            for connection in self._idle.popitem()[1]:
                connection.close()

    def dial(self, host: str, port: int, seconds: float, tls: bool, later: bool) -> Any:
        """A connection that HTTP has no part in, not pooled. Raises ``EgressRefused``, ``NotSent``."""
        deadline = time.monotonic() + seconds
        sock = self._guard.connect(host, port, tls or later, deadline)
        if tls:
            return self.secure(sock, host, deadline)
        sock.deadline = deadline
        return sock

    def secure(self, sock: Any, host: str, deadline: float) -> Any:
        """The same connection, as TLS. Raises ``NotSent``."""
        made = _handshake(self._tls, sock, host, deadline)
        made.deadline = deadline
        return made

    def _kept(self, place: tuple[str, str, int], reads: bool) -> _Connection | None:
        """The connection used last that can still be trusted."""
        idle = self._idle.get(place, [])
        while True:
            try:
                connection = idle.pop()
            except IndexError:  # asked for, not looked at first: another thread may take the last
                return None
            rested = time.monotonic() - connection.used > IDLE_SECONDS
            if (reads or not rested) and not wait_for_read(connection.sock, 0):
                return connection
            connection.close()

    def _new(self, place: tuple[str, str, int]) -> _Connection:
        return _Connection(self._guard, *place[1:], self._tls if place[0] == "https" else None)

    def _keep(self, place: tuple[str, str, int], connection: _Connection) -> None:
        idle = self._idle.setdefault(place, [])
        if connection.sock is None or len(idle) >= POOL:
            connection.close()
        else:
            connection.used = time.monotonic()
            idle.append(connection)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """One context for all connections, made when the first needs it (reading the authorities takes 20 ms)."""
        context = ssl.create_default_context(cafile=self._ca)
        context.sslsocket_class = _DeadlineTLS
        return context


def _origin(url: str) -> str:
    """Everything before the path."""
    ends = [at for at in (url.find(mark, len("https://")) for mark in "/?#") if at >= 0]
    return url[: min(ends)] if ends else url


@lru_cache(maxsize=1024)
def _place(origin: str) -> tuple[str, str, int]:
    """(scheme, host, port) of an address."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{origin[:200]!r} is no http address")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    return parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80)


class _Connection(http.client.HTTPConnection):
    """One connection. Head and body leave together: one packet and one wake-up of the other side less."""

    used = 0.0

    def __init__(self, guard: Guard, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, blocksize=CHUNK)
        self.default_port = 443 if tls else 80  # left out of the Host header
        self._guard = guard
        self._tls = tls
        self._held: list[bytes] = []

    def exchange(self, request: PreparedRequest, deadline: float) -> http.client.HTTPResponse:
        """The reply, its body not read yet."""
        if self.sock is None:
            self.sock = self._open(deadline)
        sock: Any = self.sock
        sock.deadline = deadline
        body = request.body.encode() if isinstance(request.body, str) else request.body
        self.putrequest(
            str(request.method), request.path_url, skip_host="Host" in request.headers, skip_accept_encoding=True
        )
        for name, value in request.headers.items():
            self.putheader(name, value)
        self.endheaders(body)
        self._flush()
        try:
            reply = self.getresponse()
        except ValueError as error:  # the request has left: whatever cannot be read, it is no broken request
            raise Cut(f"the reply cannot be read: {error}") from error
        if sock.ended:  # http.client takes the end of the stream for the end of the headers
            reply.close()
            raise Cut("the reply was cut inside its headers")
        return reply

    def _open(self, deadline: float) -> Any:
        sock = self._guard.connect(self.host, self.port, self._tls is not None, deadline)
        return sock if self._tls is None else _handshake(self._tls, sock, self.host, deadline)

    def send(self, data: Any) -> None:
        self._held.append(data)
        if sum(map(len, self._held)) > CHUNK:
            self._flush()

    def _flush(self) -> None:
        data, self._held = b"".join(self._held), []
        if data:
            self.sock.sendall(data)


def _handshake(tls: ssl.SSLContext, sock: socket.socket, host: str, deadline: float) -> Any:
    try:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        return tls.wrap_socket(sock, server_hostname=host)
    except (OSError, ValueError) as error:
        sock.close()
        raise NotSent(f"{type(error).__name__}: {error}"[:300]) from error


class _Body:
    """The body of a reply as requests reads one; whole, it gives its connection back."""

    def __init__(self, reply: http.client.HTTPResponse, keep: Callable[[], None], close: Callable[[], None]) -> None:
        self._reply = reply
        self._keep, self._close = keep, close
        coded = reply.headers.get("Content-Encoding", "identity") != "identity"
        self._decoded = HTTPResponse(reply, reply.headers.items(), preload_content=False) if coded else None  # type: ignore[arg-type]

    def read(self, amount: int, decode_content: bool = True) -> bytes:
        """Up to ``amount`` bytes, none at the end."""
        found = self._decoded.read(amount, decode_content=decode_content) if self._decoded else self._reply.read(amount)
        if not found and self._reply.length:
            raise Cut(f"{self._reply.length} bytes of the reply are missing")
        return found

    def release_conn(self) -> None:
        """After the last byte."""
        if self._reply.will_close or not self._reply.isclosed():
            self._close()
        else:
            self._keep()

    def close(self) -> None:
        """A body that was not read to its end takes its connection with it."""
        if not self._reply.isclosed():
            self._reply.close()
            self._close()


def _response(request: PreparedRequest, reply: http.client.HTTPResponse, body: _Body) -> Response:
    answer = Response()
    answer.status_code, answer.reason, answer.request, answer.raw = reply.status, reply.reason, request, body
    headers: dict[str, str] = {}
    for name, value in reply.headers.items():
        key = name.title()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    answer.headers = CaseInsensitiveDict(headers)
    return answer
