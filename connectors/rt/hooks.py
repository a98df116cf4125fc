"""What a manifest cannot say of Request Tracker: texts and files lie in attachments of transactions, base64-encoded.

A fetch with items costs 2 + n calls: history, the list of attachments, and one call per text (each costs RT a bcrypt).
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

Row = Mapping[str, Any]


class Hooks:
    """The steps ``items`` and ``file`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def items(self, ctx: Context, id: str) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
        """(comments, files). A transaction that holds one file and just its name is a file we sent, not a comment."""
        history = self._all(ctx, "GET /ticket/{id}/history", id, "Type,Creator,Created")
        parts = self._all(ctx, "GET /ticket/{id}/attachments", id, "Filename,ContentType,ContentLength,TransactionId")
        comments: list[Item] = []
        files: list[Item] = []
        for row in (row for row in history if row["Type"] in CHANNELS):
            own = [part for part in parts if str(part["TransactionId"]) == str(row["id"])]
            named = [part for part in own if part.get("Filename")]
            text = None if row["Type"] == "Create" else self._text(ctx, own)
            bare = text is not None and len(named) == 1 and text[0].strip() == named[0]["Filename"]
            if text and not bare and text[0].strip():
                comments.append(_item(row, id, id_=str(row["id"]), text=text[0], format=text[1]))
            files += [_file(row, id, part, bare) for part in named]
        return tuple(comments), tuple(files)

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        """The content of a file, whole: RT wraps it in JSON."""
        yield self._content(ctx, item.url or item.id)

    def _text(self, ctx: Context, parts: list[Row]) -> tuple[str, str] | None:
        """(text, format) of a transaction: its first nameless part that is text."""
        for part in parts:
            if part.get("ContentType") in FORMATS and not part.get("Filename"):
                text = self._content(ctx, str(part["id"])).decode("utf-8", "replace")
                return text.replace("\r\n", "\n"), FORMATS[part["ContentType"]]
        return None

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


def _item(row: Row, id: str, *, id_: str, **more: Any) -> Item:
    return Item(
        id=id_,
        record_id=id,
        author=row["Creator"]["id"],
        created=Times().read(row["Created"]),
        channel=CHANNELS[row["Type"]],
        **more,
    )


def _file(row: Row, id: str, part: Row, bare: bool) -> Item:
    """A file; where it is all of its transaction it has that one's id, which is what sending it told us."""
    txn, own = str(row["id"]), str(part["id"])
    size = int(part["ContentLength"]) if str(part.get("ContentLength", "")).isdigit() else None
    return _item(
        row,
        id,
        id_=txn if bare else f"{txn}/{own}",
        name=part["Filename"],
        mime=part.get("ContentType") or "",
        size=size,
        url=own,
    )
