"""What Zendesk does by itself when a ticket is written: its enumerations, native ticket rules and refusals.

Sources: the Support API description; "About native system ticket rules" and "Using the Incremental Exports API" of
Zendesk's help and developer pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Ticket = dict[str, Any]

STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES = ("urgent", "high", "normal", "low")
TYPES = ("problem", "incident", "question", "task")
SUBJECT_MAX = 150
EXTERNAL_ID_MAX = 255
REOPENED = ("pending", "hold", "solved")
"""From these a public comment of a requester who is an end user leads back to ``open``."""

CUSTOM_STATUSES = {
    101: ("new", "New"),
    102: ("open", "Open"),
    103: ("pending", "Pending"),
    104: ("hold", "On-hold"),
    105: ("solved", "Solved"),
    106: ("open", "With second line"),
}
"""id: (category, label). The first of a category is its default; ``closed`` has none of its own."""

WRITTEN = frozenset({"subject", "priority", "status", "type", "external_id", "group_id", "assignee_id", "requester_id"})
WRITTEN |= {"custom_status_id", "due_at", "problem_id"}
"""Scalars that a write may set; what else a body holds is ignored without a word."""


class Refusal(Exception):
    """An answer in Zendesk's shape: ``{"error", "description", "details"}``."""

    def __init__(
        self, status: int, error: Any, description: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error}
        self.body |= {"description": description} if description else {}
        self.body |= {"details": details} if details else {}


def invalid(field: str, sentence: str) -> Refusal:
    """The record cannot be saved like that."""
    return Refusal(422, "RecordInvalid", "Record validation errors", {field: [{"description": sentence}]})


def missing() -> Refusal:
    return Refusal(404, "RecordNotFound", "Not found")


def stale() -> Refusal:
    sentence = "Safe Update prevented the update due to outdated ticket data."
    return Refusal(409, "UpdateConflict", f"{sentence} Please fetch the latest ticket data and try again.")


def check_values(given: Mapping[str, Any]) -> None:
    """Raises ``Refusal`` for a value that no ticket may have."""
    for name, label, known in (
        ("status", "Status", STATUSES),
        ("priority", "Priority", PRIORITIES),
        ("type", "Type", TYPES),
    ):
        if given.get(name) is not None and given[name] not in known:
            raise invalid(name, f"{label}: {given[name]} is not a valid choice")
    if len(given.get("subject") or "") > SUBJECT_MAX:
        raise invalid("subject", f"Subject: is too long (maximum is {SUBJECT_MAX} characters)")
    if len(given.get("external_id") or "") > EXTERNAL_ID_MAX:
        raise invalid("external_id", f"External: is too long (maximum is {EXTERNAL_ID_MAX} characters)")


def move(old: Ticket, new: Ticket, given: Mapping[str, Any], by: int, auto_assign: bool) -> None:
    """Brings ``new`` from ``old`` to what the native rules make of it; raises ``Refusal``."""
    if given.get("priority", old["priority"]) is None:
        new["priority"] = old["priority"]  # once set, it is never taken back
    if given.get("status") == "new" != old["status"] and old["id"]:
        raise invalid("status", "Status: new cannot be set again")
    if new["status"] == "new" and new["assignee_id"] and "status" not in given:
        new["status"] = "open"
    if new["status"] == "solved" and not new["assignee_id"]:
        if not auto_assign:
            raise invalid("base", "Assignee: is required when solving a ticket")
        new["assignee_id"] = by
    if new["type"] != "task":
        new["due_at"] = None
    if new["type"] != "incident":
        new["problem_id"] = None


def custom_status(status: str) -> int | None:
    """The default custom status of a category."""
    return next((id for id, (category, _) in CUSTOM_STATUSES.items() if category == status), None)
