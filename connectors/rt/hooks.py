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
TEXTS = 8 * 1024 * 1024

WRAPPED = 36 * 1024 * 1024
"""Bytes that a file of 25 MB has in base64, with line breaks, inside JSON."""

IDS = {"field": "id", "operator": "IN"}

Row = Mapping[str, Any]


class Hooks:
    """The steps ``items`` and ``file`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def items(self, ctx: Context, id: str) -> tuple[tuple[Item, ...], tuple[Item, ...], tuple[Item, ...]]:
        """(comments, files, worklogs). A transaction that holds one file and just its name is a file we sent, not a
        comment; time is booked with a comment or by changing the ticket's time worked, and a comment of our own account
        that books time is a worklog we sent, text and all."""
        history = self._all(ctx, "GET /ticket/{id}/history", id, "Type,Creator,Created,TimeTaken,ObjectId")
        parts = self._all(ctx, "GET /ticket/{id}/attachments", id, "Filename,ContentType,ContentLength,TransactionId")
        own: dict[str, list[Row]] = {str(row["id"]): [] for row in history if row["Type"] in CHANNELS}
        made = {str(row["id"]) for row in history if row["Type"] == "Create" and self._describes(row, id)}
        for part in parts:
            own.get(str(part["TransactionId"]), []).append(part)
        spoken = {id: _text_part(rows) for id, rows in own.items() if id not in made}
        texts = self._texts(ctx, [part for part in spoken.values() if part is not None])
        comments: list[Item] = []
        files: list[Item] = []
        for row in (row for row in history if row["Type"] in CHANNELS):
            held = [part for part in own[str(row["id"])] if _is_file(part)]
            said = spoken.get(str(row["id"]))
            text = texts[str(said["id"])] if said is not None else ""
            if said is not None and text.strip() and not (len(held) == 1 and text.strip() == _name(held[0])):
                comments.append(_item(row, id, text=text, format=FORMATS[said["ContentType"]]))
            files += [_file(row, id, part, len(held) == 1) for part in held]
        booked = [row for row in history if _minutes(row)]
        notes = {
            each.id: each.text
            for each in comments
            if each.channel == "comment" and each.author in self._rest.names_of_ours
        }
        sent = {str(row["id"]): notes[str(row["id"])] for row in booked if str(row["id"]) in notes}
        worklogs = [_item(row, id, minutes=_minutes(row), text=sent.get(str(row["id"]), "")) for row in booked]
        return tuple(each for each in comments if each.id not in sent), tuple(files), tuple(worklogs)

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        """The content of a file, whole: RT wraps it in JSON."""
        yield self._content(ctx, item.url or item.id)

    def _describes(self, row: Row, id: str) -> bool:
        """Whether the text this transaction began with is the ticket's description, or one of ours: what others wrote
        on a ticket that was merged into this one is news."""
        return str(row.get("ObjectId") or id) == id or row["Creator"]["id"] in self._rest.names_of_ours

    def _texts(self, ctx: Context, parts: list[Row]) -> dict[str, str]:
        """The texts of these parts by id, many at once; one that the list does not show is asked for by itself."""
        texts: dict[str, str] = {}
        for some in _batches(parts):
            query = {"fields": "Content", "per_page": PAGE}
            spec = {"send": "POST /attachments", "query": query, "body": [{**IDS, "value": "{ids}"}]}
            doc = self._rest.ask(ctx, spec, {"ids": some}).doc or {}
            texts |= {str(row["id"]): row["Content"] for row in doc.get("items", []) if row.get("Content") is not None}
            for id in set(some) - texts.keys():
                texts[id] = self._content(ctx, id).decode("utf-8", "replace")
        return {id: text.replace("\r\n", "\n") for id, text in texts.items()}

    def _content(self, ctx: Context, attachment: str) -> bytes:
        doc = self._rest.ask(ctx, {"send": "GET /attachment/{file}"}, {"file": attachment}, WRAPPED).doc
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


def _batches(parts: list[Row]) -> Iterator[list[str]]:
    """Their ids in lists whose replies are no longer than one may be: no more than a page, and about 8 MB of text."""
    some: list[str] = []
    size = 0
    for part in parts:
        size += _length(part)
        if some and (len(some) == PAGE or size > TEXTS):
            yield some
            some, size = [], _length(part)
        some.append(str(part["id"]))
    if some:
        yield some


def _length(part: Row) -> int:
    text = str(part.get("ContentLength") or "")
    return int(text) if text.isdigit() else 0


def _text_part(parts: list[Row]) -> Row | None:
    """What a transaction says: its first nameless part that is text."""
    return next((part for part in parts if part.get("ContentType") in FORMATS and not part.get("Filename")), None)


def _item(row: Row, id: str, own: str = "", **more: Any) -> Item:
    """What a transaction holds; ``own``: its id, where that is not the transaction's."""
    return Item(
        id=own or str(row["id"]),
        record_id=id,
        author=row["Creator"]["id"],
        created=Times().read(row["Created"]),
        channel=CHANNELS.get(row["Type"], "comment"),
        **more,
    )


def _file(row: Row, id: str, part: Row, alone: bool) -> Item:
    """A file; where it is the only one of its transaction it has that one's id, which is what sending it told us."""
    own = str(part["id"])
    size = _length(part) if part.get("ContentLength") is not None else None
    return _item(
        row,
        id,
        "" if alone else f"{row['id']}/{own}",
        name=_name(part),
        mime=part.get("ContentType") or "",
        size=size,
        url=own,
    )


def _is_file(part: Row) -> bool:
    """Whatever has a name, and whatever has none (it came by mail so) and is neither text nor a wrapping of others."""
    kind = str(part.get("ContentType") or "")
    holds = kind not in FORMATS and not kind.startswith(("multipart/", "message/"))
    return bool(part.get("Filename")) or (holds and _length(part) > 0)


def _name(part: Row) -> str:
    """RT keeps a quote in an uploaded file's name as every browser sends it; it calls untitled what has no name."""
    if name := str(part.get("Filename") or ""):
        return name.replace("%22", '"')
    kind = str(part["ContentType"]).rpartition("/")[2]
    return f"untitled.{kind}" if kind.isalnum() else "untitled"


def _minutes(row: Row) -> int:
    """Minutes booked with a transaction; less than none where somebody took time back."""
    text = str(row.get("TimeTaken") or "0")
    return int(text) if text.lstrip("-").isdigit() else 0
