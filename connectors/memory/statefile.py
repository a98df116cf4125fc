"""Keeps a memory desk in a SQLite file, so that what it answered survives a kill."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any

from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.rules import RULES, Fields, stamp
from connectors.memory.tickets import Comment, Happening, Ticket, Upload, Worklog

SCHEMA = """
create table if not exists ticket (id text primary key, document text not null);
create table if not exists upload (id text primary key, data blob not null);
create table if not exists feed (seq integer primary key, at text, verb text, ticket text, actor text, item text);
"""


class StateFile:
    """A listener that writes each happening, with the ticket it is about, in one transaction.

    Written through to the operating system, not to the disk: it survives ``kill -9``, not a power cut.
    """

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=off")
        self._db.executescript(SCHEMA)

    def load(self, desk: Desk) -> None:
        """Fills ``desk`` with what was kept, then keeps what happens to it."""
        data = dict(self._db.execute("select id, data from upload"))
        tickets = [_ticket(json.loads(text), data) for (text,) in self._db.execute("select document from ticket")]
        rows = self._db.execute("select seq, at, verb, ticket, actor, item from feed order by seq")
        feed = [Happening(seq, _time(at), verb, ticket, actor, item) for seq, at, verb, ticket, actor, item in rows]
        desk.restore(sorted(tickets, key=lambda each: int(each.id)), feed)
        desk.listeners.append(self)

    def __call__(self, happening: Happening, ticket: Ticket) -> None:
        document = {**wire.ticket_document(ticket), "born": ticket.born, "writes": ticket.writes}
        document["referenced_at"] = stamp(ticket.referenced)
        self._db.execute("begin")
        if happening.verb == "uploaded":
            upload = ticket.uploads[-1]
            self._db.execute("insert into upload values (?, ?)", (upload.id, upload.data))
        self._db.execute("insert or replace into ticket values (?, ?)", (ticket.id, json.dumps(document)))
        row = (happening.seq, stamp(happening.at), happening.verb, ticket.id, happening.actor, happening.item)
        self._db.execute("insert into feed values (?, ?, ?, ?, ?, ?)", row)
        self._db.execute("commit")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _ticket(document: dict[str, Any], data: dict[str, bytes]) -> Ticket:
    values: Fields = {name: document[name] for name in RULES}
    values["priority"] = str(document["priority"]) if document["priority"] else None
    return Ticket(
        id=document["id"],
        created=_time(document["created_at"]),
        created_by=document["created_by"],
        updated=_time(document["updated_at"]),
        updated_by=document["updated_by"],
        referenced=_time(document["referenced_at"]),
        fields=values,
        revision=document["revision"],
        born=document["born"],
        deleted=document["deleted"],
        comments=[_comment(each) for each in document["comments"]],
        uploads=[_upload(each, data[each["id"]]) for each in document["files"]],
        worklogs=[_worklog(each) for each in document["worklogs"]],
        writes=document["writes"],
    )


def _comment(document: dict[str, Any]) -> Comment:
    edited = _time(document["edited_at"]) if document["edited_at"] else None
    made = Comment(document["id"], document["author"], _time(document["created_at"]), document["text"], False)
    made.public, made.edited, made.deleted = document["public"], edited, document["deleted"]
    return made


def _upload(document: dict[str, Any], data: bytes) -> Upload:
    return Upload(
        document["id"],
        document["author"],
        _time(document["created_at"]),
        document["name"],
        document["mime"],
        document["size"],
        document["sha256"],
        document["public"],
        data,
    )


def _worklog(document: dict[str, Any]) -> Worklog:
    created, started = _time(document["created_at"]), _time(document["started_at"])
    return Worklog(document["id"], document["author"], created, document["minutes"], document["text"], started)
