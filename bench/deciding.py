"""What do policies cost? The same work with the five policies that come with Tandem in force, and with none.

Everything runs in this process, on the embedded database, with nobody at the other end; seconds are processor time.
Both installations take turns, round after round, and the median round is told. ``creates``: requesters' tickets, one
transaction each; ``comments`` and ``updates``: a provider's, in batches of 64; ``idle``: ticks with ``tickets`` open
ones of which none is due; ``due``: ``due`` of them told the time, in batches of 64. Statements are those of one create,
one batch, one tick.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.seed import FIRST, seed
from gateway import batch, pipeline
from gateway.config import Config
from gateway.decide.facts import Command, ItemSeen, Observed
from gateway.people.users import By
from gateway.planning import Work
from gateway.providers import policies
from gateway.runtime import Runtime
from gateway.store.db import Road

SIDES = ("none", "policies")
DONE = ("creates", "comments", "updates", "idle", "due")
STATUSES = ("open", "working")
CHUNK = 64
TITLES = (
    "The printer on floor {} prints blank pages",
    "VPN to site {} drops",
    "Please install version {} of the client",
)


@dataclass(frozen=True)
class Scale:
    """How much in each of ``rounds``; of ``tickets`` open ones ``due`` are due."""

    rounds: int = 3
    creates: int = 150
    burst: int = 640  # comments, and updates
    tickets: int = 10_000
    idle: int = 200
    due: int = 1_000


@dataclass
class Side:
    """An installation. ``clock``: its time, microseconds; ``sent``: webhooks so far; ``asked``: tickets so far."""

    rt: Runtime
    clock: int
    sent: int = 0
    asked: int = 0
    took: dict[str, list[float]] = field(default_factory=dict)
    statements: dict[str, int] = field(default_factory=dict)

    def now(self) -> int:
        self.clock += 10
        return self.clock


def run(scale: Scale) -> dict[str, Any]:
    """Measure; a JSON document: by what was done, events a second and statements of either side, and the ratio."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        sides = {name: _side(Path(folder) / name, name == "policies", scale) for name in SIDES}
        try:
            for number in range(scale.rounds):
                for side in list(sides.values())[:: 1 if number % 2 else -1]:
                    _round(side, scale)
            return {**vars(scale), **{what: _told(sides, what) for what in DONE}}
        finally:
            for side in sides.values():
                side.rt.close()


def _side(home: Path, governed: bool, scale: Scale) -> Side:
    home.mkdir()
    config = Config.load({"TANDEM_HOME": str(home)})
    seed(config, "http://127.0.0.1:9", scale.tickets)
    rt = Runtime.open(config)
    side = Side(rt, rt.now())
    rt.now, rt._told_at = side.now, float("inf")  # type: ignore[method-assign]
    if governed:
        with rt.store.write() as conn:
            policies.adopt(conn, By("user:1", rt.key, side.now()), "they come with Tandem")
    rt.desks.load()
    for _ in range(CHUNK):  # what is read once a day has been read
        pipeline.change(rt, _asks(side))
    _settle(side)
    return side


def _settle(side: Side) -> None:
    """Every open ticket has its clocks, and none is due."""
    while pipeline.tick(side.rt):
        pass


def _round(side: Side, scale: Scale) -> None:
    rt = side.rt
    wishes = [_asks(side) for _ in range(scale.creates)]
    _timed(side, "creates", scale.creates, lambda: [pipeline.change(rt, wish) for wish in wishes], scale.creates)
    for what, seen in (("comments", _comment), ("updates", _update)):
        works = [seen(side, scale) for _ in range(scale.burst)]
        batches = [works[at : at + CHUNK] for at in range(0, scale.burst, CHUNK)]
        _timed(side, what, scale.burst, lambda them=batches: [_carried(rt, one) for one in them], len(batches))
    _settle(side)
    _timed(side, "idle", scale.idle, lambda: [pipeline.tick(rt) for _ in range(scale.idle)], scale.idle)
    with rt.store.road(write=True) as road:
        ids = [row[0] for row in road.rows("select id from ticket order by id limit ?", scale.due)]
        road.run("update ticket set wake_at = ? where id INTS(?)", side.clock, ids)
    rings = -(-scale.due // pipeline.BATCH)
    _timed(side, "due", scale.due, lambda: _until_idle(lambda: pipeline.tick(rt)), rings)


def _carried(rt: Runtime, works: list[Work]) -> None:
    with batch.opened(rt) as work:
        done = batch.carry_out(rt, work, works)
    if done.failed or done.later:
        raise SystemExit(f"not planned: {done.failed or done.later}")


def _until_idle(work: Callable[[], int]) -> None:
    while work():
        pass


def _timed(side: Side, what: str, events: int, act: Callable[[], object], times: int) -> None:
    with _counted() as count:
        began = time.process_time()
        act()
        took = time.process_time() - began
    side.took.setdefault(what, []).append(took / max(events, 1))
    side.statements[what] = round(count[0] / max(times, 1))


@contextmanager
def _counted() -> Iterator[list[int]]:
    """How many statements the road has sent."""
    count, rows, run = [0], Road.rows, Road.run

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            count[0] += 1
            return real(*given, **named)

        return call

    Road.rows, Road.run = counted(rows), counted(run)  # type: ignore[method-assign]
    try:
        yield count
    finally:
        Road.rows, Road.run = rows, run  # type: ignore[method-assign]


def _seen(side: Side, scale: Scale, fields: dict[str, Any], items: tuple[ItemSeen, ...] | None) -> Work:
    """Something of the next ticket was seen at the desk that has it."""
    side.sent += 1
    remote, connection = str(FIRST + side.sent % scale.tickets), side.rt.desks.id_of("acme")
    assert connection is not None
    seen = Observed("webhook", connection, remote, str(1 + side.sent), fields, items=items)
    return Work(seen, connection, remote)


def _comment(side: Side, scale: Scale) -> Work:
    told = f"We have looked at it: {side.sent}"
    one = ItemSeen("comment", f"c{side.sent}", "paula", "Paula", "reply", told, "plain", "", told, side.clock)
    return _seen(side, scale, {}, (one,))


def _update(side: Side, scale: Scale) -> Work:
    return _seen(side, scale, {"title": f"The VPN drops, {side.sent}", "status": STATUSES[side.sent % 2]}, None)


def _asks(side: Side) -> Command:
    """Somebody else each time, about another thing."""
    side.asked += 1
    who = f"p{side.asked}@company.example"
    fields = {"title": TITLES[side.asked % 3].format(side.asked), "requester": {"email": who}, "category": "network"}
    return Command("create", f"requester:{who}", {"fields": fields, "channel": "portal"}, party="requester")


def _told(sides: dict[str, Side], what: str) -> dict[str, Any]:
    seconds = {name: statistics.median(side.took[what]) for name, side in sides.items()}
    return {
        "per_s": {name: round(1 / took) for name, took in seconds.items()},
        "ms": {name: round(took * 1000, 3) for name, took in seconds.items()},
        "ratio": round(seconds["policies"] / seconds["none"], 2),
        "statements": {name: side.statements[what] for name, side in sides.items()},
    }


def told(found: dict[str, Any]) -> str:
    """The figures in a table."""
    lines = [f"{'':10}{'none/s':>10}{'policies/s':>12}{'ratio':>8}{'statements':>16}"]
    for what in DONE:
        one = found[what]
        counts = f"{one['statements']['none']} / {one['statements']['policies']}"
        rates = one["per_s"]
        lines.append(f"{what:10}{rates['none']:>10,}{rates['policies']:>12,}{one['ratio']:>8}{counts:>16}")
    return "\n".join(lines)
