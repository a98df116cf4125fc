"""What a Zammad keeps and what it does by itself: tickets, articles, lookups by name, the search index that lags.

Ids are numbers, lookups by name fail with 422, a pending state needs its time, a state that is not pending forgets it,
an owner who may not own becomes nobody without a word, unknown attributes are dropped, and an e-mail is sent however
internal it is said to be.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

Row = dict[str, Any]

STATES = {1: "new", 2: "open", 3: "pending reminder", 4: "closed", 5: "merged", 6: "removed", 7: "pending close"}
PENDING = ("pending reminder", "pending close")
PRIORITIES = {1: "1 low", 2: "2 normal", 3: "3 high"}
GROUPS = {1: "Users", 2: "Escalations"}
SENDERS = ("Agent", "Customer", "System")
NOBODY, US, PAULA, CARL = 1, 3, 4, 5
PLAIN = ("title", "pending_time", "note", "type")
TITLE = 250


class Unprocessable(Exception):
    """A 422 in Zammad's words."""


def iso(moment: datetime) -> str:
    """Zammad's way to write a moment: UTC, milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def lookup(names: Mapping[int, str], attribute: str, value: Any) -> int:
    """The id of a name; raises ``Unprocessable``."""
    for id, name in names.items():
        if name == value:
            return id
    raise Unprocessable(f"No lookup value found for '{attribute}': \"{value}\"")


@dataclass
class Index:
    """Elasticsearch beside the database: a ticket is found as it was ``lag`` seconds ago, or not at all."""

    lag: float = 5.0
    waiting: list[tuple[datetime, int, Row]] = field(default_factory=list)
    documents: dict[int, Row] = field(default_factory=dict)

    def put(self, now: datetime, row: Row) -> None:
        self.waiting.append((now + timedelta(seconds=self.lag), row["id"], dict(row)))

    def search(self, now: datetime, query: str) -> list[Row]:
        """The documents that fit: ``*``, ``field:[since TO *]`` or ``field:"words"``; anything else fits none."""
        due = [each for each in self.waiting if each[0] <= now]
        self.waiting = [each for each in self.waiting if each[0] > now]
        self.documents |= {id: row for _, id, row in due}
        if query == "*":
            return list(self.documents.values())
        if since := re.fullmatch(r"(\w+):\[(\S+) TO \*\]", query):
            moment = datetime.fromisoformat(since[2])
            return [row for row in self.documents.values() if _moment(row.get(since[1])) >= moment]
        if phrase := re.fullmatch(r'(\w+):"(.*)"', query):
            wanted = _words(phrase[2])
            return [row for row in self.documents.values() if _within(wanted, _words(row.get(phrase[1]) or ""))]
        return []


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)


def _words(text: str) -> list[str]:
    """A text as the analyser takes it apart: case and hyphens count for nothing."""
    return re.findall(r"\w+", str(text).lower())


def _within(wanted: list[str], words: list[str]) -> bool:
    return bool(wanted) and any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


class Store:
    """``attributes``: the object attributes an admin made, name -> row. ``mails``: what was really sent."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.index = Index()
        self._ids = count(1)
        self.tickets: dict[int, Row] = {}
        self.articles: dict[int, Row] = {}
        self.files: dict[int, bytes] = {}
        self.mails: list[str] = []
        self.users: dict[int, Row] = {NOBODY: {"id": NOBODY, "login": "-", "email": "", "roles": []}}
        for id, name, role in ((US, "tandem", "Agent"), (PAULA, "paula", "Agent"), (CARL, "carl", "Customer")):
            self.users[id] = {"id": id, "login": f"{name}@desk.example", "email": f"{name}@desk.example"}
            self.users[id] |= {"firstname": name.capitalize(), "lastname": "Example", "active": True, "roles": [role]}
        self.attributes: dict[str, Row] = {}
        self.attribute("tandem_reference", "Tandem reference", "input")
        self.attribute("impact", "Impact", "input")

    def attribute(self, name: str, display: str, kind: str) -> None:
        """An admin makes an object attribute of tickets."""
        row = {"id": 100 + len(self.attributes), "name": name, "display": display, "data_type": kind}
        self.attributes[name] = {**row, "object": "Ticket", "editable": True, "active": True, "to_create": False}

    def create(self, by: int, given: Mapping[str, Any]) -> Row:
        """A ticket with its first article; raises ``Unprocessable``."""
        id, now = next(self._ids), iso(self.clock())
        row = dict.fromkeys((*PLAIN, *self.attributes)) | {"id": id, "number": str(22000 + id), "state_id": 1}
        row |= {"priority_id": 2, "group_id": None, "owner_id": NOBODY, "customer_id": None, "tags": []}
        row |= {"created_by_id": by, "updated_by_id": by, "created_at": now, "updated_at": now}
        row |= {"article_count": 0, "preferences": {}}
        row |= self._taken(row, given) | {"customer_id": self._customer(given)}
        for name in ("title", "group_id", "customer_id"):
            if not row[name]:
                raise Unprocessable(f"Missing required value for field '{name.removesuffix('_id')}'!")
        row["tags"] = [tag.strip() for tag in (given.get("tags") or "").split(",") if tag.strip()]
        self.tickets[id] = row
        if given.get("article"):
            self.article(by, {**given["article"], "ticket_id": id})
        self.index.put(self.clock(), row)
        return row

    def update(self, by: int, id: int, given: Mapping[str, Any]) -> Row:
        """Changes a ticket; what stays the same touches nothing. Raises ``KeyError``, ``Unprocessable``."""
        row = self.tickets[id]
        new = {**row, **self._taken(row, given)}
        if new != row:
            row.update(new)
            self._touch(row, by)
        if given.get("article"):
            self.article(by, {**given["article"], "ticket_id": id})
        return row

    def article(self, by: int, given: Mapping[str, Any]) -> Row:
        """A new article, which touches its ticket; raises ``Unprocessable``."""
        ticket = self.tickets.get(int(given.get("ticket_id") or 0))
        if ticket is None:
            raise Unprocessable("No lookup value found for 'ticket_id'")
        id, now = len(self.articles) + 1, iso(self.clock())
        sender = given.get("sender") or ("Customer" if "Customer" in self.users[by]["roles"] else "Agent")
        row: Row = {"id": id, "ticket_id": ticket["id"], "sender": sender, "type": given.get("type") or "note"}
        row |= {"subject": given.get("subject"), "body": given.get("body") or ""}
        row |= {"content_type": given.get("content_type") or "text/plain", "internal": bool(given.get("internal"))}
        row |= {"time_unit": given.get("time_unit"), "created_by_id": by, "updated_by_id": by}
        row |= {"created_at": now, "updated_at": now, "attachments": [self._file(each) for each in _files(given)]}
        if row["type"] == "email":
            self.mails.append(row["body"])
        self.articles[id] = row
        ticket["article_count"] += 1
        self._touch(ticket, by)
        return row

    def expanded(self, row: Row) -> Row:
        """A ticket with names beside its ids, as ``expand=true`` shows it."""
        users = {name: self.users.get(row[f"{name}_id"], {}).get("login") for name in ("owner", "customer")}
        authors = {name: self.users[row[f"{name}_id"]]["login"] for name in ("created_by", "updated_by")}
        shown = {name: value for name, value in row.items() if name != "tags"}
        names = {"state": STATES[row["state_id"]], "priority": PRIORITIES[row["priority_id"]]}
        ids = [each["id"] for each in self.articles.values() if each["ticket_id"] == row["id"]]
        return {**shown, **users, **authors, **names, "group": GROUPS[row["group_id"]], "article_ids": ids}

    def of(self, id: int) -> list[Row]:
        """The articles of a ticket."""
        return [row for row in self.articles.values() if row["ticket_id"] == id]

    def _touch(self, row: Row, by: int) -> None:
        row["updated_at"], row["updated_by_id"] = iso(self.clock()), by
        self.index.put(self.clock(), row)

    def _taken(self, row: Row, given: Mapping[str, Any]) -> Row:
        """What Zammad makes of the values given, names turned to ids, the unknown left out."""
        new = {name: given[name] for name in (*PLAIN, *self.attributes) if name in given}
        for name, names in (("state", STATES), ("priority", PRIORITIES), ("group", GROUPS)):
            if name in given:
                new[f"{name}_id"] = lookup(names, name, given[name])
        if "owner_id" in given:
            agent = "Agent" in self.users.get(int(given["owner_id"] or NOBODY), {}).get("roles", [])
            new["owner_id"] = int(given["owner_id"]) if agent else NOBODY
        if new.get("title"):
            new["title"] = re.sub(r"\s", " ", new["title"])[:TITLE]
        if new.get("pending_time"):
            new["pending_time"] = iso(datetime.fromisoformat(new["pending_time"]))
        if STATES[int({**row, **new}["state_id"])] not in PENDING:
            new["pending_time"] = None
        elif not new.get("pending_time", row["pending_time"]):
            raise Unprocessable("Missing required value for field 'pending_time'!")
        return new

    def _customer(self, given: Mapping[str, Any]) -> int | None:
        """The customer, made where only an e-mail address is told."""
        wanted = given.get("customer")
        if isinstance(wanted, str):
            return lookup({id: row["login"] for id, row in self.users.items()}, "customer", wanted)
        email = (wanted or {}).get("email")
        if not email and str(given.get("customer_id", "")).startswith("guess:"):
            email = given["customer_id"].removeprefix("guess:")
        if not email:
            return int(given["customer_id"]) if given.get("customer_id") else None
        for id, row in self.users.items():
            if row["email"] == email.lower():
                return id
        id = max(self.users) + 1
        self.users[id] = {"id": id, "login": email.lower(), "email": email.lower(), "roles": ["Customer"]}
        return id

    def _file(self, given: Mapping[str, Any]) -> Row:
        try:
            data = base64.b64decode(given.get("data") or "", validate=True)
        except (binascii.Error, ValueError):
            raise Unprocessable("Invalid base64 for attachment with index '0'") from None
        id = len(self.files) + 1
        self.files[id] = data
        preferences = {"Content-Type": given.get("mime-type")}
        return {"id": id, "filename": given.get("filename"), "size": str(len(data)), "preferences": preferences}


def _files(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = given.get("attachments") or []
    return found if isinstance(found, list) else [found]
