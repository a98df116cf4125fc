"""The road: the five functions everything goes through. Read this first.

    receive   a webhook is verified, stored, answered
    process   what came in is gathered, planned and applied, in batches
    change    a person's wish, by the same plan and the same apply
    deliver   what is owed goes out, lane by lane, and its answers are settled by plan and apply again
    tick      what only the clock starts: polls, second looks, brakes

Each ends in ``apply(plan(facts))``. Nothing is lost between them: an arrival, a delivery, a lane are rows before
anybody acts on them, and ``wake`` only saves the wait for the next sweep (ENGINE.md 5-7).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from connectors import errors
from connectors.base import Arrival
from gateway import batch, planning
from gateway.decide.commands import Objection
from gateway.decide.facts import Command, Settled
from gateway.inbox import polling
from gateway.inbox.webhooks import Answer, Door
from gateway.journal import arrivals
from gateway.journal.arrivals import Stored
from gateway.outbox import attempt, breaker, lanes, retry
from gateway.outbox.claiming import claim
from gateway.outbox.steps import Step
from gateway.planning import Work
from gateway.providers.connection import set_state
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.ids import mint

Also = Callable[[Road, batch.Done], None]

BATCH = 64
GROUP, PATIENCE = 64, 0.010  # receipts settled together: so many, or when the oldest has waited so many seconds
LOOK_AGAIN = 2_000_000  # microseconds until an arrival that waits for one of our own attempts is looked at again
LATER = 900_000_000  # microseconds until a ticket that could not be told the time is asked again
BRAKE, BRAKE_SPAN = 60, 600_000_000  # writes in one lane within this span (microseconds): a loop


def receive(door: Door, connection: str, hook: Arrival) -> Answer:
    """Verify, store, answer."""
    return door.knock(connection, hook)


# --- process ---


def process(rt: Runtime, limit: int = BATCH) -> int:
    """Work off one batch of arrivals; how many there were. What fails alone is parked alone."""
    rt.crash("K2")
    try:
        return _process(rt, limit)
    except Exception as error:
        if rt.store.broken(error):
            raise
        rt.desks.load()
        return _one_by_one(rt, limit)


def _process(rt: Runtime, limit: int, only: int | None = None, broken: str = "") -> int:
    now = rt.now()
    with batch.opened(rt) as work:
        found = [one for one in arrivals.claim(work.road, limit, now) if only is None or one.id == only]
        if not found:
            return 0
        rt.desks.refresh(work.road)
        meant, dead = _meant(rt, found)
        if broken:
            meant, dead = [], [(only or 0, broken)]
        done = batch.carry_out(rt, work, meant)
        later = {w.arrival for w in done.later}
        ended = later | {id for id, _ in dead} | {id for id, _ in done.failed}
        arrivals.finish(
            work.road, [one.id for one in found if one.id not in ended], [(id, now + LOOK_AGAIN) for id in later if id],
            [*dead, *done.failed],
        )  # fmt: skip
    rt.crash("K1")
    done.after(rt)
    return len(found)


def _one_by_one(rt: Runtime, limit: int) -> int:
    with rt.store.road() as road:
        ids = [one.id for one in arrivals.claim(road, limit, rt.now())]
    for id in ids:
        try:
            _process(rt, limit, only=id)
        except Exception as error:
            if rt.store.broken(error):
                raise
            _process(rt, limit, only=id, broken=f"{type(error).__name__}: {error}")
    return len(ids)


def _meant(rt: Runtime, found: Iterable[Stored]) -> tuple[list[Work], list[tuple[int, str]]]:
    """What arrivals mean, and those that cannot be read."""
    meant: list[Work] = []
    dead: list[tuple[int, str]] = []
    for one in found:
        try:
            desk = rt.desks.desk(one.connection_id)
            found_in = planning.meant(one, desk, desk.people)
        except Exception as error:  # noqa: BLE001 - one arrival that nobody can read is parked, not the queue
            dead.append((one.id, f"{type(error).__name__}: {error}"))
        else:
            meant += found_in
    return meant, dead


# --- change ---


def change(rt: Runtime, wish: Command, ticket: int | None = None, also: Also | None = None) -> batch.Done:
    """Carry out what a person wants; raises ``decide.commands.Objection`` (and then nothing has changed). ``also`` is
    written in the same transaction: with the change, or not at all."""
    if wish.what == "create" and rt.desks.policies.ids:
        rt.histories.known(rt.now())  # once a day, and before anything is locked
    with batch.opened(rt, write=True) as work:
        done = batch.carry_out(rt, work, [Work(wish, ticket=ticket)], strict=True)
        if also is not None:
            also(work.road, done)
    rt.crash("K1")
    done.after(rt)
    return done


def each(rt: Runtime, wishes: Sequence[tuple[Command, int]]) -> dict[int, str]:
    """Carry out many wishes, each about a ticket: in one transaction if that goes, else one by one. Why, by its place,
    for every one that cannot be."""
    try:
        _together(rt, wishes)
        return {}
    except Exception as error:
        if rt.store.broken(error):
            raise
    failed: dict[int, str] = {}
    for number, wish in enumerate(wishes):
        try:
            _together(rt, [wish])
        except Objection as no:
            failed[number] = no.text
        except Exception as error:
            if rt.store.broken(error):
                raise
            failed[number] = f"{type(error).__name__}: {error}"
    return failed


def _together(rt: Runtime, wishes: Sequence[tuple[Command, int]]) -> None:
    with batch.opened(rt) as work:
        done = batch.carry_out(rt, work, [Work(wish, ticket=ticket) for wish, ticket in wishes], strict=True)
    done.after(rt)


# --- deliver ---


@dataclass(slots=True)
class _Flight:
    """What a drain has in the air: how many lanes a connection, and the answers that came back."""

    lanes: Counter[int]
    back: SimpleQueue[tuple[Step, Settled]]
    held: set[int]
    writes: Counter[int]  # updates so far, per link

    @property
    def total(self) -> int:
        return sum(self.lanes.values())


def deliver(rt: Runtime, budget: float = 60.0) -> int:
    """Send what is due until nothing is, or ``budget`` seconds are over; how many steps were settled."""
    flight = _Flight(Counter(), SimpleQueue(), set(), Counter())
    until = time.monotonic() + budget
    settled = 0
    look = True
    while True:
        if look and time.monotonic() < until:
            _take_off(rt, flight)
        if flight.total == 0:
            break
        ends = _land(flight)
        settle(rt, ends, () if flight.total else flight.held)
        settled += len(ends)
        flight.writes.update(step.link.id for step, _ in ends if step.kind == "update")
        if loops := [link for link, writes in flight.writes.items() if writes > BRAKE]:
            brake(rt, loops)
            flight.writes.clear()
        look = True  # settling made lanes due again, or made room
    return settled


def _take_off(rt: Runtime, flight: _Flight) -> None:
    """Claim due lanes as far as permits, breakers and sender threads allow, and send."""
    room = rt.senders - flight.total
    if room <= 0:
        return
    for step in claim(rt, room, flight.lanes, flight.held):
        flight.lanes[step.link.connection_id] += 1
        rt.crash("K3")
        rt.pool.submit(_fly, rt, step, flight.back)


def _fly(rt: Runtime, step: Step, back: SimpleQueue[tuple[Step, Settled]]) -> None:
    end = attempt.perform(step, rt.desks.desk(step.link.connection_id), rt.tools())
    rt.crash("K4")
    back.put((step, end))


def _land(flight: _Flight) -> list[tuple[Step, Settled]]:
    """The answers that are back: up to ``GROUP``, or all that came within ``PATIENCE`` of the first."""
    ends = [flight.back.get()]
    until = time.monotonic() + PATIENCE
    while len(ends) < min(GROUP, flight.total):
        try:
            ends.append(flight.back.get(timeout=max(0.0, until - time.monotonic())))
        except Empty:
            break
    for step, _ in ends:
        flight.lanes[step.link.connection_id] -= 1
    return ends


def settle(rt: Runtime, ends: list[tuple[Step, Settled]], free: Collection[int] = ()) -> None:
    """Plan and apply how steps ended, in one transaction; if that fails, one by one. ``free``: connections whose
    permits go back with it; if nothing can be settled they end by themselves."""
    ends = [(step, _scheduled(end)) for step, end in ends]
    try:
        _settle(rt, ends, free)
    except Exception as error:
        if rt.store.broken(error):
            raise
        for one in ends:
            try:
                _settle(rt, [one], free)
            except Exception:  # noqa: BLE001 - its lane's lease ends, and the lane looks what became of it
                attempt.LOG.exception("a step could not be settled", extra={"link": one[1].link_id})


def _scheduled(end: Settled) -> Settled:
    """A failure beyond the retry schedule is the end of that delivery."""
    if end.outcome == "retry" and end.deliveries and retry.wait(end.tries + 1, end.after, 0.5) is None:
        return batch.replaced(end, outcome="exhausted")
    return end


def _settle(rt: Runtime, ends: list[tuple[Step, Settled]], free: Collection[int]) -> None:
    with batch.opened(rt, write=True) as work:
        road, now = work.road, rt.now()
        fences = dict(road.rows("select link_id, fence from lane where link_id INTS(?)", [e.link_id for _, e in ends]))
        good = [(step, end) for step, end in ends if fences.get(end.link_id) == step.fence]
        lost = [step.link.id for step, end in ends if fences.get(end.link_id) != step.fence]
        if lost:  # another took the lane over: it fetches before it writes
            road.run("update link set verify = 1 where id INTS(?)", lost)
        planned = [Work(end, link=end.link_id) for _, end in good if end.outcome != "wait"]
        done = batch.carry_out(rt, work, planned)
        if done.failed:
            raise RuntimeError(f"steps cannot be settled: {done.failed}")
        rt.crash("K5")
        for connection, people in _people(good):
            rt.desks.know(road, connection, people, now)
        lanes.settle(road, [_lane(done, step, end, now) for step, end in good])
        for connection in free:
            lanes.hold(road, connection, rt.drain, 0, 0)
    rt.crash("K6")
    _record(rt, good)
    done.after(rt)


def _people(ends: list[tuple[Step, Settled]]) -> list[tuple[int, dict[str, dict[str, str]]]]:
    return [(step.link.connection_id, end.data["people"]) for step, end in ends if end.data.get("people")]


def _lane(done: batch.Done, step: Step, end: Settled, now: int) -> tuple[int | None, int, int, int]:
    """When a lane is due again: (due_at, failures in a row, link, fence)."""
    tries = step.lane_tries
    if end.outcome in ("retry", "unknown", "stale"):
        tries += 1
        wait = retry.wait(tries if end.outcome == "retry" else min(tries, 3), end.after, random.random())  # noqa: S311
        return now + int((wait or retry.SECONDS[-1]) * 1_000_000), tries, end.link_id, step.fence
    if end.outcome == "wait":
        return now + int((end.after or 1.0) * 1_000_000), tries, end.link_id, step.fence
    return (now if done.works(end.link_id) else None), 0, end.link_id, step.fence


def _record(rt: Runtime, ends: list[tuple[Step, Settled]]) -> None:
    """What the outcomes say about each connection's health; written only when it changes something."""
    ok: Counter[int] = Counter()
    bad: Counter[int] = Counter()
    said: dict[int, str] = {}
    for step, end in ends:
        if end.outcome in ("retry", "unknown") and end.after is None:
            bad[step.link.connection_id] += 1
            said[step.link.connection_id] = end.said
        elif end.outcome != "wait":
            ok[step.link.connection_id] += 1
    now = rt.now()
    changed = [c for c in {*ok, *bad} if bad[c] or rt.desks.troubled(c) or rt.desks.worth_telling("ok", c, now)]
    if changed:
        with rt.store.road(write=True) as road:
            for connection in changed:
                breaker.record(road, connection, ok[connection], bad[connection], said.get(connection, ""), now)
                rt.desks.trouble(connection, bool(bad[connection]) and not ok[connection])


