"""What a GLPI 11 keeps, its people and its webhooks: shared by the simulators of its two APIs.

Moments are naive in the server's zone (``zone``), to the second; the priority follows impact and urgency, a status
number is stored whatever it is (one that GLPI does not know hides the ticket from lists), a followup, a task and a
document move the ticket's ``date_mod``. Webhooks are signed over body and queue time, private followups included.
"""

from __future__ import annotations

import hmac
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Arrival
from connectors.simulators.desk import Kept, Said, Simulator

Row = dict[str, Any]

STATUSES = {1: "New", 2: "Processing (assigned)", 3: "Processing (planned)", 4: "Pending", 5: "Solved", 6: "Closed"}
STATUSES |= {10: "Approval"}
US, PAULA, CARL = 7, 8, 9
LENGTH = 255
INSTANCE = "glpi-client"


class Glpi(Simulator):
    """``zone``: where the server's clock stands. A subclass speaks one of the two APIs."""

    zone = "Europe/Madrid"

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        self.tickets: dict[int, Row] = {}
        self.entries: dict[str, dict[int, Row]] = {"Followup": {}, "Task": {}, "Solution": {}}
        self.documents: dict[int, Row] = {}
        self.links: dict[int, Row] = {}
        self.bytes: dict[int, bytes] = {}
        self.users: dict[int, Row] = {}
        for id, name in ((US, "tandem"), (PAULA, "paula"), (CARL, "carl")):
            self.users[id] = {"id": id, "name": name, "realname": "Example", "email": f"{name}@desk.example"}
        self.sessions: set[str] = set()
        self.numbers = count(1)
        self.signed = 0
        self.open = True
        super().__init__(clock, **more)

    # state

    def now(self) -> str:
        """The server's own time."""
        return self.clock().astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S")

    def add(self, by: int, given: Mapping[str, Any]) -> Row:
        """A new ticket from columns of its table, always with the status New."""
        id, now = next(self.numbers), self.now()
        row: Row = {
            "id": id,
            "name": "",
            "content": "",
            "status": 1,
            "urgency": 3,
            "impact": 3,
            "priority": 3,
            "type": 1,
        }
        row |= {"externalid": None, "itilcategories_id": 0, "entities_id": 0, "is_deleted": 0, "actiontime": 0}
        row |= {"users_id_recipient": by, "date": now, "date_creation": now, "team": [[CARL, "User", "requester"]]}
        self.tickets[id] = row
        self.write(by, row, {name: value for name, value in given.items() if name != "status"})
        self.tell("new", row)
        return row

    def write(self, by: int, row: Row, given: Mapping[str, Any]) -> bool:
        """Changes columns; whether anything is another."""
        new = {name: value for name, value in given.items() if name in row or name in ("name", "content")}
        if "name" in new:
            new["name"] = str(new["name"])[:LENGTH]
        if {"urgency", "impact"} & new.keys() and "priority" not in new:
            both = {**row, **new}
            new["priority"] = round((int(both["urgency"]) + int(both["impact"])) / 2)
        changed = any(row.get(name) != value for name, value in new.items())
        row.update(new)
        self.touch(by, row)
        return changed

    def touch(self, by: int, row: Row) -> None:
        row |= {"date_mod": self.now(), "users_id_lastupdater": by}

    def enter(self, by: int, kind: str, ticket: int, given: Mapping[str, Any]) -> Row:
        """A followup, task or solution."""
        id, now = len(self.entries[kind]) + 1, self.now()
        row: Row = {
            "id": id,
            "itemtype": "Ticket",
            "items_id": ticket,
            "users_id": by,
            "content": "",
            "is_private": False,
        }
        row |= {"date_creation": now, "date_mod": now, "date": now, "actiontime": 0, "state": 1, **given}
        self.entries[kind][id] = row
        self.touch(by, self.tickets[ticket])
        if kind == "Followup":
            self.tell_followup("new", row)
        return row

    def keep(self, by: int, name: str, mime: str, data: bytes) -> Row:
        """A document, linked to nothing yet."""
        id = len(self.documents) + 1
        row = {"id": id, "name": name, "filename": name, "mime": mime, "users_id": by, "date_creation": self.now()}
        self.documents[id], self.bytes[id] = row, data
        return row

    def link(self, by: int, document: int, ticket: int) -> Row:
        """A document on a ticket."""
        id = len(self.links) + 1
        row = {"id": id, "itemtype": "Ticket", "items_id": ticket, "documents_id": document, "date": self.now()}
        self.links[id] = row
        self.touch(by, self.tickets[ticket])
        return row

    def of(self, kind: str, ticket: int) -> list[Row]:
        """The followups, tasks or solutions of a ticket."""
        return [row for row in self.entries[kind].values() if row["items_id"] == ticket]

    def listed(self) -> list[Row]:
        """The tickets that lists show: none whose status GLPI does not know."""
        return [row for row in self.tickets.values() if row["status"] in STATUSES and not row["is_deleted"]]

    # webhooks

    @abstractmethod
    def represents(self, row: Row) -> Row:
        """A ticket as this API shows it."""

    def high_level(self, row: Row) -> Row:
        """A ticket as the high-level API and every webhook show it."""
        moments = {name: self.stamp(row[name]) for name in ("date_creation", "date_mod", "date")}
        names = ("id", "name", "content", "urgency", "impact", "priority", "type", "actiontime")
        team = [{"id": id, "name": self._named(kind, id), "type": kind, "role": role} for id, kind, role in row["team"]]
        category = {"id": row["itilcategories_id"], "name": "x"} if row["itilcategories_id"] else None
        shown = {name: row[name] for name in names} | moments | {"team": team, "category": category, "location": None}
        shown |= {"external_id": row["externalid"], "is_deleted": bool(row["is_deleted"])}
        shown |= {"status": {"id": row["status"], "name": STATUSES.get(row["status"], "")}}
        return {**shown, "entity": {"id": row["entities_id"], "name": "Root entity", "completename": "Root entity"}}

    def stamp(self, naive: str) -> str:
        """A moment of the database with the server's offset."""
        return datetime.fromisoformat(naive).replace(tzinfo=ZoneInfo(self.zone)).isoformat()

    def _named(self, kind: str, id: int) -> str:
        return self._name(id) if kind == "User" else f"group {id}"

    def _name(self, id: int) -> str:
        return str(self.users[id]["name"])

    def tell(self, event: str, row: Row) -> None:
        """A webhook about a ticket."""
        self._tell({"item": self.high_level(row), "event": event})

    def tell_followup(self, event: str, row: Row) -> None:
        """A webhook about a followup, private ones too."""
        names = ("id", "itemtype", "items_id", "content", "is_private")
        item = {name: row[name] for name in names} | {"request_type": None}
        item |= {name: self.stamp(row[name]) for name in ("date_creation", "date_mod")}
        parent = self.tickets[row["items_id"]]
        self._tell({"item": item, "event": event, "parent_item": {"id": parent["id"], "name": parent["name"]}})

    def _tell(self, document: Row) -> None:
        self.announce(json.dumps(document, indent=4).replace("/", "\\/").encode())

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        stamp = str(int(self.clock().timestamp()))
        made = hmac.new(self.secrets["webhook"].encode(), body + stamp.encode(), "sha256").hexdigest()
        return {"Content-Type": "application/json", "X-GLPI-signature": made, "X-GLPI-timestamp": stamp}

    # the people there

    def open_record(self, title: str) -> str:
        return str(self.add(PAULA, {"name": title})["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        row, wire = self.tickets[int(id)], dict(values)
        numbers = {"status", "urgency", "impact", "priority", "type"}
        self.write(PAULA, row, {name: int(value) if name in numbers else value for name, value in wire.items()})
        self.tell("update", row)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.represents(self.tickets[int(id)])

    def ids(self) -> list[str]:
        return [str(id) for id in self.tickets]

    def say(self, id: str, text: str, public: bool) -> str:
        row = self.enter(PAULA, "Followup", int(id), {"content": text, "is_private": not public})
        return str(row["id"])

    def said(self, id: str) -> list[Said]:
        rows = self.of("Followup", int(id))
        return [
            Said(str(row["id"]), self._name(row["users_id"]), row["content"], not row["is_private"]) for row in rows
        ]

    def edit(self, id: str, comment: str, text: str | None) -> None:
        row = self.entries["Followup"][int(comment)]
        if text is None:
            del self.entries["Followup"][int(comment)]
        else:
            row |= {"content": text, "date_mod": self.now()}
        self.touch(PAULA, self.tickets[int(id)])
        self.tell_followup("delete" if text is None else "update", row)

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        document = self.keep(PAULA, name, "application/octet-stream", data)
        self.link(PAULA, document["id"], int(id))
        return str(document["id"])

    def kept(self, id: str) -> list[Kept]:
        held = [self.documents[row["documents_id"]] for row in self.links.values() if row["items_id"] == int(id)]
        return [Kept(str(row["id"]), row["filename"], self.bytes[row["id"]], True) for row in held]

    def spent(self, id: str) -> list[int]:
        return [row["actiontime"] // 60 for row in self.of("Task", int(id)) if row["actiontime"]]

    def work(self, id: str, minutes: int, text: str) -> str:
        return str(self.enter(PAULA, "Task", int(id), {"content": text, "actiontime": minutes * 60})["id"])

    def remove(self, id: str) -> None:
        """A person puts a ticket into the bin."""
        row = self.tickets[int(id)]
        row["is_deleted"] = 1
        self.touch(PAULA, row)
        self.tell("delete", row)

    def purge(self, id: str) -> None:
        """The bin is emptied."""
        del self.tickets[int(id)]

    def challenged(self) -> tuple[Arrival, bytes]:
        right = hmac.new(self.secrets["webhook"].encode(), b"asked", "sha256").hexdigest().encode()
        return Arrival("GET", {"crc_token": "asked"}, {}, b""), right

    def revoke(self) -> None:
        self.open = False
        self.sessions.clear()

    def expire(self) -> None:
        self.sessions.clear()

    def session(self) -> str:
        """A new session of our account."""
        self.signed += 1
        self.sessions.add(f"glpi-session-{self.signed}")
        return f"glpi-session-{self.signed}"
