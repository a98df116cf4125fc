"""A draft mapping tried on the traffic of the last days: the same plans, not carried out (DESIGN.md section 2).

Stored facts go through the very same gathering and planning as on the road; nothing is written and no desk is asked.
What a preview says of an item is what happens once the draft is published and the same comes in again (I9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.preview import stored
from gateway.preview.draft import Draft, named, read
from gateway.preview.drifting import drift
from gateway.preview.replay import Replay
from gateway.preview.report import Tally
from gateway.preview.stored import Foreign
from gateway.preview.worlds import DRAFT
from gateway.runtime import Runtime
from gateway.store.db import Road

__all__ = ["DAYS", "LIMIT", "Draft", "Span", "named", "preview", "read"]

DAYS, MOST_DAYS = 7, 30
LIMIT, MOST_ITEMS = 5_000, 50_000
BATCHES = 20_000
"""Batches looked through at most, whatever they hold."""

DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Span:
    """How much is looked at: the last ``days``, newest first, at most ``limit`` items; of one ``ticket`` (inner id)."""

    days: int = DAYS
    limit: int = LIMIT
    ticket: int | None = None


def preview(rt: Runtime, draft: Draft, span: Span) -> dict[str, Any]:
    """The report: what the draft would do with what has come to its connection, beside the mapping in force there."""
    desks, row = rt.desks, rt.desks.row(draft.connection)
    published = desks.of(row.id, row.mapping_id)
    leg = desks.under(row.id, DRAFT, draft.mapping, draft.label)
    replay, tally = Replay(desks, published, leg), Tally(draft, span.ticket is not None)
    cut = _replayed(rt, replay, tally, span)
    apart, more = drift(rt.store, published, leg, span.limit)
    numbers = _numbers(rt, tally.mentioned())
    rest = tally.document(rt.ids, numbers)
    return {
        "draft": draft.label,
        "hash": f"sha256:{draft.mapping.hash}",
        "against": published.version,
        "connection": row.name,
        "provider": row.provider,
        "catalogue": f"sha256:{draft.catalogue}",
        "errors": sum(one.severity == "E" for one in draft.complaints),
        "outbound_calls": 0,
        "facts": {
            "days": span.days,
            "items": tally.items,
            "replayed": tally.items - tally.reasons.total(),
            "exact": tally.exact,
            "unequal": tally.unequal,
            "moved": tally.moved,
            "not_replayable": tally.reasons.total(),
            "cut": cut,
        },
        "reasons": dict(tally.reasons.most_common()),
        **{name: rest.pop(name) for name in ("plans", "counts")},
        "drift": apart,
        "drift_cut": more,
        **rest,
    }


def _replayed(rt: Runtime, replay: Replay, tally: Tally, span: Span) -> bool:
    """Plan what is stored again; whether there was more than may be looked at."""
    since = rt.now() - span.days * DAY
    looked = 0
    for batch in stored.batches(rt.store, rt.desks, since, replay.connection, span.ticket):
        looked += 1
        if looked > BATCHES:
            return True
        if isinstance(batch, Foreign):
            tally.foreign(batch.items)
            continue
        for item in replay.items(batch) if batch is not None else ():
            if span.ticket is not None and item.ticket != span.ticket:
                continue
            if tally.items >= span.limit:
                return True
            tally.add(item, rt.ids)
    return False


def _numbers(rt: Runtime, tickets: set[int]) -> dict[Any, Any]:
    """What people call these tickets."""
    with rt.store.read() as conn:
        rows = Road(conn, rt.store.dialect).rows("select id, number from ticket where id INTS(?)", sorted(tickets))
    return dict(rows)
