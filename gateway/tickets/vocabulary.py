"""The canonical vocabulary: every word a ticket may hold. Mappings, rules, prover and tests hang on it (DESIGN.md 1b).

Pure data. ``document()`` gives it in the plain form ``mappings`` takes, with the installation's own lists put in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KINDS = ("incident", "request", "problem")
STATUSES = (
    "new",
    "in_progress",
    "pending_requester",
    "pending_provider",
    "pending_problem",
    "resolved",
    "closed",
    "cancelled",
)
PENDING = ("pending_requester", "pending_provider", "pending_problem")
FINAL = ("resolved", "closed", "cancelled")
"""Statuses in which nobody works on the ticket."""

LEVELS = ("high", "medium", "low")
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
RESOLUTIONS = ("solved", "workaround", "known_error", "duplicate", "by_requester", "user_error", "declined")
CLIENTELES = ("employee", "customer")

REQUIRED = ("title", "kind", "status", "impact", "urgency")
"""Never emptied by a remote."""

CATEGORIES = ("inquiry", "software", "hardware", "network")
"""The categories of a fresh installation."""

CUSTOM: Mapping[str, Mapping[str, Any]] = {"provider_group": {"type": "text", "max": 100, "owner": "theirs"}}
"""The custom fields of a fresh installation: the provider's own group, shown beside the ticket."""

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "title": {"type": "text", "max": 250, "owner": "ours", "required": True},
    "description": {"type": "text", "max": 65536, "owner": "ours"},
    "kind": {"type": "choice", "values": KINDS, "owner": "ours", "required": True},
    "status": {"type": "choice", "values": STATUSES, "owner": "theirs", "required": True},
    "resolution_code": {"type": "choice", "values": RESOLUTIONS, "owner": "theirs"},
    "resolution_text": {"type": "text", "max": 16384, "owner": "theirs"},
    "impact": {"type": "choice", "values": LEVELS, "owner": "ours", "required": True},
    "urgency": {"type": "choice", "values": LEVELS, "owner": "ours", "required": True},
    "priority": {"type": "choice", "values": PRIORITIES, "derived": ("impact", "urgency")},
    "category": {"type": "choice", "values": CATEGORIES, "owner": "ours"},
    "subcategory": {"type": "text", "max": 100, "owner": "ours"},
    "service": {"type": "text", "max": 100, "owner": "ours"},
    "assets": {"type": "set", "of": "text", "max": 100, "owner": "ours"},
    "requester": {"type": "person", "owner": "ours"},
    "assignee": {"type": "person", "owner": "theirs"},
    "group": {"type": "text", "max": 100, "owner": "theirs"},
    "due": {"type": "datetime", "owner": "ours"},
    "tags": {"type": "set", "of": "text", "max": 60, "owner": "ours"},
}
"""The synced fields: type, length cap in characters (of each element for a set), and who owns the last word where both
sides changed it. Comments, attachments and worklogs travel apart."""


def document(
    categories: Sequence[str] = CATEGORIES, custom: Mapping[str, Mapping[str, Any]] = CUSTOM
) -> dict[str, dict[str, Any]]:
    """The vocabulary as a JSON document: field name -> {type, max, values, of, owner, required, derived}.

    ``categories`` and ``custom`` are the installation's lists; a custom field ``site`` appears as ``custom.site``.
    """
    fields = {name: _plain(field) for name, field in FIELDS.items()}
    fields["category"]["values"] = list(categories)
    return fields | {f"custom.{name}": _plain(field) for name, field in custom.items()}


def _plain(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in field.items()}
