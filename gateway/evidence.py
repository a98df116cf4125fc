"""A connector's record as evidence for a decision: people put in as far as they are known, items with hashes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.base import Item, Record
from gateway.clock import to_us
from gateway.decide.facts import ItemSeen, Observed
from gateway.tickets.normal import digest, file_digest
from mappings.text import convert

People = Mapping[str, tuple[dict[str, str], int]]


def observed(
    connection: int, record: Record, source: str, people: People, person_fields: tuple[str, ...], *,
    items: bool, read_began: int | None = None, arrival: int | None = None,
) -> Observed:  # fmt: skip
    """What a decision sees of a record. ``items``: whether its lists of items were asked for."""
    fields: dict[str, Any] = dict(record.fields)
    for name in person_fields:
        known = people.get(fields[name]) if isinstance(fields.get(name), str) else None
        if known is not None:
            fields[name] = known[0]
    seen: tuple[ItemSeen, ...] | None = None
    if items:
        seen = (
            *(_item("comment", item, people) for item in record.comments),
            *(_item("file", item, people) for item in record.files),
            *(_item("worklog", item, people) for item in record.worklogs),
        )
    return Observed(
        source, connection, record.id, record.version, fields, record.state, record.into, record.number or "",
        record.page or "", _us(record.created), record.author, seen, record.complete, read_began, arrival,
    )  # fmt: skip


def _item(kind: str, item: Item, people: People) -> ItemSeen:
    known = people.get(item.author or "")
    text = item.text if item.format in ("", "plain") else str(convert(item.text, item.format, "plain"))
    hashed = file_digest(item.name, item.size or 0) if kind == "file" else digest(text)
    raw = item.text if text != item.text else ""
    return ItemSeen(
        kind, item.id, item.author, known[0].get("name", "") if known else "", item.channel, text, "plain", raw, hashed,
        _us(item.created), item.name, item.mime, item.size, item.url, item.minutes,
    )  # fmt: skip


def _us(moment: datetime | None) -> int | None:
    return to_us(moment) if moment is not None else None
