"""What a manifest cannot say of GLPI's high-level API: a timeline of several kinds whose documents have no names, a
team of persons and groups in one list, and the challenge that comes before each webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.base import Arrival, Context, Item, Reply
from connectors.challenge import answered
from connectors.rest import Rest
from connectors.values import Times

Row = Mapping[str, Any]


class Hooks:
    """The steps ``items``, ``unwrap`` and ``challenge`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def challenge(self, arrival: Arrival) -> Reply | None:
        """Proves that we hold the secret: GLPI asks before it sends."""
        return answered(arrival, "crc_token", self._rest.webhook_secrets.get("webhook", ""))

    def unwrap(self, doc: Any) -> Any:
        """Tickets with their first person and group of each role beside the team, which mixes them."""
        for ticket in doc if isinstance(doc, list) else [doc]:
            for member in ticket.get("team") or () if isinstance(ticket, dict) else ():
                kind = "people" if member.get("type") == "User" else "groups"
                ticket.setdefault(kind, {}).setdefault(member.get("role"), member)
        return doc

    def items(self, ctx: Context, id: str) -> tuple[tuple[Item, ...], tuple[Item, ...], tuple[Item, ...]]:
        """(comments, files, worklogs). A solution is a comment that the requester reads; a task is time."""
        rows = self._rest.ask(ctx, {"send": "GET /Assistance/Ticket/{id}/Timeline"}, {"id": id}).doc or []
        of = {kind: [row["item"] for row in rows if row.get("type") == kind] for kind in KINDS}
        followups = [_item(row, id, "private" if row.get("is_private", True) else "public") for row in of["Followup"]]
        solutions = [_item(row, id, "public", "solution-") for row in of["Solution"]]
        files = [self._file(ctx, row, id) for row in of["Document"]]
        tasks = [_item(row, id, "") for row in of["Task"] if row.get("duration")]
        return tuple(followups + solutions), tuple(files), tuple(tasks)

    def _file(self, ctx: Context, row: Row, id: str) -> Item:
        """A document of the timeline, which tells its number alone."""
        told = self._rest.ask(ctx, {"send": "GET /Management/Document/{file}"}, {"file": str(row["documents_id"])}).doc
        name, mime = told.get("filename") or told.get("name") or "", told.get("mime") or ""
        return Item(
            str(row["documents_id"]), id, None, _moment(told.get("date_creation")), "public", name=name, mime=mime
        )


KINDS = ("Followup", "Solution", "Task", "Document")


def _item(row: Row, id: str, channel: str, prefix: str = "") -> Item:
    user, seconds = row.get("user") or {}, row.get("duration")
    author = str(user["id"]) if user.get("id") else None
    text = (row.get("content") or "").replace("\r\n", "\n")
    made = Item(f"{prefix}{row['id']}", id, author, _moment(row.get("date_creation")), channel, text, "html")
    return made if seconds is None else Item(**{**vars(made), "minutes": round(seconds / 60)})


def _moment(text: str | None) -> datetime | None:
    try:
        return Times().read(text)
    except ValueError:
        return None
