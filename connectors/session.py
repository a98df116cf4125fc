"""The only way out: prepared requests sent through guarded connections (``transport.py``), safe for all threads.

No redirects, no proxies or netrc from the environment, no cookies kept, no retries, TLS always verified, plain http to
this machine alone. ``NotSent`` means that nothing of the request left; ``Broken`` that it did, or may have.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from requests import PreparedRequest
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from connectors.egress import Egress, EgressRefused
from connectors.transport import CHUNK, Adapter, Guard, NotSent, Resolve

REPLY_CAP = 25 * 1024 * 1024


class Broken(Exception):
    """The request left, and no whole reply came: time-out, reset, cut or undecodable body."""


class TooLarge(Exception):
    """The reply is longer than its cap, counted after decoding."""


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
        self._adapter = Adapter(Guard(egress, resolve), ca)

    def send(
        self,
        request: PreparedRequest,
        *,
        seconds: float,
        stream: bool = False,
        cap: int = REPLY_CAP,
    ) -> Answer:
        """Send ``request`` and read its reply within ``seconds``.

        Raises ``EgressRefused`` and ``NotSent`` (nothing left), ``Broken``, ``TooLarge``.
        """
        if seconds <= 0:
            raise NotSent("no time left for this call")
        try:
            reply = self._adapter.send(request, timeout=seconds)
        except (ValueError, http.client.InvalidURL) as error:  # an address or header that is none
            raise EgressRefused(f"no request: {_words(error)}") from error
        except (RequestException, HTTPError, http.client.HTTPException, OSError) as error:
            raise Broken(_words(error)) from error
        chunks = _read(reply.raw, cap)
        body = b"" if stream else b"".join(chunks)
        return Answer(reply.status_code, reply.headers, body, chunks if stream else iter(()))

    def dial(self, host: str, port: int, *, seconds: float, tls: bool, later: bool = False) -> Any:
        """A guarded connection for a protocol that is not HTTP; every receive and send on it ends ``seconds`` from now.

        ``later``: it speaks plainly until the caller has ``secure`` make it TLS. Raises ``EgressRefused``, ``NotSent``.
        """
        return self._adapter.dial(host, port, seconds, tls, later)

    def secure(self, sock: Any, host: str) -> Any:
        """The connection again, as TLS, the certificate verified for ``host``. Raises ``NotSent``."""
        return self._adapter.secure(sock, host, sock.deadline)

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
