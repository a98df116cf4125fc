"""What a ServiceNow instance does by itself when an incident is written: defaults, priority matrix, data policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Row = dict[str, str]

LENGTHS = {"short_description": 160, "description": 4000, "close_notes": 4000, "correlation_id": 100, "category": 40}
"""Characters; a longer value is cut without a word."""

REFERENCES = frozenset({"caller_id", "assigned_to", "assignment_group", "cmdb_ci", "problem_id", "rfc", "caused_by"})
PEOPLE = frozenset({"caller_id", "assigned_to"})
JOURNALS = frozenset({"comments", "work_notes"})
READ_ONLY = frozenset(
    {"sys_id", "number", "priority", "active", "sys_mod_count", "sys_created_on", "sys_created_by", "sys_updated_on"}
    | {"sys_updated_by"}
)
MATRIX = {"11": "1", "12": "2", "13": "3", "21": "2", "22": "3", "23": "4", "31": "3", "32": "4", "33": "5"}
STATES = {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}
HOLDS = {"1": "Awaiting Caller", "3": "Awaiting Problem", "4": "Awaiting Vendor", "5": "Awaiting Change"}
CODES = (
    "Duplicate",
    "Known error",
    "Resolved by caller",
    "Resolved by change",
    "Resolved by problem",
    "Solution provided",
    "Workaround provided",
    "User error",
)
CATEGORIES = {
    "inquiry": "Inquiry / Help",
    "software": "Software",
    "hardware": "Hardware",
    "network": "Network",
    "database": "Database",
}
EMPTY = """number short_description description hold_reason close_code close_notes subcategory due_date opened_at
resolved_at closed_at resolved_by location u_symptom u_category vendor correlation_id correlation_display comments
work_notes comments_and_work_notes"""
BLANK: Mapping[str, str] = {
    **dict.fromkeys((*EMPTY.split(), *sorted(REFERENCES)), ""),
    "state": "1",
    "impact": "3",
    "urgency": "3",
    "category": "inquiry",
    "contact_type": "phone",
    "active": "true",
    "reassignment_count": "0",
    "reopen_count": "0",
    "made_sla": "true",
}


class Refusal(Exception):
    """A business rule or data policy says no; ``detail`` in its words."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass
class Policies:
    """Which rules this instance enforces on integrations too. ``frozen``: a closed incident takes no update."""

    close_code: bool = True
    hold_reason: bool = True
    caller_comment: bool = False
    frozen: bool = True
    ignored: set[str] = field(default_factory=set)


def cut(values: Mapping[str, str]) -> Row:
    """Values as the columns hold them."""
    return {name: value[: LENGTHS.get(name, 65000)] for name, value in values.items()}


def enforce(policies: Policies, old: Mapping[str, str], new: Mapping[str, str], comment: bool) -> None:
    """Raises ``Refusal`` when ``old`` may not become ``new``; ``comment``: the write says something to the caller."""
    missing = []
    if policies.frozen and old.get("state") == "7":
        raise Refusal("Record is closed and cannot be updated")
    if policies.close_code and new["state"] in ("6", "7"):
        missing = [
            label for name, label in (("close_code", "Close code"), ("close_notes", "Close notes")) if not new[name]
        ]
    if policies.hold_reason and new["state"] == "3" and not new["hold_reason"]:
        missing = ["On hold reason"]
    entered = (old.get("state"), old.get("hold_reason")) != ("3", "1") and (new["state"], new["hold_reason"]) == (
        "3",
        "1",
    )
    if policies.caller_comment and entered and not comment:
        missing = ["Additional comments"]
    if missing:
        raise Refusal(f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}")


def derive(row: Row) -> None:
    """Sets what follows from the rest."""
    row["priority"] = MATRIX.get(row["impact"] + row["urgency"], "5")
    row["active"] = "false" if row["state"] in ("7", "8") else "true"
