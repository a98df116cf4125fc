"""From due lanes to steps: permits, breakers, heads, what each step carries, and its attempt row, in one transaction.

It touches no ticket row and waits for nothing; it commits the attempts before a byte leaves (ENGINE.md 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gateway import gather, plain
from gateway.clock import monotonic
from gateway.outbox import breaker, lanes
from gateway.outbox.attempt import WRITES, more, parts_of, sent_digest
from gateway.outbox.steps import ITEMS, Step, choose
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.ids import mint


def claim(rt: Runtime, room: int, in_air: Counter[int], held: set[int]) -> list[Step]:
    """Take due lanes and choose their steps. ``in_air``: this drain's lanes in flight; ``held``: connections it holds
    permits of."""
    with rt.store.road() as road:
        rt.tell_time(road)
        due = lanes.due(road, rt.now())
        if not due:
            return []
        rt.desks.refresh(road)
    calm = monotonic()
    due = [c for c in due if rt.desks.row(c).state == "active" and rt.desks.desk(c).connector.slow_until() <= calm]
    if not due:
        return []
    steps: list[Step] = []
    with rt.store.road(write=True) as road:
        now = rt.now()
        breakers = breaker.read(road, due)
        for connection in due:
            cap = breakers[connection].room(now, rt.desks.desk(connection).connector.limits.in_flight)
            free = min(lanes.permits(road, connection, rt.drain, cap, in_air[connection], now), room - len(steps))
            if free <= 0:
                continue
            taken = lanes.claim(road, connection, free, now)
            if taken:
                chosen = _choose(rt, road, taken, now)
                steps += chosen
                lanes.hold(road, connection, rt.drain, in_air[connection] + len(chosen), now)
                held.add(connection)
    return steps


def _choose(rt: Runtime, road: Road, taken: Mapping[int, tuple[int, int]], now: int) -> list[Step]:
    """The steps of claimed lanes; a lane with nothing to do goes idle again."""
    links = sorted(taken)
    lanes.doubt_open(road, links, now)
    tickets, loose = gather.owners(road, links)
    rows = gather.read(road, tickets, loose, True)
    state = gather.state(rows)
    waiting = lanes.heads(road, links)
    steps, idle = [], []
    for link_id in links:
        fence, tries = taken[link_id]
        link = state.links[link_id]
        ticket = state.tickets.get(link.ticket_id) if link.ticket_id is not None else None
        leg = rt.desks.of(link.connection_id, link.mapping_id)
        step = choose(ticket, link, leg, fence, waiting.get(link_id, []))
        if step is None:
            idle.append((None, 0, link_id, fence))
        else:
            step.lane_tries = tries
            steps.append(step)
    lanes.settle(road, idle)
    _items(road, steps)
    _attempts(rt, road, steps, now)
    return steps


def _attempts(rt: Runtime, road: Road, steps: list[Step], now: int) -> None:
    """Write down every write before it is sent; a comment that is too long for its desk is a write for each part."""
    rows = []
    for step in steps:
        if step.kind in WRITES:
            step.attempt = mint()
            vals: dict[str, Any] = dict(step.sent)
            if step.kind in ("comment", "attachment", "worklog"):
                head = step.deliveries[0]
                channel = _channel(step)
                connector = rt.desks.desk(step.link.connection_id).connector
                if step.kind == "comment" and connector.text_max is not None:
                    step.item["parts"] = parts_of(step.item, connector.text_format, connector.text_max)
                hashed = sent_digest(step, connector.text_format)
                left = ["more"] if more(step) else []
                vals["#"] = [hashed, ITEMS[step.kind], head.item_id, head.part, channel, *left]
            ids = plain.text([d.id for d in step.deliveries])
            rows.append(
                (
                    step.attempt,
                    step.link.id,
                    step.kind,
                    ids,
                    step.fence,
                    plain.text(vals),
                    now,
                    f"{step.leg.version} {step.leg.mapping.hash}",
                )
            )
    columns = ("id", "link_id", "kind", "delivery_ids", "fence", "vals", "started_at", "mapping")
    road.insert(tables.attempt, columns, rows)


def _channel(step: Step) -> str:
    parties = frozenset(step.item.get("audience", ()))
    return step.leg.mapping.channel_out(frozenset({"provider"} | ({"requester"} & parties))) or ""


def _items(road: Road, steps: list[Step]) -> None:
    """Put in the comment, file or worklog each step is about, with its audience as it is now."""
    by_kind: dict[str, dict[int, list[Step]]] = {}
    for step in steps:
        if step.kind in ITEMS:
            item_id = step.deliveries[0].item_id
            assert item_id is not None
            by_kind.setdefault(ITEMS[step.kind], {}).setdefault(item_id, []).append(step)
    for kind, wanted in by_kind.items():
        for id, item in _READ[kind](road, sorted(wanted)).items():
            for step in wanted[id]:
                step.item = dict(item)


def _comments(road: Road, ids: list[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for id, name, body, form, edited in road.rows(
        "select id, author_name, body, format, edited_at from comment where id INTS(?)", ids
    ):
        found[id] = {"author_name": name, "text": body, "format": form, "edited": edited, "audience": []}
    for id, party in road.rows("select comment_id, party from audience where comment_id INTS(?)", ids):
        found[id]["audience"].append(party)
    return found


def _files(road: Road, ids: list[int]) -> dict[int, dict[str, Any]]:
    sql = "select id, author_name, name, mime, size, sha256, key, audience, remote from attachment where id INTS(?)"
    names = ("author_name", "name", "mime", "size", "sha256", "key", "audience", "remote")
    found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in road.rows(sql, ids)}
    for item in found.values():
        item["audience"], item["remote"] = plain.read(item["audience"]), plain.read(item["remote"])
    return found


def _worklogs(road: Road, ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = road.rows("select id, author_name, minutes, text, started_at from worklog where id INTS(?)", ids)
    return {row[0]: dict(zip(("author_name", "minutes", "text", "started_at"), row[1:], strict=True)) for row in rows}


_READ = {"comment": _comments, "file": _files, "worklog": _worklogs}
