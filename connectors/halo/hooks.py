"""What a manifest cannot say of Halo: a list that begins with the newest, and files in base64 inside JSON.

No filter for "changed since" is documented, so the list is read from its newest row down to where the last poll began.
A row that is edited meanwhile goes to the top and moves others down: they are seen twice, and it is seen next time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from connectors.base import Change, Context, Item, Page
from connectors.errors import Retry
from connectors.rest import Rest
from connectors.values import Times, normal

SIZE = 100
OVERLAP = timedelta(minutes=5)
REMEMBERED = 500
WRAPPED = 36 * 1024 * 1024
BEGAN = datetime(1970, 1, 1, tzinfo=UTC) + OVERLAP


class Hooks:
    """The steps ``changed`` and ``file`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        """The next page down. ``head``: the newest row of the last poll; ``newest``: of this one."""
        state = _state(cursor)
        head, page = _moment(state.get("head")) or BEGAN, int(state.get("page", 1))
        spec = self._rest.manifest["changed"][feed]
        doc = self._rest.ask(ctx, spec, {"page": page, "size": SIZE}).doc
        rows = [(str(row["id"]), _moment(row.get("lastactiondate")) or BEGAN) for row in _rows(doc)]
        stamps = [stamp for _, stamp in rows]
        seen: dict[str, str] = state.get("seen", {})
        wanted = [(id, normal(at)) for id, at in rows if at >= head - OVERLAP and seen.get(id) != normal(at)]
        seen = {**seen, **dict(wanted)}
        newest = max([*stamps, _moment(state.get("newest")) or head, head])
        changes = tuple(Change(id, None, None, at, None) for id, at in wanted)
        ids = [id for id, _ in rows]  # the same page again is the last one, where a desk clamps
        in_order = all(one >= other for one, other in pairwise(stamps))
        if len(rows) < SIZE or ids == state.get("before") or (in_order and stamps[-1] < head - OVERLAP):
            return Page(changes, json.dumps({"head": normal(newest), "seen": _kept(seen, newest)}), True)
        onward = {"head": normal(head), "newest": normal(newest), "page": page + 1, "seen": seen, "before": ids}
        return Page(changes, json.dumps(onward), False)

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        """The content, whole."""
        doc = self._rest.ask(ctx, {"send": "GET /Attachment/{file}"}, {"file": item.id}, WRAPPED).doc
        try:
            yield base64.b64decode(doc["data_base64"] or "", validate=True)
        except (ValueError, KeyError, TypeError) as error:
            raise Retry(f"attachment {item.id} cannot be read: {error}") from error


def _state(cursor: str | None) -> Mapping[str, Any]:
    """What a cursor says; one that is not ours begins anew."""
    try:
        state = json.loads(cursor) if cursor else {}
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}


def _rows(doc: Any) -> list[Mapping[str, Any]]:
    rows = doc.get("tickets") if isinstance(doc, Mapping) else None
    return [row for row in rows or [] if isinstance(row, Mapping) and row.get("id") is not None]


def _moment(text: Any) -> datetime | None:
    try:
        return Times().read(text)
    except ValueError:
        return None


def _kept(seen: Mapping[str, str], newest: datetime) -> dict[str, str]:
    """What the next poll's overlap may show again."""
    floor = normal(newest - OVERLAP - timedelta(seconds=1))
    rows = sorted((item for item in seen.items() if item[1] >= floor), key=lambda item: item[1])
    return dict(rows[-REMEMBERED:])