# --- tick ---


def tick(rt: Runtime) -> int:
    """What only the clock starts: polls that are due, tickets whose time has come, lanes that write too often. How much
    was done."""
    with rt.store.road() as road:
        rt.desks.refresh(road)
        due = polling.due(road, rt.now())
        loops = _loops(road, rt.now())
        asleep = road.rows("select id from ticket where wake_at <= ? order by wake_at limit ?", rt.now(), BATCH)
    for connection in due:
        poll(rt, connection)
    if asleep:
        ring(rt, [row[0] for row in asleep])
    if loops:
        brake(rt, loops)
    return len(due) + len(asleep) + len(loops)


def ring(rt: Runtime, tickets: Sequence[int]) -> None:
    """Tell tickets that time has passed. One that cannot take it is said, and asked again later: it holds up nobody."""
    now = rt.now()
    whys = each(rt, [(Command("clock", "tandem", {}), ticket) for ticket in tickets])
    failed = {tickets[number]: why for number, why in whys.items()}
    with rt.store.road(write=True) as road:
        sql = "select id from ticket where id INTS(?) and wake_at <= ? order by id LOCK"
        late = [row[0] for row in road.rows(sql, list(tickets), now)]  # nobody else has seen to these meanwhile
        if not late:
            return
        sql = "select ticket_id from notice where ticket_id INTS(?) and kind = 'clock' and state = 'open'"
        told = {row[0] for row in road.rows(sql, late)}
        text = "what was due on this ticket could not be decided: {}"
        said = [id for id in late if id in failed and id not in told]
        rows = [(mint(), id, "clock", text.format(failed[id]), now) for id in said]
        road.insert(tables.notice, ("id", "ticket_id", "kind", "text", "created_at"), rows)
        road.run("update ticket set wake_at = ? where id INTS(?)", now + LATER, late)


