"""Signed webhooks of the memory desk, many at once, from a process of its own: what ``tandem bench road`` is driven by.

    python -m bench.load --url http://127.0.0.1:8080/hooks/acme --secret S --events 20000 [--rate 200]

One epoll loop over keep-alive connections. Without ``--rate`` each connection sends as soon as it was answered (the
door's capacity); with it the events are due at fixed times whatever the answers do, and the ack time counts from when
it was due, so a stall is not hidden. Event ``n`` changes ticket ``n % tickets`` and its title ends in ``#n``. A 429
or 503 is obeyed and the same delivery sent again; so is one whose connection broke. Prints one JSON document: acks a
second, percentiles in milliseconds, statuses; ``--detail`` keeps for each event when it was due and when it was acked,
in nanoseconds of the machine's monotonic clock. ``--get`` measures bare GETs of the URL instead.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import re
import secrets
import select
import socket
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
AFTER = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)
SIZE = 1500
"""Bytes of an event's body, about."""

STATUSES = ("open", "working", "waiting", "vendor")


def record(number: int, ticket: int, first: int, tickets: int) -> dict[str, Any]:
    """The whole ticket as the memory desk's webhook shows it after event ``number``."""
    return {
        "id": str(first + ticket),
        "number": f"D-{first + ticket}",
        "revision": 2 + number // tickets,
        "created_at": "2026-11-21T09:00:00Z",
        "created_by": "gateway",
        "updated_at": "2026-11-21T09:00:00Z",
        "updated_by": "paula",
        "deleted": False,
        "title": f"The finance team cannot reach the VPN from {ticket} #{number}",
        "status": STATUSES[number // tickets % len(STATUSES)],
        "impact": "medium",  # another one would change our priority, which goes back to the sender
        "urgency": "medium",
        "priority": 1 + number % 5,
        "category": "network",
        "requester": "alice@customer.example",
        "assignee": "paula@desk.example",
        "due": "2026-11-24T17:00:00Z",
        "tags": ["finance", "vpn"],
        "reference": None,
        "description": "",
    }


def event(number: int, first: int, tickets: int) -> bytes:
    """One webhook body of about ``SIZE`` bytes."""
    ticket = record(number, number % tickets, first, tickets)
    body: dict[str, Any] = {"seq": number + 1, "at": "2026-11-21T09:00:00Z", "event": "ticket.updated", "item_id": None}
    body |= {"ticket_id": ticket["id"], "actor": "paula", "ticket": ticket}
    ticket["description"] = ("Error 809 since this morning. " * 60)[: SIZE - len(json.dumps(body))]
    return json.dumps(body, separators=(",", ":")).encode()


def posts(url: str, secret: str, events: int, tickets: int, first: int, offset: int) -> list[bytes]:
    """Whole requests, signed now."""
    target = urlsplit(url)
    run, stamp = secrets.token_hex(4), str(int(time.time()))
    key = secret.encode()
    made = []
    for number in range(offset, offset + events):
        body = event(number, first, tickets)
        signature = hmac.digest(key, stamp.encode() + b"." + body, "sha256").hex()
        made.append(
            f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: application/json\r\n"
            f"X-Tandem-Timestamp: {stamp}\r\nX-Tandem-Delivery: {run}-{number}\r\nX-Tandem-Signature: {signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    return made


class Load:
    """Sends ``requests`` over ``connections``; ``rate`` 0 means as fast as they are answered."""

    def __init__(self, url: str, requests: list[bytes], connections: int, rate: float) -> None:
        target = urlsplit(url)
        self._address = (target.hostname or "", target.port or 80)
        self._requests = requests
        self._rate = rate
        self._poll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._buffers: dict[int, bytearray] = {}
        self._doing: dict[int, int] = {}
        self._idle: deque[int] = deque()
        self._again: deque[tuple[float, int]] = deque()
        self._next = 0
        self.statuses: Counter[int] = Counter()
        self.broken = 0
        self.due = [0] * len(requests)
        self.acked = [0] * len(requests)
        for _ in range(connections):
            self._connect()

    def run(self, seconds: float) -> float:
        """Until every request was answered 2xx or given up, or the time is over; gives the seconds it took."""
        began = time.monotonic_ns()
        step = int(1e9 / self._rate) if self._rate else 0
        if step:
            self.due = [began + number * step for number in range(len(self._requests))]
        left = len(self._requests)
        until = began + int(seconds * 1e9)
        while left and (now := time.monotonic_ns()) < until:
            self._send_due(now)
            for number, _ in self._poll.poll(self._wait(now)):
                left -= self._receive(number)
        return (time.monotonic_ns() - began) / 1e9

    def close(self) -> None:
        for each in self._open.values():
            each.close()

    def _connect(self) -> None:
        made = socket.create_connection(self._address, 10)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = made.fileno()
        self._open[number], self._buffers[number] = made, bytearray()
        self._poll.register(number, select.EPOLLIN)
        self._idle.append(number)

    def _wait(self, now: int) -> float:
        moments = [self._again[0][0]] if self._again and self._idle else []
        if self._rate and self._idle and self._next < len(self._requests):
            moments.append(self.due[self._next])
        return max(0.0, (min(moments) - now) / 1e9) if moments else 1.0

    def _send_due(self, now: int) -> None:
        while self._idle:
            if self._again and self._again[0][0] <= now:
                self._send(self._again.popleft()[1])
            elif self._next < len(self._requests) and (not self._rate or self.due[self._next] <= now):
                self._send(self._next)
                self._next += 1
            else:
                return

    def _send(self, request: int) -> None:
        number = self._idle.popleft()
        self._doing[number] = request
        if not self.due[request]:
            self.due[request] = time.monotonic_ns()
        try:
            self._open[number].sendall(self._requests[request])
        except OSError:
            self._broke(number)

    def _receive(self, number: int) -> bool:
        try:
            data = self._open[number].recv(65536)
        except OSError:
            data = b""
        if not data:
            self._broke(number)
            return False
        buffer = self._buffers[number]
        buffer += data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = LENGTH.search(buffer, 0, end + 2)
        if len(buffer) < end + 4 + (int(length[1]) if length else 0):
            return False
        done = self._answered(self._doing.pop(number), int(buffer[9:12]), bytes(buffer[:end]))
        buffer.clear()
        self._idle.append(number)
        return done

    def _answered(self, request: int, status: int, head: bytes) -> bool:
        self.statuses[status] += 1
        if status in (429, 503):
            after = AFTER.search(head)
            self._again.append((time.monotonic_ns() + int(after[1] if after else 1) * 1_000_000_000, request))
            return False
        if status < 300:
            self.acked[request] = time.monotonic_ns()
        return True

    def _broke(self, number: int) -> None:
        self._poll.unregister(number)
        self._open.pop(number).close()
        self._buffers.pop(number)
        if number in self._idle:
            self._idle.remove(number)
        request = self._doing.pop(number, None)
        if request is not None:
            self.broken += 1
            self._again.append((time.monotonic_ns() + 100_000_000, request))
        deadline = time.monotonic() + 30
        while True:
            try:
                self._connect()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def percentile(ordered: list[float], share: float) -> float | None:
    """Nearest rank."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def summary(load: Load, seconds: float) -> dict[str, Any]:
    """The run in figures; times in milliseconds."""
    waits = sorted((acked - due) / 1e6 for due, acked in zip(load.due, load.acked, strict=True) if acked)
    last = max(load.acked, default=0)
    first = min((due for due in load.due if due), default=0)
    return {
        "events": len(load.due),
        "acked": len(waits),
        "seconds": round(seconds, 3),
        "acks_per_s": round(len(waits) / max((last - first) / 1e9, 1e-9), 1),
        "ack_ms": {name: _rounded(percentile(waits, share)) for name, share in SHARES.items()},
        "statuses": {str(status): count for status, count in sorted(load.statuses.items())},
        "broken_connections": load.broken,
    }


SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def arguments() -> argparse.Namespace:
    """What it can be told."""
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("--url", required=True)
    parser.add_argument("--secret", default="")
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--tickets", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1001, help="the first ticket's id at the remote")
    parser.add_argument("--offset", type=int, default=0, help="the first event's number, a multiple of --tickets")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.0, help="events a second; 0: as fast as they are answered")
    parser.add_argument("--seconds", type=float, default=120.0, help="give up after that long")
    parser.add_argument("--detail", type=Path, help="write [number, due ns, acked ns] per event here, as JSON")
    parser.add_argument("--get", action="store_true", help="bare GETs instead of signed events")
    parser.add_argument("--cpu", type=int, help="the one processor to run on")
    return parser.parse_args()


def main() -> int:
    """Prepares, waits for nobody, sends, prints."""
    given = arguments()
    if given.cpu is not None:
        os.sched_setaffinity(0, {given.cpu})
    if given.get:
        target = urlsplit(given.url)
        requests = [f"GET {target.path or '/'} HTTP/1.1\r\nHost: {target.netloc}\r\n\r\n".encode()] * given.events
    else:
        requests = posts(given.url, given.secret, given.events, given.tickets, given.first, given.offset)
    load = Load(given.url, requests, given.connections, given.rate)
    seconds = load.run(given.seconds)
    load.close()
    if given.detail:
        rows = [[given.offset + n, due, acked] for n, (due, acked) in enumerate(zip(load.due, load.acked, strict=True))]
        given.detail.write_text(json.dumps(rows))
    sys.stdout.write(json.dumps(summary(load, seconds)) + "\n")
    return 0 if all(load.acked) else 1


if __name__ == "__main__":
    sys.exit(main())
