"""What changed since a cursor: the four kinds of feed, and the rules that keep a row from being lost between pages.

A cursor is our own JSON text, to be saved with the page it came with. *Re-anchor*: after a full page a ``time`` feed
asks again from that page's last stamp; the paginator moves only inside one stamp, since offsets shift when rows are
edited. *Filter guard*: a row older than asked for is dropped, and said unless it is of the second before, which a desk
(Redmine) may add. *Overlap*: rows and ids that commit late are read again and dropped when unchanged; a row is dropped
only once its stamp is surely past, because two changes within one tick of the desk's clock look alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from connectors import paths
from connectors.base import Change, Context, Page
from connectors.calls import Reply
from connectors.items import wanted
from connectors.pages import Position, following, rows, size
from connectors.paths import plain, source
from connectors.schema import seconds
from connectors.values import EPOCH, Times, normal

TICK = timedelta(seconds=1)
SETTLED_AFTER = 2.0
"""Seconds of our own clock after which a row seen again unchanged had its last chance to change within its tick."""

REMEMBERED = 500
"""Rows of the overlap kept in a cursor; what is beyond is read as a change once more, which is harmless."""

AskRows = Callable[[Mapping[str, Any], Position], Reply]
"""One page: (names of the cursor, position) to the reply."""

ToChange = Callable[[Any, str], Change | None]
"""A row and its stamp to a change, or None where it names no record."""


@dataclass
class Feed:
    """One feed of a manifest, with what it needs of the connector."""

    spec: Mapping[str, Any]
    times: Times
    ask: AskRows
    change: ToChange
    page: Mapping[str, Any] = field(init=False)
    cursor: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.spec.get("page", {})
        self.cursor = self.spec["cursor"]

    def read(self, ctx: Context, cursor: str | None) -> Page:
        """The next page. Raises an ``Outcome``; the cursor given stays good then."""
        state = _state(cursor, self.cursor["kind"])
        kind = self.cursor["kind"]
        if kind == "time":
            return self._time(ctx, state)
        if kind == "id":
            return self._id(ctx, state)
        return self._opaque(state) if kind == "opaque" else self._scan(ctx, state)

    def rows(self, reply: Reply) -> list[Any]:
        """All rows of a page, those to be skipped too."""
        return [row for _, row in rows(reply, self.spec["items"])]

    def _changes(self, rows: list[tuple[Any, str]]) -> tuple[Change, ...]:
        """The rows that are wanted, as changes; of several hints about one record by one author the last."""
        found = [change for row, stamp in rows if wanted(self.spec, row) and (change := self.change(row, stamp))]
        if self.spec["gives"] != "hints":
            return tuple(found)
        return tuple({(each.record_id, each.author): each for each in found}.values())

    def _stamp(self, row: Any) -> datetime | None:
        """When a row says it changed; a desk may be asked in another form than the one it shows (Jira)."""
        told = source(self.cursor["at"], paths.Reply(row))
        for form in dict.fromkeys((self.cursor.get("format"), None)):
            try:
                return self.times.read(told, form)
            except ValueError:
                continue
        return None

    def _time(self, ctx: Context, state: dict[str, Any]) -> Page:
        head = _moment(state.get("head"))
        overlap = timedelta(seconds=seconds(self.cursor.get("overlap", "5m")))
        start = head - overlap if head and head - EPOCH > overlap else EPOCH
        since = _moment(state.get("since")) or start
        at = Position(**state.get("at", {}))
        reply = self.ask({"since": self._wire(since)}, at)
        found = [(row, self._stamp(row)) for row in self.rows(reply)]
        stamps = [stamp for _, stamp in found if stamp]
        memory = Memory(state.get("seen", {}), ctx.now, max(stamps, default=None))
        floor = since.replace(microsecond=0)
        fresh = [(row, stamp) for row, stamp in found if stamp is None or stamp >= floor]
        if older := sum(stamp is not None and stamp < floor - TICK for _, stamp in found):
            ctx.log.warning("filter ignored: %d rows are older than asked for", older)
        new = [(row, normal(stamp) if stamp else "") for row, stamp in fresh if memory.new(row, stamp)]
        newest = max([stamp for stamp in (head, _moment(state.get("newest")), *stamps) if stamp], default=None)
        onward = self._onward(since, at, stamps, len(found), reply)
        if onward is None:
            kept = memory.kept(newest - overlap if newest else None)
            return Page(self._changes(new), _text("time", head=_iso(newest), seen=kept), True)
        since, at = onward
        state = {"head": _iso(head), "newest": _iso(newest), "since": _iso(since), "at": at.state()}
        return Page(self._changes(new), _text("time", **state, seen=memory.kept(start)), False)

    def _onward(
        self, since: datetime, at: Position, stamps: list[datetime], count: int, reply: Reply
    ) -> tuple[datetime, Position] | None:
        """From where to go on: anchored anew, or within one stamp; None at the end."""
        after = following(self.page, at, count, reply)
        if after is None:
            return None
        ascending = all(one <= other for one, other in pairwise(stamps))
        # where the desk keeps the place it may have no order by time; one that has none has to say so
        if self.page["kind"] == "next_url" or self.cursor.get("sorted") is False:
            return since, after
        if stamps and ascending and stamps[-1] > since and self._wire(stamps[-1]) != self._wire(since):
            return stamps[-1], Position()
        return since, after

    def _wire(self, moment: datetime) -> str | int:
        return self.times.write(moment, self.cursor.get("format"))

    def _id(self, ctx: Context, state: dict[str, Any]) -> Page:
        head, overlap = int(state.get("head", 0)), int(self.cursor.get("overlap", 0))
        after = int(state.get("after", max(head - overlap, 0)))
        reply = self.ask({"after": after}, Position())
        found = [(row, plain(source(self.cursor["at"], paths.Reply(row)))) for row in self.rows(reply)]
        numbered = [(row, int(text)) for row, text in found if text and text.isdigit()]
        fresh = [(row, number) for row, number in numbered if number > after]
        if len(fresh) < len(numbered):
            ctx.log.warning("filter ignored: %d rows are below the id asked for", len(numbered) - len(fresh))
        seen = set(state.get("seen", ()))
        new = [(row, str(number)) for row, number in fresh if number not in seen]
        top = max((number for _, number in fresh), default=after)
        reached = max(head, top)
        seen |= {number for _, number in fresh}
        kept = sorted(number for number in seen if number > reached - overlap)
        most = int(state.get("most", 0))
        # Short of what this desk gives at once (it may clamp our size), or short of our size and past the old head.
        short = (len(found) < most and top >= head) or (len(found) < size(self.page) and top > head)
        memory = {"head": reached, "seen": kept, "most": max(most, len(found))}
        if fresh and not short:
            return Page(self._changes(new), _text("id", after=top, **memory), False)
        # The overlap reaches below the head, so a desk that was not restored shows its head again.
        regressed = bool(head and overlap and top < head)
        return Page(self._changes(new), _text("id", **memory), True, regressed)

    def _opaque(self, state: dict[str, Any]) -> Page:
        token = state.get("token")
        at = Position(url=token) if self.page.get("kind") == "next_url" else Position(token=token)
        reply = self.ask({} if token else {"since": self._wire(EPOCH)}, at)
        found = self.rows(reply)
        after = plain(source(self.page["at"], reply)) or token
        done = after == token or following(self.page, at, len(found), reply) is None
        return Page(self._changes([(row, "") for row in found]), _text("opaque", token=after), done)

    def _scan(self, ctx: Context, state: dict[str, Any]) -> Page:
        before, now = state.get("rows", {}), state.get("now", {})
        start = _moment(state.get("since")) or ctx.now - timedelta(seconds=seconds(self.cursor["window"]))
        at = Position(**state.get("at", {}))
        names = {"since": self._wire(start), "day": start.date().isoformat()}
        reply = self.ask(names, at)
        found = self.rows(reply)
        keyed = [(row, self._row_id(row)) for row in found]
        new = [(row, "") for row, id in keyed if before.get(id) != _hash(row) and now.get(id) != _hash(row)]
        repeated = bool(keyed) and all(id in now for _, id in keyed)
        now = {**now, **{id: _hash(row) for row, id in keyed}}
        after = None if repeated else following(self.page, at, len(found), reply)
        if after is None:
            return Page(self._changes(new), _text("scan", rows=now), True)
        state = {"rows": before, "now": now, "since": _iso(start), "at": after.state()}
        return Page(self._changes(new), _text("scan", **state), False)

    def _row_id(self, row: Any) -> str:
        where = self.spec.get("item", {}).get("id") or self.spec.get("record_id", "id")
        return plain(source(where, paths.Reply(row))) or _hash(row)


class Memory:
    """The rows of the overlap that were seen: hash to [stamp, when first seen, settled], times in unix seconds."""

    def __init__(self, seen: Mapping[str, list[Any]], now: datetime, newest: datetime | None) -> None:
        self._seen = dict(seen)
        self._now = now.timestamp()
        self._newest = newest

    def new(self, row: Any, stamp: datetime | None) -> bool:
        """Whether this row is to be given out; remembers it."""
        if stamp is None:
            return True
        key = _hash(row)
        settled = self._newest is not None and self._newest - stamp > TICK
        known = self._seen.get(key)
        if known is None:
            self._seen[key] = [stamp.timestamp(), self._now, settled]
            return True
        again = not known[2] and self._now - known[1] >= SETTLED_AFTER
        known[2] = known[2] or settled or again
        return bool(again)

    def kept(self, since: datetime | None) -> dict[str, list[Any]]:
        """The newest of what lies in the overlap that begins at ``since``."""
        floor = since.timestamp() if since else 0.0
        rows = sorted((item for item in self._seen.items() if item[1][0] >= floor - 1), key=lambda item: item[1][0])
        return dict(rows[-REMEMBERED:])


def _hash(row: Any) -> str:
    return hashlib.blake2b(json.dumps(row, sort_keys=True).encode(), digest_size=8).hexdigest()


def _state(cursor: str | None, kind: str) -> dict[str, Any]:
    """What a cursor says; one that is not ours, or of another kind, begins anew."""
    try:
        state = json.loads(cursor) if cursor else {}
    except ValueError:
        return {}
    return state if isinstance(state, dict) and state.get("kind") == kind else {}


def _text(kind: str, **state: Any) -> str:
    present = {key: value for key, value in state.items() if value not in (None, {}, [])}
    return json.dumps({"kind": kind, **present}, separators=(",", ":"))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
