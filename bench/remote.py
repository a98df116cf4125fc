"""A remote that costs next to nothing: the memory desk's dialect from one epoll loop, noting when each update came.

    python -m bench.remote [--port N] [--latency 0.05] [--mix '{"500": 0.1, "429": 0.05, "drop": 0.03}'] [--rate 500]

It prints its URL, then serves create, update, fetch, find and comments for any number of client processes. An update's
title ends in ``#<number>``; ``GET /_report`` tells when each number arrived (nanoseconds of the machine's monotonic
clock, which all its processes share), what came twice and what came out of order. ``POST /_reset`` forgets it all,
``POST /_outage/<seconds>`` drops every request for that long.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import re
import select
import socket
import sys
import time
from collections import Counter
from typing import Any, NoReturn

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
MATCH = re.compile(rb'\r\nif-match: *"?(\d+)', re.IGNORECASE)
CREATED = "2026-11-21T09:00:00Z"
BLANK: dict[str, Any] = {
    **dict.fromkeys(("description", "category", "requester", "assignee", "due", "reference")),
    "title": "",
    "status": "open",
    "impact": "medium",
    "urgency": "medium",
    "priority": 3,
    "tags": [],
    "comments": [],
    "files": [],
    "worklogs": [],
    "deleted": False,
    "created_at": CREATED,
    "updated_by": "gateway",
}


class Desk:
    """Tickets as documents, and what is known about how they came."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, Any]] = {}
        self.references: dict[str, list[str]] = {}
        self.arrivals: list[tuple[int, int]] = []
        self.last: dict[str, int] = {}
        self.comments: Counter[tuple[str, str]] = Counter()
        self.updates = self.creates = self.repeated = self.misordered = self.stale = 0

    def answer(self, method: bytes, path: str, head: bytes, body: bytes) -> tuple[int, Any]:
        """Status and document; the path is without its query."""
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[0] == "_report":
            return 200, self.report()
        if parts[0] == "_reset":
            self.__init__()  # type: ignore[misc]
            return 200, {}
        if parts[0] != "api":
            return 404, {"message": "no such path"}
        match method, parts[1:]:
            case b"PATCH", ["tickets", id]:
                return self.update(id, json.loads(body), MATCH.search(head))
            case b"POST", ["tickets"]:
                return 201, self.create(json.loads(body))
            case b"GET", ["tickets"]:
                reference = path.rpartition("reference=")[2]
                return 200, {"data": [self.tickets[each] for each in self.references.get(reference, ())]}
            case b"GET", ["tickets", id]:
                return 200, self.ticket(id)
            case b"POST", ["tickets", id, "comments"]:
                return 201, self.comment(id, json.loads(body))
            case b"GET", ["me"]:
                return 200, {"id": "gateway", "email": "gateway@desk.example", "name": "Gateway"}
            case b"GET", [_]:
                return 200, {"data": []}
        return 404, {"message": "no such path"}

    def ticket(self, id: str) -> dict[str, Any]:
        """The ticket; one that was never made is made now, so that links may be seeded without calls."""
        found = self.tickets.get(id)
        if found is None:
            found = self.tickets[id] = {"id": id, "number": f"D-{id}", "revision": 1, "updated_at": CREATED, **BLANK}
        return found

    def create(self, fields: dict[str, Any]) -> dict[str, Any]:
        self.creates += 1
        ticket = self.ticket(str(1_000_000 + self.creates))
        ticket.update(fields)
        self.references.setdefault(ticket["reference"], []).append(ticket["id"])
        self.seen(ticket)
        return ticket

    def update(self, id: str, fields: dict[str, Any], based: re.Match[bytes] | None) -> tuple[int, dict[str, Any]]:
        ticket = self.ticket(id)
        if based and int(based[1]) != ticket["revision"]:
            self.stale += 1
            return 412, {"message": f"at revision {ticket['revision']}"}
        self.updates += 1
        ticket.update(fields)
        ticket["revision"] += 1
        if "title" in fields:
            self.seen(ticket)
        return 200, ticket

    def comment(self, id: str, fields: dict[str, Any]) -> dict[str, Any]:
        comments = self.ticket(id)["comments"]
        made = {"id": f"{id}-{len(comments)}", "author": "gateway", "created_at": CREATED, "deleted": False, **fields}
        comments.append(made)
        self.comments[id, fields["text"]] += 1
        return made

    def seen(self, ticket: dict[str, Any]) -> None:
        number = ticket["title"].rpartition("#")[2]
        if not number.isdecimal():
            return
        before, now = self.last.get(ticket["id"], -1), int(number)
        self.repeated += now == before
        self.misordered += now < before
        self.last[ticket["id"]] = now
        self.arrivals.append((now, time.monotonic_ns()))

    def report(self) -> dict[str, Any]:
        doubled = [ref for ref, ids in self.references.items() if len(ids) > 1]
        doubled += [text for (_, text), count in self.comments.items() if count > 1]
        return {
            "creates": self.creates,
            "updates": self.updates,
            "repeated": self.repeated,
            "misordered": self.misordered,
            "stale": self.stale,
            "doubled": doubled,
            "last": self.last,
            "arrivals": self.arrivals,
        }


