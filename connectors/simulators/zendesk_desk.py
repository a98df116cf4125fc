"""The state behind the Zendesk simulator: tickets, comments, users, uploads, and what a write does to them."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.simulators import zendesk_rules as rules
from connectors.simulators.zendesk_rules import Refusal, Ticket, invalid, missing

UPLOAD_LIVES = 3 * 24 * 3600
BLANK: Mapping[str, Any] = {
    "id": 0, "external_id": None, "type": None, "subject": "", "raw_subject": "", "description": "", "priority": None,
    "status": "new", "custom_status_id": 101, "recipient": None, "assignee_id": None, "organization_id": None,
    "collaborator_ids": [], "follower_ids": [], "email_cc_ids": [], "problem_id": None, "has_incidents": False,
    "is_public": True, "due_at": None, "satisfaction_rating": None, "allow_attachments": True,
}  # fmt: skip


@dataclass
class Stored:
    """A ticket as the API shows it, its comments, and when it was last exported. ``raw``: files' bytes by id."""

    ticket: Ticket
    comments: list[dict[str, Any]] = field(default_factory=list)
    generated: float = 0.0


@dataclass(frozen=True)
class Happening:
    """One event of a ticket, as its webhooks call them."""

    name: str
    actor: int
    current: Any = None
    previous: Any = None
    field: str = ""


