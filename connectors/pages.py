"""Turning pages: where the next one is, for all six kinds, and when there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from requests.utils import parse_header_links

from connectors import paths
from connectors.calls import Reply
from connectors.paths import matches, plain, source

MOST_PAGES = 500
"""A list longer than that is not read to its end: it is reported as incomplete."""


@dataclass(frozen=True)
class Position:
    """Where to ask. ``url`` is set once a reply linked to its next page."""

    offset: int = 0
    page: int = 1
    token: str | None = None
    url: str | None = None

    def names(self, size: int) -> dict[str, Any]:
        last = self.offset + size - 1
        return {"offset": self.offset, "last": last, "page": self.page, "token": self.token, "size": size}

    def state(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value not in (None,)}


def size(page: Mapping[str, Any]) -> int:
    return int(page.get("size", 100))


def following(page: Mapping[str, Any], at: Position, rows: int, reply: Reply) -> Position | None:
    """The position after a page of ``rows`` rows, or None at the end.

    A link, a next URL and a token end by their absence alone (access rules may empty a page before others); an offset
    or a page number ends with a short page.
    """
    kind = page.get("kind", "none")
    if "end" in page and matches(page["end"], reply):
        return None
    if kind in ("offset", "page"):
        if rows < size(page):
            return None
        return Position(offset=at.offset + rows, page=at.page + 1)
    following = _next(kind, page, reply)
    if following is None or following in (at.token, at.url):
        return None
    return Position(token=following) if kind == "token" else Position(url=following)


def _next(kind: str, page: Mapping[str, Any], reply: Reply) -> str | None:
    if kind == "link":
        header = (reply.headers or {}).get("Link") or ""
        return next((each["url"] for each in parse_header_links(header) if each.get("rel") == "next"), None)
    if kind in ("next_url", "token"):
        return plain(source(page["at"], reply)) or None
    return None


def rows(reply: Reply, where: str) -> list[tuple[Any, Any]]:
    """(element around, row) of every row at ``where``; nothing where the list is absent."""
    path = paths.parse(where)
    if path.many:
        return list(path.walk(reply.doc))
    found = path.read(reply.doc)
    return [(paths.ABSENT, row) for row in found] if isinstance(found, list) else []


def every(
    page: Mapping[str, Any], ask: Callable[[Position], Reply], where: str
) -> Iterator[tuple[Reply, list[tuple[Any, Any]]]]:
    """(reply, rows) of every page. Stops at the end, and at a page that brings nothing new (some desks clamp)."""
    at: Position | None = Position()
    before: list[Any] = []
    for _ in range(MOST_PAGES):
        if at is None:
            return
        reply = ask(at)
        found = rows(reply, where)
        if found and found == before:
            return
        yield reply, found
        before, at = found, following(page, at, len(found), reply)
    raise OverflowError("too many pages")