class Trouble:
    """What goes wrong, by chance or by the clock. ``rate``: requests a second before 429."""

    def __init__(self, mix: dict[str, float], rate: float, seed: int = 0) -> None:
        self.mix = list(mix.items())
        self.rate = rate
        self.until = 0.0
        self._random = random.Random(seed)
        self._tokens = rate
        self._filled = time.monotonic()

    def next(self) -> str:
        """``ok``, ``gone`` (nothing done, no answer), ``drop`` (done, no answer) or a status."""
        now = time.monotonic()
        if now < self.until:
            return "gone"
        if self.rate:
            self._tokens = min(self.rate, self._tokens + (now - self._filled) * self.rate)
            self._filled = now
            if self._tokens < 1:
                return "429"
            self._tokens -= 1
        draw = self._random.random() if self.mix else 1.0
        for what, share in self.mix:
            draw -= share
            if draw < 0:
                return what
        return "ok"


class Server:
    """One epoll loop over all connections; a reply may be late without holding up the others."""

    def __init__(self, port: int, latency: float, trouble: Trouble) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._listener.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._listener.fileno(), select.EPOLLIN)
        self._open: dict[int, tuple[socket.socket, bytearray]] = {}
        self._late: list[tuple[float, int, bytes]] = []
        self._latency = latency
        self._trouble = trouble
        self.desk = Desk()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> NoReturn:
        """Serves for ever."""
        while True:
            wait = max(0.0, self._late[0][0] - time.monotonic()) if self._late else -1
            for number, _ in self._poll.poll(wait):
                if number == self._listener.fileno():
                    self._accept()
                else:
                    self._read(number)
            while self._late and self._late[0][0] <= time.monotonic():
                _, number, reply = heapq.heappop(self._late)
                self._send(number, reply)

    def _accept(self) -> None:
        made, _ = self._listener.accept()
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open[made.fileno()] = (made, bytearray())
        self._poll.register(made.fileno(), select.EPOLLIN)

    def _close(self, number: int) -> None:
        self._poll.unregister(number)
        self._open.pop(number)[0].close()

    def _read(self, number: int) -> None:
        connection, buffer = self._open[number]
        try:
            data = connection.recv(262144)
        except OSError:
            data = b""
        if not data:
            self._close(number)
            return
        buffer += data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(buffer[: end + 2])
        length = LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(buffer) < whole:
            return
        body = bytes(buffer[end + 4 : whole])
        del buffer[:whole]
        self._serve(number, head, body)

    def _serve(self, number: int, head: bytes, body: bytes) -> None:
        method, path = head.split(b" ", 2)[:2]
        if path.startswith(b"/_outage/"):
            self._trouble.until = time.monotonic() + float(path[9:])
            self._send(number, framed(200, {}))
            return
        fate = "ok" if path.startswith(b"/_") else self._trouble.next()
        if fate == "gone":
            self._close(number)
        elif fate.isdecimal():
            self._send(number, framed(int(fate), {"message": "by chance"}))
        else:
            reply = framed(*self.desk.answer(method, path.decode(), head, body))
            if fate == "drop":
                self._close(number)
            elif self._latency and not path.startswith(b"/_"):
                heapq.heappush(self._late, (time.monotonic() + self._latency, number, reply))
            else:
                self._send(number, reply)

    def _send(self, number: int, reply: bytes) -> None:
        if number in self._open:
            connection = self._open[number][0]
            connection.setblocking(True)
            try:
                connection.sendall(reply)
            except OSError:
                self._close(number)


def framed(status: int, document: Any) -> bytes:
    """A whole answer."""
    body = json.dumps(document, separators=(",", ":")).encode()
    again = b"Retry-After: 1\r\n" if status == 429 else b""
    head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
    return head % (status, again, len(body)) + body


def main() -> int:
    """Serves until killed."""
    parser = argparse.ArgumentParser(prog="python -m bench.remote")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--mix", type=json.loads, default={}, help="shares of what goes wrong, as JSON")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second before it answers 429")
    parser.add_argument("--cpu", type=int, help="the one processor to run on")
    given = parser.parse_args()
    if given.cpu is not None:
        os.sched_setaffinity(0, {given.cpu})
    server = Server(given.port, given.latency, Trouble(given.mix, given.rate))
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    try:
        server.run()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
