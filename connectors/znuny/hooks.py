"""What a manifest cannot say of Znuny: a search gives ids alone, one ticket that may not be read fails a whole list, a
file's number counts within its article, and its content comes in base64 with the ticket.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from connectors.base import Context, Item, Page
from connectors.calls import Reply
from connectors.errors import Gone, Refused, Retry
from connectors.pages import Position
from connectors.rest import Rest

SIZE = 200
WRAPPED = 36 * 1024 * 1024
"""Bytes that a file of 25 MB has in base64 inside JSON."""

LOGIN = {"UserLogin": "{settings.login}", "Password": "{secret.password}"}
SEARCH = {
    "send": "POST /TicketSearch",
    "body": {
        **LOGIN,
        "TicketLastChangeTimeNewerDate": "{since}",
        "SortBy": "Changed",
        "OrderBy": "Up",
        "Limit": "{size}",
    },
}
GET = {"send": "POST /TicketGet", "body": {**LOGIN, "TicketID": "{ids}"}}
FILES = {
    "send": "POST /TicketGet",
    "body": {**LOGIN, "TicketID": "{id}", "AllArticles": 1, "Attachments": 1, "GetAttachmentContents": 1},
}


class Hooks:
    """The steps ``changed``, ``unwrap`` and ``file`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        """A page of what changed, as the manifest's feed says, its rows looked up by their ids."""
        return self._rest.feed(feed, partial(self._page, ctx)).read(ctx, cursor)

    def unwrap(self, doc: Any) -> Any:
        """Tickets whose files have a ``key`` that no other has."""
        for ticket in doc.get("Ticket") or () if isinstance(doc, dict) else ():
            for article in ticket.get("Article") or ():
                for file in article.get("Attachment") or ():
                    file["key"] = f"{article['ArticleID']}-{file['FileID']}"
        return doc

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        """The content of a file, whole."""
        doc = self._rest.ask(ctx, FILES, {"id": item.record_id}, WRAPPED).doc
        articles = [article for ticket in doc.get("Ticket", ()) for article in ticket.get("Article") or ()]
        for file in (file for article in articles for file in article.get("Attachment") or ()):
            if file["key"] == item.id:
                yield _content(file, item.id)
                return
        raise Gone(f"there is no file {item.id} any more")

    def _page(self, ctx: Context, names: Mapping[str, Any], at: Position) -> Reply:
        """One page. The search knows no offset: a further page is asked for by a longer list, whose end it is."""
        page = int(at.token or 1)
        found = self._rest.ask(ctx, SEARCH, {**names, "size": page * SIZE}).doc or {}
        ids = [str(id) for id in found.get("TicketID") or ()]
        more = str(page + 1) if len(ids) == page * SIZE else None
        return Reply({"Ticket": self._tickets(ctx, ids[(page - 1) * SIZE :]), "more": more})

    def _tickets(self, ctx: Context, ids: list[str]) -> list[Any]:
        """The tickets of a list, one by one where one of them fails the list."""
        if not ids:
            return []
        try:
            return list(self._rest.ask(ctx, GET, {"ids": ids}).doc.get("Ticket", ()))
        except Refused as no:
            if len(ids) == 1:
                ctx.log.warning("ticket %s changed and cannot be read: %s", ids[0], no.said)
                return []
        half = len(ids) // 2
        return self._tickets(ctx, ids[:half]) + self._tickets(ctx, ids[half:])


def _content(file: Mapping[str, Any], id: str) -> bytes:
    try:
        return base64.b64decode(file.get("Content") or "")
    except ValueError as error:
        raise Retry(f"file {id} cannot be read: {error}") from error
