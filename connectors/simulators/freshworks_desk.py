"""The state behind the simulators of Freshdesk and Freshservice, what a write does to it, and the people at work there.

A note is private unless it says otherwise, and a reply is mailed; a field that is unknown, or of another type, is
refused by name; who writes from an address that nobody has becomes a contact.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.forms import File

Row = dict[str, Any]
MANDATORY = "One of the following is mandatory: requester_id, phone, email, twitter_id, facebook_id"


class Invalid(Exception):
    """``Validation failed``: which field, why, and its code."""

    def __init__(self, field: str, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.error = {"field": field, "message": message, "code": code}


class Account(Simulator):
    """One account. ``tandem`` is our agent, ``paula`` theirs, ``alice`` a contact. ``mailed``: (ticket, text) of the
    replies that left."""

    statuses: ClassVar[Mapping[int, str]]
    sources: ClassVar[frozenset[int]]
    scalars: ClassVar[Mapping[str, type]]
    columns: ClassVar[Mapping[str, str]]
    types: ClassVar[tuple[str, ...]]
    files_max: ClassVar[int]
    size_name = "file_size"

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.tickets: dict[int, Row] = {}
        self.conversations: dict[int, Row] = {}
        self.entries: dict[int, Row] = {}
        self.people: dict[int, Row] = {}
        self.data: dict[int, bytes] = {}
        self.groups = {1: "Entertainers", 2: "Helpdesk"}
        self.mailed: list[tuple[int, str]] = []
        self._key = "freshworks-api-key"
        self._count = 100
        self.tandem = self.person("tandem@example.com", "Tandem", True)
        self.paula = self.person("paula@provider.example", "Paula", True)
        self.alice = self.person("alice@customer.example", "Alice", False)
        self.settings = {"domain": "acme", "url": self.url, "requester": "desk@customer.example"}
        self.secrets = {"key": self._key, "webhook": "freshworks-webhook-secret-1234"}

    # state

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def next_id(self) -> int:
        self._count += 1
        return self._count

    def person(self, email: str, name: str, agent: bool) -> int:
        """A new agent or contact; its id."""
        id = self.next_id()
        self.people[id] = {"id": id, "email": email, "name": name, "agent": agent}
        return id

    def make(self, given: Mapping[str, Any], files: Iterable[File] = ()) -> Row:
        """A new ticket; raises ``Invalid``."""
        self.validate(given, create=True)
        id, now = self.next_id(), self.now()
        ticket: Row = {**self.blank(), "id": id, "created_at": now, "updated_at": now}
        ticket["requester_id"] = self._requester(given)
        self._set(ticket, given)
        ticket["attachments"] = [self.store(each) for each in files]
        self.tickets[id] = ticket
        self.tell(ticket, "{ticket_action:created}")
        return ticket

    def blank(self) -> Row:
        empty: Row = dict.fromkeys((*self.scalars, "type", "group_id", "responder_id"))
        empty |= {
            "status": 2,
            "priority": 1,
            "source": 2,
            "tags": [],
            "attachments": [],
            "deleted": False,
            "spam": False,
        }
        return {**empty, "custom_fields": dict.fromkeys(self.columns)}

    def put(self, ticket: Row, given: Mapping[str, Any]) -> None:
        """Changes a ticket; raises ``Invalid``."""
        self.validate(given, create=False)
        before = ticket["status"]
        self._set(ticket, given)
        ticket["updated_at"] = self.now()
        moved = before != ticket["status"]
        self.tell(ticket, f"{{status:{{from:{before},to:{ticket['status']}}}}}" if moved else "{ticket_action:update}")

    def talk(self, ticket: Row, by: int, given: Mapping[str, Any], source: int, files: Iterable[File] = ()) -> Row:
        """A reply or a note, which counts as a change of its ticket."""
        if not given.get("body"):
            raise Invalid("body", "It should be a/an String", "missing_field")
        private = source == 2 and str(given.get("private", True)).lower() == "true"
        row = {"id": self.next_id(), "ticket_id": ticket["id"], "user_id": by, "source": source, "private": private}
        row |= {"incoming": str(given.get("incoming", "")).lower() == "true", "body": wrapped(given["body"])}
        row |= {"body_text": bare(given["body"]), "created_at": self.now(), "updated_at": self.now()}
        row |= {"attachments": [self.store(each) for each in files]}
        self.conversations[row["id"]] = row
        ticket["updated_at"] = self.now()
        if source == 0:
            self.mailed.append((ticket["id"], row["body_text"]))
        self.tell(ticket, "{reply_sent:sent}" if source == 0 else f"{{note_type:{'private' if private else 'public'}}}")
        return row

    def reword(self, id: int, text: str) -> Row:
        """A note gets another text; a reply has been mailed and stays."""
        row = self.conversations[id]
        if row["source"] != 2:
            raise Invalid("id", "Only notes can be edited")
        row |= {"body": wrapped(text), "body_text": bare(text), "updated_at": self.now()}
        return row

    def spend(self, ticket: Row, given: Mapping[str, Any]) -> Row:
        """A time entry; raises ``Invalid``."""
        if not re.fullmatch(r"[0-9]+:[0-5][0-9]", str(given.get("time_spent", ""))):
            raise Invalid("time_spent", "It should be a valid time in hh:mm format")
        row = {"id": self.next_id(), "agent_id": self.tandem, "billable": True, **given, "ticket_id": ticket["id"]}
        row |= {
            "executed_at": given.get("executed_at") or self.now(),
            "created_at": self.now(),
            "updated_at": self.now(),
        }
        self.entries[row["id"]] = row
        return row

    def store(self, file: File) -> Row:
        """A file, kept and described; raises ``Invalid``."""
        if len(file.data) > self.files_max:
            raise Invalid("attachments", f"The total size of the attachments should not exceed {self.files_max} bytes")
        id = self.next_id()
        self.data[id] = file.data
        where = f"{self.url}/data/helpdesk/attachments/production/{id}/original/{quote(file.name)}"
        shown = {"id": id, "name": file.name, "content_type": file.mime, "attachment_url": where}
        return {**shown, self.size_name: len(file.data), "created_at": self.now(), "updated_at": self.now()}

    def validate(self, given: Mapping[str, Any], create: bool) -> None:
        """Raises ``Invalid`` as the API does: the first field that will not do."""
        known = {*self.scalars, "email", "name", "phone", "requester_id", "custom_fields", "tags", "type", "group_id"}
        known |= {"responder_id", "attachments", "description"}
        for name, value in given.items():
            if name not in known:
                raise Invalid(name, "Unexpected/invalid field in request", "invalid_field")
            wanted = self.scalars.get(name)
            if wanted is int and value is not None and not isinstance(value, int):
                raise Invalid(name, "Value set is of type String.It should be a/an Integer", "datatype_mismatch")
        for name, allowed in (("status", set(self.statuses)), ("priority", {1, 2, 3, 4}), ("source", self.sources)):
            if given.get(name) is not None and given[name] not in allowed:
                raise Invalid(name, f"It should be one of these values: '{','.join(map(str, sorted(allowed)))}'")
        if given.get("type") is not None and given["type"] not in self.types:
            raise Invalid("type", f"It should be one of these values: '{','.join(self.types)}'")
        for name in given.get("custom_fields") or {}:
            if name not in self.columns:
                raise Invalid(name, "Unexpected/invalid field in request", "invalid_field")
        self._validate_people(given, create)

    def _validate_people(self, given: Mapping[str, Any], create: bool) -> None:
        if create and not any(given.get(name) for name in ("email", "requester_id", "phone")):
            raise Invalid("requester_id", MANDATORY, "missing_field")
        for name in ("subject", "description") if create else ():
            if not given.get(name):
                raise Invalid(name, "It should be a/an String", "missing_field")
        if given.get("responder_id") is not None and not self.people.get(given["responder_id"], {}).get("agent"):
            raise Invalid("responder_id", "There is no agent matching the given responder_id")
        if given.get("group_id") is not None and given["group_id"] not in self.groups:
            raise Invalid("group_id", "There is no group matching the given group_id")
        if any(len(tag) > 32 for tag in given.get("tags") or ()):
            raise Invalid("tags", "It should contain elements that have maximum of 32 characters")

    def _requester(self, given: Mapping[str, Any]) -> int:
        if given.get("requester_id"):
            return int(given["requester_id"])
        email = str(given.get("email") or given.get("phone"))
        known = next((id for id, each in self.people.items() if each["email"] == email.lower()), None)
        return known or self.person(email.lower(), str(given.get("name") or email), False)

    def _set(self, ticket: Row, given: Mapping[str, Any]) -> None:
        plain = {*self.scalars, "type", "group_id", "responder_id"}
        ticket |= {name: value for name, value in given.items() if name in plain and value is not None}
        ticket |= {name: None for name in ("group_id", "responder_id", "type") if name in given and given[name] is None}
        if given.get("email") and ticket.get("id") in self.tickets:
            ticket["requester_id"] = self._requester(given)
        if given.get("description") is not None:
            ticket["description"] = wrapped(given["description"])
            ticket["description_text"] = bare(given["description"])
        if given.get("tags") is not None:
            ticket["tags"] = list(given["tags"])
        ticket["custom_fields"] = {**ticket["custom_fields"], **(given.get("custom_fields") or {})}

    # webhooks: a rule with a body of the admin's

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        return {"Content-Type": "application/json", "X-Tandem-Secret": self.secrets["webhook"]}

    def tell(self, ticket: Row, event: str) -> None:
        """The webhook of a rule: placeholders are put in as they are."""
        self.announce(json.dumps({"ticket_id": str(ticket["id"]), "triggered_event": event}).encode())

    # people at work there

    def open_record(self, title: str) -> str:
        given = {"email": "alice@customer.example", "subject": title, "description": f"{title}, says alice"}
        return str(self.make({**self.usual(), **given})["id"])

    def usual(self) -> Mapping[str, Any]:
        """What a new ticket has to have besides."""
        return {}

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        names = {"group": "group_id", "agent": "responder_id"}
        given: Row = {"custom_fields": {name[3:]: value for name, value in values.items() if name.startswith("cf:")}}
        for name, value in values.items():
            if not name.startswith("cf:"):
                wanted = int if self.scalars.get(name) is int or name in names else None
                given[names.get(name, name)] = int(value) if wanted and value is not None else value
        self.put(self.tickets[int(id)], given)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tickets[int(id)]

    def ids(self) -> list[str]:
        return [str(id) for id, each in self.tickets.items() if not each["deleted"]]

    def say(self, id: str, text: str, public: bool) -> str:
        note = {"body": text, "private": not public}
        return str(self.talk(self.tickets[int(id)], self.paula, note, 2)["id"])

    def said(self, id: str) -> list[Said]:
        rows = [each for each in self.conversations.values() if each["ticket_id"] == int(id)]
        return [Said(str(each["id"]), str(each["user_id"]), each["body_text"], not each["private"]) for each in rows]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        note = {"body": name, "private": not public}
        made = self.talk(self.tickets[int(id)], self.paula, note, 2, [File(name, "application/octet-stream", data)])
        return str(made["attachments"][0]["id"])

    def kept(self, id: str) -> list[Kept]:
        found = [(each, True) for each in self.tickets[int(id)]["attachments"]]
        for row in self.conversations.values():
            found += [(each, not row["private"]) for each in row["attachments"] if row["ticket_id"] == int(id)]
        return [Kept(str(each["id"]), each["name"], self.data[each["id"]], public) for each, public in found]

    def spent(self, id: str) -> list[int]:
        rows = [str(each["time_spent"]) for each in self.entries.values() if each["ticket_id"] == int(id)]
        return [int(text.partition(":")[0]) * 60 + int(text.partition(":")[2]) for text in rows]

    def work(self, id: str, minutes: int, text: str) -> str:
        given = {"time_spent": f"{minutes // 60:02}:{minutes % 60:02}", "note": text, "agent_id": self.paula}
        return str(self.spend(self.tickets[int(id)], given)["id"])

    def edit(self, id: str, comment: str, text: str | None) -> None:
        if text is None:
            del self.conversations[int(comment)]
        else:
            self.reword(int(comment), text)

    def remove(self, id: str) -> None:
        self.tickets[int(id)] |= {"deleted": True, "updated_at": self.now()}

    def move(self, id: str) -> None:
        self.tickets[int(id)] |= {"spam": True, "updated_at": self.now()}

    def revoke(self) -> None:
        self._key = "another-key"


def wrapped(text: str) -> str:
    """HTML as it is stored."""
    return text if text.startswith("<") else f"<div>{text}</div>"


def bare(text: str) -> str:
    """The text of some HTML."""
    lines = re.sub(r"<(?:br|/p|/div)[^>]*>", "\n", text)
    return html.unescape(re.sub(r"<[A-Za-z/][^>]*>", "", lines)).strip("\n")