class Desk:
    """One account. ``listeners`` hear of each happening; ids count up over all kinds of things, as there."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.stored: dict[int, Stored] = {}
        self.users: dict[int, dict[str, Any]] = {}
        self.groups = {9001: "Support", 9002: "Networks"}
        self.uploads: dict[str, tuple[float, list[dict[str, Any]]]] = {}
        self.raw: dict[int, bytes] = {}
        self.listeners: list[Callable[[Happening, Ticket], None]] = []
        self.auto_assign = False
        self.url = ""
        self.fields = [
            _field(8001, "tagger", "Impact", ("impact_high", "impact_medium", "impact_low")),
            _field(8002, "tagger", "Urgency", ("urgency_high", "urgency_medium", "urgency_low")),
            _field(8003, "text", "Site"),
            _field(8004, "multiselect", "Systems", ("mail", "vpn", "erp")),
        ]
        self._count = 0
        self._tickets = 0

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def next_id(self) -> int:
        self._count += 1
        return 653915430000 + self._count

    def user(self, email: str, name: str, role: str) -> int:
        """A new user's id."""
        id = self.next_id()
        self.users[id] = {"id": id, "email": email, "name": name, "role": role, "active": True}
        return id

    def live(self, id: int) -> Stored:
        """Raises ``Refusal`` where no such ticket can be shown."""
        stored = self.stored.get(id)
        if stored is None or stored.ticket["status"] == "deleted":
            raise missing()
        return stored

    def create(self, by: int, given: Mapping[str, Any], via: str = "api") -> tuple[Stored, dict[str, Any]]:
        """(ticket, audit); raises ``Refusal``."""
        comment = given.get("comment") or {}
        if not _text(comment):
            raise invalid("base", "Description: cannot be blank")
        requester = self._requester(given) or by
        told = {"requester_id": requester, "submitter_id": given.get("submitter_id", by), "group_id": 9001}
        ticket = {**BLANK, **told, "tags": [], "via": {"channel": via}, "custom_fields": self._no_values()}
        stored = Stored(ticket)
        self._apply(stored, by, given)
        self._tickets += 1
        ticket |= {
            "id": self._tickets,
            "created_at": self.now(),
            "url": f"{self.url}/api/v2/tickets/{self._tickets}.json",
        }
        ticket |= {"description": _text(comment), "is_public": comment.get("public", True)}
        self.stored[ticket["id"]] = stored
        author = given.get("submitter_id", by) if comment.get("author_id") is None else comment["author_id"]
        event = self._comment(stored, author, comment)
        return stored, self._wrote(stored, by, event, [Happening("created", by)])

    def update(self, by: int, id: int, given: Mapping[str, Any]) -> tuple[Stored, dict[str, Any]]:
        """(ticket, audit); raises ``Refusal``. Every write moves ``updated_at``, one that changes nothing too."""
        stored = self.live(id)
        before = dict(stored.ticket)
        if before["status"] == "closed":
            raise invalid("status", "Status: closed prevents ticket update")
        if given.get("safe_update") in (True, "true") and given.get("updated_stamp") != before["updated_at"]:
            raise rules.stale()
        self._apply(stored, by, given)
        comment, event = given.get("comment"), None
        if comment and (_text(comment) or comment.get("uploads")):
            event = self._comment(stored, comment.get("author_id", by), comment)
        happened = [Happening("comment_added", by)] if event else []
        happened += [
            Happening(f"{EVENTS[name]}_changed", by, stored.ticket[name], before[name], name)
            for name in EVENTS
            if stored.ticket[name] != before[name]
        ]
        for old, new in zip(before["custom_fields"], stored.ticket["custom_fields"], strict=True):
            if old != new:
                happened.append(Happening("custom_field_changed", by, new["value"], old["value"], str(new["id"])))
        return stored, self._wrote(stored, by, event, happened)

    def delete(self, by: int, id: int) -> None:
        stored = self.live(id)
        stored.ticket["status"] = "deleted"
        self._wrote(stored, by, None, [Happening("soft_deleted", by)])

    def by_system(self, id: int) -> None:
        """A change of the system's own: it is exported anew, and ``updated_at`` stays."""
        self.stored[id].generated = self.clock().timestamp()

    def upload(self, name: str, mime: str, data: bytes, token: str | None) -> tuple[str, list[dict[str, Any]]]:
        """(token, attachments so far); further files may join an upload by its token."""
        key = token or uuid.uuid4().hex[:15]
        began, files = self.uploads.get(key, (self.clock().timestamp(), []))
        id = self.next_id()
        self.raw[id] = data
        secret = uuid.uuid4().hex
        where = f"{self.url}/attachments/token/{secret}{id}/?name={html.escape(re.sub(r'[^A-Za-z0-9.]', '_', name))}"
        files.append({"id": id, "file_name": name, "content_url": where, "content_type": mime, "size": len(data)})
        self.uploads[key] = (began, files)
        return key, files

    def _requester(self, given: Mapping[str, Any]) -> int | None:
        told = given.get("requester")
        if not isinstance(told, Mapping):
            return None
        known = next((id for id, user in self.users.items() if user["email"] == told.get("email")), None)
        if known is None and not told.get("name"):
            raise invalid("requester", "Requester: Name:  is too short (minimum is 1 character)")
        return known or self.user(str(told.get("email")), str(told["name"]), "end-user")

    def _apply(self, stored: Stored, by: int, given: Mapping[str, Any]) -> None:
        """Writes what was given to the ticket, all or nothing."""
        given = {**given, **self._category(given)}
        rules.check_values(given)
        old, new = stored.ticket, dict(stored.ticket)
        new |= {name: value for name, value in given.items() if name in rules.WRITTEN}
        self._check_people(given)
        if "tags" in given:
            told = given["tags"] if isinstance(given["tags"], str) else " ".join(given["tags"])
            new["tags"] = sorted(set(told.lower().split()))
        new["custom_fields"] = self._custom(old["custom_fields"], given.get("custom_fields") or [])
        rules.move(old, new, given, by, self.auto_assign)
        comment = given.get("comment") or {}
        replied = comment.get("public", old["is_public"]) and comment.get("author_id", by) == new["requester_id"]
        if replied and old["status"] in rules.REOPENED and self.users[new["requester_id"]]["role"] == "end-user":
            new["status"] = "open"
        if new["status"] != old["status"] and "custom_status_id" not in given:
            new["custom_status_id"] = rules.custom_status(new["status"]) or old["custom_status_id"]
        stored.ticket.update({**new, "raw_subject": new["subject"]})

    def _category(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = given.get("custom_status_id")
        if wanted is None:
            return {}
        if wanted not in rules.CUSTOM_STATUSES:
            raise invalid("custom_status_id", "Custom status: is invalid")
        return {"status": rules.CUSTOM_STATUSES[wanted][0]}

    def _check_people(self, given: Mapping[str, Any]) -> None:
        agents = {id for id, user in self.users.items() if user["role"] != "end-user"}
        for name, label, known in (
            ("assignee_id", "Assignee", agents),
            ("requester_id", "Requester", self.users),
            ("group_id", "Group", self.groups),
        ):
            if given.get(name) is not None and given[name] not in known:
                raise invalid(name.removesuffix("_id"), f"{label}: is invalid")

    def _no_values(self) -> list[dict[str, Any]]:
        return [{"id": each["id"], "value": None} for each in self.fields]

    def _custom(self, old: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The custom fields after a write; one that the account does not have is ignored without a word."""
        told = {each.get("id"): each.get("value") for each in given}
        for each in self.fields:
            options = {option["value"] for option in each.get("custom_field_options", ())}
            value = told.get(each["id"])
            chosen = value if isinstance(value, list) else [value] if value else []
            if options and not set(chosen) <= options:
                raise invalid("base", f"{each['title']}: is invalid")
        return [{"id": each["id"], "value": told.get(each["id"], each["value"])} for each in old]

    def _comment(self, stored: Stored, author: int, given: Mapping[str, Any]) -> dict[str, Any]:
        text = _text(given)
        made = {
            "id": self.next_id(), "type": "Comment", "author_id": author, "body": text,
            "html_body": given.get("html_body") or f'<div class="zd-comment"><p>{html.escape(text)}</p></div>',
            "plain_body": text, "public": given.get("public", stored.ticket["is_public"]),
            "attachments": self._claimed(given), "created_at": self.now(), "via": {"channel": "api"},
        }  # fmt: skip
        stored.comments.append(made)
        return made

    def _claimed(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The files of upload tokens, which serve once."""
        found: list[dict[str, Any]] = []
        for token in given.get("uploads") or ():
            began, files = self.uploads.pop(token, (0.0, []))
            if not files or self.clock().timestamp() - began > UPLOAD_LIVES:
                raise Refusal(
                    422, "RecordInvalid", "Record validation errors", {"uploads": [{"description": "invalid token"}]}
                )
            found += files
        return found

    def _wrote(
        self, stored: Stored, by: int, comment: dict[str, Any] | None, happened: list[Happening]
    ) -> dict[str, Any]:
        ticket = stored.ticket
        ticket["updated_at"] = self.now()
        stored.generated = self.clock().timestamp()
        events = [comment] if comment else []
        events += [
            {
                "id": self.next_id(),
                "type": "Change",
                "field_name": each.field,
                "value": each.current if isinstance(each.current, list) else each.current and str(each.current),
            }
            for each in happened
            if each.name.endswith("_changed")
        ]
        for each in happened:
            for listener in self.listeners:
                listener(each, ticket)
        made = {"id": self.next_id(), "ticket_id": ticket["id"], "created_at": self.now(), "author_id": by}
        return {**made, "metadata": {"system": {}, "custom": {}}, "events": events}


EVENTS = {
    "subject": "subject", "status": "status", "priority": "priority", "type": "type", "external_id": "external_id",
    "group_id": "group_assignment", "assignee_id": "agent_assignment", "requester_id": "requester", "tags": "tags",
    "due_at": "task_due_at",
}  # fmt: skip
"""Ticket attributes to the event that tells of their change."""


def _text(comment: Mapping[str, Any]) -> str:
    if comment.get("html_body"):
        return html.unescape(re.sub(r"<[^>]+>", "", comment["html_body"])).strip()
    return str(comment.get("body") or "").replace("\r\n", "\n")


def _field(id: int, kind: str, title: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": id,
        "type": kind,
        "title": title,
        "active": True,
        "required": False,
        "removable": True,
    }
    if options:
        made["custom_field_options"] = [
            {"id": id * 10 + n, "name": each, "value": each} for n, each in enumerate(options)
        ]
    return made
