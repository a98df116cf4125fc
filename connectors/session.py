"""The only way out: prepared requests sent straight through a guarded ``HTTPAdapter``, safe for all threads.

A name is resolved once, every address of the answer is checked by ``egress.py``, and the connection goes to a checked
address. No redirects, no proxies or netrc from the environment, no cookies kept, no retries, TLS always verified, plain
http to this machine alone. One deadline covers connecting, sending and each byte of the reply, so a trickling server
cannot hold a thread. ``NotSent`` means that nothing of the request left; ``Broken`` that it did, or may have.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, RequestException
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ProtocolError

from connectors.egress import Egress, EgressRefused

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 5.0
REPLY_CAP = 25 * 1024 * 1024
CHUNK = 64 * 1024
POOL = 64

Resolve = Callable[..., list[tuple[Any, Any, Any, Any, Any]]]


class NotSent(Exception):
    """Name, connect or TLS handshake failed: nothing of the request left."""


class Broken(Exception):
    """The request left, and no whole reply came: time-out, reset, cut or undecodable body."""


class TooLarge(Exception):
    """The reply is longer than its cap, counted after decoding."""


class _Call(threading.local):
    """What the connection must know of the call that this thread makes."""

    deadline = 0.0
    write = False


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
class Answer:
    """A reply: header names in any case; ``body`` whole, or empty while ``chunks`` streams it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    chunks: Iterator[bytes]


class Session:
    """``egress``: where it may go. ``ca``: a file of certificate authorities instead of the public ones."""

    def __init__(self, egress: Egress, *, resolve: Resolve = socket.getaddrinfo, ca: str | None = None) -> None:
        self._call = _Call()
        self._adapter = _Adapter(_Guard(egress, resolve, self._call), ca)

    def send(
        self,
        request: PreparedRequest,
        *,
        seconds: float,
        write: bool = False,
        stream: bool = False,
        cap: int = REPLY_CAP,
    ) -> Answer:
        """Send ``request`` and read its reply within ``seconds``. A ``write`` gets no connection that idled.

        Raises ``EgressRefused`` and ``NotSent`` (nothing left), ``Broken``, ``TooLarge``.
        """
        if seconds <= 0:
            raise NotSent("no time left for this call")
        self._call.deadline = time.monotonic() + seconds
        self._call.write = write
        try:
            reply = self._adapter.send(request, stream=True, timeout=(min(CONNECT_SECONDS, seconds), seconds))
        except ValueError as error:  # what urllib3 and requests say of an address or header that is none
            raise EgressRefused(f"no request: {_words(error)}") from error
        except ConnectTimeout as error:
            raise NotSent(_words(error)) from error
        except (RequestException, HTTPError, http.client.HTTPException, OSError) as error:
            raise Broken(_words(error)) from error
        chunks = _read(reply.raw, cap)
        body = b"" if stream else b"".join(chunks)
        return Answer(reply.status_code, reply.headers, body, chunks if stream else iter(()))

    def close(self) -> None:
        """Closes what is pooled."""
        self._adapter.close()


def _read(raw: Any, cap: int) -> Iterator[bytes]:
    total = 0
    try:
        while chunk := raw.read(CHUNK, decode_content=True):
            total += len(chunk)
            if total > cap:
                raise TooLarge(f"the reply is longer than {cap} bytes")
            yield chunk
        raw.release_conn()
    except (HTTPError, http.client.HTTPException, OSError) as error:
        raise Broken(_words(error)) from error
    finally:
        raw.close()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


@dataclass(frozen=True)
class _Guard:
    egress: Egress
    resolve: Resolve
    call: _Call

    def connect(self, host: str, port: int, tls: bool) -> _Deadline:
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
        until = min(self.call.deadline, time.monotonic() + CONNECT_SECONDS)
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


class _Adapter(HTTPAdapter):
    """Pools whose connections are guarded, with one TLS context for all."""

    def __init__(self, guard: _Guard, ca: str | None) -> None:
        self._guard = guard
        self._ca = ca or DEFAULT_CA_BUNDLE_PATH
        super().__init__(pool_connections=POOL, pool_maxsize=POOL, max_retries=0)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """One context for all connections, made when the first needs it (reading the authorities takes 20 ms)."""
        context = ssl.create_default_context(cafile=self._ca)
        context.sslsocket_class = _DeadlineTLS
        return context

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._guard)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, True)
        return host, {"ssl_context": self._tls} if host["scheme"] == "https" else {}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to set per connection: the one TLS context always verifies."""


def _pools(guard: _Guard) -> dict[str, type[HTTPConnectionPool]]:
    """Pool classes whose connections know ``guard``: urllib3 makes them by class, not by object."""

    class Plain(_Guarded, HTTPConnection):
        _guard = guard
        _tls = False

    class TLS(_Guarded, HTTPSConnection):
        _guard = guard
        _tls = True

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = TLS

    return {"http": PlainPool, "https": TLSPool}


class _Guarded:
    """Mixed into urllib3's connections: connects through the guard, arms the deadline, distrusts what idled."""

    _guard: _Guard
    _tls: bool
    _dns_host: str
    port: int
    sock: Any
    _used = 0.0
    _held: list[bytes]

    def _new_conn(self) -> socket.socket:
        return self._guard.connect(self._dns_host, self.port, self._tls)

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        except (HTTPError, OSError) as error:
            raise NotSent(_words(error)) from error

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = self._guard.call
        if call.write and self.sock is not None and time.monotonic() - self._used > IDLE_SECONDS:
            self.close()  # type: ignore[attr-defined]
        if self.sock is None:
            self.connect()
        self.sock.deadline = call.deadline
        self._held = []
        super().request(*args, **kwargs)  # type: ignore[misc]
        self._flush()

    def send(self, data: Any) -> None:
        """Head and body leave together: one packet and one wake-up of the other side less."""
        self._held.append(data)
        if sum(map(len, self._held)) > CHUNK:
            self._flush()

    def _flush(self) -> None:
        data, self._held = b"".join(self._held), []
        super().send(data)  # type: ignore[misc]

    def getresponse(self) -> Any:
        sock = self.sock
        reply = super().getresponse()  # type: ignore[misc]
        self._used = time.monotonic()
        if sock.ended:  # http.client takes the end of the stream for the end of the headers
            reply.close()
            raise ProtocolError("the reply was cut inside its headers")
        return reply