def brake(rt: Runtime, links: list[int]) -> None:
    """Stop lanes until a person has seen who answers whom."""
    sql = "update lane set held = ?, due_at = null where link_id INTS(?) and held = ''"
    with rt.store.road(write=True) as road:
        road.run(sql, f"more than {BRAKE} writes in 10 minutes: this looks like a loop", links)


def _loops(road: Road, now: int) -> list[int]:
    """Lanes that wrote more often than any person would, since a person last let them go on."""
    sql = (
        "select a.link_id from attempt a join lane n on n.link_id = a.link_id where a.started_at > ?"
        " and a.started_at > coalesce(n.freed_at, 0) and a.kind = 'update' group by a.link_id having count(*) > ?"
    )
    return [row[0] for row in road.rows(sql, now - BRAKE_SPAN, BRAKE)]


def poll(rt: Runtime, connection: int) -> int:
    """Poll one connection now; how many arrivals were new. A failure is recorded, never raised."""
    after: float | None = None
    new = 0
    try:
        new = polling.poll(rt, connection)
    except errors.Unauthorized as error:
        with rt.store.write() as conn:
            set_state(conn, rt.key, connection, "unauthorized", error.said)
    except polling.Regressed as error:
        with rt.store.write() as conn:
            set_state(conn, rt.key, connection, "regressed", str(error))
    except errors.Outcome as error:
        after = error.after
        with rt.store.road(write=True) as road:
            sql = "update health set last_error_at = ?, last_error = ? where connection_id = ?"
            road.run(sql, rt.now(), error.said, connection)
    finally:
        with rt.store.road(write=True) as road:
            polling.schedule(road, connection, rt.now(), after)
    return new
