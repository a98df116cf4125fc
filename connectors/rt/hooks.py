"""What a manifest cannot say of Request Tracker: texts and files lie in attachments of transactions, base64-encoded.

A fetch with items costs four calls however long the history is: ticket, history, the list of attachments, and all texts
at once (each call costs RT a bcrypt). Beyond 100 entries the lists take further pages.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.base import Context, Item
from connectors.errors import Retry
from connectors.rest import Rest
from connectors.values import Times

CHANNELS = {"Correspond": "correspond", "Create": "correspond", "Comment": "comment"}
"""Whom a transaction reaches; other types (status changes, outgoing mail) hold nothing people wrote."""

FORMATS = {"text/plain": "plain", "text/html": "html"}
PAGE = 100
PAGES = 100

IDS = {"field": "id", "operator": "IN"}

Row = Mapping[str, Any]


class Hooks:
    """The steps ``items`` and ``file`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def items(self, ctx: Context, id: str) -> tuple[tuple[Item, ...], tuple[Item, ...], tuple[Item, ...]]:
        """(comments, files, worklogs). A transaction that holds one file and just its name is a file we sent, not a
        comment; time is booked with a comment or by changing the ticket's time worked."""
        history = self._all(ctx, "GET /ticket/{id}/history", id, "Type,Creator,Created,TimeTaken")
        parts = self._all(ctx, "GET /ticket/{id}/attachments", id, "Filename,ContentType,ContentLength,TransactionId")
        own: dict[str, list[Row]] = {str(row["id"]): [] for row in history if row["Type"] in CHANNELS}
        made = {str(row["id"]) for row in history if row["Type"] == "Create"}  # its text is the description
        for part in parts:
            own.get(str(part["TransactionId"]), []).append(part)
        spoken = {id: _text_part(rows) for id, rows in own.items() if id not in made}
        texts = self._texts(ctx, [part for part in spoken.values() if part is not None])
        comments: list[Item] = []
        files: list[Item] = []
        for row in (row for row in history if row["Type"] in CHANNELS):
            named = [part for part in own[str(row["id"])] if part.get("Filename")]
            said = spoken.get(str(row["id"]))
            text = texts[str(said["id"])] if said is not None else ""
            if said is not None and text.strip() and not (len(named) == 1 and text.strip() == _name(named[0])):
                comments.append(_item(row, id, id_=str(row["id"]), text=text, format=FORMATS[said["ContentType"]]))
            files += [_file(row, id, part, len(named) == 1) for part in named]
        worklogs = [_worklog(row, id) for row in history if _minutes(row)]
        return tuple(comments), tuple(files), tuple(worklogs)

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        """The content of a file, whole: RT wraps it in JSON."""
        yield self._content(ctx, item.url or item.id)

    def _texts(self, ctx: Context, parts: list[Row]) -> dict[str, str]:
        """The texts of these parts by id, many at once; one that the list does not show is asked for by itself."""
        texts: dict[str, str] = {}
        for some in _batches([str(part["id"]) for part in parts], PAGE):
            query = {"fields": "Content", "per_page": PAGE}
            spec = {"send": "POST /attachments", "query": query, "body": [{**IDS, "value": "{ids}"}]}
            doc = self._rest.ask(ctx, spec, {"ids": some}).doc or {}
            texts |= {str(row["id"]): row["Content"] for row in doc.get("items", []) if row.get("Content") is not None}
            for id in set(some) - texts.keys():
                texts[id] = self._content(ctx, id).decode("utf-8", "replace")
        return {id: text.replace("\r\n", "\n") for id, text in texts.items()}

    def _content(self, ctx: Context, attachment: str) -> bytes:
        doc = self._rest.ask(ctx, {"send": "GET /attachment/{file}"}, {"file": attachment}).doc
        try:
            return base64.b64decode(doc["Content"]) if doc.get("Content") else b""
        except (ValueError, AttributeError, TypeError) as error:
            raise Retry(f"attachment {attachment} cannot be read: {error}") from error

    def _all(self, ctx: Context, send: str, id: str, fields: str) -> list[Row]:
        """Every row; RT repeats its last page for numbers beyond it."""
        rows: dict[str, Row] = {}
        for page in range(1, PAGES + 1):
            query = {"fields": fields, "per_page": PAGE, "page": page}
            doc = self._rest.ask(ctx, {"send": send, "query": query}, {"id": id}).doc
            found = {str(row["id"]): row for row in (doc or {}).get("items", [])}
            if len(found) < PAGE or found.keys() <= rows.keys():
                return list({**rows, **found}.values())
            rows |= found
        raise Retry(f"ticket {id} has more than {PAGE * PAGES} entries")


def _batches(ids: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _text_part(parts: list[Row]) -> Row | None:
    """What a transaction says: its first nameless part that is text."""
    return next((part for part in parts if part.get("ContentType") in FORMATS and not part.get("Filename")), None)


def _item(row: Row, id: str, *, id_: str, **more: Any) -> Item:
    return Item(
        id=id_,
        record_id=id,
        author=row["Creator"]["id"],
        created=Times().read(row["Created"]),
        channel=CHANNELS.get(row["Type"], "comment"),
        **more,
    )


def _file(row: Row, id: str, part: Row, alone: bool) -> Item:
    """A file; where it is the only one of its transaction it has that one's id, which is what sending it told us."""
    txn, own = str(row["id"]), str(part["id"])
    size = int(part["ContentLength"]) if str(part.get("ContentLength", "")).isdigit() else None
    return _item(
        row,
        id,
        id_=txn if alone else f"{txn}/{own}",
        name=_name(part),
        mime=part.get("ContentType") or "",
        size=size,
        url=own,
    )


def _name(part: Row) -> str:
    """RT keeps a quote in an uploaded file's name as every browser sends it."""
    return str(part["Filename"]).replace("%22", '"')


def _worklog(row: Row, id: str) -> Item:
    return _item(row, id, id_=str(row["id"]), minutes=_minutes(row))


def _minutes(row: Row) -> int:
    """Minutes booked with a transaction; less than none where somebody took time back."""
    text = str(row.get("TimeTaken") or "0")
    return int(text) if text.lstrip("-").isdigit() else 0
