"""Corkboard: the small helpdesk a ten-person MSP wrote for itself in a weekend, as a server on loopback.

Cards hang on a board in lanes ("inbox", "doing", "parked", "done", "binned"); people write notes on them that either
the customer may read or only the team, pin files to them, and book minutes. It is the Python standard library and
a dictionary, it was written with no gateway in mind, and knows nothing of one:

- **Keys.** Every request carries ``X-Board-Key``; whoever owns the key is the author of what it does.
- **Cards** count from 1001 in ``no``; times are whole seconds since 1970; ``heat`` runs from 1 (can wait) to 4 (fire).
  ``POST /api/cards`` hangs one, ``POST /api/cards/NO`` changes the fields it is given. A card only goes to "done" with
  an ``outcome``. ``their_ref`` is the customer's own reference, and can be searched.
- **Lists** are cut by ``take`` (at most 100) and ``after`` (the last id seen); the answer says ``more`` and ``last``.
- **Files** are sent as the plain body with ``?name=``, at most 5 MB. Whoever sees the card sees its files.
- **Errors** are ``{"ok": false, "oops": SENTENCE, "code": WORD}``, plus ``fields`` when a field is at fault.
- **Hooks** (``POST /api/hooks`` with ``url`` and ``secret``) get every event as JSON; ``X-Corkboard-Signature`` is
  the hex HMAC-SHA256 of the body; one try, five seconds, no repeat.

``python -m tests.connectors.corkboard.server`` runs one by hand and prints its address and keys.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import queue
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LANES = ("inbox", "doing", "parked", "done", "binned")
CARD_FIELDS = ("headline", "body", "lane", "heat", "customer", "owner", "their_ref", "labels", "outcome")
LARGEST_FILE = 5 * 1024 * 1024
MOST_ROWS = 100
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # hooks go straight out
KEYS = {"key-robot": "robot", "key-mia": "Mia Lund", "key-tom": "Tom Okafor"}


class Oops(Exception):
    """A request Corkboard refuses: HTTP status, the machine's word for it, the sentence, the fields at fault."""

    def __init__(self, status: int, code: str, sentence: str, **fields: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.answer: dict[str, Any] = {"ok": False, "oops": sentence, "code": code}
        if fields:
            self.answer["fields"] = fields


class Board:
    """What hangs on the board: cards, notes, files, minutes and hooks, all in memory.

    ``now`` gives seconds since 1970; ``tell`` gets the body of each event.
    """

    def __init__(self, now: Callable[[], float] = time.time, tell: Callable[[bytes], None] | None = None) -> None:
        self.now, self.tell = now, tell or self._queue
        self.lock = threading.RLock()
        self.cards: dict[int, dict[str, Any]] = {}
        self.notes: dict[int, dict[str, Any]] = {}
        self.files: dict[int, dict[str, Any]] = {}
        self.contents: dict[int, bytes] = {}
        self.minutes: dict[int, dict[str, Any]] = {}
        self.hooks: list[dict[str, str]] = []
        self.outbox: queue.Queue[tuple[str, str, bytes] | None] = queue.Queue()
        self._numbers = itertools.count(1001)
        self._ids = itertools.count(1)

    def card(self, number: str) -> dict[str, Any]:
        found = self.cards.get(int(number)) if number.isdigit() else None
        if found is None:
            raise Oops(404, "no_card", f"There is no card {number}.")
        return found

    def hang(self, fields: Mapping[str, Any], who: str) -> dict[str, Any]:
        _check(fields, {})
        if not str(fields.get("headline") or "").strip():
            raise Oops(422, "bad_field", "A card needs a headline.", headline="is missing")
        now = int(self.now())
        card = {"no": next(self._numbers), "headline": "", "body": "", "lane": "inbox", "heat": 2, "customer": {}}
        card |= {"owner": None, "their_ref": "", "labels": [], "outcome": ""}
        card |= dict(fields) | {"pinned_by": who, "pinned_at": now, "touched_at": now}
        self.cards[card["no"]] = card
        self._tell("card.pinned", who, card)
        return card

    def change(self, card: dict[str, Any], fields: Mapping[str, Any], who: str) -> dict[str, Any]:
        _check(fields, card)
        before = card["lane"]
        card |= dict(fields) | {"touched_at": int(self.now())}
        self._tell("card.moved" if card["lane"] != before else "card.edited", who, card)
        return card

    def write(self, card: dict[str, Any], fields: Mapping[str, Any], who: str) -> dict[str, Any]:
        text, audience = str(fields.get("text") or ""), fields.get("audience", "team")
        if not text.strip():
            raise Oops(422, "bad_field", "An empty note is no note.", text="is missing")
        if audience not in ("team", "customer"):
            raise Oops(422, "bad_field", "A note is for the team or the customer.", audience="is team or customer")
        note = {"id": next(self._ids), "card": card["no"], "text": text, "audience": audience}
        note |= {"by": who, "at": int(self.now())}
        self.notes[note["id"]] = note
        self._touch("note.added", who, card, note=note)
        return note

    def pin(self, card: dict[str, Any], name: str, kind: str, content: bytes, who: str) -> dict[str, Any]:
        if not name:
            raise Oops(422, "bad_field", "A file needs a name.", name="is missing")
        file = {"id": next(self._ids), "card": card["no"], "name": name, "kind": kind, "bytes": len(content)}
        file |= {"by": who, "at": int(self.now())}
        file["href"] = f"/api/files/{file['id']}"
        self.files[file["id"]], self.contents[file["id"]] = file, content
        self._touch("file.pinned", who, card, file=file)
        return file

    def book(self, card: dict[str, Any], fields: Mapping[str, Any], who: str) -> dict[str, Any]:
        spent = fields.get("minutes")
        if not isinstance(spent, int) or not 0 < spent <= 24 * 60:
            raise Oops(422, "bad_field", "Minutes are a whole number, at most a day.", minutes="must be 1 to 1440")
        entry = {"id": next(self._ids), "card": card["no"], "minutes": spent, "what": str(fields.get("what") or "")}
        entry |= {"who": str(fields.get("who") or who), "at": int(fields.get("at") or self.now())}
        self.minutes[entry["id"]] = entry
        self._touch("time.booked", who, card, time=entry)
        return entry

    def _touch(self, event: str, who: str, card: dict[str, Any], **more: Any) -> None:
        card["touched_at"] = int(self.now())
        self._tell(event, who, card, **more)

    def _tell(self, event: str, who: str, card: dict[str, Any], **more: Any) -> None:
        news = {"id": next(self._ids), "event": event, "at": int(self.now()), "by": who, "card": card, **more}
        self.tell(json.dumps(news).encode())

    def _queue(self, body: bytes) -> None:
        for hook in self.hooks:
            self.outbox.put((hook["url"], hook["secret"], body))

    # the API

    def serve(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> tuple[int, str, bytes]:
        """One request, header names in small letters: the status, the type and the body of its answer."""
        parts = urlsplit(target)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        way = [unquote(part) for part in parts.path.strip("/").split("/")]
        try:
            who = KEYS.get(headers.get("x-board-key", ""))
            if who is None:
                raise Oops(401, "bad_key", "Your key does not open this board.")
            with self.lock:
                answer = self._answer([method, *way[1:]], asked, headers, content, who)
                if isinstance(answer, bytes):
                    return 200, "application/octet-stream", answer
                changed = way[1] == "cards" and len(way) == 3
                status = 201 if method == "POST" and not changed else 200
                return status, "application/json", json.dumps(answer).encode()
        except Oops as error:
            return error.status, "application/json", json.dumps(error.answer).encode()

    def _answer(
        self, way: list[str], asked: Mapping[str, str], headers: Mapping[str, str], content: bytes, who: str
    ) -> dict[str, Any] | bytes:
        match way:
            case ["GET", "me"]:
                return {"ok": True, "me": {"name": who}, "board": "Corkboard 0.7"}
            case ["GET", "lanes"]:
                return {"ok": True, "rows": [{"name": lane} for lane in LANES]}
            case ["GET", "cards"]:
                return _page(self._search(asked), "no", asked)
            case ["POST", "cards"]:
                return {"ok": True, "card": self.hang(_fields(content), who)}
            case ["GET", "cards", number]:
                return {"ok": True, "card": self.card(number)}
            case ["POST", "cards", number]:
                return {"ok": True, "card": self.change(self.card(number), _fields(content), who)}
            case ["GET", "cards", number, ("notes" | "files" | "minutes") as what]:
                shelf: dict[int, dict[str, Any]] = getattr(self, what)
                card = self.card(number)
                return _page([row for row in shelf.values() if row["card"] == card["no"]], "id", asked)
            case ["POST", "cards", number, "notes"]:
                return {"ok": True, "note": self.write(self.card(number), _fields(content), who)}
            case ["POST", "cards", number, "files"]:
                if len(content) > LARGEST_FILE:
                    raise Oops(413, "too_big", "Files are at most 5 MB.")
                kind = headers.get("content-type") or "application/octet-stream"
                return {"ok": True, "file": self.pin(self.card(number), asked.get("name", ""), kind, content, who)}
            case ["POST", "cards", number, "minutes"]:
                return {"ok": True, "time": self.book(self.card(number), _fields(content), who)}
            case ["GET", "files", number] if number.isdigit() and int(number) in self.contents:
                return self.contents[int(number)]
            case ["POST", "hooks"]:
                hook = _fields(content)
                self.hooks.append({"url": str(hook["url"]), "secret": str(hook["secret"])})
                return {"ok": True}
        raise Oops(404, "no_page", "There is nothing here.")

    def _search(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = list(self.cards.values())
        if "lane" in asked:
            rows = [card for card in rows if card["lane"] == asked["lane"]]
        if "their_ref" in asked:
            rows = [card for card in rows if card["their_ref"] == asked["their_ref"]]
        if "touched_since" in asked:
            rows = [card for card in rows if card["touched_at"] >= int(asked["touched_since"])]
        return rows


def _check(fields: Mapping[str, Any], card: Mapping[str, Any]) -> None:
    """Refuse unknown fields, unknown lanes, a heat outside 1 to 4, and "done" without an outcome."""
    for name in fields:
        if name not in CARD_FIELDS:
            raise Oops(422, "bad_field", f"A card has no {name}.", **{name: "is unknown"})
    if fields.get("lane", "inbox") not in LANES:
        raise Oops(422, "bad_field", "There is no such lane.", lane="is one of " + ", ".join(LANES))
    if fields.get("heat", 1) not in (1, 2, 3, 4):
        raise Oops(422, "bad_field", "Heat is 1, 2, 3 or 4.", heat="must be 1 to 4")
    after = {**card, **fields}
    if after.get("lane") == "done" and not after.get("outcome"):
        raise Oops(422, "bad_field", "Say how it ended before a card is done.", outcome="is missing")


def _page(rows: list[dict[str, Any]], key: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """One cut of ``rows``, in the order of their ``key``: at most ``take`` of them, those behind ``after``."""
    take, after = min(int(asked.get("take", 25)), MOST_ROWS), int(asked.get("after", 0))
    behind = sorted((row for row in rows if row[key] > after), key=lambda row: int(row[key]))
    cut = behind[:take]
    return {"ok": True, "rows": cut, "more": len(behind) > take, "last": cut[-1][key] if cut else after}


class Handler(BaseHTTPRequestHandler):
    """One connection to the board."""

    protocol_version = "HTTP/1.1"
    board: Board

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the terminal."""

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, kind, body = self.board.serve(self.command, self.path, headers, content)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _fields(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except ValueError:
        raise Oops(400, "bad_json", "That is not JSON.") from None
    if not isinstance(fields, dict):
        raise Oops(400, "bad_json", "Send an object.")
    return fields


class Corkboard:
    """A running Corkboard on a free port of loopback: ``with Corkboard() as desk: desk.url``."""

    def __init__(self) -> None:
        self.board = Board()
        handler = type("BoardHandler", (Handler,), {"board": self.board})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._threads = [threading.Thread(target=self._server.serve_forever, daemon=True)]
        self._threads.append(threading.Thread(target=self._post, daemon=True))

    def __enter__(self) -> Corkboard:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.board.outbox.put(None)
        for thread in self._threads:
            thread.join(timeout=6)

    def _post(self) -> None:
        """Send what waits in the outbox, one try each: a hook nobody answers loses that event."""
        while (item := self.board.outbox.get()) is not None:
            url, secret, body = item
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers = {"Content-Type": "application/json", "X-Corkboard-Signature": signature}
            try:
                _OPENER.open(urllib.request.Request(url, body, headers), timeout=5).close()
            except OSError:
                continue  # lost: there is one try
            finally:
                self.board.outbox.task_done()

    def posted(self) -> None:
        """Wait until every hook had its one try."""
        self.board.outbox.join()


def main() -> None:
    """Run one board until it is interrupted."""
    with Corkboard() as desk:
        sys.stdout.write(" ".join((desk.url, *KEYS)) + "\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
