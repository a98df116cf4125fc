"""What a manifest cannot say of Autotask: a file comes as base64 inside JSON."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from connectors.base import Context, Item
from connectors.errors import Gone, Retry
from connectors.rest import Rest

WRAPPED = 12 * 1024 * 1024
"""Bytes that the largest file takes in base64, inside JSON."""


class Hooks:
    """The step ``file`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        """The content, whole. Only the ticket's own list of one file gives it."""
        spec = {"send": "GET /Tickets/{id}/Attachments/{file}"}
        doc = self._rest.ask(ctx, spec, {"id": item.record_id, "file": item.id}, WRAPPED).doc
        rows = (doc or {}).get("items") or []
        if not rows:
            raise Gone("the attachment is not there any more")
        try:
            yield base64.b64decode(rows[0].get("data") or "", validate=True)
        except ValueError as error:
            raise Retry(f"attachment {item.id} cannot be read: {error}") from error
