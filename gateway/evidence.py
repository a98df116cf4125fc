"""A connector's record as evidence for a decision: people put in as far as they are known, items with hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.base import Item, Record
from gateway.clock import to_us
from gateway.decide.facts import ItemSeen, Observed
from gateway.tickets.normal import digest, file_digest
from mappings.text import TextError, convert, pictures

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
            *_inline(record, people),
            *(_item("worklog", item, people) for item in record.worklogs),
        )
    return Observed(
        source, connection, record.id, record.version, fields, record.state, record.into, record.number or "",
        record.page or "", _us(record.created), record.author, seen, record.complete, read_began, arrival,
    )  # fmt: skip


def _item(kind: str, item: Item, people: People) -> ItemSeen:
    known = people.get(item.author or "")
    text = item.text if item.format in ("", "plain") else _plain(item)
    hashed = file_digest(item.name, item.size or 0) if kind == "file" else digest(text)
    raw = item.text if text != item.text else ""
    return ItemSeen(
        kind, item.id, item.author, known[0].get("name", "") if known else "", item.channel, text, "plain", raw, hashed,
        _us(item.created), item.name, item.mime, item.size, item.url, item.minutes,
    )  # fmt: skip


def _plain(item: Item) -> str:
    """A text without its markup; one that is too long for that stays as it is."""
    try:
        return str(convert(item.text, item.format, "plain"))
    except TextError:
        return item.text


def _inline(record: Record, people: People) -> Iterator[ItemSeen]:
    """The pictures inside the texts of a record, as files of its own: who may read the text may see them."""
    texts: list[tuple[str, str, Item | None]]
    texts = [(name, value, None) for name, value in record.fields.items() if isinstance(value, str)]
    texts += [(item.id, item.text, item) for item in record.comments if item.format not in ("", "plain")]
    for owner, text, item in texts:
        for one in pictures(text):
            size = len(one.data)
            known = people.get(item.author or "") if item is not None else None
            yield ItemSeen(
                "file", f"{owner}:{one.name}", item.author if item is not None else None,
                known[0].get("name", "") if known else "", item.channel if item is not None else "", "", "plain", "",
                file_digest(one.name, size), _us(item.created) if item is not None else None, one.name, one.mime, size,
                one.url,
            )  # fmt: skip


def _us(moment: datetime | None) -> int | None:
    return to_us(moment) if moment is not None else None
