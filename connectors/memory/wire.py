"""The memory desk's dialect: its tickets as JSON documents, and the webhooks it signs."""

from __future__ import annotations

import hmac
import json
from datetime import datetime
from typing import Any

from connectors.memory.rules import stamp
from connectors.memory.tickets import Comment, Happening, Staff, Ticket, Upload, Worklog

EVENTS = {
    "created": "ticket.created",
    "updated": "ticket.updated",
    "deleted": "ticket.deleted",
    "commented": "comment.created",
    "edited": "comment.updated",
    "uncommented": "comment.deleted",
    "uploaded": "file.created",
    "logged": "worklog.created",
}
WHOLE = frozenset({"created", "updated", "deleted"})
"""Happenings whose webhook carries the whole ticket; the others are hints, since an item is not part of it there."""


def fields_document(ticket: Ticket) -> dict[str, Any]:
    """The ticket without its items."""
    priority = ticket.fields["priority"]
    return {
        "id": ticket.id,
        "number": f"D-{ticket.id}",
        "revision": ticket.revision,
        "created_at": stamp(ticket.created),
        "created_by": ticket.created_by,
        "updated_at": stamp(ticket.updated),
        "updated_by": ticket.updated_by,
        "deleted": ticket.deleted,
        **ticket.fields,
        "priority": int(str(priority)) if priority else None,
    }


def ticket_document(ticket: Ticket) -> dict[str, Any]:
    """The ticket with all its items."""
    return {
        **fields_document(ticket),
        "comments": [comment_document(each) for each in ticket.comments],
        "files": [upload_document(each) for each in ticket.uploads],
        "worklogs": [worklog_document(each, ticket.id) for each in ticket.worklogs],
    }


def comment_document(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "author": comment.author,
        "created_at": stamp(comment.created),
        "edited_at": stamp(comment.edited) if comment.edited else None,
        "deleted": comment.deleted,
        "public": comment.public,
        "text": comment.text,
    }


def upload_document(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "author": upload.author,
        "created_at": stamp(upload.created),
        "public": upload.public,
        "name": upload.name,
        "mime": upload.mime,
        "size": upload.size,
        "sha256": upload.sha256,
    }


def worklog_document(worklog: Worklog, ticket: str) -> dict[str, Any]:
    return {
        "id": worklog.id,
        "ticket_id": ticket,
        "author": worklog.author,
        "created_at": stamp(worklog.created),
        "started_at": stamp(worklog.started),
        "minutes": worklog.minutes,
        "text": worklog.text,
    }


def person_document(person: Staff) -> dict[str, Any]:
    return {"id": person.id, "email": person.email, "name": person.name}


def happening_document(happening: Happening) -> dict[str, Any]:
    """One row of the feed."""
    return {
        "seq": happening.seq,
        "at": stamp(happening.at),
        "event": EVENTS[happening.verb],
        "ticket_id": happening.ticket,
        "item_id": happening.item,
        "actor": happening.actor,
    }


def webhook_body(happening: Happening, ticket: Ticket) -> bytes:
    """What the desk posts when something happened."""
    body = happening_document(happening)
    if happening.verb in WHOLE:
        body["ticket"] = fields_document(ticket)
    return json.dumps(body, separators=(",", ":")).encode()


def signature(secret: str, stamp_text: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over ``<timestamp>.<body>``."""
    return hmac.new(secret.encode(), stamp_text.encode() + b"." + body, "sha256").hexdigest()


def webhook_headers(secret: str, now: datetime, delivery: str, body: bytes) -> dict[str, str]:
    """The headers of one signed webhook; ``delivery`` stays the same when it is sent again."""
    at = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "X-Tandem-Timestamp": at,
        "X-Tandem-Delivery": delivery,
        "X-Tandem-Signature": signature(secret, at, body),
    }
