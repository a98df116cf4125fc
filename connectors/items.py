"""Comments and files of a record, read as the manifest's ``items`` say; what cannot be placed reaches fewest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import adf, pages, paths
from connectors.base import Item
from connectors.calls import Reply
from connectors.errors import Gone, Refused, Unsupported
from connectors.pages import Position
from connectors.paths import ABSENT, plain, source
from connectors.values import Times

AskPage = Callable[[Mapping[str, Any], Position], Reply]
"""Makes one call of an item list: (spec, position) to the reply."""


LATEST = datetime.max.replace(tzinfo=UTC)

AT_ONCE = timedelta(seconds=5)
"""A description that a desk keeps as its first comment is written with the record, not later than that."""


class Items:
    """``reaches`` tells per channel whom it reaches, ``default`` is the format of texts."""

    def __init__(
        self, specs: Mapping[str, Any], reaches: Mapping[str, frozenset[str]], times: Times, default: str
    ) -> None:
        self.specs = {kind: told if isinstance(told, list) else [told] for kind, told in specs.items()}
        self._times = times
        self._default = default
        self._narrowest = min(reaches, key=lambda name: len(reaches[name]), default="")

    def read(
        self, kind: str, record_id: str, fetched: Reply, ask: AskPage, since: datetime | None = None
    ) -> tuple[tuple[Item, ...], bool]:
        """(items, whether all of them could be read). What the desk will not show is missing, not an error. ``since``:
        when the record was made; a first comment of later than that is not its description."""
        found: list[Item] = []
        for spec in self.specs[kind]:
            try:
                found += self._list(spec, record_id, self._rows(spec, fetched, ask), since)
            except (Refused, Gone, Unsupported, OverflowError):
                return (), False
        return tuple(found), True

    def _list(self, spec: Mapping[str, Any], record_id: str, found: list[Any], since: datetime | None) -> list[Item]:
        """One list's items, without those that are not wanted."""
        items = [self._item(spec, record_id, parent, row) for parent, row in found if _wanted(spec, parent, row)]
        if spec.get("first_is_description") and items:
            oldest = min(items, key=lambda each: each.created or LATEST)
            if not (since and oldest.created and oldest.created - since > AT_ONCE):
                items.remove(oldest)
        return items

    def _rows(self, spec: Mapping[str, Any], fetched: Reply, ask: AskPage) -> list[tuple[Any, Any]]:
        if spec.get("call") == "fetch":
            return pages.rows(fetched, spec["at"])
        page = spec.get("page", {})
        return [row for _, rows in pages.every(page, lambda at: ask(spec, at), spec["at"]) for row in rows]

    def _item(self, spec: Mapping[str, Any], record_id: str, parent: Any, row: Any) -> Item:
        reply = paths.Reply(row, parent=parent)
        told = {key: _told(source(where, reply)) for key, where in spec.items() if key in _TEXTS}
        url = told.get("url")
        if url is None and parent is not ABSENT:
            url = f"parent:{plain(paths.parse('id').read(parent)) or ''}"
        return Item(
            id=told["id"] or "",
            record_id=record_id,
            author=told.get("author"),
            created=_moment(self._times, told.get("created")),
            channel=_one(spec["channel"], reply, self._narrowest),
            text=(told.get("text") or "").replace("\r\n", "\n"),
            format=_one(spec.get("format", self._default), reply, self._default),
            name=told.get("name") or "",
            mime=told.get("mime") or "",
            size=int(told["size"]) if (told.get("size") or "").isdigit() else None,  # type: ignore[arg-type]
            url=url,
        )


def _told(found: Any) -> str | None:
    """What an item says of itself, as text; a tree of words stays one."""
    return adf.text(found) if isinstance(found, Mapping) else plain(found)


_TEXTS = frozenset({"id", "author", "created", "text", "name", "mime", "size", "url"})


def worklog(spec: Mapping[str, Any], times: Times, record_id: str, row: Any) -> Item:
    """A time entry of a feed, in whole minutes; of a text that is a tree, its words."""
    reply = paths.Reply(row)
    told = {key: _plain_words(source(where, reply)) for key, where in spec.items()}
    return Item(
        id=told["id"] or "",
        record_id=record_id,
        author=told.get("author"),
        created=_moment(times, told.get("created")),
        channel="",
        text=(told.get("text") or "").replace("\r\n", "\n"),
        minutes=_minutes(told),
    )


def _plain_words(found: Any) -> str | None:
    return adf.words(found) if isinstance(found, Mapping) else plain(found)


def _minutes(told: Mapping[str, str | None]) -> int | None:
    """Whole minutes; hours may come as a clock writes them (``01:30``)."""
    for key, factor in (("minutes", 1.0), ("hours", 60.0), ("seconds", 1 / 60)):
        if told.get(key):
            whole, colon, rest = str(told[key]).partition(":")
            return round(float(whole) * factor) + (int(rest) if colon else 0)
    return None


def _wanted(spec: Mapping[str, Any], parent: Any, row: Any) -> bool:
    reply = paths.Reply(row, parent=parent)
    skipped = "skip" in spec and paths.matches(spec["skip"], reply)
    return not skipped and paths.matches(spec.get("only", {}), reply)


def wanted(spec: Mapping[str, Any], row: Any) -> bool:
    """Whether ``skip`` and ``only`` let a row in."""
    return _wanted(spec, ABSENT, row)


def _one(spec: Any, reply: paths.Reply, otherwise: str) -> str:
    """A fixed word, or the word for the value at a path; ``otherwise`` where it is missing or unknown."""
    if isinstance(spec, str):
        return spec
    shown = plain(source(spec["at"], reply))
    return str(spec["values"].get(shown, otherwise))


def _moment(times: Times, text: str | None) -> Any:
    try:
        return times.read(text)
    except ValueError:
        return None
